"""The README: what it shows is there, and what it tells a reader to do works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from bench.algorithm import TaskSpec
from bench.backbones import BACKBONES
from bench.cli import cli, run_command_line
from bench.cli.commands import SUMMARIES
from bench.gradient import GradientLearner
from bench.registry import load_registry

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
CHANGELOG = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """Returns the names in the first column of the table with this heading."""
    body = README.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    first = re.findall(r"^\| (`[^|]+`) \|", body, flags=re.MULTILINE)
    return [name for cell in first for name in re.findall(r"`([^`]+)`", cell)]


def commands() -> list[str]:
    """Returns every `bench` command line in the README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [p for p in parts if p.removeprefix(".venv/bin/").startswith("bench ")]


def code(name: str) -> str:
    """Returns the Python block that begins with this file name."""
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        if block.startswith(f"# {name}\n"):
            return str(block)
    raise AssertionError(f"no block {name}")


def test_tables_name_exactly_what_is_installed() -> None:
    registry = load_registry()
    own = {name for r in registry.plugins if r.source == "fewshot-bench" for name in r.algorithms}
    data = {name for r in registry.plugins if r.source == "fewshot-bench" for name in r.datasets}
    assert set(table("algorithm")) == own
    assert set(table("dataset")) == data
    families = {f"{f}:NAME" for f in registry.families.entries}
    shown = {name for name in table("backbone") if "@" not in name}
    assert shown == set(registry.backbones.entries) | families


def test_every_flag_in_a_command_exists() -> None:
    found = commands()
    assert len(found) >= 8
    for line in found:
        words = shlex.split(line.removeprefix(".venv/bin/"))
        command = cli.get_command(click.Context(cli), words[1])
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words[2])
        assert command is not None, line
        known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
        assert {word for word in words[2:] if word.startswith("-")} <= known, line


def test_the_lines_that_ci_runs_are_the_two_of_the_set_up() -> None:
    lines = re.findall(r"<!-- ci -->\n```sh\n(.*?)\n```", README, flags=re.DOTALL)
    assert len(lines) == 2
    assert "bench run" in lines[0]
    assert lines[1].split(" && ")[-1].startswith(".venv/bin/pytest")


def test_the_algorithm_of_the_tutorial_is_short_and_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = code("nearest.py")
    assert len(text.splitlines()) <= 40
    assert re.findall(r"^(?:from|import) .*", text, re.MULTILINE) == [
        "from bench import Algorithm, Examples, TaskSpec, hookimpl"
    ]
    monkeypatch.chdir(tmp_path)
    Path("nearest.py").write_text(text)
    line = next(c for c in commands() if "nearest.py" in c)
    arguments = shlex.split(line.removeprefix("bench "))
    arguments[arguments.index("glyphs")] = "gaussians"
    small = ["--steps", "30", "--episodes", "20", "--validation-episodes", "5"]
    assert run_command_line([*arguments, *small]) == 0
    assert "nearest on gaussians" in capsys.readouterr().out
    assert run_command_line(["leaderboard"]) == 0
    assert "nearest (scale=5)" in capsys.readouterr().out


def test_the_gradient_learner_of_the_tutorial_is_short_and_runs_tasks_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = code("sign.py")
    assert len(text.splitlines()) <= 40
    monkeypatch.chdir(tmp_path)
    Path("sign.py").write_text(text)
    learner = load_registry(["./sign.py"]).algorithm("sign-steps")
    together = learner(TaskSpec((2,), 5, 1, BACKBONES["mlp"]))
    assert isinstance(together, GradientLearner)
    assert together.takes_tasks_together
    arguments = ["run", "-p", "./sign.py", "--algo", "sign-steps", "--data", "gaussians"]
    small = ["--steps", "100", "--episodes", "100", "--validation-episodes", "20"]
    assert run_command_line([*arguments, *small]) == 0
    accuracy = float(re.findall(r"([\d.]+)% ±", capsys.readouterr().out)[0])
    assert accuracy > 30  # chance is 20


def test_the_dataset_of_the_tutorial_runs_and_gives_chance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("noise.py").write_text(code("noise.py"))
    line = next(c for c in commands() if "noise.py" in c)
    assert run_command_line([*shlex.split(line)[1:], "--queries", "10"]) == 0
    printed = capsys.readouterr().out
    accuracy = float(re.findall(r"([\d.]+)% ±", printed)[0])
    assert abs(accuracy - 20) < 2  # 1000 episodes of 50 guesses: a standard error of 0.18


def test_the_backbone_of_the_tutorial_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wide.py").write_text(code("wide.py"))
    line = next(c for c in commands() if "wide.py" in c)
    small = ["--steps", "0", "--episodes", "5", "--validation-episodes", "2"]
    assert run_command_line([*shlex.split(line)[1:], *small]) == 0
    assert "protonet on glyphs" in capsys.readouterr().out


def test_exit_codes_are_those_of_the_errors() -> None:
    from bench import errors

    rows = dict(re.findall(r"^\| (\d) \| (.*) \|$", README, flags=re.MULTILINE))
    assert rows.keys() == {"0", "1", "2", "3", "4", "5"}
    assert "usage" in rows[str(errors.BenchError.exit_code)]
    assert "failed" in rows[str(errors.RunFailed.exit_code)]
    assert "--resume" in rows[str(errors.Interrupted.exit_code)]
    assert "another process" in rows[str(errors.Busy.exit_code)]
    assert "nothing matched" in rows[str(errors.NothingMatched.exit_code)]


def test_the_changelog_names_every_command() -> None:
    for name in SUMMARIES:
        assert name in CHANGELOG
