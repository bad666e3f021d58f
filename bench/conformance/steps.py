"""Checks of training: a step does something, and something useful."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from bench.conformance.check import Check, Failed
from bench.conformance.subject import META_BATCH, STEPS, Subject, never_trained, train
from bench.conformance.trial import changed, snapshot
from bench.parameters import Value, parameters_of
from bench.seeds import seed_torch
from bench.training import settle

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


def for_tests_alone(subject: Subject) -> str:
    """Trains with other values of the parameters that only tests are said to read."""
    known = {parameter.name for parameter in parameters_of(subject.algorithm)}
    unknown = sorted(set(subject.algorithm.test_parameters) - known)
    if unknown:
        raise Failed(
            "names of hyperparameters in test_parameters",
            ", ".join(unknown),
            "write them as in __init__",
        )
    wanted, tried = _weights(subject, {}), 0
    for name, value in _others(subject):
        if changed(wanted, _weights(subject, {name: value})):
            raise Failed(
                f"the same state after {STEPS} training steps whatever {name} is, as it is in "
                "test_parameters",
                f"another with {name}={value}",
                "take it out of test_parameters, or let training and settle not read it",
            )
        tried += 1
    return f"{tried} other values"


def _others(subject: Subject) -> Iterator[tuple[str, Value]]:
    """Yields another value of each test parameter: each choice, or the next whole number."""
    for parameter in parameters_of(subject.algorithm):
        if parameter.name not in subject.algorithm.test_parameters:
            continue
        usual = subject.parameters[parameter.name]
        choices: tuple[Value, ...] = parameter.choices
        if parameter.kind is bool:
            choices = (not usual,)
        elif isinstance(usual, int | float):
            choices = (2 * usual,)
        yield from ((parameter.name, value) for value in choices if value != usual)


def _weights(subject: Subject, parameters: dict[str, Value]) -> dict[str, Tensor]:
    """Returns all state after some training with these parameters."""
    algorithm = subject.build(parameters=parameters)
    stream = subject.stream(subject.protocol(), "train")
    train(algorithm, stream, STEPS)
    settle(algorithm, stream)
    return snapshot(algorithm)


def _no_test_parameters(subject: Subject) -> str:
    return "" if subject.algorithm.test_parameters else "it names no test_parameters"


CHECKS = (
    Check("training-step", "a training step changes parameters; its loss is finite", step,
          (never_trained,)),
    Check("loss-falls", "steps on the same episodes lower the loss", loss_falls, (never_trained,),
          needs=("answers", "training-step")),
    Check("test-parameters", "what is set for a test changes nothing in training",
          for_tests_alone, (never_trained, _no_test_parameters),
          needs=("answers", "training-step")),
)  # fmt: skip
