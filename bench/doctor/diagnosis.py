"""The diagnosis: all that is found about a folder, zip or table of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.dataset import SPLITS
from bench.doctor.ailments import on_ailments, on_endings
from bench.doctor.classes import LEAST, on_classes
from bench.doctor.copies import Groups, near_groups, on_copies, on_lookalikes
from bench.doctor.examination import Sound, examined
from bench.doctor.filenames import on_names
from bench.doctor.finding import SEVERITIES, Finding
from bench.doctor.inventory import Inventory, take_inventory
from bench.doctor.layout import table_layout, tree_layout
from bench.doctor.likeness import ALIKE
from bench.doctor.looks import on_looks
from bench.doctor.strays import sort_out
from bench.errors import BenchError


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, what was found, and which images are nearly the same.

    `images` are those that can be decoded and have a class, `near` their groups.
    """

    inventory: Inventory
    images: tuple[Sound, ...]
    near: Groups
    findings: tuple[Finding, ...]

    @property
    def path(self) -> Path:
        """The folder, zip or table."""
        return self.inventory.path

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len({one.placed.class_name for one in self.images})

    @property
    def has_errors(self) -> bool:
        """Whether a run would refuse the data, or its numbers would be wrong."""
        return any(one.severity == "error" for one in self.findings)

    @property
    def splits(self) -> dict[str, int]:
        """How many images each split has; empty if there are no splits."""
        counts = Counter(one.placed.split for one in self.images)
        return {split: counts[split] for split in SPLITS if split in counts}


def diagnose(
    path: Path,
    progress: Callable[[int, int], None],
    *,
    least: int = LEAST,
    depth: int = 0,
    likeness: float = ALIKE,
) -> Diagnosis:
    """Looks through a folder, zip or table of images.

    Args:
        path: the folder, zip or table.
        progress: called with the number of images read, and how many there are.
        least: images that a class needs.
        depth: folders that name a class; 0 for all.
        likeness: correlation from which two images are nearly the same.

    Raises:
        BenchError: there is nothing there, or no image in it.
    """
    inventory = take_inventory(path)
    sorted_out = sort_out(inventory.files)
    if not sorted_out.images:
        raise BenchError(
            f"{path} has no images among {len(inventory.files)} files; name a folder with a folder "
            "for each class, a zip of it, or a table with the columns path and class"
        )
    place = table_layout if inventory.is_table else partial(tree_layout, depth=depth)
    layout = place(sorted_out.images)
    every = tuple(examined(layout.placed, progress))
    images = tuple(
        Sound(one.placed, one.look) for one in every if one.look and one.placed.class_name
    )
    near = near_groups(images, likeness) if images else Groups.by_keys(())
    found = [
        *inventory.findings,
        *layout.findings,
        *sorted_out.findings,
        *on_ailments(every),
        *_on_images(images, near, least),
        *on_names([one.name for one in inventory.files]),
    ]
    ranked = sorted(found, key=lambda one: SEVERITIES.index(one.severity))
    return Diagnosis(inventory, images, near, tuple(ranked))


def _on_images(images: Sequence[Sound], near: Groups, least: int) -> Iterator[Finding]:
    yield from on_classes(images, least)
    if images:
        yield from on_copies(images)
        yield from on_lookalikes(images, near)
        yield from on_endings(images)
        yield from on_looks(images)
