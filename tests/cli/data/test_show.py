"""`bench data show`: pictures of episodes, and when the test data is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.cache import open_dataset
from bench.cli import run_command_line
from bench.contactsheet import Grid
from bench.dataset import DataFiles
from bench.episodes import EpisodeProtocol
from bench.episodeview import view
from bench.pool import EpisodeStream

PLUGIN = '''
import numpy as np
from bench import ClassExamples, Dataset, EpisodeProtocol, hookimpl


class Swatches(Dataset):
    """Patterns of 9 by 9 in colour.

    Args:
        splits: train and test, or test alone.
    """

    name = "swatches"
    protocol = EpisodeProtocol(3, 1, 2)

    def __init__(self, *, splits: str = "both") -> None:
        self.splits = splits

    def classes(self, files):
        rng = np.random.default_rng(0)
        for number in range(8):
            split = "train" if number < 4 and self.splits == "both" else "test"
            images = rng.integers(0, 256, (4, 3, 9, 9), dtype=np.uint8)
            yield ClassExamples(f"{split} {number}", split, images)


@hookimpl
def bench_datasets():
    return [Swatches]
'''


@pytest.fixture
def swatches(tmp_path: Path) -> str:
    path = tmp_path / "swatches.py"
    path.write_text(PLUGIN)
    return str(path)


def show(*arguments: str) -> int:
    return run_command_line(["data", "show", *arguments])


def test_the_picture_has_the_episode_that_training_has(
    swatches: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.cli.loading import load_plugins

    out = tmp_path / "one.png"
    assert show("swatches", "-p", swatches, "-o", str(out), "--episode", "3", "--seed", "2") == 0
    told = capsys.readouterr()
    assert told.out == (
        f"swatches, train split, episode 3 of seed 2: 3-way 1-shot\nwritten: {out}\n"
    )
    assert "test" not in told.err
    dataset = load_plugins((swatches,)).dataset("swatches")()
    data = open_dataset(dataset, {"splits": "both"}, DataFiles(tmp_path), lambda *_: None)
    stream = EpisodeStream(data.pool("train"), EpisodeProtocol(3, 1, 2), 2, torch.device("cpu"))
    shown = view(stream, 3, "")
    sheet, grid = np.asarray(Image.open(out).convert("RGB")), Grid.of(shown)
    times = grid.tile // 9
    for row, one in enumerate(shown.classes):
        left, top = grid.place(row, 1, is_query=True)
        expected = one.query[1].transpose(1, 2, 0).repeat(times, 0).repeat(times, 1)
        assert (sheet[top : top + grid.tile, left : left + grid.tile] == expected).all()


def test_looking_at_the_test_split_is_said_to_be_a_use_of_it(
    swatches: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "one.png"
    assert show("swatches", "-p", swatches, "-o", str(out), "--split", "test") == 0
    told = capsys.readouterr()
    assert told.err.startswith("looking at test images is a use of the test data")
    assert "test split" in told.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["swatches", "-o", "x.jpg"], "name it x.png"),
        (["swatches", "--ways", "9"], "at most 4"),
        (["swatches", "--split", "val"], "has no val split, only train and test"),
        (["swatches", "--set", "data.splits=test"], "has no train split, only test"),
        (["swatches", "--protocol", "disjoint", "--episode", "99"], "the last one is"),
        (["swatch"], "did you mean 'swatches'"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    swatches: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert show(*arguments, "-p", swatches) == 4
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(("data", "words"), [("gaussians", "5-way"), ("sinusoid", "10-shot")])
def test_points_and_curves_are_plotted(
    tmp_path: Path, data: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plot.png"
    assert show(data, "-o", str(out)) == 0
    assert capsys.readouterr().out.startswith(f"{data}, train split, episode 0 of seed 0: {words}")
    assert Image.open(out).size == (1000, 640)


def test_drawing_changes_no_setting_of_matplotlib(swatches: str, tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    assert show("swatches", "-p", swatches, "-o", str(tmp_path / "one.png")) == 0
    assert dict(matplotlib.rcParams) == before
