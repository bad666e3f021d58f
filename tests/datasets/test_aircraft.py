"""Aircraft: what is cut out of the photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.registry import Registry
from tests.datasets.fake_archives import PHOTOS, made, module_of, prepare, read

(AIRCRAFT,) = (fake for fake in PHOTOS if fake.name == "aircraft")


def test_all_but_the_banner_is_kept_on_request(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, contents = prepare(AIRCRAFT, registry, monkeypatch, tmp_path)
    dataset = made(registry, "aircraft", side=20, crop="banner", resampling="nearest")
    found = read(dataset, tmp_path)["A310"].inputs
    # A photo is 12x12 with a frame: 2 above, 3 left, 4 right, 25 below, of which 20 are banner.
    framed = np.full((19, 19, 3), 9, np.uint8)
    framed[2:14, 3:15] = contents["A310"][0]
    expected = np.asarray(Image.fromarray(framed).resize((20, 20), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(found[0], expected.transpose(2, 0, 1))


def test_a_photo_without_a_box_is_named(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(AIRCRAFT, registry, monkeypatch, tmp_path)
    boxes = tmp_path / "fgvc-aircraft-2013b" / "data" / "images_box.txt"
    boxes.write_text("".join(boxes.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(BenchError, match=r"no box for 0000000\.jpg"):
        read(dataset, tmp_path)


def test_it_is_found_in_the_folder_it_is_unpacked_into(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, contents = prepare(AIRCRAFT, registry, monkeypatch, tmp_path / "aircraft")
    (download,) = dataset.downloads()
    assert download.unpack == "aircraft"
    assert len(read(dataset, tmp_path)) == len(contents)


def test_variants_that_are_not_the_published_ones_are_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(AIRCRAFT, registry, monkeypatch, tmp_path)
    for path in (tmp_path / "fgvc-aircraft-2013b" / "data").glob("*.txt"):
        path.write_text(path.read_text().replace("Yak-42", "Yak-43"))
    with pytest.raises(BenchError, match="no class 'Yak-42'"):
        read(dataset, tmp_path)


def test_boxes_are_left_top_right_bottom(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "boxes.txt").write_text("1025794 3 144 998 431\n1340192 1 2 3 4\n")
    boxes = module_of(registry, "aircraft").read_boxes(tmp_path / "boxes.txt")
    assert boxes == {"1025794": (3, 144, 998, 431), "1340192": (1, 2, 3, 4)}
