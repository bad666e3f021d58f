"""CAVIA, against hand computation, a plain loop over tasks, and finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import TaskSpec
from bench.backbones import Backbone, ConvNet, find_backbone
from bench.cli import run_command_line
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.registry import Registry
from bench.tasks import CLASSIFICATION, REGRESSION, Task

WAYS, SHAPE = 3, (1, 12, 12)


def small(pool: bool) -> Backbone:
    def make(shape: tuple[int, ...], norm: Any) -> ConvNet:
        return ConvNet(shape, blocks=3, filters=4, pool=pool, norm=norm)

    return Backbone("small", "", "images", make)


POOLING, STRIDED, MLP = small(True), small(False), find_backbone("mlp-40")


@pytest.fixture
def cavia(registry: Registry) -> Callable[..., Any]:
    """Builds CAVIA in double precision, with the same weights each time."""

    def make(
        backbone: Backbone = POOLING,
        shape: tuple[int, ...] = SHAPE,
        task: Task = CLASSIFICATION,
        **parameters: Any,
    ) -> Any:
        torch.manual_seed(0)
        spec = TaskSpec(shape, WAYS if task == CLASSIFICATION else 1, 2, backbone, task, 2)
        parameters = {
            "context": 6,
            "inner_lr": 0.7,
            "layer": 2 if backbone is not MLP else 1,
            **parameters,
        }
        algorithm = registry.algorithm("cavia")(spec, **parameters).double()
        for parameter in algorithm.parameters():  # biases and norms that are neither 0 nor 1
            parameter.data += 0.1 * torch.randn_like(parameter)
        return algorithm

    return make


def episode(seed: int = 0, shape: tuple[int, ...] = SHAPE, task: Task = CLASSIFICATION) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(WAYS * each, *shape, generator=generator, dtype=torch.float64)
        if task == REGRESSION:
            targets = torch.randn(WAYS * each, 2, generator=generator, dtype=torch.float64)
            return Examples(inputs, targets, 1)
        labels = torch.arange(WAYS).repeat(each)
        return Examples(inputs, labels[torch.randperm(len(labels), generator=generator)], WAYS)

    return Episode(part(2), part(3), torch.arange(WAYS))


def freeze_norms(algorithm: nn.Module) -> None:
    """Makes batch norm use running averages, which are made to be no trivial ones."""
    for module in algorithm.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            if module.running_mean is not None and module.running_var is not None:
                module.running_mean += 0.1 * torch.randn(4)
                module.running_var += torch.rand(4)


def plain_network(algorithm: Any, inputs: Tensor, context: Tensor) -> Tensor:
    """Returns one task's answers, by torch's functions on the weights, written out anew."""
    weights = dict(algorithm.named_parameters())
    if hasattr(algorithm.body, "film"):
        net, maps = algorithm.body.network.embedding, inputs
        for number in range(3):
            norm = net.norms[number]
            maps = F.conv2d(
                maps, net.convolutions[number].weight, stride=1 if net.pool else 2, padding=1
            )
            maps = F.batch_norm(
                maps,
                norm.running_mean,
                norm.running_var,
                norm.weight,
                norm.bias,
                training=norm.running_mean is None,
            )
            if net.pool:
                maps = F.max_pool2d(maps, 2)
            if number == algorithm.layer - 1:
                film = weights["body.film.weight"] @ context + weights["body.film.bias"]
                scale, shift = film[:4, None, None], film[4:, None, None]
                maps = maps + scale * maps + shift
            maps = F.relu(maps)
        features = maps.flatten(1) if net.pool else maps.mean((2, 3))
    else:
        rows = [torch.cat([one.flatten(), context]) for one in inputs]
        features = torch.stack(rows)
        for layer in algorithm.body.network.layers:
            features = F.relu(features @ layer.weight.T + layer.bias)
    answer: Tensor = features @ weights["head.weight"].T + weights["head.bias"]
    return answer


def plain_loss(algorithm: Any, one: Episode) -> Tensor:
    """Returns the loss of one task after the steps that autograd works out."""
    measure = F.mse_loss if algorithm.spec.task == REGRESSION else F.cross_entropy
    context = torch.zeros(algorithm.context, dtype=torch.float64, requires_grad=True)
    for _ in range(algorithm.inner_steps):
        loss = measure(plain_network(algorithm, one.support.inputs, context), one.support.targets)
        (slope,) = torch.autograd.grad(loss, context, create_graph=not algorithm.first_order)
        context = context - algorithm.inner_lr * slope
    return measure(plain_network(algorithm, one.query.inputs, context), one.query.targets)


CASES: dict[str, dict[str, Any]] = {
    "images": {},
    "strided": {"backbone": STRIDED},
    "last block": {"layer": 3},
    "first order": {"first_order": True},
    "batch statistics": {"norm": "batch"},
    "vectors": {"backbone": MLP, "shape": (3,)},
    "regression": {"backbone": MLP, "shape": (3,), "task": REGRESSION},
}


@pytest.mark.parametrize("case", CASES)
def test_a_training_step_has_the_loss_and_gradient_of_tasks_one_at_a_time(
    case: str, cavia: Callable[..., Any]
) -> None:
    algorithm = cavia(inner_lr=0.7, inner_steps=2, **CASES[case]).train()
    freeze_norms(algorithm)
    kind = algorithm.spec
    episodes = [episode(seed, kind.input_shape, kind.task) for seed in range(4)]
    expected = torch.stack([plain_loss(algorithm, one) for one in episodes]).mean()
    slopes = torch.autograd.grad(expected, list(algorithm.parameters()))
    loss = algorithm.train_step(episodes, torch.optim.SGD(algorithm.parameters(), lr=0.0))
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert any(slope.norm() > 1e-2 for slope in slopes)
    for (name, parameter), slope in zip(algorithm.named_parameters(), slopes, strict=True):
        torch.testing.assert_close(parameter.grad, slope, rtol=1e-9, atol=1e-11, msg=name)


def test_second_derivatives_make_a_difference(cavia: Callable[..., Any]) -> None:
    gradients = []
    for first_order in (False, True):
        algorithm = cavia(first_order=first_order).train()
        freeze_norms(algorithm)
        slopes = torch.autograd.grad(algorithm.loss(episode()), list(algorithm.parameters()))
        gradients.append(torch.cat([slope.flatten() for slope in slopes]))
    assert (gradients[0] - gradients[1]).norm() > 1e-2 * gradients[0].norm()


def test_the_step_and_its_meta_gradient_are_those_worked_out_by_hand(
    registry: Registry,
) -> None:
    # The prediction is x + 2c + 0.5. At x = 1, y = 3 with c = 0 the error is -1.5, the slope in c
    # is 2 * -1.5 * 2 = -6, so c becomes 0.6 with a rate of 0.1. At x = 2 that predicts 3.7, which
    # is 1.7 above y = 2. With u the weight of c, c = -0.1 * 2u(1.5 - 3) = 0.3u, and the
    # prediction at 2 is 2.5 + 0.3u^2, whose slope in u is 1.2: the loss's is 2 * 1.7 * 1.2 = 4.08.
    # In first order c is a constant, and it is 2 * 1.7 * 0.6 = 2.04.
    for first_order, slope in ((False, 4.08), (True, 2.04)):
        spec = TaskSpec((1,), 1, 1, find_backbone("identity"), REGRESSION)
        make: Any = registry.algorithm("cavia")
        algorithm = make(spec, context=1, inner_lr=0.1, inner_steps=1, first_order=first_order)
        algorithm.head.weight.data = torch.tensor([[1.0, 2.0]])
        algorithm.head.bias.data = torch.tensor([0.5])
        support = Examples(torch.tensor([[1.0]]), torch.tensor([[3.0]]), 1)
        query = Examples(torch.tensor([[2.0]]), torch.tensor([[2.0]]), 1)
        algorithm.train()
        assert algorithm.adapt(support)(query.inputs).item() == pytest.approx(3.7)
        algorithm.loss(Episode(support, query, torch.zeros(1))).backward()
        assert algorithm.head.weight.grad[0, 1].item() == pytest.approx(slope, rel=1e-5)


def test_a_meta_gradient_is_clamped_at_ten(registry: Registry) -> None:
    spec = TaskSpec((1,), 1, 1, find_backbone("identity"), REGRESSION)
    make: Any = registry.algorithm("cavia")
    algorithm = make(spec, context=1, inner_lr=1e-6)
    far = Examples(torch.tensor([[0.5]]), torch.tensor([[-100.0]]), 1)
    algorithm.train_step([Episode(far, far, torch.zeros(1))], algorithm.optimizer())
    assert algorithm.head.bias.grad.item() == 10.0


@pytest.mark.parametrize("backbone", [POOLING, STRIDED])
def test_an_empty_context_leaves_the_network_as_it_is(
    backbone: Backbone, registry: Registry
) -> None:
    algorithm: Any = registry.algorithm("cavia")(TaskSpec(SHAPE, WAYS, 1, backbone)).eval()
    freeze_norms(algorithm)
    body, inputs = algorithm.body, torch.randn(2, 5, *SHAPE)
    features = body.above(body.below(inputs), torch.zeros(2, 100))
    expected = body.network.embedding(inputs.flatten(0, 1))
    torch.testing.assert_close(features.flatten(0, 1), expected)


def test_a_step_goes_down_the_slope_that_finite_differences_measure(
    cavia: Callable[..., Any],
) -> None:
    algorithm = cavia(inner_lr=0.5, test_steps=1).eval()
    freeze_norms(algorithm)
    one = episode()

    def loss(context: Tensor) -> float:
        return F.cross_entropy(
            plain_network(algorithm, one.support.inputs, context), one.support.targets
        ).item()

    with torch.no_grad():
        steps = 1e-6 * torch.eye(6, dtype=torch.float64)
        slope = torch.tensor([(loss(step) - loss(-step)) / 2e-6 for step in steps])
        expected = plain_network(algorithm, one.query.inputs, -0.5 * slope.double())
    assert slope.norm() > 1e-2
    answer = algorithm.adapt(one.support)(one.query.inputs)
    torch.testing.assert_close(answer, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["body.film.weight", "head.weight"])
def test_the_meta_gradient_is_the_slope_of_the_loss(name: str, cavia: Callable[..., Any]) -> None:
    algorithm = cavia(inner_steps=2).train()
    freeze_norms(algorithm)
    parameter = algorithm.get_parameter(name)
    (slope,) = torch.autograd.grad(algorithm.loss(episode()), parameter)
    direction = torch.randn(parameter.shape, dtype=torch.float64)
    losses = []
    for step in (1e-6, -2e-6):
        parameter.data += step * direction
        losses.append(algorithm.loss(episode()).item())
    measured = (losses[0] - losses[1]) / 2e-6
    assert (slope * direction).sum().item() == pytest.approx(measured, rel=1e-5)


def test_queries_are_judged_alone_unless_it_says_otherwise(cavia: Callable[..., Any]) -> None:
    for norm, alone in (("running", True), ("batch", False)):
        algorithm = cavia(norm=norm).eval()
        before = {name: tensor.clone() for name, tensor in algorithm.state_dict().items()}
        query = episode().query.inputs
        predict = algorithm.adapt(episode().support)
        same = torch.allclose(predict(query)[:2], predict(query[:2]), rtol=1e-12, atol=1e-12)
        assert same is alone
        assert (algorithm.transduction == "") is alone
        for name, tensor in algorithm.state_dict().items():
            assert torch.equal(tensor, before[name]), name


def test_it_takes_other_numbers_of_steps_in_training_and_in_test(cavia: Callable[..., Any]) -> None:
    algorithm = cavia(inner_steps=1, test_steps=3)
    freeze_norms(algorithm.eval())
    three = cavia(inner_steps=3)
    three.load_state_dict(algorithm.state_dict())
    expected = plain_loss(three.eval(), episode()).item()
    answer = algorithm.adapt(episode().support)(episode().query.inputs)
    assert F.cross_entropy(answer, episode().query.targets).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"inner_lr": 0.0}, "must be positive"),
        ({"context": 0}, "must be positive"),
        ({"inner_steps": 0}, "must be positive"),
        ({"test_steps": 0}, "must be positive"),
        ({"layer": 0}, "blocks 1 to 4"),
        ({"layer": 5}, "blocks 1 to 4"),
    ],
)
def test_wrong_hyperparameters_are_refused(
    wrong: dict[str, Any], message: str, build: Callable[..., Any]
) -> None:
    with pytest.raises(BenchError, match=message):
        build("cavia", **wrong)


def test_a_backbone_without_blocks_is_refused_with_those_that_work(registry: Registry) -> None:
    strange = Backbone("strange", "", "images", find_backbone("identity").make)
    with pytest.raises(BenchError, match=r"strange has no blocks .* conv4-strided or conv6"):
        registry.algorithm("cavia")(TaskSpec(SHAPE, WAYS, 1, strange))


def test_it_learns(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accuracies = []
    for steps in ("1", "100"):
        arguments = ["--algo", "cavia", "--data", "gaussians", "--steps", steps]
        assert run_command_line(["run", *arguments, "--episodes", "100"]) == 0
        accuracies.append(float(capsys.readouterr().out.split("shot: ")[1].split("%")[0]))
    assert accuracies[1] > accuracies[0] + 10
