"""The check that another device gives the same answers."""

from __future__ import annotations

import torch

from bench.conformance.check import SEEDED, Check, Failed
from bench.conformance.subject import META_BATCH, Subject
from bench.conformance.trial import gap, snapshot
from bench.episodes import Episode
from bench.seeds import seed_torch

TOLERANCE = 1e-2
"""Relative; in single precision, with another order of sums, after steps that amplify it."""


def other_device() -> torch.device | None:
    """Returns the GPU; None if there is none."""
    return torch.device("cuda") if torch.cuda.is_available() else None


def _no_gpu(subject: Subject) -> str:
    return "" if other_device() else "there is no GPU here"


def gpu(subject: Subject) -> str:
    """Adapts, and trains a step, on a GPU and on the CPU."""
    device, episode = other_device() or torch.device("cpu"), subject.episode()
    answers = [_answer(subject, episode, where) for where in (torch.device("cpu"), device)]
    if gap(*answers) > TOLERANCE:
        raise Failed(
            "the same predictions on the GPU as on the CPU",
            f"predictions that differ by {gap(*answers):.1e} of the largest",
            "make new tensors on the device of the inputs, and draw random numbers that must "
            "agree on the CPU",
        )
    if subject.is_trained:
        algorithm = subject.build().to(device).train()
        stream = subject.stream(subject.protocol(), "train")
        episodes = [episode.to(device) for episode in stream.episodes(0, META_BATCH)]
        algorithm.train_step(episodes, algorithm.optimizer())
        strays = [name for name, t in snapshot(algorithm).items() if t.device.type != device.type]
        if strays:
            raise Failed(
                "all parameters and buffers on the GPU after a step there",
                f"{', '.join(strays[:3])} elsewhere",
                "change buffers in place (copy_), instead of assigning new tensors",
            )
    return str(device)


def _answer(subject: Subject, episode: Episode, device: torch.device) -> torch.Tensor:
    algorithm, moved = subject.trained().to(device), episode.to(device)
    seed_torch(0, "check", "adapt")
    predict = algorithm.adapt(moved.support)
    with torch.no_grad():
        return predict(moved.query.inputs).cpu()


CHECKS = (Check("gpu", "CPU and GPU agree", gpu, (_no_gpu,), SEEDED),)
