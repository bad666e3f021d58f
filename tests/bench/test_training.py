"""Training: resumed bit by bit, steered by validation, and failing with words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, Predictor, TaskSpec, TrainingPlan
from bench.backbones import find_backbone
from bench.checkpoint import Course, load_state
from bench.episodes import Episode, Examples
from bench.errors import BenchError, Interrupted, RunFailed
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.training import MetaTrainer, Schedule, TrainingProgress

SPEC = TaskSpec((1, 12, 12), ways=3, shots=2, chosen_backbone=find_backbone("conv4-32"))
Streams = Callable[..., EpisodeStream]
Stop = Callable[[], bool]


def never() -> bool:
    return False


def silent(progress: TrainingProgress) -> None:
    pass


@pytest.fixture
def make_trainer(tmp_path: Path, make_stream: Streams) -> Callable[..., MetaTrainer]:
    """Makes a trainer of an algorithm on the small pools."""

    def make(
        algorithm: Algorithm,
        plan: TrainingPlan,
        *,
        validate: bool = True,
        every: int = 2,
        checkpoint_every: int = 100,
        seed: int = 0,
    ) -> MetaTrainer:
        return MetaTrainer(
            algorithm,
            plan,
            make_stream(),
            make_stream(split="val", seed=1, classes=20) if validate else None,
            Schedule(every, 3, checkpoint_every),
            seed,
            tmp_path / "state",
        )

    return make


Trainers = Callable[..., MetaTrainer]


class Scripted(Algorithm):
    """Counts its steps in its only weight, and follows a script."""

    name = "scripted"

    def __init__(self, spec: TaskSpec = SPEC, *, good_at: int = 3) -> None:
        super().__init__(spec)
        self.weight = nn.Parameter(torch.zeros(()))
        self.good_at = good_at
        self.losses: dict[int, float] = {}
        self.rates: list[float] = []

    def optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.8)

    def adapt(self, support: Examples) -> Predictor:
        flat = Examples(support.inputs.flatten(1), support.targets, support.n_way)
        sign = -1.0 if self.weight.item() == self.good_at else 1.0
        means = flat.class_means()
        return lambda query: sign * torch.cdist(query.flatten(1), means)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        self.rates.append(optimizer.param_groups[0]["lr"])
        with torch.no_grad():
            self.weight.add_(1)
        return self.losses.get(int(self.weight.item()), 1.0)


def outcome(course: Course) -> Course:
    """What training came to, without how long it took and what only a file keeps."""
    return replace(course, seconds=0.0, optimizer={})


def with_momentum(algorithm: Algorithm) -> torch.optim.Optimizer:
    return torch.optim.SGD(algorithm.parameters(), lr=0.05, momentum=0.9)


@pytest.mark.parametrize("momentum", [False, True], ids=["adam", "sgd"])
@pytest.mark.parametrize(
    ("name", "backbone"), [("protonet", "conv4"), ("maml", "conv4-strided"), ("maml", "mlp")]
)
def test_a_run_that_was_stopped_and_resumed_ends_with_the_bits_of_one_that_was_not(
    name: str,
    backbone: str,
    momentum: bool,
    build: Callable[..., Algorithm],
    make_trainer: Trainers,
    make_stream: Streams,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = TrainingPlan(steps=7, meta_batch=2, schedule="cosine")

    def fresh(seed: int) -> Algorithm:
        algorithm = build(name, backbone)
        if momentum:
            monkeypatch.setattr(type(algorithm), "optimizer", with_momentum)
        torch.manual_seed(seed)  # what a process happens to have drawn before must not matter
        return algorithm

    whole = fresh(1)
    uninterrupted = make_trainer(whole, plan).run(silent, never)

    stopped, taken_up = fresh(2), fresh(3)
    calls = iter([False, False, True])
    with pytest.raises(Interrupted, match="stopped after step 3 of 7"):
        make_trainer(stopped, plan).run(silent, lambda: next(calls))
    with torch.no_grad():  # all that counts must come from the file
        for parameter in taken_up.parameters():
            parameter.fill_(7.0)
    trainer = make_trainer(taken_up, plan)
    trainer.resume()
    assert trainer.course.step == 3
    resumed = trainer.run(silent, never)

    assert outcome(resumed) == outcome(uninterrupted)
    expected = whole.state_dict()
    assert list(taken_up.state_dict()) == list(expected)
    for key, tensor in taken_up.state_dict().items():
        assert torch.equal(tensor, expected[key]), key
    test = make_stream(split="test", seed=2)
    losses = [evaluate(a, test, 5, seed=0).loss.tolist() for a in (whole, taken_up)]
    assert losses[0] == losses[1]


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
    assert [look.step for look in course.validations] == [2, 4, 6, 7]
    assert [look.accuracy > 0.5 for look in course.validations] == [False, True, False, False]
    assert course.best_step == 4
    assert course.best_accuracy == course.validations[1].accuracy
    assert algorithm.weight.item() == 4


def test_of_equally_good_weights_the_first_are_kept(make_trainer: Trainers) -> None:
    algorithm = Scripted(good_at=-1)
    course = make_trainer(algorithm, TrainingPlan(steps=6)).run(silent, never)
    assert len({look.accuracy for look in course.validations}) == 1
    assert course.best_step == 2
    assert algorithm.weight.item() == 2


def test_without_validation_the_last_weights_are_kept(make_trainer: Trainers) -> None:
    algorithm = Scripted()
    course = make_trainer(algorithm, TrainingPlan(steps=5), validate=False).run(silent, never)
    assert course.validations == ()
    assert algorithm.weight.item() == 5


def test_the_best_weights_survive_an_interruption(make_trainer: Trainers) -> None:
    plan = TrainingPlan(steps=6)
    stopped = Scripted(good_at=2)
    calls = iter([False] * 4 + [True])
    with pytest.raises(Interrupted):
        make_trainer(stopped, plan).run(silent, lambda: next(calls))
    taken_up = Scripted(good_at=2)
    trainer = make_trainer(taken_up, plan)
    trainer.resume()
    assert trainer.run(silent, never).best_step == 2
    assert taken_up.weight.item() == 2


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


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_run_with_advice_and_keeps_the_checkpoint(
    loss: float, make_trainer: Trainers, tmp_path: Path
) -> None:
    algorithm = Scripted()
    algorithm.losses[5] = loss
    trainer = make_trainer(algorithm, TrainingPlan(steps=9), checkpoint_every=3)
    with pytest.raises(RunFailed) as caught:
        trainer.run(silent, never)
    message = str(caught.value)
    assert f"the loss became {loss} at step 5" in message
    assert "--set lr=0.08" in message
    assert f"the checkpoint of step 3 is kept in {tmp_path / 'state'}" in message
    state = load_state(tmp_path / "state", "scripted")
    assert state.course.step == 3
    assert state.weights["weight"].item() == 3


def test_a_loss_that_is_not_finite_before_any_checkpoint_promises_none(
    make_trainer: Trainers, tmp_path: Path
) -> None:
    algorithm = Scripted()
    algorithm.losses[1] = float("nan")
    with pytest.raises(RunFailed) as caught:
        make_trainer(algorithm, TrainingPlan(steps=9)).run(silent, never)
    assert "checkpoint" not in str(caught.value)
    assert not (tmp_path / "state").exists()


def test_weights_that_are_not_finite_never_replace_a_checkpoint(
    make_trainer: Trainers, tmp_path: Path
) -> None:
    class Exploding(Scripted):
        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            loss = super().train_step(episodes, optimizer)
            if self.weight.item() == 4:
                self.weight.data.fill_(float("nan"))
            return loss

    trainer = make_trainer(Exploding(), TrainingPlan(steps=4), validate=False, checkpoint_every=1)
    trainer.run(silent, never)
    assert load_state(tmp_path / "state", "scripted").course.step == 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a bug"), r"scripted failed while training, at step 3: ValueError: a bug "),
        (MemoryError(), r"out of memory while training, at step 3; use a smaller --meta-batch"),
    ],
)
def test_an_exception_of_the_plugin_ends_the_run_with_the_step(
    error: Exception, told: str, make_trainer: Trainers
) -> None:
    class Raising(Scripted):
        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            if self.weight.item() == 2:
                raise error
            return super().train_step(episodes, optimizer)

    with pytest.raises(RunFailed, match=told) as caught:
        make_trainer(Raising(), TrainingPlan(steps=9)).run(silent, never)
    if not isinstance(error, MemoryError):
        assert "test_training.py:" in str(caught.value)


@pytest.mark.parametrize("returned", [None, "1.0"])
def test_a_step_that_returns_no_number_is_the_plugins_failure(
    returned: Any, make_trainer: Trainers
) -> None:
    class Mute(Scripted):
        def train_step(
            self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer
        ) -> float:
            answer: float = returned
            return answer

    with pytest.raises(RunFailed, match="scripted"):
        make_trainer(Mute(), TrainingPlan(steps=1)).run(silent, never)


def test_a_request_to_stop_is_heard_after_the_step_and_the_state_is_saved(
    make_trainer: Trainers, tmp_path: Path
) -> None:
    calls = iter([False, True])
    trainer = make_trainer(Scripted(), TrainingPlan(steps=5))
    with pytest.raises(Interrupted, match="stopped after step 2 of 5"):
        trainer.run(silent, lambda: next(calls))
    state = load_state(tmp_path / "state", "scripted")
    assert state.course.step == 2
    assert state.weights["weight"].item() == 2


def test_a_request_to_stop_at_the_last_step_comes_too_late(make_trainer: Trainers) -> None:
    calls = iter([False, False, True])
    trainer = make_trainer(Scripted(), TrainingPlan(steps=3))
    assert trainer.run(silent, lambda: next(calls)).step == 3


def test_the_state_is_saved_every_so_many_steps(make_trainer: Trainers, tmp_path: Path) -> None:
    saved: list[int | None] = []
    path = tmp_path / "state"

    def look(progress: TrainingProgress) -> None:
        saved.append(load_state(path, "scripted").course.step if path.exists() else None)

    trainer = make_trainer(Scripted(), TrainingPlan(steps=6), checkpoint_every=2)
    trainer.run(look, never)
    assert saved == [None, None, 2, 2, 4, 4]


def test_a_finished_training_can_be_taken_up_and_is_not_done_again(make_trainer: Trainers) -> None:
    plan = TrainingPlan(steps=5)
    course = make_trainer(Scripted(good_at=4), plan).run(silent, never)
    again = Scripted(good_at=4)
    trainer = make_trainer(again, plan)
    trainer.resume()
    assert outcome(trainer.run(silent, never)) == outcome(course)
    assert again.rates == []
    assert again.weight.item() == 4


def test_the_state_of_another_algorithm_is_refused(make_trainer: Trainers) -> None:
    class Other(Scripted):
        name = "other"

    make_trainer(Scripted(), TrainingPlan(steps=1)).run(silent, never)
    with pytest.raises(BenchError, match="was written by scripted, not by other"):
        make_trainer(Other(), TrainingPlan(steps=1)).resume()


def test_progress_is_told_after_every_step(make_trainer: Trainers) -> None:
    told: list[TrainingProgress] = []
    algorithm = Scripted(good_at=2)
    algorithm.losses = {1: 5.0, 2: 4.0, 3: 3.0}
    make_trainer(algorithm, TrainingPlan(steps=3)).run(told.append, never)
    assert [(p.step, p.steps, p.loss) for p in told] == [(1, 3, 5.0), (2, 3, 4.0), (3, 3, 3.0)]
    assert told[0].accuracy is None
    assert told[1].accuracy is not None and told[1].accuracy > 0.5


def test_a_trainer_starts_at_the_beginning(make_trainer: Trainers) -> None:
    assert make_trainer(Scripted(), TrainingPlan()).course == Course("scripted")
