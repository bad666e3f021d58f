"""Classes of a user's own data: those large enough, and the split of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench import BenchError, DataFiles, Split, draw_split, read_split

ClassUse = Literal["disjoint", "fixed"]
NAMED = 20
"""Classes that were left out and are named in a remark; more are counted."""
USUAL_WAYS = 5


@dataclass(frozen=True)
class OwnClasses:
    """The classes of what is at `origin`: by name the group of each of its items, or ''.

    `things` is what they are, such as texts; `given` the split of each class, if it says.
    """

    origin: str
    things: str
    groups: Mapping[str, Sequence[str]]
    given: Mapping[str, Split] | None

    @property
    def grouped(self) -> bool:
        """Whether items have groups."""
        return any(any(groups) for groups in self.groups.values())


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
        remarks = list(self.on_small(own))
        return Divided(self._splits(own, files, kept, small, remarks), tuple(remarks))

    def on_small(self, own: OwnClasses) -> tuple[str, ...]:
        """Returns a line that names the classes that are too small, if there are any."""
        small = [n for n in sorted(own.groups) if not self.is_enough(own.groups[n])]
        if not small:
            return ()
        sizes = [f"{name} ({len(own.groups[name])})" for name in small[:NAMED]]
        more = f" and {len(small) - NAMED} more" if len(small) > NAMED else ""
        return (f"left out, with fewer than {self._least_of(own)}: {', '.join(sizes)}{more}",)

    def large_enough(self, own: OwnClasses) -> list[str]:
        """Returns the names of the classes that are kept, sorted.

        Raises:
            BenchError: there are fewer than two.
        """
        kept = [name for name in sorted(own.groups) if self.is_enough(own.groups[name])]
        if len(own.groups) == 1:
            (name,) = own.groups
            raise BenchError(f"{own.origin} has one class, '{name}'; an episode takes two at least")
        if len(kept) < 2:
            raise BenchError(
                f"fewer than 2 of the {len(own.groups)} classes of {own.origin} have "
                f"{self._least_of(own)}; {self._way_out(own)}"
            )
        return kept

    def is_enough(self, groups: Sequence[str]) -> bool:
        """Tells whether items of these groups can be shots and queries: those of one cannot.

        An item without a group is one of its own.
        """
        different = len(set(filter(None, groups))) + sum(not group for group in groups)
        return len(groups) >= self.least and different > 1

    def _least_of(self, own: OwnClasses) -> str:
        return f"{self.least} {own.things}" + (" of 2 groups" if own.grouped else "")

    def _way_out(self, own: OwnClasses) -> str:
        """Returns what to say if at most one class is large enough."""
        name = max(own.groups, key=lambda name: len(own.groups[name]))
        sizes = sorted(map(len, own.groups.values()), reverse=True)
        if sizes[1] < 2:
            return "an episode takes two at least of each class, one to know and one to ask for"
        if sizes[1] >= self.least:
            return "an episode never knows some of a group and asks for others"
        least = max(2, sizes[: 2 * USUAL_WAYS][-1])
        return (
            f"the largest, '{name}', has {sizes[0]}: add --set data.least={least}, and ask for no "
            "more --shots and --queries together"
        )

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
                f"{origin} has no classes to {split}, only {there}; draw a split over all classes "
                "(bench data split), or, to train and test on the same classes, add --set "
                "data.classes=fixed"
            )
    return splits
