"""Rounding: blown up in single precision, and told from what a method really does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench import Algorithm, Examples, Predictor, TaskSpec
from bench.audit.auditing import audit
from bench.audit.rounding import EXACT, SLIGHT
from bench.measurements import AuditRecord
from bench.pool import EpisodeStream
from tests.bench.audit.canaries import FirstLabel, Nearest, sure_of


@pytest.fixture(scope="module")
def stream(make_stream: Callable[..., EpisodeStream]) -> EpisodeStream:
    return make_stream(ways=4, shots=2, queries=5, classes=30, split="test")


class Chaotic(Nearest):
    """Blows up the rounding of a sum that is taken in the order of the support."""

    name = "chaotic"

    def adapt(self, support: Examples) -> Predictor:
        alone, inputs = super().adapt(support), support.inputs.flatten(1)
        ordered = sum(inputs.sort(0).values, torch.zeros_like(inputs[0]))
        rounding = (sum(inputs, torch.zeros_like(inputs[0])) - ordered).abs().sum()
        return lambda query: alone(query) * (1 + 1000 * rounding)


def audited(kind: type[Algorithm], stream: EpisodeStream) -> AuditRecord:
    return audit(kind(TaskSpec(stream.pool.input_shape, 4, 2)), stream, 5, seed=0)


def moved(record: AuditRecord, name: str = "support order") -> float:
    return next(probe.largest for probe in record.probes if probe.name == name)


def test_rounding_that_was_blown_up_is_no_dependence(stream: EpisodeStream) -> None:
    record = audited(Chaotic, stream)
    assert 1e-4 < moved(record) < SLIGHT
    assert (record.verdict, record.errors) == ("inductive", ())
    notes = [note for note in record.notes if "support in another order" in note]
    assert len(notes) == 1
    assert notes[0].startswith("only rounding")
    assert float(notes[0].rpartition(" by ")[2]) < EXACT


def test_a_dependence_as_small_is_one(stream: EpisodeStream) -> None:
    class Slightly(FirstLabel):
        def adapt(self, support: Examples) -> Predictor:
            alone = Nearest.adapt(self, support)
            first = sure_of(support.targets[:1], support.n_way) / 500
            return lambda query: alone(query) + first

    record = audited(Slightly, stream)
    assert 1e-4 < moved(record) < SLIGHT
    assert record.verdict == "error"
    assert "undeclared" in record.errors[0]


def test_queries_that_inform_one_another_a_little_do(stream: EpisodeStream) -> None:
    class Little(Nearest):
        def distances(self, support: Examples, query: Tensor) -> Tensor:
            return super().distances(support, query) * (1 + 0.1 * query.mean())

    record = audited(Little, stream)
    assert 1e-4 < moved(record, "one class") < SLIGHT
    assert record.verdict == "batch-dependent"
    assert moved(record) < 1e-4


def test_who_has_no_double_precision_is_taken_at_his_word(stream: EpisodeStream) -> None:
    class Single(Chaotic):
        def adapt(self, support: Examples) -> Predictor:
            if support.inputs.dtype is not torch.float32:
                raise TypeError("single precision only")
            return super().adapt(support)

    assert audited(Single, stream).verdict == "error"
