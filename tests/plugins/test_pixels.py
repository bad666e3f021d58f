"""Nearest centroid on raw inputs, against numbers computed by hand."""

from __future__ import annotations

import pytest
import torch

from bench.algorithm import Algorithm, TaskSpec
from bench.episodes import Examples
from bench.registry import Registry


@pytest.fixture
def pixels(registry: Registry) -> Algorithm:
    algorithm: Algorithm = registry.algorithm("pixels")(TaskSpec((1, 1, 2), 2, 2))
    return algorithm


def test_logits_are_minus_squared_distances_to_mean_images(pixels: Algorithm) -> None:
    # Mean images: class 0 (1, 0), class 1 (0, 3).
    inputs = torch.tensor([[0.0, 4.0], [0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]).reshape(4, 1, 1, 2)
    support = Examples(inputs, torch.tensor([1, 0, 0, 1]), 2)
    query = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).reshape(2, 1, 1, 2)
    assert pixels.adapt(support)(query).tolist() == [[-1.0, -5.0], [-1.0, -9.0]]


def test_a_query_is_judged_alone(pixels: Algorithm) -> None:
    torch.manual_seed(0)
    support = Examples(torch.rand(6, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2]), 3)
    query = torch.rand(5, 1, 4, 4)
    predict = pixels.adapt(support)
    torch.testing.assert_close(predict(query)[3:4], predict(query[3:4]))
    assert pixels.transduction == ""


def test_there_is_nothing_to_train(pixels: Algorithm) -> None:
    assert list(pixels.parameters()) == []
    assert pixels.backbone is None
