"""Soft k-means prototypes, against a loop over classes and queries, and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.registry import Registry


@pytest.fixture
def learner(registry: Registry) -> Callable[..., Any]:
    """Builds it over points as they are."""

    def make(name: str = "soft-kmeans", **parameters: Any) -> Algorithm:
        spec = TaskSpec((2,), 3, 2, find_backbone("identity"))
        algorithm: Algorithm = registry.algorithm(name)(spec, **parameters)
        return algorithm

    return make


def by_loops(support: Tensor, targets: Tensor, query: Tensor, ways: int, steps: int) -> Tensor:
    """Returns minus the squared distances to the refined means, by the book."""
    means = [support[targets == c].mean(0) for c in range(ways)]
    for _ in range(steps):
        totals = [support[targets == c].sum(0) for c in range(ways)]
        counts = [float((targets == c).sum()) for c in range(ways)]
        for point in query:
            nearness = [math.exp(-(point - mean).square().sum().item()) for mean in means]
            for c in range(ways):
                share = nearness[c] / sum(nearness)
                totals[c], counts[c] = totals[c] + share * point, counts[c] + share
        means = [total / count for total, count in zip(totals, counts, strict=True)]
    return torch.stack([-(query - mean).square().sum(-1) for mean in means], -1)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_refined_means_are_those_of_a_loop(steps: int, learner: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    support, query = torch.randn(6, 2).double(), torch.randn(8, 2).double()
    targets = torch.tensor([0, 2, 1, 1, 0, 2])
    logits = learner(steps=steps).scores(Examples(support, targets, 3), query)
    # A query's own squared length is left out of the logits, as softmax forgets it.
    logits = logits - query.square().sum(-1, keepdim=True)
    torch.testing.assert_close(logits, by_loops(support, targets, query, 3, steps))


def test_a_query_between_two_classes_pulls_both_by_hand(learner: Callable[..., Any]) -> None:
    # Means 0 and 2; a query at 1 belongs half to each, so they become (0 + 0.5) / 1.5 = 1/3 and
    # (2 + 0.5) / 1.5 = 5/3; its squared distance to both is 4/9.
    support = Examples(torch.tensor([[0.0], [2.0]]), torch.tensor([0, 1]), 2)
    logits = learner().scores(support, torch.tensor([[1.0]])) - 1.0
    torch.testing.assert_close(logits, torch.full((1, 2), -4 / 9))


def test_without_refinement_it_is_protonet_and_inductive(learner: Callable[..., Any]) -> None:
    support = Examples(torch.randn(6, 2), torch.tensor([0, 2, 1, 1, 0, 2]), 3)
    query = torch.randn(5, 2)
    plain, protonet = learner(steps=0), learner("protonet")
    assert torch.equal(plain.scores(support, query), protonet.scores(support, query))
    assert plain.transduction == ""


def test_queries_inform_one_another_and_it_says_so(learner: Callable[..., Any]) -> None:
    support = Examples(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.tensor([0, 1]), 2)
    query = torch.tensor([[1.4, 0.0], [2.0, 0.0], [2.1, 0.0]])
    predict = learner().adapt(support)
    assert not torch.allclose(predict(query)[:1], predict(query[:1]))
    assert "queries" in learner().transduction


def test_many_tasks_at_once_give_what_one_gives(learner: Callable[..., Any]) -> None:
    torch.manual_seed(1)
    support, query = torch.randn(4, 6, 2), torch.randn(4, 5, 2)
    targets = torch.stack([torch.randperm(6) % 3 for _ in range(4)])
    together = learner(steps=2).scores(Examples(support, targets, 3), query)
    for task in range(4):
        alone = learner(steps=2).scores(Examples(support[task], targets[task], 3), query[task])
        torch.testing.assert_close(together[task], alone)


def test_the_training_loss_is_that_of_the_refined_means(learner: Callable[..., Any]) -> None:
    support = Examples(torch.randn(6, 2), torch.tensor([0, 2, 1, 1, 0, 2]), 3)
    query = Examples(torch.randn(3, 2), torch.tensor([0, 1, 2]), 3)
    logits = by_loops(support.inputs, support.targets, query.inputs, 3, 1)
    expected = torch.nn.functional.cross_entropy(logits, query.targets)
    loss = learner().loss(Episode(support, query, torch.arange(3)))
    torch.testing.assert_close(loss, expected)


def test_steps_must_not_be_negative(learner: Callable[..., Any]) -> None:
    with pytest.raises(BenchError, match="steps is -1"):
        learner(steps=-1)
