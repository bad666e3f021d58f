"""Training that is stopped and taken up: with the bits of one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench.algorithm import Algorithm, TrainingPlan
from bench.checkpoint import load_state
from bench.errors import BenchError, Interrupted
from bench.evaluation import evaluate
from bench.training import TrainingProgress
from tests.bench.trainers import Scripted, Streams, Trainers, never, outcome, silent, with_momentum


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
