"""The check of the meta-gradient, by finite differences in double precision."""

from __future__ import annotations

import torch

from bench.algorithm import Algorithm
from bench.conformance.check import SEEDED, Check, Failed, NotApplicable
from bench.conformance.smooth import SMOOTH
from bench.conformance.subject import Subject, never_trained
from bench.conformance.trial import Trial, in_double
from bench.episodes import Episode
from bench.errors import BenchError
from bench.seeds import seed_torch

DISTANCES = (1e-5, 1e-6, 1e-7)
"""How far the weights are moved; the best agreement counts, as a step may cross a kink."""
TOLERANCE = 1e-4


def meta_gradient(subject: Subject) -> str:
    """Compares the gradient of a training step with the change of the loss."""
    trial = _smooth(subject)
    algorithm = trial.algorithm
    declared = algorithm.approximate_gradient
    episode = trial.stream(subject.stream(subject.protocol())).episodes(0, 1)[0]
    parameters = [p for p in algorithm.parameters() if p.requires_grad]
    with trial.precision():
        try:
            _step(algorithm, episode, parameters)
        except RuntimeError as error:
            if "dtype" in str(error).lower() or "double" in str(error).lower():
                raise NotApplicable(f"it does not run in double precision: {error}") from None
            raise
        seed_torch(0, "check", "direction")
        direction = [torch.randn_like(p) for p in parameters]
        pairs = zip(parameters, direction, strict=True)
        given = sum((p.grad * d).sum().item() for p, d in pairs if p.grad is not None)
        slopes = [_slope(algorithm, episode, parameters, direction, far) for far in DISTANCES]
    scale = max(abs(given), max(map(abs, slopes)), 1e-12)
    measured = min(slopes, key=lambda slope: abs(slope - given))
    apart = abs(measured - given) / scale
    if declared:
        return f"declared: {declared}; it is {given / measured if measured else 0:.2f} of the slope"
    if apart > TOLERANCE:
        raise Failed(
            "the gradient of a training step to be the slope of the loss (finite differences in "
            "double precision)",
            f"{given:.6g} along a random direction, where the loss changes by {measured:.6g}",
            "keep the graph of the inner steps (create_graph=True), detach nothing that depends "
            "on the weights; if the gradient is an approximation by design, say so: "
            "approximate_gradient = 'why'",
        )
    return f"relative error {apart:.0e}"


def _smooth(subject: Subject) -> Trial:
    """Returns the algorithm in double precision, on a network without kinks if it takes one."""
    try:
        algorithm = subject.build(backbone=SMOOTH)
    except BenchError:
        algorithm = subject.build()
    return in_double(algorithm.train())


def _step(algorithm: Algorithm, episode: Episode, parameters: list[torch.nn.Parameter]) -> None:
    """Has a training step set the gradients, and nothing else: buffers are put back."""
    before = {name: tensor.clone() for name, tensor in algorithm.state_dict().items()}
    seed_torch(0, "check", "step")
    algorithm.train_step([episode], torch.optim.SGD(parameters, lr=0.0))
    algorithm.load_state_dict(before)


def _slope(
    algorithm: Algorithm,
    episode: Episode,
    parameters: list[torch.nn.Parameter],
    direction: list[torch.Tensor],
    far: float,
) -> float:
    """Returns the change of the loss along a direction, by a central difference."""
    kept, losses = [p.detach().clone() for p in parameters], []
    for sign in (1, -1):
        for p, start, d in zip(parameters, kept, direction, strict=True):
            p.data.copy_(start + sign * far * d)
        seed_torch(0, "check", "step")
        losses.append(algorithm.loss(episode).item())
    for p, start in zip(parameters, kept, strict=True):
        p.data.copy_(start)
    return (losses[0] - losses[1]) / (2 * far)


CHECKS = (
    Check("meta-gradient", "the training gradient is the slope of the loss", meta_gradient,
          (never_trained,), needs=(*SEEDED, "training-step")),
)  # fmt: skip
