"""The algorithm contract: what is there when only `adapt` was written."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, EmbeddingLearner, Predictor, TaskSpec
from bench.backbones import Backbone, Embedding, find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.pool import EpisodeStream

SPEC = TaskSpec((2,), ways=2, shots=1)


class Scaled(Algorithm):
    """Logits are the query inputs times one weight."""

    name = "scaled"

    def __init__(self, spec: TaskSpec, *, start: float = 1.0) -> None:
        super().__init__(spec)
        self.weight = nn.Parameter(torch.tensor(start))

    def adapt(self, support: Examples) -> Predictor:
        return lambda query: query * self.weight


def episode(query: list[list[float]], targets: list[int]) -> Episode:
    inputs = torch.tensor(query)
    part = Examples(inputs, torch.tensor(targets), 2)
    return Episode(part, part, torch.tensor([0, 1]))


def test_an_algorithm_without_adapt_cannot_be_made() -> None:
    class Nothing(Algorithm):
        name = "nothing"

    with pytest.raises(TypeError, match="adapt"):
        Nothing(SPEC)  # type: ignore[abstract]  # what is tested


def test_the_default_loss_is_the_mean_cross_entropy_on_the_query_set() -> None:
    # Logits (0, log 3): the classes have 1/4 and 3/4. Mean of -log 1/4 and -log 3/4.
    task = episode([[0.0, math.log(3)], [0.0, math.log(3)]], [0, 1])
    expected = (math.log(4) + math.log(4 / 3)) / 2
    assert Scaled(SPEC).loss(task).item() == pytest.approx(expected, abs=1e-6)


def test_the_default_step_descends_the_mean_of_the_episodes_losses() -> None:
    tasks = [episode([[0.0, 1.0]], [0]), episode([[0.0, 2.0]], [1])]
    algorithm = Scaled(SPEC)
    optimizer = torch.optim.SGD(algorithm.parameters(), lr=1.0)
    loss = algorithm.train_step(tasks, optimizer)

    def mean_loss(w: float) -> float:
        return (math.log(1 + math.exp(w)) + math.log(1 + math.exp(-2 * w))) / 2

    slope = (mean_loss(1 + 1e-5) - mean_loss(1 - 1e-5)) / 2e-5
    assert loss == pytest.approx(mean_loss(1.0), abs=1e-6)
    assert algorithm.weight.item() == pytest.approx(1 - slope, abs=1e-5)


def test_a_step_does_not_see_the_gradients_of_the_step_before() -> None:
    tasks = [episode([[0.0, 1.0]], [0])]
    fresh, used = Scaled(SPEC), Scaled(SPEC)
    used.weight.grad = torch.tensor(100.0)
    for algorithm in (fresh, used):
        algorithm.train_step(tasks, torch.optim.SGD(algorithm.parameters(), lr=1.0))
    assert fresh.weight.item() == used.weight.item()


def test_the_default_optimiser_is_adam_with_the_rate_of_the_algorithm() -> None:
    class Tuned(Scaled):
        def __init__(self, spec: TaskSpec, *, lr: float = 0.25) -> None:
            super().__init__(spec)
            self.lr = lr

    for algorithm, rate in ((Scaled(SPEC), 1e-3), (Tuned(SPEC), 0.25)):
        optimizer = algorithm.optimizer()
        assert isinstance(optimizer, torch.optim.Adam)
        assert optimizer.param_groups[0]["lr"] == rate


def test_a_backbone_that_nobody_named_is_an_error_that_says_how_to_name_one() -> None:
    with pytest.raises(BenchError, match="name one with --backbone"):
        SPEC.backbone()


class Identity(Embedding):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.out_features = features

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)


class Dot(EmbeddingLearner):
    """Logits are inner products with the class means."""

    name = "dot"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        return query @ support.class_means().mT


def test_an_embedding_learner_adapts_by_embedding_support_and_query() -> None:
    backbone = Backbone("same", "", "anything", lambda shape, norm: Identity(2))
    learner = Dot(TaskSpec((2,), 2, 1, backbone))
    support = Examples(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([1, 0]), 2)
    logits = learner.adapt(support)(torch.tensor([[3.0, 5.0]]))
    assert logits.tolist() == [[10.0, 3.0]]


def test_an_embedding_learner_trains_with_support_and_query_in_one_batch(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    seen: list[int] = []

    class Counting(Dot):
        def embed(self, inputs: Tensor) -> Tensor:
            seen.append(len(inputs))
            return super().embed(inputs)

    learner = Counting(TaskSpec((1, 12, 12), 3, 2, find_backbone("mlp")))
    (task,) = make_stream(ways=3, shots=2, queries=3).episodes(0, 1)
    loss = learner.loss(task)
    assert seen == [3 * 2 + 3 * 3]
    logits = learner.adapt(task.support)(task.query.inputs)  # an MLP treats each input alone
    expected = nn.functional.cross_entropy(logits, task.query.targets)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
