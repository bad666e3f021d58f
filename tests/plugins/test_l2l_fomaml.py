"""learn2learn's first-order MAML and ours: from the same weights, the same numbers."""

from __future__ import annotations

import pytest
import torch

from bench.registry import Registry
from tests.plugins.learn2learn import (
    KINDS,
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
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_meta_gradient_is_that_of_fomaml(kind: Kind, norm: str, registry: Registry) -> None:
    ours, theirs = pair(registry, "fomaml", kind, inner_lr=0.3, inner_steps=3, norm=norm)
    episode = task_of(kind)
    found, expected = (meta_gradient(a.train(), episode) for a in (theirs, ours))
    assert relative_error(found, expected) < 1e-9


@needs_learn2learn
def test_it_is_not_the_gradient_of_second_order(registry: Registry) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": 3}
    first, second = (
        made(registry, name, "smooth", **settings) for name in ("l2l-fomaml", "l2l-maml")
    )
    episode = task_of("smooth")
    found, expected = (meta_gradient(a.train(), episode) for a in (first, second))
    assert relative_error(found, expected) > 1e-3


@needs_learn2learn
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_predictions_in_test_are_those_of_fomaml(
    kind: Kind, norm: str, registry: Registry
) -> None:
    ours, theirs = pair(registry, "fomaml", kind, test_steps=4, norm=norm)
    torch.testing.assert_close(
        evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-9, atol=1e-12
    )
    assert ours.transduction == theirs.transduction
