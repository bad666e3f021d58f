"""SNAIL, against the same network written out for a single sequence, place by place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry
from bench.stream import StreamLearner

WAYS, INPUTS = 3, 5
SMALL = {"filters": 6, "key": 3, "value": 2}


@pytest.fixture
def snail(registry: Registry) -> Any:
    """A small SNAIL in double precision, its weights large enough for places to differ."""
    torch.manual_seed(0)
    spec = TaskSpec((INPUTS,), WAYS, 2, find_backbone("identity"))
    learner = registry.algorithm("snail")(spec, **SMALL).double()
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.mul_(2.0)
    return learner


def task(length: int, count: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    inputs = torch.from_numpy(rng.normal(size=(count, length, INPUTS)))
    return inputs, torch.from_numpy(rng.integers(0, WAYS, size=(count, length)))


def last_answer(learner: Any, inputs: Tensor, targets: Tensor) -> Tensor:
    """Returns the logits (n,) for the last of inputs (l, d), whose label is not given.

    The plain network: one causal sequence, the last element's label replaced by zeros.
    """
    labels = F.one_hot(targets, WAYS).double()
    labels[-1] = 0.0
    line = torch.cat([inputs, labels], -1)  # (l, c)
    for block in learner.blocks:
        if hasattr(block, "mixers"):
            for i, mixer in enumerate(block.mixers):
                added = []
                for place in range(len(line)):
                    before = line[place - 2**i] if place >= 2**i else torch.zeros_like(line[0])
                    content, gate = mixer(torch.cat([before, line[place]])).chunk(2)
                    added.append(content.tanh() * gate.sigmoid())
                line = torch.cat([line, torch.stack(added)], -1)
        else:
            read = []
            for place in range(len(line)):
                seen = line[: place + 1]
                fit = block.key(seen) @ block.query(line[place])
                weights = (fit / block.key.out_features**0.5).softmax(0)
                read.append(weights @ block.value(seen))
            line = torch.cat([line, torch.stack(read)], -1)
    answer: Tensor = learner.answer(line[-1])
    return answer


def test_every_place_of_a_stream_is_answered_as_the_end_of_a_sequence(snail: Any) -> None:
    inputs, targets = task(11)
    answers = snail.read(inputs, targets)[0]
    for place in range(11):
        plain = last_answer(snail, inputs[0, : place + 1], targets[0, : place + 1])
        torch.testing.assert_close(answers[place], plain, rtol=1e-9, atol=1e-11)
    assert answers.std() > 0.01


def test_queries_share_the_support_and_are_answered_as_if_each_were_alone(snail: Any) -> None:
    inputs, targets = task(6, count=3)
    query, _ = task(4, count=3, seed=1)
    support = Examples(inputs, targets, WAYS)
    answers = snail.scores(support, query)
    torch.testing.assert_close(answers, StreamLearner.scores(snail, support, query))
    for number in range(4):
        sequence = torch.cat([inputs[2], query[2, number : number + 1]])
        plain = last_answer(snail, sequence, F.pad(targets[2], (0, 1)))
        torch.testing.assert_close(answers[2, number], plain, rtol=1e-9, atol=1e-11)


def test_a_task_without_axes_before_it_is_answered_as_among_others(snail: Any) -> None:
    inputs, targets = task(6, count=2)
    both = snail.scores(Examples(inputs, targets, WAYS), inputs[:, :4])
    one = snail.scores(Examples(inputs[1], targets[1], WAYS), inputs[1, :4])
    torch.testing.assert_close(one, both[1])


def test_convolutions_look_back_by_their_dilation_and_not_ahead(snail: Any) -> None:
    block = snail.blocks[1]
    size = block.mixers[0].in_features // 2
    known = torch.randn(1, 9, size, dtype=torch.float64, requires_grad=True)
    asked = torch.randn(1, 2, size, dtype=torch.float64)
    more, found = block(known, asked, torch.tensor([4, 9]))
    assert len(block.mixers) == 3  # dilations 1, 2 and 4 see 8 places: support of 6 and query

    def seen_by(value: Tensor) -> list[int]:
        (slope,) = torch.autograd.grad(value.sum(), known, retain_graph=True)
        return slope[0].abs().sum(-1).nonzero().flatten().tolist()

    assert seen_by(more[0, 8]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert seen_by(more[0, 3]) == [0, 1, 2, 3]
    assert seen_by(found[0, 0]) == [0, 1, 2, 3]
    assert seen_by(found[0, 1]) == [2, 3, 4, 5, 6, 7, 8]
    assert seen_by(found[0, 0, :6]) == [3]  # what the first layer adds: one place back


def test_attention_looks_at_all_places_before_and_at_itself(snail: Any) -> None:
    block = snail.blocks[0]
    known = torch.randn(1, 5, INPUTS + WAYS, dtype=torch.float64, requires_grad=True)
    asked = torch.randn(1, 2, INPUTS + WAYS, dtype=torch.float64, requires_grad=True)
    more, found = block(known, asked, torch.tensor([0, 3]))
    slope, own = torch.autograd.grad(found[0, 1].sum(), (known, asked), retain_graph=True)
    assert slope[0].abs().sum(-1).nonzero().flatten().tolist() == [0, 1, 2]
    assert own[0].abs().sum(-1).nonzero().flatten().tolist() == [1]
    torch.testing.assert_close(found[0, 0], block.value(asked[0, 0]))  # nothing but itself to see
    (slope,) = torch.autograd.grad(more[0, 2].sum(), known)
    assert slope[0].abs().sum(-1).nonzero().flatten().tolist() == [0, 1, 2]


def test_a_label_is_known_after_its_place_and_not_at_it(snail: Any) -> None:
    inputs, targets = task(8)
    honest = snail.read(inputs, targets)
    for place in range(8):
        other = targets.clone()
        other[:, place] = (other[:, place] + 1) % WAYS
        changed = (snail.read(inputs, other) - honest).abs().amax((0, 2))
        assert changed[: place + 1].max() == 0.0
        assert (changed[place + 1 :] > 1e-9).all()


@pytest.mark.parametrize("every_instance", [False, True])
def test_gradients_reach_every_parameter(registry: Registry, every_instance: bool) -> None:
    torch.manual_seed(0)
    spec = TaskSpec((INPUTS,), WAYS, 2, find_backbone("identity"))
    snail: Any = registry.algorithm("snail")
    learner = snail(spec, **SMALL, every_instance=every_instance)
    inputs, targets = task(6, count=2)
    query, wanted = task(4, count=2, seed=1)
    support = Examples(inputs.float(), targets, WAYS)
    learner.stream_loss(support, Examples(query.float(), wanted, WAYS)).backward()
    for name, parameter in learner.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_the_training_loss_is_that_of_the_queries(snail: Any) -> None:
    inputs, targets = task(6, count=2)
    query, wanted = task(4, count=2, seed=1)
    support = Examples(inputs, targets, WAYS)
    losses = [
        -snail.scores(support, query)[t, j].log_softmax(0)[wanted[t, j]]
        for t in range(2)
        for j in range(4)
    ]
    loss = snail.stream_loss(support, Examples(query, wanted, WAYS))
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_evaluation_gives_the_same_by_both_paths(
    make_stream: Callable[..., EpisodeStream], build: Callable[..., Algorithm]
) -> None:
    stream, learner = make_stream(), build("snail", **SMALL)
    fast, plain = (evaluate(learner, stream, 20, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-3)


def test_sizes_must_be_positive(build: Callable[..., Algorithm]) -> None:
    with pytest.raises(BenchError, match="key -1"):
        build("snail", key=-1)


def points(tasks: int, seed: int) -> tuple[Examples, Examples]:
    """Returns supports and queries of tasks whose classes are points, with some noise."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(tasks, WAYS, INPUTS))
    parts = []
    for count in (WAYS, 2 * WAYS):
        labels = np.stack([rng.permutation(count) % WAYS for _ in range(tasks)])
        inputs = np.take_along_axis(centres, labels[..., None], 1)
        inputs = inputs + 0.1 * rng.normal(size=inputs.shape)
        part = torch.from_numpy(inputs.astype(np.float32)), torch.from_numpy(labels)
        parts.append(Examples(*part, WAYS))
    return parts[0], parts[1]


def test_it_learns_to_learn_where_points_belong(registry: Registry) -> None:
    torch.manual_seed(0)
    snail: Any = registry.algorithm("snail")
    spec = TaskSpec((INPUTS,), WAYS, 1, find_backbone("identity"))
    learner = snail(spec, lr=3e-3, filters=32, key=16, value=16)
    optimizer = learner.optimizer()
    for step in range(60):
        optimizer.zero_grad()
        learner.stream_loss(*points(32, seed=step)).backward()
        optimizer.step()
    support, query = points(200, seed=1000)
    with torch.no_grad():
        right = (learner.scores(support, query.inputs).argmax(-1) == query.targets).float()
    assert right.mean() > 0.75  # chance is a third; centres of other tasks do not help
