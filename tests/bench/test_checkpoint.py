"""Checkpoints: what was saved comes back, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.checkpoint import (
    Course,
    TrainingState,
    load_into,
    load_state,
    load_weights,
    pack_optimizer,
    save_state,
    save_weights,
    unpack_optimizer,
)
from bench.errors import BenchError
from bench.measurements import CurvePoint


def test_weights_come_back_bit_by_bit_with_names_types_and_shapes(tmp_path: Path) -> None:
    weights = {
        "a.weight": torch.randn(3, 4),
        "b": torch.tensor(7, dtype=torch.int64),
        "c": torch.randn(2, dtype=torch.float64),
        "empty": torch.zeros(0, 5),
    }
    save_weights(tmp_path / "w", "toy", weights)
    loaded = load_weights(tmp_path / "w", "toy")
    assert set(loaded) == set(weights)
    for name, tensor in weights.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_weights_in_channels_last_come_back_as_the_same_numbers(tmp_path: Path) -> None:
    source = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stub
    save_weights(tmp_path / "w", "toy", source.state_dict())
    target = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stub
    load_into(target, load_weights(tmp_path / "w", "toy"), tmp_path / "w")
    assert torch.equal(target.weight, source.weight)
    assert target.weight.stride() == source.weight.stride()
    assert not target.weight.is_contiguous()


def test_weights_that_share_memory_can_be_saved(tmp_path: Path) -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    network = nn.Sequential(first, second)
    save_weights(tmp_path / "w", "toy", network.state_dict())
    loaded = load_weights(tmp_path / "w", "toy")
    assert torch.equal(loaded["0.weight"], first.weight)
    assert torch.equal(loaded["1.weight"], first.weight)


def test_a_whole_training_state_comes_back(tmp_path: Path) -> None:
    state = TrainingState(
        Course(
            "toy",
            step=30,
            best_step=20,
            best_score=0.75,
            curve=(CurvePoint(10, 3.5, 3.0, 1.5, 0.5, 1.25), CurvePoint(20, 6.0, 5.5, 1.0)),
            losses=0.25,
            seconds=1.5,
            optimizer={"groups": [{"lr": 0.1, "params": [0]}], "plain": {"0/n": None}},
        ),
        weights={"w": torch.tensor([1.0])},
        best={"w": torch.tensor([2.0])},
        moments={"0/exp_avg": torch.tensor([3.0])},
    )
    save_state(tmp_path / "s", state)
    loaded = load_state(tmp_path / "s", "toy")
    assert loaded.course == state.course
    assert loaded.weights == state.weights
    assert loaded.best == state.best
    assert loaded.moments == state.moments


def test_a_state_without_a_best_yet_comes_back_without_one(tmp_path: Path) -> None:
    save_state(tmp_path / "s", TrainingState(Course("toy"), {"w": torch.zeros(1)}, {}, {}))
    assert load_state(tmp_path / "s", "toy").best == {}


def optimizers(weights: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    groups: list[dict[str, Any]] = [{"params": weights[:1]}, {"params": weights[1:], "lr": 0.5}]
    return [
        torch.optim.Adam(weights, lr=0.1, amsgrad=True),
        torch.optim.AdamW(groups, lr=0.01),
        torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
        torch.optim.SGD(weights, lr=0.1),
        torch.optim.RMSprop(weights, lr=0.1, centered=True),
    ]


def two_weights() -> list[nn.Parameter]:
    torch.manual_seed(0)
    image = torch.randn(2, 3, 3, 3).to(memory_format=torch.channels_last)
    return [nn.Parameter(image), nn.Parameter(torch.randn(4))]


def step(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    optimizer.zero_grad()
    loss: Tensor = sum((w**3).sum() for w in weights)  # type: ignore[assignment]  # no int here
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@pytest.mark.parametrize("kind", range(5))
def test_an_optimiser_goes_on_as_if_it_had_never_been_put_away(kind: int, tmp_path: Path) -> None:
    kept = two_weights()
    optimizer = optimizers(kept)[kind]
    for _ in range(3):
        step(optimizer, kept)
    packed, moments = pack_optimizer(optimizer)
    course = Course("toy", optimizer=packed)
    save_state(tmp_path / "s", TrainingState(course, {}, {}, moments))

    other = [nn.Parameter(w.detach().clone()) for w in kept]
    resumed = optimizers(other)[kind]
    state = load_state(tmp_path / "s", "toy")
    unpack_optimizer(resumed, state.course.optimizer, state.moments)
    for _ in range(3):
        step(optimizer, kept)
        step(resumed, other)
    for mine, its in zip(kept, other, strict=True):
        assert torch.equal(mine, its)


def test_moments_come_back_with_the_strides_of_their_parameters(tmp_path: Path) -> None:
    weights = two_weights()
    optimizer = optimizers(weights)[0]
    step(optimizer, weights)
    packed, moments = pack_optimizer(optimizer)
    save_state(tmp_path / "s", TrainingState(Course("toy", optimizer=packed), {}, {}, moments))
    state = load_state(tmp_path / "s", "toy")
    resumed = optimizers(weights)[0]
    unpack_optimizer(resumed, state.course.optimizer, state.moments)
    assert resumed.state[weights[0]]["exp_avg"].stride() == weights[0].stride()


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_truncated_file_is_refused_with_its_name_and_the_cure(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, "toy", {"w": torch.randn(50)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        BenchError, match=r"w\.safetensors cannot be read .*start over with --force"
    ):
        load_weights(path, "toy")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="nowhere cannot be read"):
        load_state(tmp_path / "nowhere", "toy")


def test_a_file_that_another_program_wrote_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(1)}, tmp_path / "w")
    with pytest.raises(BenchError, match="cannot be read"):
        load_weights(tmp_path / "w", "toy")


def test_another_algorithms_file_is_refused_with_both_names(tmp_path: Path) -> None:
    save_weights(tmp_path / "w", "maml", {"w": torch.zeros(1)})
    with pytest.raises(BenchError, match="was written by maml, not by protonet"):
        load_weights(tmp_path / "w", "protonet")


@pytest.mark.parametrize(
    "weights",
    [
        {"weight": torch.zeros(3, 2)},
        {"weight": torch.zeros(2, 2), "bias": torch.zeros(3)},
        {"weight": torch.zeros(3, 2), "bias": torch.zeros(3), "more": torch.zeros(1)},
    ],
    ids=["too few", "other shapes", "too many"],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(weights: dict[str, Tensor]) -> None:
    with pytest.raises(BenchError, match="the-file does not fit this algorithm") as caught:
        load_into(nn.Linear(2, 3), weights, Path("the-file"))
    assert "\n" not in str(caught.value)


def test_a_write_that_is_broken_off_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w"
    save_weights(path, "toy", {"w": torch.tensor([1.0])})

    def fail(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("bench.files.os.fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        save_weights(path, "toy", {"w": torch.tensor([2.0])})
    assert load_weights(path, "toy")["w"].item() == 1.0
