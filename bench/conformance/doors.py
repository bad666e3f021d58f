"""Checks that the harness's fast paths give what the plain path gives."""

from __future__ import annotations

import numpy as np
import torch

from bench.algorithm import Algorithm, EmbeddingLearner
from bench.conformance.check import SEEDED, Check, Failed, NotApplicable
from bench.conformance.subject import META_BATCH, Subject, never_trained
from bench.conformance.trial import gap, in_double
from bench.episodes import Episode
from bench.evaluation import evaluate
from bench.features import embeds_alone
from bench.gradient import GradientLearner
from bench.seeds import seed_torch

EPISODES, TOLERANCE = 3, 1e-6


def _plain_only(subject: Subject) -> str:
    algorithm = subject.build()
    if isinstance(algorithm, EmbeddingLearner) and embeds_alone(algorithm):
        return ""
    if isinstance(algorithm, GradientLearner) and algorithm.takes_tasks_together:
        return ""
    return "there is only the plain path for it"


def _one_at_a_time(subject: Subject) -> str:
    algorithm = subject.build()
    if isinstance(algorithm, GradientLearner) and algorithm.takes_tasks_together:
        return ""
    return "its training tasks are not run together"


def testing(subject: Subject) -> str:
    """Evaluates a few episodes through either door."""
    trial = subject.trial()
    stream = trial.stream(subject.stream(subject.protocol()))
    with trial.precision():
        fast, plain = (
            evaluate(trial.algorithm, stream, EPISODES, seed=0, plain=plain)
            for plain in (False, True)
        )
    apart = np.abs(fast.loss - plain.loss) / np.maximum(np.abs(plain.loss), 1e-2)
    if not apart.max() <= 20 * trial.tolerance:
        worst = int(apart.argmax())
        raise Failed(
            "the same test loss by the fast path, many episodes at once, as by adapt",
            f"{fast.loss[worst]:.6g} instead of {plain.loss[worst]:.6g} in episode {worst}",
            "let scores or inner_loop work on the last axes, so that a leading axis of tasks "
            "keeps them apart (sums over dim=-1, not over all; .mT, not .T), and draw no random "
            "numbers there; or override adapt, which leaves only the plain path",
        )
    return ""


def training(subject: Subject) -> str:
    """Takes one step with tasks together and one by one, and compares gradients."""
    trial, plain = in_double(subject.build()), in_double(subject.build()).algorithm
    plain.__class__ = type(type(plain).__name__, (type(plain),), {"takes_tasks_together": False})
    stream = trial.stream(subject.stream(subject.protocol(), "train"))
    episodes = stream.episodes(0, META_BATCH)
    with trial.precision():
        one, other = (_gradients(learner, episodes) for learner in (trial.algorithm, plain))
    largest = max((tensor.abs().max().item() for tensor in other.values()), default=0.0)
    if not largest:
        raise NotApplicable("its training step leaves no gradients to compare")
    for name in {**one, **other}:
        zero = torch.zeros(())
        apart = gap(one.get(name, zero), other.get(name, zero))
        if apart > TOLERANCE and other.get(name, zero).abs().max() > 1e-9 * largest:
            raise Failed(
                "the same gradients from tasks run together as from one task after another",
                f"those of {name} differ by {apart:.1e} of the largest",
                "let inner_loop combine weights, gradients and hyperparameters elementwise: a "
                "norm or a mean over a whole tensor mixes tasks, which have a leading axis there",
            )
    return ""


def _gradients(algorithm: Algorithm, episodes: list[Episode]) -> dict[str, torch.Tensor]:
    """Returns the gradients that a training step leaves, by parameter."""
    algorithm.train()
    seed_torch(0, "check", "step")
    optimizer = torch.optim.SGD([p for p in algorithm.parameters() if p.requires_grad], lr=0.0)
    algorithm.train_step(episodes, optimizer)
    named = algorithm.named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


CHECKS = (
    Check("doors-of-testing", "fast and plain evaluation agree", testing, (_plain_only,),
          needs=(*SEEDED, "weights-stay")),
    Check("doors-of-training", "tasks together train as tasks one by one", training,
          (never_trained, _one_at_a_time), needs=("answers", "training-step")),
)  # fmt: skip
