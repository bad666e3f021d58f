"""What tests of Omniglot share: how it is read, and small archives laid out as the real ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.dataset import ClassExamples, DataFiles
from bench.registry import Registry


def read(
    registry: Registry, root: Path, download: bool = False, **chosen: Any
) -> list[ClassExamples]:
    dataset = registry.dataset("omniglot")(**chosen)
    found = list(dataset.classes(DataFiles(root, download)))
    assert dataset.class_count() == len(found)
    return found


def by_split(classes: list[ClassExamples]) -> dict[str, set[str]]:
    return {
        split: {c.name for c in classes if c.split == split} for split in ("train", "val", "test")
    }


BACKGROUND, EVALUATION = "images_background", "images_evaluation"
PARTS = {BACKGROUND: ("Hebrew", "Latin"), EVALUATION: ("Gurmukhi", "Tengwar")}
DRAWINGS = 3


def png(pixels: NDArray[np.bool_]) -> bytes:
    """Returns a one-bit PNG, ink black on white."""
    file = io.BytesIO()
    Image.fromarray(~pixels).convert("1").save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Small:
    """The files of both parts by name, and the ink of every character in order."""

    files: Mapping[str, dict[str, bytes]]
    ink: Mapping[str, NDArray[np.bool_]]

    def write_zips(self, root: Path) -> None:
        for part, files in self.files.items():
            (root / "omniglot-py").mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(root / "omniglot-py" / f"{part}.zip", "w") as archive:
                archive.writestr(f"{part}/", b"")
                for name, content in reversed(files.items()):
                    archive.writestr(name, content)

    def write_folders(self, root: Path) -> None:
        for files in self.files.values():
            for name, content in files.items():
                path = root / "omniglot-py" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


Write = Callable[[Small, Path], None]
both_layouts = pytest.mark.parametrize("write", [Small.write_zips, Small.write_folders])
