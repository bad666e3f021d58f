"""Overlap: data that is where it should not be; found by row, by content and by class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.dataset import Split
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeIndices
from bench.stored import CachedDataset

RARE = 0.01
"""Up to this share of queries with a twin in the support is a flaw of the data, not a leak."""

LEARNT_FROM: tuple[Split, ...] = ("train", "val")
"""Splits that weights are trained on or chosen by."""

SHOWN = 3
_AT_A_TIME = 4096


@dataclass(frozen=True)
class Overlap:
    """What was found, as sentences: errors, which void a result, and notes."""

    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def overlap(data: CachedDataset, stream: EpisodeStream, episodes: int) -> Overlap:
    """Looks at the first `episodes` episodes of a stream of test classes, and at all splits.

    An image that is support and query of one episode, or whose group is, one that is also in train
    or val, a class that is not of the split or shares its base class with one of train or val: all
    these are errors; only equal images of two rows within an episode are a note as long
    as they are rare. `data` is what the algorithm was trained on.
    """
    pool = stream.pool
    drawn = list(stream.batches(episodes, 256))
    contents = _contents(pool)
    errors = [*_misplaced(pool, drawn), *_shared_rows(drawn), *_shared_groups(pool, drawn)]
    notes: list[str] = []
    share = _twins(drawn, contents)
    if share:
        text = f"{share:.2%} of the queries are, byte for byte, also in their episode's support"
        (errors if share > RARE else notes).append(text)
    errors += _known_classes(data, pool, drawn)
    errors += _known_images(data, pool, contents)
    return Overlap(tuple(errors), tuple(notes))


def _contents(pool: ClassPool) -> NDArray[np.uint64]:
    """Returns a hash of each row's content, (rows,): its input, and in regression its values.

    It is multilinear, modulo 2**64, with random weights: two rows that differ collide with a
    probability of 2**-57.
    """
    parts = [pool.inputs.reshape(len(pool.inputs), -1)]
    if pool.targets is not None:
        parts.append(pool.targets)
    hashes = np.zeros(len(pool.inputs), np.uint64)
    rng = np.random.default_rng(0)
    for part in parts:
        width = part.shape[1] * part.itemsize
        weights = rng.integers(0, 2**64, width, dtype=np.uint64)
        for start in range(0, len(part), _AT_A_TIME):
            rows = np.ascontiguousarray(part[start : start + _AT_A_TIME])
            hashes[start : start + len(rows)] += rows.view(np.uint8).astype(np.uint64) @ weights
    return hashes


def _misplaced(pool: ClassPool, drawn: Iterable[EpisodeIndices]) -> list[str]:
    """Finds rows that are not of the class that the episode says."""
    for part in drawn:
        known = (part.classes >= 0) & (part.classes < len(pool.classes))
        if not known.all():
            return [f"classes outside the split: number {int(part.classes[~known][0])} was drawn"]
        for rows, labels in (
            (part.support, part.support_labels),
            (part.query, part.query_labels),
        ):
            classes = np.take_along_axis(part.classes, labels, 1)
            inside = (rows >= pool.offsets[classes]) & (rows < pool.offsets[classes + 1])
            if not inside.all():
                return [f"row {int(rows[~inside][0])} is not of the class that it was drawn as"]
    return []


def _shared_rows(drawn: Iterable[EpisodeIndices]) -> list[str]:
    for part in drawn:
        for support, query in zip(part.support, part.query, strict=True):
            both = np.intersect1d(support, query)
            if len(both):
                return [f"row {int(both[0])} is both support and query of one episode"]
    return []


def _shared_groups(pool: ClassPool, drawn: Iterable[EpisodeIndices]) -> list[str]:
    """Finds inputs of one group, such as photos of one object, in support and query."""
    if pool.input_groups is None:
        return []
    for part in drawn:
        for support, query in zip(part.support, part.query, strict=True):
            both = np.isin(pool.input_groups[query], pool.input_groups[support])
            if both.any():
                row = int(query[both][0])
                return [f"row {row} is a query, and an input of its group is in the support"]
    return []


def _twins(drawn: Iterable[EpisodeIndices], contents: NDArray[np.uint64]) -> float:
    """Returns the share of queries with the content of an example of their support."""
    twins, queries = 0, 0
    for part in drawn:
        known, asked = contents[part.support], contents[part.query]
        twins += int((asked[:, :, None] == known[:, None, :]).any(2).sum())
        queries += asked.size
    return twins / max(queries, 1)


def _known_classes(
    data: CachedDataset, pool: ClassPool, drawn: Iterable[EpisodeIndices]
) -> list[str]:
    """Finds test classes that are, or are made of, classes of train or val."""
    base_class = data.source.base_class if data.source else str
    numbers = np.unique(np.concatenate([part.classes.ravel() for part in drawn]))
    used = {base_class(pool.classes[n]): pool.classes[n] for n in numbers if n < len(pool.classes)}
    found = []
    for split in LEARNT_FROM:
        record = data.record.splits.get(split)
        names = {base_class(name): name for name in record.classes} if record else {}
        shared = sorted(set(used) & set(names))
        if shared and data.fingerprint != pool.fingerprint:
            continue  # names of another dataset's classes are another matter
        if shared:
            shown = ", ".join(
                f"{used[b]} and {names[b]} are both {b}" if used[b] != b else b
                for b in shared[:SHOWN]
            )
            found.append(f"{len(shared)} of the test classes drawn are also in {split}: {shown}")
    return found


def _known_images(data: CachedDataset, pool: ClassPool, contents: NDArray[np.uint64]) -> list[str]:
    """Finds test images that are, byte for byte, also in a split that weights may come from."""
    found = []
    for split in LEARNT_FROM:
        if split not in data.record.splits:
            continue
        both = np.isin(contents, _contents(data.pool(split)))
        if both.any():
            row = int(both.argmax())
            name = pool.classes[int(np.searchsorted(pool.offsets, row, side="right")) - 1]
            found.append(
                f"{int(both.sum())} of {len(both)} test examples are also in {split}, such as one "
                f"of '{name}'"
            )
    return found
