"""The registry of backbones: from hooks, by name or family; what is no backbone is refused."""

from __future__ import annotations

import pytest
import torch

from bench.errors import BenchError
from bench.registry import load_registry
from tests.bench.plugin_files import Write

NET = """
from bench import Backbone, BackboneFamily, BenchError, Embedding, hookimpl, nearest

class Mean(Embedding):
    def __init__(self, shape, norm):
        super().__init__()
        self.out_features = 1
    def forward(self, inputs):
        return inputs.flatten(1).mean(1, keepdim=True)

def find(name):
    if name not in ("tiny", "small"):
        raise BenchError(f"no size '{{name}}'; {{nearest(name, ['tiny', 'small'])}}")
    return Backbone(f"sized:{{name}}", "a size", "anything", Mean)

@hookimpl
def bench_backbones():
    return {returned}
"""
FAMILY = "[BackboneFamily('sized', 'of several sizes', find)]"


def test_a_file_named_with_p_adds_its_backbone(write: Write) -> None:
    text = NET.format(returned="[Backbone('mean', 'the mean', 'anything', Mean)]")
    registry = load_registry([str(write("mean.py", text))])
    assert registry.plugins[-1].backbones == ("mean",)
    features = registry.backbone("mean").build((2,))(torch.tensor([[1.0, 3.0]]))
    assert features.tolist() == [[2.0]]


def test_a_family_gives_backbones_by_prefix_and_name(write: Write) -> None:
    registry = load_registry([str(write("sized.py", NET.format(returned=FAMILY)))])
    assert registry.plugins[-1].adds == ("sized:",)
    assert registry.backbone("sized:tiny").name == "sized:tiny"
    with pytest.raises(BenchError, match="no size 'tini'; did you mean 'tiny'"):
        registry.backbone("sized:tini")
    with pytest.raises(BenchError, match="no family of backbones 'size'; did you mean 'sized'"):
        registry.backbone("size:tiny")
    with pytest.raises(BenchError, match="no backbone 'sized'; did you mean 'sized:NAME'"):
        registry.backbone("sized")


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        ("[3]", "bench_backbones returned 3, not a Backbone or a BackboneFamily"),
        ("[Mean]", "Mean'>, not a Backbone or a BackboneFamily"),
        ("Mean", "Mean'>, not a list of backbones"),
        ("None", "bench_backbones returned None, not a list"),
        ("[Backbone('', 'x', 'anything', Mean)]", "returned the name ''"),
        ("[Backbone(5, 'x', 'anything', Mean)]", "returned the name 5"),
        ("[Backbone('a:b', 'x', 'anything', Mean)]", "the name 'a:b'; give one without a colon"),
        ("[BackboneFamily('a:', 'x', find)]", "the name 'a:'; give one without a colon"),
        ("[Backbone('b', 'x', 'image', Mean)]", "'b' reads 'image'; did you mean 'images'"),
        ("[Backbone('b')]", "TypeError"),
    ],
)
def test_a_hook_for_backbones_that_returns_something_else_is_an_error_that_says_what(
    write: Write, returned: str, complaint: str
) -> None:
    with pytest.raises(BenchError) as caught:
        load_registry([str(write("wrong.py", NET.format(returned=returned)))])
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("find", "complaint"),
    [
        ("lambda name: None", "'sized' gave None for 'tiny', not a Backbone"),
        (
            "lambda name: 1 / 0",
            "'sized' failed to find 'tiny': ZeroDivisionError: division by zero",
        ),
        ("lambda: None", "'sized' failed to find 'tiny': TypeError"),
    ],
)
def test_a_family_that_fails_to_find_is_an_error_that_names_it(
    write: Write, find: str, complaint: str
) -> None:
    text = NET.format(returned=f"[BackboneFamily('sized', 'x', {find})]")
    registry = load_registry([str(write("sized.py", text))])
    with pytest.raises(BenchError) as caught:
        registry.backbone("sized:tiny")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        ("lambda shape, norm: dict()", "'b' was made as a dict; it must be an Embedding"),
        ("lambda shape, norm: Embedding()", "sets self.out_features, the number of features"),
    ],
)
def test_a_backbone_that_makes_no_embedding_is_an_error_that_says_what_it_must_make(
    write: Write, make: str, complaint: str
) -> None:
    text = NET.format(returned=f"[Backbone('b', 'x', 'anything', {make})]")
    with pytest.raises(BenchError) as caught:
        load_registry([str(write("made.py", text))]).backbone("b").build((2,))
    assert complaint in str(caught.value)


def test_a_backbone_that_two_claim_is_an_error_only_for_who_asks_for_it(write: Write) -> None:
    text = NET.format(returned="[Backbone('conv4', 'x', 'anything', Mean)]")
    registry = load_registry([str(write("twin.py", text))])
    assert registry.backbone("conv6").name == "conv6"
    with pytest.raises(BenchError, match=r"'conv4' is defined by bench.backbones and .*twin"):
        registry.backbone("conv4")
    files = [str(write(name, NET.format(returned=FAMILY))) for name in ("one.py", "two.py")]
    with pytest.raises(BenchError, match=r"'sized' is defined by .*one.py and .*two.py"):
        load_registry(files).backbone("sized:tiny")
