"""CIFAR-FS (Bertinetto, Henriques, Torr, Vedaldi 2019): CIFAR-100, its classes split at random."""

from __future__ import annotations

from bench import Dataset, Split, hookimpl

from ._cifar100 import CLASSES, Cifar100

# The split of Bertinetto et al. 2019 as in torchmeta (github.com/tristandeleu/pytorch-meta,
# torchmeta/datasets/assets/cifar100/cifar-fs). All other classes are train.
VAL = (
    "beaver beetle butterfly camel cattle crab crocodile flatfish lamp maple_tree motorcycle otter "
    "sea shark television tractor"
)
TEST = (
    "baby bed bicycle chimpanzee fox leopard man pickup_truck plain poppy rocket rose snail "
    "sweet_pepper table telephone wardrobe whale woman worm"
)


class CifarFs(Cifar100):
    """Photos of 100 kinds of things at 32x32 in colour, 600 of each: CIFAR-100, split at random.

    64 classes train, 16 validate, 20 test. The group of a class is its superclass; classes of one
    superclass are in several splits.
    """

    name = "cifar-fs"
    paper = "Bertinetto et al. 2019, arXiv:1805.08136; images: Krizhevsky 2009"

    def splits(self) -> dict[Split, tuple[str, ...]]:
        test, val = tuple(TEST.split()), tuple(VAL.split())
        rest = tuple(name for name in CLASSES if name not in (*test, *val))
        return {"test": test, "val": val, "train": rest}


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [CifarFs]
