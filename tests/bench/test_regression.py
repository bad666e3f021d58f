"""Regression through the harness: a task is one function, judged by its mean squared error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, EmbeddingLearner, Predictor, TaskSpec, TrainingPlan
from bench.backbones import find_backbone
from bench.config import RunConfig
from bench.dataset import ClassExamples, DataFiles, Dataset, Split
from bench.episodes import EpisodeProtocol, Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.firewall import open_test
from bench.job import Job, prepare
from bench.parameters import Value
from bench.pool import ClassPool, EpisodeStream
from bench.recording import episodes_csv
from bench.registry import Registry, core_registry
from bench.runner import Mode, execute
from bench.stored import DESCRIPTION
from bench.tasks import MSE
from bench.watcher import Watcher
from tests.bench.listed_dataset import Listed, opened

pytestmark = pytest.mark.usefixtures("empty_cache")
SPEC = TaskSpec((1,), 1, 2, find_backbone("mlp-40"), "regression", targets=2)


class Lines(Dataset):
    """Functions f(x) = (a x, a) on x = 0, 1, 2, ...: a is the number of the function."""

    name = "lines"
    task = "regression"
    protocol = EpisodeProtocol(1, 2, 3)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        splits: tuple[Split, ...] = ("train", "val", "test")
        for number in range(12):
            x = np.arange(8, dtype=np.float32)[:, None]
            y = np.concatenate([number * x, np.full_like(x, number)], axis=1)
            yield ClassExamples(f"line {number}", splits[number % 3], x, y)


class SupportMean(Algorithm):
    """Predicts the mean of the support's targets."""

    name = "support-mean"
    tasks = ("regression",)
    not_for = "it averages values, and labels have no average"
    backbone = None

    def adapt(self, support: Examples) -> Predictor:
        mean = support.targets.mean(0)
        return lambda query: mean.expand(len(query), -1)


class Nothing(Algorithm):
    """Takes classification only."""

    name = "nothing"
    backbone = None

    def adapt(self, support: Examples) -> Predictor:
        return lambda query: query.new_zeros(len(query), support.n_way)


class Fitted(EmbeddingLearner):
    """A linear map of the features: few steps of gradient descent would do it as well."""

    name = "fitted"
    tasks = ("regression",)
    regression_plan = TrainingPlan(steps=3, meta_batch=2, queries=3)
    regression_defaults: ClassVar[Mapping[str, Value]] = {"lr": 0.25}

    def __init__(self, spec: TaskSpec, *, lr: float = 0.5) -> None:
        super().__init__(spec)
        self.lr = lr
        self.head = nn.Linear(self.embedding.out_features, spec.outputs)

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        return self.head(query) + support.targets.mean(-2, keepdim=True)  # type: ignore[no-any-return]

    def loss(self, episode: Any) -> Tensor:
        return Algorithm.loss(self, episode)


@pytest.fixture
def pool() -> ClassPool:
    with open_test("a test", 1):
        return opened(Lines()).pool("test")


def stream(pool: ClassPool) -> EpisodeStream:
    return EpisodeStream(pool, Lines.protocol, 0, torch.device("cpu"))


def prepared(algo: str = "fitted", **config: Any) -> Job:
    registry: Registry = core_registry()
    for algorithm in (SupportMean, Nothing, Fitted):
        registry.algorithms.add(algorithm, algorithm.name, "tests")
    registry.datasets.add(Lines, "lines", "tests")
    full = {"device": "cpu", "episodes": 5, "validation_episodes": 4, **config}
    return prepare(RunConfig(algo, "lines", **full), registry, lambda done, total: None)


def test_an_episode_is_points_of_one_function_with_their_values(pool: ClassPool) -> None:
    for episode in stream(pool).episodes(0, 20):
        assert len(episode.support) == 2 and len(episode.query) == 3
        x = torch.cat([episode.support.inputs, episode.query.inputs])
        y = torch.cat([episode.support.targets, episode.query.targets])
        assert len(set(x.flatten().tolist())) == 5
        slope = y[0, 1]
        assert int(slope) % 3 == 2  # functions 2, 5, 8, 11 are the test split's
        torch.testing.assert_close(y, torch.cat([slope * x, slope.expand(5, 1)], 1))


def test_a_part_of_the_examples_keeps_inputs_and_values_together() -> None:
    some = Examples(torch.arange(6.0).view(2, 3, 1), torch.arange(12.0).view(2, 3, 2), 1)
    assert len(some) == 3
    part = some.at(torch.tensor([2, 0]))
    assert part.inputs[:, :, 0].tolist() == [[2, 0], [5, 3]]
    assert part.targets[:, :, 1].tolist() == [[5, 1], [11, 7]]


def test_the_error_of_an_episode_is_the_mean_over_queries_and_targets(pool: ClassPool) -> None:
    results = evaluate(SupportMean(SPEC), stream(pool), 7, seed=0)
    for number, episode in enumerate(stream(pool).episodes(0, 7)):
        guess = episode.support.targets.numpy().mean(0)
        errors = [
            (v - g) ** 2
            for row in episode.query.targets.tolist()
            for v, g in zip(row, guess, strict=True)
        ]
        assert results.scores[number] == pytest.approx(sum(errors) / 6, rel=1e-6)
    assert results.metric == MSE
    assert results.correct is None
    lines = episodes_csv(results, "f").decode().splitlines()
    assert lines[0] == "episode,id,mse,queries"
    assert [float(line.split(",")[2]) for line in lines[1:]] == results.scores.tolist()


def test_both_doors_of_an_embedding_learner_give_the_same_errors(pool: ClassPool) -> None:
    learner = Fitted(SPEC)
    fast = evaluate(learner, stream(pool), 9, seed=0)
    plain = evaluate(learner, stream(pool), 9, seed=0, plain=True)
    np.testing.assert_allclose(fast.scores, plain.scores, rtol=1e-5)


def test_a_run_is_judged_by_its_error_and_keeps_the_weights_of_the_smallest(tmp_path: Path) -> None:
    job = prepared(out=str(tmp_path), validate_every=1)
    record = execute(job, Mode(), Watcher())
    assert record.data.task == "regression"
    assert record.protocol.id == "2s3q"
    assert record.outcome is not None and record.outcome.metric == "mse"
    rows = (job.folder / "episodes.csv").read_text().splitlines()[1:]
    errors = [float(row.split(",")[2]) for row in rows]
    assert record.outcome.mean == pytest.approx(sum(errors) / 5)
    assert record.training.best_validation_score is not None


def test_plan_and_defaults_are_those_for_regression(tmp_path: Path) -> None:
    job = prepared()
    assert job.parameters == {"lr": 0.25}
    assert job.plan == replace(Fitted.regression_plan, ways=1, shots=2)
    assert job.test_protocol == Lines.protocol
    assert job.spec == replace(SPEC, base_classes=4)
    assert prepared(set={"lr": "0.125"}).parameters == {"lr": 0.125}


def test_who_cannot_do_regression_says_why_before_anything_is_computed() -> None:
    with pytest.raises(
        BenchError, match=r"nothing is not for lines, which is regression: it predicts one of the"
    ):
        prepared("nothing")


@pytest.mark.parametrize("flag", ["ways", "train_ways"])
def test_ways_are_refused_as_a_function_has_no_classes(flag: str) -> None:
    asked: dict[str, Any] = {flag: 5}
    with pytest.raises(BenchError, match=rf"--{flag.replace('_', '-')} is 5, but lines is regr"):
        prepared(**asked)


X = np.arange(3, dtype=np.float32)[:, None]
NOT_FINITE = np.array([[0], [np.nan], [1]], dtype=np.float32)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([ClassExamples("f", "train", X)], "function 'f' needs targets: float32, one row for each"),
        ([ClassExamples("f", "train", X, X[:2])], "needs targets: .* for each of its 3 inputs"),
        ([ClassExamples("f", "train", X, X.astype(np.float64))], "needs targets: float32"),
        ([ClassExamples("f", "train", X, NOT_FINITE)], "targets that are not finite"),
        (
            [ClassExamples("f", "train", X, X), ClassExamples("g", "train", X, np.tile(X, 2))],
            "function 'g' has 2 targets per input, those before it 1",
        ),
        (
            [ClassExamples("f", "train", X, X), ClassExamples("g", "test", X, X)],
            "the same example is in class 'f' of train and in class 'g' of test",
        ),
    ],
)
def test_targets_that_do_not_fit_are_refused(classes: list[ClassExamples], message: str) -> None:
    class Curves(Listed):
        task = "regression"

    with pytest.raises(BenchError, match=message):
        opened(Curves(classes))


def test_functions_may_share_their_inputs_across_splits() -> None:
    class Curves(Listed):
        task = "regression"

    opened(Curves([ClassExamples("f", "train", X, X), ClassExamples("g", "test", X, 2 * X)]))


def test_targets_in_classification_are_refused() -> None:
    with pytest.raises(BenchError, match="class 'f' has targets, but listed is for classification"):
        opened(Listed([ClassExamples("f", "train", X, X)]))


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_of_targets_is_refused_with_the_cure(damage: str) -> None:
    cached = opened(Lines())
    path = cached.folder / "test.targets.bin"
    with open_test("a test", 1):
        content = bytearray(path.read_bytes())
        content[5] ^= 1
        path.write_bytes(content[:-1] if damage == "truncated" else content)
        with pytest.raises(BenchError, match=rf"test\.targets\.bin .*{damage}.*delete the folder"):
            cached.pool("test")


def test_the_fingerprint_covers_targets_and_is_what_it_was_without_them() -> None:
    curves, images = opened(Lines()), opened(Listed())
    assert (curves.folder / "test.targets.bin").is_file()
    for cached in (curves, images):
        content = json.loads((cached.folder / DESCRIPTION).read_text())
        content["fingerprint"] = ""
        assert content.pop("remarks") == []
        for split in content["splits"].values():
            assert split.pop("groups") == ""
            if split["targets"] is None:
                del split["targets"]
        content["splits"] = dict(sorted(content["splits"].items()))
        text = json.dumps(content, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == cached.fingerprint
    assert all(split["targets"] for split in asdict(curves.record)["splits"].values())
