"""The photo datasets that torchvision lists, on small folders laid out as the real ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.cache import open_dataset
from bench.dataset import SPLITS, DataFiles
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.parameters import settle
from bench.registry import Registry
from tests.datasets.fake_archives import PHOTOS, SIDE, Fake, made, prepare, read

every = pytest.mark.parametrize("fake", PHOTOS, ids=lambda fake: fake.name)


@every
def test_all_classes_come_in_their_splits_under_their_names_with_all_their_pictures(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, contents = prepare(fake, registry, monkeypatch, tmp_path)
    found = read(dataset, tmp_path)
    assert set(found) == set(contents)
    assert dataset.class_count() == len(found) == sum(fake.splits)
    splits = Counter(one.split for one in found.values())
    assert tuple(splits[split] for split in SPLITS) == fake.splits
    for name, pictures in contents.items():
        expected = np.stack(pictures).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(found[name].inputs, expected)
    assert dataset.remarks() == ()


@every
def test_the_cache_takes_them(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    dataset, contents = prepare(fake, registry, monkeypatch, tmp_path)
    parameters = settle(fake.name, type(dataset), fake.chosen)
    steps: list[int] = []
    data = open_dataset(
        dataset, parameters, DataFiles(tmp_path, False), lambda done, total: steps.append(done)
    )
    kept = {split: len(record.classes) for split, record in data.record.splits.items()}
    assert tuple(kept.get(split, 0) for split in SPLITS) == fake.splits
    images = sum(record.rows for record in data.record.splits.values())
    assert images == sum(map(len, contents.values()))
    assert steps[-1] == len(contents)
    assert data.record.splits["test"].shape == (3, SIDE, SIDE)


@every
def test_pictures_are_shrunk_as_the_form_says(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prepare(fake, registry, monkeypatch, tmp_path)
    dataset = made(registry, fake.name, side=8, resampling="lanczos")
    assert dataset.form() == ImageForm(8, 8, "RGB", resampling="lanczos")
    assert next(iter(read(dataset, tmp_path).values())).inputs.shape[1:] == (3, 8, 8)


@every
def test_the_default_is_84x84_in_colour(fake: Fake, registry: Registry) -> None:
    form = made(registry, fake.name).form()
    assert form is not None
    assert form.shape == (3, 84, 84)


@every
def test_missing_files_are_told_in_a_line_that_says_what_to_put_where(
    fake: Fake, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BenchError) as caught:
        read(made(registry, fake.name), tmp_path)
    message = str(caught.value)
    assert fake.needs in message and str(tmp_path) in message and "--data-root" in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


@every
def test_another_number_of_pictures_is_refused(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(fake, registry, monkeypatch, tmp_path)
    monkeypatch.undo()  # the real numbers again
    if fake.name == "flowers102":  # whose lists torchvision now refuses by their hash
        with pytest.raises(BenchError, match="lists of flowers102 cannot be read"):
            read(dataset, tmp_path)
        return
    with pytest.raises(BenchError, match=r"has \d+ (photos|pictures).*, not [\d,]+; delete"):
        read(dataset, tmp_path)


@every
def test_a_truncated_picture_is_named(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(fake, registry, monkeypatch, tmp_path)
    victim = sorted(p for p in tmp_path.rglob("*") if p.suffix in (".jpg", ".ppm"))[7]
    victim.write_bytes(victim.read_bytes()[:60])
    with pytest.raises(BenchError) as caught:
        read(dataset, tmp_path)
    message = str(caught.value)
    assert str(victim) in message and "delete it and fetch it again" in message
    assert "\n" not in message


@every
def test_a_side_of_no_use_is_refused(fake: Fake, registry: Registry) -> None:
    with pytest.raises(BenchError, match=f"{fake.name}: side is 7; it must be at least 8"):
        made(registry, fake.name, side=7)


LISTED = tuple(fake for fake in PHOTOS if fake.name != "gtsrb")


@pytest.mark.parametrize("fake", LISTED, ids=lambda fake: fake.name)
def test_a_listed_picture_that_is_not_there_is_named(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(fake, registry, monkeypatch, tmp_path)
    victim = sorted(tmp_path.rglob("*.jpg"))[3]
    victim.unlink()
    with pytest.raises(BenchError, match="cannot be read") as caught:
        read(dataset, tmp_path)
    assert str(victim) in str(caught.value)


@pytest.mark.parametrize("fake", LISTED, ids=lambda fake: fake.name)
def test_damaged_lists_are_told_in_one_line(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(fake, registry, monkeypatch, tmp_path)
    for path in tmp_path.rglob("*"):
        if path.suffix in (".mat", ".json", ".txt"):
            path.write_bytes(b"\x00<html>quota</html>")
    with pytest.raises(BenchError) as caught:
        read(dataset, tmp_path)
    assert "\n" not in str(caught.value)
    assert "fetch" in str(caught.value)


def test_a_picture_of_two_splits_is_left_out_of_training_and_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (fake,) = (one for one in PHOTOS if one.name == "food101")
    dataset, contents = prepare(fake, registry, monkeypatch, tmp_path)
    images = tmp_path / "food-101" / "images"
    (taken,) = sorted((images / "tacos").iterdir())[:1]
    (twin,) = sorted((images / "train_0").iterdir())[:1]
    twin.write_bytes(taken.read_bytes())
    found = read(dataset, tmp_path)
    assert len(found["tacos"].inputs) == 2
    np.testing.assert_array_equal(
        found["train_0"].inputs, contents["train_0"][1].transpose(2, 0, 1)[None]
    )
    (remark,) = dataset.remarks()
    assert "train_0" in remark and "1 image" in remark
