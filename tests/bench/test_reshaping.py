"""Test images of other data, made as large as those that a network was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.config import RunConfig
from bench.dataset import SPLITS, ClassExamples, DataFiles, Dataset
from bench.errors import BenchError
from bench.finished import reopen
from bench.firewall import open_test
from bench.job import Job, prepare
from bench.pool import ClassPool
from bench.registry import Registry
from bench.runner import Mode, execute
from bench.watcher import Watcher
from tests.bench.protocols.small_data import registry_of_small_data


class Photos(Dataset):
    """Colour images, 16 wide and 12 high: 0 to 4 have one colour each, the others are random."""

    name = "pictures"

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(5)
        for split in SPLITS:
            for number in range(12):
                images = rng.integers(0, 256, (8, 3, 12, 16)).astype(np.uint8)
                if split == "test" and number < 5:
                    images[0] = np.array([10, 100, 40 * number])[:, None, None]
                groups = tuple(f"object {i // 2}" for i in range(8))
                yield ClassExamples(f"{split}{number}", split, images, groups=groups)

    def base_class(self, name: str) -> str:
        return name.replace("4", "3")

    def group(self, name: str) -> str:
        return f"shelf {len(name)}"


@pytest.fixture(scope="module")
def small() -> Registry:
    registry = registry_of_small_data()
    registry.datasets.add(Photos, "pictures", "here")
    return registry


def prepared(small: Registry, data: str = "letters", tested: str = "pictures", **asked: Any) -> Job:
    asked = {"queries": 2, "episodes": 4, "device": "cpu", "resize_test": True, **asked}
    config = RunConfig("protonet", data, test_data=tested, backbone="conv4-32", **asked)
    return prepare(config, small, lambda done, total: None)


def pool_of(job: Job) -> ClassPool:
    with open_test("a test", 1):
        return job.tested.data.pool("test")


def original() -> NDArray[np.uint8]:
    files = DataFiles(Path("nowhere"), download=False)
    test = [one.inputs for one in Photos().classes(files) if one.split == "test"]
    return np.concatenate(test).astype(np.uint8)


def test_colour_becomes_luma_of_the_size_that_is_trained_on(small: Registry) -> None:
    pool = pool_of(prepared(small))
    assert pool.inputs.shape == (12 * 8, 1, 8, 8)
    for number in range(5):  # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue
        luma = 0.299 * 10 + 0.587 * 100 + 0.114 * 40 * number
        assert np.abs(pool.inputs[8 * number].astype(float) - luma).max() <= 1


def test_where_it_shrinks_neighbours_are_averaged(small: Registry) -> None:
    """Each output is a weighted mean of inputs, so the mean over an image stays, nearly."""
    pool = pool_of(prepared(small))
    luma = original().astype(float).transpose(0, 2, 3, 1) @ [0.299, 0.587, 0.114]
    kept, before = pool.inputs.astype(float).mean((1, 2, 3)), luma.mean((1, 2))
    assert np.abs(kept - before).max() < 12  # of values that vary by 40
    assert np.corrcoef(kept[40:], before[40:])[0, 1] > 0.7
    assert pool.inputs[40:].std() < 0.7 * luma[40:].std()


def test_grey_becomes_three_equal_channels(small: Registry) -> None:
    pool = pool_of(prepared(small, data="pictures", tested="letters"))
    assert pool.inputs.shape == (12 * 12, 3, 12, 16)
    assert (pool.inputs == pool.inputs[:, :1]).all()


def test_groups_of_inputs_and_of_classes_are_kept(small: Registry) -> None:
    pool = pool_of(prepared(small))
    assert pool.input_groups is not None and pool.groups is not None
    assert pool.input_groups.reshape(12, 4, 2).tolist() == [[[i, i] for i in range(4)]] * 12
    assert pool.groups == tuple(f"shelf {len(name)}" for name in pool.classes)


def test_it_has_a_fingerprint_of_its_own_and_the_record_says_what_was_done(
    small: Registry, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"out": str(tmp_path), "steps": 1, "train_ways": 5}
    job = prepared(small, **asked, train_queries=1, validation_episodes=2)
    record = execute(job, Mode(), Watcher())
    assert record.tested.name == "pictures"
    assert record.tested.reshaped == "from 3x12x16 to 1x8x8"
    plain = prepared(small, data="pictures", tested="signs").data
    assert record.tested.fingerprint != plain.fingerprint
    again = reopen(job.folder, small, lambda done, total: None, device="cpu")
    assert again.job.tested.data.fingerprint == record.tested.fingerprint


def test_images_of_the_right_size_stay_as_they_are(small: Registry) -> None:
    asked = prepared(small, tested="signs")
    assert asked.tested.reshaped == ""
    plain = prepared(small, tested="signs", resize_test=False)
    assert asked.tested.data.fingerprint == plain.tested.data.fingerprint
    assert asked.name == plain.name


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"resize_test": False}, "pictures, whose inputs are uint8 3x12x16, but those of letters are "),
    ({"resize_test": False}, "--resize-test makes them alike"),
    (
        {"tested": "dots"},
        "--resize-test is for images; the inputs of dots are float32 2, and 1x8x8",
    ),
    ({"tested": None}, "--resize-test is for --test-data; name that, or leave it out"),
    ({"set": {"test.sed": "1"}, "tested": "signs"}, "signs has no parameter 'sed'"),
    ({"set": {"test.seed": "1"}, "tested": None}, "the test.s own data .there is no --test-data"),
]


@pytest.mark.parametrize(("asked", "complaint"), REFUSED)
def test_what_cannot_be_is_refused(asked: dict[str, Any], complaint: str, small: Registry) -> None:
    with pytest.raises(BenchError, match=complaint):
        prepared(small, **asked)


def test_parameters_of_the_tested_data_can_be_set(small: Registry) -> None:
    usual = prepared(small, tested="signs")
    other = prepared(small, tested="signs", set={"test.seed": "7"})
    assert other.tested.parameters == {"seed": 7}
    assert other.data.fingerprint == usual.data.fingerprint
    assert other.tested.data.fingerprint != usual.tested.data.fingerprint
