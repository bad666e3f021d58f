"""Checks that a checkpoint holds all that counts: for testing, and for going on."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from bench.algorithm import TrainingPlan
from bench.checkpoint import load_into, load_weights, save_weights
from bench.conformance.check import SEEDED, Check, Failed
from bench.conformance.subject import Subject, never_trained
from bench.conformance.trial import Trial, changed, gap, snapshot
from bench.errors import Interrupted
from bench.training import MetaTrainer, Schedule, TrainingProgress

SEED = 7
"""Of the weights of an algorithm that is to be given others."""
IN_STATE = (
    "let all that training learns be in the state_dict: a parameter, or a tensor given to "
    "register_buffer; plain attributes and lists of tensors are not saved"
)


def round_trip(subject: Subject) -> str:
    """Saves a trained algorithm, loads it into a new one, and compares predictions."""
    trained, episode = subject.trial(), subject.episode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_weights(path, "check", trained.algorithm.state_dict())
        fresh = subject.build(seed=SEED).to(trained.dtype).eval()
        load_into(fresh, load_weights(path, "check"), path)
    one = trained.answer(episode)
    other = Trial(fresh, trained.dtype, trained.tolerance).answer(episode)
    if not trained.same(one, other):
        raise Failed(
            "the same predictions after saving and loading into a newly built algorithm",
            f"predictions that differ by {gap(one, other):.1e} of the largest",
            IN_STATE,
        )
    return ""


def resuming(subject: Subject) -> str:
    """Trains four steps at once, and again with a stop in the middle."""
    with tempfile.TemporaryDirectory() as folder:
        whole = _trainer(subject, Path(folder) / "whole", 0)
        whole.run(lambda _: None, lambda: False)
        first = _trainer(subject, Path(folder) / "parts", 0)
        seen: list[TrainingProgress] = []
        with contextlib.suppress(Interrupted):
            first.run(seen.append, lambda: len(seen) == 2)
        second = _trainer(subject, Path(folder) / "parts", SEED)
        second.resume()
        second.run(lambda _: None, lambda: False)
    names = changed(snapshot(whole.algorithm), snapshot(second.algorithm))
    if names:
        raise Failed(
            "the same weights, to the bit, from four steps as from two, a restart and two",
            f"{len(names)} differ: {', '.join(names[:3])}",
            IN_STATE + "; random numbers must come from torch's default generator",
        )
    return ""


def _trainer(subject: Subject, state: Path, seed: int) -> MetaTrainer:
    plan = TrainingPlan(steps=4, meta_batch=2, schedule="cosine")
    train = subject.stream(subject.protocol(), "train")
    schedule = Schedule(validate_every=4, validation_episodes=1, checkpoint_every=100)
    return MetaTrainer(subject.build(seed=seed), plan, train, None, schedule, 0, state)


CHECKS = (
    Check("checkpoint", "a checkpoint gives the same predictions in a new process", round_trip,
          needs=SEEDED),
    Check("resuming", "training that was stopped goes on as if it had not been", resuming,
          (never_trained,), needs=(*SEEDED, "training-step", "checkpoint")),
)  # fmt: skip
