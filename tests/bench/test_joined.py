"""Training on the classes of train and val: one pool, and a run that has nothing to choose by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.algorithm import Algorithm
from bench.checkpoint import load_weights
from bench.config import RunConfig
from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.decay import decay
from bench.episodes import Episode
from bench.errors import BenchError
from bench.job import Job, prepare
from bench.pool import ClassPool, joined
from bench.registry import Registry
from bench.results import CHECKPOINT_FILE, RunRecord
from bench.runner import Mode, execute
from bench.seeds import seed_torch
from bench.verification import verify
from bench.watcher import Watcher
from tests.bench.protocols.small_data import registry_of_small_data

COUNTS = {"train": 7, "val": 5, "test": 6}
"""Classes of each split; a class of train has 9 examples, of val 8, of test 10."""
BOTH = COUNTS["train"] + COUNTS["val"]


class Marked(Dataset):
    """Points whose coordinates say their split, class and number."""

    name = "marked"

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        for place, (split, count) in enumerate(COUNTS.items()):
            for number in range(count):
                rows = [[10 * place + number, row] for row in range((9, 8, 10)[place])]
                yield ClassExamples(f"{split}{number}", split, np.array(rows, np.float32))  # type: ignore[arg-type]  # a Split


@pytest.fixture(scope="module")
def small() -> Registry:
    registry = registry_of_small_data()
    registry.datasets.add(Marked, Marked.name, "tests")
    return registry


def prepared(small: Registry, algo: str, data: str = "marked", **asked: Any) -> Job:
    plain = {"device": "cpu", "episodes": 4, "queries": 3, "train_on": "train+val"}
    return prepare(RunConfig(algo, data, **{**plain, **asked}), small, lambda done, total: None)


def pool(split: Any, start: int, counts: Sequence[int], **fields: Any) -> ClassPool:
    """A pool whose rows are numbered from `start`, for reading where they went."""
    rows = sum(counts)
    plain: dict[str, Any] = {
        "fingerprint": "one dataset",
        "classes": tuple(f"{split}{number}" for number in range(len(counts))),
        "offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "inputs": np.arange(start, start + rows, dtype=np.uint8).reshape(rows, 1),
    }
    return ClassPool(split=split, **{**plain, **fields})


def test_the_joined_pool_has_all_classes_of_both_each_with_its_own_rows() -> None:
    train, val = pool("train", 0, (3, 2)), pool("val", 50, (4, 1, 2))
    both = joined(train, val)
    assert both.classes == ("train0", "train1", "val0", "val1", "val2")
    assert both.offsets.tolist() == [0, 3, 5, 9, 10, 12]
    rows = [
        both.inputs[a:b, 0].tolist() for a, b in zip(both.offsets, both.offsets[1:], strict=False)
    ]
    assert rows == [[0, 1, 2], [3, 4], [50, 51, 52, 53], [54], [55, 56]]
    assert both.split == "train"


def test_values_and_groups_follow_their_rows_and_no_group_is_in_both_splits() -> None:
    values = np.arange(11, dtype=np.float32).reshape(11, 1)
    numbers = np.array([4, 4, 0, 0, 2]), np.array([0, 0, 1, 1, 1, 4])
    train = pool("train", 0, (3, 2), targets=values[:5], groups=("a", "b"), input_groups=numbers[0])
    val = pool("val", 50, (4, 2), targets=values[5:], groups=("a", "c"), input_groups=numbers[1])
    both = joined(train, val)
    assert both.targets is not None and both.input_groups is not None
    assert both.targets[:, 0].tolist() == list(range(11))
    assert both.groups == ("a", "b", "a", "c")
    found = both.input_groups.tolist()
    for i in range(11):
        for j in range(11):
            same_split = (i < 5) == (j < 5)
            known = [*numbers[0], *numbers[1]]
            assert (found[i] == found[j]) == (same_split and known[i] == known[j])


@pytest.mark.parametrize("grouped", ["train", "val"])
def test_groups_of_one_split_alone_are_kept(grouped: str) -> None:
    numbers = np.array([1, 1, 0, 0])
    own: dict[str, Any] = {"groups": ("a", "b"), "input_groups": numbers}
    train = pool("train", 0, (2, 2), **own if grouped == "train" else {})
    val = pool("val", 50, (2, 2), **own if grouped == "val" else {})
    both = joined(train, val)
    assert both.input_groups is not None
    parts = both.input_groups[:4].tolist(), both.input_groups[4:].tolist()
    known, other = parts if grouped == "train" else parts[::-1]
    assert known[0] == known[1] and known[2] == known[3] and known[0] != known[2]
    assert len(set(other)) == 4 and not set(other) & set(known), "each is a group of its own"
    assert both.groups == (("a", "b", "", "") if grouped == "train" else ("", "", "a", "b"))


def test_neither_pool_has_groups_or_values_nor_have_both() -> None:
    both = joined(pool("train", 0, (2,)), pool("val", 9, (2,)))
    assert (both.targets, both.groups, both.input_groups) == (None, None, None)


def test_its_fingerprint_is_its_own_and_that_of_the_data() -> None:
    train, val = pool("train", 0, (3, 2)), pool("val", 50, (4,))
    both = joined(train, val)
    assert both.fingerprint != train.fingerprint
    assert both.fingerprint == joined(train, val).fingerprint
    others = [replace(one, fingerprint="another dataset") for one in (train, val)]
    assert both.fingerprint != joined(others[0], others[1]).fingerprint


def test_the_training_episodes_of_a_run_are_of_both_splits_and_never_of_test(
    small: Registry,
) -> None:
    stream = prepared(small, "protonet", train_ways=BOTH, train_queries=2, steps=1).stream("train")
    seen: set[int] = set()
    for episode in stream.episodes(0, 5):
        inputs = torch.cat([episode.support.inputs, episode.query.inputs])
        labels = torch.cat([episode.support.targets, episode.query.targets])
        marks = inputs[:, 0].long()
        expected = torch.where(marks < 10, marks, marks - 10 + COUNTS["train"])
        assert torch.equal(episode.classes[labels], expected), "the class of the joined list"
        seen |= set(marks.tolist())
    assert seen == {*range(7), *range(10, 15)}


def test_they_are_others_than_those_of_train_alone(small: Registry) -> None:
    asked: dict[str, Any] = {"train_ways": 5, "train_queries": 2, "steps": 1}
    both = prepared(small, "protonet", **asked)
    alone = prepared(small, "protonet", train_on="train", **asked)
    assert both.stream("train").digest(3) != alone.stream("train").digest(3)
    assert both.name != alone.name
    assert alone.stream("train").pool.classes == tuple(f"train{n}" for n in range(7))


def test_a_plan_has_room_for_the_classes_of_both(small: Registry) -> None:
    asked: dict[str, Any] = {"steps": 1, "train_queries": 2}
    assert prepared(small, "protonet", **asked).plan.ways == BOTH  # its own plan has more
    assert prepared(small, "protonet", train_on="train", **asked).plan.ways == COUNTS["train"]
    with pytest.raises(BenchError, match=f"{BOTH + 1} ways"):
        prepared(small, "protonet", train_ways=BOTH + 1, **asked)


def test_episodes_that_a_validation_class_is_too_small_for_are_refused_beforehand(
    small: Registry,
) -> None:
    asked: dict[str, Any] = {"steps": 1, "train_shots": 5, "train_queries": 4, "train_ways": 5}
    assert prepared(small, "protonet", train_on="train", **asked)
    with pytest.raises(BenchError, match="val0"):
        prepared(small, "protonet", **asked)


@pytest.mark.parametrize("name", ["simpleshot", "baseline", "baseline++", "tadam"])
def test_classifiers_of_all_classes_have_one_for_each_of_both(name: str, small: Registry) -> None:
    job = prepared(small, name, data="letters", steps=2, backbone="conv4-32", train_ways=24)
    assert job.spec.base_classes == 24
    algorithm = job.build()
    stream = job.stream("train")
    assert len(stream.pool.classes) == 24
    (episode,) = stream.episodes(0, 1)
    assert sorted(episode.classes.tolist()) == list(range(24))
    assert algorithm.train_step([episode], algorithm.optimizer()) > 0


def test_a_whole_class_learner_learns_a_class_of_val_by_its_number_in_the_joined_list(
    small: Registry,
) -> None:
    """Its head must put an image of the last class of val at the last place."""
    torch.manual_seed(0)
    job = prepared(small, "simpleshot", data="letters", steps=60, backbone="conv4-32")
    job = replace(job, plan=replace(job.plan, ways=24))
    algorithm, stream = job.build(), job.stream("train")
    optimizer = algorithm.optimizer()
    for step in range(60):
        algorithm.train_step(stream.episodes(step, 1), optimizer)
    algorithm.eval()
    rows = np.arange(stream.pool.offsets[-1])
    with torch.no_grad():
        logits = algorithm.classifier(algorithm.embed(stream.pool.gather(rows, job.device)))  # type: ignore[operator]  # both are the plugin's
    numbers = np.repeat(np.arange(24), np.diff(stream.pool.offsets))
    assert (logits.argmax(1).numpy() == numbers).mean() > 0.8


Made = Callable[..., tuple[Job, RunRecord]]


@pytest.fixture
def made(small: Registry, tmp_path: Path) -> Made:
    def make(**asked: Any) -> tuple[Job, RunRecord]:
        plain = {"steps": 5, "validate_every": 2, "backbone": "conv4-32", "out": str(tmp_path)}
        job = prepared(small, "protonet", "letters", **{**plain, **asked})
        return job, execute(job, Mode(), Watcher())

    return make


def test_a_run_keeps_its_last_weights_and_fits_no_temperature(made: Made) -> None:
    job, record = made()
    training, outcome = record.training, record.outcome
    assert (training.on, training.best_step, training.best_validation_score) == (
        "train+val",
        5,
        None,
    )
    assert [(point.step, point.score, point.loss) for point in training.curve] == [
        (2, None, None),
        (4, None, None),
        (5, None, None),
    ]
    assert outcome is not None and outcome.quality is not None
    assert outcome.quality.temperature is None
    assert record.audit is not None and record.audit.errors == ()
    kept = load_weights(job.folder / CHECKPOINT_FILE, "protonet")
    for name, tensor in trained_by_hand(job).state_dict().items():
        assert torch.equal(kept[name], tensor), name


def trained_by_hand(job: Job) -> Algorithm:
    """The weights after the last step, by a loop of this test's own."""
    seed_torch(job.config.seed, "weights")
    algorithm = job.build()
    optimizer, stream = algorithm.optimizer(), job.stream("train")
    rate = optimizer.param_groups[0]["lr"]
    for step in range(job.plan.steps):
        optimizer.param_groups[0]["lr"] = rate * decay(job.plan.schedule, step, job.plan.steps)
        algorithm.train()
        episodes: list[Episode] = stream.episodes(step * job.plan.meta_batch, job.plan.meta_batch)
        seed_torch(job.config.seed, "step", step)
        algorithm.train_step(episodes, optimizer)
    return algorithm


def test_such_a_run_is_verified(made: Made, small: Registry) -> None:
    job, _ = made()
    found = verify(job.folder, small)
    assert found.verdict == "verified"
    assert {figure.name for figure in found.figures} >= {"training", "answers"}
    assert "best validation" not in {figure.name for figure in found.figures}


@pytest.mark.parametrize(
    ("data", "missing"), [("alone", "to train on"), ("unvalidated", "for validation")]
)
def test_data_without_one_of_the_splits_are_refused(
    data: str, missing: str, small: Registry
) -> None:
    class Unvalidated(Marked):
        name = "unvalidated"

        def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
            return (one for one in super().classes(files) if one.split != "val")

    if "unvalidated" not in small.datasets.entries:
        small.datasets.add(Unvalidated, "unvalidated", "tests")
    algo = "pixels" if data == "alone" else "protonet"
    message = f"--train-on is train\\+val, but {data} has no classes {missing}; leave it out"
    with pytest.raises(BenchError, match=message):
        prepared(small, algo, data)


def test_other_words_for_it_are_refused() -> None:
    with pytest.raises(BenchError, match=r"--train-on is 'val'; write train or train\+val"):
        RunConfig("protonet", "marked", train_on="val")
