"""Pickles of arrays, read without calling anything that they name.

A pickle may name any function of any module, to be called when it is read. Here the few names that
arrays need are stood in for by classes that only keep what they are given; all others are refused.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import BenchError

_NUMBERS = frozenset(("b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"))
_BROKEN = (
    *(pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError, LookupError),
    *(OverflowError, MemoryError, RecursionError),
)


def read_pickle(path: Path) -> object:
    """Returns what is in a pickle: lists, tuples, dicts, numbers, texts, and NumPy arrays.

    Texts of Python 2 are bytes, but for the keys of dicts, which are always texts.

    Raises:
        BenchError: it cannot be read, is damaged, or names anything but arrays.
    """
    try:
        with path.open("rb") as file:
            return _plain(_Reader(file, encoding="bytes").load())
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error
    except _Refused as error:
        raise BenchError(
            f"{path} is not safe to read: it calls {error}, which arrays do not need; "
            "get it from a source that you trust"
        ) from error
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BenchError(f"{path} is no pickle of arrays, or is damaged ({reason})") from error


def as_text(value: object) -> str:
    """Returns a text, which Python 2 may have written as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Refused(Exception):
    """A pickle names something that arrays do not need."""


class _Type:
    """Stands in for `numpy.dtype`: the type of an array's numbers, such as `<f4`."""

    def __init__(self, name: object = "", *_: object) -> None:
        self.name, self.order = as_text(name), "|"

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.order = as_text(state[1])

    def made(self) -> np.dtype[Any]:
        """Returns the type, if it is one of numbers."""
        if self.name not in _NUMBERS or self.order not in ("<", ">", "|", "="):
            raise ValueError(f"an array of type '{self.order}{self.name}'")
        return np.dtype(self.order + self.name)


class _Array:
    """Stands in for `numpy.ndarray`, and for the function that makes an empty one."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state[-4:]  # a version number may come first

    def made(self) -> NDArray[Any]:
        """Returns the array, without a copy of its bytes."""
        shape, kind, by_columns, content = self.state
        if not isinstance(kind, _Type) or not isinstance(content, bytes | bytearray):
            raise ValueError("an array of other things than numbers")
        flat = np.frombuffer(content, dtype=kind.made())
        return flat.reshape(shape, order="F" if by_columns else "C")


class _Buffer(_Array):
    """Stands in for the function that makes an array of bytes, in pickles of protocol 5."""

    def __init__(self, content: object, kind: object, shape: object, order: object) -> None:
        super().__init__()
        self.state = (shape, kind, order == "F", content)


class _Bytes:
    """Stands in for `_codecs.encode`, by which Python 3 writes bytes for Python 2, and `bytes`."""

    def __new__(cls, text: str = "", *_: object) -> Any:
        return text.encode("latin-1")

    def __setstate__(self, state: object) -> None:
        raise TypeError("bytes have no state")


_STANDING_IN: dict[tuple[str, str], type] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _Buffer,
    ("numpy._core.numeric", "_frombuffer"): _Buffer,
    ("_codecs", "encode"): _Bytes,
    ("__builtin__", "bytes"): _Bytes,
    ("builtins", "bytes"): _Bytes,
    ("collections", "OrderedDict"): dict,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _STANDING_IN:
            raise _Refused(f"{module}.{name}")
        return _STANDING_IN[module, name]


def _plain(value: object) -> object:
    """Returns the value with arrays for what stands in for them."""
    if isinstance(value, _Array):
        return value.made()
    if isinstance(value, dict):
        return {as_text(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, tuple):
        return tuple(_plain(inner) for inner in value)
    return value
