"""MANN (Santoro et al. 2016): a recurrent controller that writes what it sees into a memory."""

from __future__ import annotations

from dataclasses import dataclass

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

_TINY = 1e-12
_QUERIES_AT_ONCE = 1024
"""Each query has a copy of its task's memory while it is answered."""


@dataclass(frozen=True)
class State:
    """What is carried from an example to the next, of t streams.

    Shapes, with c units, h heads, r rows of w numbers: hidden and cell (t, c), memory (t, r, w),
    weights (t, h, r) of the last reading, usage (t, r), words (t, h*w) last read.
    """

    hidden: Tensor
    cell: Tensor
    memory: Tensor
    weights: Tensor
    usage: Tensor
    words: Tensor

    def for_each(self, count: int) -> State:
        """Returns `count` copies of each stream's state, side by side."""
        return State(*(part.repeat_interleave(count, 0) for part in vars(self).values()))


class MANN(StreamLearner):
    """Reads examples with the label of the one before, and keeps them in an external memory.

    An LSTM writes to the least used rows of the memory or to those last read, and reads by
    cosine. As in the paper the label of an example arrives with the next one, and every example
    of a training stream, 5 classes in random order, is to be predicted. A query is shown to the
    memory as the support has left it, on its own, with the last label of the support.
    Predictions depend on the order of the support.

    After the reimplementation of T. Deleu rather than the paper: a head writes a vector of its
    own instead of its key, and how much goes to the rows last read is computed from the hidden
    state instead of learnt as a constant. Unlike there, each task has classes of its own. To
    learn sooner than in the paper's 100,000 episodes, the defaults differ from both: images are
    embedded (the paper's way is `--backbone identity`), classes come 3 times in a stream (not 10:
    `--train-queries 9`), reading is sharper, the rate higher (not 0.001), and the LSTM begins
    with open forget gates. On images that is still too short: the training plan ends near chance,
    when the memory knows which classes have come but not yet what they look like.

    Args:
        lr: learning rate of Adam.
        hidden: units of the LSTM.
        rows: rows of the memory.
        width: numbers in a row.
        heads: how many rows are read and written per example.
        decay: what is left of a row's usage from one example to the next.
        sharpness: what cosines are multiplied with before the softmax of reading; 1 in the paper.
    """

    name = "mann"
    family = "memory"
    paper = "Santoro, Bartunov, Botvinick, Wierstra, Lillicrap 2016, arXiv:1605.06065"
    backbone = "conv4-strided"
    training_plan = TrainingPlan(steps=2500, meta_batch=16, shots=1, queries=2)

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 3e-3,
        hidden: int = 200,
        rows: int = 128,
        width: int = 40,
        heads: int = 4,
        decay: float = 0.95,
        sharpness: float = 10.0,
    ) -> None:
        super().__init__(spec)
        if hidden < 1 or width < 1 or not 1 <= heads <= rows or not 0 <= decay <= 1:
            raise BenchError(
                f"hidden {hidden}, width {width} and heads {heads} must be positive, "
                f"rows {rows} at least as many as heads, and decay {decay} between 0 and 1"
            )
        self.lr, self.hidden, self.rows, self.width = lr, hidden, rows, width
        self.heads, self.decay, self.sharpness = heads, decay, sharpness
        self.enter = nn.Linear(self.embedding.out_features + spec.ways, 4 * hidden)
        with torch.no_grad():
            self.enter.bias[hidden : 2 * hidden] += 1.0  # at first, the cells forget little
        self.recur = nn.Linear(hidden + heads * width, 4 * hidden, bias=False)
        self.to_key = nn.Linear(hidden, heads * width)
        self.to_word = nn.Linear(hidden, heads * width)
        self.to_gate = nn.Linear(hidden, heads)
        self.answer = nn.Linear(hidden + heads * width, spec.ways)

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        before = F.one_hot(targets[:, :-1], self.spec.ways).to(features.dtype)
        currents = self.currents(features, F.pad(before, (0, 0, 1, 0)))
        state, seen = self.start(currents), []
        for current in currents.unbind(1):
            state = self.step(current, state)
            seen.append(torch.cat([state.hidden, state.words], -1))
        logits: Tensor = self.answer(torch.stack(seen, 1))
        return logits

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        tasks, (s, d) = support.inputs.shape[:-2], support.inputs.shape[-2:]
        labels = F.one_hot(support.targets.reshape(-1, s), self.spec.ways).to(query.dtype)
        known = support.inputs.reshape(-1, s, d)
        currents = self.currents(known, F.pad(labels[:, :-1], (0, 0, 1, 0)))
        state = self.start(currents)
        for current in currents.unbind(1):
            state = self.step(current, state)
        queries = query.reshape(len(known), -1, d)
        answers = []
        for asked in torch.split(queries, max(1, _QUERIES_AT_ONCE // len(known)), 1):
            count = asked.shape[1]
            last = labels[:, -1:].expand(-1, count, -1)
            after = self.step(self.currents(asked, last).flatten(0, 1), state.for_each(count))
            logits = self.answer(torch.cat([after.hidden, after.words], -1))
            answers.append(logits.view(len(known), count, -1))
        return torch.cat(answers, 1).view(*tasks, query.shape[-2], -1)

    def currents(self, features: Tensor, labels: Tensor) -> Tensor:
        """Returns what inputs (t, l, d) with the labels before (t, l, n) give the gates."""
        given: Tensor = self.enter(torch.cat([features, labels], -1))
        return given

    def start(self, like: Tensor) -> State:
        """Returns the state before the first example of each stream in `like` (t, ...)."""
        t = len(like)
        zeros = like.new_zeros(t, self.hidden)
        return State(
            hidden=zeros,
            cell=zeros,
            memory=like.new_full((t, self.rows, self.width), 1e-6),
            weights=like.new_zeros(t, self.heads, self.rows),
            usage=like.new_zeros(t, self.rows),
            words=like.new_zeros(t, self.heads * self.width),
        )

    def step(self, current: Tensor, state: State) -> State:
        """Returns the state after one more example, whose share of the gates is given (t, 4c)."""
        gates = current + self.recur(torch.cat([state.hidden, state.words], -1))
        enter, forget, leave, new = gates.chunk(4, -1)
        cell = forget.sigmoid() * state.cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()

        key, word = (
            wanted(hidden).tanh().unflatten(-1, (self.heads, self.width))
            for wanted in (self.to_key, self.to_word)
        )
        gate = self.to_gate(hidden).sigmoid().unsqueeze(-1)  # (t, h, 1)
        oldest = state.usage.argsort(dim=-1, stable=True)[:, : self.heads]
        free = F.one_hot(oldest, self.rows).to(gate.dtype)  # (t, h, r)
        written = gate * state.weights + (1 - gate) * free
        kept = state.memory * (1 - free[:, 0]).unsqueeze(-1)
        memory = torch.baddbmm(kept, written.mT, word)

        lengths = memory.norm(dim=-1).clamp_min(_TINY).unsqueeze(1)  # (t, 1, r)
        alike = F.normalize(key, dim=-1) @ memory.mT / lengths
        weights = (self.sharpness * alike).softmax(-1)
        usage = self.decay * state.usage + (weights + written).detach().sum(1)
        return State(hidden, cell, memory, weights, usage, (weights @ memory).flatten(1))


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [MANN]
