"""First-order MAML: its gradient against a loop that steps a copy with torch's SGD."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.registry import Registry


def make(registry: Registry, name: str, **parameters: Any) -> Algorithm:
    torch.manual_seed(0)
    spec = TaskSpec((4,), 3, 2, find_backbone("mlp"))
    return registry.algorithm(name)(spec, **parameters).double().train()


def task(seed: int) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(3 * each, 4, generator=generator, dtype=torch.float64)
        return Examples(inputs, torch.arange(3).repeat(each), 3)

    return Episode(part(2), part(4), torch.arange(3))


def by_hand(network: nn.Module, episode: Episode, steps: int, rate: float) -> list[Tensor]:
    """Returns the gradient of the query loss at the weights of a copy after SGD on the support."""
    fitted = copy.deepcopy(network)
    sgd = torch.optim.SGD(fitted.parameters(), lr=rate)
    for _ in range(steps):
        sgd.zero_grad()
        loss = F.cross_entropy(fitted(episode.support.inputs), episode.support.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        sgd.step()
    loss = F.cross_entropy(fitted(episode.query.inputs), episode.query.targets)
    return list(torch.autograd.grad(loss, list(fitted.parameters())))


def test_the_meta_gradient_is_the_mean_of_those_at_the_adapted_weights(registry: Registry) -> None:
    algorithm = make(registry, "fomaml", inner_steps=3, inner_lr=0.3)
    network = algorithm.network
    assert isinstance(network, nn.Module)
    tasks = [task(1), task(2)]
    expected = [by_hand(network, episode, 3, 0.3) for episode in tasks]
    algorithm.train_step(tasks, torch.optim.SGD(network.parameters(), lr=0.0))
    for parameter, one, two in zip(network.parameters(), *expected, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, (one + two) / 2, rtol=1e-9, atol=1e-12)


def test_it_differs_from_maml_in_the_gradient_alone(registry: Registry) -> None:
    settings = {"inner_steps": 2, "inner_lr": 0.3, "test_steps": 4}
    first, second = make(registry, "fomaml", **settings), make(registry, "maml", **settings)
    query = task(1).query.inputs
    for mode in (True, False):
        logits = [a.train(mode).adapt(task(1).support)(query) for a in (first, second)]
        assert torch.equal(*logits)
    slopes = [
        torch.autograd.grad(a.train().loss(task(1)), next(a.parameters()))[0]
        for a in (first, second)
    ]
    assert (slopes[0] - slopes[1]).norm() > 1e-3 * slopes[1].norm()
    assert first.tasks == second.tasks
