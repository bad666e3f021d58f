"""What there is to learn from: the classes of train, those of val as well, or none at all."""

from __future__ import annotations

from bench.algorithm import Algorithm, TrainingPlan
from bench.config import TRAIN
from bench.dataset import Split
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.pool import joined_tables
from bench.protocols.choice import check_table
from bench.sources import Source
from bench.stored import CachedDataset


def can_train(data: CachedDataset) -> bool:
    """Tells whether there are classes to train on."""
    return "train" in data.record.splits


def base_classes(data: CachedDataset, train_on: str) -> int:
    """Returns the number of classes that are trained on; 0 if there are none.

    Raises:
        BenchError: the validation classes are wanted as well, and some of the two are missing.
    """
    splits = data.record.splits
    if train_on == TRAIN:
        return len(splits["train"].classes) if can_train(data) else 0
    wanted: dict[Split, str] = {"train": "to train on", "val": "for validation"}
    for split, what in wanted.items():
        if split not in splits:
            raise BenchError(
                f"--train-on is {train_on}, but {data.record.name} has no classes {what}; leave it "
                "out"
            )
    return sum(len(splits[split].classes) for split in wanted)


def check_tables(
    training: EpisodeProtocol, validation: EpisodeProtocol, data: CachedDataset, train_on: str
) -> None:
    """Raises BenchError unless there are classes enough for training and validation episodes.

    Splits that are not there are not missed. It reads no images.
    """
    if train_on != TRAIN:
        check_table(training, joined_tables(data.table("train"), data.table("val")))
        return
    if can_train(data):
        check_table(training, data.table("train"))
    if "val" in data.record.splits:
        check_table(validation, data.table("val"))


def check_trainable(algorithm: Algorithm, plan: TrainingPlan, source: Source, name: str) -> None:
    """Raises BenchError if an algorithm is to be trained on data that has no classes for it.

    `name` is what the data were asked for by. Whoever has nothing to learn, or is to take no
    steps, needs none.
    """
    learns = plan.steps and any(p.requires_grad for p in algorithm.parameters())
    if not learns or can_train(source.data):
        return
    own = "; or divide its classes: --set data.classes=disjoint" * ("classes" in source.parameters)
    raise BenchError(
        f"{name} has classes to test on but none to train on, and {algorithm.name} learns: train "
        f"it on others (--data OTHERS --test-data {name}), or use weights as they are (--steps 0 "
        f"with a --backbone that is pretrained){own}"
    )
