"""`bench data stats`: counts, balance, values and reach, against counts by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.data.parcel import Parcel, images
from tests.cli.verifying import bench

Printed = pytest.CaptureFixture[str]


def described(parcel: Parcel, capsys: Printed, *arguments: str) -> dict[str, Any]:
    assert parcel.data("stats", *arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_what_each_split_holds_is_counted(parcel: Parcel, capsys: Printed) -> None:
    """Train has a class of 18 and one of 20 images of 48 bytes; two of each are of group x."""
    found = described(parcel, capsys, "parcel")
    assert found["splits"]["train"] == {
        "classes": 2,
        "inputs": 38,
        "smallest": 18,
        "median": 19.0,
        "largest": 20,
        "shape": [3, 4, 4],
        "dtype": "uint8",
        "bytes": 38 * 48,
        "class_groups": None,
        "input_groups": 16 + 18 + 1,
        "reach": {"ways": 2, "shots": 3, "queries": 15},
    }
    assert {split: s["inputs"] for split, s in found["splits"].items()} == {
        "train": 38,
        "val": 20,
        "test": 20,
    }
    assert found["remarks"] == ["a remark on parcels"]
    assert found["name"] == "parcel" and found["parameters"] == {"least": 0}


def test_values_are_those_of_the_training_images_only(parcel: Parcel, capsys: Printed) -> None:
    train = np.concatenate([images()[0, :18], images()[1]]) / 255
    found = described(parcel, capsys, "parcel")["train_values"]
    assert found["mean"] == pytest.approx(train.mean(axis=(0, 2, 3)))
    assert found["std"] == pytest.approx(train.std(axis=(0, 2, 3)))


def test_values_of_features_are_not_scaled(parcel: Parcel, capsys: Printed) -> None:
    from bench.cache import open_dataset
    from bench.dataset import DataFiles
    from bench.registry import load_registry

    found = described(parcel, capsys, "gaussians")["train_values"]
    made = load_registry().dataset("gaussians")()
    parameters = {"spread": 0.5, "extent": 5.0, "points": 40, "seed": 0}
    data = open_dataset(made, parameters, DataFiles(parcel.root), lambda done, total: None)
    train = data.pool("train").inputs
    assert found["mean"] == pytest.approx([train.mean(dtype=np.float64)])
    assert found["std"] == pytest.approx([train.std(dtype=np.float64)])


def test_a_table_says_it_in_words(parcel: Parcel, capsys: Printed) -> None:
    assert parcel.data("stats", "parcel") == 0
    printed = capsys.readouterr().out
    assert "parcel: inputs uint8 3x4x4, fingerprint" in printed
    assert "18 / 19 / 20" in printed
    assert "train: up to 2-way, up to 3-shot with 15 queries" in printed
    assert "a remark on parcels" in printed


def test_the_reach_is_that_of_the_queries_that_the_data_has_by_default(
    parcel: Parcel, tmp_path: Path, capsys: Printed
) -> None:
    rng = np.random.default_rng(0)
    for split, count in (("train", 7), ("val", 6), ("test", 30)):
        for label in ("a", "b"):
            folder = tmp_path / "photos" / split / f"{split}-{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    assert bench("data", "stats", f"folder:{tmp_path / 'photos'}", "--set", "data.side=8") == 0
    printed = capsys.readouterr().out
    assert "folder:photos: inputs uint8 3x8x8" in printed
    assert "train: up to 2-way, up to 2-shot with 5 queries" in printed
    assert "val: up to 2-way, up to 1-shot with 5 queries" in printed
    assert "test: up to 2-way, up to 25-shot with 5 queries" in printed


def test_classes_too_small_for_a_shot_are_told(
    parcel: Parcel, tmp_path: Path, capsys: Printed
) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([f"class{n}" for n in range(20)], 6)
    labels[-6:] = "class0"  # which has 12, and the others 6; 5 are left in one of them
    labels[6] = "class0"
    np.savez(tmp_path / "f.npz", features=rng.normal(size=(120, 4)), labels=labels)
    given = ["--set", "data.least=2"]
    assert bench("data", "stats", f"features:{tmp_path / 'f.npz'}", *given) == 0
    printed = capsys.readouterr().out
    assert "but 5 inputs in its smallest class are too few for 1 shot and 5 queries" in printed
    assert "--queries 4 is the most" in printed


def test_curves_are_called_so(parcel: Parcel, capsys: Printed) -> None:
    assert parcel.data("stats", "sinusoid") == 0
    printed = capsys.readouterr().out
    assert "curves" in printed and "-way" not in printed


def test_absent_files_are_told_where_nothing_may_be_fetched(
    parcel: Parcel, capsys: Printed
) -> None:
    assert parcel.data("stats", "parcel", "--no-download") == 4
    assert "downloading is switched off" in capsys.readouterr().err
    assert parcel.server.visits == []


def test_omniglot_is_counted_as_published(
    parcel: Parcel, shared_data: Path, capsys: Printed
) -> None:
    """1028, 172 and 423 characters of 20 drawings, with rotations as classes."""
    assert bench("data", "stats", "omniglot", "--data-root", str(shared_data), "--json") == 0
    splits = json.loads(capsys.readouterr().out)["splits"]
    assert [splits[s]["classes"] for s in ("train", "val", "test")] == [4 * 1028, 4 * 172, 4 * 423]
    assert {(s["smallest"], s["largest"]) for s in splits.values()} == {(20, 20)}
    assert splits["val"]["class_groups"] == 5  # alphabets
