"""The stream of a sealed list: the same tasks, wherever their images lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.algorithm import Algorithm
from bench.episodelist import EpisodeList
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import ClassPool, EpisodeStream
from bench.sealed_stream import SealedStream
from tests.bench.sealed_lists import CPU, Pools, Streams, sealed_of, shuffled, uneven

Build = Callable[..., Algorithm]


def test_on_its_own_data_a_list_is_the_stream_that_it_was_drawn_from(make_stream: Streams) -> None:
    stream = make_stream(split="test", stream_seed=5)
    again = SealedStream(sealed_of(stream, 40), stream.pool, CPU)
    assert again.length == 40
    assert again.name == stream.name
    for count in (40, 9):
        assert again.digest(count) == stream.digest(count)
        pairs = zip(again.batches(count, 7), stream.batches(count, 7), strict=True)
        for one, other in pairs:
            for a, b in zip(one.columns, other.columns, strict=True):
                assert a.tolist() == b.tolist()
    batch, expected = again.batch(3, 5), stream.batch(3, 5)
    assert torch.equal(batch.inputs, expected.inputs)
    assert torch.equal(batch.query_targets, expected.query_targets)


def test_in_a_copy_in_another_order_each_image_is_found(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    moved, new_rows = shuffled(stream.pool)
    found = EpisodeList.of(SealedStream(sealed_of(stream, 25), moved, CPU).batches(25, 4))
    listed = EpisodeList.of(stream.batches(25, 25))
    assert found.support.tolist() == [new_rows[row] for row in listed.support.tolist()]
    assert found.query.tolist() == [new_rows[row] for row in listed.query.tolist()]
    assert found.query_labels.tolist() == listed.query_labels.tolist()
    assert [moved.classes[c] for c in found.classes] == [
        stream.pool.classes[c] for c in listed.classes
    ]


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("name", ["protonet", "maml", "pixels"])
def test_a_copy_in_another_order_gets_the_same_answers(
    make_stream: Streams, build: Build, name: str, plain: bool
) -> None:
    stream = make_stream(split="test", side=12)
    sealed = sealed_of(stream, 10)
    moved, _ = shuffled(stream.pool)
    algorithm = build(name)
    expected = evaluate(algorithm, stream, 10, seed=0, plain=plain)
    for pool in (stream.pool, moved):
        found = evaluate(algorithm, SealedStream(sealed, pool, CPU), 10, seed=0, plain=plain)
        assert found.answers == pytest.approx(expected.answers, abs=1e-5)
        assert (found.right == expected.right).all()
    assert SealedStream(sealed, moved, CPU).digest(10) == stream.digest(10)


@pytest.mark.parametrize("plain", [True, False])
def test_episodes_of_uneven_shapes_are_answered_on_the_fast_and_on_the_plain_path(
    make_pool: Pools, build: Build, plain: bool
) -> None:
    pool = make_pool(classes=4, each=4, split="test")
    stream = SealedStream(uneven(pool), pool, CPU)
    found = evaluate(build("pixels", ways=2), stream, 3, seed=0, plain=plain)
    assert found.episodes.ways.tolist() == [2, 3, 2]
    # By hand, from the definition: the nearest class mean, in squared distances of pixels / 255.
    flat = pool.inputs.reshape(16, -1) / 255
    for number in range(3):
        part = found.episodes.slice_of(number, number + 1)
        means = [
            flat[part.support[part.support_labels == label]].mean(0)
            for label in range(int(part.ways[0]))
        ]
        nearest = [
            int(np.argmin([((flat[row] - mean) ** 2).sum() for mean in means]))
            for row in part.query
        ]
        assert found.correct is not None
        assert found.correct[number] == (np.array(nearest) == part.query_labels).sum()
    with pytest.raises(BenchError, match="shapes of their own"):
        stream.indices(0, 3)
    assert len(stream.indices(1, 1)) == 1


def test_equal_images_of_a_class_are_taken_once_each(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    stream.pool.inputs[:8] = stream.pool.inputs[0]  # all of the first class alike
    sealed = sealed_of(stream, 40)
    moved, _ = shuffled(stream.pool)
    found = EpisodeList.of(SealedStream(sealed, moved, CPU).batches(40, 40))
    listed = sealed.episodes
    pairs = {*zip(listed.query.tolist(), found.query.tolist(), strict=True)}
    pairs |= {*zip(listed.support.tolist(), found.support.tolist(), strict=True)}
    assert len(pairs) == len({new for _, new in pairs}) == len({old for old, _ in pairs})
    for old, new in pairs:
        assert (stream.pool.inputs[old] == moved.inputs[new]).all()


def without(pool: ClassPool, rows: list[int]) -> ClassPool:
    """Returns a copy of a pool in which these images are others."""
    inputs = pool.inputs.copy()
    inputs[rows] = 255 - inputs[rows]
    return replace(pool, fingerprint="another", inputs=inputs)


def test_images_that_are_missing_are_counted_and_named(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    sealed = sealed_of(stream, 40)
    lost = sealed.images[[0, 1, 20, 30]].tolist()
    with pytest.raises(BenchError) as caught:
        SealedStream(sealed, without(stream.pool, lost), CPU)
    text = str(caught.value)
    assert f"4 of the {len(sealed.images)} images of these episodes are not in the test" in text
    assert sealed.hashes[0].tobytes().hex() in text
    assert f"'{stream.pool.classes[0]}'" in text
    assert "drawn from toy with data.a=1.5 data.b=2" in text
    assert "\n" not in text


def test_an_image_that_no_episode_has_may_be_missing(make_stream: Streams) -> None:
    stream = make_stream(split="test", classes=12)
    sealed = sealed_of(stream, 3)
    unused = sorted(set(range(96)) - set(sealed.images.tolist()))
    copy = SealedStream(sealed, without(stream.pool, unused), CPU)
    assert copy.digest(3) == stream.digest(3)


def test_an_image_is_looked_for_in_its_own_class_only(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    names = stream.pool.classes
    swapped = replace(stream.pool, fingerprint="another", classes=(names[1], names[0], *names[2:]))
    with pytest.raises(BenchError, match="images of these episodes are not in the test split"):
        SealedStream(sealed_of(stream, 40), swapped, CPU)


def test_a_class_of_another_name_is_missing(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    renamed = replace(
        stream.pool, fingerprint="another", classes=("klass00", *stream.pool.classes[1:])
    )
    expected = "1 of the 12 classes .* such as 'class00'; did you mean '"
    with pytest.raises(BenchError, match=expected):
        SealedStream(sealed_of(stream, 40), renamed, CPU)


def test_data_that_says_it_is_the_same_is_checked_image_by_image(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    sealed = sealed_of(stream, 40)
    damaged = without(stream.pool, [int(sealed.images[3])])
    damaged = replace(damaged, fingerprint=stream.pool.fingerprint)
    with pytest.raises(BenchError, match=r"^1 of the \d+ images of these episodes are no longer"):
        SealedStream(sealed, damaged, CPU)
    fewer = replace(
        stream.pool,
        classes=stream.pool.classes[:5],
        offsets=stream.pool.offsets[:6],
        inputs=stream.pool.inputs[:40],
    )
    with pytest.raises(BenchError, match="whose fingerprint they bear"):
        SealedStream(sealed, fewer, CPU)


def test_more_episodes_than_there_are_are_refused(make_stream: Streams) -> None:
    stream = make_stream(split="test")
    sealed = SealedStream(sealed_of(stream, 4), stream.pool, CPU)
    for ask in (lambda: sealed.digest(5), lambda: list(sealed.batches(5, 2))):
        with pytest.raises(BenchError, match="5 episodes were asked for, but there are 4"):
            ask()
    with pytest.raises(BenchError, match="but there are 4"):
        sealed.indices(2, 3)


def test_in_regression_the_values_are_part_of_what_must_be_found() -> None:
    rng = np.random.default_rng(0)
    pool = ClassPool(
        "curves",
        "test",
        tuple(f"curve{number}" for number in range(6)),
        np.arange(7) * 10,
        rng.normal(size=(60, 1)).astype(np.float32),
        rng.normal(size=(60, 1)).astype(np.float32),
    )
    stream = EpisodeStream(pool, EpisodeProtocol(1, 3, 4), 0, CPU)
    sealed = sealed_of(stream, 8)
    moved, _ = shuffled(pool)
    again = SealedStream(sealed, moved, CPU)
    for one, other in zip(again.batches(8, 8), stream.batches(8, 8), strict=True):
        known = [s.targets(d.query, d.query_labels) for s, d in ((again, one), (stream, other))]
        assert torch.equal(*known)
    assert moved.targets is not None
    moved.targets[:] += 1
    with pytest.raises(BenchError, match="images of these episodes are not in"):
        SealedStream(sealed, moved, CPU)
