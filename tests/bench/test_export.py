"""Exported networks: read by other programs, in batches of any size, with the run's features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from bench.algorithm import Algorithm, TaskSpec
from bench.errors import BenchError, RunFailed
from bench.export import METADATA, Format, export, format_of
from bench.imageform import ImageForm
from bench.registry import Registry
from bench.restored import Restored
from tests.bench.restored_runs import Records, restored

Build = Callable[..., Algorithm]
Floats = NDArray[np.float32]
FORM = ImageForm(20, 20)


def made(registry: Registry, make_record: Records, backbone: str, algo: str) -> Restored:
    """Returns a run whose batch norm has statistics of its own."""
    torch.manual_seed(3)
    shape = (7,) if backbone == "mlp" else FORM.shape
    spec = TaskSpec(shape, 3, 1, registry.backbone(backbone))
    algorithm = registry.algorithm(algo)(spec)
    for buffer in algorithm.buffers():
        if buffer.is_floating_point():
            buffer.copy_(0.5 + torch.rand(buffer.shape))
    dtype = "float32" if backbone == "mlp" else "uint8"
    form = None if backbone == "mlp" else FORM
    return restored(algorithm, make_record, form=form, dtype=dtype)


def read_onnx(path: Path, inputs: Floats) -> Floats:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(["features"], {"inputs": inputs})
    return found  # type: ignore[no-any-return]


def read_pt2(path: Path, inputs: Floats) -> Floats:
    loaded = torch.export.load(path).module()
    found: Floats = loaded(torch.from_numpy(inputs)).detach().numpy()
    return found


READERS: dict[Format, Callable[[Path, Floats], Floats]] = {"onnx": read_onnx, "pt2": read_pt2}


@pytest.mark.parametrize(
    ("backbone", "kind"),
    [("conv4", "onnx"), ("conv4", "pt2"), ("resnet12", "onnx"), ("mlp", "onnx"), ("mlp", "pt2")],
)
def test_the_file_gives_the_features_of_the_run_in_batches_of_any_size(
    backbone: str, kind: Format, registry: Registry, make_record: Records, tmp_path: Path
) -> None:
    run = made(registry, make_record, backbone, "protonet")
    done = export(run, tmp_path / "network", kind)
    assert done.difference is not None and done.difference < 1e-5
    rng = np.random.default_rng(1)
    for size in (1, 2, 9):
        inputs = rng.random((size, *run.spec.input_shape), dtype=np.float32)
        with torch.no_grad():
            expected = run.algorithm.embedding(torch.from_numpy(inputs)).numpy()  # type: ignore[operator]
        found = READERS[kind](tmp_path / "network", inputs)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_the_file_says_where_it_is_from_and_what_it_takes(
    registry: Registry, make_record: Records, tmp_path: Path
) -> None:
    run = made(registry, make_record, "conv4", "protonet")
    export(run, tmp_path / "network.onnx", "onnx")
    model = onnx.load(tmp_path / "network.onnx")
    onnx.checker.check_model(model)
    known = {one.key: one.value for one in model.metadata_props}
    assert known["bench.run"] == run.record.name
    assert known["bench.checkpoint_sha256"] == "c" * 64
    assert json.loads(known["bench.input_shape"]) == [3, 20, 20]
    assert json.loads(known["bench.form"])["height"] == 20
    assert "divided by 255" in known["bench.input"]
    (taken,) = model.graph.input
    sizes = taken.type.tensor_type.shape.dim
    assert sizes[0].dim_param and [one.dim_value for one in sizes[1:]] == [3, 20, 20]
    export(run, tmp_path / "network.pt2", "pt2")
    extra = {METADATA: ""}
    torch.export.load(tmp_path / "network.pt2", extra_files=extra)
    assert json.loads(extra[METADATA])["run"] == run.record.name


def test_of_methods_that_adapt_the_network_it_is_where_they_start_and_says_what_it_depends_on(
    registry: Registry, make_record: Records, tmp_path: Path
) -> None:
    run = made(registry, make_record, "conv4", "maml")
    done = export(run, tmp_path / "network.onnx", "onnx")
    assert "statistics of each batch" in done.description.depends
    rng = np.random.default_rng(2)
    inputs = rng.random((6, 3, 20, 20), dtype=np.float32)
    with torch.no_grad():
        expected = run.algorithm.network[0](torch.from_numpy(inputs)).numpy()  # type: ignore[index,operator]
    found = read_onnx(tmp_path / "network.onnx", inputs)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("algo", ["chance", "pixels", "mamlpp"])
def test_methods_without_a_network_of_their_own_say_so(
    algo: str, registry: Registry, make_record: Records, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=f"{algo} has no embedding network"):
        export(made(registry, make_record, "conv4", algo), tmp_path / "network", "pt2")
    with pytest.raises(BenchError, match="protonet has no embedding network with weights"):
        export(made(registry, make_record, "identity", "protonet"), tmp_path / "network", "pt2")
    assert not list(tmp_path.iterdir())


def test_a_network_that_no_exporter_follows_is_one_line_and_no_file(
    registry: Registry, make_record: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(registry, make_record, "mlp", "protonet")

    def refuse(*_: object, **__: object) -> None:
        raise TypeError("no way\n  to write this")

    monkeypatch.setattr(torch.export, "export", refuse)
    with pytest.raises(RunFailed, match="mlp of protonet cannot be exported as pt2: TypeError"):
        export(run, tmp_path / "network.pt2", "pt2")
    assert not list(tmp_path.iterdir())


def test_the_format_follows_the_name_unless_it_is_said() -> None:
    assert format_of(None, None) == "onnx"
    assert format_of(Path("a.pt2"), None) == "pt2"
    assert format_of(Path("a.bin"), "pt2") == "pt2"
    for path, kind, why in (
        (None, "onx", "did you mean 'onnx'"),
        (Path("a.onnx"), "pt2", "ends like onnx"),
    ):
        with pytest.raises(BenchError, match=why):
            format_of(path, kind)
