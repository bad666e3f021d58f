"""The cost of a task: what is timed and counted, and that nothing is disturbed by it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench import cost
from bench.algorithm import Algorithm, Predictor, TaskSpec
from bench.cost import measure_cost
from bench.episodes import Episode, Examples
from bench.errors import RunFailed
from bench.evaluation import evaluate, tensor_digests
from bench.threads import Reading
from tests.bench.test_flops import Build, Streams, conv4_layers
from tests.bench.trainers import SPEC

FORWARD = sum(conv4_layers(32, 12))


@pytest.fixture(autouse=True)
def few_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "TASKS", 6)
    monkeypatch.setattr(cost, "WARM_UP", 1)


class Sleeper(Algorithm):
    """Takes a hundredth of a second to adapt, and a fiftieth for all its answers."""

    name = "sleeper"

    def __init__(self, spec: TaskSpec = SPEC) -> None:
        super().__init__(spec)
        self.weight = nn.Parameter(torch.zeros(()))
        self.asked = 0

    def adapt(self, support: Examples) -> Predictor:
        time.sleep(0.01)
        self.asked += 1

        def predict(query: Tensor) -> Tensor:
            time.sleep(0.02)
            return query.new_zeros(len(query), support.n_way)

        return predict


@pytest.mark.parametrize("name", ["protonet", "maml", "reptile", "cavia", "metaoptnet", "tadam"])
def test_nothing_is_changed_by_being_measured(
    build: Build, make_stream: Streams, name: str
) -> None:
    learner, stream = build(name), make_stream()
    tensors, before = tensor_digests(learner), copy.deepcopy(learner.state_dict())
    expected = evaluate(learner, stream, 3, seed=0).answers
    generator = torch.get_rng_state()
    found = measure_cost(learner, stream, seed=0, train=make_stream(stream_seed=1))
    assert found.flops_train
    assert tensor_digests(learner) == tensors
    assert all(torch.equal(before[n], t) for n, t in learner.state_dict().items())
    assert all(p.grad is None for p in learner.parameters())
    assert torch.equal(torch.get_rng_state(), generator)
    assert np.array_equal(evaluate(learner, stream, 3, seed=0).answers, expected)


def test_adapting_and_answering_are_timed_apart_and_answers_per_query(
    make_stream: Streams,
) -> None:
    found = measure_cost(Sleeper(), make_stream(ways=3, queries=4), seed=0)
    assert 10 <= found.adapt_ms <= found.adapt_ms_p95
    assert 20 / 12 <= found.query_ms <= found.query_ms_p95
    assert found.query_ms < found.adapt_ms


def test_the_warm_up_is_not_timed_and_counting_takes_one_more_task(make_stream: Streams) -> None:
    learner = Sleeper()
    assert measure_cost(learner, make_stream(), seed=0).tasks_timed == 6
    assert learner.asked == 1 + 6 + 1


def test_of_tasks_that_take_long_only_a_few_are_timed(
    make_stream: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "SECONDS", 0.0)
    monkeypatch.setattr(cost, "FEWEST", 2)
    assert measure_cost(Sleeper(), make_stream(), seed=0).tasks_timed == 2


def test_one_more_query_costs_a_forward_pass_and_adapting_one_per_example(
    build: Build, make_stream: Streams
) -> None:
    """Besides embedding, ProtoNet takes 2ds n for class means and 2dn per query for distances."""
    ways, support, features = 3, 6, 32
    found = measure_cost(build("protonet"), make_stream(ways=ways, shots=2), seed=0)
    assert found.flops_embed == FORWARD + 2 * features * ways
    assert found.flops_adapt == support * FORWARD + 2 * ways * support * features


def test_a_query_that_is_judged_with_the_support_costs_that_much_more(
    build: Build, make_stream: Streams
) -> None:
    """Reptile puts each query into a batch with the support: 1 + s forward passes per query."""
    found = measure_cost(build("reptile", test_steps=1), make_stream(ways=3, shots=2), seed=0)
    assert found.flops_embed == (1 + 6) * (FORWARD + 2 * 32 * 3)


def test_what_a_predictor_puts_off_is_counted_as_adapting(
    build: Build, make_stream: Streams
) -> None:
    """MetaOptNet solves its SVM when it is asked: at least one inverse per class."""
    stream = make_stream(ways=3, shots=8, queries=3, each=12)
    found = measure_cost(build("metaoptnet"), stream, seed=0)
    assert found.flops_adapt is not None
    assert found.flops_adapt - 24 * FORWARD > 3 * 2 * 24**3
    assert found.flops_embed == FORWARD + 2 * 32 * 24 + 2 * 24 * 3


def test_a_training_episode_costs_three_forward_passes_per_image(
    build: Build, make_stream: Streams
) -> None:
    train = make_stream(ways=4, shots=2, queries=5)
    found = measure_cost(build("protonet"), make_stream(), seed=0, train=train)
    per_image = 3 * FORWARD - conv4_layers(32, 12)[0]
    assert found.flops_train == pytest.approx(28 * per_image, rel=0.01)


def test_without_training_there_is_nothing_to_count(make_stream: Streams) -> None:
    found = measure_cost(Sleeper(), make_stream(), seed=0, training_tasks_per_second=12.5)
    assert (found.flops_train, found.training_tasks_per_second) == (None, 12.5)


class Uncountable(Sleeper):
    """Decomposes its support's pixels, and cannot be copied or trained."""

    def adapt(self, support: Examples) -> Predictor:
        torch.linalg.svd(support.inputs.flatten(1), full_matrices=False)
        return super().adapt(support)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        raise RuntimeError("not today")


def test_what_cannot_be_counted_is_none_and_ends_nothing(make_stream: Streams) -> None:
    stream = make_stream()
    found = measure_cost(Uncountable(), stream, seed=0, train=stream)
    assert (found.flops_adapt, found.flops_embed, found.flops_train) == (None, None, None)
    assert found.adapt_ms > 0


class Broken(Sleeper):
    def adapt(self, support: Examples) -> Predictor:
        raise ValueError("no idea")


def test_an_algorithm_that_fails_is_named(make_stream: Streams) -> None:
    with pytest.raises(RunFailed, match="sleeper failed while being timed: ValueError: no idea"):
        measure_cost(Broken(), make_stream(), seed=0)


def readings(others: float) -> Callable[[], Reading]:
    """Counters of ten seconds in which others did `others` seconds of work per second."""
    made = iter([Reading(0.0, 0.0, 0.0), Reading(10.0, 10.0 * (others + 1), 10.0)])
    return lambda: next(made)


@pytest.mark.parametrize(("others", "told"), [(0.0, ""), (0.45, ""), (0.6, "0.6"), (1.5, "1.5")])
def test_a_timing_beside_other_work_says_so(
    make_stream: Streams, monkeypatch: pytest.MonkeyPatch, others: float, told: str
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 0.5, 0.5))
    monkeypatch.setattr(cost, "read_processor", readings(others))
    found = measure_cost(Sleeper(), make_stream(), seed=0).doubt
    assert found == (f"Others kept {told} of 2 cores busy." if told else "")


def test_other_work_does_not_matter_where_cores_are_left(
    make_stream: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.getloadavg", lambda: (8.0, 8.0, 8.0))
    monkeypatch.setattr(cost, "read_processor", readings(8.0))
    assert measure_cost(Sleeper(), make_stream(), seed=0).doubt == ""


def test_a_load_above_the_cores_says_so(
    make_stream: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(cost, "read_processor", lambda: None)
    monkeypatch.setattr("os.getloadavg", lambda: (2.4, 2.4, 2.4))
    assert measure_cost(Sleeper(), make_stream(), seed=0).doubt == ""
    monkeypatch.setattr("os.getloadavg", lambda: (5.0, 2.0, 2.0))
    found = measure_cost(Sleeper(), make_stream(), seed=0).doubt
    assert found == "The load was 5.0 on 2 cores."
