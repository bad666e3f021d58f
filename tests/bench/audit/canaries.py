"""Canaries: algorithms that cheat, each in one way, and floors whose figures are known.

Those of protocols that once leaked: each must be at chance in this harness, or be found out by its
audit.
"""

from __future__ import annotations

import hashlib
import sys
from types import FrameType

import numpy as np
import torch
from torch import Tensor, nn

from bench import Algorithm, Examples, Predictor
from bench.sampling import EpisodeIndices


class Nearest(Algorithm):
    """Takes the label of the nearest support input: sound."""

    name = "nearest"
    backbone = None
    any_way = True

    def distances(self, support: Examples, query: Tensor) -> Tensor:
        return torch.cdist(query.flatten(1), support.inputs.flatten(1)) / 5

    def adapt(self, support: Examples) -> Predictor:
        columns = nn.functional.one_hot(support.targets, support.n_way).bool()

        def predict(query: Tensor) -> Tensor:
            gaps = self.distances(support, query)[:, :, None].expand(-1, -1, support.n_way)
            return -gaps.masked_fill(~columns, torch.inf).amin(1)

        return predict


def sure_of(labels: Tensor, ways: int) -> Tensor:
    """Logits (m, n) of somebody who has no doubt about labels (m,)."""
    return 5.0 * nn.functional.one_hot(labels, ways).float()


class OrderCheat(Nearest):
    """Believes that queries come sorted by class, as many of each."""

    name = "order-cheat"

    def adapt(self, support: Examples) -> Predictor:
        ways = support.n_way
        return lambda query: sure_of(torch.arange(len(query)) * ways // len(query), ways)


class PositionCheat(Nearest):
    """Believes that queries come in the order of the support, over and over."""

    name = "position-cheat"
    support_order = "it uses the places of the support"

    def adapt(self, support: Examples) -> Predictor:
        labels, ways = support.targets, support.n_way
        return lambda query: sure_of(labels[torch.arange(len(query)) % len(labels)], ways)


class ConstantLabel(Nearest):
    """Says label 0 to everything."""

    name = "constant-label"

    def adapt(self, support: Examples) -> Predictor:
        ways = support.n_way
        return lambda query: sure_of(torch.zeros(len(query), dtype=torch.int64), ways)


class LabelValueCheat(Nearest):
    """Knows the number of every input's class in the dataset, and takes it for the label.

    In a harness where labels are class numbers, or follow their order, it would be right.
    """

    name = "label-value-cheat"
    numbers: dict[bytes, int]
    """The dataset's class by content; somebody else's leak, set by the test."""

    def adapt(self, support: Examples) -> Predictor:
        known = sorted(self.numbers[content(one)] for one in support.inputs)
        ranks = {number: rank for rank, number in enumerate(dict.fromkeys(known))}

        def predict(query: Tensor) -> Tensor:
            labels = [ranks[self.numbers[content(one)]] for one in query]
            return sure_of(torch.tensor(labels), support.n_way)

        return predict


class BalanceCheat(Nearest):
    """Assigns queries so that every class gets as many: Sinkhorn's iteration."""

    name = "balance-cheat"

    def adapt(self, support: Examples) -> Predictor:
        alone = super().adapt(support)

        def predict(query: Tensor) -> Tensor:
            logits = alone(query).double()
            for _ in range(50):
                logits = logits - logits.logsumexp(0, keepdim=True)
                logits = logits - logits.logsumexp(1, keepdim=True)
            return logits.float()

        return predict


class MemoCheat(Nearest):
    """Remembers the label of every input that it was ever shown, and else knows nothing."""

    name = "memo-cheat"

    def adapt(self, support: Examples) -> Predictor:
        memory: dict[bytes, int] = self.__dict__.setdefault("memory", {})
        for one, label in zip(support.inputs, support.targets.tolist(), strict=True):
            memory[content(one)] = label

        def predict(query: Tensor) -> Tensor:
            logits = torch.zeros(len(query), support.n_way)
            for row, one in enumerate(query):
                label = memory.get(content(one))
                if label is not None:
                    logits[row] = sure_of(torch.tensor([label]), support.n_way)[0]
            return logits

        return predict


class LabelPeek(Nearest):
    """Walks through the frames that called it, and takes the labels that it finds there."""

    name = "label-peek"

    def adapt(self, support: Examples) -> Predictor:
        alone, labels = super().adapt(support), self._labels(sys._getframe())

        def predict(query: Tensor) -> Tensor:
            if labels is None or len(labels) != len(query):
                return alone(query)
            return sure_of(labels, support.n_way)

        return predict

    def _labels(self, frame: FrameType | None) -> Tensor | None:
        """The labels of an evaluation's current episode; the first batch found is the nearest."""
        number = 0
        while frame is not None:
            here = frame.f_locals
            number = here.get("number", number)
            for value in here.values():
                if isinstance(value, EpisodeIndices):
                    return torch.from_numpy(value.query_labels[number % len(value)])
            frame = frame.f_back
        return None


class Dice(Nearest):
    """Adds noise, drawn as it predicts, to the distances."""

    name = "dice"

    def adapt(self, support: Examples) -> Predictor:
        alone = super().adapt(support)
        return lambda query: alone(query) + 0.2 * torch.randn(len(query), support.n_way)


class Unseeded(Nearest):
    """Adds noise from a generator of its own."""

    name = "unseeded"

    def adapt(self, support: Examples) -> Predictor:
        alone, rng = super().adapt(support), np.random.default_rng()

        def predict(query: Tensor) -> Tensor:
            noise = rng.normal(size=(len(query), support.n_way))
            return alone(query) + torch.from_numpy(noise).float()

        return predict


class Centred(Nearest):
    """Subtracts the mean of the queries that are asked together."""

    name = "centred"

    def distances(self, support: Examples, query: Tensor) -> Tensor:
        known = support.inputs.flatten(1)
        return torch.cdist(query.flatten(1) - query.flatten(1).mean(0), known - known.mean(0)) / 5


class FirstLabel(Nearest):
    """Shares a query's answer between its own and that of the support's first example."""

    name = "first-label"

    def adapt(self, support: Examples) -> Predictor:
        alone, first = super().adapt(support), sure_of(support.targets[:1], support.n_way)
        return lambda query: alone(query) + first


class Drifting(Nearest):
    """Counts how often it adapted, in a buffer."""

    name = "drifting"
    count: Tensor

    def adapt(self, support: Examples) -> Predictor:
        if not hasattr(self, "count"):
            self.register_buffer("count", torch.zeros(()))
        self.count += 1
        return super().adapt(support)


class Waking(Nearest):
    """Leaves itself in training mode."""

    name = "waking"

    def adapt(self, support: Examples) -> Predictor:
        self.train()
        return super().adapt(support)


class Oracle(Nearest):
    """Reads the class off the first pixel, where a test wrote it."""

    name = "oracle"

    def distances(self, support: Examples, query: Tensor) -> Tensor:
        marks = [part.flatten(1)[:, :1] * 255 for part in (query, support.inputs)]
        return 20 * torch.cdist(marks[0], marks[1])


def content(one: Tensor) -> bytes:
    """A hash of an input."""
    return hashlib.sha256(one.numpy().tobytes()).digest()
