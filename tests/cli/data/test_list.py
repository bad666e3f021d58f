"""`bench data list`: what lies here of each dataset, without fetching or building anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.inventory import caches
from tests.cli.data.parcel import Parcel
from tests.cli.verifying import bench

Printed = pytest.CaptureFixture[str]


def listed(parcel: Parcel, capsys: Printed, *arguments: str) -> dict[str, dict[str, Any]]:
    assert parcel.data("list", "--json", *arguments) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_files_that_are_absent_are_listed_with_the_size_of_the_download(
    parcel: Parcel, tmp_path: Path, capsys: Printed
) -> None:
    before = sorted(tmp_path.rglob("*"))
    one = listed(parcel, capsys)["parcel"]
    assert one["files"] == "absent"
    assert one["places"] == [str(parcel.file)]
    assert one["download_bytes"] == len(parcel.content)
    assert one["caches"] == []
    assert sorted(tmp_path.rglob("*")) == before and parcel.server.visits == []


def test_files_in_their_place_are_present(parcel: Parcel, capsys: Printed) -> None:
    parcel.put()
    one = listed(parcel, capsys)["parcel"]
    assert (one["files"], one["places"]) == ("present", [str(parcel.file)])


def test_files_that_the_dataset_finds_elsewhere_are_present_there_and_not_read(
    parcel: Parcel, capsys: Printed
) -> None:
    parcel.put("elsewhere/data.npy", b"no array")
    one = listed(parcel, capsys)["parcel"]
    place = str(parcel.root / "elsewhere" / "data.npy")
    assert (one["files"], one["places"]) == ("present", [place])


def test_what_needs_no_files_or_the_users_own_is_told(parcel: Parcel, capsys: Printed) -> None:
    found = listed(parcel, capsys)
    assert found["gaussians"]["files"] == "none"
    assert found["folder"]["files"] == "yours"


def test_a_dataset_that_fails_does_not_keep_others_from_the_list(
    parcel: Parcel, capsys: Printed
) -> None:
    text = parcel.plugin.read_text(encoding="utf-8")
    text = text.replace("def downloads(self):", "def downloads(self):\n        1 / 0")
    parcel.plugin.write_text(text, encoding="utf-8")
    found = listed(parcel, capsys)
    assert found["parcel"]["files"] == "broken"
    assert "gaussians" in found


def test_the_table_has_a_row_for_each(parcel: Parcel, capsys: Printed) -> None:
    parcel.put()
    assert parcel.data("fetch", "parcel") == 0
    capsys.readouterr()
    assert parcel.data("list") == 0
    printed = capsys.readouterr().out
    (row,) = [line for line in printed.splitlines() if line.startswith("parcel ")]
    (cache,) = caches()
    size = f"{cache.bytes / 1000:.3g}"
    first, download = "parcel classes present: parcel", "3.97 kB"  # 4 x 20 x 48 + 128 bytes
    assert " ".join(row.split()) == f"{first} {download} {size} kB MIT"
    assert str(parcel.root) in printed


def test_caches_are_listed_with_their_parameters(parcel: Parcel, capsys: Printed) -> None:
    for least in ("0", "7"):
        assert parcel.data("fetch", "parcel", "--set", f"least={least}") == 0
    capsys.readouterr()
    assert len(listed(parcel, capsys)["parcel"]["caches"]) == 2
    assert bench("data", "list", "--caches", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(one["parameters"]["least"] for one in found) == [0, 7]
    sizes = [sum(p.stat().st_size for p in cache.folder.iterdir()) for cache in caches()]
    assert [one["bytes"] for one in found] == sizes
    assert bench("data", "list", "--caches") == 0
    assert "least=7" in capsys.readouterr().out


def test_help_still_works_in_a_process_that_has_listed(parcel: Parcel) -> None:
    """The command's module has the name of a type of Python's."""
    assert parcel.data("list", "--json") == 0
    assert bench("data", "--help") == 0


def test_the_real_omniglot_is_found(shared_data: Path, parcel: Parcel, capsys: Printed) -> None:
    assert bench("data", "list", "--json", "--data-root", str(shared_data)) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["omniglot"]["files"] == "present"
    assert found["omniglot"]["download_bytes"] == 9_464_212 + 6_462_886
