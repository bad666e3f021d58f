"""Backbones: the published networks' sizes, and what each may read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from bench.algorithm import TaskSpec
from bench.backbones import BACKBONES, MLP, ConvNet, Norm, find_backbone
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

IMAGES = [name for name, backbone in BACKBONES.items() if backbone.reads == "images"]


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 84, 84), (1, 8, 8), (2, 9, 15), (1, 8, 32), (1, 40, 12), (3, 32, 20)]
)
def test_the_features_are_as_many_as_announced(name: str, shape: tuple[int, ...]) -> None:
    embedding = find_backbone(name).build(shape).eval()
    features = embedding(torch.rand(2, *shape))
    assert features.shape == (2, embedding.out_features)


def test_conv4_on_omniglot_gives_the_64_features_of_snell_et_al() -> None:
    assert find_backbone("conv4").build((1, 28, 28)).out_features == 64


def test_conv4_on_mini_imagenet_gives_the_1600_features_of_snell_et_al() -> None:
    assert find_backbone("conv4").build((3, 84, 84)).out_features == 1600


def test_conv4_has_the_parameters_counted_by_hand() -> None:
    # Convolutions without bias: 9*1*64 + 3 * 9*64*64; batch norms: 4 * 2*64.
    assert count(find_backbone("conv4").build((1, 28, 28))) == 576 + 3 * 36864 + 512


@pytest.mark.parametrize(
    ("name", "blocks", "filters"),
    [("conv4", 4, 64), ("conv4-32", 4, 32), ("conv4-strided", 4, 64), ("conv6", 6, 64)],
)
def test_a_backbone_has_the_blocks_its_name_says(name: str, blocks: int, filters: int) -> None:
    modules = list(find_backbone(name).build((1, 28, 28)).modules())
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == blocks
    assert {c.out_channels for c in convolutions} == {filters}


def test_a_block_is_convolution_norm_relu_and_pooling() -> None:
    torch.manual_seed(0)
    shape = (2, 9, 9)
    network = ConvNet(shape, blocks=1, filters=3, pool=True, norm="running").train()
    inputs = torch.rand(4, *shape)
    maps = nn.functional.conv2d(inputs, network.convolutions[0].weight, padding=1)
    mean, var = (
        maps.mean((0, 2, 3), keepdim=True),
        maps.var((0, 2, 3), unbiased=False, keepdim=True),
    )
    maps = ((maps - mean) / (var + 1e-5).sqrt()).clamp(min=0)
    windows = maps[:, :, :8, :8].reshape(4, 3, 4, 2, 4, 2)
    expected = windows.amax((3, 5)).flatten(1)
    torch.testing.assert_close(network(inputs), expected, rtol=1e-5, atol=1e-5)


def test_running_norm_embeds_each_input_on_its_own_and_batch_norm_does_not() -> None:
    inputs = torch.rand(5, 1, 12, 12)
    alone = {}
    for norm in ("running", "batch"):
        torch.manual_seed(0)
        embedding = find_backbone("conv4-32").build((1, 12, 12), norm)
        embedding.train()(torch.rand(8, 1, 12, 12))
        embedding.eval()
        alone[norm] = torch.allclose(embedding(inputs)[:2], embedding(inputs[:2]), atol=1e-5)
        assert embedding.shares_statistics == (norm == "batch")
    assert alone == {"running": True, "batch": False}


@pytest.mark.parametrize("norm", ["running", "batch"])
@pytest.mark.parametrize("pool", [True, False])
def test_weights_and_inputs_of_many_tasks_can_be_mapped_over(norm: Norm, pool: bool) -> None:
    torch.manual_seed(0)
    network = ConvNet((1, 12, 10), blocks=3, filters=4, pool=pool, norm=norm).eval()
    weights = {n: torch.randn(5, *p.shape) for n, p in network.named_parameters()}
    inputs = torch.rand(5, 6, 1, 12, 10)
    call = partial(functional_call, network)
    together = vmap(lambda given, task: call(given, (task,)))(weights, inputs)
    for task in range(5):
        alone = call({name: given[task] for name, given in weights.items()}, (inputs[task],))
        torch.testing.assert_close(together[task], alone, rtol=1e-4, atol=1e-5)


def test_an_mlp_flattens_and_shares_no_statistics() -> None:
    torch.manual_seed(0)
    network = MLP((2, 3), widths=(4, 5))
    inputs = torch.randn(7, 2, 3)
    first, second = (layer for layer in network.layers if isinstance(layer, nn.Linear))
    hidden = (inputs.reshape(7, 6) @ first.weight.T + first.bias).clamp(min=0)
    expected = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(network(inputs), expected)
    assert network.out_features == 5
    assert not network.shares_statistics


def test_features_as_input_stay_as_they_are_and_a_map_is_known_as_one() -> None:
    network = find_backbone("identity").build((3, 4, 5))
    inputs = torch.rand(2, 3, 4, 5)
    assert torch.equal(network(inputs), inputs.reshape(2, 60))
    assert (network.out_features, network.map_shape) == (60, (3, 4, 5))
    assert find_backbone("identity").build((7,)).map_shape is None
    assert list(network.parameters()) == []


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("shape", [(2,), (1, 7, 28), (28, 28)])
def test_a_backbone_for_images_refuses_other_inputs_and_names_one_that_takes_them(
    name: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(BenchError, match=rf"'{name}' reads images .*try --backbone mlp"):
        find_backbone(name).build(shape)


def test_the_mlp_takes_points_and_images() -> None:
    assert find_backbone("mlp").build((2,))(torch.zeros(3, 2)).shape == (3, 64)
    assert find_backbone("mlp").build((1, 4, 4))(torch.zeros(3, 1, 4, 4)).shape == (3, 64)


def test_an_unknown_backbone_is_told_the_nearest() -> None:
    with pytest.raises(BenchError, match="no backbone 'conv5'; did you mean 'conv"):
        find_backbone("conv5")


def test_prototypes_of_raw_inputs_are_the_nearest_means_of_pixels(
    registry: Registry, make_stream: Callable[..., EpisodeStream]
) -> None:
    spec = TaskSpec((1, 12, 12), 3, 2, find_backbone("identity"))
    found = []
    for name, plain in (("protonet", False), ("protonet", True), ("pixels", False)):
        learner = registry.algorithm(name)(spec)
        correct = evaluate(learner, make_stream(), 20, seed=0, plain=plain).correct
        assert correct is not None
        found.append(correct.tolist())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", ["linear", "residual"])
def test_networks_for_features_begin_as_the_identity_and_can_leave_it(name: str) -> None:
    torch.manual_seed(0)
    network, inputs = find_backbone(name).build((6,)), torch.randn(5, 6)
    assert network.out_features == 6
    torch.testing.assert_close(network(inputs), inputs, rtol=0, atol=0)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(300):
        loss = (network(inputs) - 2 * inputs).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-2 * inputs.square().mean().item()


def test_a_square_matrix_is_refused_for_inputs_of_many_numbers() -> None:
    with pytest.raises(BenchError, match=r"the inputs have 21168 numbers; it takes 4096 at most"):
        find_backbone("linear").build((3, 84, 84))
