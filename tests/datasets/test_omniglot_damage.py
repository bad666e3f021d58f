"""Omniglot: every way in which a file can be wrong is told with its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.registry import Registry
from tests.datasets.omniglot_files import (
    BACKGROUND,
    DRAWINGS,
    EVALUATION,
    Small,
    Write,
    both_layouts,
    png,
    read,
)


def test_a_truncated_zip_is_refused_with_its_path_and_the_cure(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.write_zips(tmp_path)
    path = tmp_path / "omniglot-py" / f"{EVALUATION}.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BenchError, match=rf"{EVALUATION}\.zip cannot be read .*fetch it again"):
        read(registry, tmp_path)


def test_a_damaged_file_inside_a_zip_is_refused_with_both_names(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.write_zips(tmp_path)
    path = tmp_path / "omniglot-py" / f"{BACKGROUND}.zip"
    content = bytearray(path.read_bytes())
    name = next(iter(small.files[BACKGROUND]))
    content[content.index(name.encode()) + len(name) + 60] ^= 255
    path.write_bytes(content)
    with pytest.raises(BenchError, match=rf"0001_01\.png in .*{BACKGROUND}\.zip cannot be read"):
        read(registry, tmp_path)


@both_layouts
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be read"),
        (b"not a png", "cannot be read"),
        (png(np.zeros((105, 105), dtype=np.bool_))[:60], "cannot be read"),
        (png(np.zeros((28, 28), dtype=np.bool_)), r"has size \(28, 28\), not 105x105"),
    ],
    ids=["empty", "text", "truncated", "small"],
)
def test_an_image_that_is_wrong_is_refused_with_its_name_and_place(
    content: bytes,
    complaint: str,
    write: Write,
    small: Small,
    tmp_path: Path,
    registry: Registry,
) -> None:
    name = next(iter(small.files[EVALUATION]))
    small.files[EVALUATION][name] = content
    write(small, tmp_path)
    with pytest.raises(BenchError, match=rf"0042_01\.png in .*{EVALUATION}.*{complaint}"):
        read(registry, tmp_path)


@both_layouts
def test_a_missing_image_is_refused_with_the_counts(
    write: Write, small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.files[EVALUATION].popitem()
    write(small, tmp_path)
    with pytest.raises(BenchError, match=rf"{EVALUATION}.* has 5 images, not 6; delete it"):
        read(registry, tmp_path)


@both_layouts
def test_a_missing_character_is_refused_with_the_counts(
    write: Write, small: Small, tmp_path: Path, registry: Registry
) -> None:
    for _ in range(DRAWINGS):
        small.files[BACKGROUND].popitem()
    write(small, tmp_path)
    with pytest.raises(BenchError, match=rf"{BACKGROUND}.* has 1 characters, not 2; delete it"):
        read(registry, tmp_path)


def test_an_image_in_the_folder_of_another_character_is_refused(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    files = small.files[BACKGROUND]
    name = next(iter(files))
    files[name.replace("Hebrew", "Latin").replace("_01", "_00")] = files.pop(name)
    small.write_zips(tmp_path)
    with pytest.raises(BenchError, match=r"fetch .* again"):
        read(registry, tmp_path)


def test_a_character_folder_without_a_number_is_refused(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    files = small.files[BACKGROUND]
    for name in [n for n in files if "Latin" in n]:
        files[name.replace("character01", "characterA")] = files.pop(name)
    small.write_zips(tmp_path)
    with pytest.raises(BenchError, match="characterA"):
        read(registry, tmp_path)


def test_one_other_pixel_anywhere_is_refused(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    name = next(iter(small.files[BACKGROUND]))
    drawing = small.ink["Hebrew/character01"][0].copy()
    drawing[52, 3] ^= True
    small.files[BACKGROUND][name] = png(drawing)
    small.write_zips(tmp_path)
    with pytest.raises(BenchError, match=r"do not hold the known pixels .*fetch them again"):
        read(registry, tmp_path)
