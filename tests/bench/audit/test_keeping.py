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
from bench.backbones import find_backbone
from bench.evaluation import evaluate
from bench.pool import EpisodeStream

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
