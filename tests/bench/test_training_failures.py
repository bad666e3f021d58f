"""Training that fails: with words, and with the last good state kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.algorithm import TrainingPlan
from bench.checkpoint import load_state
from bench.episodes import Episode
from bench.errors import RunFailed
from tests.bench.trainers import Scripted, Trainers, never, silent


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
        assert "test_training_failures.py:" in str(caught.value)


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
