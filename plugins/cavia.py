"""CAVIA (Zintgraf et al. 2019): a few context parameters are fitted to a task, no weight is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import Algorithm, BenchError, Examples, Norm, Predictor, TaskSpec, TrainingPlan, hookimpl

from ._film import FilmNetwork, SharedWeightsLearner, modulate
from .maml import Prediction


class CAVIA(SharedWeightsLearner):
    """Takes gradient steps on context parameters that start at zero, and learns all the rest.

    Images: a linear layer turns the context into a scale and a shift for each channel of one
    convolutional block, after batch norm and pooling, as in the authors' code. Other inputs, and
    backbones that read anything: the context is appended to the input. The meta-gradient is that
    of the loss after the steps, second derivatives included, clamped to +-10 as in that code.

    Deviations from it: the linear layer predicts the scale's difference from one, and its bias
    starts at zero, so that an empty context leaves the network as it is. In classification the
    inner rate is ten times theirs and the outer rate three times, for the sake of a short training.
    Batch norm keeps running averages, and each query is judged alone; there, it uses the
    statistics of the batch at hand, queries together, which `norm=batch` does. In regression the
    clamp is on the mean over tasks, there on each task's.

    Args:
        lr: learning rate of the outer loop (Adam).
        context: number of context parameters.
        inner_lr: step size on the context, on the mean loss over the support.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        layer: the convolutional block that is modulated, counted from 1.
        first_order: leave out second derivatives.
        norm: statistics of batch norm in evaluation: running (each query is judged alone) or batch
            (as published: the queries share theirs).
        prediction: which queries share a batch's statistics when tested; transductive (all) or
            support-plus-one (none: each is appended to the support).
    """

    name = "cavia"
    family = "task embedding"
    paper = "Zintgraf, Shiarlis, Kurin, Hofmann, Whiteson 2019, arXiv:1810.03642"
    tasks = ("classification", "regression")
    test_parameters = ("test_steps", "prediction")
    training_plan = TrainingPlan(steps=1800, meta_batch=16, queries=1, schedule="cosine")
    regression_defaults: ClassVar = {
        "lr": 1e-3,
        "context": 5,
        "inner_lr": 1.0,
        "inner_steps": 1,
        "test_steps": 1,
    }
    largest_slope = 10.0

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 3e-3,
        context: int = 100,
        inner_lr: float = 10.0,
        inner_steps: int = 2,
        test_steps: int = 2,
        layer: int = 3,
        first_order: bool = False,
        norm: Norm = "running",
        prediction: Prediction = "transductive",
    ) -> None:
        super().__init__(spec)
        if inner_lr <= 0 or context < 1 or inner_steps < 1 or test_steps < 1:
            raise BenchError(
                f"inner_lr {inner_lr}, context {context}, inner_steps {inner_steps} and test_steps "
                f"{test_steps} must be positive"
            )
        self.lr, self.context, self.inner_lr, self.first_order = lr, context, inner_lr, first_order
        self.inner_steps, self.test_steps = inner_steps, test_steps
        self.layer, self.norm = layer, norm
        of_images = spec.chosen_backbone is not None and spec.chosen_backbone.reads == "images"
        self.body: FilmedBody | AppendedBody
        if of_images:
            self.body = FilmedBody(spec, context, layer, norm)
        else:
            self.body = AppendedBody(spec, context, norm)
        self.head = nn.Linear(self.body.out_features, spec.outputs)
        self.declare(self.body)
        self.prediction = prediction
        self.with_support = prediction == "support-plus-one" and self.shares_statistics
        if self.with_support:
            self.transduction = ""

    def learn(self, support: Examples) -> Predictor:
        second_order = self.training and not self.first_order
        with torch.set_grad_enabled(self.training):
            below = self.body.below(support.inputs)
        context = support.inputs.new_zeros(len(support.inputs), self.context, requires_grad=True)
        for _ in range(self.inner_steps if self.training else self.test_steps):
            answer = self.head(self.body.above(below, context))
            loss = self.task_loss(answer, support.targets)  # a sum over tasks: each its own slope
            (slope,) = torch.autograd.grad(loss, context, create_graph=second_order)
            context = context - self.inner_lr * slope

        def predict(query: Tensor) -> Tensor:
            logits: Tensor = self.head(self.body.above(self.body.below(query), context))
            return logits

        def apart(query: Tensor) -> Tensor:
            singles = [
                torch.cat([support.inputs, one], 1) for one in query.chunk(query.shape[1], 1)
            ]
            return torch.cat([predict(single)[:, -1:] for single in singles], 1)

        return apart if self.with_support and not self.training else predict


class FilmedBody(nn.Module):
    """A network with one block modulated by the context, which does not change what is below."""

    def __init__(self, spec: TaskSpec, context: int, layer: int, norm: Norm) -> None:
        super().__init__()
        self.network = FilmNetwork(spec, norm)
        self.out_features, self.depth = self.network.out_features, len(self.network.channels)
        if not 1 <= layer <= self.depth:
            raise BenchError(f"layer is {layer}; the backbone has blocks 1 to {self.depth}")
        self.number = layer - 1
        self.film = nn.Linear(context, 2 * self.network.channels[self.number])
        nn.init.kaiming_uniform_(self.film.weight, nonlinearity="linear")
        nn.init.zeros_(self.film.bias)

    def below(self, inputs: Tensor) -> Tensor:
        """Returns the maps (t*b, c, h, w) to be modulated, from inputs (t, b, ...)."""
        maps = inputs.flatten(0, 1)
        for number in range(self.number):
            maps = F.relu(self.network.block(number, maps))
        return self.network.block(self.number, maps)

    def above(self, maps: Tensor, context: Tensor) -> Tensor:
        """Returns features (t, b, d) from those maps and the tasks' contexts (t, p)."""
        scale, shift = self.film(context).chunk(2, -1)
        maps = F.relu(modulate(maps, 1 + scale, shift))
        for number in range(self.number + 1, self.depth):
            maps = F.relu(self.network.block(number, maps))
        return self.network.features(maps, len(context))


class AppendedBody(nn.Module):
    """A network that reads the context behind each input."""

    def __init__(self, spec: TaskSpec, context: int, norm: Norm) -> None:
        super().__init__()
        width = math.prod(spec.input_shape) + context
        self.network = replace(spec, input_shape=(width,)).backbone(norm)
        self.out_features = self.network.out_features

    def below(self, inputs: Tensor) -> Tensor:
        """Returns the inputs (t, b, ...) as vectors."""
        return inputs.flatten(2)

    def above(self, vectors: Tensor, context: Tensor) -> Tensor:
        """Returns features (t, b, d) from those vectors and the tasks' contexts (t, p)."""
        beside = context.unsqueeze(1).expand(-1, vectors.shape[1], -1)
        features: Tensor = self.network(torch.cat([vectors, beside], -1).flatten(0, 1))
        return features.view(*vectors.shape[:2], -1)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [CAVIA]
