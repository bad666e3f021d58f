"""R2-D2, against least squares by NumPy and finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.algorithm import TaskSpec
from bench.backbones import find_backbone
from bench.cli import run_command_line
from bench.episodes import Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

WAYS = 3


@pytest.fixture
def r2d2(registry: Registry) -> Callable[..., Any]:
    """Builds it over points as they are, in double precision."""

    def make(**parameters: Any) -> Any:
        spec = TaskSpec((4,), WAYS, 2, find_backbone("identity"))
        return registry.algorithm("r2d2")(spec, **parameters).double()

    return make


def task(width: int, examples: int = 6, tasks: tuple[int, ...] = ()) -> tuple[Examples, Tensor]:
    generator = torch.Generator().manual_seed(width + examples)
    inputs = torch.randn(*tasks, examples, width, generator=generator, dtype=torch.float64)
    query = torch.randn(*tasks, 5, width, generator=generator, dtype=torch.float64)
    targets = (torch.rand(*tasks, examples, generator=generator).argsort(-1)) % WAYS
    return Examples(inputs, targets, WAYS), query


def by_least_squares(support: Examples, query: Tensor, ridge: float) -> Any:
    """Solves for the weights themselves, as rows of zeros with the ridge below the features."""
    known = np.c_[support.inputs.numpy(), np.ones(len(support))] / np.sqrt(len(support))
    wanted = np.eye(WAYS)[support.targets.numpy()] / np.sqrt(len(support))
    rows = np.r_[known, np.sqrt(ridge) * np.eye(known.shape[1])]
    weights = np.linalg.lstsq(rows, np.r_[wanted, np.zeros((known.shape[1], WAYS))])[0]
    return np.c_[query.numpy(), np.ones(len(query))] @ weights


@pytest.mark.parametrize(("width", "examples"), [(4, 6), (20, 6), (5, 6), (4, 3)])
@pytest.mark.parametrize("ridge", [50.0, 0.01])
def test_the_head_is_the_least_squares_fit_whichever_is_more_features_or_examples(
    width: int, examples: int, ridge: float, r2d2: Callable[..., Any]
) -> None:
    support, query = task(width, examples)
    learner = r2d2(ridge=ridge, scale=3.0)
    learner.shift.data.fill_(0.5)
    expected = 3.0 * by_least_squares(support, query, ridge) + 0.5
    np.testing.assert_allclose(learner.scores(support, query).detach(), expected, rtol=1e-5)


def test_the_head_of_one_point_per_class_by_hand(r2d2: Callable[..., Any]) -> None:
    # Features 1 and -1 of two classes, with the constant 1 beside them, are orthogonal; both have
    # squared length 2, so with 2 * ridge = 2 the dual coefficients are labels over 2 + 2.
    support = Examples(torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([0, 1]), 2)
    query = torch.tensor([[1.0], [0.0], [3.0]]).double()
    logits = r2d2(ridge=1.0, scale=4.0).scores(support, query)
    expected = torch.tensor([[2.0, 0.0], [1.0, 1.0], [4.0, -2.0]]).double()
    torch.testing.assert_close(logits, expected, rtol=1e-6, atol=1e-6)


def test_the_gradient_is_the_slope(r2d2: Callable[..., Any]) -> None:
    learner, (support, query) = r2d2(ridge=0.3), task(4)

    def logits(known: Tensor, asked: Tensor, *_: Tensor) -> Any:
        return learner.scores(Examples(known, support.targets, WAYS), asked)

    learnt = (learner.log_ridge, learner.factor, learner.shift)
    inputs = (support.inputs.requires_grad_(), query.requires_grad_(), *learnt)
    assert torch.autograd.gradcheck(logits, inputs)


def test_ridge_scale_and_shift_are_learnt_and_the_ridge_stays_positive(
    r2d2: Callable[..., Any],
) -> None:
    learner = r2d2(ridge=1e-3, lr=5.0)
    optimizer = torch.optim.SGD(learner.parameters(), lr=100.0)
    support, query = task(4)
    learner.task_loss(learner.scores(support, query), support.targets[:5]).backward()
    optimizer.step()
    for name, start in (("log_ridge", np.log(1e-3)), ("factor", 10.0), ("shift", 0.0)):
        moved = abs(learner.get_parameter(name).item() - start) > 1e-9
        assert moved or name == "shift", name  # softmax forgets a shift of all logits
    assert learner.log_ridge.exp().item() > 0


def test_many_tasks_at_once_give_what_one_gives(r2d2: Callable[..., Any]) -> None:
    learner, (support, query) = r2d2(), task(4, tasks=(7,))
    together = learner.scores(support, query)
    for number in range(7):
        single = Examples(support.inputs[number], support.targets[number], WAYS)
        torch.testing.assert_close(together[number], learner.scores(single, query[number]))


def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    stream, learner = make_stream(classes=30, each=20), build("r2d2")
    learner.train_step(stream.episodes(1000, 2), learner.optimizer())
    fast, plain = (evaluate(learner, stream, 40, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"ridge": 0.0}, {"ridge": -1.0}, {"scale": 0.0}])
def test_ridge_and_scale_must_be_positive(
    wrong: dict[str, float], r2d2: Callable[..., Any]
) -> None:
    with pytest.raises(BenchError, match="must be positive"):
        r2d2(**wrong)


def test_it_learns(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accuracies = []
    for steps in ("0", "60"):
        arguments = ["--algo", "r2d2", "--data", "gaussians", "--steps", steps]
        assert run_command_line(["run", *arguments, "--episodes", "100"]) == 0
        accuracies.append(float(capsys.readouterr().out.split("shot: ")[1].split("%")[0]))
    assert accuracies[1] > accuracies[0] + 5
