"""Audits of canaries: each cheat is at chance or found out, by what it does and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from bench import Algorithm, Examples, Predictor, TaskSpec
from bench.audit.auditing import audit
from bench.audit.overlap import Overlap
from bench.episodes import EpisodeProtocol, ProtocolKind
from bench.errors import BenchError, Interrupted
from bench.evaluation import evaluate
from bench.measurements import AuditRecord
from bench.pool import ClassPool, EpisodeStream
from bench.statistics import t_interval
from tests.bench.audit import canaries

WAYS = 4
Streams = Callable[..., EpisodeStream]


@pytest.fixture(scope="module")
def stream(make_stream: Streams) -> EpisodeStream:
    return make_stream(ways=WAYS, shots=2, queries=5, classes=30, split="test")


def built(kind: type[Algorithm], stream: EpisodeStream) -> Algorithm:
    torch.manual_seed(0)
    return kind(TaskSpec(stream.pool.input_shape, WAYS, 2, task=kind.tasks[0]))


def audited(kind: type[Algorithm], stream: EpisodeStream, episodes: int = 6) -> AuditRecord:
    return audit(built(kind, stream), stream, episodes, seed=0)


def accuracy(kind: type[Algorithm], stream: EpisodeStream) -> tuple[float, float]:
    """The mean over 300 episodes with half of its interval."""
    interval = t_interval(evaluate(built(kind, stream), stream, 300, seed=0).scores)
    return interval.mean, interval.half_width


def probe(record: AuditRecord, name: str) -> float:
    return next(one.largest for one in record.probes if one.name == name)


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


def noisy(stream: EpisodeStream) -> EpisodeStream:
    """The stream with images so dim in their noise that nearest neighbours are often wrong."""
    rng = np.random.default_rng(0)
    pool = stream.pool
    images = pool.inputs // 3 + rng.integers(0, 170, pool.inputs.shape)
    other = replace(pool, inputs=images.astype(np.uint8))
    return EpisodeStream(other, stream.protocol, 0, stream.device)


def test_the_floor_of_nearest_pixels_scores_what_scipy_says(stream: EpisodeStream) -> None:
    dim = noisy(stream)
    right = []
    for drawn in dim.batches(6, 1):
        flat = dim.pool.inputs.reshape(len(dim.pool.inputs), -1) / 255
        nearest = cdist(flat[drawn.query[0]], flat[drawn.support[0]]).argmin(1)
        right.append((drawn.support_labels[0][nearest] == drawn.query_labels[0]).mean())
    expected = float(np.mean(right))
    assert 0.3 < expected < 0.95
    record = audited(canaries.Nearest, dim)
    assert record.verdict == "inductive"
    for one in record.probes:
        if one.name != "dirichlet":  # of some of the queries only
            assert one.accuracy == pytest.approx(expected)
            assert one.plainly == pytest.approx(expected)


def test_an_oracle_that_reads_the_class_off_a_pixel_is_always_right(stream: EpisodeStream) -> None:
    pool = noisy(stream).pool
    marked = pool.inputs.copy()
    marked[:, 0, 0, 0] = np.repeat(np.arange(len(pool.classes)), np.diff(pool.offsets))
    other = EpisodeStream(replace(pool, inputs=marked), stream.protocol, 0, stream.device)
    record = audited(canaries.Oracle, other)
    assert record.verdict == "inductive"
    assert {one.accuracy for one in record.probes} == {1.0}


@pytest.mark.parametrize("kind", [canaries.OrderCheat, canaries.PositionCheat])
def test_who_uses_the_places_of_queries_is_at_chance_and_found_out(
    kind: type[Algorithm], stream: EpisodeStream
) -> None:
    mean, half = accuracy(kind, stream)
    assert abs(mean - 1 / WAYS) < half < 0.02
    record = audited(kind, stream)
    assert record.verdict == "error"
    assert [error.split(":")[0] for error in record.errors] == ["order leak"]
    assert max(probe(record, "repeated"), probe(record, "false query labels")) < 1e-12


def test_who_believes_queries_sorted_would_be_right_if_they_were(stream: EpisodeStream) -> None:
    drawn = next(stream.batches(1, 1))
    order = drawn.query_labels[0].argsort(kind="stable")
    support = Examples(
        stream.gather(drawn.support)[0], torch.from_numpy(drawn.support_labels[0]), WAYS
    )
    answers = built(canaries.OrderCheat, stream).adapt(support)(stream.gather(drawn.query)[0])
    assert answers.argmax(1).tolist() == drawn.query_labels[0][order].tolist()


def test_who_always_says_the_same_label_is_right_for_one_class(stream: EpisodeStream) -> None:
    mean, half = accuracy(canaries.ConstantLabel, stream)
    assert mean == pytest.approx(1 / WAYS)
    assert half == pytest.approx(0)
    record = audited(canaries.ConstantLabel, stream)
    assert record.verdict == "inductive"
    assert ["which class has which label" in note for note in record.notes] == [True]


def test_who_takes_class_numbers_for_labels_is_at_chance(
    stream: EpisodeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = stream.pool
    classes = np.repeat(np.arange(len(pool.classes)), np.diff(pool.offsets)).tolist()
    images = pool.gather(np.arange(len(classes)), stream.device)
    numbers = dict(zip(map(canaries.content, images), classes, strict=True))
    monkeypatch.setattr(canaries.LabelValueCheat, "numbers", numbers, raising=False)
    mean, half = accuracy(canaries.LabelValueCheat, stream)
    assert abs(mean - 1 / WAYS) < half < 0.04
    # With labels in the order of the class numbers it is right about everything.
    (drawn,) = stream.batches(1, 1)
    ranks = drawn.classes[0].argsort().argsort()
    support = Examples(
        stream.gather(drawn.support)[0], torch.from_numpy(ranks[drawn.support_labels[0]]), WAYS
    )
    cheat = built(canaries.LabelValueCheat, stream)
    answers = cheat.adapt(support)(stream.gather(drawn.query)[0]).argmax(1)
    assert answers.tolist() == ranks[drawn.query_labels[0]].tolist()
    assert any("which class has which label" in n for n in audit(cheat, stream, 3, seed=0).notes)


def test_who_balances_the_classes_of_queries_is_transductive(stream: EpisodeStream) -> None:
    record = audited(canaries.BalanceCheat, stream)
    assert (record.verdict, record.errors) == ("transductive", ())
    by_name = {one.name: one for one in record.probes}
    alone, of_class = by_name["alone"], by_name["one class"]
    assert alone.plainly == of_class.plainly == 1.0
    assert of_class.accuracy is not None
    assert of_class.accuracy < 0.5  # balanced answers to queries of one class
    assert probe(record, "reordered") < 1e-4
    assert any("does not say that queries inform" in note for note in record.notes)


def test_who_remembers_labels_is_at_chance_and_found_out(stream: EpisodeStream) -> None:
    mean, half = accuracy(canaries.MemoCheat, stream)
    assert abs(mean - 1 / WAYS) < half < 0.03
    record = audited(canaries.MemoCheat, stream)
    assert record.verdict == "error"
    assert [error.split(":")[0] for error in record.errors] == ["state leak"]
    assert probe(record, "another episode between") > 0.5
    assert probe(record, "repeated") < 1e-12


def test_who_looks_labels_up_in_the_frames_that_called_it_is_found_out(
    stream: EpisodeStream,
) -> None:
    dim = noisy(stream)
    assert accuracy(canaries.Nearest, dim)[0] < 0.95
    cheat = built(canaries.LabelPeek, dim)
    assert evaluate(cheat, dim, 40, seed=0).scores.tolist() == [1.0] * 40
    record = audit(cheat, dim, 6, seed=0)
    assert record.verdict == "error"
    assert any(error.startswith("label leak") for error in record.errors)
    assert probe(record, "false query labels") > 0.5
    assert max(probe(record, "repeated"), probe(record, "another episode between")) < 1e-12


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
