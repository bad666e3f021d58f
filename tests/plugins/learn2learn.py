"""What the tests of learn2learn-backed plugins share: their twins, small networks, and a task.

A learn2learn-backed plugin and its in-house twin get the same weights, in double precision.
"""

from __future__ import annotations

from typing import Any, Literal

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
Kind = Literal["smooth", "conv", "curve"]
KINDS: tuple[Kind, ...] = ("smooth", "conv", "curve")
"""Classification by a network without kinks or norms, by convolutions, and regression."""
WAYS, SHAPE = 3, (1, 8, 8)


class Smooth(Embedding):
    """Two small layers without kinks or norms."""

    out_features = 4

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, 5), nn.Linear(5, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.second(torch.tanh(self.first(inputs.flatten(1)))))


def spec_of(kind: Kind) -> TaskSpec:
    """Returns a task's description, with a small backbone."""
    if kind == "curve":
        smooth = Backbone("smooth", "", "anything", lambda shape, norm: Smooth(1))
        return TaskSpec((1,), 1, 4, smooth, task="regression", targets=2)
    if kind == "smooth":
        smooth = Backbone("smooth", "", "anything", lambda shape, norm: Smooth(64))
        return TaskSpec(SHAPE, WAYS, 2, smooth)
    conv = Backbone(
        "conv",
        "",
        "images",
        lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
    )
    return TaskSpec(SHAPE, WAYS, 2, conv)


def task_of(kind: Kind, seed: int = 0) -> Episode:
    """Returns a task of that kind: noise with labels, or with values."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def part(each: int) -> Examples:
        if kind == "curve":
            return Examples(noise(2 * each, 1), noise(2 * each, 2), 1)
        return Examples(noise(WAYS * each, *SHAPE), torch.arange(WAYS).repeat(each), WAYS)

    return Episode(part(2), part(3), torch.arange(1 if kind == "curve" else WAYS))


def made(registry: Registry, name: str, kind: Kind, **parameters: Any) -> Any:
    """Returns an algorithm in double precision; the same parameters if they are of one shape."""
    algorithm = registry.algorithm(name)(spec_of(kind), **parameters).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in (p for p in algorithm.parameters() if p.requires_grad):
            noise = torch.rand(weight.shape, generator=generator, dtype=torch.float64)
            weight.copy_(0.1 + 0.4 * noise if weight.ndim == 1 else noise - 0.4)
    return algorithm


def pair(registry: Registry, name: str, kind: Kind, **parameters: Any) -> tuple[Any, Any]:
    """Returns ours and learn2learn's, with the same weights."""
    ours, theirs = (made(registry, prefix + name, kind, **parameters) for prefix in ("", "l2l-"))
    weights = [[p for p in a.parameters() if p.requires_grad] for a in (ours, theirs)]
    for mine, its in zip(*weights, strict=True):
        assert torch.equal(mine, its)
    return ours, theirs


def meta_gradient(algorithm: Algorithm, episode: Episode) -> Tensor:
    """Returns the gradient of the training loss by all parameters, as one vector."""
    slopes = torch.autograd.grad(algorithm.loss(episode), list(algorithm.parameters()))
    return torch.cat([slope.flatten() for slope in slopes])


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Returns the length of the difference over that of what was expected."""
    assert expected.norm() > 1e-4
    return float((found - expected).norm() / expected.norm())


def evaluated(algorithm: Any, kind: Kind) -> Tensor:
    """Returns predictions in evaluation, after a training loss, which moves running averages.

    Checks that adapting leaves everything as it was, and the gradients undefined.
    """
    algorithm.train().loss(task_of(kind, 5))
    before = {name: tensor.detach().clone() for name, tensor in algorithm.state_dict().items()}
    episode = task_of(kind)
    predict = algorithm.eval().adapt(episode.support)
    with torch.no_grad():
        answer: Tensor = predict(episode.query.inputs)
    for name, tensor in algorithm.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(parameter.grad is None for parameter in algorithm.parameters())
    return answer
