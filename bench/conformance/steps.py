"""Checks of training: a step does something, and something useful."""

from __future__ import annotations

import math

import torch

from bench.conformance.check import Check, Failed
from bench.conformance.subject import META_BATCH, Subject, never_trained
from bench.conformance.trial import changed, snapshot
from bench.seeds import seed_torch

MOST_STEPS = 40


def step(subject: Subject) -> str:
    """Takes two training steps and looks at loss and weights."""
    algorithm = subject.build().train()
    optimizer, stream = algorithm.optimizer(), subject.stream(subject.protocol(), "train")
    before = snapshot(algorithm)
    for number in range(2):
        seed_torch(0, "check", "step", number)
        loss = algorithm.train_step(stream.episodes(number * META_BATCH, META_BATCH), optimizer)
        if not isinstance(loss, float | int) or not math.isfinite(loss):
            raise Failed(
                "a finite number as the loss that train_step returns",
                repr(loss),
                "return loss.item(); if it is infinite or NaN, try smaller steps",
            )
    after = snapshot(algorithm)
    bad = [name for name, t in after.items() if not bool(torch.isfinite(t.float()).all())]
    if bad:
        raise Failed(
            "finite parameters and buffers after two training steps",
            f"infinity or NaN in {', '.join(bad[:3])}",
            "try a smaller default learning rate; look for square roots or logarithms of zero",
        )
    wanted = [name for name, p in algorithm.named_parameters() if p.requires_grad]
    moved = set(changed(before, after))
    if not moved & set(wanted):
        raise Failed(
            "a training step that changes parameters",
            f"none of {len(wanted)} changed",
            "does the loss depend on them (no detach, no .data)? does optimizer() have them? does "
            "train_step call optimizer.step()?",
        )
    still = sorted(set(wanted) - moved)
    return f"unchanged: {', '.join(still[:4])}" if still else ""


def loss_falls(subject: Subject) -> str:
    """Takes steps on the same episodes until the loss has fallen."""
    algorithm = subject.build().train()
    optimizer = algorithm.optimizer()
    episodes = subject.stream(subject.protocol(), "train").episodes(0, META_BATCH)
    losses = []
    for number in range(MOST_STEPS + 1):
        seed_torch(0, "check", "step", number)
        losses.append(algorithm.train_step(episodes, optimizer))
        if losses[-1] < 0.98 * losses[0]:
            return f"from {losses[0]:.3g} to {losses[-1]:.3g} in {number} steps"
    raise Failed(
        f"a loss that falls by 2% in {MOST_STEPS} steps on the same episodes",
        f"{losses[0]:.4g} at first, {min(losses[1:]):.4g} at best, {losses[-1]:.4g} at last",
        "is the sign of the gradient right, is the loss the one that is stepped on, is the default "
        "learning rate neither tiny nor huge?",
    )


CHECKS = (
    Check("training-step", "a training step changes parameters; its loss is finite", step,
          (never_trained,)),
    Check("loss-falls", "steps on the same episodes lower the loss", loss_falls, (never_trained,),
          needs=("answers", "training-step")),
)  # fmt: skip
