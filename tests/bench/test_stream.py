"""Stream learners: an episode becomes streams, and training reads a meta-batch side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.stream import StreamLearner

WAYS = 3


class Sums(StreamLearner):
    """Answers with a linear map of the features so far, weighted by the labels before."""

    name = "sums"

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec)
        self.layer = nn.Linear(self.embedding.out_features, WAYS)

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        past = F.pad(1.0 + targets[:, :-1], (1, 0), value=1.0).unsqueeze(-1).cumsum(1)
        answers: Tensor = self.layer(features.cumsum(1) / past)
        return answers


def sums(shape: tuple[int, ...] = (4,)) -> Sums:
    torch.manual_seed(0)
    return Sums(TaskSpec(shape, WAYS, 2, find_backbone("identity")))


def episode(seed: int) -> Episode:
    rng = np.random.default_rng(seed)

    def part(count: int) -> Examples:
        inputs = torch.from_numpy(rng.normal(size=(count, 4)).astype(np.float32))
        return Examples(inputs, torch.from_numpy(rng.permutation(count) % WAYS), WAYS)

    return Episode(part(6), part(9), torch.arange(WAYS))


def test_a_query_is_the_end_of_a_stream_that_begins_with_the_support() -> None:
    learner, task = sums(), episode(0)
    answers = learner.adapt(task.support)(task.query.inputs)
    past = 1 + (1 + task.support.targets).sum()
    for number in range(9):
        total = task.support.inputs.sum(0) + task.query.inputs[number]
        torch.testing.assert_close(answers[number], learner.layer(total / past))


def test_several_tasks_are_answered_as_each_alone() -> None:
    learner, tasks = sums(), [episode(number) for number in range(4)]
    support = Examples(
        torch.stack([task.support.inputs for task in tasks]).view(2, 2, 6, 4),
        torch.stack([task.support.targets for task in tasks]).view(2, 2, 6),
        WAYS,
    )
    query = torch.stack([task.query.inputs for task in tasks]).view(2, 2, 9, 4)
    together = learner.scores(support, query)
    for number, task in enumerate(tasks):
        alone = learner.scores(task.support, task.query.inputs)
        torch.testing.assert_close(together[number // 2, number % 2], alone)


def test_training_predicts_every_example_of_one_shuffled_stream() -> None:
    learner, task = sums(), episode(0)
    torch.manual_seed(7)
    order = torch.rand(1, 15).argsort(1)[0]  # what the seed gives the learner
    assert not torch.equal(order, torch.arange(15))
    inputs = torch.cat([task.support.inputs, task.query.inputs])[order]
    targets = torch.cat([task.support.targets, task.query.targets])[order]
    losses = [
        F.cross_entropy(learner.read(inputs[None], targets[None])[0, place], targets[place])
        for place in range(15)
    ]
    torch.manual_seed(7)
    torch.testing.assert_close(learner.loss(task), torch.stack(losses).mean())


def test_a_training_step_is_that_of_the_mean_loss_of_its_episodes() -> None:
    one, other, tasks = sums(), sums(), [episode(0), episode(1)]
    torch.manual_seed(7)
    loss = one.train_step(tasks, torch.optim.SGD(one.parameters(), lr=0.1))
    torch.manual_seed(7)
    order = torch.rand(2, 15).argsort(1)
    total = torch.zeros(())
    for task, places in zip(tasks, order, strict=True):
        inputs = torch.cat([task.support.inputs, task.query.inputs])[places]
        targets = torch.cat([task.support.targets, task.query.targets])[places]
        answers = other.read(inputs[None], targets[None])[0]
        total = total + F.cross_entropy(answers, targets) / 2
    total.backward()  # type: ignore[no-untyped-call]
    assert loss == total.item() or abs(loss - total.item()) < 1e-6
    for mine, its in zip(one.parameters(), other.parameters(), strict=True):
        assert its.grad is not None
        torch.testing.assert_close(mine.detach(), its.detach() - 0.1 * its.grad)


def test_evaluation_takes_the_fast_path_and_gives_the_numbers_of_the_plain_one(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    learner, stream = sums((1, 12, 12)), make_stream()
    fast, plain = (evaluate(learner, stream, 40, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-5)
