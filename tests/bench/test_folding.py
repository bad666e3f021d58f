"""Folding: the network's features without its batch norm, and only where that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from bench.backbones import ConvNet, Embedding, find_backbone
from bench.folding import fold_batch_norm


def network(shape: tuple[int, ...] = (1, 12, 12), blocks: int = 3, pool: bool = True) -> ConvNet:
    """Returns a network as training might leave it: nothing in its batch norms is neutral."""
    torch.manual_seed(0)
    made = ConvNet(shape, blocks=blocks, filters=6, pool=pool, norm="running")
    for norm in made.norms:
        assert isinstance(norm, nn.BatchNorm2d)
        for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
            assert tensor is not None
            tensor.copy_(torch.randn(6))
        assert norm.running_var is not None
        norm.running_var.copy_(torch.rand(6) + 0.1)
    return made.eval()


def error(given: Tensor, expected: Tensor) -> float:
    return float((given - expected).detach().norm() / expected.detach().norm())


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize(("shape", "blocks"), [((1, 12, 12), 3), ((3, 21, 9), 4), ((2, 8, 8), 6)])
def test_features_are_those_of_the_network(shape: tuple[int, ...], blocks: int, pool: bool) -> None:
    plain = network(shape, blocks, pool).double()
    folded = fold_batch_norm(plain)
    assert folded is not None
    inputs = torch.rand(7, *shape, dtype=torch.float64)
    expected = plain(inputs)
    assert expected.std() > 1e-3
    assert error(folded(inputs), expected) < 1e-12
    assert not folded(inputs).requires_grad
    single = fold_batch_norm(network(shape, blocks, pool))
    assert single is not None
    assert error(single(inputs.float()).double(), expected) < 1e-6


def test_the_network_and_its_inputs_stay_as_they_were() -> None:
    plain = network()
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    inputs = torch.rand(4, 1, 12, 12)
    kept = inputs.clone()
    folded = fold_batch_norm(plain)
    assert folded is not None
    folded(inputs)
    assert torch.equal(inputs, kept)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, before[name])
    for parameter in plain.parameters():
        parameter.data.mul_(3)
    assert torch.equal(folded(inputs), fold_of(before, inputs)), "it works on copies"


def fold_of(weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
    """Returns the features by a network of these weights, folded."""
    again = network()
    again.load_state_dict(weights)
    folded = fold_batch_norm(again)
    assert folded is not None
    return folded(inputs)


class Doubled(ConvNet):
    """A network of its own."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


def hooked(plain: ConvNet) -> ConvNet:
    plain.convolutions[1].register_forward_hook(lambda module, given, out: out + 1)
    return plain


def patched(plain: ConvNet) -> ConvNet:
    plain.norms[0].forward = lambda maps: maps
    return plain


def normalised(plain: ConvNet) -> ConvNet:
    parametrizations.weight_norm(plain.convolutions[0])
    return plain


def by_groups(plain: ConvNet) -> ConvNet:
    plain.norms[1] = nn.GroupNorm(2, 6)
    return plain


def half_trained(plain: ConvNet) -> ConvNet:
    plain.norms[2].train()
    return plain


OTHERS: dict[str, Callable[[], Any]] = {
    "training": lambda: network().train(),
    "one norm in training": lambda: half_trained(network()),
    "statistics of the batch": lambda: find_backbone("conv4").build((1, 28, 28), "batch").eval(),
    "a subclass": lambda: Doubled((1, 12, 12), blocks=1, filters=2, pool=True, norm="running"),
    "a hook": lambda: hooked(network()),
    "another forward": lambda: patched(network()),
    "a parametrised weight": lambda: normalised(network()),
    "another norm": lambda: by_groups(network()),
    "another network": lambda: find_backbone("mlp").build((4,)).eval(),
    "no network": lambda: nn.Identity(),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_not_known_to_be_exact_is_not_folded(other: str) -> None:
    made = OTHERS[other]()
    assert fold_batch_norm(made.eval() if isinstance(made, Doubled) else made) is None


@pytest.mark.parametrize("name", ["conv4", "conv4-32", "conv4-strided", "conv6"])
def test_every_convolutional_backbone_folds(name: str) -> None:
    plain: Embedding = find_backbone(name).build((1, 28, 28)).eval()
    folded, inputs = fold_batch_norm(plain), torch.rand(3, 1, 28, 28)
    assert folded is not None
    assert error(folded(inputs), plain(inputs)) < 1e-5
