"""The cache: where it is, what it gives back, and what its fingerprint depends on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.cache import cache_root, open_dataset
from bench.dataset import ClassExamples, DataFiles
from tests.bench.listed_dataset import SMALL, Listed, images, one, opened

pytestmark = pytest.mark.usefixtures("empty_cache")


def test_the_cache_folder_is_the_one_that_was_chosen(empty_cache: Path) -> None:
    assert cache_root() == empty_cache
    assert opened(Listed()).folder.is_relative_to(empty_cache)


def test_without_a_choice_the_cache_is_in_the_users_cache_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert "fewshot-bench" in cache_root().parts


def test_a_pool_holds_the_classes_of_its_split_in_order_and_no_others() -> None:
    pool = opened(Listed()).pool("train")
    assert pool.classes == ("a", "c")
    assert pool.split == "train"
    assert pool.offsets.tolist() == [0, 3, 7]
    np.testing.assert_array_equal(pool.inputs, np.concatenate([images(1), images(3, count=4)]))


def test_features_come_back_bit_by_bit() -> None:
    points = np.array([[1.5, -2.25], [np.pi, 1e-30]], dtype=np.float32)
    pool = opened(Listed([one("a", "train", points)])).pool("train")
    assert pool.inputs.dtype == np.float32
    np.testing.assert_array_equal(pool.inputs, points)


def test_views_that_are_not_contiguous_come_back_as_they_look() -> None:
    turned = np.rot90(images(1), axes=(2, 3))
    assert not turned.flags["C_CONTIGUOUS"]
    pool = opened(Listed([one("a", "train", turned)])).pool("train")
    np.testing.assert_array_equal(pool.inputs, turned)


def test_numbers_in_another_byte_order_come_back_as_the_same_numbers() -> None:
    swapped = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=">f4")
    pool = opened(Listed([one("a", "train", swapped)])).pool("train")
    np.testing.assert_array_equal(pool.inputs, [[1.0, 2.0], [3.0, 4.0]])


def test_a_dataset_is_built_once_and_then_read() -> None:
    dataset = Listed()
    first, second = opened(dataset), opened(dataset)
    assert dataset.calls == 1
    assert first.record == second.record


def test_progress_is_told_class_by_class() -> None:
    told: list[tuple[int, int | None]] = []
    open_dataset(Listed(), {}, DataFiles(Path()), lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_other_parameters_and_another_version_are_kept_apart() -> None:
    class Newer(Listed):
        version = 2

    folders = {opened(Listed(), seed=1).folder, opened(Listed(), seed=2).folder}
    assert len(folders | {opened(Newer(), seed=1).folder}) == 3


def other_pixel() -> NDArray[np.uint8]:
    changed = images(1)
    changed[2, 0, 3, 3] ^= 1
    return changed


@pytest.mark.parametrize(
    "other",
    [
        (one("a", "train", other_pixel()), *SMALL[1:]),
        (one("A", "train", images(1)), *SMALL[1:]),
        (one("a", "val", images(1)), *SMALL[1:]),
        (SMALL[2], SMALL[1], SMALL[0], SMALL[3]),
        SMALL[:3],
    ],
    ids=["pixel", "name", "split", "order", "fewer"],
)
def test_the_fingerprint_changes_with_pixels_names_splits_and_order(
    other: tuple[ClassExamples, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = opened(Listed()).fingerprint
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "second"))
    assert opened(Listed()).fingerprint == before
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "third"))
    assert opened(Listed(other)).fingerprint != before


def test_the_fingerprint_changes_with_the_parameters() -> None:
    assert opened(Listed(), seed=1).fingerprint != opened(Listed(), seed=2).fingerprint


def test_the_fingerprint_changes_with_how_images_are_grouped_into_classes() -> None:
    whole = images(9, count=6)
    one_way = [one("a", "train", whole[:2]), one("b", "train", whole[2:])]
    other_way = [one("a", "train", whole[:3]), one("b", "train", whole[3:])]
    first = opened(Listed(one_way), way=1).record.splits["train"]
    second = opened(Listed(other_way), way=2).record.splits["train"]
    assert first.sha256 == second.sha256
    assert first.counts != second.counts
    assert (
        opened(Listed(one_way), way=1).fingerprint != opened(Listed(other_way), way=2).fingerprint
    )
