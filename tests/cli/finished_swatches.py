"""What tests of predict and export share: a finished run on images, as its folder."""

from __future__ import annotations

from pathlib import Path

from bench.results import find_runs
from tests.cli.verifying import bench

PLUGIN = Path(__file__).parent / "swatches.py"
FAST = ["--steps", "8", "--episodes", "10", "--validation-episodes", "5", "--ways", "3"]
FAST += ["--queries", "5", "--threads", "1"]


def train(out: Path, *flags: str, algo: str = "protonet") -> Path:
    """Trains for a moment on coloured noise; returns the run's folder."""
    given = ["--algo", algo, "--data", "swatches", *FAST, *flags]
    if algo == "protonet":
        given += ["--train-ways", "6"]
    assert bench("run", "-p", str(PLUGIN), *given, "--out", str(out)) == 0
    (folder,) = find_runs(out)
    return folder
