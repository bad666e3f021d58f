"""The example episode: every image at its place, and wrong answers framed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from bench.episodelist import EpisodeList
from bench.episodeview import ClassView, EpisodeView
from bench.errors import BenchError
from bench.figures.answered import Answered, answered
from bench.figures.look import png
from bench.figures.sheet import Grid, sheet
from bench.pool import ClassPool, EpisodeStream
from bench.predictions import Predictions
from bench.results import PREDICTIONS_FILE


def shown(
    answers: tuple[tuple[int, ...], ...] = ((0, 0, 1), (1, 1, 1)), side: int = 28
) -> Answered:
    rng = np.random.default_rng(0)
    classes = [
        ClassView(
            f"class {number}",
            rng.integers(0, 256, (1, 1, side, side), dtype=np.uint8),
            rng.integers(0, 256, (len(row), 1, side, side), dtype=np.uint8),
        )
        for number, row in enumerate(answers)
    ]
    return Answered(EpisodeView("an episode", tuple(classes)), answers)


def frames(one: Answered) -> list[Rectangle]:
    return [r for r in sheet(one, "protonet").get_children() if isinstance(r, Rectangle)][1:]


def test_every_image_is_found_at_its_place_each_pixel_a_square() -> None:
    one = shown(((0, 0, 0), (1, 1, 1)))
    grid = Grid.of(one)
    assert grid.tile % 28 == 0
    picture = Image.open(io.BytesIO(png(lambda: sheet(one, "protonet"), "")))
    pixels = np.asarray(picture.convert("L")).astype(int)
    assert pixels.shape[0] == grid.height
    for number, row in enumerate(one.episode.classes):
        for is_query, images in ((False, row.support), (True, row.query)):
            for place, image in enumerate(images):
                left, top = grid.left(place, is_query), grid.row(number)
                tile = pixels[top : top + grid.tile, left : left + grid.tile]
                times = grid.tile // 28
                wanted = image[0].repeat(times, 0).repeat(times, 1).astype(int)
                assert np.abs(tile - wanted).mean() < 3  # a palette has few greys


def test_a_wrong_answer_is_framed_with_the_number_of_what_was_said() -> None:
    one = shown(((0, 0, 1), (1, 1, 1)))
    assert (one.right, one.asked) == (5, 6)
    (frame,) = frames(one)
    made, grid = sheet(one, "protonet"), Grid.of(one)
    wide, high = made.bbox.size
    assert frame.get_x() * wide == pytest.approx(grid.left(2, True) - 3)
    assert (1 - frame.get_y()) * high == pytest.approx(grid.row(0) + grid.tile + 3)
    texts = [text.get_text() for text in made.texts]
    assert "2" in texts
    assert any("protonet answers 5 of 6 right" in text for text in texts)


def test_of_right_answers_nothing_is_framed() -> None:
    one = shown(((0, 0), (1, 1)))
    assert frames(one) == []
    assert not any("framed" in text.get_text() for text in sheet(one, "protonet").texts)


@pytest.mark.parametrize(("side", "queries"), [(28, 15), (84, 15), (32, 3), (300, 15)])
def test_tiles_fit_the_width(side: int, queries: int) -> None:
    grid = Grid.of(shown(((0,) * queries, (1,) * queries), side))
    assert grid.left(queries - 1, True) + grid.tile <= 1660 - 20


def predictions_of(stream: EpisodeStream, count: int, said: np.ndarray) -> Predictions:
    """Predictions that say of each query what `said` (queries,) has."""
    episodes = EpisodeList.of([stream.indices(0, count)])
    logits = np.eye(3, dtype=np.float32)[said]
    return Predictions(episodes, logits.ravel())


def test_answers_are_those_of_the_asked_episode_with_its_own_images(
    make_stream: Callable[..., EpisodeStream], tmp_path: Path
) -> None:
    stream = make_stream(split="test")
    count = 3 * 3  # queries of an episode
    indices = stream.indices(0, 2)
    said = np.zeros(2 * count, dtype=int)
    said[count:] = (indices.query_labels[1] + 1) % 3
    said[count] = indices.query_labels[1][0]
    predictions_of(stream, 2, said).write(tmp_path / PREDICTIONS_FILE)
    one = answered(stream.pool, tmp_path, 1, "a title")
    assert one.right == 1
    assert one.asked == count
    for label, row in enumerate(one.episode.classes):
        assert row.name == stream.pool.classes[indices.classes[1][label]]
        rows = indices.query[1][indices.query_labels[1] == label]
        assert (row.query == stream.pool.inputs[rows]).all()
        own = said[count:][indices.query_labels[1] == label]
        assert one.answers[label] == tuple(own)


def test_an_episode_that_is_not_there_and_answers_that_are_values_are_told(
    make_stream: Callable[..., EpisodeStream], tmp_path: Path
) -> None:
    stream = make_stream(split="test")
    kept = predictions_of(stream, 1, np.zeros(9, dtype=int))
    kept.write(tmp_path / PREDICTIONS_FILE)
    with pytest.raises(BenchError, match="has 1 episodes; the last is 0"):
        answered(stream.pool, tmp_path, 1, "")
    values = replace(kept, answers=np.zeros(9), targets=np.zeros((9, 1), np.float32))
    values.write(tmp_path / PREDICTIONS_FILE)
    with pytest.raises(BenchError, match="not with classes"):
        answered(stream.pool, tmp_path, 0, "")
    pool: ClassPool = stream.pool
    (tmp_path / PREDICTIONS_FILE).unlink()
    with pytest.raises(BenchError, match="not there"):
        answered(pool, tmp_path, 0, "")
