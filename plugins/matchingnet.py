"""Matching Networks (Vinyals et al. 2016): the answer is that of the support, by attention."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    EmbeddingLearner,
    Examples,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)


class MatchingNet(EmbeddingLearner):
    """Gives a query the labels of the support, weighted by a softmax of scaled cosines.

    A class's probability is the sum of the attention on its examples; the loss is minus the
    logarithm of the right one's, and the predictor returns these logarithms. The paper's softmax
    takes the cosines as they are. They end at -1 and 1, so one example can be at most e^2 times
    as likely as another: with 5 ways of one shot no probability exceeds 0.65, the loss never
    goes below 0.43, and gradients go on pushing apart what is right already. Hence `scale`; 1 is
    the paper.

    With `fce` (the paper's appendix), support features pass through a bidirectional LSTM, and a
    query's through an LSTM that reads the support by attention, each with a skip connection. The
    first reads the support as a sequence: predictions depend on its order. That is the order in
    which the examples are given, which the harness draws at random for each episode; sorting by
    label would only hide the dependence, as labels are random too. The state of the second starts
    at zero, so that its first read-out is the mean of the support.

    The authors published no code. Trained, like ProtoNet, with more ways than tested, where the
    paper's principle is to train as one tests.

    Args:
        lr: learning rate of Adam.
        scale: what cosines are multiplied with before the softmax; the start of it if learnt.
        learn_scale: learn the scale (its logarithm) with the weights.
        fce: full context embeddings.
        fce_steps: read-outs of the support by a query, with fce.
    """

    name = "matchingnet"
    family = "metric"
    paper = "Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra 2016, arXiv:1606.04080"
    training_plan = TrainingPlan(steps=1500, ways=60, queries=5, schedule="cosine")
    not_for = "it shares out probability among the support's classes, and a curve has none"

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        scale: float = 20.0,
        learn_scale: bool = False,
        fce: bool = False,
        fce_steps: int = 5,
    ) -> None:
        super().__init__(spec)
        if scale <= 0:
            raise BenchError(f"scale is {scale}; it must be positive, such as 20")
        if fce_steps < 1:
            raise BenchError(f"fce_steps is {fce_steps}; it must be at least 1")
        self.lr, self.scale, self.learn_scale = lr, scale, learn_scale
        self.fce, self.fce_steps = fce, fce_steps
        if learn_scale:
            self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        if fce:
            width = self.embedding.out_features
            self.support_lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
            # The paper appends the read-out to the state; a gate sums over state and input alike.
            self.query_lstm = nn.LSTMCell(2 * width, width)
            self.support_order = "a bidirectional LSTM reads the support in the order given"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        known = support.inputs
        if self.fce:
            known = self.support_in_context(known)
            query = self.query_in_context(known, query)
        scale = self.log_scale.exp() if self.learn_scale else self.scale
        cosines = F.normalize(query, dim=-1) @ F.normalize(known, dim=-1).mT
        return log_class_sums(scale * cosines, support.targets, support.n_way).log_softmax(-1)

    def support_in_context(self, support: Tensor) -> Tensor:
        """Returns g of features (..., s, d), which depends on their order."""
        states: Tensor = self.support_lstm(support.reshape(-1, *support.shape[-2:]))[0]
        forward, backward = states.chunk(2, dim=-1)
        return support + (forward + backward).view_as(support)

    def query_in_context(self, known: Tensor, query: Tensor) -> Tensor:
        """Returns f of features (..., m, d) that read the support's g (..., s, d)."""
        asked = query.reshape(-1, query.shape[-1])
        state, cell = torch.zeros_like(asked), torch.zeros_like(asked)
        for _ in range(self.fce_steps):
            attention = (state.view_as(query) @ known.mT).softmax(-1)
            read = (attention @ known).view_as(asked)
            state, cell = self.query_lstm(torch.cat([asked, read], -1), (state, cell))
            state = state + asked
        return state.view_as(query)


def log_class_sums(logits: Tensor, targets: Tensor, n_way: int) -> Tensor:
    """Returns log sum exp over the examples of each class, (..., m, n), of logits (..., m, s).

    Each class's own maximum is taken out first, so that none underflows beside another.
    """
    labels = targets.unsqueeze(-2).expand(logits.shape)
    lowest = logits.new_full((*logits.shape[:-1], n_way), -math.inf)
    top = lowest.scatter_reduce(-1, labels, logits.detach(), "amax")
    shares = (logits - top.gather(-1, labels)).exp()
    return top + (shares @ F.one_hot(targets, n_way).to(shares.dtype)).log()


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [MatchingNet]
