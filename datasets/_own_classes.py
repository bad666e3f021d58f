"""Classes of a user's own table: those large enough, and the split of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench import BenchError, DataFiles, Split, draw_split, read_split

ClassUse = Literal["disjoint", "fixed"]
NAMED = 20
"""Classes that were left out and are named in a remark; more are counted."""


@dataclass(frozen=True)
class OwnClasses:
    """The classes of a table at `origin`: by name the group of each of its items, or ''.

    `things` is what they are, such as texts; `given` the split of each class, if the table says.
    """

    origin: str
    things: str
    groups: Mapping[str, Sequence[str]]
    given: Mapping[str, Split] | None


@dataclass(frozen=True)
class Divided:
    """The split of each class that is kept, and what the user should know of it."""

    splits: dict[str, Split]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Division:
    """How classes are divided: which are too small, and where the splits come from."""

    use: ClassUse
    splits: str
    split_seed: int
    least: int

    def __post_init__(self) -> None:
        if self.least < 2:
            raise BenchError(f"least is {self.least}; it must be at least 2")

    def of(self, own: OwnClasses, files: DataFiles) -> Divided:
        """Returns the splits of the classes.

        Raises:
            BenchError: fewer than two classes are large enough, or the splits do not fit them.
        """
        kept = self.large_enough(own)
        small = [name for name in sorted(own.groups) if name not in kept]
        remarks = []
        if small:
            sizes = [f"{name} ({len(own.groups[name])})" for name in small[:NAMED]]
            more = f" and {len(small) - NAMED} more" if len(small) > NAMED else ""
            remarks.append(
                f"left out, with fewer than {self.least} {own.things}: {', '.join(sizes)}{more}"
            )
        return Divided(self._splits(own, files, kept, small, remarks), tuple(remarks))

    def large_enough(self, own: OwnClasses) -> list[str]:
        """Returns the names of the classes that are kept, sorted.

        Raises:
            BenchError: there are fewer than two.
        """
        kept = [name for name in sorted(own.groups) if self._is_enough(own.groups[name])]
        if len(own.groups) == 1:
            (name,) = own.groups
            raise BenchError(f"{own.origin} has one class, '{name}'; an episode takes two at least")
        if len(kept) < 2:
            largest = max(own.groups, key=lambda name: len(own.groups[name]))
            raise BenchError(
                f"fewer than 2 of the {len(own.groups)} classes of {own.origin} have {self.least} "
                f"{own.things} (the largest, '{largest}', has {len(own.groups[largest])}); give "
                "more, or lower --set data.least"
            )
        return kept

    def _is_enough(self, groups: Sequence[str]) -> bool:
        """Tells whether a class can have shots and queries: of one group it cannot."""
        return len(groups) >= self.least and (len(set(groups)) > 1 or not groups[0])

    def _splits(
        self,
        own: OwnClasses,
        files: DataFiles,
        kept: list[str],
        small: list[str],
        remarks: list[str],
    ) -> dict[str, Split]:
        if self.use == "fixed":
            return dict.fromkeys(kept, "test")
        if self.splits:
            path = files.given(self.splits)
            return _with_both(str(path), read_split(path, kept, small))
        if own.given is not None:
            return _with_both(own.origin, {name: own.given[name] for name in kept})
        drawn = draw_split(kept, self.split_seed)
        counts = Counter(drawn.values())
        remarks.append(
            f"no split was given; seed {self.split_seed} makes it {counts['train']} classes to "
            f"train, {counts['val']} to validate, {counts['test']} to test"
        )
        return drawn


def _with_both(origin: str, splits: dict[str, Split]) -> dict[str, Split]:
    """Returns a split that has classes to train and to test, or raises BenchError."""
    for split in ("train", "test"):
        if split not in splits.values():
            counts = Counter(splits.values())
            there = " and ".join(f"{count} to {name}" for name, count in counts.items())
            raise BenchError(
                f"{origin} has no classes to {split}, only {there}; draw another split over all "
                "classes, or, to train and test on the same classes, add --set data.classes=fixed"
            )
    return splits
