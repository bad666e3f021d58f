"""ResNet-12: sizes counted by hand, its block by formulas, and both paths of evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.algorithm import EmbeddingLearner, TaskSpec
from bench.episodes import Episode, Examples
from bench.evaluation import evaluate
from bench.gradient import GradientLearner
from bench.pool import EpisodeStream
from bench.registry import Registry


def block(before: int, after: int) -> int:
    """Returns the parameters of a block: 3x3, 3x3, 3x3 and 1x1 convolutions, four batch norms."""
    return 9 * before * after + 2 * 9 * after * after + before * after + 4 * 2 * after


@pytest.mark.parametrize(("channels", "expected"), [(3, 12_424_320), (1, 12_423_040)])
def test_it_has_the_parameters_counted_by_hand(
    channels: int, expected: int, registry: Registry
) -> None:
    with torch.device("meta"):
        network = registry.backbone("resnet12").build((channels, 84, 84))
    blocks = [block(channels, 64), block(64, 160), block(160, 320), block(320, 640)]
    assert sum(blocks) == expected
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize(
    ("name", "shape", "features"),
    [
        ("resnet12", (1, 28, 28), 640),
        ("resnet12", (3, 84, 84), 640),
        ("resnet12", (1, 8, 32), 640),
        ("resnet12-map", (1, 28, 28), 640),  # 28, 14, 7, 3, 1
        ("resnet12-map", (3, 84, 84), 16_000),  # 84, 42, 21, 10, 5: MetaOptNet's 16,000
        ("resnet12-map", (3, 32, 48), 640 * 2 * 3),
        ("resnet12-map", (1, 8, 8), 640),  # 8, 4, 2, 1, and no pooling of one pixel
    ],
)
def test_the_features_are_as_many_as_the_halvings_leave(
    name: str, shape: tuple[int, ...], features: int, registry: Registry
) -> None:
    with torch.device("meta"):
        network = registry.backbone(name).build(shape)
        assert network(torch.zeros(2, *shape)).shape == (2, features)
    assert network.out_features == features
    map_shape = network.map_shape
    assert (map_shape is None) == (name == "resnet12")
    if map_shape:
        assert map_shape[0] * map_shape[1] * map_shape[2] == features


def standardised(maps: Tensor) -> Tensor:
    """Batch norm as training starts: scale one, shift nought, statistics of the batch."""
    mean = maps.mean((0, 2, 3), keepdim=True)
    variance = (maps - mean).square().mean((0, 2, 3), keepdim=True)
    return (maps - mean) / (variance + 1e-5).sqrt()


def leaky(maps: Tensor) -> Tensor:
    return torch.where(maps > 0, maps, 0.1 * maps)


def test_it_computes_what_the_description_says(registry: Registry) -> None:
    torch.manual_seed(0)
    network = registry.backbone("resnet12").build((2, 9, 13)).double().train()
    inputs = torch.rand(3, 2, 9, 13, dtype=torch.float64)
    filters = iter([p for p in network.parameters() if p.dim() == 4])
    maps = inputs
    for halved in (True, True, True, False):  # 9 pixels, 4, 2, 1
        first, second, third, straight = (next(filters) for _ in range(4))
        inner = leaky(standardised(F.conv2d(maps, first, padding=1)))
        inner = leaky(standardised(F.conv2d(inner, second, padding=1)))
        inner = standardised(F.conv2d(inner, third, padding=1))
        maps = leaky(inner + standardised(F.conv2d(maps, straight)))
        if halved:
            height, width = maps.shape[2] // 2, maps.shape[3] // 2
            windows = maps[:, :, : 2 * height, : 2 * width]
            maps = windows.reshape(3, -1, height, 2, width, 2).amax((3, 5))
    torch.testing.assert_close(network(inputs), maps.mean((2, 3)))


@pytest.mark.parametrize("norm", ["running", "batch"])
def test_only_statistics_of_the_batch_let_images_depend_on_each_other(
    norm: str, registry: Registry
) -> None:
    torch.manual_seed(0)
    network = registry.backbone("resnet12").build((1, 8, 8), norm).train()  # type: ignore[arg-type]
    network(torch.rand(4, 1, 8, 8))
    network.eval()
    inputs = torch.rand(4, 1, 8, 8)
    alone = torch.allclose(network(inputs)[:2], network(inputs[:2]), atol=1e-5)
    assert alone == (norm == "running")
    assert network.shares_statistics == (norm == "batch")


def test_embedding_each_image_once_gives_the_numbers_of_the_plain_path(
    registry: Registry, make_stream: Callable[..., EpisodeStream]
) -> None:
    torch.manual_seed(0)
    stream = make_stream(classes=6, each=6, side=8)
    spec = TaskSpec((1, 8, 8), 3, 2, registry.backbone("resnet12"))
    learner = registry.algorithm("protonet")(spec)
    assert isinstance(learner, EmbeddingLearner)
    optimizer = learner.optimizer()
    learner.train()
    for step in range(2):
        learner.train_step(stream.episodes(1000 + step, 1), optimizer)
    fast = evaluate(learner, stream, 12, seed=0)
    plain = evaluate(learner, stream, 12, seed=0, plain=True)
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


def in_double(examples: Examples) -> Examples:
    return Examples(examples.inputs.double(), examples.targets, examples.n_way)


def test_second_derivatives_through_it_are_those_of_finite_differences(
    registry: Registry, make_stream: Callable[..., EpisodeStream]
) -> None:
    torch.manual_seed(0)
    spec = TaskSpec((1, 12, 12), 3, 2, registry.backbone("resnet12"))
    maml: type[Any] = registry.algorithm("maml")
    learner = maml(spec, inner_lr=1e-3).double().train()
    assert isinstance(learner, GradientLearner)
    assert not learner.takes_tasks_together
    (drawn,) = make_stream(ways=3, shots=2, queries=1, side=12).episodes(0, 1)
    episode = Episode(in_double(drawn.support), in_double(drawn.query), drawn.classes)
    weights = list(learner.parameters())
    slopes = torch.autograd.grad(learner.loss(episode), weights)
    direction = [torch.randn_like(w) * 0.01 for w in weights]
    expected = sum((s * d).sum().item() for s, d in zip(slopes, direction, strict=True))
    losses = []
    # A tiny step: the inner gradient jumps wherever a unit's sign changes.
    for step in (1e-8, -2e-8):  # there, and back to the other side
        with torch.no_grad():
            for w, d in zip(weights, direction, strict=True):
                w.add_(d, alpha=step)
        losses.append(learner.loss(episode).item())
    assert (losses[0] - losses[1]) / 2e-8 == pytest.approx(expected, rel=1e-4)
