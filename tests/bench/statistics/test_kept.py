"""Intervals of finished runs: where they are taken from, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.files import sha256_of
from bench.measurements import IntervalRecord
from bench.predictions import Predictions
from bench.results import PREDICTIONS_FILE, RunRecord
from bench.statistics import t_interval
from bench.statistics.intervals import intervals
from bench.statistics.kept import intervals_of, seed_intervals
from tests.bench.statistics.population import Floats, Population, TestSet
from tests.bench.written_runs import Records, ids_of, with_parts, write_run

SCORES = np.random.default_rng(0).uniform(0.4, 0.9, size=200)


def written(
    folder: Path, record: RunRecord, scores: Floats = SCORES, predictions: Predictions | None = None
) -> Path:
    """Writes a run, with predictions if there are any."""
    whole = write_run(folder, record, scores, ids_of(len(scores)))
    if predictions is not None:
        assert whole.outcome is not None
        predictions.write(folder / PREDICTIONS_FILE)
        sha256 = sha256_of(folder / PREDICTIONS_FILE)
        replace(whole, outcome=replace(whole.outcome, predictions_file_sha256=sha256)).write(folder)
    return folder


@pytest.fixture
def predictions() -> Predictions:
    """Random answers to 200 episodes of five ways."""
    rng = np.random.default_rng(1)
    episodes = TestSet(Population(), rng, classes=40, images=8).test(200).episodes
    return Predictions(episodes, rng.standard_normal(5 * len(episodes.query)))


def test_predictions_give_all_intervals(
    tmp_path: Path, make_record: Records, predictions: Predictions
) -> None:
    folder = written(tmp_path / "run", make_record(), predictions.scores, predictions)
    run = intervals_of(folder)
    assert run.intervals == intervals(Predictions.read(folder / PREDICTIONS_FILE))
    assert [one.over for one in run.intervals] == ["episodes", "images", "classes"]
    assert run.notes == ()
    assert run.mean == pytest.approx(predictions.scores.mean())


def test_without_predictions_the_episodes_alone_speak_and_the_rest_is_explained(
    tmp_path: Path, make_record: Records
) -> None:
    run = intervals_of(written(tmp_path / "run", make_record()))
    (only,) = run.intervals
    assert only.half_width == pytest.approx(t_interval(SCORES).half_width)
    assert any("kept no predictions.npz" in note for note in run.notes)


def test_what_the_record_has_comes_first(
    tmp_path: Path, make_record: Records, predictions: Predictions
) -> None:
    kept = (IntervalRecord("episodes", 0.1, 0.3, 200, "its own"),)
    record = make_record()
    assert record.outcome is not None
    record = replace(record, outcome=replace(record.outcome, intervals=kept))
    folder = written(tmp_path / "run", record, predictions.scores, predictions)
    assert intervals_of(folder).intervals == kept


def test_predictions_that_the_run_did_not_write_are_refused(
    tmp_path: Path, make_record: Records, predictions: Predictions
) -> None:
    folder = written(tmp_path / "run", make_record(), predictions.scores, predictions)
    predictions.first(100).write(folder / PREDICTIONS_FILE)
    with pytest.raises(BenchError, match="is not what the run wrote"):
        intervals_of(folder)


def test_an_altered_record_is_refused(tmp_path: Path, make_record: Records) -> None:
    folder = written(tmp_path / "run", make_record())
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"seed": 3', '"seed": 4'))
    with pytest.raises(BenchError, match="was altered: the seal of its record is broken"):
        intervals_of(folder)


def test_no_run_and_an_unfinished_one_are_told_apart(tmp_path: Path, make_record: Records) -> None:
    with pytest.raises(BenchError, match="holds no run"):
        intervals_of(tmp_path)
    with pytest.raises(BenchError, match="is interrupted; finish it first"):
        intervals_of(written(tmp_path / "run", make_record(status="interrupted")))


def test_one_episode_and_equal_scores_say_why_there_is_no_more(
    tmp_path: Path, make_record: Records
) -> None:
    one = intervals_of(written(tmp_path / "one", make_record(), np.array([0.5])))
    assert one.intervals == ()
    assert "one episode alone" in one.notes[-1]
    alike = intervals_of(written(tmp_path / "alike", make_record(), np.ones(30)))
    assert "rule of three" in alike.intervals[0].formula
    assert "all episodes score the same" in alike.notes[-1]


def trained(tmp_path: Path, make_record: Records, seed: int, shift: float) -> Path:
    record = with_parts(make_record(), training={"seed": seed})
    return written(tmp_path / f"seed{seed}", record, SCORES + shift)


def test_runs_that_differ_in_the_seed_alone_get_intervals_over_seeds(
    tmp_path: Path, make_record: Records
) -> None:
    runs = [
        intervals_of(trained(tmp_path, make_record, seed, shift))
        for seed, shift in ((1, -0.01), (2, 0.0), (5, 0.01))
    ]
    found = seed_intervals(runs)
    assert found.seeds == (1, 2, 5)
    assert found.mean == pytest.approx(SCORES.mean())
    assert found.std == pytest.approx(0.01)
    seeds, both = found.intervals
    assert seeds.half_width == pytest.approx(4.302653 * 0.01 / 3**0.5, rel=1e-6)  # t(0.975, 2)
    # every seed adds the same to every episode, so over episodes it is that of one run
    assert both.half_width == pytest.approx(
        np.hypot(seeds.half_width, t_interval(SCORES).half_width)
    )


def test_runs_of_other_configurations_or_the_same_seed_are_refused(
    tmp_path: Path, make_record: Records
) -> None:
    first = intervals_of(trained(tmp_path, make_record, 1, 0.0))
    other = intervals_of(written(tmp_path / "other", make_record("maml")))
    with pytest.raises(BenchError, match="in more than the seed"):
        seed_intervals([first, other])
    with pytest.raises(BenchError, match="seed 1 was given twice"):
        seed_intervals([first, first])
