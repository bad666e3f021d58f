"""FC100 (Oreshkin, Rodríguez López, Lacoste 2018): CIFAR-100, split by superclass."""

from __future__ import annotations

from bench import Dataset, Split, hookimpl

from ._cifar100 import SUPERCLASSES, Cifar100

# The split of Oreshkin et al. 2018 as in torchmeta (github.com/tristandeleu/pytorch-meta,
# torchmeta/datasets/assets/cifar100/fc100), and in numbers in github.com/ElementAI/TADAM. All
# other superclasses are train.
VAL = "large_carnivores large_omnivores_and_herbivores non-insect_invertebrates small_mammals"
TEST = "aquatic_mammals insects medium_mammals people"


class Fc100(Cifar100):
    """Photos of 100 kinds of things at 32x32 in colour, 600 of each: CIFAR-100 by superclass.

    12 superclasses of 5 classes train, 4 validate, 4 test: 60, 20 and 20 classes, so that test
    classes are less like train classes than in cifar-fs. The group of a class is its superclass.
    """

    name = "fc100"
    paper = "Oreshkin et al. 2018, arXiv:1805.10123; images: Krizhevsky 2009"

    def splits(self) -> dict[Split, tuple[str, ...]]:
        test, val = TEST.split(), VAL.split()
        rest = [name for name in SUPERCLASSES if name not in (*test, *val)]
        return {"test": _below(test), "val": _below(val), "train": _below(rest)}


def _below(superclasses: list[str]) -> tuple[str, ...]:
    return tuple(name for above in superclasses for name in SUPERCLASSES[above])


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Fc100]
