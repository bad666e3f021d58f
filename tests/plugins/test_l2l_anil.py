"""learn2learn's ANIL and ours: from the same weights, the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry
from tests.plugins.learn2learn import (
    KINDS,
    Kind,
    evaluated,
    meta_gradient,
    needs_learn2learn,
    pair,
    relative_error,
    task_of,
)


@needs_learn2learn
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_its_meta_gradient_is_that_of_anil(kind: Kind, steps: int, registry: Registry) -> None:
    ours, theirs = pair(registry, "anil", kind, inner_lr=0.3, inner_steps=steps)
    episode = task_of(kind)
    found, expected = (meta_gradient(a.train(), episode) for a in (theirs, ours))
    assert relative_error(found, expected) < 1e-9


@needs_learn2learn
@pytest.mark.parametrize("kind", KINDS)
def test_its_predictions_in_test_are_those_of_anil(kind: Kind, registry: Registry) -> None:
    ours, theirs = pair(registry, "anil", kind, test_steps=4)
    torch.testing.assert_close(
        evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-9, atol=1e-12
    )
    assert ours.transduction == theirs.transduction == ""


@needs_learn2learn
@pytest.mark.parametrize("name", ["l2l-anil", "l2l-kfo", "l2l-protonet"])
def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    name: str, make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    learner, stream = build(name), make_stream(classes=12, each=10)
    learner.train().train_step(stream.episodes(1000, 2), learner.optimizer())
    fast, plain = (evaluate(learner, stream, 20, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)
