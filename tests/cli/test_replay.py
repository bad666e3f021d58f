"""`bench replay`: the command, printed and run, and how its result compares."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.results import read_run

FAST = ["--steps", "2", "--episodes", "10", "--validation-episodes", "2", "--train-ways", "5"]


PLUGIN = '''
"""Points in the plane again."""
import numpy as np
from bench import ClassExamples, Dataset, hookimpl


class Others(Dataset):
    """Points.

    Args:
        seed: their seed.
    """

    name = "others"

    def __init__(self, *, seed: int = 1) -> None:
        self.seed = seed

    def classes(self, files):
        rng = np.random.default_rng(self.seed)
        for split in ("train", "val", "test"):
            for number in range(8):
                yield ClassExamples(f"{split}{number}", split, rng.normal(size=(9, 2)).astype("f4"))


@hookimpl
def bench_datasets():
    return [Others]
'''


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    assert bench("run", "--algo", "protonet", "--data", "gaussians", *FAST, "--out", str(out)) == 0
    (folder,) = out.iterdir()
    return folder


def test_the_command_alone_is_printed_on_one_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replays").mkdir()
    assert bench("replay", str(run)) == 0
    (line,) = capsys.readouterr().out.splitlines()
    words = shlex.split(line)
    assert words[words.index("--out") + 1] == "replays-2"
    assert bench(*words[1:]) == 0
    assert (tmp_path / "replays-2" / run.name / "run.json").exists()


def test_it_is_run_and_found_to_be_the_same(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again"
    assert bench("replay", str(run), "--out", str(out), "--execute") == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == f"{out / run.name}: the same"
    one, other = read_run(run).outcome, read_run(out / run.name).outcome
    assert one is not None and other is not None
    assert one.checkpoint_sha256 == other.checkpoint_sha256


def test_a_forged_mean_does_not_come_out_again(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = read_run(run)
    assert record.outcome is not None
    forged = tmp_path / "forged"
    forged.mkdir()
    better = replace(record.outcome, mean=record.outcome.mean + 0.1, checkpoint_sha256="0" * 64)
    replace(record, outcome=better).write(forged)
    assert bench("replay", str(forged), "--out", str(tmp_path / "out"), "--execute") == 1
    output = capsys.readouterr()
    assert "differs from the run that was replayed" in output.err
    assert output.out.count("differs") == 2  # weights and mean; its episodes are the same


def test_a_command_that_fails_fails(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    record = read_run(run)
    replace(record, algorithm=replace(record.algorithm, name="protonett")).write(broken)
    assert bench("replay", str(broken), "--out", str(tmp_path / "out"), "--execute") == 1
    assert "the command failed" in capsys.readouterr().err


def test_a_folder_without_a_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("replay", str(tmp_path)) == 4
    assert "holds no run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ["--shots", "3", "--episodes", "8"],
        ["--protocol", "single", "--episodes", "8"],
        ["--test-data", "others", "--set", "test.seed=2", "--queries", "4", "--episodes", "8"],
        ["--episodes-file", "episodes.bench"],
    ],
    ids=lambda flags: flags[0],
)
def test_a_test_of_other_weights_is_done_again(
    flags: list[str],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "trained")
    Path("others.py").write_text(PLUGIN)
    made = ["episodes", "make", "--data", "gaussians", "--shots", "2", "-n", "6", "--seed", "4"]
    assert bench(*made, "-o", "episodes.bench") == 0
    plugin = ["-p", str(tmp_path / "others.py")]
    words = ["bench", "evaluate", "trained", *flags, *plugin, "--out", "."]
    monkeypatch.setattr("sys.argv", words)
    assert bench(*words[1:]) == 0
    (tested,) = (path for path in Path().glob("gaussians*") if path.is_dir())
    assert read_run(tested).weights_from
    Path("episodes.bench").unlink()  # the run keeps a copy
    capsys.readouterr()
    assert bench("replay", str(tested), "--out", "again", "--execute") == 0
    out = capsys.readouterr().out
    assert out.startswith("bench evaluate trained ")
    assert out.splitlines()[-1] == f"again/{tested.name}: the same"


def test_a_test_without_its_training_beside_it_cannot_be_replayed(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--shots", "3", "--episodes", "8", "--out", str(tmp_path)]
    assert bench("evaluate", str(run), *flags) == 0
    (tested,) = tmp_path.iterdir()
    capsys.readouterr()
    assert bench("replay", str(tested)) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "and no run beside it has them" in line
