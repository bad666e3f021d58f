"""Evaluation: the same numbers by both doors, no way to cheat, and no trace left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, Predictor, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Episode, Examples
from bench.errors import Interrupted, RunFailed
from bench.evaluation import CHUNK, evaluate
from bench.pool import EpisodeStream
from bench.predictions import Predictions

SPEC = TaskSpec((1, 12, 12), ways=3, shots=2, chosen_backbone=find_backbone("mlp"))
Streams = Callable[..., EpisodeStream]


class Toy(Algorithm):
    """Nearest mean of the inputs, with a weight and a buffer that nobody needs."""

    name = "toy"
    backbone = None

    def __init__(self, spec: TaskSpec = SPEC) -> None:
        super().__init__(spec)
        self.weight = nn.Parameter(torch.ones(2))
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("hidden", torch.zeros(()), persistent=False)

    def adapt(self, support: Examples) -> Predictor:
        means = Examples(support.inputs.flatten(1), support.targets, support.n_way).class_means()
        return lambda query: -torch.cdist(query.flatten(1), means)


def test_accuracy_and_loss_are_those_computed_one_query_at_a_time(make_stream: Streams) -> None:
    class Weak(Toy):
        def adapt(self, support: Examples) -> Predictor:
            pixel = Examples(support.inputs.flatten(1)[:, 70:71], support.targets, support.n_way)
            means = pixel.class_means()
            return lambda query: -torch.cdist(query.flatten(1)[:, 70:71], means)

    stream = make_stream(classes=40, each=6)
    results = evaluate(Weak(), stream, 5, seed=0)
    assert results.episodes.queries.tolist() == [9] * 5
    assert 0 < (results.scores * 9).sum() < 45, "the test needs both right and wrong answers"
    for number, episode in enumerate(stream.episodes(0, 5)):
        logits = Weak().adapt(episode.support)(episode.query.inputs).double().numpy()
        right, loss = 0, 0.0
        for row, target in zip(logits, episode.query.targets.tolist(), strict=True):
            right += int(max(range(3), key=lambda c: row[c]) == target)
            loss += np.log(np.exp(row).sum()) - row[target]
        assert results.scores[number] * 9 == pytest.approx(right)
        assert results.loss[number] == pytest.approx(loss / 9, abs=1e-9)


def test_an_episodes_result_does_not_depend_on_how_many_are_evaluated(make_stream: Streams) -> None:
    many = evaluate(Toy(), make_stream(), 2 * CHUNK + 5, seed=0)
    few = evaluate(Toy(), make_stream(), CHUNK + 1, seed=0)
    assert len(many.scores) == len(many.loss) == 2 * CHUNK + 5
    np.testing.assert_array_equal(many.scores[: CHUNK + 1], few.scores)
    np.testing.assert_array_equal(many.loss[: CHUNK + 1], few.loss)


def test_the_algorithm_sees_support_inputs_and_targets_and_query_inputs_and_nothing_else(
    make_stream: Streams,
) -> None:
    seen: list[tuple[Examples, Tensor]] = []

    class Recording(Toy):
        def adapt(self, support: Examples) -> Predictor:
            predict = super().adapt(support)

            def recording(query: Tensor) -> Tensor:
                seen.append((support, query))
                return predict(query)

            return recording

        def loss(self, episode: Episode) -> Tensor:
            raise AssertionError("an evaluation has no business here")

        def forward(self, *arguments: object) -> None:
            raise AssertionError("an evaluation has no business here")

    stream = make_stream()
    evaluate(Recording(), stream, 3, seed=0)
    assert len(seen) == 3
    for (support, query), episode in zip(seen, stream.episodes(0, 3), strict=True):
        assert isinstance(support, Examples)
        assert torch.equal(support.inputs, episode.support.inputs)
        assert torch.equal(support.targets, episode.support.targets)
        for tensor in (support.inputs, support.targets, query):
            assert type(tensor) is Tensor
            # No view of something larger: that would lead to the queries and their labels.
            assert tensor.untyped_storage().nbytes() == tensor.nbytes
            assert tensor._base is None
        assert torch.equal(query, episode.query.inputs)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", ["protonet", "maml", "pixels"])
def test_an_evaluation_leaves_weights_buffers_and_gradients_as_they_were(
    name: str, plain: bool, make_stream: Streams, build: Callable[..., Algorithm]
) -> None:
    algorithm = build(name)
    for number, parameter in enumerate(algorithm.parameters()):
        parameter.grad = torch.full_like(parameter, float(number))
    before = {n: t.clone() for n, t in algorithm.state_dict().items()}
    evaluate(algorithm, make_stream(), 4, seed=0, plain=plain)
    for n, tensor in algorithm.state_dict().items():
        assert torch.equal(tensor, before[n]), n
    for number, parameter in enumerate(algorithm.parameters()):
        assert parameter.grad is not None
        assert (parameter.grad == number).all()


def test_an_algorithm_is_tested_in_evaluation_mode_with_gradients_only_in_adapt(
    make_stream: Streams,
) -> None:
    modes = []

    class Asking(Toy):
        def adapt(self, support: Examples) -> Predictor:
            modes.append(("adapt", self.training, torch.is_grad_enabled()))
            predict = super().adapt(support)

            def asking(query: Tensor) -> Tensor:
                modes.append(("predict", self.training, torch.is_grad_enabled()))
                return predict(query)

            return asking

    algorithm = Asking().train()
    evaluate(algorithm, make_stream(), 1, seed=0)
    assert modes == [("adapt", False, True), ("predict", False, False)]


@pytest.mark.parametrize("changed", ["weight", "count", "hidden"])
def test_an_algorithm_that_changes_its_state_in_adapt_is_caught_by_name(
    changed: str, make_stream: Streams
) -> None:
    class Sly(Toy):
        def adapt(self, support: Examples) -> Predictor:
            with torch.no_grad():
                getattr(self, changed).add_(1e-6)
            return super().adapt(support)

    with pytest.raises(RunFailed, match=f"toy changed {changed} during evaluation; adapt must"):
        evaluate(Sly(), make_stream(), 2, seed=0)


class Answering(Toy):
    """Answers every query with what it was given."""

    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.answer = answer

    def adapt(self, support: Examples) -> Predictor:
        return self.answer


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((9,), "(9,)"),
        ((8, 3), "(8, 3)"),
        ((9, 3, 1), "(9, 3, 1)"),
        ((9, 2), "(9, 2)"),
        ((9, 4), "(9, 4)"),
        ((), "()"),
    ],
)
def test_logits_of_the_wrong_shape_are_refused_with_their_shape(
    shape: tuple[int, ...], told: str, make_stream: Streams
) -> None:
    with pytest.raises(RunFailed) as caught:
        evaluate(Answering(lambda query: torch.zeros(shape)), make_stream(), 2, seed=0)
    assert f"logits of shape {told} for 9 queries" in str(caught.value)
    assert "(queries, ways)" in str(caught.value)


def test_logits_whose_shape_varies_between_episodes_are_refused(make_stream: Streams) -> None:
    sizes = iter([3, 4, 5])
    algorithm = Answering(lambda query: torch.zeros(9, next(sizes)))
    with pytest.raises(RunFailed, match="toy"):
        evaluate(algorithm, make_stream(), 2, seed=0)


def test_an_answer_that_is_no_tensor_is_the_plugins_failure(make_stream: Streams) -> None:
    with pytest.raises(RunFailed, match="toy failed while adapting to test episode 0"):
        evaluate(Answering(lambda query: [[0.0] * 3] * 9), make_stream(), 2, seed=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_logits_that_are_not_finite_are_refused_with_the_episode(
    value: float, make_stream: Streams
) -> None:
    asked: list[Tensor] = []

    def answer(query: Tensor) -> Tensor:
        asked.append(query)
        logits = torch.zeros(9, 3)
        if len(asked) > CHUNK + 6:
            logits[4, 1] = value
        return logits

    with pytest.raises(RunFailed, match=f"not finite in episode {CHUNK + 6}; try a smaller"):
        evaluate(Answering(answer), make_stream(), 2 * CHUNK, seed=0)


def test_an_exception_in_adapt_is_told_with_episode_file_and_line(make_stream: Streams) -> None:
    class Raising(Toy):
        def adapt(self, support: Examples) -> Predictor:
            raise KeyError("lost")

    with pytest.raises(
        RunFailed,
        match=r"toy failed while adapting to test episode 0: KeyError: 'lost' "
        r"\(.*test_evaluation\.py:\d+\)",
    ):
        evaluate(Raising(), make_stream(), 2, seed=0)


class Guessing(Toy):
    """Guesses at random, in adapt and in prediction."""

    def adapt(self, support: Examples) -> Predictor:
        bias = torch.randn(3)
        return lambda query: bias + torch.randn(len(query), 3)


def outcome(results: Predictions) -> list[float]:
    return [float(loss) for loss in results.loss]


def test_chance_in_an_episode_depends_on_seed_and_number_alone(make_stream: Streams) -> None:
    torch.manual_seed(1)
    first = outcome(evaluate(Guessing(), make_stream(), 10, seed=5))
    torch.manual_seed(2)
    torch.randn(100)
    evaluate(Guessing(), make_stream(), 3, seed=9)
    longer = outcome(evaluate(Guessing(), make_stream(), CHUNK + 10, seed=5))
    assert longer[:10] == first
    assert len(set(longer)) == len(longer), "episodes must not share their chance"
    assert outcome(evaluate(Guessing(), make_stream(), 10, seed=6)) != first


def test_progress_is_told_and_a_request_to_stop_is_heard(make_stream: Streams) -> None:
    told: list[tuple[int, int]] = []
    total = 3 * CHUNK
    with pytest.raises(Interrupted):
        evaluate(
            Toy(),
            make_stream(),
            total,
            seed=0,
            report=lambda done, of: told.append((done, of)),
            stop=lambda: len(told) == 2,
        )
    assert told == [(CHUNK, total), (2 * CHUNK, total)]
