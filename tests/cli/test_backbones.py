"""Backbones on the command line: listed, shown in detail, and refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import run_command_line

PLUGIN = """
from bench import Backbone, BackboneFamily, Embedding, hookimpl

class Mean(Embedding):
    def __init__(self, shape, norm):
        super().__init__()
        if shape == (1, 28, 28):
            raise ValueError("too small")
        self.out_features = 1
    def forward(self, inputs):
        return inputs.flatten(1).mean(1, keepdim=True)

@hookimpl
def bench_backbones():
    return [
        Backbone("conv4", "a second one of this name", "anything", Mean),
        Backbone("failing", "fails", "anything", Mean),
        BackboneFamily("torchvision", "a second family", None),
    ]
"""


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def test_the_list_has_the_hooks_backbones_and_families(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("list", "backbones") == 0
    printed = capsys.readouterr().out
    for name in ("conv4", "resnet12", "resnet18", "torchvision:NAME", "identity"):
        assert f"\n{name} " in printed


def test_the_list_says_which_backbones_two_plugins_claim(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "twin.py").write_text(PLUGIN)
    assert bench("list", "backbones", "-p", str(tmp_path / "twin.py")) == 0
    told = capsys.readouterr().err
    assert "unusable: backbone 'conv4' is defined by bench.backbones and " in told
    assert "unusable: family of backbones 'torchvision' is defined by " in told


def test_info_of_a_backbone_has_features_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("info", "conv4") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    # Without bias 9 * (c*64 + 3 * 64*64), and 4 batch norms of 2*64.
    assert ["28x28", "grey", "64", "64x1x1", "111,680"] in rows
    assert ["84x84", "colour", "1600", "64x5x5", "112,832"] in rows


def test_info_of_a_family_lists_its_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("info", "torchvision") == 0
    printed = capsys.readouterr().out
    assert "resnet50, resnext101_32x8d" in printed


def test_info_of_a_model_with_weights_says_where_they_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert bench("info", "torchvision:resnet18@DEFAULT") == 0
    printed = capsys.readouterr().out
    file = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    assert f"save https://download.pytorch.org/models/resnet18-f37072fd.pth as {file} " in printed


def test_info_of_a_backbone_that_fails_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing.py").write_text(PLUGIN)
    assert bench("info", "failing", "-p", str(tmp_path / "failing.py")) == 0
    printed = capsys.readouterr().out
    assert "failing failed while being made: ValueError: too small" in printed
    assert "84x84 colour" in printed


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("resnet", "no backbone 'resnet'; did you mean 'resnet18'"),
        ("resnet18@DEFAULT", "no backbone 'resnet18@DEFAULT'; did you mean 'resnet18'"),
        ("torchvision", "no backbone 'torchvision'; did you mean 'torchvision:NAME'"),
        ("foo:bar", "no family of backbones 'foo'; known: torchvision"),
        ("torchvision:resnet1", "torchvision has no model 'resnet1'; did you mean 'resnet18'"),
        ("torchvision:resnet18@V1", "has no weights 'V1'; "),
    ],
)
def test_a_backbone_that_is_not_there_is_refused_before_anything_is_read(
    name: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("run", "--algo", "protonet", "--data", "gaussians", "--out", str(tmp_path / "results"))
    assert bench(*run, "--backbone", name) == 4
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1
    assert not (tmp_path / "results").exists()
