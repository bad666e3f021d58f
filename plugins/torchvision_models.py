"""torchvision's classification models as backbones, pretrained where their weights are at hand."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench import (
    Backbone,
    BackboneFamily,
    BenchError,
    Embedding,
    Norm,
    hookimpl,
    import_extra,
    nearest,
)


class TorchvisionModel(Embedding):
    """A model of torchvision without its last layer: its features are what that layer read.

    Grey images are repeated to three channels. With pretrained weights, inputs (b, c, h, w) in
    0..1 are first normalised as the weights expect; they keep their size. Untrained models get
    them as they are.

    Raises:
        BenchError: the inputs have neither 1 nor 3 channels, or are too small for the model; the
            weights are not at hand, or damaged.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, input_shape: tuple[int, ...], norm: Norm, *, model: str, weights: Any
    ) -> None:
        super().__init__()
        if input_shape[0] not in (1, 3):
            raise BenchError(
                f"torchvision's {model} reads images of 1 or 3 channels, but the inputs have shape "
                f"{input_shape}"
            )
        mean, std = _normalisation(weights)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.model = _without_head(_build(model, weights), weights)
        if norm == "batch":
            _forget_running_statistics(self.model)
        self.out_features = self._measure(model, input_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        images = inputs.expand(-1, 3, -1, -1)
        features: Tensor = self.model((images - self.mean) / self.std)
        return features.flatten(1)

    def _measure(self, model: str, input_shape: tuple[int, ...]) -> int:
        """Returns the number of features, as a forward pass in evaluation gives them."""
        self.eval()
        try:
            with torch.no_grad():
                return int(self(torch.zeros(2, *input_shape)).shape[1])
        except (RuntimeError, AssertionError) as error:
            raise BenchError(
                f"torchvision's {model} cannot read images of shape {input_shape}; it reads images "
                f"of {self._readable(model, min(input_shape[1:]))} pixels; try --backbone resnet18"
            ) from error
        finally:
            self.train()

    def _readable(self, model: str, side: int) -> str:
        """Returns the size of images that the model reads, which is not `side`."""
        exact = getattr(self.model, "image_size", None)  # of a vision transformer
        least = exact or max(_torchvision().get_model_weights(model).DEFAULT.meta["min_size"])
        return f"{'exactly' if exact or side >= least else 'at least'} {least}x{least}"


def _torchvision() -> Any:
    return import_extra("torchvision.models")


def _normalisation(weights: Any) -> tuple[list[float], list[float]]:
    """Returns mean and standard deviation per channel, neutral ones without weights."""
    if weights is None:
        return [0.0] * 3, [1.0] * 3
    preset = weights.transforms()
    return list(preset.mean), list(preset.std)


def _build(name: str, weights: Any) -> nn.Module:
    """Returns the model, with weights (a member of torchvision's enum) from their local file."""
    if weights is not None:
        _check_file(name, weights)
    more = {"init_weights": True} if name in ("googlenet", "inception_v3") and not weights else {}
    model: nn.Module = _torchvision().get_model(name, weights=weights, progress=False, **more)
    for auxiliary in ("aux1", "aux2", "AuxLogits"):  # further heads, for training on ImageNet
        if hasattr(model, auxiliary):
            setattr(model, auxiliary, None)
            model.aux_logits = False  # type: ignore[assignment]  # no module
    return model


def weights_file(weights: Any) -> Path:
    """Returns where torchvision keeps the file of these weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name


def _check_file(name: str, weights: Any) -> None:
    """Raises BenchError unless the file is there and has the hash that its name ends with."""
    file = weights_file(weights)
    if not file.is_file():
        raise BenchError(
            f"the weights {weights.name} of torchvision's {name} are not on this machine, and "
            f"bench downloads none; save {weights.url} as {file} (TORCH_HOME moves that folder)"
        )
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    expected = file.stem.rpartition("-")[2]
    if not digest.startswith(expected):
        raise BenchError(
            f"{file} is damaged: its sha256 starts with {digest[: len(expected)]}, not {expected}; "
            f"get it again from {weights.url}"
        )


def _without_head(model: nn.Module, weights: Any) -> nn.Module:
    """Returns the model with nothing in place of its last layer, a linear one or a convolution."""
    head = [n for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)][-1]
    if weights is not None and weights.meta["categories"] is None:
        head = head.partition(".")[0]  # weights of the convolutions alone: no layer after them
    parent, _, leaf = head.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Identity())
    return model


def _forget_running_statistics(model: nn.Module) -> None:
    """Makes every batch norm use the statistics of the batch, in evaluation as well."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None


def model_names() -> list[str]:
    """Returns the names of torchvision's classification models."""
    models = _torchvision()
    return list(models.list_models(module=models))


def find_model(text: str) -> Backbone:
    """Returns the backbone of a model, `NAME`, or of one with weights, `NAME@WEIGHTS`.

    Raises:
        BenchError: torchvision has no such model, or no such weights for it.
    """
    models = _torchvision()
    name, at, chosen = text.partition("@")
    if name not in model_names():
        hint = nearest(name, model_names())
        raise BenchError(
            f"torchvision has no model '{name}'; {hint} (bench info torchvision lists them)"
        )
    if not at:
        make = partial(TorchvisionModel, model=name, weights=None)
        return Backbone(f"torchvision:{name}", f"torchvision's {name}, untrained", "images", make)
    members = models.get_model_weights(name).__members__
    if chosen not in members:
        raise BenchError(
            f"torchvision's {name} has no weights '{chosen}'; {nearest(chosen, members)}"
        )
    weights = members[chosen]
    return Backbone(
        f"torchvision:{name}@{weights.name}",
        f"torchvision's {name} with the weights {weights.name}, read from {weights_file(weights)}",
        "images",
        partial(TorchvisionModel, model=name, weights=weights),
    )


@hookimpl
def bench_backbones() -> list[Backbone | BackboneFamily]:
    return [
        Backbone(
            "resnet18",
            "torchvision's ResNet-18, untrained (with weights: torchvision:resnet18@DEFAULT)",
            "images",
            partial(TorchvisionModel, model="resnet18", weights=None),
        ),
        BackboneFamily(
            "torchvision",
            "any classification model of torchvision; NAME@WEIGHTS with weights that are here",
            find_model,
            model_names,
        ),
    ]
