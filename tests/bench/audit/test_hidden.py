"""Hidden truth: the same questions, and nothing true about the answers in reach."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import special

from bench import Examples, Predictor, TaskSpec
from bench.audit.case import Subject
from bench.audit.hidden import HiddenStream, answers_without_truth
from bench.episodes import EpisodeProtocol
from bench.evaluation import evaluate
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeIndices
from tests.bench.audit.canaries import Nearest

Streams = Callable[..., EpisodeStream]


@pytest.fixture(scope="module")
def stream(make_stream: Streams) -> EpisodeStream:
    return make_stream(ways=3, shots=2, queries=4, classes=15, split="test")


def test_questions_are_the_same_and_every_label_of_a_query_is_false(stream: EpisodeStream) -> None:
    hidden = HiddenStream(stream, 40)
    for true, false in zip(stream.batches(40, 7), hidden.batches(40, 7), strict=True):
        assert np.array_equal(true.support, false.support)
        assert np.array_equal(true.support_labels, false.support_labels)
        assert np.array_equal(true.query, false.query)
        assert not (true.query_labels == false.query_labels).any()
        assert torch.equal(stream.gather(true.query), hidden.gather(false.query))
    true, false = stream.indices(5, 3), hidden.indices(5, 3)
    assert np.array_equal(true.query, false.query)
    assert not (true.query_labels == false.query_labels).any()


def test_the_pool_does_not_tell_classes_either(stream: EpisodeStream) -> None:
    pool = HiddenStream(stream, 5).pool
    assert pool.classes == ("hidden",)
    assert pool.offsets.tolist() == [0, len(stream.pool.inputs)]


def test_answers_are_those_of_an_evaluation(stream: EpisodeStream) -> None:
    algorithm = Nearest(TaskSpec(stream.pool.input_shape, 3, 2))
    answers = answers_without_truth(Subject(algorithm, 0), stream, 6, lambda: False)
    logits = evaluate(algorithm, stream, 6, seed=0, plain=True).answers.reshape(6, 12, 3)
    assert np.allclose(answers, special.softmax(logits.astype(np.float64), axis=-1), atol=1e-12)


def test_no_frame_that_calls_the_algorithm_has_true_labels(stream: EpisodeStream) -> None:
    seen: list[EpisodeIndices] = []

    class Watching(Nearest):
        def adapt(self, support: Examples) -> Predictor:
            frame = sys._getframe().f_back
            while frame is not None:
                for value in frame.f_locals.values():
                    assert value is not stream
                    if isinstance(value, EpisodeIndices):
                        seen.append(value)
                frame = frame.f_back
            return super().adapt(support)

    algorithm = Watching(TaskSpec(stream.pool.input_shape, 3, 2))
    answers_without_truth(Subject(algorithm, 0), stream, 4, lambda: False)
    true = next(stream.batches(4, 32)).query_labels
    assert len(seen) >= 4
    assert not any((one.query_labels == true).any() for one in seen)


def test_values_at_queries_are_false_those_of_the_support_true() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 1)).astype(np.float32)
    pool = ClassPool("f", "test", ("a", "b", "c"), np.arange(4) * 20, inputs, inputs * 2 + 3)
    stream = EpisodeStream(pool, EpisodeProtocol(1, 5, 10), 0, torch.device("cpu"))
    hidden, (drawn,) = HiddenStream(stream, 1), stream.batches(1, 1)
    known = hidden.targets(drawn.support, drawn.support_labels)
    assert torch.equal(known, stream.targets(drawn.support, drawn.support_labels))
    asked = hidden.targets(drawn.query, drawn.query_labels)
    assert not (asked == stream.targets(drawn.query, drawn.query_labels)).any()
