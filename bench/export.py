"""Export: the embedding network of a finished run in a format that other programs read.

The network takes images as the harness feeds them, float32 (batch, channels, height, width) with
bytes divided by 255, or features as they are, and gives features (batch, d); the batch may be of
any size. What is exported does no scaling of its own, so that it can be put behind any reader of
images. The classes of the training are not in it: a class is what features lie near.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from bench.backbones import shares_statistics
from bench.embedding import embedding_of
from bench.errors import BenchError, RunFailed, nearest
from bench.extras import import_extra, is_installed
from bench.files import write_atomically
from bench.restored import Restored

Format = Literal["onnx", "pt2"]
SUFFIXES: dict[str, Format] = {".onnx": "onnx", ".pt2": "pt2"}
TOLERANCE = 1e-4
"""How far a feature may be off, by the largest of all."""
SIZES = (1, 7)
"""The batches on which what was written is compared with the run's network."""
METADATA = "bench.json"
"""The file within a .pt2 that has the description."""


@dataclass(frozen=True)
class Description:
    """What is known of an exported network; it goes into the file.

    `form` says how pictures were made into inputs, empty if the data did not say; `depends` why
    features depend on the batch, empty if they do not.
    """

    run: str
    algorithm: str
    backbone: str
    checkpoint_sha256: str
    input_shape: tuple[int, ...]
    features: int
    input: str
    form: dict[str, Any] | None
    depends: str

    def texts(self) -> dict[str, str]:
        """Returns it as names and texts, each name beginning with `bench.`."""
        return {
            f"bench.{name}": value if isinstance(value, str) else json.dumps(value)
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its features are from the run's by the largest of all.

    `difference` is None if nothing could read the file here; `reader` is what did.
    """

    path: Path
    format: Format
    description: Description
    difference: float | None
    reader: str


def format_of(path: Path | None, chosen: str | None) -> Format:
    """Returns the format that was asked for, by name or by the file's ending; else onnx.

    Raises:
        BenchError: there is no such format, or the ending is that of the other.
    """
    by_name = SUFFIXES.get(path.suffix.lower()) if path else None
    if chosen is None:
        return by_name or "onnx"
    for known in get_args(Format):
        if known == chosen:
            if by_name not in (None, known):
                raise BenchError(f"--format is {chosen}, but the file {path} ends like {by_name}")
            return known  # type: ignore[no-any-return]  # get_args has no type
    raise BenchError(f"no format '{chosen}'; {nearest(chosen, get_args(Format))}")


def check_packages(kind: Format) -> None:
    """Raises BenchError if what writes the format is not installed."""
    missing = [name for name in ("onnx", "onnxscript") if not is_installed(name)]
    if kind == "onnx" and missing:
        raise BenchError(
            f"writing ONNX needs {' and '.join(missing)}; install with: pip install onnx onnxscript"
            ", or write torch's own format: --format pt2"
        )


def export(run: Restored, path: Path, kind: Format) -> Exported:
    """Writes a run's embedding network to `path`, atomically, and compares what the file gives.

    Raises:
        BenchError: the method has no embedding network, or a package is missing.
        RunFailed: the network cannot be exported, or the file gives other features.
    """
    network = embedding_of(run.algorithm)
    name = run.algorithm.name
    if network is None or not any(True for _ in network.parameters()):
        why = "that works by itself" if network is None else "with weights"
        raise BenchError(f"{name} has no embedding network {why}, so there is nothing to export")
    check_packages(kind)
    network = network.cpu().eval()
    inputs = [_example(run, size) for size in SIZES]
    with torch.no_grad():
        expected = [network(each) for each in inputs]
    description = describe(run, network, int(expected[0].shape[1]))
    write = _onnx if kind == "onnx" else _pt2
    try:
        with _quiet():
            content = write(network, inputs[1], description)
            read = _reader(content, kind)
    except Exception as error:  # the exporters raise whatever they come upon
        reason = " ".join(str(error).split())[:200]
        raise RunFailed(
            f"the backbone {description.backbone} of {name} cannot be exported as {kind}: "
            f"{type(error).__name__}: {reason}; try the other format"
        ) from error
    difference = None
    if read:
        pairs = zip(inputs, expected, strict=True)
        difference = max(_apart(read(each), features) for each, features in pairs)
        if not difference <= TOLERANCE:
            raise RunFailed(
                f"the exported network gives other features: they differ by up to {difference:.2g} "
                f"of the largest; nothing was written, try the other format"
            )
    write_atomically(path, content)
    reader = {"onnx": "onnxruntime", "pt2": "torch.export"}[kind] if read else ""
    return Exported(path, kind, description, difference, reader)


def describe(run: Restored, network: nn.Module, features: int) -> Description:
    """Returns what an exported file says of a run's network."""
    record, form = run.record, run.record.data.form
    scaled = run.spec.dtype == "uint8"
    depends = "batch norm uses the statistics of each batch" if shares_statistics(network) else ""
    return Description(
        run=record.name,
        algorithm=record.algorithm.name,
        backbone=record.algorithm.backbone,
        checkpoint_sha256=record.outcome.checkpoint_sha256 if record.outcome else "",
        input_shape=run.spec.input_shape,
        features=features,
        input="float32, bytes divided by 255" if scaled else "float32, as it is",
        form=asdict(form) if form else None,
        depends=depends,
    )


def _example(run: Restored, size: int) -> Tensor:
    """Returns a batch of noise, in the range of the run's inputs."""
    rng = np.random.default_rng(size)
    shape = (size, *run.spec.input_shape)
    values = rng.random(shape) if run.spec.dtype == "uint8" else rng.standard_normal(shape)
    return torch.from_numpy(values.astype(np.float32))


def _program(network: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1)
    return torch.export.export(network, (example,), dynamic_shapes=({0: batch},))


def _onnx(network: nn.Module, example: Tensor, description: Description) -> bytes:
    program = torch.onnx.export(
        _program(network, example),
        input_names=["inputs"],
        output_names=["features"],
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # without a file it is returned
    model = program.model_proto
    for name, value in description.texts().items():
        model.metadata_props.add(key=name, value=value)
    model.producer_name = "bench"
    return bytes(model.SerializeToString())


def _pt2(network: nn.Module, example: Tensor, description: Description) -> bytes:
    file = io.BytesIO()
    text = json.dumps(asdict(description), indent=2)
    torch.export.save(_program(network, example), file, extra_files={METADATA: text})
    return file.getvalue()


def _reader(content: bytes, kind: Format) -> Callable[[Tensor], Tensor] | None:
    """Returns what the file's content gives; None if there is nothing here to read it with."""
    if kind == "pt2":
        loaded = torch.export.load(io.BytesIO(content)).module()
        return lambda inputs: loaded(inputs).detach()
    if not is_installed("onnxruntime"):
        return None
    session = import_extra("onnxruntime").InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    return lambda inputs: torch.from_numpy(session.run(None, {"inputs": inputs.numpy()})[0])


def _apart(found: Tensor, expected: Tensor) -> float:
    """Returns the largest difference, as a share of the largest feature."""
    if found.shape != expected.shape:
        return float("inf")
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))


@contextmanager
def _quiet() -> Any:  # a generator's context manager
    """Keeps the exporters' many remarks to themselves."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
