"""Kept answers: those of an evaluation that knew more than an audit lets on are found out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bench import EmbeddingLearner, Examples, TaskSpec
from bench.audit.auditing import audit
from bench.audit.hidden import answers_of
from bench.audit.keeping import TURNED
from bench.backbones import find_backbone
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.predictions import Predictions

Streams = Callable[..., EpisodeStream]


class Centres(EmbeddingLearner):
    """Class means of the inputs: sound."""

    name = "centres"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        return -torch.cdist(query, support.class_means()).square() / 50


class Insider(Centres):
    """Sound, but for the evaluation that features are looked up in: there it takes the labels."""

    name = "insider"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        caller = sys._getframe(1)
        if caller.f_code.co_name == "score_by_features":
            labels = torch.from_numpy(caller.f_locals["part"].query_labels)
            return 9.0 * torch.nn.functional.one_hot(labels, support.n_way)
        return super().scores(support, query)


class Shaky(Centres):
    """Sound, but blows rounding up; a stack of episodes it rounds in another way than one alone.

    So do inner steps of a network that nobody trained, by the fast path and by the plain one.
    """

    name = "shaky"
    sharpness = 2e5
    exact: tuple[bool, bool] = (False, True)
    """Whether distances are computed in double precision: of one episode alone, of a stack."""

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        means = support.class_means()
        kind = torch.float64 if self.exact[query.ndim > 2] else query.dtype
        gaps = query.to(kind).unsqueeze(-2) - means.to(kind).unsqueeze(-3)
        return 5 * (gaps.square().sum(-1).to(query.dtype) * self.sharpness).sin()


class ShakyInsider(Shaky):
    """Shaky, and in the evaluation it takes the labels of a quarter of the queries."""

    name = "shaky-insider"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        answers, caller = super().scores(support, query), sys._getframe(1)
        if caller.f_code.co_name == "score_by_features":
            labels = torch.from_numpy(caller.f_locals["part"].query_labels)[:, ::4]
            answers[:, ::4] = 9.0 * torch.nn.functional.one_hot(labels, support.n_way)
        return answers


class ShakyElsewhere(Shaky):
    """Shaky on another machine, whose sums are in another order."""

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        flipped = Examples(support.inputs.flip(-1), support.targets, support.n_way)
        return super().scores(flipped, query.flip(-1))

    exact = (False, False)


def moved(kept: Predictions, other: Predictions) -> float:
    """The share of decisions that differ."""
    pairs = zip(answers_of(kept), answers_of(other), strict=True)
    return float(np.mean([(one.argmax(1) != two.argmax(1)).mean() for one, two in pairs]))


@pytest.fixture(scope="module")
def stream(make_stream: Streams) -> EpisodeStream:
    return make_stream(ways=4, shots=1, queries=5, classes=30, split="test")


def built(kind: type[EmbeddingLearner]) -> EmbeddingLearner:
    return kind(TaskSpec((1, 12, 12), 4, 1, find_backbone("identity")))


def test_answers_of_the_fast_path_are_those_with_the_truth_hidden(stream: EpisodeStream) -> None:
    kept = evaluate(built(Centres), stream, 6, seed=0)
    record = audit(built(Centres), stream, 6, seed=0, kept=kept)
    assert (record.verdict, record.errors) == ("inductive", ())


def test_who_looks_labels_up_only_in_the_evaluation_is_told_by_its_answers(
    make_stream: Streams,
) -> None:
    pool = make_stream(ways=4, shots=1, queries=5, classes=30, split="test").pool
    noise = np.random.default_rng(0).integers(0, 255, pool.inputs.shape).astype(np.uint8)
    hard = EpisodeStream(
        replace(pool, inputs=noise), make_stream(4, 1, 5).protocol, 0, torch.device("cpu")
    )
    kept = evaluate(built(Insider), hard, 6, seed=0)
    assert kept.scores.mean() == 1.0, "it must profit, or it shows nothing"
    assert audit(built(Insider), hard, 6, seed=0).errors == (), "asked by an audit it is honest"
    (error,) = audit(built(Insider), hard, 6, seed=0, kept=kept).errors
    assert error.startswith("label leak: with the truth hidden")
    assert "of the decisions that the run kept are others" in error


def test_answers_that_were_replaced_are_noticed(stream: EpisodeStream) -> None:
    kept = evaluate(built(Centres), stream, 6, seed=0)
    other = replace(kept, answers=-kept.answers)
    assert audit(built(Centres), stream, 6, seed=0, kept=other).verdict == "error"


def test_fewer_kept_answers_than_are_audited_are_not_compared(stream: EpisodeStream) -> None:
    kept = evaluate(built(Centres), stream, 3, seed=0)
    wrong = replace(kept, answers=-kept.answers)
    assert audit(built(Centres), stream, 6, seed=0, kept=wrong).errors == ()


def test_rounding_that_an_algorithm_blows_up_on_the_fast_path_is_no_leak(
    stream: EpisodeStream,
) -> None:
    kept = evaluate(built(Shaky), stream, 6, seed=0)
    plain = evaluate(built(Shaky), stream, 6, seed=0, plain=True)
    assert moved(kept, plain) > 2 * TURNED, "the paths must differ, or it shows nothing"
    record = audit(built(Shaky), stream, 6, seed=0, kept=kept)
    assert (record.errors, record.notes) == ((), ())


def test_a_leak_is_found_beneath_rounding_that_is_blown_up(stream: EpisodeStream) -> None:
    kept = evaluate(built(ShakyInsider), stream, 6, seed=0)
    assert kept.scores.mean() > evaluate(built(Shaky), stream, 6, seed=0).scores.mean() + 0.1
    assert audit(built(ShakyInsider), stream, 6, seed=0).errors == ()
    (error,) = audit(built(ShakyInsider), stream, 6, seed=0, kept=kept).errors
    assert error.startswith("label leak: with the truth hidden")


def test_answers_of_another_machine_may_differ_as_much_as_rounding_does_here(
    stream: EpisodeStream,
) -> None:
    here = evaluate(built(Shaky), stream, 6, seed=0)
    kept = evaluate(built(ShakyElsewhere), stream, 6, seed=0)
    assert moved(kept, here) > 2 * TURNED, "the machines must differ, or it shows nothing"
    record = audit(built(Shaky), stream, 6, seed=0, kept=kept)
    assert record.errors == ()
    assert [note.split(":")[0] for note in record.notes] == [
        "the answers that the run kept are not given again here"
    ]
    forged = replace(kept, answers=-kept.answers)
    assert audit(built(Shaky), stream, 6, seed=0, kept=forged).verdict == "error"


def test_who_cannot_answer_by_the_fast_path_without_the_truth_is_found_out(
    stream: EpisodeStream,
) -> None:
    class Needy(Insider):
        def scores(self, support: Examples, query: Tensor) -> Tensor:
            stream = sys._getframe(1).f_locals.get("stream")
            if stream is not None and stream.pool.classes == ("hidden",):
                raise ValueError("no labels here")
            return super().scores(support, query)

    kept = evaluate(built(Needy), stream, 6, seed=0)
    wrong = replace(kept, answers=-kept.answers)
    (error,) = audit(built(Needy), stream, 6, seed=0, kept=wrong).errors
    assert error.startswith("label leak: with the truth hidden it cannot answer: insider")
