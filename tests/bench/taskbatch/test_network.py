"""The whole task-batched network: logits against a loop over functional_call."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call

from bench.backbones import BACKBONES, Norm, find_backbone
from bench.taskbatch.network import batched

TASKS = 3
SHAPES = {"conv4": (1, 28, 28), "conv4-32": (3, 20, 24), "mlp": (2,)}


def network(backbone: str, shape: tuple[int, ...], norm: Norm = "batch") -> nn.Sequential:
    embedding = find_backbone(backbone).build(shape, norm)
    return nn.Sequential(embedding, nn.Linear(embedding.out_features, 5)).double()


@pytest.mark.parametrize("backbone", sorted(BACKBONES))
def test_every_backbone_gives_the_logits_of_a_loop_over_tasks(backbone: str) -> None:
    shape = SHAPES.get(backbone, (1, 28, 28))
    net = network(backbone, shape)
    model = batched(net)
    assert model is not None
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(TASKS, 4, *shape, generator=generator, dtype=torch.float64)
    weights = {
        name: weight.detach()
        + 0.1 * torch.randn(TASKS, *weight.shape, generator=generator, dtype=torch.float64)
        for name, weight in net.named_parameters()
    }
    together = model(weights, inputs)
    for i in range(TASKS):
        alone = functional_call(net, {name: w[i] for name, w in weights.items()}, inputs[i])
        error = (together[i] - alone).norm() / alone.norm()
        assert error < 1e-10


def test_running_averages_are_left_to_the_plain_path() -> None:
    assert batched(network("conv4", (1, 28, 28), "running")) is None


def test_networks_of_other_kinds_are_left_to_the_plain_path() -> None:
    assert batched(nn.Linear(2, 3)) is None
    assert batched(nn.Sequential(nn.Flatten(), nn.Linear(2, 3))) is None
    embedding = find_backbone("mlp").build((2,))
    assert batched(nn.Sequential(embedding, nn.Linear(64, 3, bias=False))) is None


def test_a_subclass_that_may_compute_something_else_is_left_to_the_plain_path() -> None:
    embedding = find_backbone("mlp").build((2,))
    embedding.__class__ = type("Own", (type(embedding),), {})
    assert batched(nn.Sequential(embedding, nn.Linear(64, 3))) is None
