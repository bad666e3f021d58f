"""Classes: too few, too small, unequal, or with names that are one name to the eye."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bench.doctor.examination import Sound
from bench.doctor.finding import Affected, Finding, images_in_words

LEAST = 6
"""Images of a class that `--data folder:PATH` takes unless told otherwise: 1 shot, 5 queries."""
UNEQUAL = 10
"""Times that the largest class may be larger than the smallest before it is worth a note."""
USUAL_WAYS = 5
DIVISIBLE = 4
"""Classes that can be divided into train and test: two each."""


def on_classes(images: Sequence[Sound], least: int) -> Iterator[Finding]:
    """Yields findings on the number, the sizes and the names of classes."""
    sizes = Counter(one.placed.class_name for one in images)
    kept = {name: size for name, size in sizes.items() if size >= least}
    yield from _on_number(images, kept)
    yield from _on_small(sizes, least)
    if kept and max(kept.values()) > UNEQUAL * min(kept.values()):
        smallest, largest = min(kept, key=kept.__getitem__), max(kept, key=kept.__getitem__)
        affected = tuple(
            Affected(name, images_in_words(kept[name])) for name in (smallest, largest)
        )
        cure = (
            "episodes take as many of each class, so this does no harm; whole-class training "
            "(baseline, simpleshot) sees the large ones more often"
        )
        yield Finding("unequal", "note", "classes of very unequal size", cure, affected)
    yield from _on_names(sizes)


def _on_number(images: Sequence[Sound], kept: Mapping[str, int]) -> Iterator[Finding]:
    splits: dict[str, set[str]] = defaultdict(set)
    for one in images:
        if one.placed.class_name in kept:
            splits[one.placed.split or "all"].add(one.placed.class_name)
    if len(kept) < DIVISIBLE:
        names = tuple(Affected(name, images_in_words(size)) for name, size in sorted(kept.items()))
        some = "add classes; " if len(kept) < 2 else "add classes, or --set data.classes=fixed; "
        cure = f"{some}the folder to name is that in which the folders of the classes are"
        title = "too few classes that have enough images"
        if images and not kept:
            cure = f"add images to the classes, or set data.least lower; {cure.partition('; ')[2]}"
        yield Finding("few-classes", "error", title, cure, names or (Affected("none"),))
        return
    few = tuple(
        Affected(split, f"{len(names)} classes")
        for split, names in sorted(splits.items())
        if len(names) < USUAL_WAYS
    )
    if few:
        cure = (
            f"episodes of {USUAL_WAYS} ways cannot be drawn; give a smaller --ways, or more classes"
        )
        title = f"splits with fewer than {USUAL_WAYS} classes"
        yield Finding("few-ways", "warning", title, cure, few)


def _on_small(sizes: Mapping[str, int], least: int) -> Iterator[Finding]:
    small = tuple(
        Affected(name, images_in_words(size))
        for name, size in sorted(sizes.items(), key=lambda item: (item[1], item[0]))
        if size < least
    )
    if small:
        cure = (
            f"they are left out: 1 shot and {LEAST - 1} queries take {LEAST}; add images, or ask "
            "for less, such as --queries 2 --set data.least=3"
        )
        title = f"classes with fewer than {least} images"
        yield Finding("small-class", "warning", title, cure, small)


def _on_names(names: Mapping[str, int]) -> Iterator[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        alike[_plain(name)].append(name)
    doubles = [found for found in alike.values() if len(found) > 1]
    affected = tuple(
        Affected(name, images_in_words(names[name]), number)
        for number, found in enumerate(doubles, 1)
        for name in found
    )
    if affected:
        cure = "if they are one class, put its images into one folder"
        title = "classes whose names differ by capitals, spaces or accents' encoding only"
        yield Finding("class-names", "warning", title, cure, affected)


def _plain(name: str) -> str:
    """Returns a name without what one may overlook in it."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in text if c.isalnum() or c == "/") or text
