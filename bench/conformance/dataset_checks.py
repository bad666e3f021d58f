"""Checks of a dataset, beside those that the harness makes whenever it builds a cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from bench.cache import open_dataset
from bench.conformance.check import Check, Failed, NotApplicable
from bench.dataset import SPLITS, DataFiles, Dataset
from bench.firewall import open_test
from bench.inventory import files_of
from bench.job import data_root
from bench.parameters import Value, parameters_of
from bench.pool import EpisodeStream


@dataclass(frozen=True)
class DatasetSubject:
    """A dataset with its parameters."""

    dataset: type[Dataset]
    parameters: Mapping[str, Value]

    @property
    def label(self) -> str:
        """The kind of task."""
        return self.dataset.task

    @cached_property
    def files(self) -> DataFiles:
        """Where its files are; nothing is downloaded."""
        return DataFiles(data_root(os.environ.get("BENCH_DATA_ROOT")), download=False)

    def build(self) -> Dataset:
        """Returns the dataset."""
        return self.dataset(**self.parameters)

    def check_there(self) -> None:
        """Raises NotApplicable if the dataset's files are not on this machine."""
        made = self.build()
        if made.downloads() and files_of(made, self.files.root).state == "absent":
            raise NotApplicable(f"its files are not here; bench data fetch {made.name}")


def described(subject: DatasetSubject) -> str:
    """Looks at docstring and parameters."""
    if not subject.dataset.__doc__:
        raise Failed("a docstring that says what it is", "none", "write one below the class")
    missing = [p.name for p in parameters_of(subject.dataset) if not p.meaning]
    if missing:
        raise Failed(
            "a line on every parameter under `Args:` in the class's docstring",
            f"none on {', '.join(missing)}",
            "write `name: what it sets.`; bench info shows it",
        )
    return f"licence: {subject.dataset.licence or 'not named'}"


def same_again(subject: DatasetSubject) -> str:
    """Reads all classes twice."""
    subject.check_there()
    one, other = (_digest(subject) for _ in range(2))
    if one != other:
        raise Failed(
            "the same classes and inputs each time classes() is read",
            "others the second time",
            "draw from np.random.default_rng(seed) made in classes(); list files in sorted order",
        )
    count, said = one.count, subject.build().class_count()
    if said is not None and said != count:
        raise Failed(
            f"{count} as class_count(), as classes() yields so many",
            str(said),
            "return their number, or None if it is not known before",
        )
    return f"{count} classes"


@dataclass(frozen=True)
class _Digest:
    sha256: str
    count: int


def _digest(subject: DatasetSubject) -> _Digest:
    digest, count = hashlib.sha256(), 0
    for one in subject.build().classes(subject.files):
        digest.update(f"{one.name}\n{one.split}\n{one.inputs.dtype}{one.inputs.shape}\n".encode())
        digest.update(one.inputs.tobytes())
        digest.update(b"" if one.targets is None else one.targets.tobytes())
        count += 1
    return _Digest(digest.hexdigest(), count)


def episodes(subject: DatasetSubject) -> str:
    """Opens the dataset as a run does, through the cache, and draws episodes of every split."""
    subject.check_there()
    protocol = subject.dataset.protocol
    data = open_dataset(subject.build(), subject.parameters, subject.files, lambda *_: None)
    there = [split for split in SPLITS if split in data.record.splits]
    missing = [split for split in SPLITS if split not in there]
    if missing and there != ["test"]:
        raise Failed(
            "classes in each of the splits train, val and test, or in test alone",
            f"none in {' and '.join(missing)}",
            "give some classes that split",
        )
    with open_test("check", 1):
        for split in there:
            EpisodeStream(data.pool(split), protocol, 0, torch.device("cpu")).episodes(0, 1)
    where = " in every split" if not missing else "; it is for testing alone"
    return f"{protocol.id} episodes{where}"


CHECKS = (
    Check("described", "docstring and parameters are in order", described, needs=()),
    Check("same-again", "classes come out the same each time", same_again, needs=()),
    Check("episodes", "every split gives episodes of its protocol", episodes,
          needs=("same-again",)),
)  # fmt: skip
