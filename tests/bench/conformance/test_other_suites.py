"""The checks of backbones and of datasets: each catches what it is for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.backbones import Backbone, Embedding, Norm
from bench.conformance import backbone_checks, dataset_checks
from bench.conformance.backbone_checks import BackboneSubject
from bench.conformance.dataset_checks import DatasetSubject
from bench.conformance.suite import Case, cases, run
from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.registry import Registry


class Net(Embedding):
    """A layer and batch norm."""

    out_features = 6

    def __init__(self, input_shape: tuple[int, ...], norm: Norm) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 6)
        self.norm = nn.BatchNorm1d(6, track_running_stats=norm == "running")

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.norm(self.layer(inputs))
        return features


class Narrow(Net):
    """Says that it gives more than it does."""

    out_features = 7


class WrongMap(Net):
    """Says that its features are a map of another size."""

    map_shape = (2, 2, 2)


class Centred(Net):
    """Takes away the mean of the batch."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs - inputs.mean(0))


class Unused(Net):
    """Has a layer that it does not use."""

    def __init__(self, input_shape: tuple[int, ...], norm: Norm) -> None:
        super().__init__(input_shape, norm)
        self.spare = nn.Linear(2, 2)


class Forgets(Net):
    """Scales by what is in no state_dict."""

    def __init__(self, input_shape: tuple[int, ...], norm: Norm) -> None:
        super().__init__(input_shape, norm)
        self.scale = torch.rand(())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.scale * super().forward(inputs)


@pytest.mark.parametrize(
    ("network", "caught"),
    [
        (Net, set()),
        (Narrow, {"features"}),
        (WrongMap, {"features"}),
        (Centred, {"alone"}),
        (Unused, {"gradients"}),
        (Forgets, {"checkpoint"}),
    ],
)
def test_a_backbone_is_caught_by_the_right_check(
    network: Callable[[tuple[int, ...], Norm], Embedding], caught: set[str]
) -> None:
    subject = BackboneSubject(Backbone("net", "", "anything", network), (2,))
    findings = list(run([Case(check, subject) for check in backbone_checks.CHECKS]))
    assert {finding.check for finding in findings if finding.status == "failed"} == caught
    assert len(findings) == 4


class Points(Dataset):
    """Points around centres.

    Args:
        spread: how far from the centre.
    """

    name = "points"
    splits: Any = ("train", "val", "test")

    def __init__(self, *, spread: float = 0.1) -> None:
        self.spread = spread

    def generator(self) -> np.random.Generator:
        return np.random.default_rng(0)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = self.generator()
        for number in range(18):
            inputs = rng.normal(number, self.spread, (20, 2)).astype(np.float32)
            split = self.splits[number % len(self.splits)]
            yield ClassExamples(f"{number:02d}", split, inputs)


class Undescribed(Points):
    def __init__(self, *, spread: float = 0.1) -> None:
        super().__init__(spread=spread)


class Changing(Points):
    """Draws other points each time."""

    def generator(self) -> np.random.Generator:
        return np.random.default_rng()


class Miscounted(Points):
    """Says that it has more classes than it has."""

    def class_count(self) -> int:
        return 20


class NoValidation(Points):
    """Has no classes to validate on."""

    splits = ("train", "test")


class TooFew(Points):
    """Has too few classes for its episodes in each split."""

    splits = ("train", "train", "train", "train", "train", "val", "val", "test", "test")


@pytest.mark.parametrize(
    ("dataset", "caught"),
    [
        (Points, set()),
        (Undescribed, {"described"}),
        (Changing, {"same-again"}),
        (Miscounted, {"same-again"}),
        (NoValidation, {"episodes"}),
        (TooFew, {"episodes"}),
    ],
)
def test_a_dataset_is_caught_by_the_right_check(
    dataset: type[Dataset], caught: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    subject = DatasetSubject(dataset, {"spread": 0.1})
    findings = list(run([Case(check, subject) for check in dataset_checks.CHECKS]))
    assert {finding.check for finding in findings if finding.status == "failed"} == caught


def test_a_dataset_whose_files_are_not_here_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.setenv("BENCH_DATA_ROOT", str(tmp_path))
    found = list(run(cases(registry, "cub")))
    assert [finding.status for finding in found] == ["passed", "skipped", "skipped"]
    assert "bench data fetch cub" in found[1].note + found[1].saw
