"""Profiling: times that add up, in the right phases, and results that stay as they are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from bench import profiling
from bench.algorithm import Algorithm, TrainingPlan
from bench.pool import EpisodeStream
from bench.profiling import Profile, Profiler
from bench.training import MetaTrainer, Schedule

CPU = torch.device("cpu")


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.perf_counter", clock)
    return clock


def seconds(profiler: Profiler) -> dict[str, float]:
    return {t.phase: round(t.seconds, 9) for t in profiler.times() if t.seconds}


def test_a_phase_within_a_phase_is_not_counted_twice(tmp_path: Path, clock: Clock) -> None:
    profiler = Profiler(tmp_path / "trace", CPU)
    with profiler.running():
        clock.now += 1
        with profiler.phase("forward"):
            clock.now += 2
            with profiler.phase("backward"):
                clock.now += 4
            clock.now += 8
        with profiler.phase("sampling"):
            clock.now += 16
    assert seconds(profiler) == {"other": 1, "forward": 10, "backward": 4, "sampling": 16}
    shares = {t.phase: t.share for t in profiler.times()}
    assert shares["forward"] == pytest.approx(10 / 31)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_phase_that_ends_with_an_exception_ends(tmp_path: Path, clock: Clock) -> None:
    profiler = Profiler(tmp_path / "trace", CPU)
    with profiler.running():
        with pytest.raises(ValueError), profiler.phase("forward"):
            profiler._enter("optimiser")  # whose step raises, so that it never ends
            clock.now += 2
            raise ValueError
        clock.now += 4
    assert seconds(profiler) == {"optimiser": 2, "other": 4}


def test_differentiation_and_the_optimiser_are_told_from_the_rest_of_a_step(
    tmp_path: Path, clock: Clock
) -> None:
    class Slow(torch.autograd.Function):
        """Squares; costs 3 seconds forward and 5 backward."""

        @staticmethod
        def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor) -> torch.Tensor:
            clock.now += 3
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: torch.autograd.function.FunctionCtx, slope: torch.Tensor) -> torch.Tensor:
            clock.now += 5
            (x,) = ctx.saved_tensors  # type: ignore[attr-defined]  # torch's own way
            return torch.mul(2 * x, slope)

    class SlowSGD(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]  # one form only
            clock.now += 7
            super().step()

    def slow() -> torch.Tensor:
        result: torch.Tensor = Slow.apply(weight)  # type: ignore[no-untyped-call]  # torch's
        return result

    weight = torch.ones((), requires_grad=True)
    optimizer = SlowSGD([weight], lr=0.1)
    profiler = Profiler(tmp_path / "trace", CPU)
    profiler.watch(optimizer)
    with profiler.running():
        with profiler.phase("forward"):
            torch.autograd.grad(slow(), weight)
            slow().backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()
        with profiler.phase("validation"):
            torch.autograd.grad(slow(), weight)
    assert seconds(profiler) == {"forward": 6, "backward": 10, "optimiser": 7, "validation": 8}


def test_differentiation_in_other_threads_counts_as_their_mean(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grad(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(torch.autograd, "grad", grad)
    profiler = Profiler(tmp_path / "trace", CPU)
    with profiler.running(), ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        with profiler.phase("forward"):
            first.submit(torch.autograd.grad, 2).result()  # type: ignore[arg-type]  # see above
            first.submit(torch.autograd.grad, 6).result()  # type: ignore[arg-type]  # see above
            second.submit(torch.autograd.grad, 4).result()  # type: ignore[arg-type]  # see above
        with profiler.phase("validation"):
            first.submit(torch.autograd.grad, 1).result()  # type: ignore[arg-type]  # see above
    # The first thread spent 8 seconds, the second 4: 6 of the 12 that passed.
    assert seconds(profiler) == {"forward": 6, "backward": 6, "validation": 1}


def test_torch_is_left_as_it_was(tmp_path: Path) -> None:
    before = (torch.autograd.backward, torch.autograd.grad)
    with pytest.raises(ValueError), Profiler(tmp_path / "trace", CPU).running():
        assert torch.autograd.grad is not before[1]
        raise ValueError
    assert (torch.autograd.backward, torch.autograd.grad) == before


def test_who_does_not_listen_is_told_for_nothing() -> None:
    silent = Profile()
    optimizer = torch.optim.SGD([torch.ones((), requires_grad=True)], lr=0.1)
    silent.watch(optimizer)
    assert not optimizer._optimizer_step_pre_hooks
    before = torch.autograd.grad
    with silent.running(), silent.phase("forward"):
        silent.step()
        assert torch.autograd.grad is before


@pytest.mark.parametrize("name", ["protonet", "maml"])
def test_training_gives_the_same_bits_with_and_without_a_profile(
    name: str,
    build: Callable[..., Algorithm],
    make_stream: Callable[..., EpisodeStream],
    tmp_path: Path,
) -> None:
    def train(folder: Path, profile: Profile) -> bytes:
        folder.mkdir()
        plan, state = TrainingPlan(steps=8, meta_batch=2), folder / "state"
        validation = make_stream(split="val", seed=1, classes=20)
        trainer = MetaTrainer(
            build(name), plan, make_stream(), validation, Schedule(4, 3, 100), 0, state, profile
        )
        with profile.running():
            trainer.run(lambda progress: None, lambda: False)
        trainer.course = trainer.course.__class__(name)  # its seconds differ
        trainer._save()
        return state.read_bytes()

    profiler = Profiler(tmp_path / "with" / "trace.json.gz", CPU)
    assert train(tmp_path / "with", profiler) == train(tmp_path / "without", Profile())
    times = seconds(profiler)
    assert set(times) >= {"sampling", "forward", "backward", "optimiser", "validation", "other"}


def test_the_trace_holds_a_few_steps_only(
    build: Callable[..., Algorithm], make_stream: Callable[..., EpisodeStream], tmp_path: Path
) -> None:
    trace = tmp_path / "trace.json.gz"
    profiler = Profiler(trace, CPU)
    plan, steps = TrainingPlan(steps=20), []
    trainer = MetaTrainer(
        build("protonet"),
        plan,
        make_stream(),
        None,
        Schedule(100, 3, 100),
        0,
        tmp_path / "state",
        profiler,
    )
    with profiler.running():
        trainer.run(lambda progress: steps.append(trace.exists()), lambda: False)
    assert steps == [False] * 5 + [True] * 15  # steps 3, 4 and 5 are traced
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    names = [event.get("name", "") for event in events]
    assert sum(name.startswith("Optimizer.step") for name in names) == 3
    assert "aten::convolution" in names
    assert any("Backward" in name for name in names)


def test_a_run_that_is_broken_off_still_leaves_its_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json.gz"
    profiler = Profiler(trace, CPU)
    with pytest.raises(KeyboardInterrupt), profiler.running():
        for _ in range(profiling.FIRST_STEP):
            profiler.step()
        torch.ones(3).sum()
        raise KeyboardInterrupt
    assert "aten::sum" in gzip.decompress(trace.read_bytes()).decode()


def test_the_time_of_tracing_itself_is_left_out(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tracer:
        def __init__(self, **_: object) -> None:
            clock.now += 100

        def start(self) -> None:
            clock.now += 100

        def stop(self) -> None:
            clock.now += 100

        def export_chrome_trace(self, path: str) -> None:
            clock.now += 100

    monkeypatch.setattr(profiling, "profile", Tracer)
    profiler = Profiler(tmp_path / "trace", CPU)
    with profiler.running():
        for _ in range(10):
            profiler.step()
            clock.now += 1
    assert seconds(profiler) == {"other": 10}
