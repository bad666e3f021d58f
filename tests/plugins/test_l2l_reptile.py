"""learn2learn's Reptile and ours: from the same weights, the same displacement."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.registry import Registry
from tests.plugins.learn2learn import (
    KINDS,
    Kind,
    evaluated,
    needs_learn2learn,
    pair,
    relative_error,
    task_of,
)

SETTINGS: dict[str, Any] = {
    "inner_lr": 0.01,
    "inner_steps": 5,
    "inner_batch": 3,
    "test_steps": 6,
    "test_batch": 2,
}


def flat(tensors: Any) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def displaced(algorithm: Any, episodes: Any) -> Tensor:
    """Returns the meta-gradient of one training step with these episodes."""
    algorithm.train().train_step(episodes, algorithm.optimizer())
    return flat(weight.grad for weight in algorithm.network.parameters())


@needs_learn2learn
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_meta_gradient_is_that_of_reptile_step_after_step(
    kind: Kind, norm: str, registry: Registry
) -> None:
    ours, theirs = pair(registry, "reptile", kind, norm=norm, **SETTINGS)
    for number in range(3):  # the second moments live on
        episodes = [task_of(kind, number)]
        assert relative_error(displaced(theirs, episodes), displaced(ours, episodes)) < 1e-6
        assert relative_error(flat(theirs.moments), flat(ours.moments)) < 1e-6
        assert theirs.steps_done == ours.steps_done == 5 * (number + 1)


@needs_learn2learn
@pytest.mark.parametrize(
    ("prediction", "norm"),
    [("support-plus-one", "batch"), ("transductive", "batch"), ("support-plus-one", "running")],
)
@pytest.mark.parametrize("kind", KINDS)
def test_its_predictions_in_test_are_those_of_reptile(
    kind: Kind, prediction: str, norm: str, registry: Registry
) -> None:
    both = pair(registry, "reptile", kind, prediction=prediction, norm=norm, **SETTINGS)
    for algorithm in both:
        displaced(algorithm, [task_of(kind, 1)])
        algorithm.zero_grad()
    ours, theirs = both
    torch.testing.assert_close(evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-6, atol=1e-9)
    assert ours.transduction == theirs.transduction


@needs_learn2learn
def test_second_moments_pass_from_one_task_to_the_next(registry: Registry) -> None:
    _, theirs = pair(registry, "reptile", "smooth", **{**SETTINGS, "inner_batch": 99})
    start: nn.Module = copy.deepcopy(theirs.network)
    episodes, state, ends = [task_of("smooth", 1), task_of("smooth", 2)], None, []
    for episode in episodes:  # as learn2learn's example has it, with batches of the whole support
        learner = copy.deepcopy(start)
        adam = torch.optim.Adam(learner.parameters(), lr=0.01, betas=(0.0, 0.999))
        if state is not None:
            adam.load_state_dict(state)
        for _ in range(5):
            order = torch.arange(len(episode.support))
            loss = theirs.task_loss(learner(episode.support.inputs[order]), episode.support.targets)
            adam.zero_grad()
            loss.backward()
            adam.step()
        state = adam.state_dict()
        ends.append(flat(learner.parameters()))
    expected = flat(start.parameters()) - (ends[0] + ends[1]) / 2
    assert relative_error(displaced(theirs, episodes), expected) < 1e-9
