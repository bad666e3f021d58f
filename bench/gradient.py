"""Gradient learners: a task is solved by steps from shared weights, many tasks at a time.

The contract is a pure function, `inner_loop`, from weights and support to weights. Written for one
task, it serves t tasks as well if every tensor simply has a leading task axis: weights (t, ...),
inputs (t, s, ...), targets (t, s). So the harness runs a meta-batch together where it can; the
plain path, one task at a time through `torch.func.functional_call`, is the reference.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.algorithm import Algorithm, Predictor, TaskSpec
from bench.backbones import Norm
from bench.episodes import Episode, Examples
from bench.taskbatch.network import Model, Weights, batched
from bench.workers import in_parallel, one_thread

TOGETHER, NUMBERS = 8, 1 << 18
"""Tasks per part, and input numbers in it, at most: their maps should stay in the cache."""
TINY = 1 << 12
"""Input numbers of all tasks up to which they are one part: threads would wait for each other."""

Answer = TypeVar("Answer")
Work = Callable[[Model, Weights, Examples, slice], Answer]
"""From the network as a function, weights, and support of some tasks, and which tasks these are."""

Gradients = tuple[Tensor | None, ...]

Prediction = Literal["transductive", "support-plus-one"]
"""Which queries share a batch, in a test, where batch norm uses its statistics: all, or none."""


class GradientLearner(Algorithm):
    """A learner that fits a copy of its network to each task by gradient steps.

    The network is the backbone and a linear layer. One method must be written: `inner_loop`. Two
    more are pure functions of the same kind, to be overridden where a method predicts or learns
    otherwise: `predict` and `meta_loss`.

    Args:
        norm: statistics of batch norm in evaluation, see `Norm`.
        prediction: which queries share these in evaluation; support-plus-one is `predict_apart`.
    """

    def __init__(
        self, spec: TaskSpec, *, norm: Norm = "batch", prediction: Prediction = "transductive"
    ) -> None:
        super().__init__(spec)
        self.norm, self.prediction = norm, prediction
        embedding = spec.backbone(norm)
        self.network = nn.Sequential(embedding, nn.Linear(embedding.out_features, spec.outputs))
        if embedding.shares_statistics:
            self.transduction = "batch norm uses the statistics of all queries together"
        self.with_support = prediction == "support-plus-one" and bool(self.transduction)
        if self.with_support:
            self.transduction = ""

    @abstractmethod
    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        """Returns the weights that the support leads to, starting from `weights`.

        A pure function: it keeps nothing, draws no random numbers, and combines weights,
        gradients and hyperparameters elementwise. Then it serves one task (weights of the
        network's own shapes, inputs (s, ...), targets (s,)) and t tasks at once (a leading axis
        t on all of them). `model(weights, inputs)` gives logits, `task_loss` the loss, summed
        over tasks, so that `torch.autograd.grad` gives each task its own gradient.
        """

    def predict(self, model: Model, weights: Weights, support: Examples, query: Tensor) -> Tensor:
        """Returns the logits (..., m, n) of queries (..., m, *input) under fitted weights."""
        if self.with_support and not self.training:
            return self.predict_apart(model, weights, support, query)
        return model(weights, query)

    def predict_apart(
        self, model: Model, weights: Weights, support: Examples, query: Tensor
    ) -> Tensor:
        """Returns what `predict` does, each query in a batch with the support and no other query.

        So no query informs another where batch norm uses the statistics of the batch.
        """
        axis = query.ndim - 1 - len(self.spec.input_shape)
        outputs = [
            model(weights, torch.cat([support.inputs, one], axis)).narrow(axis, len(support), 1)
            for one in query.chunk(query.shape[axis], axis)
        ]
        return torch.cat(outputs, axis)

    def meta_loss(
        self, model: Model, weights: Weights, support: Examples, query: Examples
    ) -> Tensor:
        """Returns what training brings down, summed over tasks: the loss of fitted weights."""
        fitted = self.inner_loop(model, weights, support)
        return self.task_loss(self.predict(model, fitted, support, query.inputs), query.targets)

    def adapt(self, support: Examples) -> Predictor:
        weights = self.inner_loop(self._plain, dict(self.network.named_parameters()), support)
        return lambda query: self.predict(self._plain, weights, support, query)

    def loss(self, episode: Episode) -> Tensor:
        if type(self).adapt is not GradientLearner.adapt:
            return super().loss(episode)
        weights = dict(self.network.named_parameters())
        return self.meta_loss(self._plain, weights, episode.support, episode.query)

    @property
    def takes_tasks_together(self) -> bool:
        """Whether `over_tasks` runs tasks together: the network allows it, `adapt` is our own."""
        own = type(self).adapt is not GradientLearner.adapt
        return not own and batched(self.network) is not None

    def over_tasks(self, support: Examples, work: Work[Answer]) -> list[Answer]:
        """Calls `work` on parts of t tasks, support (t, s, ...), in parallel; answers in order.

        A part is some of the tasks together, or one task without a leading axis where the network
        does not allow that.
        """
        shared = dict(self.network.named_parameters())
        model = batched(self.network) if self.takes_tasks_together else None
        if model is None:
            singles = [
                Examples(inputs, targets, support.n_way)
                for inputs, targets in zip(support.inputs, support.targets, strict=True)
            ]
            return [
                work(self._plain, shared, task, slice(i, i + 1)) for i, task in enumerate(singles)
            ]

        def together(part: slice) -> Answer:
            some = Examples(support.inputs[part], support.targets[part], support.n_way)
            tasks = len(some.inputs)
            weights = {name: weight.expand(tasks, *weight.shape) for name, weight in shared.items()}
            return work(model, weights, some, part)

        parts = _parts(support.inputs)
        if len(parts) > 1 or support.inputs.numel() > TINY:
            return in_parallel(together, parts)
        with one_thread():
            return [together(part) for part in parts]

    def predict_together(self, support: Examples, query: Tensor) -> Tensor:
        """Returns the logits (t, m, n) of t tasks' queries (t, m, ...), as `adapt` gives them.

        Only where `takes_tasks_together`.
        """

        def work(model: Model, weights: Weights, some: Examples, part: slice) -> Tensor:
            fitted = self.inner_loop(model, weights, some)
            with torch.no_grad():
                return self.predict(model, fitted, some, query[part])

        return torch.cat(self.over_tasks(support, work))

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        if type(self).loss is not GradientLearner.loss or not self.takes_tasks_together:
            return super().train_step(episodes, optimizer)
        query = stack_examples([episode.query for episode in episodes])
        parameters = [p for p in self.parameters() if p.requires_grad]

        def work(
            model: Model, weights: Weights, some: Examples, part: slice
        ) -> tuple[float, Gradients]:
            asked = Examples(query.inputs[part], query.targets[part], query.n_way)
            loss = self.meta_loss(model, weights, some, asked) / len(episodes)
            return loss.item(), torch.autograd.grad(loss, parameters, allow_unused=True)

        parts = self.over_tasks(stack_examples([episode.support for episode in episodes]), work)
        with one_thread():
            set_gradients(parameters, [gradients for _, gradients in parts])
            optimizer.step()
        return sum(loss for loss, _ in parts)

    def _plain(self, weights: Weights, inputs: Tensor) -> Tensor:
        """The network as a function of one task's weights and inputs: the reference."""
        logits: Tensor = functional_call(self.network, dict(weights), inputs)
        return logits


def stack_examples(tasks: Sequence[Examples]) -> Examples:
    """Returns examples with a leading task axis; tasks must be of one shape."""
    inputs = torch.stack([task.inputs for task in tasks])
    return Examples(inputs, torch.stack([task.targets for task in tasks]), tasks[0].n_way)


def set_gradients(parameters: Sequence[nn.Parameter], parts: Sequence[Gradients]) -> None:
    """Sets each parameter's gradient to the sum of what the parts, in order, give for it."""
    for parameter, gradients in zip(parameters, zip(*parts, strict=True), strict=True):
        known = [gradient for gradient in gradients if gradient is not None]
        parameter.grad = torch.stack(known).sum(0) if known else None


def _parts(inputs: Tensor) -> list[slice]:
    """Divides t tasks, inputs (t, s, ...), evenly among the threads; never too many in a part."""
    tasks = len(inputs)
    if inputs.is_cuda or inputs.numel() <= TINY:
        return [slice(0, tasks)]
    share = -(-tasks // torch.get_num_threads())
    size = max(1, min(TOGETHER, share, NUMBERS // max(1, inputs[0].numel())))
    return [slice(start, min(start + size, tasks)) for start in range(0, tasks, size)]
