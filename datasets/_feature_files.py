"""Files of feature vectors: NumPy archives (.npz), Parquet files and tables (.csv, .tsv)."""

from __future__ import annotations

import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import BenchError, Split, import_extra, nearest

KINDS = (".npz", ".parquet", ".csv", ".tsv")
ARRAYS = ("features", "labels")
OPTIONAL = ("split", "group")
USED = (*ARRAYS, *OPTIONAL)
SPLITS: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
LARGEST = 8 << 30
"""Bytes of an archive's arrays, unpacked; they are read into memory whole."""

Array = NDArray[Any]  # of whatever type the file has


@dataclass(frozen=True)
class FeatureTable:
    """Vectors (n, d) with the class, split and group of each, as the file at `path` has them."""

    path: Path
    vectors: NDArray[np.float32]
    classes: tuple[str, ...]
    splits: tuple[Split, ...] | None
    groups: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def read_features(path: Path) -> FeatureTable:
    """Reads a file of features, whatever its kind.

    Raises:
        BenchError: it cannot be read, an array or column is missing or does not fit, or a number
            is not finite.
    """
    kind = path.suffix.lower()
    if path.is_dir() or kind not in KINDS:
        raise BenchError(
            f"{path} is no file of features that can be read; known by their endings: "
            f"{', '.join(KINDS)}"
        )
    if path.stat().st_size == 0:
        raise BenchError(f"{path} is empty; write the file anew")
    return _of_archive(path) if kind == ".npz" else _of_table(path, _frame(path, kind))


def _of_archive(path: Path) -> FeatureTable:
    arrays = _arrays(path)
    for name in ARRAYS:
        if name not in arrays:
            raise BenchError(f"{path} has no array '{name}'; {nearest(name, arrays)}")
    features = arrays["features"]
    if features.ndim != 2:
        raise BenchError(
            f"{path} has features of shape {features.shape}; give a vector for each item, (n, d)"
        )
    optional = {name: array for name, array in arrays.items() if name in OPTIONAL}
    for name, array in {"labels": arrays["labels"], **optional}.items():
        if array.shape != (len(features),):
            raise BenchError(
                f"{path} has {name} of shape {array.shape} for {len(features)} features; "
                f"give one for each, ({len(features)},)"
            )
    return _table(path, features, arrays["labels"], optional, ())


def _arrays(path: Path) -> dict[str, Array]:
    """Returns the arrays of an archive, by name; of those that are used."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST:
            raise BenchError(
                f"{path} unpacks to {size:,} bytes, which are read into memory whole; at most "
                f"{LARGEST:,} are: save the features as float16, or fewer of them"
            )
        with np.load(path, allow_pickle=False) as archive:
            found: dict[str, Array] = {}
            for name in archive.files:
                found[name] = archive[name] if name in USED else np.empty(0)
            return found
    except zipfile.BadZipFile as error:
        raise BenchError(f"{path} is no .npz file ({error}); write it with numpy.savez") from error
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zlib.error) as error:
        reason = "an array holds Python objects" if "allow_pickle" in str(error) else str(error)
        raise BenchError(
            f"{path} cannot be read ({reason}); write features as numbers and labels as texts or "
            "whole numbers, with numpy.savez"
        ) from error


def _frame(path: Path, kind: str) -> Any:  # a pandas DataFrame
    import pandas as pd

    if kind == ".parquet":
        import_extra("pyarrow")
    try:
        if kind == ".parquet":
            return pd.read_parquet(path, engine="pyarrow")
        texts = {"class": str, "split": str, "group": str}
        return pd.read_csv(
            path, sep="\t" if kind == ".tsv" else ",", dtype=texts, keep_default_na=False
        )
    except Exception as error:  # pyarrow and pandas have many of their own
        reason = " ".join(str(error).split())
        raise BenchError(f"{path} cannot be read ({reason}); write the file anew") from error


def _of_table(path: Path, frame: Any) -> FeatureTable:  # a pandas DataFrame
    columns = [str(name) for name in frame.columns]
    frame.columns = columns
    if "class" not in columns:
        known = ", ".join(sorted(map(str, columns)))
        raise BenchError(f"{path} has no column 'class'; rename the one that it is; known: {known}")
    if not len(frame):
        raise BenchError(f"{path} has no rows; give it one for each item")
    if frame["class"].isna().any():
        row = int(frame["class"].isna().to_numpy().argmax())
        raise BenchError(f"row {row} of {path} has no class; fill it in")
    optional = {name: frame[name].to_numpy() for name in columns if name in OPTIONAL}
    remarks: tuple[str, ...] = ()
    if "features" in columns:
        features = _stacked(path, list(frame["features"]))
    else:
        numeric = [name for name in columns if name not in ("class", "split", "group")]
        features = _numbers(path, frame, numeric)
        span = numeric[0] if len(numeric) == 1 else f"{numeric[0]} ... {numeric[-1]}"
        remarks = (f"the features are the {len(numeric)} columns {span}",)
    return _table(path, features, frame["class"].to_numpy(), optional, remarks)


def _stacked(path: Path, cells: list[Any]) -> Array:  # what a column of lists holds
    """Returns a column of lists as an array (n, d)."""
    rows = [np.asarray(cell) for cell in cells]
    for number, row in enumerate(rows):
        if row.ndim != 1 or row.shape != rows[0].shape or row.dtype.kind not in "fiub":
            raise BenchError(
                f"row {number} of {path} has features of shape {row.shape} and type {row.dtype}, "
                f"row 0 of shape {rows[0].shape}; give a list of numbers, of one length everywhere"
            )
    return np.stack(rows) if rows else np.empty((0, 0))


def _numbers(path: Path, frame: Any, numeric: Sequence[str]) -> Array:  # a pandas DataFrame
    if not numeric:
        raise BenchError(
            f"{path} has no features; give them as one column 'features' of lists, or as columns "
            "of numbers beside class, split and group"
        )
    other = [name for name in numeric if frame[name].dtype.kind not in "fiub"]
    if other:
        raise BenchError(
            f"{path} has a column '{other[0]}' that holds other things than numbers; all columns "
            "beside class, split and group are features: leave it out"
        )
    found: Array = frame[list(numeric)].to_numpy()
    return found


def _table(
    path: Path,
    features: Array,
    labels: Array,
    optional: dict[str, Array],
    remarks: tuple[str, ...],
) -> FeatureTable:
    if features.dtype.kind not in "fiub":
        raise BenchError(f"{path} has features of type {features.dtype}; give numbers")
    if not features.size:
        raise BenchError(f"{path} has features of shape {features.shape}; give at least one number")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(features, dtype=np.float32)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        row = int((~finite).argmax())
        more = int((~finite).sum()) - 1
        others = f", and {more} more rows" if more else ""
        raise BenchError(
            f"row {row} of {path} has a feature that is not a finite float32{others}; leave such "
            "rows out, rows counting from 0"
        )
    groups = _texts(path, "group", optional["group"]) if "group" in optional else ()
    splits = None
    if "split" in optional:
        splits = _splits(path, _texts(path, "split", optional["split"]))
    return FeatureTable(path, vectors, _texts(path, "labels", labels), splits, groups, remarks)


def _splits(path: Path, names: tuple[str, ...]) -> tuple[Split, ...]:
    for row, name in enumerate(names):
        if name.strip().lower() not in SPLITS:
            raise BenchError(f"row {row} of {path} has the split '{name}'; {nearest(name, SPLITS)}")
    return tuple(SPLITS[name.strip().lower()] for name in names)


def _texts(path: Path, name: str, values: Array) -> tuple[str, ...]:
    """Returns names: texts, or whole numbers as texts; an absent one is empty."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    if values.dtype.kind not in "OUTiub":
        raise BenchError(
            f"{path} has {name} of type {values.dtype}; give texts or whole numbers, one for each"
        )
    listed = values.tolist()
    absent = (None, "") if name == "group" else ()
    texts = ["" if one in absent or one != one else str(one) for one in listed]  # NaN: no equal
    if name != "group" and "" in texts:
        raise BenchError(f"row {texts.index('')} of {path} has an empty {name}; fill it in")
    return tuple(unicodedata.normalize("NFC", text) for text in texts)
