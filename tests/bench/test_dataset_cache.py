"""The cache: built once, whole or not at all, and proof that splits share nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.cache import cache_root, open_dataset
from bench.dataset import ClassExamples, DataFiles, Dataset, Split, as_split
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.pool import EpisodeStream
from bench.stored import CachedDataset

Inputs = NDArray[np.uint8] | NDArray[np.float32]


def images(seed: int, count: int = 3, side: int = 4) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, side, side), dtype=np.uint8)


def one(name: str, split: Split, inputs: Inputs) -> ClassExamples:
    return ClassExamples(name, split, inputs)


SMALL = (
    one("a", "train", images(1)),
    one("b", "test", images(2, count=2)),
    one("c", "train", images(3, count=4)),
    one("d", "val", images(4)),
)


class Listed(Dataset):
    """Yields the classes it was given, and counts how often it was asked."""

    name = "listed"

    def __init__(self, listed: Sequence[ClassExamples] = SMALL) -> None:
        self.listed, self.calls = listed, 0

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        self.calls += 1
        yield from self.listed

    def class_count(self) -> int:
        return len(self.listed)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opened(dataset: Dataset, **parameters: int) -> CachedDataset:
    return open_dataset(dataset, parameters, DataFiles(Path("nowhere")), lambda done, total: None)


def leftovers(cache: Path) -> list[str]:
    """What is in the cache except for lock files."""
    return [p.name for p in (cache / "datasets").iterdir() if p.suffix != ".lock"]


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


def test_a_truncated_file_is_refused_with_its_name_and_the_cure() -> None:
    cached = opened(Listed())
    path = cached.folder / "train.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BenchError, match=r"train\.bin is missing or truncated; delete the folder"):
        cached.pool("train")


def test_a_missing_file_is_refused_with_its_name_and_the_cure() -> None:
    cached = opened(Listed())
    (cached.folder / "test.bin").unlink()
    with pytest.raises(BenchError, match=r"test\.bin is missing or truncated; delete the folder"):
        cached.pool("test")


def test_an_altered_file_is_refused_with_its_name_and_the_cure() -> None:
    cached = opened(Listed())
    path = cached.folder / "train.bin"
    content = bytearray(path.read_bytes())
    content[17] ^= 1
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"train\.bin was altered; delete the folder"):
        cached.pool("train")


def test_damage_to_one_split_does_not_keep_the_others_from_being_read() -> None:
    cached = opened(Listed())
    (cached.folder / "test.bin").unlink()
    assert len(cached.pool("train").inputs) == 7


@pytest.mark.parametrize("content", [b"", b'{"format": 1', b'{"format": 1}', b"\xff\xfe"])
def test_a_damaged_description_is_refused_with_its_name_and_the_cure(content: bytes) -> None:
    folder = opened(Listed()).folder
    (folder / "dataset.json").write_bytes(content)
    with pytest.raises(BenchError, match=r"dataset\.json is damaged .*delete the folder"):
        opened(Listed())


def test_a_split_without_classes_is_refused_when_asked_for() -> None:
    cached = opened(Listed(SMALL[:1]))
    with pytest.raises(BenchError, match="listed has no classes in its val split"):
        cached.pool("val")


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [
        (
            [one("a", "train", images(1)), one("a", "train", images(2))],
            "class 'a' is in train and in train; each class belongs to one split, once",
        ),
        (
            [one("a", "train", images(1)), one("a", "test", images(2))],
            "class 'a' is in train and in test",
        ),
        (
            [
                one("a", "train", images(1)),
                one("b", "test", np.vstack([images(2), images(1)[1:2]])),
            ],
            "the same image is in class 'a' of train and in class 'b' of test",
        ),
        (
            [one("a", "train", images(1)), one("b", "train", images(2, side=5))],
            r"class 'b' has inputs uint8 \(1, 5, 5\), those before it uint8 \(1, 4, 4\)",
        ),
        (
            [one("a", "train", images(1)), one("b", "train", np.ones((1, 1, 4, 4), np.float32))],
            "class 'b' has inputs float32 .*, those before it uint8",
        ),
        (
            [one("a", "train", images(1)), one("b", "test", images(2, side=5))],
            r"class 'b' has inputs uint8 \(1, 5, 5\)",
        ),
        (
            [one("a", "train", images(1)), one("b", "test", np.ones((1, 1, 4, 4), np.float32))],
            "class 'b' has inputs float32",
        ),
        (
            [one("a", "train", np.zeros((2, 3)))],  # type: ignore[arg-type]  # what is tested
            "class 'a' has 2 inputs of type float64; give at least one, as uint8 or float32",
        ),
        ([one("a", "train", images(1)[:0])], "class 'a' has 0 inputs of type uint8"),
        ([], "listed yielded no class at all"),
    ],
    ids=[
        *("twice in a split", "twice across splits", "an image in two splits", "shapes in a split"),
        *("types in a split", "shapes across splits", "types across splits", "a wrong type"),
        *("an empty class", "nothing"),
    ],
)
def test_classes_that_break_the_contract_are_refused_and_leave_nothing(
    classes: list[ClassExamples], complaint: str, empty_cache: Path
) -> None:
    with pytest.raises(BenchError, match=complaint):
        opened(Listed(classes))
    assert leftovers(empty_cache) == []


def test_the_same_image_twice_within_a_split_is_no_error() -> None:
    twins = [one("a", "train", images(1)), one("b", "train", images(1))]
    assert len(opened(Listed(twins)).pool("train").inputs) == 6


class Failing(Listed):
    """Yields two classes, then raises what it was given, once."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException | None = error

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        yield from SMALL[:2]
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        yield from SMALL[2:]


@pytest.mark.parametrize("error", [BenchError("a damaged file"), KeyboardInterrupt()])
def test_a_build_that_is_broken_off_leaves_nothing_and_can_be_done_again(
    error: BaseException, empty_cache: Path
) -> None:
    dataset = Failing(error)
    with pytest.raises(type(error)):
        opened(dataset)
    assert leftovers(empty_cache) == []
    assert opened(dataset).pool("train").classes == ("a", "c")


def test_the_rest_of_a_killed_build_is_swept_away_by_the_next() -> None:
    folder = opened(Listed()).folder
    draft = folder.with_suffix(".draft")
    folder.rename(draft)
    (draft / "dataset.json").unlink()
    (draft / "train.bin").write_bytes(b"half")
    assert opened(Listed()).pool("train").offsets.tolist() == [0, 3, 7]
    assert not draft.exists()


def test_a_cache_that_cannot_be_written_is_an_error_that_names_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BenchError, match=r"cannot write the cache folder .*set BENCH_CACHE"):
        opened(Listed())


def test_a_file_the_dataset_cannot_read_is_not_blamed_on_the_cache() -> None:
    error = FileNotFoundError(2, "No such file or directory", "/data/labels.csv")
    with pytest.raises((BenchError, OSError)) as caught:
        opened(Failing(error))
    assert "cannot write the cache" not in str(caught.value)
    assert "/data/labels.csv" in str(caught.value)


def test_a_memory_mapped_pool_equals_the_one_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = opened(Listed())
    in_memory = cached.pool("train")
    monkeypatch.setattr("bench.stored.MEMORY_LIMIT", in_memory.inputs.nbytes - 1)
    mapped = cached.pool("train")
    assert isinstance(mapped.inputs, np.memmap) and not isinstance(in_memory.inputs, np.memmap)
    np.testing.assert_array_equal(mapped.inputs, in_memory.inputs)
    protocol, cpu = EpisodeProtocol(2, 1, 2), torch.device("cpu")
    one = EpisodeStream(mapped, protocol, 0, cpu).episodes(0, 2)[1]
    other = EpisodeStream(in_memory, protocol, 0, cpu).episodes(0, 2)[1]
    assert torch.equal(one.query.inputs, other.query.inputs)


def test_a_mapped_file_that_is_truncated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = opened(Listed())
    monkeypatch.setattr("bench.stored.MEMORY_LIMIT", 0)
    path = cached.folder / "train.bin"
    path.write_bytes(path.read_bytes()[:-16])
    with pytest.raises(BenchError, match="truncated"):
        cached.pool("train")


BUILDER = """
import sys, time
from pathlib import Path
import numpy as np
from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles, Dataset

class Slow(Dataset):
    name = "slow"
    def classes(self, files):
        with (files.root / "log").open("a") as log:
            log.write("built\\n")
        time.sleep(0.5)  # so that the other process comes while the cache is being built
        yield ClassExamples("a", "train", np.ones((3, 2), np.float32))

root = Path(sys.argv[1])
(root / f"waiting-{sys.argv[2]}").touch()
while len(list(root.glob("waiting-*"))) < 2:
    time.sleep(0.02)
cached = open_dataset(Slow(), {}, DataFiles(root), lambda done, total: None)
print(cached.fingerprint, len(cached.pool("train").inputs))
"""


def test_two_processes_that_start_together_build_a_cache_once_and_both_succeed(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", BUILDER, str(tmp_path)]
    running = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert answers[0] == answers[1]
    assert answers[0].endswith(" 3\n")
    assert (tmp_path / "log").read_text() == "built\n"


def test_data_files_finds_the_first_candidate_that_exists(tmp_path: Path) -> None:
    (tmp_path / "b.zip").touch()
    (tmp_path / "c").mkdir()
    files = DataFiles(tmp_path)
    assert files.find("a", "b.zip", "c") == tmp_path / "b.zip"
    assert files.find("c", "b.zip") == tmp_path / "c"
    assert files.find("a") is None


def test_a_split_is_known_by_its_name() -> None:
    assert as_split("val") == "val"
    with pytest.raises(BenchError, match="no split 'vall'; did you mean 'val'"):
        as_split("vall")
