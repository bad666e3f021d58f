"""Checks that adapting leaves no trace: not on the algorithm, not on the next episode."""

from __future__ import annotations

from bench.conformance.check import SEEDED, Check, Failed
from bench.conformance.subject import Subject
from bench.conformance.trial import changed, gap, snapshot


def weights_stay(subject: Subject) -> str:
    """Compares every parameter and buffer before and after."""
    trial = subject.trial()
    before = snapshot(trial.algorithm)
    trial.answer(subject.episode())
    names = changed(before, snapshot(trial.algorithm))
    if names:
        raise Failed(
            "all parameters and buffers as they were before adapt",
            f"{len(names)} changed: {', '.join(names[:3])}",
            "work on copies, such as functional_call with weights of the task's own; a batch norm "
            "that keeps averages must be in evaluation mode",
        )
    if trial.algorithm.training:
        raise Failed(
            "evaluation mode after adapt, as before",
            "training mode",
            "do not call self.train() in adapt",
        )
    return ""


def seeded(subject: Subject) -> str:
    """Adapts twice from the same seed."""
    trial, episode = subject.trial(), subject.episode()
    one, other = trial.answer(episode), trial.answer(episode)
    if not trial.same(one, other):
        raise Failed(
            "the same predictions twice, as the seed is the same",
            f"predictions that differ by {gap(one, other):.1e} of the largest",
            "draw random numbers from torch's default generator, which the harness seeds per "
            "episode; never from Python's or NumPy's, or a generator without a seed; keep nothing "
            "on self",
        )
    return ""


def no_influence(subject: Subject) -> str:
    """Answers one episode before, and again after another; and with both predictors at hand."""
    trial = subject.trial()
    here, there = subject.episode(number=0), subject.episode(number=1)
    predict = trial.adapt(here.support)
    before = predict(here.query.inputs)
    trial.answer(there)
    kept, again = predict(here.query.inputs), trial.answer(here)
    for what, answer in (("its predictor, asked again", kept), ("adapting to it again", again)):
        if not trial.same(before, answer):
            raise Failed(
                f"the same predictions for an episode after another one was in between ({what})",
                f"predictions that differ by {gap(before, answer):.1e} of the largest",
                "keep nothing of an episode on self: the predictor should hold what it needs in "
                "its own variables",
            )
    return ""


CHECKS = (
    Check("weights-stay", "adapt leaves parameters and buffers as they were", weights_stay),
    Check("seeded", "two adaptations under one seed agree", seeded),
    Check("episodes-apart", "episodes do not influence one another", no_influence,
          needs=SEEDED),
)  # fmt: skip
