"""ProtoNet, against numbers computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import Backbone, Embedding
from bench.episodes import Episode, Examples
from bench.registry import Registry


class Identity(Embedding):
    """Leaves points as they are, and counts its calls."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out_features, self.calls = features, 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return inputs


@pytest.fixture
def protonet(registry: Registry) -> Algorithm:
    backbone = Backbone("same", "", "anything", lambda shape, norm: Identity(2))
    algorithm: Algorithm = registry.algorithm("protonet")(TaskSpec((2,), 2, 2, backbone))
    return algorithm


SUPPORT = Examples(
    # Class 0 at (0, 0) and (2, 0), mean (1, 0); class 1 at (0, 4) and (0, 2), mean (0, 3).
    torch.tensor([[0.0, 4.0], [0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]),
    torch.tensor([1, 0, 0, 1]),
    2,
)
QUERY = torch.tensor([[1.0, 1.0], [0.0, 0.0], [-1.0, 3.0]])
# Squared distances: from (1, 1) 1 and 5; from (0, 0) 1 and 9; from (-1, 3) 4 + 9 = 13 and 1.
LOGITS = [[-1.0, -5.0], [-1.0, -9.0], [-13.0, -1.0]]


def test_logits_are_minus_squared_distances_to_class_means_up_to_a_constant_per_query(
    protonet: Algorithm,
) -> None:
    logits = protonet.adapt(SUPPORT)(QUERY)
    assert logits.softmax(-1).tolist() == torch.tensor(LOGITS).softmax(-1).tolist()
    assert (logits - QUERY.square().sum(-1, keepdim=True)).tolist() == LOGITS


def test_the_loss_is_the_cross_entropy_of_these_logits(protonet: Algorithm) -> None:
    episode = Episode(SUPPORT, Examples(QUERY, torch.tensor([0, 1, 1]), 2), torch.tensor([0, 1]))
    by_hand = math.log(1 + math.exp(-4)) + math.log(1 + math.exp(8)) + math.log(1 + math.exp(-12))
    assert protonet.loss(episode).item() == pytest.approx(by_hand / 3, abs=1e-6)


def test_many_tasks_at_once_give_what_one_gives(protonet: Algorithm) -> None:
    torch.manual_seed(0)
    support, query = torch.randn(4, 6, 3), torch.randn(4, 5, 3)
    targets = torch.stack([torch.randperm(6) % 3 for _ in range(4)])
    together = protonet.scores(Examples(support, targets, 3), query)  # type: ignore[operator]  # an embedding learner
    assert together.shape == (4, 5, 3)
    for task in range(4):
        alone = protonet.scores(Examples(support[task], targets[task], 3), query[task])  # type: ignore[operator]  # an embedding learner
        torch.testing.assert_close(together[task], alone)
        for row in range(5):
            for label in range(3):
                mean = support[task][targets[task] == label].mean(0)
                asked = query[task, row]
                expected = asked.square().sum() - (asked - mean).square().sum()
                torch.testing.assert_close(together[task, row, label], expected)


def test_a_query_is_judged_alone(protonet: Algorithm) -> None:
    protonet.eval()
    predict = protonet.adapt(SUPPORT)
    assert torch.equal(predict(QUERY)[1:2], predict(QUERY[1:2]))
    assert protonet.transduction == ""


def test_the_rate_of_adam_is_the_parameter_lr(registry: Registry) -> None:
    backbone = Backbone("linear", "", "anything", lambda shape, norm: Linear())
    algorithm = registry.algorithm("protonet")(TaskSpec((2,), 2, 2, backbone), lr=0.02)  # type: ignore[call-arg]  # its parameter
    optimizer = algorithm.optimizer()
    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.param_groups[0]["lr"] == 0.02


class Linear(Embedding):
    """One linear layer."""

    out_features = 2

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.layer(inputs)
        return features


def test_support_and_query_share_one_forward_pass_in_training(protonet: Algorithm) -> None:
    episode = Episode(SUPPORT, Examples(QUERY, torch.tensor([0, 1, 1]), 2), torch.tensor([0, 1]))
    embedding = protonet.embedding
    assert isinstance(embedding, Identity)
    protonet.loss(episode)
    assert embedding.calls == 1


def test_it_trains_with_sixty_ways_as_in_the_paper(registry: Registry) -> None:
    plan = registry.algorithm("protonet").training_plan
    assert (plan.ways, plan.queries, plan.shots) == (60, 5, None)
