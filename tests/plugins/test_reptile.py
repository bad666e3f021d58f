"""Reptile: its displacement against a loop with torch's own Adam; what it keeps; bad values."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.registry import Registry


def make(registry: Registry, **parameters: float) -> Algorithm:
    torch.manual_seed(0)
    spec = TaskSpec((3,), 4, 2, find_backbone("mlp"))
    return registry.algorithm("reptile")(spec, **parameters).double().train()


def task(seed: int) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(4 * each, 3, generator=generator, dtype=torch.float64)
        return Examples(inputs, torch.arange(4).repeat(each), 4)

    return Episode(part(3), part(1), torch.arange(4))


def fitted_by_hand(start: nn.Module, episode: Episode, batches: list[slice]) -> nn.Module:
    """Returns a copy of the network after Adam without momentum on these parts of the support."""
    network = copy.deepcopy(start)
    adam = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.0, 0.999))
    for batch in batches:
        adam.zero_grad()
        logits = network(episode.support.inputs[batch])
        F.cross_entropy(logits, episode.support.targets[batch]).backward()  # type: ignore[no-untyped-call]
        adam.step()
    return network


def test_the_weights_move_by_the_share_of_the_mean_displacement(registry: Registry) -> None:
    algorithm = make(registry, meta_lr=0.5, inner_lr=0.01, inner_steps=3, inner_batch=4)
    network = algorithm.network
    assert isinstance(network, nn.Module)
    start = copy.deepcopy(network)
    tasks = [task(1), task(2)]
    batches = [slice(0, 4), slice(4, 8), slice(8, 12)]  # one pass over the 12 examples
    fitted = [fitted_by_hand(start, episode, batches) for episode in tasks]
    algorithm.train_step(tasks, algorithm.optimizer())
    for now, before, one, two in zip(
        network.parameters(), start.parameters(), *(f.parameters() for f in fitted), strict=True
    ):
        expected = before + 0.5 * ((one + two) / 2 - before)
        torch.testing.assert_close(now, expected, rtol=1e-6, atol=1e-9)


def test_second_moments_live_on_in_training_and_evaluation_leaves_them(registry: Registry) -> None:
    algorithm = make(registry, inner_steps=3)
    assert int(algorithm.state_dict()["steps_done"]) == 0
    algorithm.train_step([task(1), task(2)], algorithm.optimizer())
    kept = {name: t.clone() for name, t in algorithm.state_dict().items()}
    assert int(kept["steps_done"]) == 3
    assert any(bool((t > 0).any()) for name, t in kept.items() if name.startswith("moments"))
    algorithm.eval().adapt(task(3).support)
    for name, tensor in algorithm.state_dict().items():
        assert torch.equal(tensor, kept[name]), name


@pytest.mark.parametrize("name", ["meta_lr", "inner_lr", "inner_steps", "test_batch"])
def test_a_value_that_is_not_positive_is_named(name: str, registry: Registry) -> None:
    with pytest.raises(BenchError, match=f"{name} is 0; it must be positive"):
        make(registry, **{name: 0})
