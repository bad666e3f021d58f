"""Look: the same figure is the same bytes, whoever draws it."""

from __future__ import annotations

import io

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from bench.figures.look import DOTS, DRAWN, WIDTH, canvas, colours_of, family_order, png


def drawing() -> Figure:
    made = canvas(1.0)
    made.text(0.1, 0.5, "a word", color="#0072B2")
    return made


def test_two_drawings_are_the_same_bytes_whatever_the_users_settings_are() -> None:
    first = png(drawing, "abc")
    with mpl.rc_context({"font.size": 30, "font.family": ["monospace"], "text.antialiased": False}):
        assert png(drawing, "abc") == first


def test_drawing_leaves_the_users_settings_alone() -> None:
    with mpl.rc_context({"font.size": 30}):
        png(drawing, "")
        assert mpl.rcParams["font.size"] == 30


def test_a_picture_has_its_size_its_hash_a_white_ground_and_no_date() -> None:
    picture = Image.open(io.BytesIO(png(drawing, "abc")))
    assert picture.size == (round(WIDTH * DOTS), DOTS)
    assert dict(picture.info)[DRAWN] == "abc"
    assert set(picture.info) == {DRAWN}
    assert picture.mode == "P"  # no transparent ground, which is black in dark mode
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("colour", ["#0072B2", "#D55E00", "#332288"])
def test_the_palette_keeps_colours_as_they_are(colour: str) -> None:
    def square() -> Figure:
        made = canvas(1.0)
        made.add_artist(Rectangle((0.4, 0.4), 0.2, 0.2, color=colour))
        return made

    picture = Image.open(io.BytesIO(png(square, "")))
    middle = picture.convert("RGB").getpixel((round(WIDTH * DOTS / 2), DOTS // 2))
    assert middle == tuple(bytes.fromhex(colour[1:]))


def test_a_family_has_its_own_colour_in_every_figure() -> None:
    assert colours_of(["metric"])["metric"] == colours_of(["floor", "metric"])["metric"]
    strange = colours_of(["mine", "metric", "yours"])
    assert len(set(strange.values())) == 3


def test_families_of_others_come_last() -> None:
    assert family_order(["b-other", "floor", "a-other", "metric"]) == [
        "metric",
        "floor",
        "a-other",
        "b-other",
    ]
