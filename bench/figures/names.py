"""Names: what rows are called in figures, as short as tells them apart."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Naming:
    """What can tell a row from others; of it no more is shown than is needed, but for `always`.

    `aside` sets rows of one training apart without letters, as a hollow marker does.
    """

    method: str
    recipe: str = ""
    size: str = ""
    settings: str = ""
    always: str = ""
    aside: Hashable = None


def names_of(namings: Sequence[Naming]) -> list[str]:
    """Returns a name for each: the method, then recipe, size and settings where these differ.

    Of a recipe `omniglot/protonet-paper` of protonet that is `paper`. Rows of one training that
    are set apart by `aside` are called the same.
    """
    shown = [Naming(one.method) for one in namings]
    for part in ("recipe", "size", "settings"):
        if part == "settings":
            shown = [replace(its, aside=one.aside) for one, its in zip(namings, shown, strict=True)]
        keys = list(shown)
        for number, (naming, key) in enumerate(zip(namings, keys, strict=True)):
            alike = [other for other, its in zip(namings, keys, strict=True) if its == key]
            if len({getattr(other, part) for other in alike}) > 1:
                shown[number] = replace(key, **{part: getattr(naming, part)})
    both = zip(namings, shown, strict=True)
    return [_text(replace(its, always=one.always)) for one, its in both]


def _text(one: Naming) -> str:
    recipe = one.recipe.rpartition("/")[2].removeprefix(one.method).strip("-")
    parts = (one.method, recipe, one.size, one.settings, one.always)
    return " ".join(part for part in parts if part)
