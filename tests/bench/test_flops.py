"""Operations counted, against the formulas on paper; a multiplication and an addition are two."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm
from bench.backbones import find_backbone
from bench.episodes import Episode
from bench.flops import count_flops
from bench.pool import EpisodeStream

Build = Callable[..., Algorithm]
Streams = Callable[..., EpisodeStream]


def conv4_layers(filters: int, side: int, channels: int = 1) -> list[int]:
    """The operations of each 3x3 convolution of conv4 on one image, halved by pooling."""
    inputs = [channels, filters, filters, filters]
    return [2 * (side >> i) ** 2 * 9 * c * filters for i, c in enumerate(inputs)]


def learn(layer: nn.Module, inputs: Tensor) -> None:
    layer(inputs).sum().backward()


def test_a_linear_layer_takes_two_for_each_weight_and_row() -> None:
    layer, inputs = nn.Linear(7, 11), torch.ones(5, 7)
    assert count_flops(lambda: layer(inputs)) == 2 * 5 * 7 * 11


def test_its_gradient_takes_as_much_for_the_weights_and_again_for_the_inputs() -> None:
    layer, forward = nn.Linear(7, 11), 2 * 5 * 7 * 11
    assert count_flops(lambda: learn(layer, torch.ones(5, 7))) == 2 * forward
    assert count_flops(lambda: learn(layer, torch.ones(5, 7, requires_grad=True))) == 3 * forward


@pytest.mark.parametrize(("stride", "side"), [(1, 10), (2, 5)])
def test_a_convolution_takes_two_for_each_weight_and_pixel_of_its_map(
    stride: int, side: int
) -> None:
    layer = nn.Conv2d(3, 8, 3, stride=stride, padding=1)
    forward = 4 * 2 * side**2 * 9 * 3 * 8
    assert count_flops(lambda: layer(torch.ones(4, 3, 10, 10))) == forward
    assert count_flops(lambda: learn(layer, torch.ones(4, 3, 10, 10))) == 2 * forward


def test_conv4_takes_19_6_million_for_an_omniglot_image() -> None:
    """0.90, 14.45, 3.61 and 0.66 million in its four layers."""
    embedding = find_backbone("conv4").build((1, 28, 28))
    found = count_flops(lambda: embedding(torch.zeros(1, 1, 28, 28)))
    assert found == 903_168 + 14_450_688 + 3_612_672 + 663_552 == sum(conv4_layers(64, 28))


def inner_step(support: int, side: int, filters: int, ways: int) -> int:
    """One step from weights to weights: forward, and gradients, but not those of the images."""
    layers = conv4_layers(filters, side)
    head = 2 * filters * (side >> 4) ** 2 * ways
    return support * (3 * (sum(layers) + head) - layers[0])


@pytest.mark.parametrize("steps", [1, 3])
def test_an_inner_step_of_maml_is_forward_and_twice_that_back(
    build: Build, make_stream: Streams, steps: int
) -> None:
    learner = build("fomaml", shape=(1, 16, 16), test_steps=steps).eval()
    support = make_stream(side=16).episodes(0, 1)[0].support
    found = count_flops(lambda: learner.adapt(support))
    assert found == steps * inner_step(len(support), 16, 32, 3)


def training(learner: Algorithm, episode: Episode) -> int:
    found = count_flops(lambda: learner.train_step([episode], learner.optimizer()))
    assert found is not None
    return found


def test_our_own_kernels_are_counted_as_torchs_are(build: Build, make_stream: Streams) -> None:
    """The same method by the kernels of bench.taskbatch, and by the plain path."""
    episode = make_stream(side=16).episodes(0, 1)[0]
    own, plain = (build(name, shape=(1, 16, 16)).train() for name in ("maml", "maml"))
    by_kernels = training(own, episode)

    def plainly() -> None:
        plain.loss(episode).backward()  # type: ignore[no-untyped-call]

    by_torch = count_flops(plainly)
    assert by_torch is not None
    assert by_kernels == pytest.approx(by_torch, rel=0.03)


def test_second_derivatives_cost_three_times_the_first(build: Build, make_stream: Streams) -> None:
    """9 forward passes per support image and inner step where first order takes 3.

    A little less, as the images need no gradient.
    """
    episode = make_stream(side=16, ways=3, shots=4, queries=1).episodes(0, 1)[0]
    second, first = (
        training(build(name, shape=(1, 16, 16), inner_steps=1).train(), episode)
        for name in ("maml", "fomaml")
    )
    forward = sum(conv4_layers(32, 16))
    queries, support = len(episode.query), len(episode.support)
    assert first == pytest.approx(3 * forward * (queries + support), rel=0.1)
    assert second == pytest.approx(forward * (3 * queries + 9 * support), rel=0.15)


def test_threads_do_not_hide_work() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert count_flops(lambda: torch.ones(4, 5) @ torch.ones(5, 6)) == 240
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


SPD = torch.eye(6, dtype=torch.float64).expand(3, 6, 6) + 0.1


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda: torch.linalg.inv(SPD), 3 * 2 * 216),
        (lambda: torch.linalg.cholesky(SPD), 3 * 216 // 3),
        (lambda: torch.linalg.solve(SPD, SPD[..., :2]), 3 * (2 * 216 // 3 + 2 * 36 * 2)),
        (lambda: torch.linalg.solve(SPD, SPD[..., 0]), 3 * (2 * 216 // 3 + 2 * 36)),
        (lambda: torch.linalg.solve_triangular(SPD, SPD[..., :4], upper=False), 3 * 36 * 4),
        (lambda: torch.cholesky_solve(SPD[..., :4], SPD), 3 * 2 * 36 * 4),
        (lambda: torch.mv(SPD[0], SPD[0, 0]), 2 * 36),
        (lambda: torch.dot(SPD[0, 0], SPD[0, 0]), 2 * 6),
        (lambda: torch.cdist(SPD[0], SPD[0, :4]), 2 * 6 * 4 * 6),
        (lambda: torch.func.vmap(lambda w: SPD[0] @ w)(SPD), 3 * 2 * 216),
        (lambda: SPD.exp().sum(), 0),
    ],
    ids=[
        "inv",
        "chol",
        "solve",
        "vector",
        "triangle",
        "by chol",
        "mv",
        "dot",
        "cdist",
        "vmap",
        "0",
    ],
)
def test_linear_algebra_follows_the_textbook(work: Callable[[], object], expected: int) -> None:
    assert count_flops(work) == expected


@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.linalg.svd(SPD),
        lambda: torch.linalg.eigh(SPD),
        lambda: torch.linalg.qr(SPD),
        lambda: nn.LSTM(4, 5)(torch.zeros(3, 2, 4)),
    ],
)
def test_what_has_no_formula_cannot_be_counted(work: Callable[[], object]) -> None:
    assert count_flops(work) is None
