"""MetaOptNet, against SciPy's solution of the same dual, optimality conditions and differences."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize
from torch import Tensor

from bench.algorithm import TaskSpec
from bench.backbones import find_backbone
from bench.cli import run_command_line
from bench.episodes import Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

Array = NDArray[np.float64]


@pytest.fixture
def metaoptnet(registry: Registry) -> Callable[..., Any]:
    """Builds it over points as they are, in double precision."""

    def make(scale: float = 1.0, **parameters: Any) -> Any:
        spec = TaskSpec((4,), 3, 2, find_backbone("identity"))
        return registry.algorithm("metaoptnet")(spec, **{"scale": scale} | parameters).double()

    return make


@pytest.fixture
def solver(registry: Registry) -> Any:
    """The module of the plugin, for its solver."""
    return sys.modules[registry.algorithm("metaoptnet").__module__]


def task(ways: int, shots: int, width: int, size: float = 1.0, seed: int = 0) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    inputs = size * torch.randn(ways * shots, width, generator=generator, dtype=torch.float64)
    order = torch.randperm(ways * shots, generator=generator)
    return Examples(inputs, torch.arange(ways).repeat(shots)[order], ways)


def weights(learner: Any, support: Examples) -> Array:
    """Returns W' (n, d) of the fitted classifier: its logits of the unit vectors."""
    units = torch.eye(support.inputs.shape[-1], dtype=torch.float64)
    found: Array = learner.scores(support, units).detach().T.numpy()
    return found


def by_scipy(support: Examples, cost: float) -> Array:
    """Solves the dual in the paper's variables (s, n), and returns the weights W' (n, d)."""
    features, ways = support.inputs.numpy(), support.n_way
    labels = np.eye(ways)[support.targets.numpy()]
    kernel, shape = features @ features.T, labels.shape

    def objective(flat: Array) -> float:
        alpha = flat.reshape(shape)
        return float((alpha * (kernel @ alpha)).sum() / 2 - (labels * alpha).sum())

    def gradient(flat: Array) -> Array:
        return np.asarray((kernel @ flat.reshape(shape) - labels).ravel())

    sums = LinearConstraint(np.kron(np.eye(len(labels)), np.ones((1, ways))), 0.0, 0.0)
    bounds = [(None, cost * label) for label in labels.ravel()]
    start, options = np.zeros(labels.size), {"ftol": 1e-14, "maxiter": 1000}
    solved = minimize(
        objective,
        start,
        jac=gradient,
        bounds=bounds,
        constraints=sums,
        method="SLSQP",
        options=options,
    )
    assert solved.success
    return np.asarray(solved.x.reshape(shape).T @ features)


@pytest.mark.parametrize(("ways", "shots", "width"), [(3, 1, 4), (2, 3, 2), (3, 3, 2), (4, 2, 9)])
@pytest.mark.parametrize("cost", [0.1, 5.0])
def test_the_svm_is_the_one_that_scipy_finds(
    ways: int, shots: int, width: int, cost: float, metaoptnet: Callable[..., Any]
) -> None:
    support = task(ways, shots, width)
    mine, its = weights(metaoptnet(cost=cost), support), by_scipy(support, cost)
    np.testing.assert_allclose(mine, its, atol=1e-5 * np.abs(its).max())


@pytest.mark.parametrize(("cost", "expected"), [(0.1, 0.2), (10.0, 0.5)])
def test_the_svm_of_two_points_by_hand(
    cost: float, expected: float, metaoptnet: Callable[..., Any]
) -> None:
    # Points 1 and -1: with weights w and -w the primal is w^2 + 2 C max(0, 1 - 2 w), least at
    # w = 2 C while that leaves an error, else at w = 1/2, where the margin is one.
    support = Examples(torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([0, 1]), 2)
    found = weights(metaoptnet(cost=cost), support)
    np.testing.assert_allclose(found, [[expected], [-expected]], atol=1e-7)


def primal(features: Array, targets: Array, found: Array, cost: float) -> float:
    """Returns what the SVM minimises, by its definition."""
    logits, rows = features @ found.T, np.arange(len(features))
    margins = 1.0 + logits - logits[rows, targets][:, None]
    margins[rows, targets] = 0.0
    return float((found**2).sum() / 2 + cost * margins.max(1).sum())


@pytest.mark.parametrize(
    ("ways", "shots", "width", "size"),
    [
        (5, 1, 64, 1.0),
        (5, 5, 64, 30.0),
        (5, 25, 64, 1.0),
        (20, 1, 8, 0.01),
        (60, 1, 64, 1.0),
        (5, 1, 9, 1e3),
    ],
)
def test_at_sizes_of_real_tasks_primal_and_dual_meet(
    ways: int, shots: int, width: int, size: float, solver: Any
) -> None:
    # Whatever is feasible in the dual bounds the primal from below; where both meet, both are
    # optimal. The method's own gap is 1e-9 per variable of the dual, times the cost.
    support, cost = task(ways, shots, width, size), 0.1
    labels = torch.eye(ways, dtype=torch.float64)[support.targets]
    alpha = solver.dual_coefficients(support.inputs, labels, cost).numpy()
    np.testing.assert_allclose(alpha.sum(1), 0, atol=1e-12)
    assert (alpha <= cost * labels.numpy()).all()
    features, targets = support.inputs.numpy(), support.targets.numpy()
    found = alpha.T @ features
    lower = float(alpha[np.arange(len(targets)), targets].sum() - (found**2).sum() / 2)
    upper = primal(features, targets, found, cost)
    assert lower - 1e-12 <= upper <= lower + 2e-9 * alpha.size * cost


@pytest.mark.parametrize("head", ["svm", "ridge"])
@pytest.mark.parametrize(("ways", "shots", "width"), [(3, 1, 7), (2, 4, 3)])
@pytest.mark.parametrize("cost", [0.1, 5.0])
def test_the_gradient_is_the_slope(
    head: str, ways: int, shots: int, width: int, cost: float, metaoptnet: Callable[..., Any]
) -> None:
    learner, support = metaoptnet(head=head, cost=cost, ridge=2.0), task(ways, shots, width)
    query = task(ways, 1, width, seed=1).inputs

    def logits(known: Tensor, asked: Tensor, _: Tensor) -> Any:
        return learner.scores(Examples(known, support.targets, ways), asked)

    inputs = (support.inputs.requires_grad_(), query.requires_grad_(), learner.factor)
    assert torch.autograd.gradcheck(logits, inputs, eps=1e-5, atol=1e-5, rtol=1e-4)
    (slope,) = torch.autograd.grad(logits(*inputs).square().sum(), support.inputs)
    assert slope.norm() > 1e-3


def test_ridge_regression_is_the_least_squares_fit_of_labels_doubled(
    metaoptnet: Callable[..., Any],
) -> None:
    # In the paper's dual the targets are 2 y, as its primal has the squared error unhalved.
    support, query = task(3, 2, 4), task(3, 1, 4, seed=1).inputs
    rows = np.r_[support.inputs.numpy(), np.sqrt(50.0) * np.eye(4)]
    labels = np.r_[2 * np.eye(3)[support.targets.numpy()], np.zeros((4, 3))]
    expected = query.numpy() @ np.linalg.lstsq(rows, labels)[0]
    logits = metaoptnet(head="ridge").scores(support, query).detach()
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("head", ["svm", "ridge"])
def test_many_tasks_at_once_give_what_one_gives(head: str, metaoptnet: Callable[..., Any]) -> None:
    learner = metaoptnet(head=head)
    singles = [task(3, 2, 4, size=number, seed=number) for number in range(1, 8)]
    query = torch.randn(7, 5, 4).double()
    inputs = torch.stack([single.inputs for single in singles])
    targets = torch.stack([single.targets for single in singles])
    together = learner.scores(Examples(inputs, targets, 3), query)
    for number, single in enumerate(singles):
        alone = learner.scores(single, query[number])
        torch.testing.assert_close(together[number], alone, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("head", ["svm", "ridge"])
def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    head: str, make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    stream, learner = make_stream(classes=30, each=20), build("metaoptnet", head=head)
    learner.train_step(stream.episodes(1000, 2), learner.optimizer())
    fast, plain = (evaluate(learner, stream, 40, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


def test_cost_and_ridge_must_be_positive_and_the_head_known(
    metaoptnet: Callable[..., Any],
) -> None:
    for wrong in ({"cost": 0.0}, {"ridge": -1.0}, {"scale": 0.0}):
        with pytest.raises(BenchError, match="must be positive"):
            metaoptnet(**wrong)
    with pytest.raises(BenchError, match="head is 'tree'"):
        metaoptnet(head="tree")


def test_it_learns(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accuracies = []
    for steps in ("0", "40"):
        arguments = ["--algo", "metaoptnet", "--data", "gaussians", "--steps", steps]
        more = ["--set", "lr=0.01", "--episodes", "100"]
        assert run_command_line(["run", *arguments, *more]) == 0
        accuracies.append(float(capsys.readouterr().out.split("shot: ")[1].split("%")[0]))
    assert accuracies[1] > accuracies[0] + 3
