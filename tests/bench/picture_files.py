"""What tests of pictures share: small pictures of classes that are easy to tell apart, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


def picture(name: str, number: int, side: int = 20) -> NDArray[np.uint8]:
    """Returns a picture (side, side, 3) of a class: its colour with noise of its own."""
    rng = np.random.default_rng([number, *name.encode()])
    noise = rng.integers(-25, 26, (side, side, 3))
    return (np.array(COLOURS.get(name, (128, 128, 128))) + noise).clip(0, 255).astype(np.uint8)


def write_picture(path: Path, name: str, number: int, side: int = 20) -> Path:
    """Writes a picture of a class; the ending of the path says in which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(name, number, side)).save(path)
    return path


def write_support(folder: Path, shots: dict[str, int]) -> Path:
    """Writes some pictures of each class into folders of their own."""
    for name, count in shots.items():
        for number in range(count):
            write_picture(folder / name / f"{number}.png", name, number)
    return folder
