"""learn2learn's MAML and ours, second and first order: from the same weights, the same numbers."""

from __future__ import annotations

import subprocess
import sys

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
@pytest.mark.parametrize("first_order", [False, True], ids=["second order", "first order"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_meta_gradient_is_that_of_maml(
    kind: Kind, norm: str, steps: int, first_order: bool, registry: Registry
) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": steps, "first_order": first_order, "norm": norm}
    ours, theirs = pair(registry, "maml", kind, **settings)
    episode = task_of(kind)
    found, expected = (meta_gradient(a.train(), episode) for a in (theirs, ours))
    assert relative_error(found, expected) < 1e-9


@needs_learn2learn
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_predictions_in_test_are_those_of_maml(
    kind: Kind, norm: str, registry: Registry
) -> None:
    ours, theirs = pair(registry, "maml", kind, test_steps=4, norm=norm)
    torch.testing.assert_close(
        evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-9, atol=1e-12
    )
    assert ours.transduction == theirs.transduction


@needs_learn2learn
def test_only_first_order_calls_its_gradient_approximate(registry: Registry) -> None:
    texts = [
        pair(registry, "maml", "smooth", first_order=chosen)[1].approximate_gradient
        for chosen in (False, True)
    ]
    assert texts == ["", "second derivatives are left out"]


def test_finding_the_plugins_does_not_import_learn2learn() -> None:
    code = (
        "import sys; from bench.registry import load_registry; "
        "assert load_registry().algorithm('l2l-maml').requires == ('learn2learn',); "
        "assert 'learn2learn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
