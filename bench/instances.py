"""Accuracy by instance: how well a stream learner knows a class it has met once, twice, ...

In a stream n classes come i times each, in random order; every example is predicted from those
before it and their labels. The first instance of a class can only be guessed; the second is what
"one-shot" means where streams are read (Santoro et al. 2016, section 4.1).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import Algorithm
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError, RunFailed
from bench.evaluation import Report, tensor_digests
from bench.failures import plugin_code
from bench.finished import FinishedRun
from bench.firewall import open_test
from bench.measurements import TestUse
from bench.pool import EpisodeStream
from bench.statistics import Interval, t_interval
from bench.stream import StreamLearner

TOGETHER = 32
"""Streams read at a time."""
LESS_MEMORY = "use fewer --instances or a smaller --backbone"


@dataclass(frozen=True)
class InstanceCurve:
    """Shares of right answers (e, i): in stream e, over its classes, at their i-th instance.

    `use` is that of the test data, if the streams are of it.
    """

    accuracy: NDArray[np.float64]
    use: TestUse | None = None

    def intervals(self) -> list[Interval]:
        """Returns the mean over streams, with its interval, of each instance number."""
        return [t_interval(column) for column in self.accuracy.T]

    def csv(self) -> bytes:
        """Returns a row per stream and instance number (from 1): stream, instance, accuracy."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("stream", "instance", "accuracy"))
        for (stream, instance), share in np.ndenumerate(self.accuracy):
            writer.writerow((stream, instance + 1, float(share)))
        return text.getvalue().encode()


def check_reads_streams(algorithm: type[Algorithm]) -> None:
    """Raises BenchError if an algorithm does not read streams."""
    if not issubclass(algorithm, StreamLearner):
        raise BenchError(
            f"{algorithm.name} learns from a whole support set and reads no streams, so it has no "
            "accuracy by instance; derive it from bench.StreamLearner"
        )


def curve_of(
    run: FinishedRun, streams: int, instances: int, report: Report = lambda done, total: None
) -> InstanceCurve:
    """Returns the curve of a finished run on streams of its test classes.

    Raises:
        BenchError: the algorithm reads no streams, or a class has too few images.
        RunFailed: as `instance_curve`.
    """
    check_reads_streams(type(run.algorithm))
    ways = run.job.test_protocol.ways
    with open_test("instances", streams) as use:
        pool = run.job.tested.data.pool("test")
    fewest = int(np.diff(pool.offsets).min())
    if instances >= fewest:  # an episode has a query, too, which here is left over
        raise BenchError(
            f"--instances is {instances}, but a test class has {fewest} examples; "
            f"ask for at most {fewest - 1}"
        )
    protocol = EpisodeProtocol(ways, instances, 1)
    stream = EpisodeStream(pool, protocol, run.job.config.episode_seed, run.job.device)
    curve = instance_curve(cast("StreamLearner", run.algorithm), stream, streams, report)
    return replace(curve, use=replace(use, sha256=stream.digest(streams)))


def instance_curve(
    learner: StreamLearner,
    stream: EpisodeStream,
    count: int,
    report: Report = lambda done, total: None,
) -> InstanceCurve:
    """Reads the supports of the first `count` episodes as streams; shots are the instances.

    Raises:
        RunFailed: the learner raised an exception, changed its weights, gave logits of the wrong
            shape or not finite, or looked at labels or examples before their time.
    """
    learner.eval()
    before = tensor_digests(learner)
    ways, shots = stream.protocol.ways, stream.protocol.shots
    parts: list[NDArray[np.float64]] = []
    for start in range(0, count, TOGETHER):
        drawn = stream.indices(start, min(TOGETHER, count - start))
        labels = drawn.support_labels
        targets = torch.from_numpy(labels).to(stream.device)
        with torch.no_grad(), plugin_code(learner.name, "embedding streams", LESS_MEMORY):
            features = torch.stack([learner.embed(stream.gather(rows)) for rows in drawn.support])
        if not start:
            check_foresight(learner, features[0], targets[0])
        logits = _read(learner, features, targets)
        right = (logits.argmax(-1) == targets).cpu().numpy()
        # A stable sort by class leaves the instances of a class in the order of the stream.
        by_class = np.argsort(labels, axis=1, kind="stable")
        right = np.take_along_axis(right, by_class, 1).reshape(-1, ways, shots)
        parts.append(right.mean(1))
        report(start + len(labels), count)
    if tensor_digests(learner) != before:
        raise RunFailed(
            f"{learner.name} changed parameters or buffers while reading; `read` must leave them "
            "as they were: work on copies"
        )
    return InstanceCurve(np.concatenate(parts))


def check_foresight(learner: StreamLearner, features: Tensor, targets: Tensor) -> None:
    """Makes sure that what comes later in a stream (l, d) and (l,) changes no answer.

    In copy t of the stream the labels from t on are others, and so are the examples after t; the
    answer at place t must be that of the stream as it is.

    Raises:
        RunFailed: it is not.
    """
    length, ways = len(targets), learner.spec.ways
    features, targets = (
        part.unsqueeze(0).repeat_interleave(length, 0) for part in (features, targets)
    )
    late = torch.ones(length, length, device=targets.device).triu().bool()  # (copy, place)
    others = torch.where(late, (targets + 1) % ways, targets)
    changed = torch.where(late.triu(1).unsqueeze(-1), 1 - features.flip(1), features)
    honest = _read(learner, features, targets).diagonal().mT  # (t, n)
    for inputs, labels, what in (
        (features, others, "labels at or after that place"),
        (changed, targets, "examples after that place"),
    ):
        answers = _read(learner, inputs, labels).diagonal().mT
        wrong = ~torch.isclose(answers, honest, rtol=1e-3, atol=1e-4).all(-1)
        if wrong.any():
            raise RunFailed(
                f"{learner.name}: the logits at place {int(wrong.int().argmax())} of a stream "
                f"depend on {what}; `read` may use labels before a place and features up to it"
            )


def _read(learner: StreamLearner, features: Tensor, targets: Tensor) -> Tensor:
    """Returns the logits (t, l, n) of streams, once they are known to be sound."""
    with torch.no_grad(), plugin_code(learner.name, "reading streams", LESS_MEMORY):
        logits = learner.read(features, targets)
    shape = (*targets.shape, learner.spec.ways)
    if logits.shape != shape:
        raise RunFailed(
            f"{learner.name} returned logits of shape {tuple(logits.shape)}; "
            f"`read` returns (streams, length, ways) = {shape}"
        )
    if not torch.isfinite(logits).all():
        raise RunFailed(f"{learner.name} returned logits that are not finite")
    return logits
