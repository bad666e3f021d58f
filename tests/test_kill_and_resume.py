"""A run that is killed at any moment and resumed ends with the same bits as one that was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.results import read_run

EXAMPLES = Path(__file__).parent.parent / "examples" / "bench-example"
RUN = ["--algo", "protonet", "--data", "gratings", "-p", "bench_example", "--steps", "60"]
RUN += ["--train-ways", "5", "--backbone", "conv4-32", "--validate-every", "7"]
RUN += ["--validation-episodes", "5", "--episodes", "200", "--checkpoint-every", "3"]


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bench", "run", *RUN, "--out", str(out), *more]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def wait_for_training(out: Path, process: subprocess.Popen[str]) -> None:
    """Waits until the run has saved a state or has ended."""
    while process.poll() is None and not list(out.glob("*/training.safetensors")):
        time.sleep(0.01)


def evidence(out: Path) -> tuple[bytes, bytes]:
    folder = next(out.iterdir())
    assert read_run(folder).status == "complete"
    return (folder / "checkpoint.safetensors").read_bytes(), (folder / "episodes.csv").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    out = tmp_path_factory.mktemp("whole")
    code, _, err = finish(start(out))
    assert code == 0, err
    return evidence(out)


def test_killed_at_random_moments_and_resumed_it_ends_with_the_same_bits(
    tmp_path: Path, uninterrupted: tuple[bytes, bytes]
) -> None:
    moments = random.Random()
    kills = 0
    for _ in range(4):
        process = start(tmp_path, "--resume")
        wait_for_training(tmp_path, process)
        time.sleep(moments.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        code, _, _ = finish(process)
        kills += code == -signal.SIGKILL
        if code == 0:
            break
    assert kills
    if read_run(next(tmp_path.iterdir())).status != "complete":
        code, _, err = finish(start(tmp_path, "--resume"))
        assert code == 0, err
    assert evidence(tmp_path) == uninterrupted


def test_an_interrupt_saves_the_state_and_says_how_to_go_on(
    tmp_path: Path, uninterrupted: tuple[bytes, bytes]
) -> None:
    process = start(tmp_path)
    wait_for_training(tmp_path, process)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 2, err
    assert "--resume" in err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert read_run(next(tmp_path.iterdir())).status == "interrupted"

    refused, _, err = finish(start(tmp_path))
    assert refused == 4
    assert "--resume" in err

    code, _, err = finish(start(tmp_path, "--resume"))
    assert code == 0, err
    assert evidence(tmp_path) == uninterrupted
