"""Matching Networks, against numbers computed by hand and LSTMs written out gate by gate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.algorithm import TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

MatchingNet = Any  # its class is the plugin's own
WAYS, WIDTH = 3, 4


@pytest.fixture
def make(registry: Registry) -> Callable[..., MatchingNet]:
    """Builds one over features as they are, in double precision."""

    def build_one(width: int = WIDTH, ways: int = WAYS, **parameters: Any) -> MatchingNet:
        torch.manual_seed(0)
        spec = TaskSpec((width,), ways, 2, find_backbone("identity"))
        return registry.algorithm("matchingnet")(spec, **parameters).double().eval()

    return build_one


def task(seed: int = 0, width: int = WIDTH) -> Episode:
    """Returns a task with 1, 2 and 3 examples of its three classes."""
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.permutation([0, 1, 1, 2, 2, 2]))
    support = Examples(torch.from_numpy(rng.normal(size=(6, width))), labels, WAYS)
    asked = torch.from_numpy(rng.normal(size=(5, width)))
    query = Examples(asked, torch.from_numpy(rng.integers(0, WAYS, 5)), WAYS)
    return Episode(support, query, torch.arange(WAYS))


def by_hand(known: Tensor, labels: Tensor, asked: Tensor, scale: float) -> list[list[float]]:
    """Returns the log-probabilities by plain loops over queries, examples and classes."""
    rows = []
    for query in asked.tolist():
        weights = []
        for example in known.tolist():
            dot = sum(a * b for a, b in zip(query, example, strict=True))
            weights.append(math.exp(scale * dot / (math.hypot(*query) * math.hypot(*example))))
        shares = [
            sum(w for w, label in zip(weights, labels.tolist(), strict=True) if label == wanted)
            for wanted in range(WAYS)
        ]
        rows.append([math.log(share / sum(weights)) for share in shares])
    return rows


def test_two_examples_at_right_angles_give_the_numbers_of_the_formula(
    make: Callable[..., MatchingNet],
) -> None:
    # Cosines of (3, 4) with (2, 0), (0, 1), (0, 5): 0.6, 0.8, 0.8; twice that is 1.2, 1.6, 1.6.
    support = Examples(
        torch.tensor([[2.0, 0], [0, 1], [0, 5]]).double(), torch.tensor([0, 1, 1]), 2
    )
    logits = make(width=2, ways=2, scale=2.0).adapt(support)(torch.tensor([[3.0, 4.0]]).double())
    total = math.exp(1.2) + 2 * math.exp(1.6)
    expected = [1.2 - math.log(total), math.log(2) + 1.6 - math.log(total)]
    assert logits[0].tolist() == pytest.approx(expected, abs=1e-12)


def test_logits_are_the_logarithms_of_attention_summed_per_class(
    make: Callable[..., MatchingNet],
) -> None:
    episode = task()
    logits = make(scale=7.0).adapt(episode.support)(episode.query.inputs)
    known, labels = episode.support.inputs, episode.support.targets
    expected = torch.tensor(by_hand(known, labels, episode.query.inputs, 7.0)).double()
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(5).double())


def test_the_loss_is_minus_the_log_probability_of_the_right_class(
    make: Callable[..., MatchingNet],
) -> None:
    episode = task()
    known, labels = episode.support.inputs, episode.support.targets
    rows = by_hand(known, labels, episode.query.inputs, 20.0)
    right = [row[label] for row, label in zip(rows, episode.query.targets.tolist(), strict=True)]
    assert make().loss(episode).item() == pytest.approx(-sum(right) / 5, abs=1e-9)


def test_without_a_scale_no_class_of_five_can_be_surer_than_the_docstring_says(
    make: Callable[..., MatchingNet],
) -> None:
    # The best case: the query's own class at cosine 1, the four others at -1.
    support = Examples(torch.tensor([[1.0]] + 4 * [[-1.0]]).double(), torch.arange(5), 5)
    best = make(width=1, ways=5, scale=1.0).adapt(support)(torch.ones(1, 1).double())[0, 0].item()
    assert best == pytest.approx(1 - math.log(math.e + 4 / math.e), abs=1e-12)
    assert round(math.exp(best), 2) == 0.65 and round(-best, 2) == 0.43


def test_a_large_scale_leaves_log_probabilities_finite_and_right(
    make: Callable[..., MatchingNet],
) -> None:
    # In single precision exp(-2000) is 0: a logarithm taken after the sum would be infinite.
    support = Examples(torch.tensor([[1.0, 0], [-1, 0]]), torch.tensor([0, 1]), 2)
    algorithm = make(width=2, ways=2, scale=1000.0).float()
    assert algorithm.adapt(support)(torch.tensor([[1.0, 0]])).tolist() == [[0.0, -2000.0]]


def test_a_learnt_scale_starts_where_it_is_told_and_has_the_slope_of_the_loss(
    make: Callable[..., MatchingNet],
) -> None:
    fixed, learnt, episode = make(scale=5.0), make(scale=5.0, learn_scale=True), task()
    assert not list(fixed.parameters())
    loss = learnt.loss(episode)
    assert loss.item() == pytest.approx(fixed.loss(episode).item(), rel=1e-7)
    (slope,) = torch.autograd.grad(loss, learnt.log_scale)
    with torch.no_grad():
        start = learnt.log_scale.clone()
        around = []
        for step in (1e-5, -1e-5):
            learnt.log_scale.copy_(start + step)
            around.append(learnt.loss(episode).item())
    assert slope.item() == pytest.approx((around[0] - around[1]) / 2e-5, rel=1e-6)


def test_the_gradient_passes_the_sum_over_a_class_as_finite_differences_say(
    make: Callable[..., MatchingNet],
) -> None:
    algorithm, episode = make(scale=3.0, fce=True, fce_steps=2), task()
    known, asked = episode.support.inputs.requires_grad_(), episode.query.inputs.requires_grad_()

    def logits(known: Tensor, asked: Tensor) -> Tensor:
        answer: Tensor = algorithm.scores(Examples(known, episode.support.targets, WAYS), asked)
        return answer

    assert torch.autograd.gradcheck(logits, (known, asked))


def gates(
    cell: Any, suffix: str, seen: Tensor, state: Tensor, memory: Tensor
) -> tuple[Tensor, ...]:
    """Returns the next state and memory of an LSTM, gate by gate."""
    weights = [getattr(cell, f"{name}{suffix}") for name in ("weight_ih", "weight_hh")]
    biases = [getattr(cell, f"{name}{suffix}") for name in ("bias_ih", "bias_hh")]
    both = weights[0] @ seen + biases[0] + weights[1] @ state + biases[1]
    enter, forget, value, leave = both.chunk(4)
    memory = forget.sigmoid() * memory + enter.sigmoid() * value.tanh()
    return leave.sigmoid() * memory.tanh(), memory


def context_by_hand(algorithm: MatchingNet, known: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Returns g of the support and f of the queries, one vector after the other."""
    outputs = [known.clone(), known.clone()]
    for way, order in enumerate((range(len(known)), reversed(range(len(known))))):
        state, memory = torch.zeros(2, WIDTH).double()
        for place in order:
            suffix = "_l0_reverse" if way else "_l0"
            state, memory = gates(algorithm.support_lstm, suffix, known[place], state, memory)
            outputs[way][place] = state
    context = known + outputs[0] + outputs[1]
    read_by = []
    for query in asked:
        state, memory = torch.zeros(2, WIDTH).double()
        for _ in range(algorithm.fce_steps):
            attention = torch.tensor([(state @ g).item() for g in context]).double().softmax(0)
            read = sum(a * g for a, g in zip(attention, context, strict=True))
            seen = torch.cat([query, read])
            state, memory = gates(algorithm.query_lstm, "", seen, state, memory)
            state = state + query
        read_by.append(state)
    return context, torch.stack(read_by)


@pytest.mark.parametrize("steps", [1, 3])
def test_full_context_embeddings_are_those_of_lstms_written_out(
    steps: int, make: Callable[..., MatchingNet]
) -> None:
    algorithm, episode = make(scale=4.0, fce=True, fce_steps=steps), task()
    with torch.no_grad():
        known, labels = episode.support.inputs, episode.support.targets
        context, asked = context_by_hand(algorithm, known, episode.query.inputs)
        logits = algorithm.adapt(episode.support)(episode.query.inputs)
    expected = torch.tensor(by_hand(context, labels, asked, 4.0)).double()
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-6)
    plain = torch.tensor(by_hand(known, labels, episode.query.inputs, 4.0)).double()
    assert (expected - plain).abs().max() > 1e-2


def test_the_order_of_the_support_matters_with_full_context_only(
    make: Callable[..., MatchingNet],
) -> None:
    episode, order = task(), torch.tensor([5, 3, 1, 0, 2, 4])
    for fce in (False, True):
        algorithm = make(fce=fce)
        one = algorithm.adapt(episode.support)(episode.query.inputs)
        other = algorithm.adapt(episode.support.at(order))(episode.query.inputs)
        assert ((one - other).abs().max() > 1e-4).item() is fce
        assert bool(algorithm.support_order) is fce


@pytest.mark.parametrize("fce", [False, True])
def test_a_query_is_judged_alone_and_tasks_do_not_mix(
    fce: bool, make: Callable[..., MatchingNet]
) -> None:
    algorithm, tasks = make(fce=fce), [task(seed) for seed in range(4)]
    support = Examples(
        torch.stack([t.support.inputs for t in tasks]).view(2, 2, -1, WIDTH),
        torch.stack([t.support.targets for t in tasks]).view(2, 2, -1),
        WAYS,
    )
    query = torch.stack([t.query.inputs for t in tasks]).view(2, 2, -1, WIDTH)
    together = algorithm.scores(support, query)
    assert together.shape == (2, 2, 5, WAYS)
    for one, logits in zip(tasks, together.flatten(0, 1), strict=True):
        predict = algorithm.adapt(one.support)
        torch.testing.assert_close(logits, predict(one.query.inputs))
        torch.testing.assert_close(logits[3:4], predict(one.query.inputs[3:4]))
    assert algorithm.transduction == ""


@pytest.mark.parametrize("fce", [False, True])
def test_it_takes_any_number_of_ways(fce: bool, make: Callable[..., MatchingNet]) -> None:
    algorithm, rng = make(fce=fce), np.random.default_rng(0)
    for ways in (2, 7):
        known = torch.from_numpy(rng.normal(size=(2 * ways, WIDTH)))
        support = Examples(known, torch.arange(ways).repeat(2), ways)
        assert algorithm.adapt(support)(known[:3]).shape == (3, ways)
    assert algorithm.any_way


@pytest.mark.parametrize("fce", ["false", "true"])
def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    fce: str, make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    stream = make_stream(classes=30, each=20)
    learner = build("matchingnet", fce=fce == "true")
    fast, plain = (evaluate(learner, stream, 40, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"scale": -1.0}, {"fce_steps": 0}])
def test_scale_and_steps_must_be_positive(
    wrong: dict[str, Any], make: Callable[..., MatchingNet]
) -> None:
    with pytest.raises(BenchError, match=f"{next(iter(wrong))} is .*; it must be"):
        make(**wrong)


@pytest.mark.parametrize("parameters", [{}, {"fce": True}, {"learn_scale": True}])
def test_training_lowers_the_loss_of_episodes_not_seen_before(
    parameters: dict[str, Any],
    make_stream: Callable[..., EpisodeStream],
    build: Callable[..., Any],
) -> None:
    stream, learner = make_stream(classes=30, each=20), build("matchingnet", **parameters)
    optimizer = learner.optimizer()
    learner.train()
    losses = [learner.train_step([episode], optimizer) for episode in stream.episodes(0, 40)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) / 2
