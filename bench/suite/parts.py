"""The parts of a suite: the common test, tolerance, trainings and their modes, and single tests.

Those of a file have its keys as their fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.parameters import Value


@dataclass(frozen=True)
class CommonTest:
    """The episodes that all rows share: queries per class, their number, and their seed."""

    queries: int = 15
    episodes: int = 1000
    episode_seed: int = 0


@dataclass(frozen=True)
class Tolerance:
    """How far a mean may be from a published number: the larger of both, fixed beforehand.

    `points` are of a hundred; `deviations` are standard deviations over training seeds.
    """

    points: float = 1.0
    deviations: float = 2.0


@dataclass(frozen=True)
class TestMode:
    """A way to ask trained weights: parameters of the test in place of the training's.

    `published` is a method of bench/published.toml that was tested in this mode; '' if none was.
    `name` tells modes of one training apart, such as `as published` and `each query alone`.
    """

    __test__ = False  # not a test class of pytest

    name: str = ""
    set: dict[str, Value] = field(default_factory=dict)
    published: str = ""


@dataclass(frozen=True)
class Training:
    """What is trained by one recipe: `sizes` from the size trained at to the sizes tested at.

    `why` explains misses and shortened trainings to the reader of the table.
    """

    recipe: str
    sizes: dict[str, tuple[str, ...]]
    seeds: tuple[int, ...] = (0,)
    steps: int | None = None
    modes: tuple[TestMode, ...] = (TestMode(),)
    own_test: bool | None = None
    why: str = ""


@dataclass(frozen=True)
class Suite:
    """A table as its file names it."""

    about: str
    data: str
    training: tuple[Training, ...]
    test: CommonTest = CommonTest()
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True)
class Test:
    """One row's test: weights trained at `trained` (a size) with `seed`, tested at `size`.

    `own` is the recipe's own test, else it is the one that all rows share. If `evaluated`, the
    weights are another run's, and the test is a run of its own by `bench evaluate`. Whose test is
    not `counted` only trains: the suite asks for the weights alone.
    """

    __test__ = False

    training: Training
    trained: str
    seed: int
    size: str
    mode: TestMode
    own: bool
    evaluated: bool
    counted: bool = True
