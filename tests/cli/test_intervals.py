"""`bench intervals`: a row per interval, several seeds, JSON, and no torch."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from bench.predictions import Predictions
from bench.results import PREDICTIONS_FILE, read_run
from bench.statistics import t_interval

RUN = ["run", "--algo", "protonet", "--data", "gaussians", "--steps", "3", "--train-ways", "5"]
RUN += ["--episodes", "120", "--validation-episodes", "5", "--threads", "1"]


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of two runs that differ in the training seed."""
    out = tmp_path_factory.mktemp("results")
    for seed in ("0", "1"):
        assert bench(*RUN, "--seed", seed, "--out", str(out)) == 0
    return sorted(path for path in out.iterdir() if path.is_dir())


def rows_of(printed: str) -> list[tuple[float, float, float, int]]:
    """Returns half-width, both ends and n of each row."""
    found = re.findall(r"  ([\d.]+) +([\d.]+) +([\d.]+) +(\d+)  ", printed)
    return [(float(a), float(b), float(c), int(d)) for a, b, c, d in found]


def test_each_interval_is_a_row_that_says_what_varies(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("intervals", str(runs[0])) == 0
    printed = capsys.readouterr().out
    scores = Predictions.read(runs[0] / PREDICTIONS_FILE).scores
    over_episodes, over_images, over_classes = rows_of(printed)
    expected = t_interval(scores)
    assert over_episodes[0] == pytest.approx(100 * expected.half_width, abs=0.006)
    assert over_episodes[3] == 120
    assert over_images[0] > over_episodes[0]
    for _, low, high, _ in (over_episodes, over_images, over_classes):
        assert low < 100 * scores.mean() < high
    flat = " ".join(printed.split())
    assert "protonet on gaussians, 5w1s15q, training seed" in flat
    assert "95% interval over 120 episodes of the same test data" in flat


def test_runs_that_differ_in_the_seed_get_an_interval_over_seeds(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("intervals", *map(str, runs)) == 0
    printed = capsys.readouterr().out
    means = np.array([Predictions.read(run / PREDICTIONS_FILE).scores.mean() for run in runs])
    expected = t_interval(means)
    over_seeds, over_both = rows_of(printed.partition("training seeds ")[2])
    assert over_seeds[3] == over_both[3] == 2
    assert (over_seeds[1] + over_seeds[2]) / 2 == pytest.approx(100 * means.mean(), abs=0.02)
    assert over_seeds[0] == pytest.approx(100 * expected.half_width, abs=0.006)
    assert over_both[0] >= over_seeds[0]


def test_the_same_run_twice_is_said_to_have_no_seeds(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("intervals", str(runs[0]), str(runs[0])) == 0
    assert "no interval over seeds: seed" in capsys.readouterr().out


def test_json_has_shares_and_everything_that_the_table_has(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("intervals", "--json", *map(str, runs)) == 0
    found = json.loads(capsys.readouterr().out)
    scores = Predictions.read(runs[0] / PREDICTIONS_FILE).scores
    first = found["runs"][0]
    assert first["mean"] == pytest.approx(scores.mean())
    assert [one["over"] for one in first["intervals"]] == ["episodes", "images", "classes"]
    for one in first["intervals"]:
        assert one["half_width"] == pytest.approx((one["high"] - one["low"]) / 2)
    assert sorted(found["seeds"]["seeds"]) == [0, 1]
    assert [one["over"] for one in found["seeds"]["intervals"]] == ["seeds", "seeds and episodes"]


def test_a_run_without_predictions_says_what_is_missing(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(runs[0], tmp_path / "old"))
    (folder / PREDICTIONS_FILE).unlink()
    record = json.loads((folder / "run.json").read_text())
    record["outcome"] |= {"intervals": [], "predictions_file_sha256": ""}
    (folder / "run.json").write_text(json.dumps(record | {"seal": ""}))
    assert bench("intervals", str(folder)) == 0
    printed = capsys.readouterr().out
    assert len(rows_of(printed)) == 1
    assert "nothing over examples and classes: runs by earlier versions kept no" in printed


def test_a_folder_without_a_run_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("intervals", str(tmp_path)) == 4
    assert "holds no run" in capsys.readouterr().err


def test_it_reads_a_run_without_torch(runs: list[Path]) -> None:
    code = (
        "import sys; from bench.cli import run_command_line; "
        f"code = run_command_line(['intervals', {str(runs[0])!r}]); "
        "heavy = {'torch', 'pandas', 'torchvision'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_classes_can_be_drawn_again_and_the_use_of_the_test_data_counts(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(runs[0], tmp_path / "run"))
    assert bench("intervals", str(run), "--bootstrap", "20") == 0
    *_, over_classes, again = rows_of(capsys.readouterr().out)
    assert again[3] == 400, "all classes of the split, not only those in the episodes"
    assert 0 < again[0] < over_classes[0], "it leaves out the noise of 120 episodes"
    assert read_run(run).test_uses[-1].purpose == "class bootstrap"


def test_classes_are_not_drawn_again_for_who_adapts_to_each_episode(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--data", "gaussians", "--steps", "0", "--episodes", "10", "--out", str(tmp_path)]
    assert bench("run", "--algo", "maml", *flags) == 0
    capsys.readouterr()
    assert bench("intervals", str(next(tmp_path.iterdir())), "--bootstrap", "20") == 4
    assert "--bootstrap is for methods that embed each image once" in capsys.readouterr().err
