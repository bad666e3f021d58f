"""SNAIL (Mishra et al. 2018): temporal convolutions and causal attention over the labelled past."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    Examples,
    StreamLearner,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)

_QUERIES_AT_ONCE = 4096
"""Each query has some thousand features by the end of the network."""


class SNAIL(StreamLearner):
    """Reads the support with its labels, then a query without one, and says what that one's is.

    Attention, a temporal block, attention, a temporal block, attention and a linear layer: the
    paper's network for Omniglot, without the linear layer of its embedding. The loss is that of
    the sequence's last element, as there. All queries of an episode share one pass over the
    support: labelled examples and questions go through the network in two lanes, and a question
    sees the labelled ones before it, and itself. So each query is judged on its own. Predictions
    depend on the order of the support.

    Args:
        lr: learning rate of Adam.
        filters: channels that each layer of a temporal block adds.
        key: size of the keys of the first attention; the second's are 4, the third's 8 times that.
        value: size of what the first attention reads; the others' likewise.
        every_instance: train on streams of support and query in which each example is asked for,
            as `bench instances` tests them, instead of on the last one.
    """

    name = "snail"
    family = "memory"
    paper = "Mishra, Rohaninejad, Chen, Abbeel 2018, arXiv:1707.03141"
    training_plan = TrainingPlan(steps=3000, meta_batch=4, queries=3, schedule="cosine")

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        filters: int = 128,
        key: int = 64,
        value: int = 32,
        every_instance: bool = False,
    ) -> None:
        super().__init__(spec)
        if min(filters, key, value) < 1:
            raise BenchError(f"filters {filters}, key {key} and value {value} must be positive")
        self.lr, self.filters, self.key, self.value = lr, filters, key, value
        self.every_instance = every_instance
        length = spec.ways * spec.shots + 1
        size = self.embedding.out_features + spec.ways
        self.blocks = nn.ModuleList()
        for times in (1, 4, 8):
            self.blocks.append(Attention(size, times * key, times * value))
            size += times * value
            if times < 8:
                temporal = TemporalBlock(size, filters, length)
                self.blocks.append(temporal)
                size += filters * len(temporal.mixers)
        self.answer = nn.Linear(size, spec.ways)

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        places = torch.arange(features.shape[1], device=features.device)
        return self.ask(features, targets, features, places)

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        *tasks, m, d = query.shape
        known = support.inputs.reshape(-1, len(support), d)
        targets = support.targets.reshape(-1, len(support))
        places = targets.new_full((m,), len(support))
        each = max(1, _QUERIES_AT_ONCE // m)
        parts = (torch.split(part, each) for part in (known, targets, query.reshape(-1, m, d)))
        logits = [self.ask(k, t, q, places) for k, t, q in zip(*parts, strict=True)]
        return torch.cat(logits).view(*tasks, m, -1)

    def stream_loss(self, support: Examples, query: Examples) -> Tensor:
        if self.every_instance:
            return super().stream_loss(support, query)
        logits = self.scores(support, query.inputs)
        return F.cross_entropy(logits.flatten(0, 1), query.targets.flatten())

    def ask(self, known: Tensor, targets: Tensor, asked: Tensor, places: Tensor) -> Tensor:
        """Returns logits (t, m, n) of questions (t, m, d) among labelled examples (t, s, d).

        Question j stands where `places[j]` (m,) of the labelled ones are before it.
        """
        labels = F.one_hot(targets, self.spec.ways).to(known.dtype)
        known = torch.cat([known, labels], -1)
        asked = F.pad(asked, (0, self.spec.ways))
        for block in self.blocks:
            more, found = block(known, asked, places)
            known, asked = torch.cat([known, more], -1), torch.cat([asked, found], -1)
        logits: Tensor = self.answer(asked)
        return logits


class TemporalBlock(nn.Module):
    """Causal convolutions of width 2 with dilations 1, 2, 4, ..., densely connected and gated."""

    def __init__(self, size: int, filters: int, length: int) -> None:
        super().__init__()
        self.mixers = nn.ModuleList(
            nn.Linear(2 * (size + i * filters), 2 * filters)
            for i in range(math.ceil(math.log2(length)))
        )

    def forward(self, known: Tensor, asked: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what the block adds to both lanes, (t, s, a) and (t, m, a)."""
        s, size = known.shape[1:]
        for i, mixer in enumerate(self.mixers):
            past = F.pad(known, (0, 0, 2**i, 0))  # at p: the example 2**i before place p, or zeros
            more = _gated(mixer(torch.cat([past[:, :s], known], -1)))
            found = _gated(mixer(torch.cat([past[:, places], asked], -1)))
            known, asked = torch.cat([known, more], -1), torch.cat([asked, found], -1)
        return known[..., size:], asked[..., size:]


class Attention(nn.Module):
    """Soft attention of each place to itself and the labelled examples before it."""

    def __init__(self, size: int, key: int, value: int) -> None:
        super().__init__()
        # A bias of the keys would raise all that a place sees alike, which softmax forgets.
        self.key, self.query = nn.Linear(size, key, bias=False), nn.Linear(size, key)
        self.value = nn.Linear(size, value)

    def forward(self, known: Tensor, asked: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what is read in both lanes, (t, s, v) and (t, m, v)."""
        order = torch.arange(known.shape[1], device=known.device)
        keys, values = self.key(known), self.value(known)
        return (
            self._read(known, keys, values, order),
            self._read(asked, keys, values, places),
        )

    def _read(self, lane: Tensor, keys: Tensor, values: Tensor, places: Tensor) -> Tensor:
        """Returns what a lane (t, m, d) reads of the past (t, s, ...) and of itself, (t, m, v)."""
        query = self.query(lane) / math.sqrt(keys.shape[-1])
        itself = (query * self.key(lane)).sum(-1, keepdim=True)
        hidden = torch.arange(keys.shape[1], device=keys.device) >= places.unsqueeze(-1)  # (m, s)
        fit = (query @ keys.mT).masked_fill(hidden, -torch.inf)
        weights = torch.cat([itself, fit], -1).softmax(-1)
        read: Tensor = weights[..., :1] * self.value(lane) + weights[..., 1:] @ values
        return read


def _gated(both: Tensor) -> Tensor:
    """Returns tanh of one half of the channels, times the sigmoid of the other."""
    content, gate = both.chunk(2, -1)
    return content.tanh() * gate.sigmoid()


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [SNAIL]
