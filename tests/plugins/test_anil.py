"""ANIL, against learn2learn's loop over its head, autograd's, and finite differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import Algorithm, EmbeddingLearner, TaskSpec
from bench.backbones import Backbone, ConvNet, Embedding, find_backbone
from bench.cli import run_command_line
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.extras import import_extra
from bench.pool import EpisodeStream
from bench.registry import Registry
from bench.tasks import Task
from tests.plugins.learn2learn import needs_learn2learn

WAYS, SHAPE = 3, (1, 8, 8)
BACKBONE = Backbone(
    "small",
    "",
    "images",
    lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
)


class Smooth(Embedding):
    """A small layer without kinks or norms, as finite differences like it."""

    out_features = 4

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.layer(inputs.flatten(1)))


@pytest.fixture
def anil(registry: Registry) -> Callable[..., Any]:
    """Builds ANIL in double precision, with the same weights each time."""

    def make(backbone: Backbone = BACKBONE, **parameters: Any) -> Any:
        torch.manual_seed(0)
        spec = TaskSpec(SHAPE, WAYS, 2, backbone)
        return registry.algorithm("anil")(spec, **parameters).double()

    return make


def task(seed: int = 0) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def part(each: int) -> Examples:
        inputs = torch.randn(WAYS * each, *SHAPE, generator=generator, dtype=torch.float64)
        labels = torch.arange(WAYS).repeat(each)
        return Examples(inputs, labels[torch.randperm(len(labels), generator=generator)], WAYS)

    return Episode(part(2), part(3), torch.arange(WAYS))


def meta_gradient(algorithm: nn.Module, loss: Tensor) -> Tensor:
    slopes = torch.autograd.grad(loss, list(algorithm.parameters()))
    return torch.cat([slope.flatten() for slope in slopes])


def embedded(algorithm: Any, episode: Episode) -> tuple[Tensor, Tensor]:
    """Returns the features of support and query, by one pass through the body."""
    both = algorithm.embedding(torch.cat([episode.support.inputs, episode.query.inputs]))
    return both[: len(episode.support)], both[len(episode.support) :]


def by_autograd(algorithm: Any, episode: Episode, steps: int) -> Tensor:
    """Returns the loss of the query after steps of the head that autograd works out."""
    support, query = embedded(algorithm, episode)
    weight, bias = algorithm.head.weight, algorithm.head.bias
    for _ in range(steps):
        loss = F.cross_entropy(F.linear(support, weight, bias), episode.support.targets)
        slopes = torch.autograd.grad(loss, (weight, bias), create_graph=True)
        weight, bias = (
            old - algorithm.inner_lr * slope
            for old, slope in zip((weight, bias), slopes, strict=True)
        )
    return F.cross_entropy(F.linear(query, weight, bias), episode.query.targets)


def by_learn2learn(algorithm: Any, episode: Episode, steps: int) -> Tensor:
    """Returns the same as learn2learn's example `anil_fc100.py` computes it."""
    support, query = embedded(algorithm, episode)
    maml = import_extra("learn2learn.algorithms").MAML(algorithm.head, lr=algorithm.inner_lr)
    learner = maml.clone()
    for _ in range(steps):
        learner.adapt(F.cross_entropy(learner(support), episode.support.targets))
    return F.cross_entropy(learner(query), episode.query.targets)


LOOPS = [
    pytest.param(by_autograd, id="autograd"),
    pytest.param(by_learn2learn, id="learn2learn", marks=needs_learn2learn),
]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("steps", [1, 5])
def test_loss_and_meta_gradient_are_those_of_a_loop_over_the_head(
    loop: Callable[[Any, Episode, int], Tensor], steps: int, anil: Callable[..., Any]
) -> None:
    algorithm = anil(inner_lr=0.7, inner_steps=steps).train()
    mine, its = algorithm.loss(task()), loop(algorithm, task(), steps)
    assert mine.item() == pytest.approx(its.item(), rel=1e-12)
    one, other = meta_gradient(algorithm, mine), meta_gradient(algorithm, its)
    assert other.norm() > 1e-3
    assert ((one - other).norm() / other.norm()).item() < 1e-9


@pytest.mark.parametrize("name", ["head.weight", "head.bias", "embedding.layer.weight"])
def test_the_meta_gradient_is_the_slope_of_the_loss(name: str, anil: Callable[..., Any]) -> None:
    smooth = Backbone("smooth", "", "anything", lambda shape, norm: Smooth())
    algorithm = anil(smooth, inner_lr=0.7, inner_steps=3).train()
    parameter = algorithm.get_parameter(name)
    (slope,) = torch.autograd.grad(algorithm.loss(task()), parameter)
    direction = torch.randn(parameter.shape, dtype=torch.float64)
    losses = []
    with torch.no_grad():
        for step in (1e-5, -2e-5):
            parameter += step * direction
            losses.append(algorithm.loss(task()).item())
    measured = (losses[0] - losses[1]) / 2e-5
    assert (slope * direction).sum().item() == pytest.approx(measured, rel=1e-6)


def test_on_curves_the_head_follows_the_slope_of_the_squared_error(registry: Registry) -> None:
    torch.manual_seed(0)
    spec = TaskSpec((1,), 1, 6, find_backbone("mlp-40"), task="regression", targets=2)
    parameters: dict[str, Any] = {"inner_lr": 0.02, "inner_steps": 3}
    algorithm: Any = registry.algorithm("anil")(spec, **parameters).double().train()
    known, asked = (
        Examples(torch.randn(count, 1).double(), torch.randn(count, 2).double(), 1)
        for count in (6, 4)
    )
    both = algorithm.embedding(torch.cat([known.inputs, asked.inputs]))
    weight, bias = algorithm.head.weight, algorithm.head.bias
    for _ in range(3):
        loss = F.mse_loss(F.linear(both[:6], weight, bias), known.targets)
        slopes = torch.autograd.grad(loss, (weight, bias), create_graph=True)
        weight, bias = weight - 0.02 * slopes[0], bias - 0.02 * slopes[1]
    its = F.mse_loss(F.linear(both[6:], weight, bias), asked.targets)
    mine = algorithm.loss(Episode(known, asked, torch.arange(1)))
    assert mine.item() == pytest.approx(its.item(), rel=1e-12)
    one, other = meta_gradient(algorithm, mine), meta_gradient(algorithm, its)
    assert ((one - other).norm() / other.norm()).item() < 1e-9


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_without_batch_norm_tasks_are_trained_together_as_one_by_one(
    kind: Task, registry: Registry
) -> None:
    curves = kind == "regression"
    ways, tasks = 1 if curves else WAYS, []
    for _ in range(4):
        parts = []
        for count in (6, 9):
            inputs = torch.randn(count, 2).double()
            targets = torch.randn(count, 1).double() if curves else torch.arange(count) % WAYS
            parts.append(Examples(inputs, targets, ways))
        tasks.append(Episode(parts[0], parts[1], torch.arange(ways)))
    spec = TaskSpec((2,), ways, 2, find_backbone("mlp-40"), task=kind)
    parameters: dict[str, Any] = {"inner_lr": 0.02}
    algorithm: Any = registry.algorithm("anil")(spec, **parameters).double().train()
    optimizer = torch.optim.SGD(algorithm.parameters(), lr=0.0)
    results = []
    for step in (algorithm.train_step, partial(Algorithm.train_step, algorithm)):
        loss = step(tasks, optimizer)
        results.append((loss, torch.cat([p.grad.flatten() for p in algorithm.parameters()])))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-9, atol=1e-12)


def test_the_body_learns_from_the_path_through_the_adapted_head(anil: Callable[..., Any]) -> None:
    # Were the steps taken as constants (first order), the gradient would differ.
    algorithm = anil(inner_lr=0.7, inner_steps=3).train()
    support, query = embedded(algorithm, task())
    known = Examples(support.detach(), task().support.targets, WAYS)
    cut = F.cross_entropy(algorithm.scores(known, query), task().query.targets)
    whole = meta_gradient(algorithm.embedding, algorithm.loss(task()))
    assert (whole - meta_gradient(algorithm.embedding, cut)).norm() > 1e-2 * whole.norm()


def test_it_takes_other_numbers_of_steps_in_training_and_in_test(anil: Callable[..., Any]) -> None:
    algorithm = anil(inner_steps=1, test_steps=4, inner_lr=0.5)
    known, query = torch.randn(2, 6, 4).double()
    support = Examples(known.repeat(1, 4), torch.tensor([0, 1, 2, 0, 1, 2]), WAYS)
    query = query.repeat(1, 4)
    weight, bias = (p.detach().clone().requires_grad_() for p in algorithm.head.parameters())
    optimizer = torch.optim.SGD([weight, bias], lr=0.5)
    expected = []
    for _ in range(4):
        loss = F.cross_entropy(F.linear(support.inputs, weight, bias), support.targets)
        weight.grad, bias.grad = torch.autograd.grad(loss, (weight, bias))
        optimizer.step()
        expected.append(F.linear(query, weight, bias).detach())
    with torch.no_grad():
        torch.testing.assert_close(algorithm.train().scores(support, query), expected[0])
        torch.testing.assert_close(algorithm.eval().scores(support, query), expected[3])


def test_many_tasks_at_once_give_what_one_gives(anil: Callable[..., Any]) -> None:
    algorithm = anil().eval()
    width = algorithm.head.in_features
    support, query = torch.randn(4, 6, width).double(), torch.randn(4, 5, width).double()
    targets = torch.stack([torch.randperm(6) % WAYS for _ in range(4)])
    together = algorithm.scores(Examples(support, targets, WAYS), query)
    for number in range(4):
        alone = algorithm.scores(Examples(support[number], targets[number], WAYS), query[number])
        torch.testing.assert_close(together[number], alone, rtol=1e-12, atol=1e-12)


def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    stream = make_stream(classes=30, each=20)
    learner = build("anil")
    optimizer = learner.optimizer()
    learner.train()
    for step in range(3):
        learner.train_step(stream.episodes(1000 + 2 * step, 2), optimizer)
    fast, plain = (evaluate(learner, stream, 40, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


def test_adapting_leaves_the_head_as_it_was(anil: Callable[..., Any]) -> None:
    algorithm = anil().eval()
    before = {name: tensor.clone() for name, tensor in algorithm.state_dict().items()}
    predict = algorithm.adapt(task().support)
    together, alone = predict(task().query.inputs), predict(task().query.inputs[2:3])
    torch.testing.assert_close(together[2:3], alone, rtol=1e-12, atol=1e-12)
    for name, tensor in algorithm.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert isinstance(algorithm, EmbeddingLearner)
    assert algorithm.transduction == ""


@pytest.mark.parametrize(
    "wrong", [{"inner_lr": 0.0}, {"inner_lr": -1.0}, {"inner_steps": 0}, {"test_steps": 0}]
)
def test_steps_and_their_size_must_be_positive(wrong: dict[str, Any], registry: Registry) -> None:
    spec = TaskSpec((2,), WAYS, 1, find_backbone("mlp"))
    with pytest.raises(BenchError, match="must be positive"):
        registry.algorithm("anil")(spec, **wrong)


def test_it_learns(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accuracies = []
    for steps in ("1", "150"):
        arguments = ["--algo", "anil", "--data", "gaussians", "--steps", steps]
        assert run_command_line(["run", *arguments, "--episodes", "100"]) == 0
        accuracies.append(float(capsys.readouterr().out.split("shot: ")[1].split("%")[0]))
    assert accuracies[1] > accuracies[0] + 5
