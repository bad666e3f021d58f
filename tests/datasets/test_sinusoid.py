"""Sinusoids: the curves that the MAML paper describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.registry import Registry

NOWHERE = DataFiles(Path("nowhere"), download=False)


@pytest.fixture(scope="module")
def curves(registry: Registry) -> list[ClassExamples]:
    return list(registry.dataset("sinusoid")().classes(NOWHERE))


def test_a_curve_is_a_sine_of_the_papers_amplitude_and_phase(curves: list[ClassExamples]) -> None:
    amplitudes, phases = [], []
    for curve in curves[::50]:
        assert curve.targets is not None
        assert curve.inputs.shape == curve.targets.shape == (100, 1)
        x, y = curve.inputs[:, 0].astype(np.float64), curve.targets[:, 0]
        assert np.abs(x).max() <= 5
        # a sin(x - p) = (a cos p) sin x - (a sin p) cos x
        (sine, cosine), *_ = np.linalg.lstsq(np.stack([np.sin(x), -np.cos(x)], 1), y, rcond=None)
        np.testing.assert_allclose(sine * np.sin(x) - cosine * np.cos(x), y, atol=1e-5)
        amplitudes.append(np.hypot(sine, cosine))
        phases.append(np.arctan2(cosine, sine))
    # uniform in [0.1, 5] and [0, pi]: extremes of 500 draws come within a few hundredths
    assert 0.1 <= min(amplitudes) < 0.2 and 4.9 < max(amplitudes) <= 5
    assert 0 <= min(phases) < 0.1 and np.pi - 0.1 < max(phases) <= np.pi
    assert abs(np.mean(amplitudes) - 2.55) < 0.25
    assert abs(np.mean(phases) - np.pi / 2) < 0.16


def test_points_are_uniform_in_minus_5_to_5(curves: list[ClassExamples]) -> None:
    x = np.concatenate([curve.inputs for curve in curves[:1000]])
    shares, _ = np.histogram(x, bins=10, range=(-5, 5))
    np.testing.assert_allclose(shares / len(x), 0.1, atol=0.005)


def test_every_split_has_its_curves(registry: Registry, curves: list[ClassExamples]) -> None:
    counts = {split: sum(c.split == split for c in curves) for split in ("train", "val", "test")}
    assert counts == {"train": 20_000, "val": 1000, "test": 4000}
    assert registry.dataset("sinusoid")().class_count() == len(curves)
    assert len({curve.name for curve in curves}) == len(curves)


def test_noise_is_added_to_the_values(registry: Registry, curves: list[ClassExamples]) -> None:
    sinusoid: Any = registry.dataset("sinusoid")
    noisy = next(iter(sinusoid(noise=0.5).classes(NOWHERE)))
    assert noisy.targets is not None and curves[0].targets is not None
    np.testing.assert_array_equal(noisy.inputs, curves[0].inputs)
    assert 0.3 < float((noisy.targets - curves[0].targets).std()) < 0.7


@pytest.mark.parametrize("wrong", [{"points": 1}, {"noise": -0.1}, {"seed": -1}])
def test_parameters_without_sense_are_refused(wrong: dict[str, float], registry: Registry) -> None:
    with pytest.raises(BenchError, match="must be"):
        registry.dataset("sinusoid")(**wrong)
