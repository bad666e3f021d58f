"""Sealed episodes in words, tables and JSON."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from bench.cli.table import table
from bench.episodelist import EpisodeList
from bench.episodes import in_words
from bench.sealed import SealedEpisodes

SHOWN = 3
"""How many episodes an overview tells in words."""


def headline(sealed: SealedEpisodes) -> str:
    """Returns what the episodes are, in a line."""
    stream, protocol = sealed.stream, sealed.protocol
    what = in_words(protocol.kind, protocol.ways, protocol.shots, protocol.id)
    return (
        f"{len(sealed)} episodes of {sealed.data.name}, {stream.split} split, {protocol.id} "
        f"({what}), seed {stream.seed}"
    )


def counts(sealed: SealedEpisodes) -> str:
    """Returns how many classes and images there are, and how often an image occurs."""
    uses = _uses(sealed)
    return (
        f"{len(sealed.class_names)} classes, {len(sealed.images)} images; an image occurs in "
        f"{uses.mean():.1f} episodes on average, in {uses.max()} at most"
    )


def overview(sealed: SealedEpisodes) -> str:
    """Returns all about a list but the episodes, and the first of them in words."""
    data, stream = sealed.data, sealed.stream
    settings = ", ".join(f"{key}={value}" for key, value in sorted(data.parameters.items()))
    rows = {
        "data": f"{data.name} ({settings})" if settings else data.name,
        "inputs": f"{data.dtype} {'x'.join(map(str, data.shape))}, {data.task}",
        "fingerprint": stream.fingerprint,
        "sampler": f"version {stream.sampler_version}",
        "list": f"sha256 {sealed.digest()}",
        "file": f"sha256 {sealed.sha256}",
    }
    width = max(map(len, rows)) + 2
    lines = [f"{name:<{width}}{text}" for name, text in rows.items()]
    first = [_told(sealed, number) for number in range(min(SHOWN, len(sealed)))]
    return "\n".join([headline(sealed), counts(sealed), *lines, "", *first])


def in_detail(sealed: SealedEpisodes, number: int) -> str:
    """Returns every image of one episode, in order, as a table."""
    rows = [
        {
            "part": image["part"],
            "place": image["place"],
            "label": image["label"],
            "class": image["class"],
            "row": image["row"],
            "hash": image["hash"],
        }
        for image in _images(sealed, number)
    ]
    return f"episode {number}, id {sealed.ids()[number]}\n\n{table(rows, wrapped=('class',))}"


def described(sealed: SealedEpisodes, number: int | None) -> dict[str, object]:
    """Returns a list, or one of its episodes, for JSON."""
    if number is not None:
        return {
            "episode": number,
            "id": sealed.ids()[number],
            "classes": _names(sealed, sealed.episodes.slice_of(number, number + 1)),
            "images": _images(sealed, number),
        }
    stream, uses = sealed.stream, _uses(sealed)
    return {
        "episodes": len(sealed),
        "data": asdict(sealed.data),
        "split": stream.split,
        "protocol": {"id": sealed.protocol.id, **asdict(sealed.protocol)},
        "seed": stream.seed,
        "sampler_version": stream.sampler_version,
        "fingerprint": stream.fingerprint,
        "sha256": sealed.digest(),
        "file_sha256": sealed.sha256,
        "bytes": len(sealed.content),
        "classes": len(sealed.class_names),
        "images": len(sealed.images),
        "uses_of_an_image": {"mean": float(uses.mean()), "most": int(uses.max())},
    }


def _uses(sealed: SealedEpisodes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Returns how many episodes each image occurs in, (i,)."""
    rows = np.concatenate([sealed.episodes.support, sealed.episodes.query])
    return np.bincount(np.searchsorted(sealed.images, rows), minlength=len(sealed.images))


def _names(sealed: SealedEpisodes, part: EpisodeList) -> list[str]:
    """Returns the name of the class behind each label of one episode."""
    return [sealed.class_names[at] for at in np.searchsorted(sealed.class_numbers, part.classes)]


def _told(sealed: SealedEpisodes, number: int) -> str:
    """Returns one episode in a sentence."""
    part = sealed.episodes.slice_of(number, number + 1)
    labels = ", ".join(f"{label} {name}" for label, name in enumerate(_names(sealed, part)))
    return (
        f"episode {number}: {len(part.support)} known and {len(part.query)} asked of the classes "
        f"{labels}"
    )


def _images(sealed: SealedEpisodes, number: int) -> list[dict[str, object]]:
    """Returns every image of one episode, the support first, each in its order."""
    part = sealed.episodes.slice_of(number, number + 1)
    names = _names(sealed, part)
    return [
        {
            "part": what,
            "place": place,
            "label": label,
            "class": names[label],
            "row": row,
            "hash": sealed.hashes[np.searchsorted(sealed.images, row)].tobytes().hex(),
        }
        for what, rows, known in (
            ("support", part.support, part.support_labels),
            ("query", part.query, part.query_labels),
        )
        for place, (row, label) in enumerate(zip(rows.tolist(), known.tolist(), strict=True))
    ]
