"""Ailments: files that no run can read, and files that are not what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from PIL import Image

from bench.doctor.examination import Ailment, Examined, Sound
from bench.doctor.finding import Affected, Finding

_REPLACE = "replace them, or leave them out: --set data.damaged=skip"
_TITLES: dict[Ailment, tuple[str, str]] = {
    "unreadable": ("files that may not be read", "give yourself the right to read them"),
    "empty": ("empty files", "copy them again from where they came from, or delete them"),
    "no-image": ("files that are no images", f"delete or move them away; else {_REPLACE}"),
    "too-large": ("images too large to be decoded", f"make them smaller; else {_REPLACE}"),
    "damaged": ("damaged or truncated images", _REPLACE),
}

_SAME = ({"JPEG", "MPO", "JPEG2000"}, {"PPM", "PGM", "PBM"}, {"ICO", "CUR"}, {"TIFF", "DNG"})


def on_ailments(examined: Sequence[Examined]) -> Iterator[Finding]:
    """Yields a finding for each kind of file that cannot be decoded."""
    for kind, (title, cure) in _TITLES.items():
        affected = tuple(Affected(one.name, one.reason) for one in examined if one.ailment == kind)
        if affected:
            yield Finding(kind, "error", title, cure, affected)


def on_endings(images: Sequence[Sound]) -> Iterator[Finding]:
    """Yields a finding if images are of another format than their endings say."""
    Image.init()
    known = Image.registered_extensions()
    affected = []
    for one in images:
        ending = PurePosixPath(one.placed.file.name).suffix
        said, is_ = known.get(ending.lower(), ""), one.look.format
        if said == is_ or any({said, is_} <= same for same in _SAME):
            continue
        affected.append(Affected(one.name, f"is {is_}" if said else f"is {is_}, without saying so"))
    if affected:
        cure = "bench reads them all the same; other programs may not: rename them"
        title = "images with a wrong ending, or none"
        yield Finding("ending", "note", title, cure, (*affected,))
