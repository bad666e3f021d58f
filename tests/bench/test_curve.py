"""Curves: what a record keeps of the looks at a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

import bench.training
from bench.algorithm import Predictor, TrainingPlan
from bench.config import RunConfig
from bench.episodes import Episode, Examples
from bench.errors import Interrupted
from bench.evaluation import evaluate
from bench.job import prepare
from bench.measurements import CurvePoint
from bench.registry import Registry
from bench.results import RUN_FILE, RunRecord, find_runs, read_run, seal_of
from bench.runner import Mode, execute
from bench.watcher import Watcher
from tests.bench.trainers import Scripted, Streams, Trainers, never, outcome, silent

LOSSES = {1: 5.0, 2: 4.0, 3: 3.0, 4: 1.0, 5: 0.5, 6: 0.25, 7: 8.0}
RESULTS = Path(__file__).resolve().parents[2] / "results"


def scripted() -> Scripted:
    algorithm = Scripted(good_at=4)
    algorithm.losses = LOSSES
    return algorithm


def test_a_point_has_the_mean_training_loss_since_the_look_before(make_trainer: Trainers) -> None:
    course = make_trainer(scripted(), TrainingPlan(steps=7)).run(silent, never)
    assert [(point.step, point.train_loss) for point in course.curve] == [
        (2, 4.5),  # (5 + 4) / 2
        (4, 2.0),  # (3 + 1) / 2
        (6, 0.375),  # (0.5 + 0.25) / 2
        (7, 8.0),
    ]
    assert course.losses == 0


def test_a_look_at_every_third_step_and_at_the_last_divides_by_the_steps_between(
    make_trainer: Trainers,
) -> None:
    trainer = make_trainer(scripted(), TrainingPlan(steps=5), every=3, validate=False)
    course = trainer.run(silent, never)
    assert [(point.step, point.train_loss) for point in course.curve] == [(3, 4.0), (5, 0.75)]
    assert all(point.score is None and point.loss is None for point in course.curve)


def test_score_and_loss_are_those_of_the_validation_episodes(
    make_trainer: Trainers, make_stream: Streams
) -> None:
    course = make_trainer(scripted(), TrainingPlan(steps=4)).run(silent, never)
    stream = make_stream(split="val", seed=1, classes=20)
    for point in course.curve:
        then = scripted()
        with torch.no_grad():
            then.weight.fill_(point.step)
        found = evaluate(then, stream, 3, seed=0)
        assert point.score == found.scores.mean()
        assert point.loss == found.loss.mean()
    assert course.curve[0].score != course.curve[1].score


def test_times_are_summed_up_to_each_look_with_its_validation(
    make_trainer: Trainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step takes 2 s on 1.5 cores, an answer in validation, of which there are 3, 1 s on one."""
    now = SimpleNamespace(wall=100.0, busy=50.0)

    class Slow(Scripted):
        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            now.wall, now.busy = now.wall + 2, now.busy + 3
            return super().train_step(episodes, optimizer)

        def adapt(self, support: Examples) -> Predictor:
            now.wall, now.busy = now.wall + 1, now.busy + 1
            return super().adapt(support)

    clock = SimpleNamespace(perf_counter=lambda: now.wall, process_time=lambda: now.busy)
    monkeypatch.setattr(bench.training, "time", clock)

    def report(progress: Any) -> None:
        now.wall += 1000  # what others do between two steps is not the training's

    course = make_trainer(Slow(), TrainingPlan(steps=5)).run(report, never)
    assert [(p.step, p.seconds, p.core_seconds) for p in course.curve] == [
        (2, 7.0, 9.0),
        (4, 14.0, 18.0),
        (5, 19.0, 24.0),
    ]
    assert (course.seconds, course.core_seconds) == (19.0, 24.0)


@pytest.mark.parametrize("stops_after", [1, 2, 3, 5])
def test_a_training_that_was_stopped_and_resumed_has_the_same_curve_but_for_times(
    stops_after: int, make_trainer: Trainers
) -> None:
    plan = TrainingPlan(steps=7)
    whole = make_trainer(scripted(), plan).run(silent, never)
    calls = iter([False] * (stops_after - 1) + [True])
    with pytest.raises(Interrupted):
        make_trainer(scripted(), plan).run(silent, lambda: next(calls))
    trainer = make_trainer(scripted(), plan)
    trainer.resume()
    resumed = trainer.run(silent, never)
    assert outcome(resumed) == outcome(whole)
    assert [point.train_loss for point in resumed.curve] == [4.5, 2.0, 0.375, 8.0]
    seconds = [point.seconds for point in resumed.curve]
    assert seconds == sorted(seconds), "those before the interruption count"


class Guess(Scripted):
    """Loses by the script, knows nothing."""

    name = "guess"
    any_way = True
    backbone = None

    def __init__(self, spec: Any) -> None:
        super().__init__(spec)
        self.losses = LOSSES

    def adapt(self, support: Examples) -> Predictor:
        def predict(query: Tensor) -> Tensor:
            return query.new_zeros(len(query), support.n_way)

        return predict


@pytest.fixture
def run(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Path, RunRecord]]:
    monkeypatch.setitem(registry.algorithms.entries, "guess", Guess)

    def make(algo: str = "guess", **asked: Any) -> tuple[Path, RunRecord]:
        plain = {"episodes": 4, "queries": 3, "device": "cpu", "out": str(tmp_path), "steps": 7}
        plain |= {"validate_every": 2, "validation_episodes": 3, "train_ways": 5}
        config = RunConfig(algo, "gaussians", **{**plain, **asked})
        job = prepare(config, registry, lambda done, total: None)
        execute(job, Mode(), Watcher())
        return job.folder, read_run(job.folder)

    return make


def test_the_record_keeps_the_curve_in_a_sealed_form(
    run: Callable[..., tuple[Path, RunRecord]],
) -> None:
    folder, record = run()
    training = record.training
    assert [(point.step, point.train_loss) for point in training.curve] == [
        (2, 4.5),
        (4, 2.0),
        (6, 0.375),
        (7, 8.0),
    ]
    # The first of equal answers counts, which is right for one class of five.
    assert [point.score for point in training.curve] == pytest.approx([0.2] * 4)
    assert [point.loss for point in training.curve] == pytest.approx([np.log(5)] * 4)
    assert training.curve[-1].seconds == training.seconds
    assert training.curve[-1].core_seconds == training.core_seconds
    assert seal_of(folder) == "whole"
    (folder / RUN_FILE).write_bytes(
        (folder / RUN_FILE).read_bytes().replace(b'"train_loss": 4.5', b'"train_loss": 4.4')
    )
    assert seal_of(folder) == "broken"


def test_who_is_not_trained_has_no_curve_and_its_record_does_not_mention_one(
    run: Callable[..., tuple[Path, RunRecord]],
) -> None:
    folder, record = run("pixels", steps=None, train_ways=None)
    assert record.training.curve == ()
    written = msgspec.json.decode((folder / RUN_FILE).read_bytes())
    assert not {"curve", "on", "core_seconds"} & set(written["training"])
    assert "recipe" not in written
    assert seal_of(folder) == "whole"


def older_runs() -> list[Path]:
    """Committed runs whose records know of no curves."""
    runs = find_runs(RESULTS / "methods") if (RESULTS / "methods").is_dir() else []
    return [folder for folder in runs if b'"curve"' not in (folder / RUN_FILE).read_bytes()]


def test_records_that_were_sealed_before_there_were_curves_are_still_whole() -> None:
    runs = older_runs()
    if not runs:
        pytest.skip("there are no committed runs here")
    assert {seal_of(folder) for folder in runs} == {"whole"}
    record = read_run(runs[0])
    assert (record.training.on, record.training.curve, record.recipe) == ("train", (), None)


def test_a_point_of_a_curve_can_be_read_without_a_validation() -> None:
    text = b'{"step": 3, "seconds": 1.5, "core_seconds": 1.0, "train_loss": 0.5}'
    assert msgspec.json.decode(text, type=CurvePoint) == CurvePoint(3, 1.5, 1.0, 0.5, None, None)
