"""Class tables: what samplers know of a split, which is everything but its images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError


@dataclass(frozen=True)
class ClassTable:
    """The classes of a split: names, rows `offsets[c]` to `offsets[c + 1]`, and groups, if any.

    `groups` are those of classes, such as alphabets; `input_groups` those of inputs, such as the
    object they show: inputs of one such group never stand in support and query of one episode.

    Shapes: offsets (classes + 1,), input_groups (rows,).
    """

    split: str
    classes: tuple[str, ...]
    offsets: NDArray[np.int64]
    groups: tuple[str, ...] | None = None
    input_groups: NDArray[np.int64] | None = None

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """The number of images of each class, (classes,)."""
        return np.diff(self.offsets)

    @cached_property
    def starts(self) -> list[int]:
        """The first row of each class."""
        found: list[int] = self.offsets[:-1].tolist()
        return found

    @cached_property
    def is_grouped(self) -> bool:
        """Whether some inputs are of one group."""
        known = self.input_groups
        return known is not None and len(np.unique(known)) < len(known)

    def members(self, least: int) -> list[list[int]]:
        """Returns the classes of each group that has at least `least` of them.

        Groups come in the order in which their first classes stand.

        Raises:
            BenchError: classes have no groups, or none is large enough.
        """
        if self.groups is None:
            raise BenchError(
                f"classes of the {self.split} split have no groups, such as alphabets, so no "
                "episode can be drawn within one; a dataset names them in its method `group`"
            )
        by_group: dict[str, list[int]] = {}
        for number, group in enumerate(self.groups):
            by_group.setdefault(group, []).append(number)
        kept = [numbers for numbers in by_group.values() if len(numbers) >= least]
        if not kept:
            name, largest = max(by_group.items(), key=lambda item: len(item[1]))
            raise BenchError(
                f"no group of the {self.split} split has {least} classes; the largest, '{name}', "
                f"has {len(largest)}"
            )
        return kept

    def of(self, numbers: list[int]) -> ClassTable:
        """Returns the classes of these numbers alone, their rows closed up: to be checked only."""
        sizes = self.sizes[numbers]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        return ClassTable(self.split, tuple(self.classes[n] for n in numbers), offsets)
