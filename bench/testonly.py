"""Data without a train split: classes to be tested on, and nothing to learn from beforehand."""

from __future__ import annotations

from bench.algorithm import Algorithm, TrainingPlan
from bench.config import TRAIN
from bench.errors import BenchError
from bench.sources import Source
from bench.stored import CachedDataset


def can_train(data: CachedDataset) -> bool:
    """Tells whether there are classes to train on."""
    return "train" in data.record.splits


def base_classes(data: CachedDataset, train_on: str) -> int:
    """Returns the number of classes that are trained on.

    Raises:
        BenchError: the validation classes are wanted, and there are none.
    """
    splits = data.record.splits
    if train_on != TRAIN and "val" not in splits:
        raise BenchError(
            f"--train-on is {train_on}, but {data.record.name} has no validation classes; leave it "
            "out"
        )
    own = len(splits["train"].classes)
    return own if train_on == TRAIN else own + len(splits["val"].classes)


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
