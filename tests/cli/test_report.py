"""`bench report`: tables and figures from records, into files and a README, and their check."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bench.badge import write_failure
from bench.cli.loading import load_plugins
from bench.dataset import DataFiles
from bench.errors import BenchError
from bench.figures.testpool import pool_of
from bench.measurements import CheckedFigure, VerificationRecord
from bench.results import EPISODES_FILE, RUN_FILE, find_runs, read_run
from tests.cli.finished_swatches import PLUGIN
from tests.cli.verifying import bench

RECIPE = """
about = "For a test."
budget = "smoke"
algo = "{algo}"
data = "swatches"
queries = 5
episodes = 10
{more}
[sizes.3w1s]
"""
SUITE = """
about = "Colours."
data = "swatches"
[test]
queries = 5
episodes = 10
"""
TRAINING = """
[[training]]
recipe = "{recipe}"
sizes = {{ 3w1s = ["3w1s"] }}
"""
README = """# Title

<!-- report: colours table -->
<!-- end report -->

By hand.
"""
TABLES = ("colours.csv", "colours.html", "colours.md", "colours.tex")
FIGURES = ("colours-compute.png", "colours-curves.png", "colours-episode.png")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a suite `colours`, of which all is done; tests take copies."""
    root = tmp_path_factory.mktemp("reference")
    folder = root / "colours"
    folder.mkdir()
    quick = "steps = 8\ntrain_ways = 6\nvalidate_every = 4\nvalidation_episodes = 5"
    suite = SUITE
    for algo, more in (("protonet", quick), ("pixels", "")):
        recipe = root / f"{algo}.toml"
        recipe.write_text(RECIPE.format(algo=algo, more=more))
        suite += TRAINING.format(recipe=recipe)
        flags = ["--recipe", str(recipe), "--threads", "1", "--out", str(folder)]
        assert bench("run", "-p", str(PLUGIN), *flags) == 0
    (folder / "suite.toml").write_text(suite)
    return root


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "colours", tmp_path / "colours")
    (tmp_path / "README.md").write_text(README)
    return tmp_path / "colours"


def report(folder: Path, *flags: str) -> int:
    return bench("report", str(folder), "-p", str(PLUGIN), *flags)


def contents(root: Path) -> dict[str, bytes]:
    """What was written beside a suite, by name."""
    paths = [*(root / name for name in TABLES), *(root / "figures" / name for name in FIGURES)]
    return {path.name: path.read_bytes() for path in [*paths, root / "README.md"]}


def test_tables_and_figures_stand_beside_the_folder(folder: Path) -> None:
    assert report(folder) == 0
    root = folder.parent
    assert {p.name for p in (root / "figures").iterdir()} == {*FIGURES}
    assert {p.name for p in root.iterdir()} >= {*TABLES}
    rows = list(csv.DictReader(io.StringIO((root / "colours.csv").read_text())))
    means = {
        record.algorithm.name: record.outcome.mean
        for record in map(read_run, find_runs(folder))
        if record.outcome
    }
    assert {row["method"]: float(row["mean"]) for row in rows} == pytest.approx(means, abs=1e-6)
    for name in ("colours.md", "colours.tex", "colours.html"):
        assert "protonet" in (root / name).read_text()
    for name in FIGURES:
        picture = Image.open(root / "figures" / name)
        assert picture.width == 1660
        assert (root / "figures" / name).stat().st_size < 200_000


def test_the_same_records_give_the_same_bytes(folder: Path) -> None:
    readme = str(folder.parent / "README.md")
    assert report(folder, "--readme", readme) == 0
    first = contents(folder.parent)
    for name in (*TABLES, *(f"figures/{name}" for name in FIGURES)):
        (folder.parent / name).unlink()
    assert report(folder, "--readme", readme) == 0
    assert contents(folder.parent) == first


def test_the_table_comes_between_the_marks_and_nowhere_else(folder: Path) -> None:
    readme = folder.parent / "README.md"
    assert report(folder, "--readme", str(readme)) == 0
    before, _, after = README.partition("-->\n")
    text = readme.read_text()
    assert text.startswith(f"{before}-->\n\n| method")
    assert text.endswith(f"\n\n{after}")
    assert "pixels" in text


def test_a_check_passes_on_what_was_written_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = str(folder.parent / "README.md")
    assert report(folder, "--check", "--readme", readme) == 1
    told = capsys.readouterr().err
    assert all(name in told for name in (*TABLES, *FIGURES, "README.md"))
    assert not (folder.parent / "colours.md").exists()
    assert report(folder, "--readme", readme) == 0
    first = contents(folder.parent)
    assert report(folder, "--check", "--readme", readme) == 0
    assert contents(folder.parent) == first


@pytest.mark.parametrize("name", ["colours.csv", "README.md"])
def test_a_check_names_the_text_that_was_edited(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, readme = folder.parent, str(folder.parent / "README.md")
    assert report(folder, "--readme", readme) == 0
    capsys.readouterr()
    path = root / name
    path.write_text(path.read_text().replace("protonet", "protonetto"))
    assert report(folder, "--check", "--readme", readme) == 1
    told = capsys.readouterr().err
    assert f"not up to date: {path};" in told
    assert f"bench report {folder} --readme {readme}" in told


def test_a_check_names_the_picture_that_shows_something_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(folder) == 0
    capsys.readouterr()
    figures = folder.parent / "figures"
    (figures / "colours-curves.png").write_bytes((figures / "colours-compute.png").read_bytes())
    assert report(folder, "--check") == 1
    told = capsys.readouterr().err
    assert "colours-curves.png" in told
    assert "colours-compute.png" not in told


def test_without_the_data_the_example_episode_is_left_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(folder) == 0
    kept = (folder.parent / "figures" / "colours-episode.png").read_bytes()
    capsys.readouterr()
    assert bench("report", str(folder), "--check") == 0  # the plugin with the data is not there
    assert "left as it is: " in capsys.readouterr().err
    assert (folder.parent / "figures" / "colours-episode.png").read_bytes() == kept


def test_other_data_of_the_same_name_is_not_shown_as_the_runs(folder: Path) -> None:
    record = read_run(find_runs(folder)[0])
    other = replace(record, data=replace(record.data, fingerprint="0" * 64))
    registry, files = load_plugins((str(PLUGIN),)), DataFiles(folder, False)
    assert len(pool_of(record, registry, files, lambda *_: None).classes) == 6
    with pytest.raises(BenchError, match="not the one that"):
        pool_of(other, registry, files, lambda *_: None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no marks", "has no part 'colours table'"),
        (README + README, "is in line 3 already"),
        (README.replace("<!-- end report -->", ""), "has no end"),
    ],
)
def test_marks_that_do_not_go_together_stop_all_writing_with_one_line(
    text: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = folder.parent / "README.md"
    readme.write_text(text)
    assert report(folder, "--readme", str(readme)) == 4
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert readme.read_text() == text
    assert not (folder.parent / "colours.md").exists()


def test_a_readme_that_cannot_be_read_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, latin = folder.parent / "NIX.md", folder.parent / "latin.md"
    latin.write_bytes(b"caf\xe9")
    assert report(folder, "--readme", str(nowhere)) == 4
    told = capsys.readouterr().err
    assert told == f"bench: --readme {nowhere} cannot be read: No such file or directory\n"
    assert report(folder, "--readme", str(latin)) == 4
    assert capsys.readouterr().err == f"bench: --readme {latin} is not a text in UTF-8\n"


def test_a_folder_without_a_suite_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(tmp_path) == 4
    assert "has no suite.toml" in capsys.readouterr().err


def test_a_report_is_not_written_while_a_record_is_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = folder / "zz" / RUN_FILE
    damaged.parent.mkdir()
    damaged.write_text("{")
    assert report(folder) == 4
    told = capsys.readouterr().err
    assert str(damaged) in told and "delete that run's folder" in told
    assert not (folder.parent / "colours.md").exists()


@pytest.mark.parametrize("flags", [(), ("--check",)])
@pytest.mark.parametrize("name", [RUN_FILE, EPISODES_FILE])
def test_a_report_is_not_written_while_a_run_is_altered(
    name: str, flags: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = find_runs(folder)[0]
    content = (run / name).read_text()
    (run / name).write_text(content.replace("0.", "0.9", 1))
    assert report(folder, *flags, "--readme", str(folder.parent / "README.md")) == 4
    told = capsys.readouterr().err
    assert f"altered since the run wrote it: {run}: " in told and told.count("\n") == 1
    what = "seal" if name == RUN_FILE else EPISODES_FILE
    assert what in told
    assert not (folder.parent / "colours.md").exists()
    assert (folder.parent / "README.md").read_text() == README


def test_a_row_whose_verification_failed_is_not_shown_as_a_result(folder: Path) -> None:
    (run,) = [one for one in find_runs(folder) if "pixels" in one.name]
    figure = CheckedFigure("answers", "150 queries", "90 turned", "differs")
    write_failure(run, VerificationRecord("failed", "2026-11-21", "", (figure,)))
    readme = folder.parent / "README.md"
    assert report(folder, "--readme", str(readme)) == 0
    (row,) = [line for line in readme.read_text().splitlines() if line.startswith("| pixels")]
    assert "| failed " in row
    assert (
        "Not counted at 3w1s: pixels (failed: bench verify"
        in (folder.parent / "colours.md").read_text()
    )


def test_a_suite_of_which_nothing_is_done_has_nothing_to_show(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in find_runs(folder):
        shutil.rmtree(run)
    assert report(folder) == 5
    assert "no test of the suite" in capsys.readouterr().err
