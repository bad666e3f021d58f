"""Gaussian blobs: as many as promised, and spread as promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.registry import Registry


def classes(registry: Registry, **parameters: Any) -> list[ClassExamples]:
    dataset = registry.dataset("gaussians")(**parameters)
    found = list(dataset.classes(DataFiles(Path("nowhere"), download=False)))
    assert dataset.class_count() == len(found)
    return found


def test_there_are_1000_classes_to_train_200_to_validate_and_400_to_test(
    registry: Registry,
) -> None:
    found = classes(registry, points=2)
    counts = {split: sum(c.split == split for c in found) for split in ("train", "val", "test")}
    assert counts == {"train": 1000, "val": 200, "test": 400}
    assert len({c.name for c in found}) == 1600


def test_points_are_plane_float32_and_as_many_as_asked_for(registry: Registry) -> None:
    found = classes(registry, points=7)
    assert all(c.inputs.shape == (7, 2) and c.inputs.dtype == np.float32 for c in found)


def test_points_lie_around_their_centre_as_a_gaussian_of_the_given_spread(
    registry: Registry,
) -> None:
    found = classes(registry, spread=2.0, points=40)
    points = np.stack([c.inputs for c in found]).astype(np.float64)
    deviations = points - points.mean(axis=1, keepdims=True)
    assert np.sqrt((deviations**2).sum() / (1600 * 39 * 2)) == pytest.approx(2.0, rel=0.01)
    one_each = deviations[:, 0].ravel() / (2.0 * np.sqrt(39 / 40))
    assert stats.kstest(one_each, "norm").pvalue > 1e-3


def test_centres_are_uniform_in_the_square(registry: Registry) -> None:
    found = classes(registry, spread=1e-4, extent=3.0, points=2)
    centres = np.stack([c.inputs[0] for c in found]).ravel()
    assert stats.kstest(centres, "uniform", args=(-3.0, 6.0)).pvalue > 1e-3


def test_the_seed_decides_the_points(registry: Registry) -> None:
    first, again, other = (classes(registry, points=2, seed=seed)[0].inputs for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "parameters",
    [{"spread": 0.0}, {"spread": -1.0}, {"extent": 0.0}, {"points": 1}, {"seed": -1}],
    ids=str,
)
def test_parameters_without_sense_are_refused_by_name(
    registry: Registry, parameters: dict[str, Any]
) -> None:
    (name,) = parameters
    with pytest.raises(BenchError, match=name):
        classes(registry, **parameters)
