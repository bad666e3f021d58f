"""Jobs: names looked up, defaults filled in, everything checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.algorithm import Algorithm, Predictor, TaskSpec, TrainingPlan
from bench.cache import cache_root
from bench.config import RunConfig
from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.device import find_device
from bench.episodes import EpisodeProtocol, Examples
from bench.errors import BenchError
from bench.job import Job, data_root, prepare
from bench.registry import Registry, core_registry


class Images(Dataset):
    """A few random images.

    Args:
        seed: seed of the images.
        train: classes in train.
    """

    name = "images"

    def __init__(self, *, seed: int = 0, train: int = 6) -> None:
        self.seed, self.train = seed, train

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(self.seed)
        for split, count in (("train", self.train), ("val", 6), ("test", 6)):
            for number in range(count):
                pixels = rng.integers(0, 256, (20, 1, 9, 9), dtype=np.uint8)
                yield ClassExamples(f"{split}{number}", split, pixels)  # type: ignore[arg-type]  # a Split


class Points(Dataset):
    """Points, without a val split."""

    name = "points"

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(0)
        for number in range(12):
            split = "train" if number < 6 else "test"
            points = rng.normal(size=(20, 2)).astype(np.float32)
            yield ClassExamples(f"c{number}", split, points)  # type: ignore[arg-type]  # a Split


class Learner(Algorithm):
    """Embeds.

    Args:
        lr: learning rate.
    """

    name = "learner"
    any_way = True
    training_plan = TrainingPlan(steps=120, meta_batch=4, ways=60, queries=2, schedule="cosine")

    def __init__(self, spec: TaskSpec, *, lr: float = 0.1) -> None:
        super().__init__(spec)
        self.lr = lr
        self.embedding = spec.backbone()

    def adapt(self, support: Examples) -> Predictor:
        return lambda query: query.new_zeros(len(query), support.n_way)


class Fixed(Algorithm):
    """Has no use for a backbone."""

    name = "fixed"
    backbone = None

    def adapt(self, support: Examples) -> Predictor:
        return lambda query: query.new_zeros(len(query), support.n_way)


class Choosy(Fixed):
    """Refuses its task."""

    name = "choosy"

    def __init__(self, spec: TaskSpec, *, even: bool = True) -> None:
        super().__init__(spec)
        if spec.ways % 2:
            raise ValueError(f"ways is {spec.ways}; it must be even")


class Needy(Fixed):
    """Needs what is not there."""

    name = "needy"
    requires = ("a_package_that_is_not_there",)


class Unfinished(Algorithm):
    """Lacks adapt."""

    name = "unfinished"
    backbone = None


@pytest.fixture(scope="module")
def some() -> Registry:
    registry = core_registry()
    for algorithm in (Learner, Fixed, Choosy, Needy, Unfinished):
        registry.algorithms.add(algorithm, algorithm.name, "tests")
    for dataset in (Images, Points):
        registry.datasets.add(dataset, dataset.name, "tests")
    return registry


def prepared(some: Registry, algo: str = "learner", data: str = "images", **config: Any) -> Job:
    full = {"queries": 3, "device": "cpu", **config}
    return prepare(RunConfig(algo, data, **full), some, lambda done, total: None)


def test_defaults_come_from_the_signatures_and_the_training_plan(some: Registry) -> None:
    job = prepared(some, shots=2)
    assert job.parameters == {"lr": 0.1}
    assert job.data_parameters == {"seed": 0, "train": 6}
    assert job.test_protocol == EpisodeProtocol(5, 2, 3)
    assert job.plan == replace(Learner.training_plan, ways=6, shots=2)
    assert job.train_protocol == EpisodeProtocol(6, 2, 2)
    assert job.validate_every == 12
    assert job.spec.input_shape == (1, 9, 9)
    assert (job.spec.ways, job.spec.shots) == (5, 2)
    assert job.backbone == "conv4"


def test_what_the_user_asks_for_wins(some: Registry) -> None:
    job = prepared(
        some,
        set={"lr": "0.5", "data.seed": "3"},
        backbone="mlp",
        steps=7,
        meta_batch=3,
        train_ways=4,
        train_shots=5,
        train_queries=1,
        schedule="constant",
        validate_every=2,
    )
    assert job.parameters == {"lr": 0.5}
    assert job.data_parameters == {"seed": 3, "train": 6}
    assert job.backbone == "mlp"
    assert job.plan == TrainingPlan(7, 3, 4, 5, 1, "constant")
    assert job.train_protocol == EpisodeProtocol(4, 5, 1)
    assert job.validate_every == 2


def test_no_steps_means_no_steps(some: Registry) -> None:
    assert prepared(some, steps=0).plan.steps == 0


def test_points_get_an_mlp_unless_the_user_names_a_backbone(some: Registry) -> None:
    assert prepared(some, data="points").backbone == "mlp"


def test_points_cannot_be_read_by_a_backbone_for_images(some: Registry) -> None:
    with pytest.raises(BenchError, match=r"conv4.*try --backbone mlp"):
        prepared(some, data="points", backbone="conv4")


def test_an_algorithm_that_has_no_use_for_a_backbone_gets_none(some: Registry) -> None:
    assert prepared(some, "fixed").backbone == ""


def test_a_job_builds_its_algorithm_with_its_parameters(some: Registry) -> None:
    job = prepared(some, set={"lr": "0.25"})
    algorithm = job.build()
    assert isinstance(algorithm, Learner)
    assert algorithm.lr == 0.25
    assert isinstance(algorithm.embedding, nn.Module)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"algo": "lerner"}, "no algorithm 'lerner'; did you mean 'learner'"),
        ({"data": "image"}, "no dataset 'image'; did you mean 'images'"),
        ({"backbone": "conv5"}, "no backbone 'conv5'; did you mean 'conv"),
        ({"schedule": "cosinus"}, "--schedule is 'cosinus'; did you mean 'cosine'"),
        (
            {"set": {"rate": "1"}},
            "learner has no parameter 'rate'; known: data.seed, data.train, lr",
        ),
        ({"set": {"data.sed": "1"}}, "images has no parameter 'sed'; did you mean 'data.seed'"),
        ({"set": {"lr": "fast"}}, "lr is 'fast'; it must be a finite number"),
        ({"ways": 7}, "7 ways, but the val split has 6 classes"),
        ({"train_ways": 7}, "7 ways, but the train split has 6 classes"),
        (
            {"algo": "choosy", "train_ways": 6},
            "choosy is made for the 5 ways of the test and cannot be trained with 6; give --tr",
        ),
        ({"queries": 20}, r"1 shots \+ 20 queries = 21, but class '.*' of the val split has 20"),
        ({"train_queries": 20}, "of the train split has 20 examples"),
        ({"ways": 7, "data": "points"}, "7 ways, but the test split has 6 classes"),
        (
            {"set": {"data.train": "0"}},
            "images has classes to test on but none to train on, and learner learns",
        ),
        ({"device": "gpu"}, "--device is 'gpu'; known: auto, cpu, cuda"),
        ({"algo": "needy"}, "needy needs a_package_that_is_not_there; install it: pip install a_p"),
        ({"algo": "choosy"}, "choosy: ways is 5; it must be even"),
        ({"algo": "unfinished"}, "unfinished: .*adapt"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_trained(
    asked: dict[str, Any], complaint: str, some: Registry
) -> None:
    with pytest.raises(BenchError, match=complaint):
        prepared(some, **asked)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"episode_seed": 1},
        {"episodes": 999},
        {"ways": 4},
        {"shots": 2},
        {"queries": 4},
        {"set": {"lr": "0.2"}},
        {"set": {"data.seed": "1"}},
        {"backbone": "mlp"},
        {"steps": 11},
        {"meta_batch": 2},
        {"train_ways": 3},
        {"train_shots": 3},
        {"train_queries": 3},
        {"schedule": "constant"},
        {"validate_every": 5},
        {"validation_episodes": 7},
        {"algo": "fixed"},
        {"data": "points"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_results_depend_on_changes_the_folder(
    change: dict[str, Any], some: Registry
) -> None:
    assert prepared(some, **change).folder != prepared(some).folder


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint_every": 1},
        {"download": False},
        {"data_root": "/elsewhere"},
        {"set": {"lr": "1e-1"}},
        {"backbone": "conv4"},
        {"steps": 120},
        {"train_ways": 6},
        {"schedule": "cosine"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_makes_no_difference_keeps_the_folder(change: dict[str, Any], some: Registry) -> None:
    assert prepared(some, **change).folder == prepared(some).folder


def test_the_folder_is_named_after_data_protocol_and_algorithm(
    some: Registry, tmp_path: Path
) -> None:
    job = prepared(some, out=str(tmp_path))
    assert job.folder.parent == tmp_path
    assert job.name.startswith("images_5w1s3q_learner_")


def test_the_device_is_found_by_name() -> None:
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:9999", "cpu:x", "meta"])
def test_a_device_that_cannot_be_used_is_refused_in_a_few_words(name: str) -> None:
    with pytest.raises(BenchError, match=f"--device is '{name}'.*auto") as caught:
        find_device(name)
    assert len(str(caught.value)) < 170


def test_data_is_read_from_the_chosen_folder_or_from_the_cache() -> None:
    assert data_root("/data/here") == Path("/data/here")
    assert data_root(None) == cache_root() / "data"
