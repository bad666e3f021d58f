"""Training: step by step, at a rate by schedule, steered by validation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, TrainingPlan
from bench.checkpoint import Course
from bench.episodes import Episode
from bench.errors import BenchError
from bench.training import MetaTrainer, Schedule, TrainingProgress, settle
from tests.bench.trainers import Scripted, Streams, Trainers, never, silent


def test_training_changes_weights_and_learns(
    build: Callable[..., Algorithm], make_trainer: Trainers
) -> None:
    algorithm = build("protonet")
    before = {n: t.clone() for n, t in algorithm.state_dict().items()}
    losses: list[float] = []
    trainer = make_trainer(algorithm, TrainingPlan(steps=20), validate=False)
    trainer.run(lambda progress: losses.append(progress.loss), never)
    assert any(not torch.equal(t, before[n]) for n, t in algorithm.state_dict().items())
    assert sum(losses[-5:]) < sum(losses[:5])


def test_the_training_seed_decides_chance_in_training(
    build: Callable[..., Algorithm], make_trainer: Trainers
) -> None:
    drawn: list[float] = []

    class Drawing(Scripted):
        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            drawn.append(torch.rand(()).item())
            return 1.0

    plan = TrainingPlan(steps=3)
    for seed in (0, 0, 1):
        torch.manual_seed(len(drawn))
        make_trainer(Drawing(), plan, seed=seed).run(silent, never)
    assert drawn[:3] == drawn[3:6]
    assert len({*drawn[:3], *drawn[6:]}) == 6


def test_every_step_takes_the_next_episodes_of_the_stream(
    make_trainer: Trainers, make_stream: Streams
) -> None:
    seen: list[Tensor] = []

    class Looking(Scripted):
        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            assert self.training
            seen.extend(episode.query.inputs for episode in episodes)
            return 1.0

    make_trainer(Looking(), TrainingPlan(steps=3, meta_batch=2)).run(silent, never)
    expected = [episode.query.inputs for episode in make_stream().episodes(0, 6)]
    assert len(seen) == 6
    assert all(torch.equal(a, b) for a, b in zip(seen, expected, strict=True))


def test_the_weights_with_the_best_validation_accuracy_are_kept(make_trainer: Trainers) -> None:
    algorithm = Scripted(good_at=4)
    course = make_trainer(algorithm, TrainingPlan(steps=7)).run(silent, never)
    assert [look.step for look in course.curve] == [2, 4, 6, 7]
    assert [(look.score or 0.0) > 0.5 for look in course.curve] == [False, True, False, False]
    assert course.best_step == 4
    assert course.best_score == course.curve[1].score
    assert algorithm.weight.item() == 4


class Centred(Scripted):
    """Remembers the mean of the training images, which only `settle` may look at."""

    def __init__(self) -> None:
        super().__init__(good_at=2)
        self.mean: torch.Tensor
        self.register_buffer("mean", torch.tensor(0.0))
        self.calls = 0

    def settle(self, episodes: Iterator[Episode]) -> None:
        assert not self.training and not torch.is_grad_enabled()
        self.calls += 1
        some = itertools.islice(episodes, 3)
        self.mean.copy_(torch.stack([e.query.inputs.mean() for e in some]).mean())


def test_buffers_are_settled_on_the_same_training_episodes_before_each_look(
    make_trainer: Trainers, make_stream: Streams
) -> None:
    algorithm = Centred()
    make_trainer(algorithm, TrainingPlan(steps=4)).run(silent, never)
    assert algorithm.calls == 3  # after steps 2 and 4, and with the best weights
    expected = [episode.query.inputs.mean() for episode in make_stream().episodes(0, 3)]
    assert algorithm.mean.item() == pytest.approx(torch.stack(expected).mean().item())


def test_of_equally_good_weights_the_first_are_kept(make_trainer: Trainers) -> None:
    algorithm = Scripted(good_at=-1)
    course = make_trainer(algorithm, TrainingPlan(steps=6)).run(silent, never)
    assert len({look.score for look in course.curve}) == 1
    assert course.best_step == 2
    assert algorithm.weight.item() == 2


def test_without_validation_the_last_weights_are_kept(make_trainer: Trainers) -> None:
    algorithm = Scripted()
    course = make_trainer(algorithm, TrainingPlan(steps=5), validate=False).run(silent, never)
    assert all(look.score is None for look in course.curve)
    assert algorithm.weight.item() == 5


def test_the_cosine_schedule_has_the_values_computed_by_hand(make_trainer: Trainers) -> None:
    algorithm = Scripted()
    make_trainer(algorithm, TrainingPlan(steps=4, schedule="cosine")).run(silent, never)
    half = math.sqrt(0.5)
    by_hand = [0.8, 0.4 * (1 + half), 0.4, 0.4 * (1 - half)]
    assert algorithm.rates == pytest.approx(by_hand, abs=1e-12)


def test_the_constant_schedule_is_constant(make_trainer: Trainers) -> None:
    algorithm = Scripted()
    make_trainer(algorithm, TrainingPlan(steps=3)).run(silent, never)
    assert algorithm.rates == [0.8, 0.8, 0.8]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_every_parameter_group_keeps_its_own_rate(
    schedule: Literal["constant", "cosine"], make_trainer: Trainers
) -> None:
    rates: list[list[float]] = []

    class TwoRates(Scripted):
        def __init__(self) -> None:
            super().__init__()
            self.other = nn.Parameter(torch.zeros(()))

        def optimizer(self) -> torch.optim.Optimizer:
            groups: list[dict[str, Any]] = [
                {"params": [self.weight]},
                {"params": [self.other], "lr": 0.2},
            ]
            return torch.optim.SGD(groups, lr=0.8)

        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            rates.append([group["lr"] for group in optimizer.param_groups])
            return 1.0

    make_trainer(TwoRates(), TrainingPlan(steps=2, schedule=schedule)).run(silent, never)
    assert rates[0] == [0.8, 0.2]
    assert rates[1] == pytest.approx([0.8, 0.2] if schedule == "constant" else [0.4, 0.1])


def test_progress_is_told_after_every_step(make_trainer: Trainers) -> None:
    told: list[TrainingProgress] = []
    algorithm = Scripted(good_at=2)
    algorithm.losses = {1: 5.0, 2: 4.0, 3: 3.0}
    make_trainer(algorithm, TrainingPlan(steps=3)).run(told.append, never)
    assert [(p.step, p.steps, p.loss) for p in told] == [(1, 3, 5.0), (2, 3, 4.0), (3, 3, 3.0)]
    assert told[0].validation == ""
    assert told[1].validation == "100.00%"


def test_a_trainer_starts_at_the_beginning(make_trainer: Trainers) -> None:
    assert make_trainer(Scripted(), TrainingPlan()).course == Course("scripted")


@pytest.mark.parametrize(("train", "validation"), [("train", "test"), ("test", "val")])
def test_nothing_is_trained_or_chosen_on_the_test_split(
    train: str, validation: str, make_stream: Streams, tmp_path: Path
) -> None:
    streams = make_stream(split=train), make_stream(split=validation)
    with pytest.raises(BenchError, match="this stream is of the test split"):
        MetaTrainer(
            Scripted(), TrainingPlan(steps=1), *streams, Schedule(1, 1, 1), 0, tmp_path / "state"
        )


def test_no_buffer_is_settled_on_the_test_split(make_stream: Streams) -> None:
    with pytest.raises(BenchError, match="this stream is of the test split"):
        settle(Scripted(), make_stream(split="test"))
