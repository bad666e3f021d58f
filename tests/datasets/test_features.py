"""Features of one's own: what files may hold, what is refused, and who can be trained on them."""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bench.config import RunConfig
from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.job import prepare
from bench.registry import Registry
from bench.runner import Mode, execute
from bench.watcher import Watcher

CLASSES, EACH, WIDTH = 24, 8, 16
NAMES = [f"class{number:02d}" for number in range(CLASSES)]
LABELS = np.repeat(NAMES, EACH)
FILES = DataFiles(Path("nowhere"), download=False)


def blobs() -> NDArray[np.float32]:
    """Vectors around a centre for each class."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, 1, WIDTH))
    vectors = centres + 0.5 * rng.normal(size=(CLASSES, EACH, WIDTH))
    return vectors.reshape(-1, WIDTH).astype(np.float32)


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "own.npz"
    np.savez(path, **{"features": blobs(), "labels": LABELS, **arrays})
    return path


def read(registry: Registry, path: Path, **parameters: Any) -> dict[str, ClassExamples]:
    dataset = registry.dataset(f"features:{path}")(**{"path": str(path), **parameters})
    return {one.name: one for one in dataset.classes(FILES)}


def remarks(registry: Registry, path: Path, **parameters: Any) -> tuple[str, ...]:
    dataset = registry.dataset(f"features:{path}")(**{"path": str(path), **parameters})
    list(dataset.classes(FILES))
    return dataset.remarks()


def assert_blobs(found: dict[str, ClassExamples]) -> None:
    assert sorted(found) == NAMES
    for place, name in enumerate(NAMES):
        expected = blobs()[place * EACH : (place + 1) * EACH]
        np.testing.assert_array_equal(found[name].inputs, expected)


def test_an_archive_is_read_as_it_is(registry: Registry, tmp_path: Path) -> None:
    found = read(registry, saved(tmp_path))
    assert_blobs(found)
    assert set(Counter(one.split for one in found.values())) == {"train", "val", "test"}


def test_rows_in_any_order_come_to_their_classes(registry: Registry, tmp_path: Path) -> None:
    order = np.arange(CLASSES * EACH).reshape(CLASSES, EACH).T.ravel()
    assert_blobs(read(registry, saved(tmp_path, features=blobs()[order], labels=LABELS[order])))


@pytest.mark.parametrize("kind", ["parquet", "parquet-columns", "csv", "tsv"])
def test_tables_give_the_same_vectors(registry: Registry, tmp_path: Path, kind: str) -> None:
    ending = kind.partition("-")[0]
    path = tmp_path / f"own.{ending}"
    if kind == "parquet":
        frame = pd.DataFrame({"class": LABELS, "features": list(blobs())})
    else:
        frame = pd.DataFrame(blobs(), columns=[f"f{n}" for n in range(WIDTH)])
        frame.insert(3, "class", LABELS)
    if ending == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    assert_blobs(read(registry, path))
    told = remarks(registry, path)
    assert ("the features are the 16 columns f0 ... f15" in told) == (kind != "parquet")


@pytest.mark.parametrize("labels", [np.repeat(np.arange(24), 8), np.repeat(np.arange(24.0), 8)])
def test_whole_numbers_are_names_too(
    registry: Registry, tmp_path: Path, labels: NDArray[Any]
) -> None:
    found = read(registry, saved(tmp_path, labels=labels))
    assert set(found) == {str(number) for number in range(24)}


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8"])
def test_numbers_of_other_types_become_float32(
    registry: Registry, tmp_path: Path, dtype: str
) -> None:
    features = np.arange(CLASSES * EACH * 2).reshape(-1, 2).astype(dtype)
    found = read(registry, saved(tmp_path, features=features), classes="fixed")
    assert all(one.inputs.dtype == np.float32 for one in found.values())
    np.testing.assert_array_equal(found["class00"].inputs, features[:EACH])


def test_splits_and_groups_of_the_file_are_kept(registry: Registry, tmp_path: Path) -> None:
    split = np.repeat(["train"] * 12 + ["Validation"] * 5 + ["test"] * 7, EACH)
    group = np.tile(["x", "x", "y", "y", "", "", "z", "z"], CLASSES)
    found = read(registry, saved(tmp_path, split=split, group=group))
    assert [found[name].split for name in NAMES] == ["train"] * 12 + ["val"] * 5 + ["test"] * 7
    assert found["class03"].groups == ("x", "x", "y", "y", "", "", "z", "z")


def test_a_file_of_splits_goes_before_the_files_own(registry: Registry, tmp_path: Path) -> None:
    own = tmp_path / "splits.csv"
    rows = [f"{name},{'test' if place < 5 else 'train'}" for place, name in enumerate(NAMES)]
    own.write_text("\n".join(["class,split", *rows]), encoding="utf-8")
    split = np.repeat(["test"] * 12 + ["train"] * 12, EACH)
    found = read(registry, saved(tmp_path, split=split), splits=str(own))
    assert [name for name in NAMES if found[name].split == "test"] == NAMES[:5]


def test_fixed_classes_are_all_in_test(registry: Registry, tmp_path: Path) -> None:
    split = np.tile(["train"] * 4 + ["test"] * 4, CLASSES)  # of rows, not of classes
    found = read(registry, saved(tmp_path, split=split), classes="fixed")
    assert {one.split for one in found.values()} == {"test"}


def test_small_classes_are_left_out_and_named(registry: Registry, tmp_path: Path) -> None:
    path = saved(tmp_path, features=blobs()[:-4], labels=LABELS[:-4])
    assert sorted(read(registry, path)) == NAMES[:-1]
    assert "left out, with fewer than 6 vectors: class23 (4)" in remarks(registry, path)
    assert sorted(read(registry, path, least=4)) == NAMES


def test_a_vector_that_two_splits_have_stays_in_the_test(
    registry: Registry, tmp_path: Path
) -> None:
    split = np.repeat(["train"] * 12 + ["test"] * 12, EACH)
    features = blobs()
    features[3] = features[5] = features[-1]
    path = saved(tmp_path, features=features, split=split)
    found = read(registry, path)
    assert len(found["class00"].inputs) == EACH - 2 and len(found["class23"].inputs) == EACH
    assert "left out of train, as another split has the same vectors: 2" in remarks(registry, path)


def archive_of_objects() -> dict[str, Any]:
    return {"labels": np.array([["a"], 3] * (CLASSES * EACH // 2), dtype=object)}


def spoilt(value: float) -> dict[str, Any]:
    features = blobs().astype(np.float64)
    features[[7, 9], 2] = value
    return {"features": features}


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"features": blobs()[:-1]}, r"labels of shape \(192,\) for 191 features"),
        ({"features": blobs().ravel()}, r"features of shape \(3072,\).*\(n, d\)"),
        ({"features": blobs().reshape(-1, 1, 4, 4)}, r"\(n, d\)"),
        ({"features": np.empty((192, 0))}, r"shape \(192, 0\)"),
        ({"features": np.full((192, 2), "x")}, "features of type <U1; give numbers"),
        (spoilt(np.nan), "row 7 .* not a finite float32, and 1 more"),
        (spoilt(1e300), "row 7 .* not a finite float32, and 1 more"),
        ({"labels": np.full(192, 0.5)}, "labels of type float64"),
        ({"labels": np.full(192, "")}, "row 0 .* empty labels"),
        ({"labels": np.full(192, "one")}, "one class, 'one'"),
        ({"labels": np.arange(192)}, "fewer than 2 of the 192 classes"),
        (archive_of_objects(), "Python objects"),
        ({"split": np.full(192, "tset")}, "row 0 .*'tset'; did you mean 'test'"),
        ({"split": np.full(192, "test")}, "no classes (in|to) train"),
        ({"split": np.tile(["train", "test"], 96)}, "'class00' in test and in train"),
        ({"group": np.zeros(3)}, r"group of shape \(3,\)"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_arrays_that_do_not_fit_are_told_in_one_line(
    registry: Registry, tmp_path: Path, arrays: dict[str, Any], told: str
) -> None:
    with pytest.raises(BenchError, match=told) as caught:
        read(registry, saved(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_missing_arrays_are_told_with_those_that_are_there(
    registry: Registry, tmp_path: Path
) -> None:
    np.savez(tmp_path / "own.npz", feature=blobs(), y=LABELS)
    with pytest.raises(BenchError, match=r"'features'; did you mean 'feature'.*known: feature, y"):
        read(registry, tmp_path / "own.npz")


def truncated() -> bytes:
    whole = io.BytesIO()
    np.savez(whole, features=blobs(), labels=LABELS)
    return whole.getvalue()[:5000]


def lying_header() -> bytes:
    """An archive whose array says that it has 2^40 numbers, and has none."""
    header = np.lib.format.MAGIC_PREFIX + b"\x01\x00"
    told = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1), }".ljust(117)
    array = header + (118).to_bytes(2, "little") + told + b"\n"
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("features.npy", array)
        archive.writestr("labels.npy", array)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("own.npz", b"", "is empty"),
        ("own.npz", b"features,labels\n", r"no \.npz file"),
        ("own.npz", truncated(), r"no \.npz file"),
        ("own.npz", lying_header(), "cannot be read"),
        ("own.parquet", b"PAR1", "cannot be read"),
        ("own.csv", b"class,a\nx,1\nx,1,2\n", "cannot be read"),
        ("own.csv", b"label,a\nx,1\n", "no column 'class'"),
        ("own.csv", b"class,a,id\nx,1,one\n", "'id' that holds other things than numbers"),
        ("own.csv", b"class,split\nx,train\n", "has no features"),
        ("own.csv", b"class,a\n", "has no rows"),
        ("own.pkl", b"x", r"known by their endings: \.npz, \.parquet"),
    ],
)
def test_files_that_are_none_are_told_in_one_line(
    registry: Registry, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchError, match=told) as caught:
        read(registry, tmp_path / name)
    assert "\n" not in str(caught.value)


def test_lists_of_different_lengths_are_told_by_row(registry: Registry, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"class": ["a", "b"], "features": [[1.0, 2.0], [1.0]]}).to_parquet(
        tmp_path / "own.parquet"
    )
    with pytest.raises(BenchError, match=r"row 1 .* shape \(1,\).*row 0 of shape \(2,\)"):
        read(registry, tmp_path / "own.parquet")


def test_the_stamp_changes_with_the_file(registry: Registry, tmp_path: Path) -> None:
    path = saved(tmp_path)
    own: dict[str, Any] = {"path": str(path)}
    dataset = registry.dataset(f"features:{path}")(**own)
    before = dataset.stamp(FILES)
    assert dataset.stamp(FILES) == before
    os.utime(path, ns=(0, 0))
    assert dataset.stamp(FILES) != before


@pytest.mark.parametrize(
    "algo",
    ["protonet", "matchingnet", "simpleshot", "r2d2", "maml", "pixels"],
)
def test_methods_of_every_family_run_on_features(
    registry: Registry, tmp_path: Path, algo: str
) -> None:
    config = RunConfig(
        algo=algo,
        data=f"features:{saved(tmp_path)}",
        steps=2,
        meta_batch=2,
        train_ways=5,
        train_shots=1,
        train_queries=3,
        episodes=30,
        validation_episodes=5,
        threads=1,
        out=str(tmp_path / "results"),
    )
    if algo in ("simpleshot", "pixels"):  # not episodic, or not trained
        plain: dict[str, Any] = {"meta_batch": None, "train_ways": None, "train_shots": None}
        config = replace(config, **plain, train_queries=None)
    job = prepare(config, registry, lambda done, total: None)
    outcome = execute(job, Mode(), Watcher()).outcome
    assert outcome is not None and outcome.mean > 0.3  # chance is 0.2, and blobs are easy
