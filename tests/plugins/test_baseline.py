"""Baseline and Baseline++, against a loop with torch's SGD, autograd and weight norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from bench.algorithm import TaskSpec
from bench.backbones import find_backbone
from bench.cli import run_command_line
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

BOTH = pytest.mark.parametrize("name", ["baseline", "baseline++"])
WAYS, WIDTH = 3, 4


@pytest.fixture
def make(registry: Registry) -> Callable[..., Any]:
    """Builds either over points as they are, in double precision."""

    def build(name: str, classes: int = 10, **parameters: Any) -> Any:
        torch.manual_seed(0)
        spec = TaskSpec((WIDTH,), WAYS, 2, find_backbone("identity"), base_classes=classes)
        return registry.algorithm(name)(spec, **parameters).double()

    return build


def task(seed: int, examples: int = 7, width: int = WIDTH) -> tuple[Examples, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(examples, width, generator=generator, dtype=torch.float64)
    query = torch.randn(5, width, generator=generator, dtype=torch.float64)
    order = torch.randperm(examples, generator=generator)
    return Examples(inputs, (torch.arange(examples) % WAYS)[order], WAYS), query


def fresh_layer(name: str, width: int) -> nn.Module:
    """Returns the head that each task starts with, as a layer of torch."""
    drawn = np.random.default_rng(1).uniform(-1, 1, (WAYS, width + 1)) / width**0.5
    layer = nn.Linear(width, WAYS, bias=name == "baseline", dtype=torch.float64)
    layer.weight.data.copy_(torch.from_numpy(drawn[:, :width]))
    if name == "baseline":
        layer.bias.data.copy_(torch.from_numpy(drawn[:, width]))
        return layer
    normed: nn.Module = weight_norm(layer, dim=0)
    return normed


def by_torch(name: str, support: Examples, query: Tensor, learner: Any) -> Tensor:
    """Fits a head as the authors' code does: a loop with torch's layers and optimiser."""
    layer = fresh_layer(name, query.shape[-1])

    def logits(inputs: Tensor) -> Tensor:
        if name == "baseline":
            return layer(inputs)  # type: ignore[no-any-return]  # a layer
        return 2 * layer(inputs / inputs.norm(dim=1, keepdim=True))  # type: ignore[no-any-return]

    optimizer = torch.optim.SGD(
        layer.parameters(), lr=learner.head_lr, momentum=0.9, dampening=0.9, weight_decay=1e-3
    )
    drawn = np.random.default_rng(0)
    for _ in range(learner.epochs):
        order = torch.from_numpy(drawn.permutation(len(support)))
        for start in range(0, len(support), learner.batch):
            places = order[start : start + learner.batch]
            optimizer.zero_grad()
            loss = F.cross_entropy(logits(support.inputs[places]), support.targets[places])
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()
    return logits(query).detach()


@BOTH
@pytest.mark.parametrize(("examples", "batch", "lr"), [(7, 4, 0.01), (3, 4, 0.3), (8, 2, 0.3)])
def test_the_fitted_head_is_that_of_a_loop_with_torchs_optimizer(
    name: str, examples: int, batch: int, lr: float, make: Callable[..., Any]
) -> None:
    learner = make(name, batch=batch, head_lr=lr, epochs=30)
    support, query = task(0, examples)
    expected = by_torch(name, support, query, learner)
    torch.testing.assert_close(learner.scores(support, query), expected, rtol=1e-4, atol=1e-6)
    nothing_done = by_torch(name, support, query, make(name, epochs=1, head_lr=1e-12))
    assert not torch.allclose(expected, nothing_done, rtol=1e-2, atol=1e-2)


@BOTH
def test_many_tasks_at_once_give_what_one_gives(name: str, make: Callable[..., Any]) -> None:
    learner = make(name, epochs=20, head_lr=0.1)
    singles = [task(seed) for seed in range(5)]
    inputs = torch.stack([support.inputs for support, _ in singles])
    targets = torch.stack([support.targets for support, _ in singles])
    query = torch.stack([asked for _, asked in singles])
    together = learner.scores(Examples(inputs, targets, WAYS), query)
    for number, (support, asked) in enumerate(singles):
        torch.testing.assert_close(together[number], learner.scores(support, asked))


@BOTH
def test_training_is_classification_among_all_training_classes(
    name: str, make: Callable[..., Any]
) -> None:
    learner, (support, query) = make(name), task(0)
    classes = torch.tensor([7, 2, 9])  # behind the labels 0, 1 and 2
    episode = Episode(support, Examples(query, torch.tensor([0, 1, 2, 2, 0]), WAYS), classes)
    weights = dict(learner.classifier.named_parameters())
    losses = []
    for point, label in zip(
        torch.cat([support.inputs, query]),
        [*support.targets.tolist(), 0, 1, 2, 2, 0],
        strict=True,
    ):
        if name == "baseline":
            logits = weights["weight"] @ point + weights["bias"]
        else:
            length = weights["length"].squeeze(-1) / weights["direction"].norm(dim=1)
            logits = 2 * length * (weights["direction"] @ point) / point.norm()
        losses.append(-logits.log_softmax(0)[classes[label]])
    assert logits.shape == (10,)
    torch.testing.assert_close(learner.loss(episode), torch.stack(losses).mean())


@pytest.mark.parametrize(("classes", "scale"), [(200, 2.0), (201, 10.0)])
def test_cosines_among_many_classes_are_scaled_by_more(
    classes: int, scale: float, make: Callable[..., Any]
) -> None:
    learner, (_, query) = make("baseline++", classes=classes), task(0)
    learner.classifier.length.data.fill_(1.0)
    cosines = F.cosine_similarity(query[:, None], learner.classifier.direction, dim=-1)
    torch.testing.assert_close(learner.classifier(query), scale * cosines)


@BOTH
def test_without_training_classes_it_can_be_tested_but_not_trained(
    name: str, make: Callable[..., Any]
) -> None:
    learner, (support, query) = make(name, classes=0, epochs=1), task(0)
    assert learner.scores(support, query).shape == (5, WAYS)
    episode = Episode(support, support, torch.arange(WAYS))
    with pytest.raises(BenchError, match="training classes"):
        learner.loss(episode)


@BOTH
def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    name: str, make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    stream, learner = make_stream(classes=30, each=20), build(name, epochs=10)
    fast, plain = (evaluate(learner, stream, 20, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


@BOTH
@pytest.mark.parametrize("wrong", [{"head_lr": 0.0}, {"epochs": 0}, {"batch": 0}])
def test_fitting_must_be_possible(
    name: str, wrong: dict[str, Any], make: Callable[..., Any]
) -> None:
    with pytest.raises(BenchError, match="must be positive"):
        make(name, **wrong)


@BOTH
def test_it_learns(
    name: str, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accuracies = []
    for steps in ("0", "300"):
        arguments = ["--algo", name, "--data", "gaussians", "--steps", steps, "--set", "lr=0.01"]
        more = ["--set", "epochs=20", "--set", "head_lr=0.1", "--episodes", "50"]
        assert run_command_line(["run", *arguments, *more, "--validation-episodes", "10"]) == 0
        accuracies.append(float(capsys.readouterr().out.split("shot: ")[1].split("%")[0]))
    assert accuracies[1] > accuracies[0] + 3
