"""TADAM, against hand computation, ProtoNet, and a plain pass image by image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import TaskSpec
from bench.backbones import Backbone, ConvNet, find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

WAYS, SHAPE, BLOCKS, FILTERS = 3, (1, 12, 12), 2, 4
BACKBONE = Backbone(
    "small",
    "",
    "images",
    lambda shape, norm: ConvNet(shape, blocks=BLOCKS, filters=FILTERS, pool=True, norm=norm),
)


@pytest.fixture
def make(registry: Registry) -> Callable[..., Any]:
    """Builds a method in double precision with running averages that are no trivial ones."""

    def build(name: str = "tadam", base_classes: int = 0, **parameters: Any) -> Any:
        torch.manual_seed(0)
        spec = TaskSpec(SHAPE, WAYS, 2, BACKBONE, base_classes=base_classes)
        algorithm = registry.algorithm(name)(spec, **parameters).double()
        for module in algorithm.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean += 0.1 * torch.randn(FILTERS)
                module.running_var += torch.rand(FILTERS)
                module.bias.data += 0.1 * torch.randn(FILTERS)
        return algorithm

    return build


def conditioned(algorithm: Any) -> Any:
    """Gives the multipliers of all layers values other than zero."""
    for number, ten in enumerate(algorithm.tens):
        ten.multipliers.data = torch.tensor([0.8, -0.5 - number], dtype=torch.float64)
    return algorithm


def episode(seed: int = 0, ways: int = WAYS, shots: int = 2) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(ways * each, *SHAPE, generator=generator, dtype=torch.float64)
        labels = torch.arange(ways).repeat(each)
        return Examples(inputs, labels[torch.randperm(len(labels), generator=generator)], ways)

    return Episode(part(shots), part(3), torch.arange(ways) + seed)


def film_of(network: Any, multiplier: Tensor, task: Tensor) -> Tensor:
    """Returns what a residual network of the TEN gives, by its weights alone, times multiplier."""
    a, b, c = [(layer.weight, layer.bias) for layer in network]
    first = a[0] @ task + a[1]
    first = first * torch.sigmoid(first)
    second = b[0] @ first + b[1] + first
    second = second * torch.sigmoid(second)
    film: Tensor = multiplier * (c[0] @ second + c[1] + second)
    return film


def features_of(algorithm: Any, image: Tensor, task: Tensor | None) -> Tensor:
    """Returns the features (d,) of one image in evaluation, modulated for a task embedding."""
    net, maps = algorithm.network.embedding, image.unsqueeze(0)
    for number in range(BLOCKS):
        norm = net.norms[number]
        maps = F.conv2d(maps, net.convolutions[number].weight, padding=1)
        maps = (maps - norm.running_mean[:, None, None]) / (norm.running_var + norm.eps).sqrt()[
            :, None, None
        ]
        maps = norm.weight[:, None, None] * maps + norm.bias[:, None, None]
        maps = F.max_pool2d(maps, 2)
        if task is not None:
            ten = algorithm.tens[number]
            scale = 1 + film_of(ten.scale, ten.multipliers[0], task)
            shift = film_of(ten.shift, ten.multipliers[1], task)
            maps = scale[:, None, None] * maps + shift[:, None, None]
        maps = maps.clamp(min=0)
    return maps.flatten()


def means_of(algorithm: Any, support: Examples, task: Tensor | None) -> Tensor:
    members = [
        [features_of(algorithm, image, task) for image in support.inputs[support.targets == label]]
        for label in range(support.n_way)
    ]
    return torch.stack([torch.stack(each).mean(0) for each in members])


def plain_loss(algorithm: Any, one: Episode) -> Tensor:
    """Returns the cross-entropy over scaled distances, written out anew, image by image."""
    task = means_of(algorithm, one.support, None).mean(0)
    prototypes = means_of(algorithm, one.support, task)
    query = torch.stack([features_of(algorithm, image, task) for image in one.query.inputs])
    distances = (query[:, None] - prototypes[None]).square().sum(-1)
    return F.cross_entropy(-algorithm.log_scale.exp() * distances, one.query.targets)


def test_before_training_it_is_protonet_with_a_scale(make: Callable[..., Any]) -> None:
    protonet, algorithm = make("protonet").eval(), make(scale=2.5).eval()
    protonet.embedding.load_state_dict(algorithm.network.embedding.state_dict())
    one = episode()
    expected = 2.5 * protonet.adapt(one.support)(one.query.inputs)
    torch.testing.assert_close(algorithm.adapt(one.support)(one.query.inputs), expected)


def test_a_training_step_has_the_loss_and_gradient_of_a_plain_pass_image_by_image(
    make: Callable[..., Any],
) -> None:
    algorithm = conditioned(make(scale=0.3, penalty=0.0)).eval()
    episodes = [episode(seed) for seed in range(3)]
    expected = torch.stack([plain_loss(algorithm, one) for one in episodes]).mean()
    slopes = torch.autograd.grad(expected, list(algorithm.parameters()))
    loss = algorithm.train_step(episodes, torch.optim.SGD(algorithm.parameters(), lr=0.0))
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for (name, parameter), slope in zip(algorithm.named_parameters(), slopes, strict=True):
        assert slope.norm() > 1e-6, name
        torch.testing.assert_close(parameter.grad, slope, rtol=1e-9, atol=1e-11, msg=name)


def test_another_task_sees_the_same_query_otherwise(make: Callable[..., Any]) -> None:
    # Moved by the same images, prototypes of a task-blind space would stay where they are.
    algorithm = conditioned(make()).eval()
    one, other = episode(0), episode(1)
    longer = Examples(
        torch.cat([one.support.inputs, other.support.inputs]),
        torch.cat([one.support.targets, other.support.targets + WAYS]),
        2 * WAYS,
    )
    alone = algorithm.adapt(one.support)(one.query.inputs).log_softmax(-1)
    among = algorithm.adapt(longer)(one.query.inputs)[:, :WAYS].log_softmax(-1)
    assert (alone - among).abs().max() > 1e-3


def test_squares_of_multipliers_cost_half_the_penalty(make: Callable[..., Any]) -> None:
    # With a TEN that says nothing, multipliers 0.8 and -0.5, 0.8 and -1.5 change nothing but the
    # penalty, 0.1 / 2 * (0.64 + 0.25 + 0.64 + 2.25) = 0.189.
    algorithm = make(penalty=0.1).eval()
    for ten in algorithm.tens:
        for parameter in (*ten.scale.parameters(), *ten.shift.parameters()):
            nn.init.zeros_(parameter)
    before = algorithm.loss(episode()).item()
    after = conditioned(algorithm).loss(episode()).item()
    assert after - before == pytest.approx(0.189)


def test_the_auxiliary_loss_is_that_of_the_true_classes_and_fades(
    make: Callable[..., Any],
) -> None:
    # The classes behind labels 0, 1, 2 of this episode are 5, 6, 7 of 10. With weights zero and
    # biases b_i = i the cross-entropy is log(sum e^i) minus the class's number, 6 on average.
    with_it = make(base_classes=10, auxiliary=0.5, anneal_over=40)
    without = make(base_classes=10, auxiliary=0.0)
    without.load_state_dict(with_it.state_dict())
    for algorithm in (with_it, without):
        nn.init.zeros_(algorithm.all_classes.weight)
        algorithm.all_classes.bias.data = torch.arange(10).double()
    one = episode(5)
    whole = math.log(sum(math.exp(i) for i in range(10))) - 6
    for step in range(5):
        weight = 0.5 * 0.9 ** (step // 2)  # 20 falls in 40 steps
        more = with_it.train().loss(one) - without.train().loss(one)
        assert more.item() == pytest.approx(weight * whole)


def test_what_is_fitted_first_are_the_multipliers(make: Callable[..., Any]) -> None:
    algorithm = make().train()
    algorithm.loss(episode()).backward()
    for ten in algorithm.tens:
        assert ten.multipliers.grad.abs().min() > 0
        assert all(p.grad.abs().max() == 0 for p in ten.scale.parameters())


def test_it_takes_any_way_any_order_and_judges_queries_alone(make: Callable[..., Any]) -> None:
    algorithm = conditioned(make()).eval()
    for ways, shots in ((2, 1), (5, 3)):
        one = episode(3, ways, shots)
        answer = algorithm.adapt(one.support)(one.query.inputs)
        assert answer.shape == (3 * ways, ways)
        shuffled = one.support.at(torch.randperm(ways * shots))
        again = algorithm.adapt(shuffled)(one.query.inputs[:2])
        torch.testing.assert_close(again, answer[:2])
    assert algorithm.any_way
    assert algorithm.transduction == ""


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scale": 0.0}, "must be positive"),
        ({"anneal_over": 0}, "must be positive"),
        ({"penalty": -1.0}, "must not be negative"),
        ({"auxiliary": -0.1}, "must not be negative"),
    ],
)
def test_wrong_hyperparameters_are_refused(
    wrong: dict[str, Any], message: str, build: Callable[..., Any]
) -> None:
    with pytest.raises(BenchError, match=message):
        build("tadam", **wrong)


def test_a_backbone_without_blocks_is_refused_with_those_that_work(registry: Registry) -> None:
    with pytest.raises(BenchError, match=r"mlp has no blocks .* --backbone conv4"):
        registry.algorithm("tadam")(TaskSpec((2,), WAYS, 1, find_backbone("mlp")))


def test_it_learns(make_stream: Callable[..., EpisodeStream], registry: Registry) -> None:
    torch.manual_seed(0)
    stream = make_stream(classes=30, each=20, ways=5, shots=1)
    spec = TaskSpec(SHAPE, 5, 1, BACKBONE, base_classes=30)
    make: Any = registry.algorithm("tadam")
    algorithm = make(spec, lr=0.01, anneal_over=30)
    optimizer, losses = algorithm.optimizer(), []
    for step in range(21):
        if step % 20 == 0:
            losses.append(evaluate(algorithm, stream, 40, seed=0).loss.mean())
        algorithm.train()
        algorithm.train_step(stream.episodes(1000 + 4 * step, 4), optimizer)
    assert losses[1] < losses[0] / 2
