"""`bench data verify`: every way in which files and cache can differ is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.firewall import open_test
from bench.inventory import caches
from tests.cli.data.parcel import Parcel, images, stored

Printed = pytest.CaptureFixture[str]


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def fetched(parcel: Parcel, capsys: Printed) -> Parcel:
    assert parcel.data("fetch", "parcel") == 0
    capsys.readouterr()
    return parcel


def test_what_is_as_published_is_said_so_and_nothing_is_written(
    fetched: Parcel, tmp_path: Path, capsys: Printed
) -> None:
    before = files_of(tmp_path)
    assert fetched.data("verify", "parcel") == 0
    assert files_of(tmp_path) == before
    assert lines(capsys.readouterr().out) == [
        "ok parcel/data.npy: sha256 as published",
        *(
            f"ok {split}.{kind}: as its description says"
            for split in ("train", "val", "test")
            for kind in ("bin", "groups.bin")
        ),
        "ok classes: 4 read again from the files, the same in the cache",
    ]


def test_other_pixels_in_the_file_are_named_by_class(fetched: Parcel, capsys: Printed) -> None:
    values = images()
    values[1, 4, 0, 0, 0] ^= 1
    values[1, 7, 2, 3, 3] ^= 1
    fetched.put(content=stored(values))
    assert fetched.data("verify", "parcel") == 1
    printed = capsys.readouterr()
    assert "differs parcel/data.npy: not the published file: its sha256 is" in " ".join(
        printed.out.split()
    )
    assert "differs c1: 2 of its 20 inputs are not those in the cache" in lines(printed.out)
    assert "parcel: 2 differences: parcel/data.npy, c1" in printed.err


@pytest.mark.parametrize("name", ["train.bin", "test.bin", "val.groups.bin"])
def test_an_altered_file_of_the_cache_is_named(name: str, fetched: Parcel, capsys: Printed) -> None:
    (cache,) = caches()
    with open_test("a test", 0):
        content = bytearray((cache.folder / name).read_bytes())
    content[5] ^= 1
    (cache.folder / name).write_bytes(content)
    assert fetched.data("verify", "parcel") == 1
    printed = lines(capsys.readouterr().out)
    assert f"differs {name}: was altered since it was written" in printed
    assert f"not checked classes: the cache is damaged: delete {cache.folder}" in printed


def test_a_missing_file_of_the_cache_is_named(fetched: Parcel, capsys: Printed) -> None:
    (cache,) = caches()
    (cache.folder / "val.bin").unlink()
    assert fetched.data("verify", "parcel") == 1
    assert "differs val.bin: is missing from the cache" in lines(capsys.readouterr().out)


def test_an_altered_description_of_the_cache_is_told(fetched: Parcel, capsys: Printed) -> None:
    (cache,) = caches()
    path = cache.folder / "dataset.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"c1"', '"c9"'), encoding="utf-8")
    assert fetched.data("verify", "parcel") != 0
    assert "was altered" in capsys.readouterr().err


OTHERS = {
    "a-name": ('f"c{number}"', 'f"d{number}"', "the cache has 'c0' at this place of train"),
    "fewer-images": (": 20 if number else 18", ": 19 if number else 18", "19 inputs, in the cache"),
    "a-split": ('"train", "train"', '"train", "val"', "the cache has 'c2' at this place of val"),
    "groups": ('("x",) * 2', '("x", "y")', "its groups are not those in the cache"),
    "no-groups": ('("x",) * 2', '("", "")', "its groups are not those in the cache"),
    "fewer": ('"val", "test"]', '"val"]', "the cache has 1 more classes"),
}


@pytest.mark.parametrize(("old", "new", "words"), OTHERS.values(), ids=OTHERS)
def test_code_that_comes_to_give_other_classes_is_noticed(
    old: str,
    new: str,
    words: str,
    fetched: Parcel,
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cache is taken for that of the changed code, as if a library had changed beneath it."""
    monkeypatch.setattr("bench.cache.code_digest", lambda cls: "")
    assert fetched.data("fetch", "parcel") == 0
    text = fetched.plugin.read_text(encoding="utf-8")
    assert old in text
    fetched.plugin.write_text(text.replace(old, new), encoding="utf-8")
    assert fetched.data("verify", "parcel") == 1
    assert words in capsys.readouterr().out


def test_a_damaged_file_is_told(fetched: Parcel, capsys: Printed) -> None:
    fetched.put(content=fetched.content[:-100])
    assert fetched.data("verify", "parcel") == 1
    printed = lines(capsys.readouterr().out)
    assert f"differs classes: {fetched.file} is damaged" in printed


def test_without_its_files_the_cache_alone_is_checked(fetched: Parcel, capsys: Printed) -> None:
    fetched.file.unlink()
    assert fetched.data("verify", "parcel") == 0
    printed = lines(capsys.readouterr().out)
    assert "not checked parcel/data.npy: is not there" in printed
    assert "ok test.bin: as its description says" in printed
    assert any(line.startswith("not checked classes: ") for line in printed)
    assert fetched.server.visits[1:] == []  # the first was that of fetch


def test_without_a_cache_the_files_alone_are_checked(parcel: Parcel, capsys: Printed) -> None:
    parcel.put()
    assert parcel.data("verify", "parcel") == 0
    assert "ok parcel/data.npy: sha256 as published" in lines(capsys.readouterr().out)
    assert caches() == []


def test_where_nothing_is_there_to_verify_that_is_an_error(parcel: Parcel, capsys: Printed) -> None:
    assert parcel.data("verify", "parcel") == 4
    assert "nothing of parcel is here to be verified" in capsys.readouterr().err


def test_targets_are_compared_too(parcel: Parcel, capsys: Printed) -> None:
    assert parcel.data("fetch", "sinusoid", "--set", "seed=3") == 0
    (cache,) = caches()
    assert parcel.data("verify", "sinusoid", "--set", "seed=3") == 0
    assert "ok test.targets.bin: as its description says" in lines(capsys.readouterr().out)
    values = np.fromfile(cache.folder / "val.targets.bin", np.float32)
    values[10] += 1
    values.tofile(cache.folder / "val.targets.bin")
    assert parcel.data("verify", "sinusoid", "--set", "seed=3") == 1
    assert "differs val.targets.bin: was altered" in " ".join(capsys.readouterr().out.split())
