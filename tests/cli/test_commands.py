"""The commands: what they print, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pandas as pd
import pytest

from bench.cli import cli, run_command_line
from bench.cli.commands import SUMMARIES
from bench.cli.run import command as run_command
from bench.config import RunConfig
from bench.results import read_run

FAST = ["--algo", "protonet", "--data", "gaussians", "--steps", "4", "--train-ways", "5"]
FAST += ["--episodes", "20", "--validation-episodes", "5"]


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def only_run(out: Path) -> Path:
    folders = [path for path in out.iterdir() if path.is_dir()]
    assert len(folders) == 1
    return folders[0]


def test_help_answers_without_torch_numpy_or_pandas() -> None:
    code = (
        "import sys; from bench.cli import run_command_line; "
        "code = run_command_line(['--help']); "
        "heavy = {'torch', 'numpy', 'pandas', 'torchvision', 'matplotlib', 'rich'}; "
        "heavy |= {'bench.cli.run', 'docstring_parser'}; heavy &= set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "leaderboard" in done.stdout


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_help_for_itself_and_each_option(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert all(option.help for option in options)
    assert bench(name, "--help") == 0


def test_the_help_of_all_names_every_command_with_its_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("--help") == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for name, summary in SUMMARIES.items():
        assert f"{name} {summary}" in lines


def test_an_unknown_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("leaderbord") == 4
    assert "did you mean 'leaderboard'?" in capsys.readouterr().err


def test_listing_needs_torch_but_none_of_the_heavy_packages_beside_it() -> None:
    code = (
        "import sys; from bench.cli import run_command_line; code = run_command_line(['list']); "
        "heavy = {'pandas', 'scipy', 'torchvision', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["list"], ["plugins"]])
def test_lists_fit_into_80_columns(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert bench(*arguments) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_who_lacks_a_package_is_listed_with_the_cure_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("bench.extras.is_installed", lambda package: False)
    assert bench("list", "algorithms") == 0
    printed = capsys.readouterr().out
    assert "not ready: l2l-anil, " in printed
    assert "l2l-reptile; bench install learn2learn" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_a_broken_plugin_file_is_listed_with_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, empty = tmp_path / "broken.py", tmp_path / "empty.py"
    broken.write_text("raise ValueError('no such luck')\n")
    empty.write_text("")
    assert bench("plugins", "--json", "-p", str(broken), "-p", str(empty)) == 0
    records = {r["module"]: r for r in json.loads(capsys.readouterr().out)}
    assert records[str(broken)]["error"] == "ValueError: no such luck"
    assert "adds nothing" in records[str(empty)]["error"]
    assert any(record["algorithms"] == ["protonet"] for record in records.values())
    assert bench("list", "-p", str(broken)) == 4
    assert "no such luck" in capsys.readouterr().err


def test_config_keys_are_the_names_of_the_flags() -> None:
    flags = {option.name for option in run_command.params}
    assert set(RunConfig.__dataclass_fields__) <= flags


def test_a_run_prints_its_result_on_stdout_and_progress_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("run", *FAST, "--out", str(tmp_path)) == 0
    printed = capsys.readouterr()
    folder = only_run(tmp_path)
    record = read_run(folder)
    assert record.status == "complete"
    assert record.outcome is not None
    assert f"{100 * record.outcome.mean:.2f}%" in printed.out
    assert str(folder) in printed.out
    assert "training" in printed.err
    assert "training" not in printed.out


def test_the_headline_can_be_recomputed_from_the_episode_records(tmp_path: Path) -> None:
    bench("run", *FAST, "--episodes", "120", "--out", str(tmp_path))
    folder = only_run(tmp_path)
    outcome = read_run(folder).outcome
    episodes = pd.read_csv(folder / "episodes.csv")
    assert outcome is not None
    assert outcome.half_width is not None
    assert len(episodes) == outcome.n == 120
    assert episodes.accuracy.mean() == pytest.approx(outcome.mean, abs=1e-12)
    assert (episodes.correct / episodes.queries).mean() == pytest.approx(outcome.mean)
    t_quantile = 1.980100  # t(0.975, 119), from a table
    expected = t_quantile * episodes.accuracy.std(ddof=1) / 120**0.5
    assert outcome.half_width == pytest.approx(expected, rel=1e-6)


def test_the_same_run_twice_needs_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", *FAST, "--out", str(tmp_path)]
    assert bench(*arguments) == 0
    before = (only_run(tmp_path) / "episodes.csv").read_bytes()
    assert bench(*arguments) == 4
    assert "--force" in capsys.readouterr().err
    assert bench(*arguments, "--force") == 0
    assert (only_run(tmp_path) / "episodes.csv").read_bytes() == before


def test_a_dry_run_writes_nothing_and_names_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    assert bench("run", *FAST, "--out", str(out), "--dry-run") == 0
    assert not out.exists()
    named = Path(capsys.readouterr().out.split()[-1])
    assert bench("run", *FAST, "--out", str(out)) == 0
    assert only_run(out) == named


def test_a_printed_config_gives_the_same_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", "lr=0.01", "--set", "data.spread=0.7", "--out", str(tmp_path)]
    assert bench("run", *FAST, *settings, "--dry-run") == 0
    folder = capsys.readouterr().out.split()[-1]
    assert bench("run", *FAST, *settings, "--print-config") == 0
    text = capsys.readouterr().out
    config = tmp_path / "run.toml"
    config.write_text(text)
    assert tomllib.loads(text)["set"]["data"]["spread"] == 0.7
    assert bench("run", "--config", str(config), "--dry-run") == 0
    assert capsys.readouterr().out.split()[-1] == folder


def test_flags_override_the_config_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "run.toml"
    config.write_text('algo = "pixels"\ndata = "gaussians"\nways = 3\nepisodes = 7\n')
    command = ["run", "--config", str(config), "--ways", "4", "--print-config"]
    assert bench(*command) == 0
    resolved = tomllib.loads(capsys.readouterr().out)
    assert (resolved["algo"], resolved["ways"], resolved["episodes"]) == ("pixels", 4, 7)


def test_test_episodes_do_not_depend_on_the_training_seed_or_the_algorithm(tmp_path: Path) -> None:
    small = ["--data", "gaussians", "--episodes", "10", "--out", str(tmp_path)]
    few = ["--steps", "2", "--validation-episodes", "2"]
    assert bench("run", "--algo", "pixels", *small) == 0
    assert bench("run", "--algo", "protonet", "--seed", "1", *few, *small) == 0
    assert bench("run", "--algo", "maml", "--seed", "2", *few, *small) == 0
    hashes = {read_run(folder).protocol.sha256 for folder in tmp_path.iterdir()}
    assert len(hashes) == 1
    assert bench("run", "--algo", "pixels", "--episode-seed", "1", *small) == 0
    assert len({read_run(folder).protocol.sha256 for folder in tmp_path.iterdir()}) == 2


def test_list_shows_algorithms_datasets_and_backbones(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("list") == 0
    printed = capsys.readouterr().out
    for name in ("protonet", "maml", "pixels", "l2l-maml", "omniglot", "glyphs", "conv4"):
        assert name in printed
    assert bench("list", "datasets") == 0
    assert "protonet" not in capsys.readouterr().out


def test_info_shows_types_defaults_and_meanings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert bench("info", "maml") == 0
    printed = capsys.readouterr().out
    for text in ("inner_lr", "0.5", "step size of the inner loop", "Finn", "running | batch"):
        assert text in printed
    assert bench("info", "omniglot") == 0
    assert "data.resampling" in capsys.readouterr().out
    assert bench("info", "conv4") == 0


def test_plugins_are_listed_as_json_with_versions_and_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("plugins", "--json") == 0
    records = json.loads(capsys.readouterr().out)
    own = next(record for record in records if record["algorithms"] == ["protonet"])
    assert own["version"]
    assert own["error"] == ""


def test_install_says_what_it_does_before_it_does_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("install", "learn2learn", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "Cython" in printed
    assert "--no-build-isolation" in printed
    assert "learn2learn==0.2.0" in printed


def test_an_empty_folder_of_results_is_exit_code_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("leaderboard", str(tmp_path)) == 5
    assert "no runs" in capsys.readouterr().err


def test_who_has_no_parameters_is_said_to_be_never_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("info", "pixels") == 0
    assert "never trained: it has no parameters" in capsys.readouterr().out
    run = ["--algo", "pixels", "--data", "gaussians", "--episodes", "5", "--out", str(tmp_path)]
    assert bench("run", *run) == 0
    assert "not trained: it has no parameters" in capsys.readouterr().out


def test_sys_info_names_torch_and_the_processor(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("sys-info") == 0
    printed = capsys.readouterr().out
    assert "torch" in printed
    assert "processor" in printed
