"""Audits: what is measured, what is an error, and what is only told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bench import Algorithm, Examples, Predictor
from bench.audit.auditing import audit
from bench.audit.overlap import Overlap
from bench.episodes import EpisodeProtocol, ProtocolKind
from bench.errors import BenchError, Interrupted
from bench.pool import ClassPool, EpisodeStream
from tests.bench.audit import canaries
from tests.bench.audit.audited import WAYS, audited, built, probe


def test_a_sound_method_is_inductive_whatever_it_is_asked(stream: EpisodeStream) -> None:
    record = audited(canaries.Nearest, stream)
    assert (record.verdict, record.errors, record.notes) == ("inductive", (), ())
    assert [one.name for one in record.probes] == [
        *("alone", "one class", "dirichlet", "sevens", "halves", "duplicated", "contaminated"),
        *("reordered", "repeated", "another episode between", "false query labels"),
        *("support order", "label map"),
    ]
    assert all(one.flips == 0 and one.largest < 1e-5 for one in record.probes)
    assert {one.name: one.asked for one in record.probes}["duplicated"] == 6 * 2 * WAYS * 5


def test_random_predictions_are_not_called_transductive(stream: EpisodeStream) -> None:
    record = audited(canaries.Dice, stream, episodes=10)
    assert (record.verdict, record.errors) == ("inductive", ())
    assert probe(record, "alone") > 0.01
    assert ["draws random numbers" in note for note in record.notes] == [True]


def test_random_predictions_that_queries_inform_are(stream: EpisodeStream) -> None:
    class Both(canaries.Centred):
        def adapt(self, support: Examples) -> Predictor:
            alone = super().adapt(support)
            return lambda query: alone(query) + 0.1 * torch.randn(len(query), support.n_way)

    record = audited(Both, stream, episodes=10)
    assert record.verdict == "transductive"
    assert any("draws random numbers" in note for note in record.notes)


def test_random_numbers_of_an_own_generator_are_an_error(stream: EpisodeStream) -> None:
    record = audited(canaries.Unseeded, stream)
    assert record.verdict == "error"
    assert any(error.startswith("not deterministic") for error in record.errors)
    assert not any(error.startswith(("state leak", "label leak")) for error in record.errors)


def test_a_small_influence_is_batch_dependent_a_large_one_transductive(
    stream: EpisodeStream,
) -> None:
    class Little(canaries.Centred):
        def distances(self, support: Examples, query: Tensor) -> Tensor:
            sound = canaries.Nearest.distances(self, support, query)
            return sound + 0.02 * (super().distances(support, query) - sound)

    little, much = audited(Little, stream), audited(canaries.Centred, stream)
    assert (little.verdict, much.verdict) == ("batch-dependent", "transductive")
    assert 1e-4 < probe(little, "one class") < probe(much, "one class")


def test_what_is_declared_is_no_mismatch(stream: EpisodeStream) -> None:
    class Declared(canaries.Centred):
        transduction = "the mean of the queries is subtracted"

    class Needless(canaries.Nearest):
        transduction = "it is said to be"

    assert audited(Declared, stream).notes == ()
    assert audited(Needless, stream).notes == (
        "declared transductive (it is said to be), measured inductive",
    )


def test_dependence_on_the_support_s_order_must_be_declared(stream: EpisodeStream) -> None:
    class Declared(canaries.FirstLabel):
        support_order = "the first example counts more"

    record = audited(canaries.FirstLabel, stream)
    assert record.verdict == "error"
    assert ["undeclared" in error for error in record.errors] == [True]
    declared = audited(Declared, stream)
    assert (declared.verdict, declared.errors) == ("inductive", ())
    assert any("the first example counts more" in note for note in declared.notes)


@pytest.mark.parametrize(
    ("kind", "changed"), [(canaries.Drifting, "count"), (canaries.Waking, "training")]
)
def test_traces_on_the_algorithm_are_an_error(
    kind: type[Algorithm], changed: str, stream: EpisodeStream
) -> None:
    record = audited(kind, stream)
    assert record.verdict == "error"
    assert len(record.errors) == 1
    assert record.errors[0].startswith("state leak: it")
    assert changed in record.errors[0]


def test_a_predictor_that_cannot_answer_one_query_is_an_error(stream: EpisodeStream) -> None:
    class Crowd(canaries.Nearest):
        def distances(self, support: Examples, query: Tensor) -> Tensor:
            if len(query) == 1:
                raise ValueError("too few")
            return super().distances(support, query)

    record = audited(Crowd, stream)
    assert record.verdict == "error"
    assert "asked for each query by itself, it cannot answer" in record.errors[0]


def test_adapting_is_done_as_rarely_as_four_times_an_episode(stream: EpisodeStream) -> None:
    adapted = []

    class Counting(canaries.Nearest):
        def adapt(self, support: Examples) -> Predictor:
            adapted.append(len(support))
            return super().adapt(support)

    audited(Counting, stream, episodes=3)
    assert len(adapted) == 4 * 3


def test_fewer_queries_alone_can_be_asked_for(stream: EpisodeStream) -> None:
    record = audit(built(canaries.Nearest, stream), stream, 4, seed=0, alone=3)
    assert {one.name: one.asked for one in record.probes}["alone"] == 4 * 3


def test_what_is_wrong_with_the_data_is_part_of_the_verdict(stream: EpisodeStream) -> None:
    found = Overlap(("an image is in both",), ("a twin",))
    record = audit(built(canaries.Nearest, stream), stream, 2, seed=0, overlap=found)
    assert (record.verdict, record.errors, record.notes) == (
        "error",
        ("an image is in both",),
        ("a twin",),
    )


@pytest.mark.parametrize("kind", ["single", "dirichlet", "variable"])
def test_episodes_of_other_kinds_are_audited_as_well(
    kind: ProtocolKind, stream: EpisodeStream
) -> None:
    protocol = EpisodeProtocol(WAYS, 1, 2, kind=kind)
    other = EpisodeStream(stream.pool, protocol, 0, stream.device)
    assert audited(canaries.Nearest, other, episodes=4).verdict == "inductive"
    assert audited(canaries.OrderCheat, other, episodes=12).verdict != "inductive"


class SupportMean(Algorithm):
    """Predicts the mean of the known values: sound."""

    name = "mean"
    backbone = None
    tasks = ("regression",)

    def adapt(self, support: Examples) -> Predictor:
        mean = support.targets.mean(0)
        return lambda query: mean.expand(len(query), -1)


class Trend(SupportMean):
    """Adds how far a query lies from the mean of those asked with it."""

    def adapt(self, support: Examples) -> Predictor:
        mean = super().adapt(support)
        return lambda query: mean(query) - 3 * (query - query.mean(0))


@pytest.fixture(scope="module")
def curves() -> EpisodeStream:
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (400, 1)).astype(np.float32)
    slopes = np.repeat(rng.normal(size=20), 20)[:, None]
    pool = ClassPool(
        "curves",
        "test",
        tuple(map(str, range(20))),
        np.arange(21) * 20,
        inputs,
        (slopes * inputs + 1).astype(np.float32),
    )
    return EpisodeStream(pool, EpisodeProtocol(1, 5, 10), 0, torch.device("cpu"))


def test_regression_is_judged_by_values_and_their_errors(curves: EpisodeStream) -> None:
    sound, trend = audited(SupportMean, curves), audited(Trend, curves)
    assert (sound.verdict, sound.errors, sound.notes) == ("inductive", (), ())
    assert "one class" not in {one.name for one in sound.probes}
    errors = []
    for drawn in curves.batches(6, 1):
        values = curves.pool.targets
        assert values is not None
        mean = values[drawn.support[0]].mean()
        errors.append(np.square(values[drawn.query[0]] - mean).mean())
    by_name = {one.name: one for one in sound.probes}
    assert by_name["alone"].accuracy == pytest.approx(np.mean(errors), rel=1e-5)
    assert trend.verdict == "transductive"
    by_name = {one.name: one for one in trend.probes}
    # Alone, a query is the mean of those asked, so only the support's mean is left.
    assert by_name["alone"].accuracy == pytest.approx(np.mean(errors), rel=1e-5)
    assert by_name["alone"].plainly != pytest.approx(np.mean(errors), rel=0.05)


def test_an_audit_can_be_stopped(stream: EpisodeStream) -> None:
    with pytest.raises(Interrupted):
        audit(built(canaries.Nearest, stream), stream, 3, seed=0, stop=lambda: True)


def test_no_episodes_are_refused(stream: EpisodeStream) -> None:
    with pytest.raises(BenchError, match="0 episodes to audit"):
        audit(built(canaries.Nearest, stream), stream, 0, seed=0)
