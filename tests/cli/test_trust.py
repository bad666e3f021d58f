"""What a run is not to be trusted for is said wherever it is used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.results import CHECKPOINT_FILE, PREDICTIONS_FILE, RUN_FILE, find_runs, read_run

FAST = ["--data", "gaussians", "--ways", "3", "--train-ways", "3", "--steps", "2"]
FAST += ["--episodes", "30", "--validation-episodes", "3", "--threads", "1"]
START = """
import torch
from bench import Algorithm, hookimpl


class Mine(Algorithm):
    name = "mine"
    backbone = None

    def adapt(self, support):
        means = support.class_means()
        {body}


@hookimpl
def bench_algorithms():
    return [Mine]
"""
SOUND = "return lambda query: -torch.cdist(query, means)"
SHARING = "return lambda query: -torch.cdist(query - query.mean(0), means)"
COUNTING = """self.count = getattr(self, "count", 0) + 1
        favour = torch.tensor([2.0, 0.0, 0.0]) * self.count
        return lambda query: favour - torch.cdist(query, means)"""


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def plugin(folder: Path, body: str) -> str:
    path = folder / "mine.py"
    path.write_text(START.format(body=body))
    return str(path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    assert bench("run", "--algo", "protonet", *FAST, "--out", str(out)) == 0
    return find_runs(out)[0]


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "results" / "run"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "command",
    [["intervals"], ["audit", "--no-write"], ["compare", "{run}"]],
    ids=["intervals", "audit", "compare"],
)
def test_altered_predictions_are_refused(
    run: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flip(run / PREDICTIONS_FILE)
    words = [word.format(run=run) for word in command]
    assert bench(*words, str(run)) == 4
    assert f"{PREDICTIONS_FILE} is not what the run wrote" in capsys.readouterr().err


def test_altered_predictions_are_seen_on_the_leaderboard(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(run / PREDICTIONS_FILE)
    assert bench("leaderboard", str(run.parent)) == 0
    assert f"{PREDICTIONS_FILE} is not what the run wrote" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["intervals", "evaluate"])
def test_an_altered_record_is_not_built_upon(
    run: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (run / RUN_FILE).read_text()
    (run / RUN_FILE).write_text(text.replace('"seed": 0', '"seed": 1'))
    more = ["--shots", "2"] if command == "evaluate" else []
    assert bench(command, str(run), *more) == 4
    assert "seal" in capsys.readouterr().err


def test_verifying_without_weights_fails_unless_no_evaluation_was_asked_for(run: Path) -> None:
    (run / CHECKPOINT_FILE).unlink()
    assert bench("verify", str(run)) == 1
    assert bench("verify", str(run), "--no-evaluation") == 0


def test_other_code_of_a_plugin_is_not_the_same_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--algo", "mine", *FAST, "--out", str(tmp_path / "results"), "-p"]
    assert bench(*words, plugin(tmp_path, SOUND)) == 0
    assert bench(*words, plugin(tmp_path, SHARING)) == 4
    assert "made by other code of mine; to redo it with today's, add --force" in (
        capsys.readouterr().err
    )


def test_who_shares_without_saying_so_is_told_by_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--algo", "mine", *FAST, "--out", str(tmp_path / "results"), "-p"]
    assert bench(*words, plugin(tmp_path, SHARING)) == 0
    printed = capsys.readouterr().out
    assert "declared inductive" in printed
    assert "warning: it does not declare that queries inform one another" in printed


def test_state_that_hides_every_decision_in_the_end_is_told_by_the_run_s_own_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--algo", "mine", *FAST, "--out", str(tmp_path / "results"), "-p"]
    assert bench(*words, plugin(tmp_path, COUNTING)) == 1
    output = capsys.readouterr()
    assert "setting: error" in output.out
    assert "label leak" not in output.out, "it reads no labels"
    assert "it does not count" in output.err


def test_a_run_of_a_plugin_that_is_not_loaded_says_which_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", "--algo", "mine", *FAST, "--out", str(tmp_path / "results")]
    words += ["-p", plugin(tmp_path, SOUND)]
    monkeypatch.setattr("sys.argv", ["bench", *words])
    assert bench(*words) == 0
    run = str(find_runs(tmp_path / "results")[0])
    capsys.readouterr()
    assert bench("audit", run) == 4
    assert f"add -p {tmp_path / 'mine.py'}" in capsys.readouterr().err


def test_a_result_that_does_not_count_does_not_pass_a_comparison(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--algo", "mine", *FAST, "--out", str(tmp_path / "results"), "-p"]
    assert bench(*words, plugin(tmp_path, COUNTING)) == 1
    other = next(r for r in find_runs(tmp_path / "results") if r.name != "run")
    assert bench("compare", str(run), str(other), "--fail-if-worse") == 1
    assert "the audit found errors" in capsys.readouterr().err


def test_weights_go_back_to_the_data_they_were_trained_on(run: Path, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "again"), "--episodes", "10"]
    assert bench("evaluate", str(run), "--test-data", "gaussians", *out) == 0
    assert read_run(find_runs(tmp_path / "again")[0]).test_data is None
