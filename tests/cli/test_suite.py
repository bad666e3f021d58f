"""`bench suite`: one command makes a table, also when it is cut, and when a row fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.files import sha256_of
from bench.parameters import Value
from bench.results import RunRecord, find_runs, read_run
from bench.suite import conductor

PLUGIN = '''
import os
import signal
from pathlib import Path

from bench import Algorithm, hookimpl
from torch import nn


class Fickle(Algorithm):
    """Compares means of projections; where a file `halt` lies beside it, it ends the process.

    Args:
        fails: whether training fails.
        scale: what distances are divided by; only tests read it.
    """

    name = "fickle"
    backbone = None
    test_parameters = ("scale",)

    def __init__(self, spec, *, fails: bool = False, scale: float = 1.0):
        super().__init__(spec)
        self.fails, self.scale = fails, scale
        self.project = nn.Sequential(nn.Flatten(), nn.Linear(784, 8))

    def adapt(self, support):
        features = self.project(support.inputs)
        known = type(support)(features, support.targets, support.n_way).class_means()
        return lambda query: -((self.project(query)[:, None] - known) ** 2).sum(-1) / self.scale

    def loss(self, episode):
        if self.fails:
            raise RuntimeError("the cat is on the keyboard")
        halt = Path(__file__).with_name("halt")
        if halt.exists():
            halt.unlink()
            os.kill(os.getpid(), signal.SIGTERM)
        return super().loss(episode)


@hookimpl
def bench_algorithms():
    return [Fickle]
'''
RECIPE = """
about = "Small."
budget = "smoke"
algo = "fickle"
data = "glyphs"
steps = 3
queries = 3
episodes = 10
validation_episodes = 3

[set]
fails = {fails}
data.drawings = 5

[sizes.5w1s]
"""
SUITE = """
about = "A small table."
data = "glyphs"

[test]
queries = 3
episodes = 10

[[training]]
recipe = "failing.toml"
sizes = { 5w1s = ["5w1s"] }

[[training]]
recipe = "steady.toml"
sizes = { 5w1s = ["5w1s"] }
modes = [{}, { name = "cool", set = { scale = 2.0 } }]
"""
FAKE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
{first}
time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "suite.toml").write_text(SUITE)
    (folder / "fickle.py").write_text(PLUGIN)
    (folder / "failing.toml").write_text(RECIPE.format(fails="true"))
    (folder / "steady.toml").write_text(RECIPE.format(fails="false"))
    return folder


def suite(folder: Path, *flags: str) -> int:
    return run_command_line(["suite", str(folder), "-p", str(folder / "fickle.py"), *flags])


def copy(folder: Path, to: Path) -> None:
    for name in ("suite.toml", "fickle.py", "failing.toml", "steady.toml"):
        (to / name).write_bytes((folder / name).read_bytes())


def records(folder: Path) -> dict[Value, RunRecord]:
    """Returns what was made from the recipe that works, by the parameter of the test."""
    found = [read_run(path) for path in find_runs(folder)]
    return {
        record.algorithm.parameters["scale"]: record
        for record in found
        if record.recipe and record.recipe.name == "steady"
    }


def test_a_table_is_made_though_a_row_fails_and_another_is_cut(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "halt").touch()
    assert suite(folder) == 1
    told = capsys.readouterr()
    assert "the cat is on the keyboard" in told.err
    assert "cut at step 1 of 3" in told.out
    assert "1 cut, 1 failed, 1 missing" in told.out.replace("3 rows: ", "")

    assert suite(folder) == 1, "a row that failed is not tried again, but not forgotten"
    told = capsys.readouterr()
    assert "failing" not in told.err.replace(str(folder), "")
    assert "2 done, 1 failed" in told.out
    made = records(folder)
    assert set(made) == {1.0, 2.0}
    first, cool = made[1.0].outcome, made[2.0].outcome
    assert first
    assert cool
    assert made[2.0].weights_from == first.checkpoint_sha256
    assert made[2.0].protocol == made[1.0].protocol
    assert cool.loss != first.loss
    assert made[1.0].command[:2] == ("bench", "run")

    before = {path: sha256_of(path) for path in folder.rglob("*") if path.is_file()}
    assert suite(folder) == 1
    assert "training" not in capsys.readouterr().err
    assert before == {path: sha256_of(path) for path in folder.rglob("*") if path.is_file()}

    alone = ["run", "--recipe", str(folder / "steady.toml"), "--threads", "1", "--out"]
    alone += [str(tmp_path), "-p", str(folder / "fickle.py")]
    assert run_command_line(alone) == 0
    whole = read_run(find_runs(tmp_path)[0]).outcome
    assert whole is not None
    assert whole.checkpoint_sha256 == first.checkpoint_sha256


@pytest.mark.parametrize(
    ("flags", "first", "words"),
    [
        (["--minutes", "0.01"], "", "stopped after 0.01 minutes"),
        ([], "os.kill(os.getppid(), signal.SIGINT)", "interrupted"),
    ],
    ids=["time is up", "Ctrl-C"],
)
def test_what_runs_is_stopped_in_good_order(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    first: str,
    words: str,
) -> None:
    copy(folder, tmp_path)
    command = (sys.executable, "-c", FAKE.format(first=first))
    monkeypatch.setattr(conductor, "BENCH", command)
    assert suite(tmp_path, *flags) == 2
    error = capsys.readouterr().err
    assert f"bench: {words}; go on with: bench" in error
    assert "failing, 5w1s, seed 0: training stopped" in error


def test_a_dry_run_starts_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(folder, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert suite(tmp_path, "--dry-run", "--only", "stead") == 0
    assert "2 rows: 2 missing" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("only", "rows"),
    [
        (["steady"], ["steady"]),
        (["steady.toml"], ["steady"]),
        (["stead"], ["steady", "steady-long", "unsteady"]),
        (["steady", "long"], ["steady", "steady-long"]),
        (["uns", "failing"], ["failing", "unsteady"]),
    ],
)
def test_only_takes_the_recipe_of_that_name_and_else_those_that_have_it_in_theirs(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    only: list[str],
    rows: list[str],
) -> None:
    copy(folder, tmp_path)
    text = SUITE.partition("modes")[0]
    for name in ("steady-long", "unsteady"):
        (tmp_path / f"{name}.toml").write_bytes((folder / "steady.toml").read_bytes())
        text += f'\n[[training]]\nrecipe = "{name}.toml"\nsizes = {{ 5w1s = ["5w1s"] }}\n'
    (tmp_path / "suite.toml").write_text(text)
    assert suite(tmp_path, "--dry-run", *(word for name in only for word in ("--only", name))) == 0
    told = capsys.readouterr().out
    found = [line.split()[0] for line in told.splitlines() if "missing" in line and ":" not in line]
    assert found == rows
    count = f"{len(rows)} row{'s' if len(rows) > 1 else ''}: {len(rows)} missing"
    assert told.splitlines()[-1] == count


@pytest.mark.parametrize(
    ("old", "new", "flags", "words"),
    [
        ("", "", ["--jobs", "0"], "--jobs is 0; it must be at least 1"),
        ("", "", ["--minutes", "-1"], "--minutes is -1; it must be more than 0"),
        ("", "", ["--only", "study"], "no recipe has 'study' in its name; did you mean 'steady'?"),
        ("scale = 2.0", "scael = 2.0", [], "sets scael, which is no parameter of fickle"),
        ("scale = 2.0", "fails = true", [], "sets fails, which is no parameter of fickle"),
        ("scale = 2.0", 'scale = "2"', [], "sets scale to '2'; write it as 2.0"),
        ("scale = 2.0", 'scale = "x"', [], "suite.toml: mode"),
        ('["5w1s"]', '["20w1s"]', [], "fickle is made for one number of ways"),
        ("queries = 3", "queries = 5", [], "tested at 5w1s: 1 shots + 5 queries = 6, but class"),
    ],
)
def test_bad_input_is_refused_in_a_line_before_anything_is_started(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    flags: list[str],
    words: str,
) -> None:
    copy(folder, tmp_path)
    (tmp_path / "suite.toml").write_text(SUITE.replace(old, new) if old else SUITE)
    for more in ([], ["--dry-run"]):
        assert suite(tmp_path, *flags, *more) == 4
        told = capsys.readouterr().err.splitlines()
        (error,) = (line for line in told if not line.startswith("preparing data"))
        assert words in error
    assert not (tmp_path / ".logs").exists()


def test_a_folder_that_cannot_be_written_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(folder, tmp_path)
    (tmp_path / ".logs").write_text("in the way")
    assert suite(tmp_path) == 4
    assert f"cannot write to {tmp_path / '.logs'}" in capsys.readouterr().err


def test_without_a_suite_it_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["suite", str(tmp_path)]) == 4
    error = capsys.readouterr().err
    assert f"{tmp_path / 'suite.toml'} cannot be read" in error
    assert error.count("\n") == 1
    assert not any(tmp_path.iterdir())
