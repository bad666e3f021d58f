"""Stream learners: labelled examples come one after another, each predicted before its label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.algorithm import EmbeddingLearner
from bench.episodes import Episode, Examples

_READ_TOGETHER = 1024
"""Streams, when each query is the end of one of its own."""


class StreamLearner(EmbeddingLearner):
    """A learner that reads examples in their order and predicts each from those before it.

    `read` must be written; all else follows. In an episode the support is the stream's beginning,
    and each query, on its own, its end: queries do not inform each other, and their labels are
    never read. The order of the support may matter. Training reads all episodes of a meta-batch
    side by side.
    """

    any_way = False
    support_order = "it reads the support as a stream, one example after another"

    @abstractmethod
    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        """Returns logits (t, l, n) of t streams from features (t, l, d) and targets (t, l).

        The logits at a place may depend on the features up to that place and on the targets
        before it, nothing else; `bench instances` makes sure of that.
        """

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        """Returns logits (..., m, n): by reading, for each query, the support and then it."""
        *tasks, s, d = support.inputs.shape
        known, labels = support.inputs.reshape(-1, 1, s, d), support.targets.reshape(-1, 1, s)
        asked = query.reshape(len(known), -1, 1, d)
        each = asked.shape[1]
        inputs = torch.cat([known.expand(-1, each, -1, -1), asked], 2).flatten(0, 1)
        targets = F.pad(labels.expand(-1, each, -1), (0, 1)).flatten(0, 1)  # 0 for the query
        streams = zip(
            torch.split(inputs, _READ_TOGETHER), torch.split(targets, _READ_TOGETHER), strict=True
        )
        logits = torch.cat([self.read(*some)[:, -1] for some in streams])
        return logits.view(*tasks, each, -1)

    def stream_loss(self, support: Examples, query: Examples) -> Tensor:
        """Returns the mean training loss of t tasks, from features (t, s, d) and (t, m, d).

        Support and query become one stream in random order; every example of it is predicted.
        """
        inputs = torch.cat([support.inputs, query.inputs], 1)
        targets = torch.cat([support.targets, query.targets], 1)
        order = torch.rand(targets.shape).argsort(1).to(targets.device)
        inputs = inputs.gather(1, order.unsqueeze(-1).expand_as(inputs))
        targets = targets.gather(1, order)
        return F.cross_entropy(self.read(inputs, targets).flatten(0, 1), targets.flatten())

    def loss(self, episode: Episode) -> Tensor:
        return self._loss([episode])

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        optimizer.zero_grad()
        loss = self._loss(episodes)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    def _loss(self, episodes: Sequence[Episode]) -> Tensor:
        """Returns the mean loss of episodes of one shape, embedded in one batch."""
        parts = [part for episode in episodes for part in (episode.support, episode.query)]
        features = self.embed(torch.cat([part.inputs for part in parts]))
        features = features.view(len(episodes), -1, *features.shape[1:])
        cut = len(parts[0])
        support, query = (torch.stack([part.targets for part in parts[i::2]]) for i in (0, 1))
        return self.stream_loss(
            Examples(features[:, :cut], support, parts[0].n_way),
            Examples(features[:, cut:], query, parts[0].n_way),
        )
