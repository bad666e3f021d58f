"""Repeated pictures: large collections have some twice, and splits must not share any."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from bench import ClassExamples, Split


class Repeats:
    """Leaves a picture (uint8) out of a class if an earlier split has the same, pixel by pixel.

    So whoever gives classes of test first, then of val, then of train, tests on all there is.
    """

    def __init__(self) -> None:
        self._left_out: Counter[tuple[Split, str]] = Counter()

    def apart(self, classes: Iterable[ClassExamples]) -> Iterator[ClassExamples]:
        """Yields the classes without what earlier splits have."""
        seen: dict[bytes, Split] = {}
        for one in classes:
            inputs = np.ascontiguousarray(one.inputs, dtype=np.uint8)
            digests = [hashlib.blake2b(row.data, digest_size=16).digest() for row in inputs]
            kept = [n for n, d in enumerate(digests) if seen.get(d, one.split) == one.split]
            if one.split != "train":  # which comes last
                for digest in digests:
                    seen.setdefault(digest, one.split)
            if len(kept) < len(digests):
                self._left_out[one.split, one.name] += len(digests) - len(kept)
                one = ClassExamples(one.name, one.split, inputs[kept])
            yield one

    def remarks(self) -> tuple[str, ...]:
        """Returns a line for each split that lost pictures."""
        lines = []
        for split in ("val", "train"):
            lost = {name: n for (where, name), n in self._left_out.items() if where == split}
            if lost:
                several = ", ".join(list(lost)[:3]) + (", ..." if len(lost) > 3 else "")
                other = "test has" if split == "val" else "val or test has"
                lines.append(
                    f"{sum(lost.values())} images of {split} are left out, "
                    f"for {other} the same ones (of {several})"
                )
        return tuple(lines)
