"""Your own images in the cache: built once, and again when files change; and in runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cache import open_dataset
from bench.cli import run_command_line
from bench.dataset import DataFiles
from bench.parameters import Value, settle
from bench.registry import Registry
from bench.stored import CachedDataset
from tests.datasets.own_images import files_at, many, names, opened, write_classes, write_image

GROCERIES = "images/grocery-store-84"
"""The zip, and the list of its classes beside it, below the shared data."""


def cached(registry: Registry, path: Path, **parameters: Value) -> tuple[CachedDataset, int]:
    """Opens a path as a run does; returns the data and how many classes were built for it."""
    dataset = registry.dataset("folder:x")
    settled = settle("folder", dataset, {"path": str(path), "side": 8, **parameters})
    built: list[int] = []
    data = open_dataset(
        dataset(**settled), settled, files_at(path.parent), lambda done, total: built.append(done)
    )
    return data, len(built)


def test_the_cache_is_built_once_and_remarks_are_kept(registry: Registry, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "photos", {**many(4), "tiny": 2})
    first, built = cached(registry, folder)
    again, none = cached(registry, folder)
    assert (built, none) == (4, 0)
    assert first.fingerprint == again.fingerprint
    assert again.record.remarks == (
        "left out, with fewer than 6 images: tiny (2)",
        "no split was given; seed 0 makes it 2 classes to train, 0 to validate, 2 to test",
    )


def add(folder: Path) -> None:
    write_image(folder / "c00" / "new.png")


def remove(folder: Path) -> None:
    (folder / "c00" / "06.png").unlink()


def rename(folder: Path) -> None:
    (folder / "c00" / "06.png").rename(folder / "c00" / "later.png")


def rename_class(folder: Path) -> None:
    (folder / "c00").rename(folder / "d00")


def exchange(folder: Path) -> None:
    """Puts another content of the same size into a file, at a later time."""
    path = folder / "c00" / "00.png"
    state = path.stat()
    path.write_bytes((folder / "c01" / "00.png").read_bytes().ljust(state.st_size, b"\0"))
    os.truncate(path, state.st_size)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))


@pytest.mark.parametrize("change", [add, remove, rename, rename_class, exchange])
def test_any_change_of_a_file_changes_the_stamp(
    registry: Registry, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = write_classes(tmp_path / "photos", many(4, each=7))
    before = opened(registry, folder).stamp(files_at(tmp_path))
    assert opened(registry, folder).stamp(files_at(tmp_path)) == before
    change(folder)
    assert opened(registry, folder).stamp(files_at(tmp_path)) != before


def test_a_look_into_the_folder_that_leaves_hidden_files_changes_nothing(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    before = opened(registry, folder).stamp(files_at(tmp_path))
    (folder / ".DS_Store").write_bytes(b"x")
    assert opened(registry, folder).stamp(files_at(tmp_path)) == before


def test_another_content_of_the_split_file_is_another_cache_even_at_the_same_time(
    registry: Registry, tmp_path: Path
) -> None:
    folder, path = write_classes(tmp_path / "photos", many(4)), tmp_path / "splits.csv"
    path.write_text("class,split\nc00,train\nc01,train\nc02,test\nc03,test\n")
    state = path.stat()
    first, _ = cached(registry, folder, splits=str(path))
    path.write_text("class,split\nc00,test\nc01,train\nc02,test\nc03,train\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    second, built = cached(registry, folder, splits=str(path))
    assert built == 4
    assert first.record.splits["train"].classes == ("c00", "c01")
    assert second.record.splits["train"].classes == ("c01", "c03")


def test_where_folder_and_split_file_are_makes_no_difference_to_the_fingerprint(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(8))
    drawn, _ = cached(registry, folder)
    (tmp_path / "elsewhere").mkdir()
    moved = folder.rename(tmp_path / "elsewhere" / "images")
    rows = [f"{name},{split}" for name, split in names(registry, moved).items()]
    (tmp_path / "splits.csv").write_text("\n".join(["class,split", *rows]))
    listed, _ = cached(registry, moved, splits=str(tmp_path / "splits.csv"))
    assert drawn.fingerprint == listed.fingerprint
    assert drawn.folder != listed.folder


def test_a_run_on_a_small_folder_needs_no_other_options(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "photos", many(8))
    command = ["run", "--algo", "protonet", "--data", f"folder:{folder}", "--backbone", "conv4-32"]
    command += ["--set", "data.side=16", "--steps", "1", "--episodes", "2", "--threads", "1"]
    assert run_command_line([*command, "--out", str(tmp_path / "runs")]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    record = json.loads((run / "run.json").read_text())
    assert run.name.startswith("folder-photos_5w1s5q_protonet")
    assert record["status"] == "complete"
    assert record["data"]["name"] == "folder:photos"


def test_the_groceries_are_81_classes_of_5421_photos_with_the_listed_split(
    registry: Registry, shared_data: Path
) -> None:
    """The counts are those of the data's own description."""
    if not (shared_data / f"{GROCERIES}.zip").exists():
        pytest.skip("no grocery photos below the shared data")
    splits = f"{GROCERIES}-classes.csv"
    dataset = opened(registry, f"{GROCERIES}.zip", splits=splits)
    classes = list(dataset.classes(DataFiles(shared_data, download=False)))
    counts = {
        split: (
            sum(one.split == split for one in classes),
            sum(len(one.inputs) for one in classes if one.split == split),
        )
        for split in ("train", "val", "test")
    }
    assert counts == {"train": (45, 3110), "val": (16, 1020), "test": (20, 1291)}
    assert dataset.remarks() == ()
