"""Gradient learners: tasks together give what tasks one by one give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.gradient import GradientLearner, _parts, stack_examples
from bench.registry import Registry
from bench.taskbatch.network import Model, Weights

SHAPES = {"conv4": (1, 28, 28), "conv4-32": (3, 20, 24), "mlp": (3,)}
TASKS = 5


@dataclass
class Left:
    """What a training step left behind; Reptile keeps more than gradients."""

    gradients: list[Tensor]
    others: list[Tensor]
    loss: float


def episodes(backbone: str, queries: int = 2) -> list[Episode]:
    generator = torch.Generator().manual_seed(3)
    shape = SHAPES.get(backbone, (1, 28, 28))

    def part(each: int) -> Examples:
        inputs = torch.rand(4 * each, *shape, generator=generator, dtype=torch.float64)
        return Examples(inputs, torch.arange(4).repeat(each), 4)

    return [Episode(part(2), part(queries), torch.arange(4)) for _ in range(TASKS)]


Make = Callable[..., GradientLearner]


@pytest.fixture
def make(registry: Registry) -> Make:
    def build(name: str, backbone: str, **parameters: Any) -> GradientLearner:
        torch.manual_seed(0)
        shape = SHAPES.get(backbone, (1, 28, 28))
        spec = TaskSpec(shape, 4, 2, find_backbone(backbone))
        algorithm = registry.algorithm(name)(spec, **parameters)
        assert isinstance(algorithm, GradientLearner)
        algorithm.double().train()
        return algorithm

    return build


@contextmanager
def threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(before)


def after_a_step(algorithm: GradientLearner, backbone: str, *, plain: bool) -> Left:
    optimizer = torch.optim.SGD(algorithm.parameters(), lr=0.0)
    if plain:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bench.gradient.batched", lambda network: None)
            assert not algorithm.takes_tasks_together
            loss = algorithm.train_step(episodes(backbone), optimizer)
    else:
        assert algorithm.takes_tasks_together
        loss = algorithm.train_step(episodes(backbone), optimizer)
    gradients = [p.grad for p in algorithm.parameters() if p.grad is not None]
    others = [t.clone() for n, t in algorithm.state_dict().items() if "network" not in n]
    return Left(gradients, others, loss)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("maml", {"inner_steps": 1}),
        ("maml", {"inner_steps": 3, "inner_lr": 0.1}),
        ("maml", {"inner_steps": 3, "inner_lr": 0.1, "first_order": True}),
        ("metasgd", {"inner_steps": 2, "lowest_rate": 0.1, "highest_rate": 0.2}),
        ("mamlpp", {"inner_steps": 2, "multi_step": 3}),
        ("reptile", {"inner_steps": 4, "inner_batch": 3}),
    ],
    ids=["maml-1", "maml-3", "fomaml-3", "metasgd", "mamlpp", "reptile"],
)
@pytest.mark.parametrize("backbone", ["conv4", "conv4-32", "conv4-strided", "mlp"])
def test_the_meta_gradient_is_that_of_the_plain_path(
    backbone: str, name: str, parameters: dict[str, Any], make: Make
) -> None:
    with threads(1):
        plain = after_a_step(make(name, backbone, **parameters), backbone, plain=True)
    for number in (1, 2):
        with threads(number):
            fast = after_a_step(make(name, backbone, **parameters), backbone, plain=False)
        one, other = (torch.cat([g.flatten() for g in r.gradients]) for r in (fast, plain))
        assert other.norm() > 1e-4, "a gradient of zero would prove nothing"
        assert (one - other).norm() / other.norm() < 1e-7
        assert fast.loss == pytest.approx(plain.loss, rel=1e-6)  # added up in single precision
        for mine, its in zip(fast.others, plain.others, strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", ["maml", "mamlpp", "reptile"])
@pytest.mark.parametrize("backbone", ["conv4", "conv4-strided", "mlp"])
def test_the_logits_of_tasks_together_are_those_of_adapt(
    backbone: str, name: str, make: Make
) -> None:
    steps = {"inner_steps": 3} if name == "mamlpp" else {"test_steps": 3}
    algorithm = make(name, backbone, **steps).eval()
    tasks = episodes(backbone)
    support = stack_examples([task.support for task in tasks])
    query = torch.stack([task.query.inputs for task in tasks])
    with threads(2):
        together = algorithm.predict_together(support, query)
    for logits, task in zip(together, tasks, strict=True):
        expected = algorithm.adapt(task.support)(task.query.inputs)
        assert (logits - expected).norm() / expected.norm() < 1e-7


class Shifted(GradientLearner):
    """A learner with a prediction and a meta-loss of its own, which both paths must go through."""

    name = "shifted"

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        return weights

    def predict(self, model: Model, weights: Weights, support: Examples, query: Tensor) -> Tensor:
        return model(weights, query) + support.inputs.mean((-2, -1)).unsqueeze(-1).unsqueeze(-1)

    def meta_loss(
        self, model: Model, weights: Weights, support: Examples, query: Examples
    ) -> Tensor:
        return 3 * super().meta_loss(model, weights, support, query)


def test_a_prediction_and_a_meta_loss_of_its_own_are_taken_on_both_paths() -> None:
    algorithm, tasks = Shifted(spec()).double(), episodes("mlp")
    with torch.no_grad():
        logits = [
            algorithm.network(task.query.inputs) + task.support.inputs.mean() for task in tasks
        ]
    pairs = list(zip(logits, tasks, strict=True))
    losses = [3 * nn.functional.cross_entropy(a, task.query.targets) for a, task in pairs]
    for loss, (answer, task) in zip(losses, pairs, strict=True):
        torch.testing.assert_close(algorithm.adapt(task.support)(task.query.inputs), answer)
        torch.testing.assert_close(algorithm.loss(task), loss)
    support = stack_examples([task.support for task in tasks])
    query = torch.stack([task.query.inputs for task in tasks])
    torch.testing.assert_close(algorithm.predict_together(support, query), torch.stack(logits))
    optimizer = torch.optim.SGD(algorithm.parameters(), lr=0.0)
    expected = torch.stack(losses).mean().item()
    assert algorithm.train_step(tasks, optimizer) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["maml", "fomaml", "metasgd", "reptile"])
def test_curves_are_learnt_together_as_one_by_one(name: str, registry: Registry) -> None:
    generator = torch.Generator().manual_seed(4)

    def part(count: int) -> Examples:
        inputs, targets = torch.randn(2, count, 1, generator=generator, dtype=torch.float64)
        return Examples(inputs, targets, 1)

    tasks = [Episode(part(5), part(7), torch.arange(1)) for _ in range(TASKS)]
    results = []
    for plain in (False, True):
        torch.manual_seed(0)
        curves = TaskSpec((1,), 1, 5, find_backbone("mlp-40"), task="regression")
        algorithm = registry.algorithm(name)(curves).double().train()
        with pytest.MonkeyPatch.context() as patch:
            if plain:
                patch.setattr("bench.gradient.batched", lambda network: None)
            algorithm.train_step(tasks, algorithm.optimizer())
        results.append([p.detach().clone() for p in algorithm.parameters()])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_tiny_tasks_are_one_part_and_large_ones_as_many_as_there_are_threads() -> None:
    with threads(2):
        assert _parts(torch.zeros(25, 10, 1)) == [slice(0, 25)]
        assert _parts(torch.zeros(4, 5, 1, 28, 28)) == [slice(0, 2), slice(2, 4)]


class Own(GradientLearner):
    """A learner that adapts in its own way and so must not be run together."""

    name = "own"

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        return weights

    def adapt(self, support: Examples) -> Callable[[Tensor], Tensor]:
        return lambda query: torch.zeros(len(query), 4, dtype=query.dtype)


class OwnLoss(GradientLearner):
    """A learner with a loss of its own, which the meta-step must go through."""

    name = "own-loss"

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        return weights

    def loss(self, episode: Episode) -> Tensor:
        return self.adapt(episode.support)(episode.query.inputs).square().mean() + 7.0


def spec() -> TaskSpec:
    return TaskSpec((3,), 4, 2, find_backbone("mlp"))


def test_a_learner_with_its_own_adapt_takes_the_plain_path() -> None:
    assert not Own(spec()).takes_tasks_together


def test_a_learner_with_its_own_loss_is_trained_by_it() -> None:
    algorithm = OwnLoss(spec()).double().train()
    loss = algorithm.train_step(episodes("mlp"), algorithm.optimizer())
    assert loss > 7.0


def test_running_averages_take_the_plain_path_and_train(make: Make) -> None:
    algorithm = make("maml", "conv4-32", norm="running")
    assert not algorithm.takes_tasks_together
    before = [b.clone() for b in algorithm.buffers()]
    algorithm.train_step(episodes("conv4-32"), algorithm.optimizer())
    assert any(not torch.equal(b, a) for b, a in zip(before, algorithm.buffers(), strict=True))


def test_the_task_loss_is_the_mean_over_examples_summed_over_tasks(make: Make) -> None:
    logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    targets = torch.tensor([[0, 1], [1, 1]])
    loss = make("maml", "mlp").task_loss(logits, targets)
    assert loss.item() == pytest.approx(2 * 0.6931472)


def test_gradient_learners_are_algorithms_with_parameters() -> None:
    algorithm: Algorithm = OwnLoss(spec())
    assert isinstance(algorithm, nn.Module)
    assert any(p.requires_grad for p in algorithm.parameters())
