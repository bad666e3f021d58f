"""The algorithm contract: `adapt` gets a support set and returns a predictor; that is all.

Hyperparameters are the keyword-only arguments of `__init__`, with defaults, stored under their own
names; command line, records and `bench info` all read the signature.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.backbones import Backbone, Embedding, Norm
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.parameters import Value
from bench.tasks import CLASSIFICATION, REGRESSION, Task

Predictor = Callable[[Tensor], Tensor]
"""From query inputs (m, ...) to logits (m, n), or to values (m, d) in regression."""


@dataclass(frozen=True)
class TrainingPlan:
    """How an algorithm wants to be trained unless the user says otherwise.

    `None` means: as in the test protocol. The learning rate follows `schedule` over `steps`:
    constant, linear or cosine (these two end at zero), or halving:K (halved each K steps).
    """

    steps: int = 1000
    meta_batch: int = 1
    ways: int | None = None
    shots: int | None = None
    queries: int | None = None
    schedule: str = "constant"


@dataclass(frozen=True)
class TaskSpec:
    """What an algorithm knows of its tasks before it sees one.

    `targets` is the number of values per example in regression; `base_classes` that of the classes
    in the training split, behind which `Episode.classes` points.
    """

    input_shape: tuple[int, ...]
    ways: int
    shots: int
    chosen_backbone: Backbone | None = None
    task: Task = CLASSIFICATION
    targets: int = 1
    base_classes: int = 0

    @property
    def outputs(self) -> int:
        """The numbers predicted per query: one per class, or one per target in regression."""
        return self.ways if self.task == CLASSIFICATION else self.targets

    def backbone(self, norm: Norm = "running") -> Embedding:
        """Returns a new embedding network, as chosen by the user, for this task's inputs."""
        if self.chosen_backbone is None:
            raise BenchError("this algorithm needs a backbone; name one with --backbone")
        return self.chosen_backbone.build(self.input_shape, norm)


class Algorithm(nn.Module, ABC):
    """A few-shot learner. One method must be written: `adapt`.

    An algorithm without parameters is never trained.
    """

    name: ClassVar[str]
    family: ClassVar[str] = "other"
    paper: ClassVar[str] = ""
    backbone: ClassVar[str | None] = "conv4"
    """The backbone for images unless the user names one; None if the method has no use for any."""
    training_plan: ClassVar[TrainingPlan] = TrainingPlan()
    tasks: ClassVar[tuple[Task, ...]] = (CLASSIFICATION,)
    not_for: ClassVar[str] = "it predicts one of the support's classes, and a curve has none"
    """Why it does not take the other task, as a clause; shown to whoever asks for it."""
    regression_plan: ClassVar[TrainingPlan] = TrainingPlan(
        steps=15_000, meta_batch=25, shots=10, queries=10
    )
    """As `training_plan`, for regression."""
    regression_defaults: ClassVar[Mapping[str, Value]] = {}
    """Hyperparameters whose defaults are others in regression."""
    any_way: ClassVar[bool] = False
    """Whether `adapt` takes supports of any number of classes, not only `spec.ways`."""
    test_parameters: ClassVar[tuple[str, ...]] = ()
    """Hyperparameters that no training step and no state reads: `bench evaluate` may set others.

    Validation may read them, and so they may have a say in which weights of a training are kept.
    """
    requires: ClassVar[tuple[str, ...]] = ()
    """Optional packages it cannot do without; see `bench install`."""
    transduction: str = ""
    """How queries inform each other's predictions; empty if each is judged alone."""
    support_order: str = ""
    """Why predictions depend on the order of the support; empty if they do not."""
    approximate_gradient: str = ""
    """Why the gradient of training is not the slope of `loss`, as in first-order methods."""

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def adapt(self, support: Examples) -> Predictor:
        """Returns what was learnt from the support set (s, ...), as a function of query inputs.

        Called in training mode within `loss`, in evaluation mode when tested, each time with
        gradients enabled; the predictor is tested without them. It must leave parameters and
        buffers as they were and keep nothing on `self`.
        """

    def loss(self, episode: Episode) -> Tensor:
        """Returns the training loss of one episode, a scalar: `task_loss` on the query set."""
        predict = self.adapt(episode.support)
        if not callable(predict):
            raise TypeError(f"adapt returned {predict!r}, not a function from queries to logits")
        answer = predict(episode.query.inputs)
        of_class = self.spec.task == CLASSIFICATION
        width = episode.query.n_way if of_class else self.spec.targets
        if answer.shape != (len(episode.query), width):
            raise ValueError(
                f"the predictor returned shape {tuple(answer.shape)}, not "
                f"(queries, {'ways' if of_class else 'targets'}) = {(len(episode.query), width)}"
            )
        return self.task_loss(answer, episode.query.targets)

    def task_loss(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Returns the mean loss over a task's examples, summed over leading axes, if any.

        Cross-entropy of logits (..., s, n) with targets (..., s); in regression the squared error
        of values (..., s, d) with targets (..., s, d), averaged over d, too.
        """
        if self.spec.task == REGRESSION:
            return (predictions - targets).square().mean((-2, -1)).sum()
        total = F.cross_entropy(predictions.flatten(0, -2), targets.flatten(), reduction="sum")
        return total / targets.shape[-1]

    def settle(self, episodes: Iterator[Episode]) -> None:
        """Sets buffers that follow from weights and training data, such as a mean of features.

        Called in evaluation mode, without gradients, before every validation and before the
        test, always with the same endless training episodes; take as many as you need. Not called
        on data without a train split: buffers then stay as they were made.
        """

    def optimizer(self) -> torch.optim.Optimizer:
        """Returns the optimiser of the meta-parameters: Adam with the rate `self.lr`, or 1e-3."""
        return torch.optim.Adam(self.parameters(), lr=getattr(self, "lr", 1e-3))

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        """Does one step on a meta-batch and returns its mean loss."""
        optimizer.zero_grad()
        total = torch.zeros(())
        for episode in episodes:
            loss = self.loss(episode) / len(episodes)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach().cpu()
        optimizer.step()
        return total.item()


class EmbeddingLearner(Algorithm):
    """A learner that compares features: it says how features of support and query become logits.

    In evaluation the embedding of an input must depend on that input alone; then the harness
    embeds every test image once and scores many episodes together, which gives the same numbers
    as `adapt`. In training, support and query go through the network in one batch.
    """

    any_way = True

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec)
        self.embedding: Embedding = spec.backbone()

    @abstractmethod
    def scores(self, support: Examples, query: Tensor) -> Tensor:
        """Returns logits (..., m, n) from features: support (..., s, d) and query (..., m, d).

        The leading axes, if any, are tasks; targets have shape (..., s).
        """

    def embed(self, inputs: Tensor) -> Tensor:
        """Returns the features (b, d) of inputs (b, ...)."""
        features: Tensor = self.embedding(inputs)
        return features

    def adapt(self, support: Examples) -> Predictor:
        known = Examples(self.embed(support.inputs), support.targets, support.n_way)
        return lambda query: self.scores(known, self.embed(query))

    def loss(self, episode: Episode) -> Tensor:
        support, query = episode.support, episode.query
        features = self.embed(torch.cat([support.inputs, query.inputs]))
        known = Examples(features[: len(support)], support.targets, support.n_way)
        return self.task_loss(self.scores(known, features[len(support) :]), query.targets)
