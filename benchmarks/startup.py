"""Start-up: processor time of whole commands, in processes of their own."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.results import (
    SCHEMA,
    AlgorithmRecord,
    DataRecord,
    Environment,
    Outcome,
    ProtocolRecord,
    RunRecord,
    TrainingRecord,
)
from benchmarks.item import OURS, Contender, Item, Target, Work

PANDAS = "import pandas"


def command(*arguments: str) -> Work:
    """Returns the work of one run of `bench` with these arguments."""
    return python("-m", "bench", *arguments)


def python(*arguments: str) -> Work:
    """Returns the work of one run of Python with these arguments; it must succeed."""
    line = [sys.executable, *arguments]
    return Work(lambda: subprocess.run(line, check=True, capture_output=True))


def leaderboard(quick: bool) -> Work:
    """Returns the work of printing the leaderboard of 1,000 runs."""
    root = Path(tempfile.mkdtemp(prefix="bench-leaderboard-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for number in range(10 if quick else 1000):
        record = run_record(number)
        folder = root / record.name
        folder.mkdir()
        record.write(folder)
    return command("leaderboard", str(root))


def run_record(number: int) -> RunRecord:
    """Returns the record of a run that was never made: one of ten algorithms on one of ten sets."""
    algorithm, data, seed = f"algorithm-{number % 10}", f"data-{number // 10 % 10}", number // 100
    accuracy = 0.5 + number / 4000
    outcome = Outcome(accuracy, 0.002, 0.03, 1000, 75, "t", 0.4, "0" * 64, "0" * 64)
    return RunRecord(
        schema=SCHEMA,
        name=f"{data}_5w1s15q_{algorithm}_{number:08x}",
        status="complete",
        error="",
        started="2026-01-01T00:00:00+00:00",
        command=("bench", "run"),
        config={"algo": algorithm, "data": data, "set": {"lr": 0.001}},
        algorithm=AlgorithmRecord(algorithm, "metric", "", "", {"lr": 0.001}, "conv4", 111936, ""),
        data=DataRecord(data, "", {}, data),
        protocol=ProtocolRecord("5w1s15q", 5, 1, 15, 1000, 0, f"{number // 10 % 10:064x}"),
        training=TrainingRecord(seed, 1500, 1, 60, 1, 5, "cosine", 150, 200, 1500, 1500, accuracy),
        environment=Environment({}, "", "", "", 2, 1, "cpu", "", None),
        seconds={"training": 480.0},
        peak_memory_bytes={},
        outcome=outcome,
    )


def item(name: str, summary: str, contenders: Sequence[Contender], target: Target) -> Item:
    """Returns an item of whole commands, timed once and not per number of threads."""
    return Item(name, summary, "calls", tuple(contenders), target=target, threads_matter=False)


def items() -> list[Item]:
    """Returns the items of this family."""
    return [
        item(
            "startup-help",
            "bench --help",
            [Contender(OURS, "", lambda quick: command("--help"))],
            Target(cpu_seconds=0.15),
        ),
        item(
            "startup-list",
            "bench list",
            [Contender(OURS, "", lambda quick: command("list"))],
            Target(),
        ),
        item(
            "leaderboard-1000",
            "bench leaderboard, 1,000 runs",
            [
                Contender(OURS, "", leaderboard),
                Contender(PANDAS, "pandas", lambda quick: python("-c", "import pandas")),
            ],
            Target(PANDAS, cpu_seconds=1.0),
        ),
    ]
