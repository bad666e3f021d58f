"""`bench audit`: what it prints, what it leaves in a record, and when it leaves it alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.checkpoint import load_weights
from bench.cli import run_command_line
from bench.files import sha256_of
from bench.results import CHECKPOINT_FILE, RUN_FILE, read_run, seal_of

FAST = ["--steps", "2", "--meta-batch", "2", "--episodes", "10", "--validation-episodes", "5"]
CHEAT = '''
import torch
from bench import Algorithm, hookimpl

class Sorted(Algorithm):
    """Believes that queries come sorted by class."""
    name = "sorted"
    backbone = None

    def adapt(self, support):
        ways = support.n_way
        eye = torch.eye(ways)
        return lambda query: 5 * eye[torch.arange(len(query)) * ways // len(query)]

@hookimpl
def bench_algorithms():
    return [Sorted]
'''


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def make_run(out: Path, algo: str, *options: str, code: int = 0) -> Path:
    arguments = ["--algo", algo, "--data", "gaussians", "--ways", "3", "--out", str(out), *options]
    assert bench("run", *FAST, *arguments) == code
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three finished runs; tests that write take a copy."""
    out = tmp_path_factory.mktemp("results")
    for algo, *options in (
        ("protonet", "--train-ways", "3"),
        ("soft-kmeans", "--train-ways", "3"),
        ("pixels",),
    ):
        make_run(out / algo, algo, *options).rename(out / f"gaussians_3w_{algo}")
    return out


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "runs"))


def test_one_run_gets_a_table_of_probes_and_a_verdict_in_words(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert bench("audit", str(runs / "gaussians_3w_protonet"), "--episodes", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("protonet on gaussians, 3w1s15q: 3 test episodes, asked in 13 ways")
    assert any(line.startswith("each query by itself") and "0 of 135" in line for line in lines)
    assert any(line.startswith("measured: inductive: each query is judged alone") for line in lines)
    assert "declared: inductive" in lines


def test_what_was_measured_and_that_test_data_was_opened_is_kept_in_the_record(
    runs: Path,
) -> None:
    run = runs / "gaussians_3w_soft-kmeans"
    before = read_run(run)
    assert bench("audit", str(run), "--episodes", "4") == 0
    after = read_run(run)
    assert after.audit is not None
    assert (after.audit.verdict, after.audit.episodes) == ("transductive", 4)
    assert {probe.name for probe in after.audit.probes} >= {"alone", "one class", "label map"}
    assert seal_of(run) == "whole"
    *earlier, use = after.test_uses
    assert tuple(earlier) == before.test_uses
    assert (use.purpose, use.episodes, len(use.sha256)) == ("audit", 4, 64)
    assert after.outcome == before.outcome


def test_the_same_audit_finds_the_same(runs: Path) -> None:
    run, found = runs / "gaussians_3w_soft-kmeans", []
    for _ in range(2):
        assert bench("audit", str(run), "--episodes", "3") == 0
        found.append(read_run(run).audit)
    assert found[0] == found[1]


def test_no_write_leaves_the_record_alone(runs: Path) -> None:
    run = runs / "gaussians_3w_pixels"
    before = (run / RUN_FILE).read_bytes()
    assert bench("audit", str(run), "--episodes", "2", "--no-write") == 0
    assert (run / RUN_FILE).read_bytes() == before


def test_several_runs_share_one_table(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    folders = [str(path) for path in sorted(runs.glob("gaussians_*"))]
    assert bench("audit", *folders, "--episodes", "3", "--no-write") == 0
    heading, _, *rows = capsys.readouterr().out.splitlines()
    columns = ["declared", "measured", "together", "alone", "one", "class", "dirichlet", "/"]
    assert heading.split() == ["run", *columns, "together"]
    skewed = [row.split()[-3::2] for row in rows]
    assert [so == together for so, together in skewed[:2]] == [True, True]  # inductive
    assert [row.split()[:3] for row in rows] == [
        ["pixels", "inductive", "inductive"],
        ["protonet", "inductive", "inductive"],
        ["soft-kmeans", "transductive", "transductive"],
    ]


def test_kept_audits_are_shown_without_asking_anew(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = runs / "gaussians_3w_pixels", runs / "gaussians_3w_protonet"
    assert bench("audit", str(run), str(other), "--episodes", "3") == 0
    asked = capsys.readouterr().out
    (run / "checkpoint.safetensors").unlink()
    before = (run / RUN_FILE).read_bytes()
    assert bench("audit", str(run), str(other), "--kept") == 0
    assert capsys.readouterr().out == asked
    assert (run / RUN_FILE).read_bytes() == before


def test_a_run_that_keeps_no_audit_is_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs / "gaussians_3w_pixels"
    replace(read_run(run), audit=None).write(run)
    assert bench("audit", str(run), "--kept") == 4
    assert f"keeps no audit; make one: bench audit {run}" in capsys.readouterr().err


def test_runs_of_one_method_are_told_apart_by_their_folders(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs / "gaussians_3w_pixels"
    twin = Path(shutil.copytree(run, runs / "twin"))
    capsys.readouterr()
    assert bench("audit", str(run), str(twin), "--kept") == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[0] for row in rows] == ["gaussians_3w_pixels", "twin"]


def test_trainings_of_one_method_are_told_apart_by_their_seeds(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs / "gaussians_3w_pixels"
    twin = Path(shutil.copytree(run, runs / "twin"))
    record = read_run(run)
    replace(record, training=replace(record.training, seed=7)).write(twin)
    capsys.readouterr()
    assert bench("audit", str(run), str(twin), "--kept") == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("  ")[0] for row in rows] == ["pixels, seed 0", "pixels, seed 7"]


def test_json_has_every_probe(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run = runs / "gaussians_3w_pixels"
    assert bench("audit", str(run), "--episodes", "2", "--no-write", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["run"], one["declared"]) == ("gaussians_3w_pixels", "inductive")
    assert one["audit"]["verdict"] == "inductive"
    assert [probe["asked"] for probe in one["audit"]["probes"] if probe["name"] == "alone"] == [90]


def test_more_episodes_than_the_run_had_are_not_asked_for(runs: Path) -> None:
    run = runs / "gaussians_3w_pixels"
    assert bench("audit", str(run), "--episodes", "500") == 0
    audit = read_run(run).audit
    assert audit is not None
    assert audit.episodes == 10


def test_a_cheat_is_told_and_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "cheat.py"
    plugin.write_text(CHEAT)
    run = make_run(tmp_path / "results", "sorted", "-p", str(plugin), code=1)
    assert "error: order leak" in capsys.readouterr().out, "the run's own audit tells it, too"
    assert bench("audit", str(run), "-p", str(plugin), "--episodes", "3") == 1
    output = capsys.readouterr()
    assert "measured: error: the result does not count" in output.out
    assert "error: order leak" in output.out
    assert output.err.splitlines()[-1].startswith("bench: something leaks")


def test_an_altered_record_is_not_written_to(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs / "gaussians_3w_pixels"
    path = run / RUN_FILE
    path.write_text(path.read_text().replace('"episode_seed": 0', '"episode_seed":  0'))
    before = path.read_bytes()
    assert seal_of(run) == "broken"
    capsys.readouterr()
    assert bench("audit", str(run), "--episodes", "2") == 4
    assert "is not as bench wrote it" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert bench("audit", str(run), "--episodes", "2", "--no-write") == 0


def test_the_weights_are_left_as_they_were(runs: Path) -> None:
    run = runs / "gaussians_3w_protonet"
    before = sha256_of(run / CHECKPOINT_FILE)
    assert load_weights(run / CHECKPOINT_FILE, "protonet")
    assert bench("audit", str(run), "--episodes", "2") == 0
    assert sha256_of(run / CHECKPOINT_FILE) == before


def test_a_folder_without_a_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("audit", str(tmp_path)) == 4
    assert "holds no run" in capsys.readouterr().err
