"""`bench run --profile` and `--threads`: what they print, and that results stay as they are."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.cli import run, run_command_line
from bench.results import read_run

FAST = ["run", "--algo", "protonet", "--data", "gaussians", "--steps", "8", "--train-ways", "5"]
FAST += ["--episodes", "20", "--validation-episodes", "5"]


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_profiled_run_has_the_name_and_the_bits_of_one_that_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*FAST, "--out", str(tmp_path / "plain")]) == 0
    capsys.readouterr()
    assert run_command_line([*FAST, "--out", str(tmp_path / "timed"), "--profile"]) == 0
    printed = capsys.readouterr().out
    (plain,), (timed,) = (tmp_path / "plain").iterdir(), (tmp_path / "timed").iterdir()
    assert plain.name == timed.name
    for name in ("checkpoint.safetensors", "episodes.csv"):
        assert (plain / name).read_bytes() == (timed / name).read_bytes()
    assert not (plain / "trace.json.gz").exists()
    assert json.loads(gzip.decompress((timed / "trace.json.gz").read_bytes()))["traceEvents"]
    assert f"trace: {timed / 'trace.json.gz'}" in printed


def test_the_printed_times_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line([*FAST, "--out", str(tmp_path), "--profile"]) == 0
    printed = capsys.readouterr().out
    rows = re.findall(r"^(\w+) +([\d.]+) +([\d.]+)%$", printed, flags=re.MULTILINE)
    phases = "sampling forward backward optimiser validation evaluation other all"
    assert [name for name, _, _ in rows] == phases.split()
    assert sum(float(s) for _, s, _ in rows[:-1]) == pytest.approx(float(rows[-1][1]), abs=0.05)
    assert sum(float(share) for *_, share in rows[:-1]) == pytest.approx(100, abs=0.5)


def test_a_complete_run_that_is_resumed_has_nothing_to_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*FAST, "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert run_command_line([*FAST, "--out", str(tmp_path), "--resume", "--profile"]) == 0
    assert "complete already" in capsys.readouterr().out


def test_a_method_that_is_not_trained_leaves_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--algo", "pixels", "--data", "gaussians", "--episodes", "20"]
    assert run_command_line([*arguments, "--out", str(tmp_path), "--profile"]) == 0
    assert "trace: none" in capsys.readouterr().out


def test_the_number_of_threads_is_recorded_and_is_no_part_of_the_name(tmp_path: Path) -> None:
    names = set()
    for number in (1, 2):
        out = tmp_path / str(number)
        assert run_command_line([*FAST, "--out", str(out), "--threads", str(number)]) == 0
        (folder,) = out.iterdir()
        record = read_run(folder)
        assert (record.environment.threads, record.config["threads"]) == (number, number)
        names.add(folder.name)
    assert len(names) == 1


def test_a_resumed_run_keeps_its_threads_unless_told_others(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    assert run_command_line([*FAST, *out, "--threads", "1"]) == 0
    (folder,) = tmp_path.iterdir()
    complete = read_run(folder)
    halted = replace(
        complete,
        status="interrupted",
        outcome=None,
        environment=replace(complete.environment, threads=1, cores=8),
    )
    for flags, expected in (([], 1), (["--threads", "2"], 2)):
        halted.write(folder)
        torch.set_num_threads(2)
        assert run_command_line([*FAST, *out, "--resume", *flags]) == 0
        assert read_run(folder).environment.threads == expected


def test_a_busy_machine_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "choose_threads", lambda wanted, busy: wanted or 1)
    monkeypatch.setattr(run, "usable_cores", lambda: 4)
    assert run._threads(0, 2.6) == 1
    assert "1 thread, as others keep 2.6 cores busy; --threads 4" in capsys.readouterr().err
    assert run._threads(3, 2.6) == 3
    assert capsys.readouterr().err == ""


def test_a_negative_number_of_threads_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line([*FAST, "--threads", "-1"]) == 4
    assert "--threads is -1" in capsys.readouterr().err
