"""learn2learn's Meta-SGD and ours: from the same weights and rates, the same numbers."""

from __future__ import annotations

import pytest
import torch

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
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_meta_gradient_is_that_of_metasgd(
    kind: Kind, norm: str, steps: int, registry: Registry
) -> None:
    ours, theirs = pair(registry, "metasgd", kind, inner_steps=steps, norm=norm)
    episode = task_of(kind)
    found, expected = (meta_gradient(a.train(), episode) for a in (theirs, ours))
    assert relative_error(found, expected) < 1e-9
    rates = len(found) // 2  # weights first, then as many rates
    assert found[rates:].norm() > 1e-4


@needs_learn2learn
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_predictions_in_test_are_those_of_metasgd(
    kind: Kind, norm: str, registry: Registry
) -> None:
    ours, theirs = pair(registry, "metasgd", kind, test_steps=4, norm=norm)
    torch.testing.assert_close(
        evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-9, atol=1e-12
    )
    assert ours.transduction == theirs.transduction
