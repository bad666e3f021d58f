"""Results: a run that was altered, or that failed a check, counts nowhere and is named."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.leaderboard.entry import read_entry
from bench.leaderboard.markup import Reading
from bench.reproduction import Reproduction, compact, render_plain, render_reproduction
from bench.reproduction.asked import reproduction
from bench.results import EPISODES_FILE, RUN_FILE
from bench.suite import CommonTest, Suite, Test, Training
from bench.suite import tests_of as all_of
from bench.suite.state import Found, judged
from tests.bench.reproduction.suites import MODES, answered, record_of, write_recipe
from tests.bench.written_runs import Records

BROKEN = "the seal of its record is broken"
Again = Callable[..., Reproduction]


@pytest.fixture
def again(tmp_path: Path, make_record: Records) -> Again:
    """Reads anew what came of MAML, two seeds trained at 5w1s, tested there and at 20w1s.

    Runs are numbered as tests are: 0 trains seed 0, 1 tests it; 2 and 3 are those of seed 1.
    """
    recipe = write_recipe(tmp_path, "maml-paper")
    sizes: dict[str, tuple[str, ...]] = {"5w1s": ("5w1s", "20w1s")}
    training = Training(recipe, sizes, (0, 1), modes=MODES[:1])
    suite = Suite("", "omniglot", (training,), CommonTest(1, 600))  # as the recipe's own

    def mean(test: Test) -> float:
        return (0.98 if test.size == "5w1s" else 0.95) + 0.002 * test.seed

    answered(tmp_path, suite, lambda test: record_of(make_record, test, mean(test), "transductive"))

    def read(failed: int | None = None) -> Reproduction:
        folders = [tmp_path / f"run-{number}" for number in range(4)]
        entries = {folder: read_entry(folder) for folder in folders}
        tests = [
            judged(test, entries[folder])
            if number != failed
            else Found(test, folder, entries[folder].record, "failed", "bench verify")
            for number, (test, folder) in enumerate(zip(all_of(suite), folders, strict=True))
        ]
        return reproduction(suite, tests, entries)

    return read


def forge(run: Path) -> None:
    """Makes a mean better by hand, and leaves the seal as it was."""
    record = json.loads((run / RUN_FILE).read_text())
    record["outcome"]["mean"] += 0.015
    (run / RUN_FILE).write_text(json.dumps(record, indent=2))


def test_before_anything_was_altered_all_seeds_count(again: Again) -> None:
    text = render_reproduction(again(), "markdown")
    assert "recipes: 2 of 2." in text and "Not counted" not in text
    assert [line.row.seeds for line in again().lines] == [(0, 1), (0, 1)]


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_an_altered_run_has_no_row_and_is_named_with_why(
    form: Reading, again: Again, tmp_path: Path
) -> None:
    forge(tmp_path / "run-1")
    forge(tmp_path / "run-3")
    text = render_reproduction(again(), form)
    assert f"Not counted at 20w1s: maml-paper trained at 5w1s (altered: {BROKEN})." in text
    assert "Not run at" not in text
    assert "96.6" not in text
    assert "recipes: 1 of 2; not counted 1." in text


@pytest.mark.parametrize("form", ["csv", "json"])
def test_for_other_programs_its_state_is_altered_and_its_figures_are_empty(
    form: str, again: Again, tmp_path: Path
) -> None:
    forge(tmp_path / "run-3")
    text = render_plain(again(), "csv" if form == "csv" else "json")
    rows = json.loads(text) if form == "json" else [*csv.DictReader(io.StringIO(text))]
    assert [(row["state"], row["seeds"], row["run"]) for row in rows] == [
        ("done", "0 1", "run-0"),
        ("done", "0", "run-1"),
        ("altered", "1", "run-3"),
    ]
    assert rows[2]["note"] == BROKEN
    assert not any(rows[2][name] for name in ("mean", "difference", "verdict"))


def test_one_altered_seed_leaves_the_row_of_the_others(again: Again, tmp_path: Path) -> None:
    forge(tmp_path / "run-3")
    (line,) = [line for line in again().lines if line.test.size == "20w1s"]
    assert line.row.seeds == (0,) and line.row.mean == pytest.approx(0.95)
    told = f"Not counted at 20w1s: maml-paper trained at 5w1s, seed 1 (altered: {BROKEN})."
    assert told in render_reproduction(again(), "markdown")


def test_tests_of_weights_whose_training_was_altered_do_not_count_either(
    again: Again, tmp_path: Path
) -> None:
    forge(tmp_path / "run-2")
    assert [line.row.seeds for line in again().lines] == [(0,), (0,)]
    assert len(again().trainings) == 1
    assert f"(altered: its training run-2: {BROKEN})" in render_reproduction(again(), "markdown")


def test_episodes_that_are_not_those_of_the_run_are_told(again: Again, tmp_path: Path) -> None:
    path = tmp_path / "run-1" / EPISODES_FILE
    path.write_text(path.read_text() + "4,1.0\n")
    text = render_reproduction(again(), "markdown")
    assert f"(altered: {EPISODES_FILE} is not what the run wrote)" in text


@pytest.mark.parametrize(("number", "seeds"), [(1, [(0, 1), (1,)]), (0, [(1,), (1,)])])
def test_a_finished_run_that_failed_a_check_is_not_counted_and_not_called_not_run(
    number: int, seeds: list[tuple[int, ...]], again: Again
) -> None:
    table = again(failed=number)
    assert [line.row.seeds for line in table.lines] == seeds
    text = render_reproduction(table, "markdown")
    own = "failed: bench verify" if number else "failed: its training run-0: bench verify"
    assert f"Not counted at 20w1s: maml-paper trained at 5w1s, seed 0 ({own})." in text
    assert "Not run at" not in text


def test_the_short_table_has_a_word_in_place_of_the_figure(again: Again, tmp_path: Path) -> None:
    forge(tmp_path / "run-1")
    forge(tmp_path / "run-3")
    (line,) = [text for text in compact(again()).splitlines() if text.startswith("| MAML")]
    assert "| altered " in line and "95.0" not in line and "Not run yet" not in compact(again())
