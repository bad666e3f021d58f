"""`bench instances`: the table, the file it leaves, and one line for whatever is in the way."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from bench.checkpoint import load_weights, save_weights
from bench.cli import run_command_line
from bench.cli.instances import FILE
from bench.files import sha256_of
from bench.results import CHECKPOINT_FILE, RUN_FILE

FAST = ["--steps", "2", "--meta-batch", "2", "--episodes", "10", "--validation-episodes", "5"]


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def make_run(out: Path, algo: str, *options: str) -> Path:
    arguments = ["--algo", algo, "--data", "gaussians", "--ways", "3", "--out", str(out), *options]
    assert bench("run", *FAST, *arguments) == 0
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; tests that change it take a copy."""
    sizes = [word for name in ("filters", "key", "value") for word in ("--set", f"{name}=8")]
    return make_run(tmp_path_factory.mktemp("results"), "snail", *sizes)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_the_table_shows_the_means_of_the_file_that_is_left(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("instances", str(run), "--streams", "20", "--instances", "4") == 0
    printed = capsys.readouterr().out
    kept = pd.read_csv(run / FILE)
    assert len(kept) == 20 * 4
    assert "snail on gaussians, streams of 3 classes" in printed
    # the last new class is known to be the one left, the one before a guess of two
    assert f"33.3% by chance, at most {100 * (1 / 3 + 1 / 2 + 1) / 3:.1f}%" in printed
    rows = re.findall(r"^\s*(\d+)\s+([\d.]+)% ± ([\d.]+)$", printed, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == [1, 2, 3, 4]
    for number, mean, half_width in rows:
        shares = kept.accuracy[kept.instance == int(number)]
        assert float(mean) == pytest.approx(100 * shares.mean(), abs=0.006)
        # t(0.975, 19) is 2.0930
        expected = 2.0930 * 100 * shares.std(ddof=1) / 20**0.5
        assert float(half_width) == pytest.approx(expected, abs=0.01)


def test_the_same_question_has_the_same_answer(run: Path) -> None:
    contents = []
    for _ in range(2):
        assert bench("instances", str(run), "--streams", "5", "--instances", "3") == 0
        contents.append((run / FILE).read_bytes())
    assert contents[0] == contents[1]


def rewrite(run: Path, **changes: object) -> None:
    record = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    for path, value in changes.items():
        *above, last = path.split("__")
        part = record
        for key in above:
            part = part[key]
        part[last] = value
    (run / RUN_FILE).write_text(json.dumps(record), encoding="utf-8")


def test_the_weights_are_those_of_the_checkpoint(run: Path) -> None:
    assert bench("instances", str(run), "--streams", "20", "--instances", "3") == 0
    assert pd.read_csv(run / FILE).accuracy.std() > 0.1
    weights = load_weights(run / CHECKPOINT_FILE, "snail")
    save_weights(run / CHECKPOINT_FILE, "snail", {n: 0.0 * w for n, w in weights.items()})
    rewrite(run, outcome__checkpoint_sha256=sha256_of(run / CHECKPOINT_FILE))
    assert bench("instances", str(run), "--streams", "20", "--instances", "3") == 0
    # Weights of zero give equal logits: label 0 for all, right for one class of three.
    assert pd.read_csv(run / FILE).accuracy.to_list() == pytest.approx([1 / 3] * 60)


def refusal(run: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    capsys.readouterr()
    assert bench("instances", str(run), *options) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.strip().splitlines()) == 1
    assert not (run / FILE).exists()
    return output.err


def test_a_folder_without_a_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "holds no run" in refusal(tmp_path, capsys)


def test_a_run_that_is_not_finished_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run, status="interrupted")
    assert "is interrupted; finish it first" in refusal(run, capsys)


def test_a_method_that_reads_no_streams_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, "protonet", "--train-ways", "3")
    assert "protonet learns from a whole support set" in refusal(run, capsys)


def test_data_that_has_changed_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(run, data__fingerprint="0" * 64)
    assert "gaussians is no longer the data" in refusal(run, capsys)


def test_data_that_is_missing_is_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA_ROOT", raising=False)
    rewrite(run, config__data="omniglot", config__data_root=str(run), config__download=False)
    message = refusal(run, capsys)
    assert str(run) in message
    assert "downloading is switched off" in message


def test_a_missing_checkpoint_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / CHECKPOINT_FILE).unlink()
    assert f"{CHECKPOINT_FILE} is not there" in refusal(run, capsys)


def test_another_checkpoint_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (run / CHECKPOINT_FILE).open("ab") as file:
        file.write(b"more")
    assert "is not what the run wrote" in refusal(run, capsys)


def test_a_configuration_of_another_version_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run, config__seed="many")
    assert "another version" in refusal(run, capsys)


def test_a_method_that_is_not_installed_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run, algorithm__name="snaill", config__algo="snaill")
    assert "did you mean 'snail'" in refusal(run, capsys)


def test_more_instances_than_images_are_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refusal(run, capsys, "--instances", "1000")
    assert "--instances is 1000, but a test class has" in message


@pytest.mark.parametrize("option", [("--streams", "1"), ("--instances", "0")])
def test_numbers_that_make_no_curve_are_refused(
    option: tuple[str, str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert option[0] in refusal(run, capsys, *option)


def test_a_table_is_shown_even_if_the_file_cannot_be_written(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / FILE).mkdir()
    assert bench("instances", str(run), "--streams", "3", "--instances", "2") == 4
    output = capsys.readouterr()
    assert "instance" in output.out
    assert f"cannot write {run / FILE}" in output.err


def test_code_that_has_changed_since_is_told_and_no_obstacle(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run, algorithm__source_sha256="0" * 64)
    assert bench("instances", str(run), "--streams", "3", "--instances", "2") == 0
    assert "the code of snail has changed since this run" in capsys.readouterr().err
