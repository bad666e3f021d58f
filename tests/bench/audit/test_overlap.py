"""Overlap: data where it should not be, in datasets made by hand, past the intake's checks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench import ClassExamples, DataFiles, Dataset, Examples, Predictor, Split, TaskSpec
from bench.audit.auditing import audit
from bench.audit.overlap import Overlap, _contents, overlap
from bench.evaluation import evaluate
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeIndices
from bench.stored import FORMAT, CachedDataset, CacheRecord, SplitRecord
from tests.bench.audit.canaries import Nearest, content, sure_of

Store = Callable[..., CachedDataset]


@pytest.fixture(scope="module")
def stream(make_stream: Callable[..., EpisodeStream]) -> EpisodeStream:
    return make_stream(ways=3, shots=2, queries=3, classes=10, split="test", seed=1)


@pytest.fixture
def store(tmp_path: Path, stream: EpisodeStream) -> Store:
    """Stores a split of these classes, each with as many images, as data of the stream."""

    def write(
        names: tuple[str, ...], images: NDArray[np.uint8], split: Split = "train"
    ) -> CachedDataset:
        (tmp_path / f"{split}.bin").write_bytes(images.tobytes())
        counts = (len(images) // len(names),) * len(names)
        digest = hashlib.sha256(images.tobytes()).hexdigest()
        known = SplitRecord(names, counts, images.shape[1:], "uint8", digest)
        record = CacheRecord(FORMAT, "handmade", 1, {}, {split: known})
        return CachedDataset(tmp_path, replace(record, fingerprint=stream.pool.fingerprint))

    return write


def own_images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(9).integers(0, 256, (count, 1, 12, 12), dtype=np.uint8)


def test_splits_that_share_nothing_pass(store: Store, stream: EpisodeStream) -> None:
    assert overlap(store(("x", "y"), own_images(8)), stream, 20) == Overlap()


def test_an_episode_that_crosses_groups_is_found(store: Store, stream: EpisodeStream) -> None:
    apart = np.arange(len(stream.pool.inputs))
    crossing = EpisodeStream(stream.pool, stream.protocol, stream.name.seed, stream.device)
    crossing.pool = replace(stream.pool, input_groups=apart)
    data = store(("x", "y"), own_images(8))
    assert overlap(data, crossing, 20) == Overlap()
    crossing.pool = replace(stream.pool, input_groups=apart // 4)
    (error,) = overlap(data, crossing, 20).errors
    assert error.endswith("is a query, and an input of its group is in the support")


def test_who_was_trained_on_test_classes_is_found_out(store: Store, stream: EpisodeStream) -> None:
    """TestTrained: it knows every test image by heart, as its training split had them all."""
    pool = stream.pool
    classes = np.repeat(np.arange(10), np.diff(pool.offsets)).tolist()
    images = pool.gather(np.arange(len(classes)), stream.device)
    learnt = dict(zip(map(content, images), classes, strict=True))

    class TestTrained(Nearest):
        def adapt(self, support: Examples) -> Predictor:
            known = [learnt[content(one)] for one in support.inputs]

            def predict(query: Tensor) -> Tensor:
                found = [learnt.get(content(one)) for one in query]  # None for noise
                places = [known.index(one) if one in known else 0 for one in found]
                return sure_of(support.targets[torch.tensor(places)], support.n_way)

            return predict

    cheat = TestTrained(TaskSpec(pool.input_shape, 3, 2))
    assert evaluate(cheat, stream, 20, seed=0).scores.tolist() == [1.0] * 20
    data = store(pool.classes, pool.inputs)
    record = audit(cheat, stream, 3, seed=0, overlap=overlap(data, stream, 20))
    assert record.verdict == "error"
    by_class, by_image = record.errors
    assert "10 of the test classes drawn are also in train: class00, class01, class02" in by_class
    assert "80 of 80 test examples are also in train, such as one of 'class00'" in by_image


@pytest.mark.parametrize("split", ["train", "val"])
def test_images_under_other_names_are_found_by_content(
    split: Split, store: Store, stream: EpisodeStream
) -> None:
    """Those of val count as well: weights are chosen by them, and may be trained on them."""
    images = own_images(8)
    images[5] = stream.pool.inputs[33]  # of class 4, as each has 8
    (error,) = overlap(store(("x", "y"), images, split), stream, 20).errors
    assert error == f"1 of 80 test examples are also in {split}, such as one of 'class04'"


def test_images_in_both_splits_are_told_of_each(store: Store, stream: EpisodeStream) -> None:
    images = own_images(8)
    images[5] = stream.pool.inputs[33]
    train, val = store(("x", "y"), images), store(("z", "w"), images, "val")
    splits = train.record.splits | val.record.splits
    errors = overlap(replace(train, record=replace(train.record, splits=splits)), stream, 20).errors
    assert [error.split(", ")[0].rpartition(" ")[2] for error in errors] == ["train", "val"]


class Rotated(Dataset):
    """Of a class and its rotations, as in name@90, the base is the name."""

    name = "rotated"

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        yield from ()

    def base_class(self, name: str) -> str:
        return name.partition("@")[0]


def test_classes_made_of_the_same_base_class_are_found(store: Store, stream: EpisodeStream) -> None:
    rotated = ("class03@90", "other")
    data = store(rotated, own_images(8))
    assert overlap(data, stream, 20) == Overlap()
    (error,) = overlap(replace(data, source=Rotated()), stream, 20).errors
    assert error == "1 of the test classes drawn are also in train: class03"


def test_names_of_another_dataset_s_classes_mean_nothing(
    store: Store, stream: EpisodeStream
) -> None:
    data = store(("class03", "other"), own_images(8))
    assert overlap(data, stream, 20).errors
    other = replace(data, record=replace(data.record, fingerprint="another dataset"))
    assert overlap(other, stream, 20) == Overlap()


class Leaking(EpisodeStream):
    """A stream whose sampler makes one mistake."""

    def __init__(
        self, stream: EpisodeStream, mistake: Callable[[EpisodeIndices], EpisodeIndices]
    ) -> None:
        super().__init__(stream.pool, stream.protocol, 0, stream.device)
        self.mistake = mistake

    def batches(self, count: int, size: int) -> Iterator[EpisodeIndices]:
        yield from map(self.mistake, super().batches(count, size))


def shared_row(drawn: EpisodeIndices) -> EpisodeIndices:
    query, labels = drawn.query.copy(), drawn.query_labels.copy()
    query[0, 0], labels[0, 0] = drawn.support[0, 0], drawn.support_labels[0, 0]
    return replace(drawn, query=query, query_labels=labels)


def foreign_row(drawn: EpisodeIndices) -> EpisodeIndices:
    rows = drawn.query.copy()
    rows[0, 0] = (rows[0, 0] + 8) % 80  # of the next class
    return replace(drawn, query=rows)


def foreign_class(drawn: EpisodeIndices) -> EpisodeIndices:
    """learn2learn's mistake: classes from a list longer than the split's."""
    return replace(drawn, classes=drawn.classes + 9)


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (shared_row, "is both support and query of one episode"),
        (foreign_row, "is not of the class that it was drawn as"),
        (foreign_class, "classes outside the split: number"),
    ],
)
def test_mistakes_of_a_sampler_are_errors(
    mistake: Callable[[EpisodeIndices], EpisodeIndices],
    error: str,
    store: Store,
    stream: EpisodeStream,
) -> None:
    found = overlap(store(("x", "y"), own_images(8)), Leaking(stream, mistake), 20)
    assert any(error in one for one in found.errors)


def twins(pool: ClassPool, classes: int) -> ClassPool:
    """The pool with all images of so many classes equal."""
    inputs = pool.inputs.copy()
    for start in pool.offsets[:classes]:
        inputs[start : start + 8] = inputs[start]
    return replace(pool, inputs=inputs)


def test_images_twice_in_an_episode_are_a_note_while_rare(
    store: Store, stream: EpisodeStream
) -> None:
    data = store(("x", "y"), own_images(8))
    every = EpisodeStream(twins(stream.pool, 10), stream.protocol, 0, stream.device)
    assert overlap(data, every, 20) == Overlap(
        ("100.00% of the queries are, byte for byte, also in their episode's support",)
    )
    rows = stream.pool.inputs.copy()
    rows[1] = rows[0]  # one pair in eighty
    few = EpisodeStream(replace(stream.pool, inputs=rows), stream.protocol, 0, stream.device)
    found = overlap(data, few, 200)
    assert found.errors == ()
    (note,) = found.notes
    twin = queries = 0
    for drawn in few.batches(200, 1):
        both = {0, 1} & set(drawn.support[0].tolist()), {0, 1} & set(drawn.query[0].tolist())
        twin += bool(both[0]) and len(both[1])
        queries += drawn.query.size
    assert twin > 0
    assert note.startswith(f"{twin / queries:.2%} of the queries")


def test_values_of_a_curve_are_part_of_the_content_of_its_points() -> None:
    inputs = np.array([[0.5], [0.5], [0.5], [-0.0]], dtype=np.float32)
    targets = np.array([[1.0], [1.0], [2.0], [1.0]], dtype=np.float32)
    pool = ClassPool("f", "train", ("a",), np.array([0, 4]), inputs, targets)
    first, second, other_value, other_input = _contents(pool).tolist()
    assert first == second
    assert len({first, other_value, other_input}) == 3
