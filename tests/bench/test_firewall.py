"""The firewall: plugins that reach for the test data are stopped, and openings are counted."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from torch import Tensor

from bench import firewall
from bench.algorithm import Algorithm, Predictor, TaskSpec, TrainingPlan
from bench.config import RunConfig
from bench.episodes import Episode, Examples
from bench.errors import BenchError, Interrupted, RunFailed
from bench.failures import plugin_code
from bench.firewall import open_test
from bench.job import Job, prepare
from bench.measurements import TestUse
from bench.registry import load_registry
from bench.results import RunRecord, read_run
from bench.runner import Mode, execute
from bench.stored import CachedDataset
from bench.watcher import Watcher
from tests.bench.listed_dataset import Listed, opened

SMALL = RunConfig(
    algo="protonet", data="gaussians", steps=2, train_ways=5, episodes=4, validation_episodes=2
)
Attempt = Callable[[Path], object]
"""Something that reads the file at a path."""


def by_bytes(path: Path) -> bytes:
    with open(os.fsencode(path), "rb") as file:  # noqa: PTH123  # pathlib takes no bytes
        return file.read()


def by_descriptor(path: Path) -> bytes:
    number = os.open(path, os.O_RDONLY)
    try:
        return os.read(number, 10)
    finally:
        os.close(number)


def by_folder(path: Path) -> bytes:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        number = os.open(path.name, os.O_RDONLY, dir_fd=folder)
        try:
            return os.read(number, 10)
        finally:
            os.close(number)
    finally:
        os.close(folder)


def through_a_map(path: Path) -> bytes:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return mapped[:]


def relatively(path: Path) -> str:
    with open(os.path.relpath(path), encoding="latin-1") as file:  # noqa: PTH123  # also a way
        return file.read()


def by_a_link(path: Path) -> bytes:
    link = path.with_name("harmless")
    link.symlink_to(path)
    try:
        return link.read_bytes()
    finally:
        link.unlink()


def by_another_name(path: Path) -> bytes:
    name = path.rename(path.with_name("harmless"))
    try:
        return name.read_bytes()
    finally:
        name.rename(path)


WAYS: dict[str, Attempt] = {
    "numpy.fromfile": lambda path: np.fromfile(path, np.uint8),
    "numpy.memmap": lambda path: np.memmap(path, np.uint8, "r"),
    "numpy.memmap to write": lambda path: np.memmap(path, np.uint8, "r+"),
    "pathlib": Path.read_bytes,
    "a name in bytes": by_bytes,
    "a copy": lambda path: shutil.copyfile(path, path.with_name("copy")),
    "os.open": by_descriptor,
    "a folder's descriptor": by_folder,
    "mmap": through_a_map,
    "a relative path": relatively,
    "a link": by_a_link,
    "another name": by_another_name,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["test.bin", "train.bin"])
def test_a_plugin_can_open_no_test_file_in_any_of_these_ways(
    way: str, name: str, empty_cache: Path
) -> None:
    path = opened(Listed()).folder / name

    def attempt() -> None:
        with plugin_code("nosy", "training, at step 1", ""):
            WAYS[way](path)

    if name == "train.bin":
        attempt()  # so it is not the way that fails
    else:
        with pytest.raises(
            RunFailed, match=r"nosy tried to open (test\.bin|harmless) while training"
        ):
            attempt()


def test_a_neighbour_that_this_process_never_opened_is_closed_too(empty_cache: Path) -> None:
    folder = opened(Listed()).folder
    twin = folder.with_name("twin")
    twin.mkdir()
    (twin / "test.bin").write_bytes(b"the same classes, of another version")
    with pytest.raises(BenchError, match=r"test\.bin is closed"):
        (twin / "test.bin").read_bytes()


def test_a_file_of_that_name_elsewhere_is_nobodys_concern(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(Listed())
    monkeypatch.chdir(tmp_path)
    with plugin_code("busy", "training", ""):
        Path("test.bin").write_bytes(b"mine")
        assert Path("test.bin").read_bytes() == b"mine"
        assert (tmp_path / "test.bin").read_bytes() == b"mine"


def test_within_an_opening_the_test_split_is_read_and_afterwards_it_is_closed(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = opened(Listed())
    with open_test("a test", 7) as use:
        pool = cached.pool("test")
        monkeypatch.setattr("bench.stored.MEMORY_LIMIT", 0)
        mapped = cached.pool("test")
    assert (use.purpose, use.episodes, use.sha256) == ("a test", 7, "")
    assert len(pool.inputs) == 2
    np.testing.assert_array_equal(mapped.inputs, pool.inputs)
    with pytest.raises(BenchError, match=r"the test split is closed.*open_test\(purpose"):
        cached.pool("test")
    with pytest.raises(BenchError, match=r"test\.bin is closed"):
        (cached.folder / "test.bin").read_bytes()


def test_another_thread_does_not_profit_from_an_opening(empty_cache: Path) -> None:
    path = opened(Listed()).folder / "test.bin"
    seen: list[object] = []

    def peek() -> None:
        try:
            seen.append(path.read_bytes())
        except BenchError as error:
            seen.append(error)

    with open_test("a test", 1):
        thread = Thread(target=peek)
        thread.start()
        thread.join()
        assert path.read_bytes()
    assert isinstance(seen[0], BenchError)


def test_a_plugin_cannot_open_the_test_data_as_the_harness_does() -> None:
    with (
        pytest.raises(RunFailed, match="nosy tried to open the test data while training"),
        plugin_code("nosy", "training", ""),
        firewall.open_test("a trick", 1),
    ):
        raise AssertionError


def test_a_plugin_that_runs_within_an_opening_does_not_profit_from_it(empty_cache: Path) -> None:
    cached = opened(Listed())
    with open_test("an audit", 1):
        for attempt in (lambda: cached.pool("test"), (cached.folder / "test.bin").read_bytes):
            with (
                pytest.raises(RunFailed, match="nosy tried to open"),
                plugin_code("nosy", "adapting", ""),
            ):
                attempt()
        assert len(cached.pool("test").inputs) == 2


def test_an_attempt_that_the_plugin_hides_fails_it_all_the_same(empty_cache: Path) -> None:
    path = opened(Listed()).folder / "test.bin"
    with (
        pytest.raises(RunFailed, match=r"nosy tried to open test\.bin while settling"),
        plugin_code("nosy", "settling", ""),
        suppress(Exception),
    ):
        path.read_bytes()


class Nosy(Algorithm):
    """Answers with the first class; reaches for the test data where it is told to."""

    name = "nosy"
    where = ""
    training_plan = TrainingPlan(steps=2)
    data: CachedDataset
    attempt: Callable[[CachedDataset], object]

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec)
        self.network = spec.backbone()

    def _at(self, place: str) -> None:
        if place == self.where:
            type(self).attempt(self.data)

    def adapt(self, support: Examples) -> Predictor:
        self._at("adapt in training" if self.training else "adapt")
        return lambda inputs: self.network(inputs)[:, : support.n_way]

    def loss(self, episode: Episode) -> Tensor:
        self._at("loss")
        return super().loss(episode)

    def settle(self, episodes: Iterator[Episode]) -> None:
        self._at("settle")


def nosy_job(where: str, attempt: Callable[[CachedDataset], object], out: Path) -> Job:
    config = replace(SMALL, out=str(out))
    job = prepare(config, load_registry(), lambda done, total: None)
    cls = type("Spy", (Nosy,), {"where": where, "attempt": staticmethod(attempt), "data": job.data})
    return replace(job, algorithm=cls, parameters={})


def of_file(way: str) -> Callable[[CachedDataset], object]:
    return lambda data: WAYS[way](data.folder / "test.bin")


def through_the_harness(data: CachedDataset) -> object:
    return data.pool("test")


def secretly(data: CachedDataset) -> None:
    with suppress(Exception):
        data.pool("test")


@pytest.mark.parametrize(
    ("where", "attempt", "doing"),
    [
        ("loss", of_file("numpy.fromfile"), "training, at step 1"),
        ("loss", of_file("numpy.memmap"), "training, at step 1"),
        ("loss", of_file("pathlib"), "training, at step 1"),
        ("loss", through_the_harness, "training, at step 1"),
        ("loss", secretly, "training, at step 1"),
        ("adapt in training", through_the_harness, "training, at step 1"),
        ("settle", of_file("os.open"), "settling"),
        ("settle", through_the_harness, "settling"),
        ("adapt", of_file("pathlib"), "adapting to test episode 0"),  # in validation
    ],
)
def test_a_plugin_that_reaches_for_the_test_data_in_training_fails_its_run(
    where: str, attempt: Callable[[CachedDataset], object], doing: str, tmp_path: Path
) -> None:
    job = nosy_job(where, attempt, tmp_path)
    with pytest.raises(RunFailed, match=f"nosy tried to open .* while {doing}; "):
        execute(job, Mode(), Watcher())
    record = read_run(job.folder)
    assert record.status == "failed"
    assert "nosy tried to open" in record.error
    assert record.test_uses == ()


def test_a_plugin_that_opens_the_file_while_it_is_tested_fails_and_the_use_is_counted(
    tmp_path: Path,
) -> None:
    job = nosy_job("adapt", of_file("pathlib"), tmp_path)
    untrained = replace(job, plan=replace(job.plan, steps=0))
    with pytest.raises(RunFailed, match=r"nosy tried to open test\.bin while adapting"):
        execute(untrained, Mode(), Watcher())
    assert [use.purpose for use in read_run(untrained.folder).test_uses] == ["test"]


def test_the_same_plugin_that_keeps_its_hands_off_is_run(tmp_path: Path) -> None:
    assert execute(nosy_job("", secretly, tmp_path), Mode(), Watcher()).status == "complete"


def small_job(out: Path) -> Job:
    config = replace(SMALL, algo="pixels", out=str(out))
    return prepare(config, load_registry(), lambda done, total: None)


def times_tested(record: RunRecord) -> list[TestUse]:
    """Returns the uses of the test data for testing; a run may have audited itself on it, too."""
    return [use for use in record.test_uses if use.purpose == "test"]


def test_a_run_records_that_it_used_the_test_data_once_and_on_which_episodes(
    tmp_path: Path,
) -> None:
    record = execute(small_job(tmp_path), Mode(), Watcher())
    (use,) = times_tested(record)
    assert (use.purpose, use.episodes) == ("test", 4)
    assert use.sha256 == record.protocol.sha256
    assert use.when >= record.started
    assert times_tested(execute(small_job(tmp_path), Mode(resume=True), Watcher())) == [use]


def test_a_run_that_is_redone_has_used_the_test_data_twice(tmp_path: Path) -> None:
    first = execute(small_job(tmp_path), Mode(), Watcher())
    second = execute(small_job(tmp_path), Mode(force=True), Watcher())
    assert second.test_uses[: len(first.test_uses)] == first.test_uses
    assert len(times_tested(second)) == 2


def test_an_evaluation_that_was_stopped_counts_as_a_use(tmp_path: Path) -> None:
    job = small_job(tmp_path)
    long = replace(job, config=replace(job.config, episodes=100))
    with pytest.raises(Interrupted):
        execute(long, Mode(), Watcher(stop=lambda: True))
    assert len(times_tested(read_run(long.folder))) == 1
    assert len(times_tested(execute(long, Mode(resume=True), Watcher()))) == 2
