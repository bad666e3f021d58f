"""Pictures that look like photos, no two alike, and folders of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.doctor.diagnosis import Diagnosis, diagnose
from bench.doctor.finding import Finding

Photo = Callable[..., Image.Image]
Found = Callable[..., dict[str, Finding]]


@pytest.fixture
def photo() -> Photo:
    """Makes a picture of soft random patches with fine noise; each seed another."""

    def make(seed: int, width: int = 96, height: int = 96) -> Image.Image:
        rng = np.random.default_rng(seed)
        patches = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        soft = np.asarray(patches.resize((width, height), Image.Resampling.BICUBIC), np.int16)
        noisy = (soft + rng.integers(-8, 9, soft.shape)).clip(0, 255)
        return Image.fromarray(noisy.astype(np.uint8))

    return make


@pytest.fixture
def folder(tmp_path: Path, photo: Photo) -> Path:
    """A folder in which nothing is wrong: 5 classes of 6 photos."""
    root = tmp_path / "photos"
    for number in range(30):
        path = root / f"class{number // 6}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(number).save(path)
    return root


@pytest.fixture
def found() -> Found:
    """Diagnoses a path and returns the findings by their kinds."""

    def look(path: Path, **wishes: int) -> dict[str, Finding]:
        diagnosis: Diagnosis = diagnose(path, lambda done, total: None, **wishes)
        by_kind = {one.kind: one for one in diagnosis.findings}
        assert len(by_kind) == len(diagnosis.findings)
        return by_kind

    return look


@pytest.fixture
def names() -> Callable[[Finding], list[str]]:
    """Returns the names that a finding is about."""
    return lambda finding: [one.name for one in finding.affected]
