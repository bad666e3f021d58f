"""Embedding learners in evaluation: each image embedded once, and the numbers of the plain path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, Predictor
from bench.backbones import find_backbone
from bench.episodes import Examples
from bench.errors import Interrupted, RunFailed
from bench.evaluation import evaluate
from bench.features import SCORED_TOGETHER
from bench.pool import EpisodeStream

Streams = Callable[..., EpisodeStream]


def trained(name: str, build: Callable[..., Algorithm], stream: EpisodeStream, **more: Any) -> Any:
    """Returns an algorithm after a few steps, so that its buffers are not those of the start."""
    algorithm = build(name, **more)
    optimizer = algorithm.optimizer()
    algorithm.train()
    for step in range(4):
        algorithm.train_step(stream.episodes(1000 + 2 * step, 2), optimizer)
    return algorithm


def test_embedding_each_image_once_gives_the_numbers_of_the_plain_path(
    make_stream: Streams, build: Callable[..., Algorithm]
) -> None:
    stream = make_stream(shots=1, classes=30, each=20, side=28)
    learner = trained("protonet", build, stream, backbone="conv4", shape=(1, 28, 28))
    assert learner.embedding.norms[0].running_mean.abs().max() > 1e-3
    fast = evaluate(learner, stream, 40, seed=0)
    plain = evaluate(learner, stream, 40, seed=0, plain=True)
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


def test_the_fast_path_embeds_each_image_once_and_the_plain_path_does_not(
    make_stream: Streams, build: Callable[..., Algorithm], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = build("protonet")
    seen: list[int] = []
    embed = type(learner).embed  # type: ignore[attr-defined]  # it is an embedding learner

    def counting(self: Algorithm, inputs: Tensor) -> Tensor:
        seen.append(len(inputs))
        features: Tensor = embed(self, inputs)
        return features

    monkeypatch.setattr(type(learner), "embed", counting)
    stream = make_stream()
    evaluate(learner, stream, 40, seed=0)
    assert sum(seen) == len(stream.pool.inputs)
    seen.clear()
    evaluate(learner, stream, 2, seed=0, plain=True)
    assert sum(seen) == 2 * (6 + 9)


@pytest.mark.parametrize("why", ["the batch shares statistics", "adapt is its own"])
def test_the_fast_path_is_not_taken_where_it_would_not_be_exact(
    why: str,
    make_stream: Streams,
    build: Callable[..., Algorithm],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = build("protonet")
    if why == "adapt is its own":

        def adapt(self: Algorithm, support: Examples) -> Predictor:
            return lambda query: torch.zeros(len(query), support.n_way)

        monkeypatch.setattr(type(learner), "adapt", adapt)
    else:
        learner.embedding = find_backbone("conv4-32").build((1, 12, 12), "batch")
    stream = make_stream(classes=40)
    results = [evaluate(learner, stream, 4, seed=0, plain=plain) for plain in (False, True)]
    np.testing.assert_array_equal(results[0].loss, results[1].loss)


def test_more_images_than_fit_in_one_batch_of_embeddings_are_not_mixed_up(
    make_stream: Streams, build: Callable[..., Algorithm]
) -> None:
    stream = make_stream(classes=60, each=20, ways=20, queries=2)
    learner = build("protonet", backbone="mlp", ways=20)
    drawn = stream.indices(0, 40)
    assert len(np.unique(np.hstack([drawn.support, drawn.query]))) > 1024
    fast = evaluate(learner, stream, 40, seed=0)
    plain = evaluate(learner, stream, 40, seed=0, plain=True)
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4)


@pytest.mark.parametrize("backbone", ["conv4-32", "conv4-strided", "conv6"])
def test_convolutions_are_folded_only_where_embed_is_inherited(
    backbone: str, make_stream: Streams, build: Callable[..., Algorithm]
) -> None:
    stream = make_stream(shots=1, classes=30)
    learner = trained("protonet", build, stream, backbone=backbone)

    class Distorting(type(learner)):  # type: ignore[misc]  # a base known at run time only
        def embed(self, inputs: Tensor) -> Tensor:
            features: Tensor = self.embedding(inputs)
            return 500 * features * torch.linspace(-1, 2, features.shape[1])

    other = Distorting(learner.spec)
    other.load_state_dict(learner.state_dict())
    losses = []
    for algorithm in (learner, other):
        fast = evaluate(algorithm, stream, 20, seed=0).loss
        plain = evaluate(algorithm, stream, 20, seed=0, plain=True).loss
        np.testing.assert_allclose(fast, plain, rtol=1e-4, atol=1e-5)
        losses.append(fast)
    assert not np.allclose(losses[0], losses[1], rtol=1e-2)


def test_episodes_are_scored_together_and_in_their_order(
    make_stream: Streams, build: Callable[..., Algorithm]
) -> None:
    stream, learner = make_stream(classes=40), build("protonet", backbone="mlp")
    told: list[tuple[int, int]] = []
    count = SCORED_TOGETHER + 40
    many = evaluate(learner, stream, count, seed=0, report=lambda done, of: told.append((done, of)))
    assert told == [(SCORED_TOGETHER, count), (count, count)]
    plain = evaluate(learner, stream, count, seed=0, plain=True)
    np.testing.assert_array_equal(many.correct, plain.correct)
    np.testing.assert_allclose(many.loss, plain.loss, rtol=1e-4)


def test_a_request_to_stop_is_heard_between_two_lots_of_episodes(
    make_stream: Streams, build: Callable[..., Algorithm]
) -> None:
    with pytest.raises(Interrupted):
        evaluate(
            build("protonet", backbone="mlp"),
            make_stream(),
            SCORED_TOGETHER + 1,
            seed=0,
            stop=lambda: True,
        )


@pytest.mark.parametrize("shape", [(9, 3), (2, 9, 4), (2, 8, 3), (3, 9, 3), ()])
def test_scores_of_the_wrong_shape_are_refused(
    shape: tuple[int, ...],
    make_stream: Streams,
    build: Callable[..., Algorithm],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = build("protonet")
    monkeypatch.setattr(type(learner), "scores", lambda self, support, query: torch.zeros(shape))
    with pytest.raises(RunFailed, match="for 9 queries and 3 ways") as caught:
        evaluate(learner, make_stream(), 2, seed=0)
    assert f"logits of shape {shape}" in str(caught.value)


def test_scores_that_are_not_finite_are_refused_with_the_episode(
    make_stream: Streams, build: Callable[..., Algorithm], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = build("protonet", backbone="mlp")
    calls: list[int] = []

    def scores(self: Algorithm, support: Examples, query: Tensor) -> Tensor:
        logits = torch.zeros(len(query), query.shape[1], support.n_way)
        calls.append(len(query))
        if len(calls) == 2:
            logits[7, 0, 0] = float("nan")
        return logits

    monkeypatch.setattr(type(learner), "scores", scores)
    with pytest.raises(RunFailed, match=f"not finite in episode {SCORED_TOGETHER + 7};"):
        evaluate(learner, make_stream(), SCORED_TOGETHER + 40, seed=0)


def test_an_embedding_that_changes_its_buffers_is_caught_on_the_fast_path_too(
    make_stream: Streams, build: Callable[..., Algorithm], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = build("protonet")
    embed = type(learner).embed  # type: ignore[attr-defined]  # it is an embedding learner

    def sly(self: Algorithm, inputs: Tensor) -> Tensor:
        self.train()
        features: Tensor = embed(self, inputs)
        return features

    monkeypatch.setattr(type(learner), "embed", sly)
    with pytest.raises(RunFailed, match=r"protonet changed embedding\.norms\.0\.num_batches"):
        evaluate(learner, make_stream(), 2, seed=0)


def test_an_exception_in_scores_is_told_too(
    make_stream: Streams, build: Callable[..., Algorithm], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = build("protonet")

    def scores(self: Algorithm, support: Examples, query: Tensor) -> Tensor:
        raise ValueError("no scores")

    monkeypatch.setattr(type(learner), "scores", scores)
    with pytest.raises(RunFailed, match=r"protonet failed while .*ValueError: no scores"):
        evaluate(learner, make_stream(), 2, seed=0)


def test_an_inherited_embedding_is_folded_and_the_plain_path_is_not(
    make_stream: Streams, build: Callable[..., Algorithm], monkeypatch: pytest.MonkeyPatch
) -> None:
    def constant(network: nn.Module) -> Callable[[Tensor], Tensor]:
        return lambda inputs: torch.ones(len(inputs), 2)

    monkeypatch.setattr("bench.features.fold_batch_norm", constant)
    stream, learner = make_stream(classes=30), build("protonet")
    assert evaluate(learner, stream, 3, seed=0).loss == pytest.approx(np.log(3), abs=1e-6)
    plain = evaluate(learner, stream, 3, seed=0, plain=True).loss
    assert plain != pytest.approx(np.log(3), abs=1e-6)
