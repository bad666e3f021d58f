"""Looks: sizes, proportions, colours and depths, where images of one set differ in them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from bench.doctor.examination import Sound
from bench.doctor.finding import Affected, Finding, images_in_words

SIDE = 84
"""The side of `--data folder:PATH`'s inputs unless told otherwise."""
STRETCHED = 1.5
"""Times that the widest image may be wider than the narrowest, relative to height."""
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_CLEAR = ("RGBA", "LA", "PA", "RGBa", "La")
_Tell = Callable[[Sound], str]


def on_looks(images: Sequence[Sound]) -> Iterator[Finding]:
    """Yields findings on images that look unlike the others."""
    yield from _on_sizes(images)
    yield from _on_colours(images)
    for kind, title, cure, tell in (
        ("alpha", "images with transparency", "white shows through", _transparency),
        ("deep", "images of more than 8 bits", "they are scaled down to 8", _depth),
        ("cmyk", "images made for print", "they are converted, which shifts colours", _print),
        ("animation", "animations", "the first frame is taken; save others as images", _frames),
        ("turned", "images turned by their EXIF data", "bench turns them upright", _turned),
    ):
        affected = tuple(Affected(one.name, told) for one in images if (told := tell(one)))
        if affected:
            yield Finding(kind, "note", title, cure, affected)


def _on_sizes(images: Sequence[Sound]) -> Iterator[Finding]:
    sizes = Counter((one.look.width, one.look.height) for one in images)
    if len(sizes) > 1:
        common = sizes.most_common()
        counts = tuple(Affected(f"{w}x{h}", images_in_words(n)) for (w, h), n in common)
        cure = f"all become {SIDE}x{SIDE} (--set data.side=N for another)"
        yield Finding("sizes", "note", "sizes that differ", cure, counts)
    ratios = [(width / height, one.name) for one in images for width, height in [_size(one)]]
    (narrow, first), (wide, last) = min(ratios), max(ratios)
    if wide > STRETCHED * narrow:
        ends = (Affected(first, f"width:height {narrow:.2f}"), Affected(last, f"{wide:.2f}"))
        cure = "all are stretched to a square; --set data.fit=crop or =pad keeps proportions"
        yield Finding("proportions", "note", "proportions that differ", cure, ends)
    small = tuple(
        Affected(one.name, f"{width}x{height}")
        for one in images
        for width, height in [_size(one)]
        if min(width, height) < SIDE
    )
    if small:
        cure = "they are enlarged, which adds nothing; a smaller --set data.side is faster"
        title = f"images smaller than {SIDE} pixels"
        yield Finding("small-image", "note", title, cure, small)


def _size(one: Sound) -> tuple[int, int]:
    return one.look.width, one.look.height


def _on_colours(images: Sequence[Sound]) -> Iterator[Finding]:
    """Yields a finding if some images are grey: a worse one if that tells classes apart."""
    grey = [one for one in images if one.look.is_grey]
    if not grey:
        return
    if len(grey) == len(images):
        cure = "--set data.mode=grey gives them one channel, which is faster"
        every = (Affected("all", images_in_words(len(images))),)
        yield Finding("all-grey", "note", "images without colour", cure, every)
        return
    by_class: dict[str, list[bool]] = defaultdict(list)
    for one in images:
        by_class[one.placed.class_name].append(one.look.is_grey)
    wholly = tuple(
        Affected(name, f"all {images_in_words(len(flags))}")
        for name, flags in sorted(by_class.items())
        if all(flags)
    )
    if wholly and any(not any(flags) for flags in by_class.values()):
        cure = "methods may learn the colour, not the thing; --set data.mode=grey makes all grey"
        title = "classes that are grey among classes in colour"
        yield Finding("grey-class", "warning", title, cure, wholly)
    affected = tuple(Affected(one.name) for one in grey)
    cure = "fine if it has no bearing on the class; --set data.mode=grey makes all grey"
    yield Finding("grey", "note", "grey images among those in colour", cure, affected)


def _transparency(one: Sound) -> str:
    return one.look.mode if one.look.mode in _CLEAR else ""


def _depth(one: Sound) -> str:
    return one.look.mode if one.look.mode in _DEEP else ""


def _print(one: Sound) -> str:
    return "CMYK" if one.look.mode == "CMYK" else ""


def _frames(one: Sound) -> str:
    return f"{one.look.frames} frames" if one.look.frames > 1 else ""


def _turned(one: Sound) -> str:
    return "turned" if one.look.is_turned else ""
