"""Reptile: its displacement against a loop with torch's own Adam; what it keeps; bad values."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.algorithm import TaskSpec
from bench.backbones import Backbone, ConvNet, find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.gradient import stack_examples
from bench.registry import Registry

CONV = Backbone(
    "conv",
    "",
    "images",
    lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
)


def make(registry: Registry, backbone: Backbone | None = None, **parameters: Any) -> Any:
    torch.manual_seed(0)
    shape = (1, 8, 8) if backbone else (3,)
    spec = TaskSpec(shape, 4, 2, backbone or find_backbone("mlp"))
    return registry.algorithm("reptile")(spec, **parameters).double().train()


def task(seed: int, *shape: int) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(4 * each, *(shape or (3,)), generator=generator, dtype=torch.float64)
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


def test_mini_batches_go_round_the_support_and_over_its_end(registry: Registry) -> None:
    algorithm = make(registry, inner_steps=4, inner_batch=5)
    batches = [places.tolist() for places in algorithm._batches(4)]
    assert [len(places) for places in batches] == [5, 5, 5, 5]
    drawn = [place for places in batches for place in places]
    for start in range(0, 20, 4):
        assert sorted(drawn[start : start + 4]) == [0, 1, 2, 3]


def test_each_query_is_judged_in_a_batch_with_the_support_and_nobody_else(
    registry: Registry,
) -> None:
    algorithm = make(registry, CONV, test_steps=3).eval()
    assert algorithm.transduction == ""
    episode = task(1, 1, 8, 8)
    weights = dict(algorithm.network.named_parameters())
    fitted = algorithm.inner_loop(algorithm._plain, weights, episode.support)
    answers = algorithm.adapt(episode.support)(episode.query.inputs)
    for number, query in enumerate(episode.query.inputs):
        batch = torch.cat([episode.support.inputs, query.unsqueeze(0)])
        expected = torch.func.functional_call(algorithm.network, fitted, batch)[-1]
        torch.testing.assert_close(answers[number], expected)
    alone = algorithm.adapt(episode.support)(episode.query.inputs[2:3])
    torch.testing.assert_close(answers[2:3], alone)


def test_tasks_together_are_judged_like_tasks_alone(registry: Registry) -> None:
    algorithm = make(registry, CONV, test_steps=3).eval()
    tasks = [task(seed, 1, 8, 8) for seed in (1, 2, 3)]
    support = stack_examples([episode.support for episode in tasks])
    query = torch.stack([episode.query.inputs for episode in tasks])
    together = algorithm.predict_together(support, query)
    for answers, episode in zip(together, tasks, strict=True):
        expected = algorithm.adapt(episode.support)(episode.query.inputs)
        torch.testing.assert_close(answers, expected)


def test_transductive_prediction_has_all_queries_in_one_batch(registry: Registry) -> None:
    algorithm = make(registry, CONV, test_steps=3, prediction="transductive").eval()
    assert "queries together" in algorithm.transduction
    episode = task(1, 1, 8, 8)
    weights = dict(algorithm.network.named_parameters())
    fitted = algorithm.inner_loop(algorithm._plain, weights, episode.support)
    query = episode.query.inputs
    expected = torch.func.functional_call(algorithm.network, fitted, query)
    torch.testing.assert_close(algorithm.adapt(episode.support)(query), expected)


def test_curves_are_fitted_by_the_squared_error(registry: Registry) -> None:
    torch.manual_seed(0)
    spec = TaskSpec((1,), 1, 5, find_backbone("mlp-40"), task="regression")
    parameters = {"inner_lr": 0.01, "test_steps": 4, "test_batch": 5}
    algorithm = registry.algorithm("reptile")(spec, **parameters).double().eval()
    assert algorithm.transduction == ""
    inputs, targets = torch.randn(2, 5, 1).double()
    network = copy.deepcopy(algorithm.network)
    assert isinstance(network, nn.Module)
    adam = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.0, 0.999))
    for _ in range(4):
        adam.zero_grad()
        F.mse_loss(network(inputs), targets).backward()  # type: ignore[no-untyped-call]
        adam.step()
    query = torch.randn(7, 1).double()
    answers = algorithm.adapt(Examples(inputs, targets, 1))(query)
    torch.testing.assert_close(answers, network(query), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["meta_lr", "inner_lr", "inner_steps", "test_batch"])
def test_a_value_that_is_not_positive_is_named(name: str, registry: Registry) -> None:
    with pytest.raises(BenchError, match=f"{name} is 0; it must be positive"):
        make(registry, None, **{name: 0})
