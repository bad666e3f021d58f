"""Pools and streams: the right images, scaled, under the right labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bench.episodes import Episode, EpisodeProtocol
from bench.errors import BenchError
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeSampler

CPU = torch.device("cpu")


def same(one: Episode, other: Episode) -> bool:
    return (
        torch.equal(one.support.inputs, other.support.inputs)
        and torch.equal(one.support.targets, other.support.targets)
        and torch.equal(one.query.inputs, other.query.inputs)
        and torch.equal(one.query.targets, other.query.targets)
        and torch.equal(one.classes, other.classes)
    )


def test_bytes_are_scaled_to_the_unit_interval(make_pool: Callable[..., ClassPool]) -> None:
    inputs = np.array([[0], [51], [255]], dtype=np.uint8)
    pool = ClassPool("f", "train", ("a",), np.array([0, 3]), inputs)
    values = pool.gather(np.array([2, 0, 1]), CPU)
    assert values.dtype is torch.float32
    assert values.flatten().tolist() == pytest.approx([1.0, 0.0, 0.2], abs=1e-7)


def test_features_are_passed_on_as_they_are() -> None:
    inputs = np.array([[-3.5, 700.0], [1e-9, 0.1]], dtype=np.float32)
    pool = ClassPool("f", "train", ("a",), np.array([0, 2]), inputs)
    np.testing.assert_array_equal(pool.gather(np.array([1, 0]), CPU).numpy(), inputs[[1, 0]])


def test_rows_of_any_shape_are_gathered_in_that_shape(make_pool: Callable[..., ClassPool]) -> None:
    pool = make_pool()
    rows = np.array([[0, 95], [7, 8], [3, 3]])
    gathered = pool.gather(rows, CPU)
    assert gathered.shape == (3, 2, 1, 12, 12)
    expected = pool.inputs[95].astype(np.float64) / 255
    np.testing.assert_allclose(gathered[0, 1].numpy(), expected, atol=1e-7)


def test_gathering_leaves_the_pool_as_it_was(make_pool: Callable[..., ClassPool]) -> None:
    inputs = np.ones((2, 3), dtype=np.float32)
    pool = ClassPool("f", "train", ("a",), np.array([0, 2]), inputs)
    pool.gather(np.array([0, 1]), CPU).mul_(5)
    assert (inputs == 1).all()


def test_the_pool_knows_the_shape_of_an_input(make_pool: Callable[..., ClassPool]) -> None:
    assert make_pool(side=9).input_shape == (1, 9, 9)


def test_an_episodes_images_are_those_of_the_classes_behind_their_labels(
    make_pool: Callable[..., ClassPool],
) -> None:
    pool = make_pool(each=6)
    stream = EpisodeStream(pool, EpisodeProtocol(4, 2, 3), 0, CPU)
    for episode in stream.episodes(0, 5):
        seen = set()
        for part, count in ((episode.support, 2), (episode.query, 3)):
            assert part.n_way == 4
            assert torch.bincount(part.targets, minlength=4).tolist() == [count] * 4
            for image, label in zip(part.inputs, part.targets, strict=True):
                original = (image * 255).round().to(torch.uint8).numpy()
                (row,) = np.flatnonzero((pool.inputs == original).all(axis=(1, 2, 3)))
                assert row // 6 == episode.classes[label]
                seen.add(int(row))
        assert len(seen) == 4 * 5


def test_an_episode_is_the_same_in_whatever_batch_it_is_asked_for(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    stream = make_stream()
    together = stream.episodes(0, 6)
    assert same(stream.episodes(4, 1)[0], together[4])
    assert same(stream.episodes(2, 3)[2], together[4])
    assert not same(together[3], together[4])


def test_episodes_hold_what_the_indices_say(make_stream: Callable[..., EpisodeStream]) -> None:
    stream = make_stream()
    drawn, episodes = stream.indices(7, 2), stream.episodes(7, 2)
    for place, episode in enumerate(episodes):
        assert torch.equal(episode.support.inputs, stream.pool.gather(drawn.support[place], CPU))
        assert torch.equal(episode.query.inputs, stream.pool.gather(drawn.query[place], CPU))
        assert episode.support.targets.tolist() == drawn.support_labels[place].tolist()
        assert episode.query.targets.tolist() == drawn.query_labels[place].tolist()
        assert episode.classes.tolist() == drawn.classes[place].tolist()


def test_the_digest_names_the_pool_the_protocol_the_seed_and_the_number_of_episodes(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    digests = [
        make_stream().digest(10),
        make_stream().digest(11),
        make_stream(stream_seed=1).digest(10),
        make_stream(seed=1).digest(10),
        make_stream(split="val").digest(10),
        make_stream(queries=2).digest(10),
    ]
    assert make_stream().digest(10) == digests[0]
    assert len(set(digests)) == len(digests)


def test_a_stream_its_pool_cannot_give_is_refused_at_once(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    with pytest.raises(BenchError, match="13 ways, but the train split has 12 classes"):
        make_stream(ways=13)


def test_episodes_that_somebody_keeps_are_not_overwritten_by_later_ones(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    stream = make_stream()
    kept = [episode for start in range(0, 40, 4) for episode in stream.episodes(start, 4)[1:3]]
    for number, episode in zip(
        [start + place for start in range(0, 40, 4) for place in (1, 2)], kept, strict=True
    ):
        assert same(episode, make_stream().episodes(number, 1)[0])


def test_an_episode_that_was_written_to_is_whole_when_asked_for_again(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    stream = make_stream()
    (episode,) = stream.episodes(3, 1)
    for part in (episode.support, episode.query):
        part.inputs.zero_()
        part.targets.zero_()
    episode.classes.zero_()
    drawn = stream.indices(3, 1)
    for column in drawn.columns:
        column[:] = -1
    assert same(stream.episodes(3, 1)[0], make_stream().episodes(3, 1)[0])


@pytest.mark.parametrize("ways", [3, 12])
def test_indices_are_the_samplers_wherever_its_blocks_begin(
    ways: int, make_stream: Callable[..., EpisodeStream]
) -> None:
    stream = make_stream(ways=ways, queries=6)
    sampler = EpisodeSampler(stream.name, stream.pool.offsets, stream.pool.classes)
    for start, count in ((0, 1), (250, 20), (255, 1), (256, 1), (100, 700), (7, 2)):
        for mine, its in zip(
            stream.indices(start, count).columns, sampler.draw(start, count).columns, strict=True
        ):
            np.testing.assert_array_equal(mine, its)


def test_a_batch_holds_the_episodes_support_first(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    stream = make_stream()
    batch = stream.batch(5, 3)
    assert batch.inputs.shape == (3, 6 + 9, 1, 12, 12)
    for place, episode in enumerate(stream.episodes(5, 3)):
        assert same(batch.episodes()[place], episode)
        together = torch.cat([episode.support.inputs, episode.query.inputs])
        assert torch.equal(batch.inputs[place], together)
        assert torch.equal(batch.support_targets[place], episode.support.targets)
        assert torch.equal(batch.query_targets[place], episode.query.targets)


def test_a_stream_gathers_what_its_pool_gathers(make_stream: Callable[..., EpisodeStream]) -> None:
    stream, rows = make_stream(), np.array([[5, 0], [95, 5]])
    assert torch.equal(stream.gather(rows), stream.pool.gather(rows, CPU))
