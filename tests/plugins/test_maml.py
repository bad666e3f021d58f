"""MAML: meta-gradients against finite differences, inner steps against formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import Backbone, ConvNet, Embedding
from bench.episodes import Episode, Examples
from bench.pool import EpisodeStream
from bench.registry import Registry

WAYS = 3


class Flat(Embedding):
    """No embedding at all: what is left is softmax regression."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out_features = features

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)


class Smooth(Embedding):
    """Two small layers without kinks."""

    out_features = 4

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(features, 5), nn.Linear(5, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.second(torch.tanh(self.first(inputs.flatten(1)))))


BACKBONES = {
    "flat": Backbone("flat", "", "anything", lambda shape, norm: Flat(shape[0])),
    "smooth": Backbone("smooth", "", "anything", lambda shape, norm: Smooth(shape[0])),
    "conv": Backbone(
        "conv",
        "",
        "images",
        lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
    ),
    "strided": Backbone(
        "strided",
        "",
        "images",
        lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=False, norm=norm),
    ),
}
SHAPES = {"flat": (2,), "smooth": (6,), "conv": (1, 8, 8), "strided": (1, 8, 8)}

Make = Callable[..., Algorithm]


@pytest.fixture(scope="module")
def make(registry: Registry) -> Make:
    def build(backbone: str, ways: int = WAYS, **parameters: Any) -> Algorithm:
        torch.manual_seed(0)
        spec = TaskSpec(SHAPES[backbone], ways, 2, BACKBONES[backbone])
        algorithm: Algorithm = registry.algorithm("maml")(spec, **parameters)
        return algorithm.double().train()

    return build


def task(backbone: str, seed: int = 0) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(
            WAYS * each, *SHAPES[backbone], generator=generator, dtype=torch.float64
        )
        return Examples(inputs, torch.arange(WAYS).repeat(each), WAYS)

    return Episode(part(2), part(3), torch.arange(WAYS))


def gradient(algorithm: Algorithm, episode: Episode) -> list[Tensor]:
    return list(torch.autograd.grad(algorithm.loss(episode), list(algorithm.parameters())))


def assert_close(one: Sequence[Tensor], other: Sequence[Tensor], tolerance: float) -> None:
    flat_one, flat_other = (torch.cat([t.flatten() for t in ts]) for ts in (one, other))
    assert flat_other.norm() > 1e-4, "a gradient of zero would prove nothing"
    assert ((flat_one - flat_other).norm() / flat_other.norm()).item() < tolerance


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    ("backbone", "norm"),
    [("smooth", "batch"), ("conv", "batch"), ("conv", "running"), ("strided", "batch")],
)
def test_the_meta_gradient_is_the_slope_of_the_loss_after_adaptation(
    backbone: str, norm: str, steps: int, make: Make
) -> None:
    algorithm = make(backbone, inner_steps=steps, inner_lr=0.3, norm=norm)
    episode = task(backbone, seed=1)
    slopes = gradient(algorithm, episode)
    parameters = list(algorithm.parameters())
    generator = torch.Generator().manual_seed(1)
    length = 1e-7  # short, lest a ReLU or a maximum flip in between

    def loss_at(direction: Sequence[Tensor], distance: float) -> float:
        with torch.no_grad():
            for parameter, part in zip(parameters, direction, strict=True):
                parameter.add_(part, alpha=distance)
        loss = algorithm.loss(episode).item()
        with torch.no_grad():
            for parameter, part in zip(parameters, direction, strict=True):
                parameter.sub_(part, alpha=distance)
        return loss

    for _ in range(5):
        direction = [
            torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters
        ]
        measured = (loss_at(direction, length) - loss_at(direction, -length)) / (2 * length)
        claimed = sum((s * d).sum().item() for s, d in zip(slopes, direction, strict=True))
        assert abs(claimed) > 1e-3, "a slope of zero would prove nothing"
        assert abs(claimed - measured) < 1e-6 * abs(measured)


def by_hand(algorithm: Algorithm, episode: Episode, steps: int, rate: float) -> list[Tensor]:
    """Returns first-order MAML's gradient: that of the query loss at the adapted weights."""
    network = algorithm.network
    assert isinstance(network, nn.Module)
    start = {name: p.detach().clone() for name, p in network.named_parameters()}
    for part, last in [(episode.support, False)] * steps + [(episode.query, True)]:
        network.zero_grad()
        F.cross_entropy(network(part.inputs), part.targets).backward()  # type: ignore[no-untyped-call]
        slopes = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
        if not last:
            with torch.no_grad():
                for name, p in network.named_parameters():
                    p.sub_(slopes[name], alpha=rate)
    found = [slope.clone() for slope in slopes.values()]
    with torch.no_grad():
        for name, p in network.named_parameters():
            p.copy_(start[name])
    return found


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("backbone", ["smooth", "conv"])
def test_first_order_takes_the_gradient_at_the_adapted_weights_as_it_is(
    backbone: str, steps: int, make: Make
) -> None:
    episode = task(backbone)
    first = make(backbone, inner_steps=steps, inner_lr=0.3, first_order=True)
    second = make(backbone, inner_steps=steps, inner_lr=0.3)
    expected = by_hand(make(backbone), episode, steps, 0.3)
    assert_close(gradient(first, episode), expected, 1e-12)
    with pytest.raises(AssertionError):
        assert_close(gradient(second, episode), expected, 1e-3)


def test_first_and_second_order_adapt_alike(make: Make) -> None:
    episode = task("smooth")
    one, other = make("smooth", inner_steps=2), make("smooth", inner_steps=2, first_order=True)
    assert torch.equal(one.loss(episode), other.loss(episode))


def test_one_inner_step_on_softmax_regression_is_the_one_computed_by_hand(make: Make) -> None:
    # All weights zero: both classes have probability 1/2. The slope of the mean loss is the mean
    # of (p - y) x: for class 0 ((1/2 - 1) (1, 0) + (1/2) (0, 2)) / 2 = (-1/4, 1/2), for class 1
    # the opposite, and 0 for the biases. A step of 1/2 gives (1/8, -1/4) and (-1/8, 1/4).
    algorithm = make("flat", ways=2, inner_steps=1, inner_lr=0.5)
    with torch.no_grad():
        for parameter in algorithm.parameters():
            parameter.zero_()
    inputs = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    predict = algorithm.adapt(Examples(inputs, torch.tensor([0, 1]), 2))
    query = torch.tensor([[3.0, 1.0], [0.0, 4.0]], dtype=torch.float64)
    expected = torch.tensor([[1 / 8, -1 / 8], [-1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(predict(query), expected, rtol=0, atol=1e-15)


def test_every_inner_step_on_softmax_regression_follows_the_formula(make: Make) -> None:
    algorithm = make("flat", inner_steps=4, inner_lr=0.7)
    episode = task("flat")
    x, y = episode.support.inputs, F.one_hot(episode.support.targets, WAYS).double()
    weight, bias = (p.detach().clone() for p in algorithm.parameters())
    for _ in range(4):
        error = (x @ weight.T + bias).softmax(1) - y
        weight, bias = weight - 0.7 * error.T @ x / len(x), bias - 0.7 * error.mean(0)
    expected = episode.query.inputs @ weight.T + bias
    torch.testing.assert_close(algorithm.adapt(episode.support)(episode.query.inputs), expected)


@pytest.mark.parametrize("mode", [True, False])
def test_as_many_steps_are_taken_as_asked_for_in_training_and_in_test(
    mode: bool, make: Make
) -> None:
    episode = task("flat")
    algorithm = make("flat", inner_steps=2, test_steps=5).train(mode)
    other = make("flat", inner_steps=5, test_steps=2).train(not mode)
    logits = [a.adapt(episode.support)(episode.query.inputs) for a in (algorithm, other)]
    torch.testing.assert_close(logits[0], logits[1])


@pytest.mark.parametrize("mode", [True, False])
def test_adapting_leaves_the_weights_and_their_gradients_as_they_were(
    mode: bool, make: Make
) -> None:
    algorithm, episode = make("conv", inner_steps=3).train(mode), task("conv")
    before = {n: p.detach().clone() for n, p in algorithm.named_parameters()}
    algorithm.adapt(episode.support)(episode.query.inputs)
    for name, parameter in algorithm.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None


def test_two_tasks_may_be_open_at_once(make: Make) -> None:
    algorithm, one, other = make("smooth"), task("smooth", 1), task("smooth", 2)
    alone = algorithm.adapt(one.support)(one.query.inputs)
    first, second = algorithm.adapt(one.support), algorithm.adapt(other.support)
    assert torch.equal(first(one.query.inputs), alone)
    assert not torch.equal(second(one.query.inputs), alone)


def test_batch_norm_makes_it_transductive_and_it_says_so(make: Make) -> None:
    episode = task("conv")
    for norm, told in (("batch", True), ("running", False)):
        algorithm = make("conv", norm=norm)
        algorithm.loss(episode)
        predict = algorithm.eval().adapt(episode.support)
        query = episode.query.inputs
        alone = torch.allclose(predict(query)[:3], predict(query[:3]))
        assert bool(algorithm.transduction) is told
        assert alone is not told
    assert make("smooth").transduction == ""


def test_adaptation_learns_the_support_set(make: Make) -> None:
    algorithm, episode = make("smooth", inner_lr=1.0, inner_steps=60), task("smooth")
    logits = algorithm.adapt(episode.support)(episode.support.inputs)
    assert (logits.argmax(1) == episode.support.targets).all()


def test_a_step_on_a_line_is_the_one_computed_by_hand(registry: Registry) -> None:
    # From y = 0 x + 0, the points (1, 1) and (2, 3): the slopes of the mean squared error are
    # mean(2 (0 - y) x) = -(1 + 6) = -7 and mean(2 (0 - y)) = -4. A step of 0.1 gives 0.7 x + 0.4.
    spec = TaskSpec((1,), 1, 2, BACKBONES["flat"], task="regression")
    parameters: dict[str, Any] = {"inner_steps": 1, "inner_lr": 0.1}
    algorithm = registry.algorithm("maml")(spec, **parameters).double().train()
    with torch.no_grad():
        for parameter in algorithm.parameters():
            parameter.zero_()
    inputs, targets = (torch.tensor([[a], [b]]).double() for a, b in ((1.0, 2.0), (1.0, 3.0)))
    predict = algorithm.adapt(Examples(inputs, targets, 1))
    expected = torch.tensor([[2.5], [0.4]], dtype=torch.float64)
    torch.testing.assert_close(predict(torch.tensor([[3.0], [0.0]]).double()), expected)
    asked = Examples(torch.tensor([[3.0]]).double(), torch.tensor([[1.5]]).double(), 1)
    episode = Episode(Examples(inputs, targets, 1), asked, torch.arange(1))
    assert algorithm.loss(episode).item() == pytest.approx(1.0)
    assert algorithm.transduction == ""


def test_with_the_support_and_no_other_query_each_is_judged_alone(
    build: Callable[..., Any], make_stream: Callable[..., EpisodeStream]
) -> None:
    episode = make_stream().episodes(0, 1)[0]
    apart = build("maml", prediction="support-plus-one").double().eval()
    together = build("maml").double().eval()
    support = Examples(episode.support.inputs.double(), episode.support.targets, 3)
    queries = episode.query.inputs.double()
    assert together.transduction and not apart.transduction
    predict, predict_together = apart.adapt(support), together.adapt(support)
    with torch.no_grad():
        all_at_once = predict(queries)
        for number, query in enumerate(queries):
            mixed = predict_together(torch.cat([support.inputs, query[None]]))[-1]
            torch.testing.assert_close(predict(query[None])[0], mixed)
            torch.testing.assert_close(all_at_once[number], mixed)
        assert not torch.allclose(predict_together(queries), all_at_once)
