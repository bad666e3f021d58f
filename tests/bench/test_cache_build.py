"""Building the cache: whole or not at all, once, with proof that splits share nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from tests.bench.listed_dataset import SMALL, Listed, images, leftovers, one, opened

pytestmark = pytest.mark.usefixtures("empty_cache")


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
            "the same example is in class 'a' of train and in class 'b' of test",
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
