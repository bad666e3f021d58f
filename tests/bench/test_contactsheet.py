"""Contact sheets: every image of an episode stands at its place, pixel for pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.contactsheet import MOST, WIDTH, Grid, contact_sheet, tile_of
from bench.episodeview import ClassView, EpisodeView, view
from bench.lettering import save
from bench.pool import EpisodeStream

Shape = tuple[int, int, int]


def episode(
    shape: Shape = (3, 28, 28), ways: int = 3, shots: int = 2, queries: int = 4, seed: int = 0
) -> EpisodeView:
    rng = np.random.default_rng(seed)

    def images(count: int) -> NDArray[np.uint8]:
        return rng.integers(0, 256, (count, *shape), dtype=np.uint8)

    classes = [ClassView(f"class {n}", images(shots), images(queries)) for n in range(ways)]
    return EpisodeView("an episode", tuple(classes))


def drawn(shown: EpisodeView, folder: Path) -> NDArray[np.uint8]:
    save(contact_sheet(shown), folder / "sheet.png")
    return np.asarray(Image.open(folder / "sheet.png").convert("RGB"))


def nearest(image: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """An image (c, h, w) as colours (h, w, 3), each pixel a square of `times`."""
    colours = image if len(image) == 3 else np.repeat(image, 3, axis=0)
    return colours.transpose(1, 2, 0).repeat(times, axis=0).repeat(times, axis=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_is_found_at_its_place(tmp_path: Path, channels: int) -> None:
    shown = episode((channels, 28, 28))
    sheet, grid = drawn(shown, tmp_path), Grid.of(shown)
    assert grid.tile == 4 * 28
    for row, one in enumerate(shown.classes):
        for is_query, images in ((False, one.support), (True, one.query)):
            for number, image in enumerate(images):
                left, top = grid.place(row, number, is_query)
                tile = sheet[top : top + grid.tile, left : left + grid.tile]
                assert (tile == nearest(image, 4)).all()


@pytest.mark.parametrize(
    ("ways", "shots", "queries", "side"),
    [(5, 1, 15, 28), (5, 5, 15, 84), (20, 1, 5, 32), (2, 50, 1, 84), (2, 1, 60, 300)],
)
def test_tiles_lie_within_the_sheet_and_on_no_other(
    ways: int, shots: int, queries: int, side: int
) -> None:
    grid = Grid.of(episode((1, side, side), ways, shots, queries))
    taken = np.zeros((grid.height, WIDTH), int)
    for row in range(ways):
        for count, is_query in ((shots, False), (queries, True)):
            for number in range(count):
                left, top = grid.place(row, number, is_query)
                taken[top : top + grid.tile, left : left + grid.tile] += 1
                assert (left > grid.divider) == is_query
                assert top > grid.top(row)
                assert top + grid.tile <= grid.top(row) + grid.row_height(row)
                assert left + grid.tile <= WIDTH
    assert taken.max() == 1
    assert taken.sum() == ways * (shots + queries) * grid.tile**2


def test_sixteen_small_images_fit_into_one_line_at_twice_their_size() -> None:
    grid = Grid.of(episode((1, 28, 28), 5, 1, 15))
    assert (grid.tile, grid.support_columns, grid.query_columns) == (56, 1, 15)
    assert grid.lines == (1,) * 5


def test_the_sheet_is_as_wide_as_it_says_and_as_high_as_its_rows(tmp_path: Path) -> None:
    shown = episode()
    assert drawn(shown, tmp_path).shape == (Grid.of(shown).height, WIDTH, 3)


def test_a_large_image_is_made_smaller_with_its_proportions_kept() -> None:
    tall = np.zeros((3, 200, 100), np.uint8)
    tile = tile_of(tall, 50)
    assert tile.shape == (50, 50, 3)
    dark = (tile == 0).all(-1)
    assert dark[:, 13:37].all()
    assert not dark[:, :12].any()
    assert not dark[:, 38:].any()


def test_values_that_are_no_bytes_are_stretched_over_the_episode(tmp_path: Path) -> None:
    values = np.full((2, 1, 8, 8), -1.0, np.float32)
    values[1] = 3.0
    shown = EpisodeView("e", (ClassView("a", values[:1], values[1:]),))
    sheet, grid = drawn(shown, tmp_path), Grid.of(shown)
    for is_query, value in ((False, 0), (True, 255)):
        left, top = grid.place(0, 0, is_query)
        assert (sheet[top : top + grid.tile, left : left + grid.tile] == value).all()


def test_of_two_channels_the_first_is_shown_and_of_five_the_first_three() -> None:
    image = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((5, 2, 2), np.uint8) * 20
    assert (tile_of(image[:2], 2) == 0).all()
    assert (tile_of(image, 2) == [0, 20, 40]).all()


def words(sheet: NDArray[np.uint8], grid: Grid, row: int) -> NDArray[np.uint8]:
    """The strip in which the name of a class stands."""
    return sheet[grid.top(row) : grid.top(row) + 22]


def test_the_name_of_each_class_stands_above_its_images(tmp_path: Path) -> None:
    shown = episode()
    sheet, grid = drawn(shown, tmp_path), Grid.of(shown)
    texts = {text.get_text() for text in contact_sheet(shown).texts}
    assert texts == {"an episode", "support", "queries", "class 0", "class 1", "class 2"}
    for row in range(3):
        assert words(sheet, grid, row).min() < 80
    assert (words(sheet, grid, 0) != words(sheet, grid, 1)).any()


def test_names_with_dollars_are_no_formulas_and_long_ones_are_cut(tmp_path: Path) -> None:
    images = np.zeros((1, 1, 8, 8), np.uint8)
    names = ("$x_1$ \\frac{", "long " * 200 + "end", "\u732b")
    shown = EpisodeView("e", tuple(ClassView(name, images, images) for name in names))
    texts = [text.get_text() for text in contact_sheet(shown).texts]
    assert "$x_1$ \\frac{" in texts
    (cut,) = [text for text in texts if "\u2026" in text]
    assert cut.startswith("long long")
    assert cut.endswith("end")
    sheet, grid = drawn(shown, tmp_path), Grid.of(shown)
    assert (words(sheet, grid, 1)[:, WIDTH - 8 :] == 255).all()


def test_of_very_many_queries_the_first_are_shown_and_the_others_counted() -> None:
    images = np.zeros((MOST + 7, 1, 8, 8), np.uint8)
    shown = EpisodeView("e", (ClassView("a", images[:1], images),))
    sheet = contact_sheet(shown)
    assert len(sheet.images) == 1 + MOST
    assert "a (and 7 queries more)" in [text.get_text() for text in sheet.texts]


def test_a_view_has_the_images_of_the_stream_by_class(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    stream = make_stream(ways=3, shots=2, queries=4)
    shown = view(stream, 5, "fifth")
    (drawn_,) = stream.episodes(5, 1)
    for label, one in enumerate(shown.classes):
        assert one.name == stream.pool.classes[int(drawn_.classes[label])]
        for part, images in ((drawn_.support, one.support), (drawn_.query, one.query)):
            expected = part.inputs[part.targets == label].numpy() * 255
            assert (expected.round().astype(np.uint8) == images).all()
