"""`bench export`: a file that stands by itself, and what cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench.export
from tests.cli.finished_swatches import train
from tests.cli.verifying import bench as run_bench

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("swatches"), "--backbone", "conv4-32")


def test_a_file_is_written_read_again_and_described(
    trained: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_bench("export", str(trained), "--format", "pt2") == 0
    (path,) = tmp_path.iterdir()
    assert path.name == f"{trained.name}.pt2"
    printed = capsys.readouterr().out
    assert "batch x 3 x 16 x 16 to batch x 32" in printed
    assert "pictures become 16x16 colour" in printed
    assert "read by torch.export: features differ by at most" in printed


def test_a_file_that_is_there_stays_unless_forced(
    trained: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "network.pt2"
    out.write_text("mine")
    assert run_bench("export", str(trained), "-o", str(out)) == 4
    assert "is there already" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert run_bench("export", str(trained), "-o", str(out), "--force") == 0
    assert out.read_bytes() != b"mine"


def test_without_onnx_the_error_says_what_to_install(
    trained: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.export, "is_installed", lambda name: "onnx" not in name)
    assert run_bench("export", str(trained), "-o", str(tmp_path / "a.onnx")) == 4
    message = capsys.readouterr().err
    assert "pip install onnx onnxscript" in message and "--format pt2" in message
    assert not list(tmp_path.iterdir())
