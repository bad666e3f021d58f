"""Fixtures of the tests of the datasets."""

from __future__ import annotations

import hashlib
import importlib
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.registry import Registry
from tests.datasets.omniglot_files import DRAWINGS, PARTS, Small, png


@pytest.fixture(scope="module")
def omniglot_module(registry: Registry) -> ModuleType:
    """The module behind the dataset; tests reach plugins through the registry only."""
    return importlib.import_module(registry.dataset("omniglot").__module__)


@pytest.fixture
def small(omniglot_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Small:
    """Small archives, that the dataset takes for the real ones."""
    rng = np.random.default_rng(0)
    digest = hashlib.sha256()
    files: dict[str, dict[str, bytes]] = {part: {} for part in PARTS}
    ink: dict[str, NDArray[np.bool_]] = {}
    for part, alphabets in PARTS.items():
        for alphabet in alphabets:
            number = 42 if alphabet == "Gurmukhi" else 1
            drawings = rng.random((DRAWINGS, 105, 105)) < 0.2
            ink[f"{alphabet}/character{number:02d}"] = drawings
            digest.update(f"{alphabet}/{number:02d}".encode())
            bits = "".join("1" if pixel else "0" for pixel in drawings.ravel().tolist())
            bits += "0" * (-len(bits) % 8)
            digest.update(int(bits, 2).to_bytes(len(bits) // 8, "big"))
            for drawing in range(DRAWINGS):
                name = f"{part}/{alphabet}/character{number:02d}/{number:04d}_{drawing + 1:02d}.png"
                files[part][name] = png(drawings[drawing])
    monkeypatch.setattr(omniglot_module, "PARTS", {part: len(PARTS[part]) for part in PARTS})
    monkeypatch.setattr(omniglot_module, "DRAWINGS", DRAWINGS)
    monkeypatch.setattr(omniglot_module, "PIXELS", digest.hexdigest())
    return Small(files, ink)
