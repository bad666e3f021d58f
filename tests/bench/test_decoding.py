"""Decoding: all pictures of all classes, in order, several at a time, a few ahead."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from PIL import Image

from bench import decoding
from bench.decoding import Picture, PictureClass, decoded
from bench.errors import BenchError
from bench.imageform import ImageForm

FORM = ImageForm(2, 2, "L")


def png(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (2, 2), grey).save(file, "PNG")
    return file.getvalue()


def picture(grey: int, group: str = "") -> Picture:
    return Picture(f"{grey}.png", partial(png, grey), group)


def broken(name: str, content: bytes = b"") -> Picture:
    return Picture(name, lambda: content)


def a_class(name: str, *pictures: Picture) -> PictureClass:
    return PictureClass(name, "train", pictures)


def test_classes_and_pictures_keep_their_order() -> None:
    classes = [a_class(f"c{n}", *(picture(10 * n + k) for k in range(n))) for n in range(1, 9)]
    found = list(decoded(classes, FORM))
    assert [one.name for one in found] == [f"c{n}" for n in range(1, 9)]
    for n, one in enumerate(found, 1):
        assert one.inputs.shape == (n, 1, 2, 2) and one.inputs.dtype == np.uint8
        assert one.inputs[:, 0, 0, 0].tolist() == [10 * n + k for k in range(n)]
        assert one.groups is None and one.split == "train"


@pytest.mark.parametrize("together", [1, 3, 16])
@pytest.mark.parametrize("ahead", [1, 7, 100])
def test_no_more_than_a_few_are_read_ahead(
    ahead: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "AHEAD", ahead)
    monkeypatch.setattr(decoding, "TOGETHER", together)
    asked: list[int] = []

    def watched(number: int) -> Callable[[], bytes]:
        def read() -> bytes:
            asked.append(number)
            return png(number)

        return read

    def classes() -> Iterator[PictureClass]:
        for first in range(0, 50, 5):
            numbers = range(first, first + 5)
            yield a_class(f"c{first}", *(Picture(str(n), watched(n)) for n in numbers))

    for place, one in enumerate(decoded(classes(), FORM), 1):
        assert one.inputs[:, 0, 0, 0].tolist() == list(range(5 * place - 5, 5 * place))
        assert len(asked) <= 5 * place + max(ahead, together) + together
    assert sorted(asked) == list(range(50))


def test_several_are_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "usable_cores", lambda: 3)
    monkeypatch.setattr(decoding, "TOGETHER", 2)
    together = threading.Barrier(3)  # nobody goes on before three have come

    def read() -> bytes:
        together.wait(timeout=30)
        return png(7)

    (one,) = decoded([a_class("a", *(Picture("x", read) for _ in range(6)))], FORM)
    assert (one.inputs == 7).all()


def test_groups_stay_with_their_pictures_when_one_is_left_out() -> None:
    damaged: dict[str, str] = {}
    pictures = (picture(1, "x"), broken("gap.png"), picture(2, "y"), picture(3))
    (one,) = decoded([a_class("a", *pictures)], FORM, damaged)
    assert one.inputs[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert one.groups == ("x", "y", "")
    assert damaged == {"gap.png": "gap.png is empty"}


def test_a_class_of_damaged_pictures_alone_is_left_out() -> None:
    damaged: dict[str, str] = {}
    classes = [a_class("a", broken("1.png"), broken("2.png", b"text")), a_class("b", picture(5))]
    assert [one.name for one in decoded(classes, FORM, damaged)] == ["b"]
    assert list(damaged) == ["1.png", "2.png"]


def test_without_a_place_for_them_the_first_damaged_picture_is_an_error() -> None:
    classes = [a_class("a", picture(1)), a_class("b", broken("1.png"), broken("2.png"))]
    found = decoded(classes, FORM)
    assert next(found).name == "a"
    with pytest.raises(BenchError, match=r"^1\.png is empty$"):
        next(found)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    found = decoded([a_class(f"c{n}", picture(n)) for n in range(30)], FORM)
    next(found)
    found.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before


def test_no_class_gives_no_class() -> None:
    assert list(decoded([], FORM)) == []
    assert list(decoded([a_class("empty")], FORM)) == []
