"""The Python call: what it takes and gives, and the form that pictures get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.algorithm import Algorithm
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.labels import COLUMNS
from bench.trainedmodel import TrainedModel, form_of
from tests.bench.picture_files import picture, write_picture, write_support
from tests.bench.restored_runs import Records, restored

Build = Callable[..., Algorithm]
FORM = ImageForm(28, 28)
SHOTS = {"red": 2, "green": 1, "blue": 2}


@pytest.fixture
def model(build: Build, make_record: Records) -> Callable[..., TrainedModel]:
    def make(name: str = "pixels", **more: Any) -> TrainedModel:
        return TrainedModel(restored(build(name, shape=FORM.shape), make_record, **more), FORM)

    return make


def test_folders_and_pictures_give_the_same_labels(
    model: Callable[..., TrainedModel], tmp_path: Path
) -> None:
    support = write_support(tmp_path / "support", SHOTS)
    for number, name in enumerate(SHOTS):
        write_picture(tmp_path / "query" / f"{number}.png", name, 40 + number)
    labels = model().predict(support, tmp_path / "query")
    assert [one.class_name for one in labels] == list(SHOTS)
    known = {name: [picture(name, n) for n in range(count)] for name, count in SHOTS.items()}
    arrays = model().predict(known, [picture(name, 40 + n) for n, name in enumerate(SHOTS)])
    assert [one.row[1:] for one in arrays] == [one.row[1:] for one in labels]
    assert (len(labels), labels[0].path, labels.support) == (3, "0.png", (2, 1, 2))


def test_a_table_has_the_columns_of_the_file_and_numbers_as_numbers(
    model: Callable[..., TrainedModel], tmp_path: Path
) -> None:
    support = write_support(tmp_path / "support", SHOTS)
    labels = model().predict(support, [picture("red", 40), b"no picture"])
    frame = labels.frame()
    assert tuple(frame.columns) == COLUMNS == tuple(labels.csv().splitlines()[0].split(","))
    assert frame["probability"].dtype == np.float64
    assert frame["class"].tolist() == ["red", ""] and np.isnan(frame["novelty"][1])
    assert labels.counts == {"blue": 0, "green": 0, "red": 1}
    assert [one.path for one in labels.unreadable] == ["query[1]"]


def test_progress_is_told_as_it_is_made(model: Callable[..., TrainedModel]) -> None:
    seen: list[tuple[int, int]] = []
    known = {name: [picture(name, 0)] for name in SHOTS}
    model().predict(
        known, [picture("red", n) for n in range(70)], report=lambda *at: seen.append(at)
    )
    assert seen == [(64, 70), (70, 70)]


def test_how_queries_were_asked_is_told_where_they_inform_one_another(
    model: Callable[..., TrainedModel],
) -> None:
    known = {name: [picture(name, n) for n in range(2)] for name in SHOTS}
    for audited in (True, False):
        made = model("fomaml", audited=audited)
        (remark,) = made.predict(known, [picture("red", 9)]).remarks
        assert "each was asked with the support alone" in remark
        (remark,) = made.predict(known, [picture("red", 9)], together=True).remarks
        assert "all pictures together" in remark
    assert model("protonet").predict(known, [picture("red", 9)]).remarks == ()


def test_inversion_is_that_of_the_data_unless_told_otherwise(
    model: Callable[..., TrainedModel],
) -> None:
    dark = {name: [np.full((20, 20), value, np.uint8)] for name, value in (("a", 10), ("b", 60))}
    plain = model()
    ink = replace(plain, form=replace(FORM, inverted=True))
    query = [np.full((20, 20), 20, np.uint8)]
    assert plain.predict(dark, query).remarks == ()
    (remark,) = ink.predict(dark, query).remarks
    assert "--no-invert" in remark
    assert ink.predict(dark, query, invert=False)[0].row == plain.predict(dark, query)[0].row


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_form_that_the_record_lacks_is_guessed_from_the_shape_and_told(
    channels: int, mode: str, build: Build, make_record: Records
) -> None:
    form, remark = form_of(restored(build("pixels", shape=(channels, 9, 7)), make_record))
    assert (form.height, form.width, form.mode, form.inverted) == (9, 7, mode, False)
    assert "does not say how its images were made" in remark
    known = restored(build("pixels", shape=FORM.shape), make_record, form=FORM)
    assert form_of(known) == (FORM, "")


@pytest.mark.parametrize(
    ("shape", "dtype"), [((7,), "float32"), ((3, 9, 9), "float32"), ((4, 9, 9), "uint8")]
)
def test_inputs_that_are_no_images_are_refused(
    shape: tuple[int, ...], dtype: str, build: Build, make_record: Records
) -> None:
    with pytest.raises(BenchError, match="whose inputs are no images"):
        form_of(restored(build("pixels", shape=shape), make_record, dtype=dtype))
