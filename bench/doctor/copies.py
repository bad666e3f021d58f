"""Copies: images that are the same, byte for byte or pixel for pixel, or nearly the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.doctor.examination import Sound
from bench.doctor.finding import Affected, Finding, Severity
from bench.doctor.likeness import alike


@dataclass(frozen=True)
class Groups:
    """The number of the group of each image (k,): those that are the same, or nearly, share one."""

    numbers: NDArray[np.int64]

    @classmethod
    def by_links(cls, count: int, first: Sequence[int], second: Sequence[int]) -> Groups:
        """Returns the groups of `count` images that these pairs tie together."""
        ties = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
        return cls(connected_components(ties, directed=False)[1].astype(np.int64))

    @classmethod
    def by_keys(cls, keys: Iterable[object]) -> Groups:
        """Returns the groups of images with equal keys."""
        numbers: dict[object, int] = {}
        return cls(np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64))

    def shared(self) -> list[list[int]]:
        """Returns the members of each group of two or more."""
        members = defaultdict(list)
        for place, number in enumerate(self.numbers.tolist()):
            members[number].append(place)
        return [found for found in members.values() if len(found) > 1]


def near_groups(images: Sequence[Sound], least: float) -> Groups:
    """Returns the groups of images that are the same or nearly so, each tied to another of it."""
    pairs = alike(np.stack([one.look.sketch for one in images]), least)
    same = Groups.by_keys(one.look.pixels for one in images).shared()
    first = [*pairs.first.tolist(), *(members[0] for members in same for _ in members[1:])]
    second = [*pairs.second.tolist(), *(one for members in same for one in members[1:])]
    return Groups.by_links(len(images), first, second)


@dataclass(frozen=True)
class _Reach:
    """How far apart the members of a group stand: what to call it, how bad it is, what to do."""

    kind: str
    where: str
    same: Severity
    cure: str
    near_cure: str


_GROUP = "make the table with --group-csv FILE and use it: --data folder:FILE"
_REACHES = (
    _Reach(
        "across-splits",
        "in several splits",
        "error",
        "keep one of each: a test image that training has seen tells nothing",
        "look at them; keep those of one scene in one split",
    ),
    _Reach(
        "across-classes",
        "in several classes",
        "error",
        "decide which class each is of, and delete the others: no method can get both right",
        "look at them: if they show one thing, one label is wrong; if only the scene is one, "
        f"methods may learn the scene: {_GROUP}",
    ),
    _Reach(
        "within",
        "within a class",
        "warning",
        f"delete all but one, or never have both in one episode: {_GROUP}",
        f"an episode that knows one and asks for the other is too easy: {_GROUP}",
    ),
)


def on_copies(images: Sequence[Sound]) -> Iterator[Finding]:
    """Yields findings on images that are the same, by their bytes or their pixels."""
    groups = Groups.by_keys(one.look.pixels for one in images).shared()
    for reach, members in _by_reach(images, groups).items():
        affected = _affected(images, members, _sameness)
        title = f"the same image {reach.where}"
        yield Finding(f"copy-{reach.kind}", reach.same, title, reach.cure, affected)


def on_lookalikes(images: Sequence[Sound], near: Groups) -> Iterator[Finding]:
    """Yields findings on images that are nearly the same, one of each exact copy left out."""
    firsts: dict[tuple[int, str], int] = {}
    for place, one in enumerate(images):
        firsts.setdefault((int(near.numbers[place]), one.look.pixels.hex()), place)
    members: dict[int, list[int]] = defaultdict(list)
    for (number, _), place in firsts.items():
        members[number].append(place)
    groups = [found for found in members.values() if len(found) > 1]
    for reach, kept in _by_reach(images, groups).items():
        affected = _affected(images, kept, lambda _, __: "")
        title = f"nearly the same image {reach.where}"
        yield Finding(f"near-{reach.kind}", "warning", title, reach.near_cure, affected)


def _by_reach(
    images: Sequence[Sound], groups: Sequence[list[int]]
) -> dict[_Reach, list[list[int]]]:
    """Returns the groups by how far they reach; each counts once, as the furthest."""
    found: dict[_Reach, list[list[int]]] = {}
    for members in groups:
        splits = {images[place].placed.split for place in members}
        classes = {images[place].placed.class_name for place in members}
        reach = _REACHES[0 if len(splits) > 1 else 1 if len(classes) > 1 else 2]
        found.setdefault(reach, []).append(members)
    return {reach: found[reach] for reach in _REACHES if reach in found}


def _affected(
    images: Sequence[Sound], groups: Sequence[list[int]], detail: Callable[[Sound, Sound], str]
) -> tuple[Affected, ...]:
    """Returns the members of the groups, in each first one of every split and class."""
    return tuple(
        Affected(one.name, detail(members[0], one), number)
        for number, places in enumerate(groups, 1)
        for members in [_varied([images[place] for place in places])]
        for one in members
    )


def _varied(images: Sequence[Sound]) -> list[Sound]:
    """Returns the images, those first that are the first of their split and class."""
    seen: set[tuple[object, str]] = set()
    ranked = []
    for one in images:
        home = (one.placed.split, one.placed.class_name)
        ranked.append(home in seen)
        seen.add(home)
    return [one for _, one in sorted(zip(ranked, images, strict=True), key=lambda item: item[0])]


def _sameness(one: Sound, other: Sound) -> str:
    if one is other:
        return ""
    return "the same file" if one.look.content == other.look.content else "the same pixels"
