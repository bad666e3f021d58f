"""Canaries: floors score what they must, each cheat is at chance or found out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from bench import Algorithm, Examples
from bench.audit.auditing import audit
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from tests.bench.audit import canaries
from tests.bench.audit.audited import WAYS, accuracy, audited, built, probe


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
