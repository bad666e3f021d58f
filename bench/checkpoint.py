"""Checkpoints: weights, and all that training needs to go on, in a format that cannot run code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bench.errors import BenchError
from bench.files import write_atomically
from bench.measurements import CurvePoint

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Course:
    """How far training has come, but for tensors: what a checkpoint keeps as JSON.

    `losses` is the sum of the training losses since the last point of the curve.
    """

    owner: str
    step: int = 0
    best_step: int = 0
    best_score: float | None = None
    curve: tuple[CurvePoint, ...] = ()
    losses: float = 0.0
    seconds: float = 0.0
    core_seconds: float = 0.0
    optimizer: dict[str, Any] = field(default_factory=dict)  # torch's own format


@dataclass(frozen=True)
class TrainingState:
    """All that training needs to go on: weights now, best weights, optimiser, and the course."""

    course: Course
    weights: Weights
    best: Weights
    moments: Weights


def save_weights(path: Path, owner: str, weights: Mapping[str, Tensor]) -> None:
    """Writes the weights of the algorithm called `owner`."""
    _save(path, dict(weights), Course(owner))


def load_weights(path: Path, owner: str) -> Weights:
    """Reads weights; raises BenchError if the file is damaged or another algorithm wrote it."""
    return _load(path, owner)[1]


def save_state(path: Path, state: TrainingState) -> None:
    """Writes a training state."""
    parts = {"weights": state.weights, "best": state.best, "moments": state.moments}
    tensors = {f"{part}/{name}": t for part, ts in parts.items() for name, t in ts.items()}
    _save(path, tensors, state.course)


def load_state(path: Path, owner: str) -> TrainingState:
    """Reads a training state; raises BenchError as `load_weights` does."""
    course, tensors = _load(path, owner)

    def part(prefix: str) -> Weights:
        return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

    return TrainingState(course, part("weights/"), part("best/"), part("moments/"))


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], Weights]:
    """Splits an optimiser's state into its plain values and its tensors."""
    state = optimizer.state_dict()
    moments, plain = {}, {}
    for number, values in state["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                moments[f"{number}/{key}"] = value
            else:
                plain[f"{number}/{key}"] = value
    return {"groups": state["param_groups"], "plain": plain}, moments


def unpack_optimizer(
    optimizer: torch.optim.Optimizer, packed: Mapping[str, Any], moments: Weights
) -> None:
    """Gives an optimiser the state that `pack_optimizer` split."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, object]] = {}
    for path, value in (packed["plain"] | moments).items():
        number, _, key = path.partition("/")
        kept = value
        if isinstance(value, Tensor) and value.shape == parameters[int(number)].shape:
            # The file knows no strides. With others, sums would come out with other last bits.
            kept = torch.empty_like(parameters[int(number)]).copy_(value)
        state.setdefault(int(number), {})[key] = kept
    optimizer.load_state_dict({"state": state, "param_groups": packed["groups"]})


def load_into(module: nn.Module, weights: Weights, path: Path) -> None:
    """Gives a module its weights; raises BenchError if names or shapes differ."""
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise BenchError(f"{path} does not fit this algorithm and backbone: {first}") from None


def _save(path: Path, tensors: Weights, course: Course) -> None:
    metadata = {"course": msgspec.json.encode(course).decode()}
    # Copies: the format has no word for tensors that share memory.
    form = torch.contiguous_format
    plain = {name: t.detach().cpu().clone(memory_format=form) for name, t in tensors.items()}
    write_atomically(path, save(plain, metadata))


def _load(path: Path, owner: str) -> tuple[Course, Weights]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("course", "{}")
            course = msgspec.json.decode(text, type=Course)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, msgspec.MsgspecError) as error:
        raise BenchError(
            f"the checkpoint {path} cannot be read ({error}); start over with --force"
        ) from None
    if course.owner != owner:
        raise BenchError(
            f"the checkpoint {path} was written by {course.owner}, not by {owner}; "
            "name another --out folder or start over with --force"
        )
    return course, tensors
