"""Checks of a backbone: what algorithms, and the harness's fast paths, take for granted of one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from bench.backbones import Backbone, Embedding, Norm
from bench.conformance.check import Check, Failed
from bench.conformance.trial import gap
from bench.seeds import seed_torch

IMAGES, VECTORS = ((1, 28, 28), (3, 32, 32)), ((2,),)
BATCH, TOLERANCE = 6, 1e-4


@dataclass(frozen=True)
class BackboneSubject:
    """A backbone, for inputs of one shape."""

    backbone: Backbone
    input_shape: tuple[int, ...]

    @property
    def label(self) -> str:
        """The shape of the inputs, such as `1x28x28`."""
        return "x".join(map(str, self.input_shape))

    def build(self, norm: Norm = "running", seed: int = 0) -> Embedding:
        """Returns the network, with the same weights for the same seed."""
        seed_torch(seed, "check", "weights")
        return self.backbone.build(self.input_shape, norm)

    def inputs(self, batch: int = BATCH) -> torch.Tensor:
        """Returns a batch of inputs."""
        seed_torch(0, "check", "inputs")
        return torch.rand(batch, *self.input_shape)


def subjects(backbone: Backbone) -> list[BackboneSubject]:
    """Returns a backbone with inputs of the shapes that it reads."""
    shapes = IMAGES if backbone.reads == "images" else (*IMAGES, *VECTORS)
    return [BackboneSubject(backbone, shape) for shape in shapes]


def features(subject: BackboneSubject) -> str:
    """Looks at the features of a batch, in training and in evaluation."""
    for norm in ("running", "batch"):
        network, inputs = subject.build(norm), subject.inputs()
        for training in (True, False):
            found = network.train(training)(inputs)
            wanted = (BATCH, network.out_features)
            if found.shape != wanted or not bool(torch.isfinite(found).all()):
                raise Failed(
                    f"finite features of shape (inputs, out_features) = {wanted}",
                    f"shape {tuple(found.shape)}, finite: {bool(torch.isfinite(found).all())}",
                    "flatten the last map, and set self.out_features to its length",
                )
    shape = network.map_shape
    if shape is not None and (len(shape) != 3 or math.prod(shape) != network.out_features):
        raise Failed(
            f"map_shape (channels, height, width) with {network.out_features} numbers",
            str(shape),
            "set it to the shape before flattening, or leave it None",
        )
    return f"{network.out_features} features"


def alone(subject: BackboneSubject) -> str:
    """Embeds inputs alone and together, in evaluation, with either kind of batch norm."""
    note = ""
    for norm in ("running", "batch"):
        network, inputs = subject.build(norm), subject.inputs()
        network.train()(inputs)
        network.eval()
        with torch.no_grad():
            apart = gap(network(inputs), torch.cat([network(inputs[:3]), network(inputs[3:])]))
        if apart > TOLERANCE and not (norm == "batch" and network.shares_statistics):
            raise Failed(
                f"features that depend on their own input alone, in evaluation with norm='{norm}'",
                f"features that differ by {apart:.1e} of the largest if half the batch is missing",
                "make batch norm with track_running_stats=norm == 'running', and no other "
                "layer that looks across the batch",
            )
        if norm == "batch" and network.shares_statistics:
            note = "with norm='batch' inputs share statistics"
    return note


def learns(subject: BackboneSubject) -> str:
    """Looks for a gradient on every parameter."""
    network = subject.build().train()
    network(subject.inputs()).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is None or not bool(torch.isfinite(parameter.grad).all()):
            raise Failed(
                f"a finite gradient on every parameter, {name} too",
                "none" if parameter.grad is None else "infinity or NaN",
                "use every layer that __init__ makes, and detach nothing",
            )
    return ""


def _nothing_to_learn(subject: BackboneSubject) -> str:
    return "" if list(subject.build().parameters()) else "it has no parameters"


def saved(subject: BackboneSubject) -> str:
    """Gives a new network the state of another one."""
    network, other, inputs = subject.build(), subject.build(seed=7), subject.inputs()
    network.train()(inputs)
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        apart = gap(network.eval()(inputs), other.eval()(inputs))
    if apart > TOLERANCE:
        raise Failed(
            "the same features from a new network with the same state_dict",
            f"features that differ by {apart:.1e} of the largest",
            "let all that training changes be parameters or registered buffers",
        )
    return ""


CHECKS = (
    Check("features", "inputs become vectors of out_features numbers", features, needs=()),
    Check("alone", "an input's features are its own, or it says how not", alone,
          needs=("features",)),
    Check("gradients", "every parameter gets a gradient", learns, (_nothing_to_learn,),
          needs=("features",)),
    Check("checkpoint", "its state_dict holds all that it has learnt", saved,
          needs=("features",)),
)  # fmt: skip
