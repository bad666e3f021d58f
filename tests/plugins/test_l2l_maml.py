"""learn2learn's MAML and ours: from the same weights, the same numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import Backbone, ConvNet, Embedding
from bench.episodes import Episode, Examples
from bench.extras import is_installed
from bench.registry import Registry

needs_learn2learn = pytest.mark.skipif(
    not is_installed("learn2learn"),
    reason="learn2learn is not installed; install it with: bench install learn2learn",
)
WAYS, SHAPE = 3, (1, 8, 8)


class Smooth(Embedding):
    """Two small layers without kinks or norms."""

    out_features = 4

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, 5), nn.Linear(5, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.second(torch.tanh(self.first(inputs.flatten(1)))))


BACKBONES = {
    "smooth": Backbone("smooth", "", "anything", lambda shape, norm: Smooth()),
    "conv": Backbone(
        "conv",
        "",
        "images",
        lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
    ),
}


def pair(registry: Registry, backbone: str, **parameters: Any) -> tuple[Algorithm, Algorithm]:
    """Returns ours and theirs, with the same weights, in double precision."""
    spec = TaskSpec(SHAPE, WAYS, 2, BACKBONES[backbone])
    made = []
    for name in ("maml", "l2l-maml"):
        torch.manual_seed(0)
        made.append(registry.algorithm(name)(spec, **parameters).double())
    ours, theirs = made
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, its)
    return ours, theirs


def task() -> Episode:
    generator = torch.Generator().manual_seed(0)

    def part(each: int) -> Examples:
        inputs = torch.randn(WAYS * each, *SHAPE, generator=generator, dtype=torch.float64)
        return Examples(inputs, torch.arange(WAYS).repeat(each), WAYS)

    return Episode(part(2), part(3), torch.arange(WAYS))


def gradient(algorithm: Algorithm, episode: Episode) -> Tensor:
    slopes = torch.autograd.grad(algorithm.loss(episode), list(algorithm.parameters()))
    return torch.cat([slope.flatten() for slope in slopes])


@needs_learn2learn
@pytest.mark.parametrize("first_order", [False, True], ids=["second order", "first order"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    ("backbone", "norm"), [("smooth", "batch"), ("conv", "batch"), ("conv", "running")]
)
def test_its_meta_gradient_is_that_of_maml(
    backbone: str, norm: str, steps: int, first_order: bool, registry: Registry
) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": steps, "first_order": first_order, "norm": norm}
    ours, theirs = pair(registry, backbone, **settings)
    mine, its = gradient(ours.train(), task()), gradient(theirs.train(), task())
    assert mine.norm() > 1e-4
    assert ((mine - its).norm() / mine.norm()).item() < 1e-9


@needs_learn2learn
@pytest.mark.parametrize("norm", ["batch", "running"])
def test_its_predictions_in_test_are_those_of_maml(norm: str, registry: Registry) -> None:
    episode = task()
    ours, theirs = pair(registry, "conv", test_steps=4, inner_steps=1, norm=norm)
    logits = []
    for algorithm in (ours, theirs):
        algorithm.train().loss(episode)  # moves the running statistics, if there are any
        logits.append(algorithm.eval().adapt(episode.support)(episode.query.inputs))
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-9, atol=1e-12)
    assert ours.transduction == theirs.transduction


@needs_learn2learn
def test_adapting_leaves_the_weights_and_their_gradients_as_they_were(registry: Registry) -> None:
    _, theirs = pair(registry, "conv")
    before = {n: p.detach().clone() for n, p in theirs.named_parameters()}
    theirs.eval().adapt(task().support)(task().query.inputs)
    for name, parameter in theirs.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None


def test_its_defaults_are_those_of_maml(registry: Registry) -> None:
    from bench.parameters import parameters_of

    ours, theirs = registry.algorithm("maml"), registry.algorithm("l2l-maml")
    assert [(p.name, p.default) for p in parameters_of(ours)] == [
        (p.name, p.default) for p in parameters_of(theirs)
    ]
    assert ours.training_plan == theirs.training_plan


def test_it_says_which_package_it_needs(registry: Registry) -> None:
    assert registry.algorithm("l2l-maml").requires == ("learn2learn",)
