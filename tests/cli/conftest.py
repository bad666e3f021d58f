"""A finished run, for tests that look into it or tamper with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.verifying import FAST, bench


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; tests take copies."""
    out = tmp_path_factory.mktemp("results")
    assert bench("run", "--algo", "protonet", "--data", "gaussians", *FAST, "--out", str(out)) == 0
    (folder,) = out.iterdir()
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))
