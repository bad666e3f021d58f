"""What the learn2learn-backed plugins share: its lazy import, and what adapts network or head.

Only algorithms are learn2learn's (Arnold et al. 2020). Its Omniglot task sets draw test classes in
training, so networks, episodes and losses are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    EmbeddingLearner,
    Examples,
    Norm,
    Predictor,
    import_extra,
)

from .maml import Prediction

PAPER = "Arnold et al. 2020, arXiv:2008.12284"
FIRST_ORDER = "second derivatives are left out"


@cache
def learn2learn(part: str) -> ModuleType:
    """Returns a module of learn2learn by its name within the package, such as `algorithms`."""
    return import_extra(f"learn2learn.{part}")


def check_positive(**values: float) -> None:
    """Raises BenchError for the first of these hyperparameters that is not above zero."""
    for name, value in values.items():
        if not value > 0:
            raise BenchError(f"{name} is {value}; it must be positive")


class NetworkLearner(Algorithm):
    """Adapts a clone of the whole network, backbone and linear layer."""

    family = "optimisation"
    tasks = ("classification", "regression")
    requires = ("learn2learn",)

    with_support = False
    """Whether each query is predicted in a batch with the support, which is then not shared."""

    def new_network(self, norm: Norm, prediction: Prediction = "transductive") -> nn.Module:
        """Returns a new network; notes whether queries share statistics in it."""
        embedding = self.spec.backbone(norm)
        self.with_support = prediction == "support-plus-one" and embedding.shares_statistics
        if embedding.shares_statistics and not self.with_support:
            self.transduction = "batch norm uses the statistics of all queries together"
        return nn.Sequential(embedding, nn.Linear(embedding.out_features, self.spec.outputs))

    def predictor(self, fitted: Predictor, support: Examples) -> Predictor:
        """Returns a fitted network as it is asked: about all queries together, or each apart."""

        def apart(query: Tensor) -> Tensor:
            singles = [torch.cat([support.inputs, one]) for one in query.chunk(len(query))]
            return torch.cat([fitted(single)[-1:] for single in singles])

        return apart if self.with_support and not self.training else fitted


class WrappedLearner(NetworkLearner):
    """Adapts by the `clone` and `adapt` of learn2learn's wrapper of a network.

    `wrapped` must be set to it, and is what is trained: cloning keeps derivatives. Clones share
    buffers with their origin, so that running averages of batch norm move in training.
    """

    wrapped: Any
    first_order = False
    test_parameters = ("test_steps", "prediction")
    inner_steps: int
    test_steps: int

    def adapt(self, support: Examples) -> Predictor:
        learner = self.wrapped.clone()
        for _ in range(self.inner_steps if self.training else self.test_steps):
            loss = self.task_loss(learner(support.inputs), support.targets)
            learner.adapt(loss, first_order=self.first_order or not self.training)
        return self.predictor(learner, support)


class HeadLearner(EmbeddingLearner):
    """Clones a linear head, as learn2learn wraps it, for each task; the body is not adapted.

    `head` must be set to learn2learn's wrapper of a `new_linear`.
    """

    any_way = False
    family = "optimisation"
    tasks = ("classification", "regression")
    requires = ("learn2learn",)
    test_parameters = ("test_steps",)
    head: Any
    inner_steps: int
    test_steps: int

    def new_linear(self) -> nn.Linear:
        """Returns a new last layer."""
        return nn.Linear(self.embedding.out_features, self.spec.outputs)

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        return one_by_one(self._scores, support, query)

    def _scores(self, support: Examples, query: Tensor) -> Tensor:
        with torch.enable_grad():  # the harness scores without, but the steps need gradients
            head = self.head.clone()
            for _ in range(self.inner_steps if self.training else self.test_steps):
                # Never first order: GBML frees a graph that its adapt_transform still needs.
                head.adapt(self.task_loss(head(support.inputs), support.targets))
        answer: Tensor = head(query)
        return answer


def one_by_one(
    scores: Callable[[Examples, Tensor], Tensor], support: Examples, query: Tensor
) -> Tensor:
    """Returns the scores of tasks with any leading axes, from a function that takes one task."""
    if query.ndim == 2:
        return scores(support, query)
    tasks = zip(support.inputs, support.targets, query, strict=True)
    return torch.stack(
        [
            one_by_one(scores, Examples(inputs, targets, support.n_way), asked)
            for inputs, targets, asked in tasks
        ]
    )
