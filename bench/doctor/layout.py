"""The layout: which class and split the folders around an image say that it is of.

The rules are those of `--data folder:PATH`: folders around everything do not matter, folders called
like splits are splits, and all others, or the outermost `depth` of them, name the class.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bench.classsplit import SPLIT_NAMES
from bench.dataset import SPLITS, Split
from bench.doctor.finding import Affected, Finding, readable
from bench.doctor.inventory import FoundFile


@dataclass(frozen=True)
class Placed:
    """A file, its class, its split if it has one, and its group; no class if it is in none's
    folder."""

    file: FoundFile
    class_name: str
    split: Split | None
    group: str = ""

    @property
    def name(self) -> str:
        """The file's path as one can print it."""
        return readable(self.file.name)


@dataclass(frozen=True)
class Layout:
    """The files with their classes, and what is odd about their arrangement."""

    placed: tuple[Placed, ...]
    findings: tuple[Finding, ...]


def table_layout(files: Sequence[FoundFile]) -> Layout:
    """Returns the files as their table places them."""
    placed = tuple(Placed(one, one.class_name, one.split, one.group) for one in files)
    without = [one for one in placed if one.split is None]
    findings = list(_on_splits(placed))
    if without and len(without) < len(placed):
        cure = "fill in the column split, or leave it out"
        rows = tuple(Affected(one.name) for one in without)
        findings.append(Finding("no-split", "error", "rows without a split", cure, rows))
    return Layout(placed, tuple(findings))


def tree_layout(files: Sequence[FoundFile], depth: int = 0) -> Layout:
    """Returns the files as their folders place them; `depth` folders name a class, 0: all."""
    folders = {one.name: PurePosixPath(one.name).parts[:-1] for one in files}
    folders = _without_wrappers(folders)
    found = {parts[0] for parts in folders.values() if parts}
    divided = are_splits(folders.values())
    placed, inner = [], {}
    for one in files:
        parts, split = folders[one.name], None
        if divided:
            split = SPLIT_NAMES[parts[0].lower()] if parts else None
            parts = parts[1:]
        inner[one.name] = parts
        own = parts[: depth or None] if len(parts) >= max(1, depth) else ()
        class_name = unicodedata.normalize("NFC", readable("/".join(own)))
        placed.append(Placed(one, class_name, split if class_name else None))
    findings = [*_on_strays(placed, depth), *_on_splits(placed)]
    if not depth:
        findings += _on_nesting([inner[one.file.name] for one in placed if one.class_name])
    half = sorted(name for name in found if name.lower() in SPLIT_NAMES)
    if half and not divided and len(found) > 1:
        cure = "put all folders of classes into train, val or test, or none of them"
        named = tuple(Affected(readable(name)) for name in half)
        title = "folders called like splits beside others: they count as classes"
        findings.append(Finding("half-split", "error", title, cure, named))
    return Layout(tuple(placed), tuple(findings))


def are_splits(folders: Iterable[tuple[str, ...]]) -> bool:
    """Tells whether all outermost folders are called like splits, and have folders in them."""
    found = [parts for parts in folders if parts]
    called = all(parts[0].lower() in SPLIT_NAMES for parts in found)
    return called and any(len(parts) > 1 for parts in found)


def _without_wrappers(folders: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Returns the folders of each file without those that lie around everything."""
    while not are_splits(folders.values()):
        inside = [parts for parts in folders.values() if parts]
        if len({parts[0] for parts in inside}) != 1 or any(len(parts) == 1 for parts in inside):
            break
        folders = {name: parts[1:] for name, parts in folders.items()}
    return folders


def _on_strays(placed: Sequence[Placed], depth: int) -> Iterator[Finding]:
    strays = tuple(Affected(one.name) for one in placed if not one.class_name)
    if strays:
        all_of_them = len(strays) == len(placed)
        deep = f", {depth} folders deep" if depth > 1 else ""
        title = f"images in no class's folder{'' if all_of_them else ', left out'}"
        cure = f"put a class's images into a folder of its name{deep}; or list them in a table"
        yield Finding("stray", "error" if all_of_them else "warning", title, cure, strays)


def _on_nesting(folders: Sequence[tuple[str, ...]]) -> Iterator[Finding]:
    """Yields a finding if folders with images have folders with images in them."""
    sizes = Counter(folders)
    outer = {inner[:cut] for inner in sizes for cut in range(1, len(inner)) if inner[:cut] in sizes}
    if outer:
        affected = tuple(
            Affected(readable("/".join(one)), f"{sizes[one]} of its own") for one in sorted(outer)
        )
        cure = (
            "say how many folders name a class, such as --set data.depth=1 (here --depth 1), or "
            "move the images down"
        )
        title = "folders with images and with folders of images"
        yield Finding("nested", "error", title, cure, affected)


def _on_splits(placed: Sequence[Placed]) -> Iterator[Finding]:
    """Yields what is odd about the splits, if there are any."""
    by_class: dict[str, dict[Split, int]] = {}
    for one in placed:
        if one.class_name and one.split:
            counts = by_class.setdefault(one.class_name, {})
            counts[one.split] = counts.get(one.split, 0) + 1
    if not by_class:
        return
    shared = tuple(
        Affected(name, ", ".join(f"{counts[s]} in {s}" for s in SPLITS if s in counts))
        for name, counts in sorted(by_class.items())
        if len(counts) > 1
    )
    if shared:
        cure = (
            "few-shot learning tests on classes that training has not seen: give each class to one "
            "split; to train and test on the same classes, add --set data.classes=fixed"
        )
        yield Finding("shared-class", "error", "classes in several splits", cure, shared)
        return
    there = {split for counts in by_class.values() for split in counts}
    lost = tuple(Affected(split) for split in ("train", "test") if split not in there)
    if lost:
        cure = "bench data split draws a split over all classes; or add --set data.classes=fixed"
        yield Finding("empty-split", "error", "splits without classes", cure, lost)
    if "val" not in there:
        cure = "without it the last weights are tested, not those that were best on new classes"
        none = (Affected("val"),)
        yield Finding("no-val", "note", "no classes for validation", cure, none)
