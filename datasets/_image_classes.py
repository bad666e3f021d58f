"""Classes of image files: which are large enough for episodes, and the split that they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench import BenchError, Split

from ._image_files import ImageFile, Layout, counted, first_of

NAMED = 20
"""Classes that were left out and are named in a remark; more are counted."""
USUAL_WAYS = 5


@dataclass(frozen=True)
class Selection:
    """The files of each class that is large enough, and the sizes of the others."""

    kept: dict[str, list[ImageFile]]
    small: dict[str, int]
    least: int
    grouped: bool

    @property
    def remarks(self) -> tuple[str, ...]:
        """A line that names the classes that are too small, if there are any."""
        if not self.small:
            return ()
        named = first_of([f"{name} ({count})" for name, count in self.small.items()], NAMED)
        least = f"{self.least} images" + (" of 2 groups" if self.grouped else "")
        classes = counted(len(self.small), "class", "classes")
        return (f"left out, as with fewer than {least}: {classes} ({named})",)


def select(layout: Layout, least: int) -> Selection:
    """Returns the classes that have `least` images, and of two groups if they have groups.

    Raises:
        BenchError: there are fewer than two.
    """
    found = layout.by_class()
    if len(found) == 1:
        raise BenchError(
            f"{layout.path} has one class, '{next(iter(found))}'; an episode takes two at least: "
            "name the folder that the folders of the classes are in"
        )
    kept = {
        name: images
        for name, images in found.items()
        if is_enough([image.group for image in images], least)
    }
    small = {name: len(images) for name, images in found.items() if name not in kept}
    grouped = any(image.group for image in layout.images)
    if len(kept) < 2:
        raise BenchError(_too_small(layout, small, least))
    return Selection(kept, small, least, grouped)


def is_enough(groups: Sequence[str], least: int) -> bool:
    """Tells whether images of these groups can be shots and queries: those of one group cannot.

    An image without a group is one of its own.
    """
    different = len(set(filter(None, groups))) + sum(not group for group in groups)
    return len(groups) >= least and different > 1


def _too_small(layout: Layout, small: dict[str, int], least: int) -> str:
    """Returns what to say if at most one class is large enough."""
    sizes = Counter(image.class_name for image in layout.images)
    (name, most), *_ = sizes.most_common(1)
    ranked = sorted(sizes.values(), reverse=True)
    if ranked[1] < 2:
        which = "all" if most < 2 else f"all but '{name}'"
        return (
            f"{which} of the {len(sizes)} classes of {layout.path} have 1 image; an episode takes "
            "two at least of each class, one to know and one to ask for"
        )
    if max(small.values()) >= least:
        return (
            f"fewer than 2 of the {len(sizes)} classes of {layout.path} have {least} images of 2 "
            "groups; an episode never knows some of a group and asks for others"
        )
    most_kept = max(2, ranked[: 2 * USUAL_WAYS][-1])
    return (
        f"fewer than 2 of the {len(sizes)} classes of {layout.path} have {least} images; the "
        f"largest, '{name}', has {most}: add --set data.least={most_kept}, and ask for no more "
        "--shots and --queries together"
    )


def with_both(origin: str, splits: dict[str, Split]) -> dict[str, Split]:
    """Returns a split that has classes to train and to test, or raises BenchError."""
    for split in ("train", "test"):
        if split not in splits.values():
            counts = Counter(splits.values())
            there = " and ".join(f"{count} in {name}" for name, count in counts.items())
            raise BenchError(
                f"{origin} has no classes in {split}, only {there}; draw a split over all classes "
                "(bench data split), or, to train and test on the same classes, add --set "
                "data.classes=fixed"
            )
    return splits


def on_drawn(splits: dict[str, Split], seed: int) -> str:
    """Returns a remark that the split was drawn."""
    counts = Counter(splits.values())
    return (
        f"no split was given; seed {seed} makes it {counts['train']} classes to train, "
        f"{counts['val']} to validate, {counts['test']} to test"
    )
