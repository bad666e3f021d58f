"""Meta-SGD: its step by hand, and the slopes for weights and rates against finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import TaskSpec
from bench.backbones import Backbone, ConvNet, find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.registry import Registry

BACKBONES = {
    "conv": Backbone(
        "conv",
        "",
        "images",
        lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
    ),
    "identity": find_backbone("identity"),
    "mlp": find_backbone("mlp"),
}


def make(registry: Registry, backbone: str, shape: tuple[int, ...], **parameters: Any) -> Any:
    torch.manual_seed(0)
    spec = TaskSpec(shape, 3, 2, BACKBONES[backbone])
    return registry.algorithm("metasgd")(spec, **parameters).double().train()


def tasks(shape: tuple[int, ...], count: int = 3) -> list[Episode]:
    generator = torch.Generator().manual_seed(1)

    def part(each: int) -> Examples:
        inputs = torch.randn(3 * each, *shape, generator=generator, dtype=torch.float64)
        return Examples(inputs, torch.arange(3).repeat(each), 3)

    return [Episode(part(2), part(3), torch.arange(3)) for _ in range(count)]


def slopes_of_a_step(algorithm: nn.Module, episodes: Sequence[Episode]) -> list[Tensor]:
    """Returns the gradients that a training step of all tasks together leaves behind."""
    algorithm.train_step(episodes, torch.optim.SGD(algorithm.parameters(), lr=0.0))  # type: ignore[operator]
    return [p.grad for p in algorithm.parameters() if p.grad is not None]


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize(("backbone", "shape"), [("conv", (1, 8, 8)), ("mlp", (4,))])
def test_the_meta_gradient_is_the_slope_of_the_loss_in_weights_and_rates(
    backbone: str, shape: tuple[int, ...], steps: int, registry: Registry
) -> None:
    algorithm, episodes = make(registry, backbone, shape, inner_steps=steps), tasks(shape)
    assert algorithm.takes_tasks_together
    parameters = list(algorithm.parameters())
    slopes = slopes_of_a_step(algorithm, episodes)
    assert len(slopes) == len(parameters) == 2 * len(list(algorithm.network.parameters()))
    generator = torch.Generator().manual_seed(2)
    length = 1e-7  # short, lest a ReLU or a maximum flip in between
    half = len(parameters) // 2
    for moved in (slice(0, half), slice(half, None)):
        directions = [
            torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters
        ]
        losses = []
        for distance in (length, -2 * length):
            with torch.no_grad():
                for parameter, direction in zip(parameters[moved], directions[moved], strict=True):
                    parameter.add_(direction, alpha=distance)
            losses.append(sum(algorithm.loss(e).item() for e in episodes) / len(episodes))
        with torch.no_grad():
            for parameter, direction in zip(parameters[moved], directions[moved], strict=True):
                parameter.add_(direction, alpha=length)
        measured = (losses[0] - losses[1]) / (2 * length)
        pairs = zip(slopes[moved], directions[moved], strict=True)
        claimed = sum((slope * direction).sum().item() for slope, direction in pairs)
        assert abs(claimed) > 1e-3, "a slope of zero would prove nothing"
        assert claimed == pytest.approx(measured, rel=1e-5)


def test_a_step_on_softmax_regression_is_the_formula_with_a_rate_for_every_weight(
    registry: Registry,
) -> None:
    algorithm, (episode,) = make(registry, "identity", (4,)), tasks((4,), 1)
    weight, bias = (p.detach() for p in algorithm.network.parameters())
    rates = [torch.rand_like(p) for p in (weight, bias)]
    with torch.no_grad():
        for own, rate in zip(algorithm.rates, rates, strict=True):
            own.copy_(rate)
    x, y = episode.support.inputs, F.one_hot(episode.support.targets, 3).double()
    error = ((x @ weight.T + bias).softmax(1) - y) / len(x)
    weight, bias = weight - rates[0] * (error.T @ x), bias - rates[1] * error.sum(0)
    expected = episode.query.inputs @ weight.T + bias
    torch.testing.assert_close(algorithm.adapt(episode.support)(episode.query.inputs), expected)


def test_with_one_rate_for_all_it_adapts_as_maml_does(registry: Registry) -> None:
    algorithm = make(registry, "conv", (1, 8, 8), lowest_rate=0.5, highest_rate=0.5, test_steps=3)
    torch.manual_seed(0)
    parameters: dict[str, Any] = {"inner_lr": 0.5, "test_steps": 3}
    maml = registry.algorithm("maml")(algorithm.spec, **parameters).double()
    (episode,) = tasks((1, 8, 8), 1)
    for mode in (True, False):
        logits = [
            a.train(mode).adapt(episode.support)(episode.query.inputs) for a in (algorithm, maml)
        ]
        torch.testing.assert_close(*logits)


def test_rates_start_in_their_range_and_are_trained(registry: Registry) -> None:
    algorithm = make(registry, "mlp", (4,), lowest_rate=0.1, highest_rate=0.2)
    before = torch.cat([rate.detach().flatten() for rate in algorithm.rates])
    assert 0.1 <= before.min() < before.max() <= 0.2
    algorithm.train_step(tasks((4,)), algorithm.optimizer())
    after = torch.cat([rate.detach().flatten() for rate in algorithm.rates])
    assert (before != after).float().mean() > 0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lowest_rate": 0.0}, "lowest_rate is 0.0"),
        ({"lowest_rate": 0.7}, "the second no less"),
        ({"inner_steps": 0}, "must be positive"),
        ({"test_steps": 0}, "must be positive"),
    ],
)
def test_a_range_or_a_count_that_makes_no_sense_is_named(
    wrong: dict[str, Any], message: str, registry: Registry
) -> None:
    with pytest.raises(BenchError, match=message):
        make(registry, "mlp", (4,), **wrong)
