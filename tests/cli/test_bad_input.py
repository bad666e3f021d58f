"""Bad input: one line that names the value and the cure, exit code 4, nothing written."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.registry import load_registry

GOOD = ["--algo", "protonet", "--data", "gaussians"]

CASES = {
    "unknown algorithm": (["--algo", "protonett", "--data", "gaussians"], "'protonet'"),
    "unknown dataset": (["--algo", "pixels", "--data", "omniglott"], "'omniglot'"),
    "unknown backbone": ([*GOOD, "--backbone", "conv44"], "'conv4'"),
    "unknown parameter": ([*GOOD, "--set", "learning_rate=1"], "learning_rate"),
    "unknown data parameter": ([*GOOD, "--set", "data.spreed=1"], "did you mean 'data.spread'"),
    "data parameter without its prefix": (
        [*GOOD, "--set", "spread=1"],
        "did you mean 'data.spread'",
    ),
    "parameter with the prefix of data": ([*GOOD, "--set", "data.lr=1"], "did you mean 'lr'"),
    "backbone for a method without one": (
        ["--algo", "pixels", "--data", "gaussians", "--backbone", "mlp"],
        "pixels uses none",
    ),
    "unknown flag": ([*GOOD, "--way", "5"], "--ways"),
    "parameter of the wrong type": ([*GOOD, "--set", "lr=fast"], "lr is 'fast'"),
    "parameter that is not a number": ([*GOOD, "--set", "lr=nan"], "lr is 'nan'"),
    "parameter without a value": ([*GOOD, "--set", "lr"], "key=value"),
    "parameter that is not a choice": (
        ["--algo", "maml", "--data", "gaussians", "--set", "norm=none"],
        "running",
    ),
    "data parameter out of range": ([*GOOD, "--set", "data.spread=-1"], "spread"),
    "ways that are not a number": ([*GOOD, "--ways", "five"], "'five'"),
    "negative shots": ([*GOOD, "--shots", "-1"], "--shots is -1"),
    "one way": ([*GOOD, "--ways", "1"], "--ways is 1"),
    "no episodes": ([*GOOD, "--episodes", "0"], "--episodes is 0"),
    "more ways than classes": ([*GOOD, "--ways", "201"], "200"),
    "more training ways than classes": ([*GOOD, "--train-ways", "1001"], "1000"),
    "more shots and queries than images": ([*GOOD, "--shots", "30", "--queries", "15"], "45"),
    "unknown device": ([*GOOD, "--device", "gpu"], "'gpu'"),
    "unknown schedule": ([*GOOD, "--schedule", "cosin"], "'cosine'"),
    "images asked of points": ([*GOOD, "--backbone", "conv4"], "mlp"),
    "missing plugin file": ([*GOOD, "-p", "no/such/file.py"], "no/such/file.py"),
    "missing plugin module": ([*GOOD, "-p", "no_such_module"], "no_such_module"),
    "missing config": ([*GOOD, "--config", "no-such.toml"], "no-such.toml"),
    "resume and force": ([*GOOD, "--resume", "--force"], "--force"),
    "too many episodes": ([*GOOD, "--episodes", "99999999999"], "at most"),
    "too many validation episodes": ([*GOOD, "--validation-episodes", "9999999999"], "at most"),
    "a negative learning rate": ([*GOOD, "--set", "lr=-1"], "-1"),
    "no inner steps": (
        ["--algo", "maml", "--data", "gaussians", "--set", "inner_steps=0"],
        "inner_steps 0",
    ),
    "no data named": (["--algo", "pixels"], "--data"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_one_line_and_writes_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = CASES[name]
    out = tmp_path / "results"
    assert run_command_line(["run", *arguments, "--out", str(out)]) == 4
    printed = capsys.readouterr()
    message = printed.err.strip().splitlines()[-1]
    assert message.startswith("bench: ")
    assert expected in message
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ways = [", "not valid TOML"),
        ("wayz = 5", "'ways'"),
        ('ways = "many"', "ways is 'many'; write a whole number"),
        ("steps = true", "steps is true; write a whole number"),
        ("shots = 1.5", "shots is 1.5; write a whole number"),
        ("ways = [5]", "ways is [5]; write a whole number"),
        ("algo = 3", "algo is 3; write a text in quotes"),
        ('download = "no"', "download is 'no'; write true or false"),
        ("download = 0", "download is 0; write true or false"),
        ("set = 3", "must be a table"),
        ("[set]\nlrr = 1", "'lr'"),
        ("shots = -2", "--shots is -2"),
    ],
)
def test_a_broken_config_file_is_named_with_its_fault(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.toml"
    config.write_text(text)
    out = tmp_path / "results"
    assert run_command_line(["run", *GOOD, "--config", str(config), "--out", str(out)]) == 4
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert expected in message
    assert not out.exists()


def test_an_out_folder_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["run", "--algo", "pixels", "--data", "gaussians"]
    assert run_command_line([*arguments, "--out", str(tmp_path / "file" / "results")]) == 4
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert str(tmp_path / "file" / "results") in message


def test_absent_omniglot_offline_names_files_place_and_alternative(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--algo", "pixels", "--data", "omniglot", "--no-download"]
    arguments += ["--data-root", str(tmp_path), "--set", "data.split=background"]
    assert run_command_line([*arguments, "--out", str(tmp_path / "out")]) == 4
    message = capsys.readouterr().err.strip().splitlines()[-1]
    for text in ("images_background.zip", str(tmp_path / "omniglot-py"), "--data glyphs"):
        assert text in message


def test_a_truncated_omniglot_zip_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    whole = (shared_data / "omniglot-py" / "images_background.zip").read_bytes()
    (tmp_path / "images_background.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "images_evaluation.zip").write_bytes(b"")
    arguments = ["run", "--algo", "pixels", "--data", "omniglot", "--data-root", str(tmp_path)]
    arguments += ["--set", "data.split=background", "--no-download"]
    assert run_command_line([*arguments, "--out", str(tmp_path / "out")]) == 4
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "images_background.zip" in message


def test_a_checkpoint_of_another_algorithm_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", "gaussians", "--out", str(tmp_path), "--steps", "2", "--episodes", "5"]
    common += ["--validation-episodes", "2"]
    assert run_command_line(["run", "--algo", "protonet", *common]) == 0
    foreign = next(tmp_path.glob("*protonet*"))
    assert run_command_line(["run", "--algo", "maml", *common]) == 0
    target = next(tmp_path.glob("*maml*"))
    text = (target / "run.json").read_text().replace('"complete"', '"interrupted"')
    (target / "run.json").write_text(text)
    shutil.copy(foreign / "checkpoint.safetensors", target / "training.safetensors")
    assert run_command_line(["run", "--algo", "maml", *common, "--resume"]) == 1
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "protonet" in message
    assert "maml" in message


def test_a_run_is_not_resumed_with_other_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "own.py"
    source = Path(inspect.getfile(load_registry().algorithm("protonet"))).read_text()
    plugin.write_text(source.replace('"protonet"', '"own"'))
    arguments = ["run", "-p", str(plugin), "--algo", "own", "--data", "gaussians", "--steps", "2"]
    arguments += ["--episodes", "5", "--validation-episodes", "2", "--out", str(tmp_path / "out")]
    assert run_command_line(arguments) == 0
    record = next((tmp_path / "out").iterdir()) / "run.json"
    record.write_text(record.read_text().replace('"complete"', '"interrupted"'))
    plugin.write_text(plugin.read_text() + "\n# another program\n")
    capsys.readouterr()
    assert run_command_line([*arguments, "--resume"]) == 4
    assert "code of own has changed" in capsys.readouterr().err


def test_an_edited_dataset_is_not_served_from_the_cache_of_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "edited.py"
    text = (
        "import numpy as np\nfrom bench import ClassExamples, Dataset, hookimpl\n"
        "class Edited(Dataset):\n    name = 'edited'\n    def classes(self, files):\n"
        "        rng = np.random.default_rng(0)\n"
        "        for i in range(30):\n"
        "            x = rng.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)\n"
        "            yield ClassExamples(str(i), ('train', 'val', 'test')[i % 3], x)\n"
        "@hookimpl\ndef bench_datasets():\n    return [Edited]\n"
    )
    plugin.write_text(text)
    arguments = ["run", "-p", str(plugin), "--algo", "pixels", "--data", "edited"]
    arguments += ["--episodes", "5", "--out", str(tmp_path / "out")]
    assert run_command_line(arguments) == 0
    plugin.write_text(text.replace("'val'", "'valid'"))
    assert run_command_line(arguments) == 4
    assert "did you mean 'val'" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs resource limits")
def test_a_full_disk_ends_the_run_with_a_message(tmp_path: Path) -> None:
    """A limit on file size stands in for a full disk: writes fail with an OSError."""
    code = (
        "import resource, signal, sys; from bench.cli import run_command_line; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "run_command_line(sys.argv[1:] + ['--dry-run']); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
        "sys.exit(run_command_line(sys.argv[1:]))"
    )
    arguments = ["run", *GOOD, "--steps", "2", "--episodes", "5", "--out", str(tmp_path)]
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    message = done.stderr.strip().splitlines()[-1]
    assert "cannot write to" in message
    assert "--resume" in message
    assert "Traceback" not in done.stderr
