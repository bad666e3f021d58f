"""learn2learn's Meta-Curvature, against its equation with every matrix written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from bench.episodes import Episode
from bench.registry import Registry
from tests.plugins.learn2learn import (
    KINDS,
    Kind,
    evaluated,
    made,
    meta_gradient,
    needs_learn2learn,
    relative_error,
    spec_of,
    task_of,
)


def matrix(transform: Any) -> Tensor:
    """Returns the matrix by which a transform multiplies a gradient, flattened row by row."""
    if transform.dim == 1:
        return torch.diag(transform.mc)
    inputs = transform.mc_out.mT.contiguous()
    if transform.dim == 2:
        return torch.kron(transform.mc_in, inputs)
    return torch.kron(transform.mc_in, torch.kron(inputs, transform.mc_f))


def by_hand(algorithm: Any, episode: Episode, steps: int) -> Tensor:
    """Returns the query's loss after steps along matrix times gradient, by autograd alone."""
    network = algorithm.wrapped.module
    matrices = [matrix(t) for t in algorithm.wrapped.compute_update.transforms_modules]
    weights = dict(network.named_parameters())
    for _ in range(steps):
        answer = functional_call(network, weights, episode.support.inputs)
        loss = algorithm.task_loss(answer, episode.support.targets)
        slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        moved = {}
        for (name, weight), slope, by in zip(weights.items(), slopes, matrices, strict=True):
            update = (by @ slope.flatten()).view(weight.shape)
            moved[name] = weight - algorithm.inner_lr * update
        weights = moved
    answer = functional_call(network, weights, episode.query.inputs)
    loss = algorithm.task_loss(answer, episode.query.targets)
    assert isinstance(loss, Tensor)
    return loss


@needs_learn2learn
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_multiplied_by_the_kronecker_product_of_its_matrices(
    kind: Kind, registry: Registry
) -> None:
    algorithm = made(registry, "l2l-metacurvature", kind, inner_lr=0.1, inner_steps=2).train()
    episode = task_of(kind)
    loss = by_hand(algorithm, episode, 2)
    slopes = torch.autograd.grad(loss, list(algorithm.parameters()))
    expected = torch.cat([slope.flatten() for slope in slopes])
    torch.testing.assert_close(algorithm.loss(episode), loss, rtol=1e-9, atol=0)
    assert relative_error(meta_gradient(algorithm, episode), expected) < 1e-9
    assert all(slope.norm() > 0 for slope in slopes)


def untrained(registry: Registry, name: str, kind: Kind, **parameters: Any) -> Any:
    """Returns an algorithm with a network as `made` makes it, all else as it starts."""
    start = made(registry, "l2l-maml", kind).wrapped.module
    algorithm: Any = registry.algorithm(name)(spec_of(kind), **parameters).double()
    network = algorithm.network if name == "maml" else algorithm.wrapped.module
    network.load_state_dict(start.state_dict(), strict=False)  # which has no running averages
    return algorithm


@needs_learn2learn
@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize("kind", KINDS)
def test_before_training_it_is_maml(kind: Kind, norm: str, registry: Registry) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": 3, "test_steps": 4, "norm": norm}
    ours, theirs = (untrained(registry, n, kind, **settings) for n in ("maml", "l2l-metacurvature"))
    expected = meta_gradient(ours.train(), task_of(kind))
    found = meta_gradient(theirs.train(), task_of(kind))[: len(expected)]  # then the matrices'
    assert relative_error(found, expected) < 1e-9
    torch.testing.assert_close(
        evaluated(theirs, kind), evaluated(ours, kind), rtol=1e-9, atol=1e-12
    )
    assert ours.transduction == theirs.transduction
