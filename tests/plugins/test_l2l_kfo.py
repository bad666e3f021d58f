"""learn2learn's Kronecker-factored ANIL, against its equation with every matrix written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bench.episodes import Episode
from bench.registry import Registry
from tests.plugins.learn2learn import (
    KINDS,
    Kind,
    evaluated,
    made,
    meta_gradient,
    needs_learn2learn,
    relative_error,
    spec_of,
    task_of,
)


def matrix(left: Tensor, right: Tensor) -> Tensor:
    """Returns what G -> L'L G R'R is on a matrix that is flattened row by row."""
    return torch.kron(left.mT @ left, right.mT @ right)


def by_hand(algorithm: Any, episode: Episode, steps: int) -> Tensor:
    """Returns the query's loss after the head's steps, by autograd and whole matrices."""
    support, query = episode.support, episode.query
    both = algorithm.embedding(torch.cat([support.inputs, query.inputs]))
    features, asked = both[: len(support)], both[len(support) :]
    head, rate = list(algorithm.head.module.parameters()), algorithm.inner_lr
    factors = list(algorithm.head.compute_update.parameters())  # left and right of each
    for step in range(steps):
        answer = features @ head[0].mT + head[1]
        loss = algorithm.task_loss(answer, support.targets)
        slopes = torch.autograd.grad(loss, head, create_graph=True)
        if algorithm.adapt_transform and step:
            turns = torch.autograd.grad(loss, factors, create_graph=True)
            factors = [f - rate * turn for f, turn in zip(factors, turns, strict=True)]
        for i, slope in enumerate(slopes):
            update = matrix(*factors[2 * i : 2 * i + 2]) @ slope.flatten()
            head[i] = head[i] - rate * update.view(slope.shape)
    loss = algorithm.task_loss(asked @ head[0].mT + head[1], query.targets)
    assert isinstance(loss, Tensor)
    return loss


@needs_learn2learn
@pytest.mark.parametrize("adapt_transform", [False, True], ids=["matrices stay", "matrices move"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_multiplied_by_the_kronecker_product_of_its_matrices(
    kind: Kind, adapt_transform: bool, registry: Registry
) -> None:
    settings = {"inner_lr": 0.1, "inner_steps": 3, "adapt_transform": adapt_transform}
    algorithm = made(registry, "l2l-kfo", kind, **settings).train()
    episode = task_of(kind)
    loss = by_hand(algorithm, episode, 3)
    slopes = torch.autograd.grad(loss, list(algorithm.parameters()))
    expected = torch.cat([slope.flatten() for slope in slopes])
    torch.testing.assert_close(algorithm.loss(episode), loss, rtol=1e-9, atol=0)
    assert relative_error(meta_gradient(algorithm, episode), expected) < 1e-9
    assert all(slope.norm() > 0 for slope in slopes)


def untrained(registry: Registry, name: str, kind: Kind, **parameters: Any) -> Any:
    """Returns an algorithm with body and head as `made` makes them, all else as it starts."""
    start = made(registry, "l2l-anil", kind)
    algorithm: Any = registry.algorithm(name)(spec_of(kind), **parameters).double()
    algorithm.embedding.load_state_dict(start.embedding.state_dict())
    head = algorithm.head if name == "anil" else algorithm.head.module
    head.load_state_dict(start.head.module.state_dict())
    return algorithm


@needs_learn2learn
@pytest.mark.parametrize("kind", KINDS)
def test_before_training_it_is_anil(kind: Kind, registry: Registry) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": 3, "test_steps": 4}
    ours = untrained(registry, "anil", kind, **settings)
    theirs = untrained(registry, "l2l-kfo", kind, adapt_transform=False, **settings)
    expected = meta_gradient(ours.train(), task_of(kind))
    found = meta_gradient(theirs.train(), task_of(kind))[: len(expected)]  # then the matrices'
    assert relative_error(found, expected) < 1e-9
    torch.testing.assert_close(
        evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-9, atol=1e-12
    )


@needs_learn2learn
@pytest.mark.parametrize("kind", KINDS)
def test_adapting_with_moving_matrices_leaves_them_as_they_were(
    kind: Kind, registry: Registry
) -> None:
    theirs = made(registry, "l2l-kfo", kind, inner_lr=0.1, test_steps=4)
    assert torch.isfinite(evaluated(theirs, kind)).all()
