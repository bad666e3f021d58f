"""`bench data fetch`: files that are fetched, a cache that is built, and what is said of both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.inventory import caches
from tests.bench.file_server import Served
from tests.cli.data.parcel import Parcel

Printed = pytest.CaptureFixture[str]


def test_files_are_fetched_and_the_cache_is_built(
    parcel: Parcel, tmp_path: Path, capsys: Printed
) -> None:
    assert parcel.data("fetch", "parcel") == 0
    printed = capsys.readouterr().out
    assert parcel.file.read_bytes() == parcel.content
    (cache,) = caches()
    assert cache.folder.is_relative_to(tmp_path / "cache")
    assert "parcel/data.npy is there" in printed
    assert (
        f"4 classes, 78 inputs of 3x4x4; {cache.bytes / 1000:.3g} kB in {cache.folder}" in printed
    )
    assert re.search(r"fingerprint [0-9a-f]{64}\n", printed)
    assert "a remark on parcels" in printed


def test_progress_of_the_download_is_told(parcel: Parcel, capsys: Printed) -> None:
    """The file has 3968 bytes: 4 x 20 x 3 x 4 x 4, and a header of 128."""
    assert parcel.data("fetch", "parcel") == 0
    assert "fetching 4/4 kB of data.npy" in capsys.readouterr().err


def test_what_is_there_is_not_fetched_again(parcel: Parcel, capsys: Printed) -> None:
    parcel.put()
    assert parcel.data("fetch", "parcel") == 0
    assert parcel.server.visits == []
    assert "parcel/data.npy was there\n" in capsys.readouterr().out


def test_what_is_found_elsewhere_is_not_fetched(parcel: Parcel) -> None:
    parcel.put("elsewhere/data.npy")
    assert parcel.data("fetch", "parcel") == 0
    assert parcel.server.visits == []


def test_a_file_that_is_not_the_published_one_is_not_taken_in_silence(
    parcel: Parcel, capsys: Printed
) -> None:
    changed = bytearray(parcel.content)
    changed[-1] ^= 1
    parcel.put(content=bytes(changed))
    assert parcel.data("fetch", "parcel") == 0
    assert "is not the published file: its sha256 is" in capsys.readouterr().out


def test_parameters_can_be_set_with_and_without_the_prefix(parcel: Parcel) -> None:
    for text in ("least=1", "data.least=2"):
        assert parcel.data("fetch", "parcel", "--set", text) == 0
    assert sorted(str(cache.parameters["least"]) for cache in caches()) == ["1", "2"]


def test_one_that_cannot_be_fetched_does_not_keep_others_from_it(
    parcel: Parcel, capsys: Printed
) -> None:
    parcel.server.files["/data.npy"] = Served(b"<html>", kind="text/html")
    assert parcel.data("fetch", "parcel", "gaussians") == 4
    printed = capsys.readouterr()
    assert "parcel\n  not ready: " in printed.out and "gave a web page" in printed.out
    assert "gaussians\n  1,600 classes" in printed.out
    assert "1 of 2 could not be fetched" in printed.err


def test_one_line_says_why_it_cannot_be_fetched(parcel: Parcel, capsys: Printed) -> None:
    parcel.server.files.clear()
    assert parcel.data("fetch", "parcel") == 4
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "answers 404 Not Found" in printed.err and "put it there" in printed.err
    assert not parcel.root.exists()


def test_an_unknown_name_gets_the_nearest(parcel: Parcel, capsys: Printed) -> None:
    assert parcel.data("fetch", "parcels") == 4
    assert "did you mean 'parcel'?" in capsys.readouterr().err
