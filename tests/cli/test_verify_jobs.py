"""`bench verify --jobs`: the same verdicts side by side, and nobody left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results import EPISODES_FILE, read_run
from tests.cli.verifying import bench, verdicts

MISCHIEF = """
import multiprocessing, os, pathlib, signal, time

if multiprocessing.parent_process() is not None:
    pathlib.Path(__file__).with_name(f"{os.getpid()}.pid").touch()
    if os.environ["MISCHIEF"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(100)
"""

HEARING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
from bench.__main__ import main
main()
"""


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    """A folder with three copies of a run."""
    for name in ("first", "second", "third"):
        shutil.copytree(finished, tmp_path / "runs" / name)
    return tmp_path / "runs"


@pytest.fixture
def mischief(tmp_path: Path) -> Path:
    """A plugin that leaves its process' number and then stops or kills it, but for the parent's."""
    path = tmp_path / "mischief.py"
    path.write_text(MISCHIEF)
    return path


def children(plugin: Path) -> list[int]:
    """Returns the processes that loaded the plugin."""
    return [int(path.stem) for path in plugin.parent.glob("*.pid")]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_side_by_side_runs_get_the_verdicts_and_the_records_that_they_get_one_by_one(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(runs, tmp_path / "other"))
    for folder in (runs, other):
        broken = folder / "second" / EPISODES_FILE
        broken.write_bytes(broken.read_bytes() + b"1")
    assert bench("verify", "--jobs", "2", str(runs)) == 1
    printed, told = capsys.readouterr()
    assert "verifying 3 runs, 2 at a time" in told
    assert f"1 of 3 failed: {runs / 'second'}" in told
    assert bench("verify", str(other)) == 1
    alone = capsys.readouterr().out.replace(str(other), str(runs))
    assert sorted(printed.splitlines()) == sorted(alone.splitlines())
    assert printed.endswith("\n2 of 3 runs verified\n")
    assert verdicts(printed) == {EPISODES_FILE: "differs"}
    for name in ("first", "second", "third"):
        one, two = (read_run(folder / name).verification for folder in (runs, other))
        assert (one is None) == (two is None) == (name == "second")
        if one and two:
            assert replace(one, when="") == replace(two, when="")
            assert read_run(runs / name).test_uses[-1].purpose == "verify"


def test_runs_that_are_named_are_told_in_full_whatever_the_number_of_jobs(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [str(runs / "first"), str(runs / "third"), str(runs / "first")]
    assert bench("verify", "--jobs", "8", "--no-evaluation", *named) == 0
    printed, told = capsys.readouterr()
    assert "verifying 2 runs, 2 at a time" in told  # the one that is named twice, once
    assert printed.count("run.json ") == 2
    assert printed.endswith("\n2 of 2 runs unbroken\n")


def test_a_number_of_jobs_below_one_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("verify", "--jobs", "0", str(run)) == 4
    assert "0 is not in the range x>=1" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_is_killed_is_told_in_one_line_and_the_others_end(
    runs: Path,
    mischief: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MISCHIEF", "kill")
    assert bench("verify", "--jobs", "2", "-p", str(mischief), str(runs)) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert told[1].startswith("bench: one of the 2 processes was killed")
    assert "smaller --jobs" in told[1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not sent there")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_when_it_is_stopped_no_process_is_left_and_no_run_changed(
    how: str, runs: Path, mischief: Path
) -> None:
    before = {path: path.read_bytes() for path in runs.glob("*/run.json")}
    command = [sys.executable, "-c", HEARING, "verify", "--jobs", "2", "-p", str(mischief)]
    environment = os.environ | {"MISCHIEF": "wait", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, str(runs)], env=environment, text=True, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 100
        while len(children(mischief)) < 2 and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(getattr(signal, how))  # Windows has no SIGKILL to name
        _, told = process.communicate(timeout=50)
    finally:
        process.kill()
    assert process.returncode != 0
    assert "Traceback" not in told
    deadline = time.monotonic() + 50
    while any(is_alive(child) for child in children(mischief)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {path: path.read_bytes() for path in runs.glob("*/run.json")} == before
