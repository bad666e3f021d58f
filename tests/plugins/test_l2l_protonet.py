"""learn2learn's prototypical classifier and ours: from the same weights, the same numbers."""

from __future__ import annotations

import pytest
import torch

from bench.episodes import Examples
from bench.registry import Registry
from tests.plugins.learn2learn import (
    Kind,
    evaluated,
    made,
    meta_gradient,
    needs_learn2learn,
    pair,
    relative_error,
    task_of,
)


@needs_learn2learn
@pytest.mark.parametrize("kind", ["smooth", "conv"])
def test_its_gradient_is_that_of_protonet(kind: Kind, registry: Registry) -> None:
    ours, theirs = pair(registry, "protonet", kind)
    episode = task_of(kind)
    found, expected = (meta_gradient(a.train(), episode) for a in (theirs, ours))
    assert relative_error(found, expected) < 1e-9


@needs_learn2learn
@pytest.mark.parametrize("kind", ["smooth", "conv"])
def test_its_probabilities_in_test_are_those_of_protonet(kind: Kind, registry: Registry) -> None:
    ours, theirs = (evaluated(a, kind).softmax(-1) for a in pair(registry, "protonet", kind))
    torch.testing.assert_close(theirs, ours, rtol=1e-9, atol=1e-12)


@needs_learn2learn
def test_its_scores_are_minus_the_squared_distances_to_the_means(registry: Registry) -> None:
    support = Examples(torch.tensor([[0.0, 0], [2, 0], [0, 3]]), torch.tensor([1, 1, 0]), 2)
    scores = made(registry, "l2l-protonet", "smooth").scores(support, torch.tensor([[1.0, 1.0]]))
    assert scores.tolist() == [[-5.0, -1.0]]  # means (0, 3) and (1, 0)
