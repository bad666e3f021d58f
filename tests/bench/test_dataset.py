"""The dataset contract: where files are found, and how splits are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.dataset import DataFiles, as_split
from bench.errors import BenchError


def test_data_files_finds_the_first_candidate_that_exists(tmp_path: Path) -> None:
    (tmp_path / "b.zip").touch()
    (tmp_path / "c").mkdir()
    files = DataFiles(tmp_path)
    assert files.find("a", "b.zip", "c") == tmp_path / "b.zip"
    assert files.find("c", "b.zip") == tmp_path / "c"
    assert files.find("a") is None


def test_a_split_is_known_by_its_name() -> None:
    assert as_split("val") == "val"
    with pytest.raises(BenchError, match="no split 'vall'; did you mean 'val'"):
        as_split("vall")
