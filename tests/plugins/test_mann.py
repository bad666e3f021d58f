"""MANN, against the equations of its memory, written out in numpy with a loop over everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry
from bench.stream import StreamLearner

WAYS, INPUTS = 3, 6
SMALL = {"hidden": 7, "rows": 9, "width": 4, "heads": 2, "decay": 0.8, "sharpness": 3.0}
Array = NDArray[np.float64]


@pytest.fixture
def mann(registry: Registry) -> Any:
    """A small MANN in double precision, its weights large enough for gates to differ."""
    torch.manual_seed(0)
    spec = TaskSpec((INPUTS,), WAYS, 1, find_backbone("identity"))
    learner = registry.algorithm("mann")(spec, **SMALL).double()
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.mul_(4.0)
    return learner


def streams(count: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    inputs = torch.from_numpy(rng.normal(size=(count, length, INPUTS)))
    return inputs, torch.from_numpy(rng.integers(0, WAYS, size=(count, length)))


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def read_slowly(learner: Any, inputs: Array, targets: NDArray[np.int64]) -> Array:
    """Returns logits (l, n) of one stream (l, d), one number after another."""
    w = {name: p.detach().numpy() for name, p in learner.named_parameters()}
    units, rows, width, heads = (learner.hidden, learner.rows, learner.width, learner.heads)
    hidden, cell, words = np.zeros(units), np.zeros(units), np.zeros(heads * width)
    memory, read_weights = np.full((rows, width), 1e-6), np.zeros((heads, rows))
    usage = np.zeros(rows)
    logits = []
    for t in range(len(inputs)):
        label = np.zeros(WAYS)
        if t > 0:
            label[targets[t - 1]] = 1.0
        pre = w["enter.weight"] @ np.concatenate([inputs[t], label]) + w["enter.bias"]
        pre = pre + w["recur.weight"] @ np.concatenate([hidden, words])
        i, f, o, g = (pre[k * units : (k + 1) * units] for k in range(4))
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        key = np.tanh(w["to_key.weight"] @ hidden + w["to_key.bias"])
        word = np.tanh(w["to_word.weight"] @ hidden + w["to_word.bias"])
        gate = sigmoid(w["to_gate.weight"] @ hidden + w["to_gate.bias"])

        by_usage = sorted(range(rows), key=lambda r: (usage[r], r))
        memory = memory.copy()
        memory[by_usage[0]] = 0.0
        written = np.zeros((heads, rows))
        for h in range(heads):
            for r in range(rows):
                written[h, r] = gate[h] * read_weights[h, r]
            written[h, by_usage[h]] += 1.0 - gate[h]
            for r in range(rows):
                memory[r] += written[h, r] * word[h * width : (h + 1) * width]
        words = np.zeros(heads * width)
        for h in range(heads):
            k = key[h * width : (h + 1) * width]
            fit = [3.0 * k @ row / (np.linalg.norm(k) * np.linalg.norm(row)) for row in memory]
            read_weights[h] = np.exp(fit) / np.exp(fit).sum()
            for r in range(rows):
                words[h * width : (h + 1) * width] += read_weights[h, r] * memory[r]
        usage = learner.decay * usage + read_weights.sum(0) + written.sum(0)
        logits.append(w["answer.weight"] @ np.concatenate([hidden, words]) + w["answer.bias"])
    return np.stack(logits)


def test_reading_follows_the_equations_one_number_after_another(mann: Any) -> None:
    inputs, targets = streams(3, 14)
    answers = mann.read(inputs, targets).detach().numpy()
    for number in range(3):
        slow = read_slowly(mann, inputs[number].numpy(), targets[number].numpy())
        np.testing.assert_allclose(answers[number], slow, rtol=1e-9, atol=1e-10)
    assert answers.std() > 0.1


def test_the_least_used_row_is_cleared_and_written_by_the_first_head(mann: Any) -> None:
    with torch.no_grad():  # gates shut: all goes to the least used rows
        mann.to_gate.weight.zero_()
        mann.to_gate.bias.fill_(-1e9)
    inputs, _ = streams(1, 1)
    state = mann.start(inputs)
    memory = torch.rand(1, 9, 4, dtype=torch.float64)
    usage = torch.tensor([[5.0, 1.0, 7.0, 3.0, 0.5, 9.0, 9.0, 9.0, 9.0]]).double()
    state = type(state)(**{**vars(state), "memory": memory, "usage": usage})
    after = mann.step(mann.currents(inputs, torch.zeros(1, 1, WAYS).double())[:, 0], state)
    word = mann.to_word(after.hidden).tanh().view(2, 4)
    torch.testing.assert_close(after.memory[0, 4], word[0])  # was there 0.5 of, is no more
    torch.testing.assert_close(after.memory[0, 1], memory[0, 1] + word[1])
    untouched = [0, 2, 3, 5, 6, 7, 8]
    torch.testing.assert_close(after.memory[0, untouched], memory[0, untouched])
    expected = 0.8 * usage + after.weights.sum(1)
    expected[0, [4, 1]] += 1.0
    torch.testing.assert_close(after.usage, expected)


def test_a_label_arrives_with_the_next_example_and_no_sooner(mann: Any) -> None:
    inputs, targets = streams(1, 8)
    honest = mann.read(inputs, targets)
    for place in range(8):
        other = targets.clone()
        other[:, place] = (other[:, place] + 1) % WAYS
        changed = (mann.read(inputs, other) - honest).abs().amax((0, 2))
        assert changed[: place + 1].max() == 0.0
        assert place == 7 or changed[place + 1] > 1e-6


def test_a_query_meets_the_memory_as_the_support_left_it(mann: Any) -> None:
    inputs, targets = streams(4, 6)
    query = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 5, INPUTS)))
    support = Examples(inputs, targets, WAYS)
    answers = mann.scores(support, query)
    torch.testing.assert_close(answers, StreamLearner.scores(mann, support, query))
    for task in range(4):
        for number in range(5):
            alone = np.concatenate([inputs[task].numpy(), query[task, number : number + 1].numpy()])
            slow = read_slowly(mann, alone, np.append(targets[task].numpy(), 0))
            np.testing.assert_allclose(answers[task, number].detach().numpy(), slow[-1], rtol=1e-9)


def test_a_task_without_axes_before_it_is_answered_as_among_others(mann: Any) -> None:
    inputs, targets = streams(2, 6)
    both = mann.scores(Examples(inputs, targets, WAYS), inputs)
    one = mann.scores(Examples(inputs[1], targets[1], WAYS), inputs[1])
    torch.testing.assert_close(one, both[1])


def test_gradients_reach_every_parameter_and_are_the_slope_of_the_loss(mann: Any) -> None:
    inputs, targets = streams(2, 8)

    def loss() -> Tensor:
        answers = mann.read(inputs, targets).flatten(0, 1)
        return torch.nn.functional.cross_entropy(answers, targets.flatten())

    names, parameters = zip(*mann.named_parameters(), strict=True)
    slopes = torch.autograd.grad(loss(), parameters)
    generator = torch.Generator().manual_seed(0)
    for name, parameter, slope in zip(names, parameters, slopes, strict=True):
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        measured = []
        with torch.no_grad():
            for step in (1e-6, -2e-6, 1e-6):
                parameter += step * direction
                measured.append(loss().item())
        expected = (measured[0] - measured[1]) / 2e-6
        assert (slope * direction).sum().item() == pytest.approx(expected, rel=1e-4, abs=1e-8), name
        assert slope.abs().max() > 0, name


def test_evaluation_gives_the_same_by_both_paths(
    make_stream: Callable[..., EpisodeStream], build: Callable[..., Algorithm]
) -> None:
    stream, learner = make_stream(), build("mann", backbone="identity", **SMALL)
    fast, plain = (evaluate(learner, stream, 20, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4)


@pytest.mark.parametrize("bad", [{"heads": 200}, {"decay": 1.5}, {"hidden": 0}, {"width": 0}])
def test_sizes_that_make_no_memory_are_refused(
    bad: dict[str, float], build: Callable[..., Algorithm]
) -> None:
    with pytest.raises(BenchError, match=str(next(iter(bad.values())))):
        build("mann", backbone="identity", **bad)


def test_it_learns_to_bind_labels_to_points_that_it_has_met(registry: Registry) -> None:
    """Whoever only counts which labels are left has a loss of log(9! / 3!^3) / 9 = 0.825."""
    torch.manual_seed(0)
    classes, each, inputs, tasks = 3, 3, 8, 16
    spec = TaskSpec((inputs,), classes, 1, find_backbone("identity"))
    sizes: dict[str, Any] = {"hidden": 64, "rows": 16, "width": 16, "heads": 1, "lr": 0.01}
    learner: Any = registry.algorithm("mann")(spec, **sizes)
    optimizer, losses = learner.optimizer(), []
    labels = torch.arange(classes).repeat(each).expand(tasks, -1)
    for _ in range(900):
        centres = torch.randn(tasks, classes, inputs)
        targets = labels.gather(1, torch.rand(labels.shape).argsort(1))
        points = centres.gather(1, targets.unsqueeze(-1).expand(-1, -1, inputs))
        logits = learner.read(points + 0.1 * torch.randn(points.shape), targets)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-50:]) / 50 < 0.65
