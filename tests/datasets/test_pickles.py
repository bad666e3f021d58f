"""Pickles of arrays: read whole from every protocol, and never called."""

from __future__ import annotations

import collections
import importlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.registry import Registry

Read = Callable[[Path], object]


@pytest.fixture(scope="module")
def read(registry: Registry) -> Read:
    """The reader, which the datasets share."""
    module = importlib.import_module(registry.dataset("fc100").__mro__[1].__module__)
    reader: Read = module.read_pickle
    return reader


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_containers_come_back_from_every_protocol(
    protocol: int, read: Read, tmp_path: Path
) -> None:
    cube = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    arrays = {
        "bytes": cube,
        "by columns": np.asfortranarray(cube),
        "turned": cube.transpose(2, 0, 1)[::2],
        "big-endian": np.arange(5, dtype=">i4"),
        "floats": np.linspace(0, 1, 7, dtype=np.float32),
        "truths": np.array([True, False]),
        "none": np.zeros((0, 3), dtype=np.int64),
    }
    rest = {"list": [1, 2.5, "ä", None], "tuple": (1, [2]), "ordered": collections.OrderedDict(a=1)}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({**arrays, **rest}, protocol))
    found = read(tmp_path / "a.pkl")
    assert isinstance(found, dict)
    for name, expected in arrays.items():
        assert found[name].dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[name], expected)
    assert {name: found[name] for name in rest} == rest


TRAPS = {
    "an old call": b"cos\nsystem\n(S'true'\ntR.",
    "an instance": b"(S'true'\nios\nsystem\n.",
    "a new call": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
    "a built-in": b"cbuiltins\neval\n(S'1'\ntR.",
    "a built-in of Python 2": b"c__builtin__\neval\n(S'1'\ntR.",
    "another function of NumPy": b"cnumpy\nfromfile\n(S'a'\ntR.",
    "a method of an array": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "a class of this program": b"cpathlib\nPath\n(S'a'\ntR.",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_whatever_else_is_named_is_refused(trap: str, read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(TRAPS[trap])
    with pytest.raises(BenchError, match=r"a\.pkl is not safe to read: it calls \w+\.\w+"):
        read(tmp_path / "a.pkl")


def pickled(value: object) -> bytes:
    return pickle.dumps(value, 2)


DAMAGED = {
    "empty": b"",
    "a text": b"<!DOCTYPE html>",
    "a persistent object": b"P1\n.",
    "an array of objects": pickled(np.array([{}, []], dtype=object)),
    "an array of texts": pickled(np.array(["a"])),
    "an array of records": pickled(np.zeros(2, dtype=[("a", "u1")])),
    "an array that claims more than it has": pickled(np.zeros(9, np.uint8)).replace(
        b"K\x09\x85", b"K\xff\x85"
    ),
    "objects that claim to be numbers": pickled(np.zeros(8, np.uint8)).replace(b"u1", b"O8"),
    "an array without content": b"cnumpy\nndarray\n)R.",
    "a type with a state": b"cnumpy\ndtype\n(S'u1'\ntR(K\x01tb.",
    "an endless nest": b"]" * 100_000 + b"a" * 99_999 + b".",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_pickles_and_arrays_of_other_things_are_refused_in_one_line(
    kind: str, read: Read, tmp_path: Path
) -> None:
    (tmp_path / "a.pkl").write_bytes(DAMAGED[kind])
    with pytest.raises(BenchError, match=r"a\.pkl is no pickle of arrays, or is damaged") as raised:
        read(tmp_path / "a.pkl")
    assert "\n" not in str(raised.value)


def test_stand_ins_cannot_be_changed_by_a_pickle(read: Read, tmp_path: Path) -> None:
    good = pickle.dumps({"a": np.arange(3, dtype=np.uint8)}, 2)
    for name in (
        b"_codecs\nencode",
        b"numpy\ndtype",
        b"numpy\nndarray",
        b"collections\nOrderedDict",
    ):
        for state in (b"}S'__new__'\nNs", b"N}S'__new__'\nNs\x86", b"N}S'__init__'\nNs\x86"):
            (tmp_path / "bad.pkl").write_bytes(b"\x80\x02c" + name + b"\n" + state + b"b.")
            with pytest.raises(BenchError, match="is damaged"):
                read(tmp_path / "bad.pkl")
    (tmp_path / "good.pkl").write_bytes(good)
    found = read(tmp_path / "good.pkl")
    assert isinstance(found, dict) and found["a"].tolist() == [0, 1, 2]


def test_a_file_that_is_missing_is_named(read: Read, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none\.pkl cannot be read \(No such file"):
        read(tmp_path / "none.pkl")
