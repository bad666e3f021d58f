"""Accuracy by instance: readers whose curve is known, and readers that look ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError, RunFailed
from bench.instances import InstanceCurve, check_reads_streams, instance_curve
from bench.pool import ClassPool, EpisodeStream
from bench.stream import StreamLearner

WAYS, INSTANCES = 3, 5


class Recall(StreamLearner):
    """Finds the examples before that are the same, if there are enough; else answers label 0."""

    name = "recall"
    enough: ClassVar[int] = 1
    reads: Tensor

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec)
        self.register_buffer("reads", torch.zeros(()))

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        same = (features.unsqueeze(1) == features.unsqueeze(2)).all(-1)  # (t, l, l)
        seen = (same & self.visible(same.shape[1])).float()
        votes = seen @ torch.nn.functional.one_hot(targets, WAYS).float()
        return votes * (votes.sum(-1, keepdim=True) >= self.enough)

    def visible(self, length: int) -> Tensor:
        """Returns which places (l, l) see which."""
        return torch.ones(length, length).tril(-1).bool()


class Slow(Recall):
    """Knows a class from its third instance on."""

    enough = 2


class SeesOwnLabel(Recall):
    """Looks at the label of the very place."""

    def visible(self, length: int) -> Tensor:
        return torch.ones(length, length).tril().bool()


class SeesLaterLabels(Recall):
    """Looks at the labels after a place, if the example is the same."""

    def visible(self, length: int) -> Tensor:
        return ~torch.eye(length).bool()


class SeesLaterExamples(Recall):
    """Is swayed by the mean of the whole stream."""

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        return super().read(features, targets) + features.mean((1, 2)).view(-1, 1, 1)


class Counts(Recall):
    """Counts its readings in a buffer."""

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        self.reads.add_(1)
        return super().read(features, targets)


class Overflows(Recall):
    """Answers infinity."""

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        return super().read(features, targets) / 0.0


class Short(Recall):
    """Answers with a class too few."""

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        return super().read(features, targets)[..., :-1]


class Breaks(Recall):
    """Cannot read."""

    def read(self, features: Tensor, targets: Tensor) -> Tensor:
        raise KeyError("page")


@pytest.fixture
def stream() -> EpisodeStream:
    """Streams of classes whose images are all the same."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(7, 1, 4)).astype(np.float32)
    inputs = np.repeat(patterns, 8, axis=1).reshape(-1, 4)
    names = tuple(f"class{number}" for number in range(7))
    pool = ClassPool("patterns", "test", names, np.arange(8, dtype=np.int64) * 8, inputs)
    return EpisodeStream(pool, EpisodeProtocol(WAYS, INSTANCES, 1), 0, torch.device("cpu"))


def reader(cls: type[StreamLearner]) -> StreamLearner:
    return cls(TaskSpec((4,), WAYS, 1, find_backbone("identity")))


@pytest.mark.parametrize(("cls", "known_from"), [(Recall, 2), (Slow, 3)])
def test_a_reader_that_needs_so_many_instances_knows_a_class_from_the_next_on(
    cls: type[StreamLearner], known_from: int, stream: EpisodeStream
) -> None:
    # Answering label 0 to what it does not know is right for one class of three, always.
    curve = instance_curve(reader(cls), stream, 40)
    expected = [1 / WAYS if number < known_from else 1.0 for number in range(1, INSTANCES + 1)]
    np.testing.assert_allclose(curve.accuracy, np.tile(expected, (40, 1)))


def test_the_curve_of_streams_does_not_hang_on_how_many_are_read(stream: EpisodeStream) -> None:
    class Guesses(Recall):
        def read(self, features: Tensor, targets: Tensor) -> Tensor:
            return torch.stack([features[..., 0], features[..., 1], features[..., 2]], -1)

    few, many = (instance_curve(reader(Guesses), stream, count) for count in (33, 70))
    np.testing.assert_array_equal(few.accuracy, many.accuracy[:33])
    assert many.accuracy.std() > 0.1


def test_progress_is_told_and_ends_with_the_number_asked_for(stream: EpisodeStream) -> None:
    told: list[tuple[int, int]] = []
    instance_curve(reader(Recall), stream, 40, lambda done, total: told.append((done, total)))
    assert told == [(32, 40), (40, 40)]


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (SeesOwnLabel, "labels at or after"),
        (SeesLaterLabels, "labels at or after"),
        (SeesLaterExamples, "examples after that place"),
        (Counts, "changed parameters or buffers"),
        (Overflows, "not finite"),
        (Short, "shape"),
        (Breaks, "KeyError: 'page'"),
    ],
)
def test_a_reader_that_breaks_the_contract_is_caught(
    cls: type[StreamLearner], message: str, stream: EpisodeStream
) -> None:
    with pytest.raises(RunFailed, match=message):
        instance_curve(reader(cls), stream, 4)


def test_the_interval_of_an_instance_is_over_streams() -> None:
    curve = InstanceCurve(np.array([[0.2, 1.0], [0.4, 1.0], [0.6, 1.0]]))
    first, second = curve.intervals()
    assert first.mean == pytest.approx(0.4)
    assert first.half_width == pytest.approx(4.302653 * 0.2 / 3**0.5, rel=1e-6)  # t(0.975, 2)
    assert (second.mean, second.half_width) == (1.0, 0.0)


def test_the_csv_has_a_row_per_stream_and_instance() -> None:
    lines = InstanceCurve(np.array([[0.5, 1.0], [0.25, 0.75]])).csv().decode().splitlines()
    assert lines == ["stream,instance,accuracy", "0,1,0.5", "0,2,1.0", "1,1,0.25", "1,2,0.75"]


def test_a_method_that_reads_no_streams_is_told_so(build: Callable[..., Algorithm]) -> None:
    check_reads_streams(Recall)
    with pytest.raises(BenchError, match="protonet learns from a whole support set"):
        check_reads_streams(type(build("protonet")))


def test_the_learners_of_this_repository_do_not_look_ahead(
    build: Callable[..., Algorithm], stream: EpisodeStream
) -> None:
    for name in ("mann", "snail"):
        learner = build(name, backbone="identity", shape=(4,))
        assert isinstance(learner, StreamLearner)
        assert instance_curve(learner, stream, 4).accuracy.shape == (4, INSTANCES)
