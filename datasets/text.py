"""Your own texts: a table with the columns text and class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    EpisodeProtocol,
    Listing,
    hookimpl,
    read_listing,
)

from ._own_classes import ClassUse, Division, OwnClasses
from ._text_features import (
    EmbeddingName,
    Utterance,
    as_vectors,
    distinct,
    embedding_stamp,
    space_of,
)


class Text(Dataset):
    """Texts of your own, from a table (.csv, .tsv, .jsonl) with the columns text and class.

    A column split (train, val, test; one for each class) and a column group (texts of one author,
    document or dialogue: an episode never knows one and asks for another) are optional. If no split
    is given, one is drawn over the classes. A text that occurs twice counts once. Test episodes
    have 5 queries per class unless you ask for others.

    Args:
        path: the table; it follows the name, as in text:FILE.
        embedding: how a text becomes a vector: tfidf (character n-grams, reduced to the main
            directions of the train split's texts; nothing else is looked at), hashing (character
            n-grams, fitted on nothing) or wordllama (the mean of English word vectors, from the
            package wordllama).
        dimensions: of tfidf and hashing; wordllama always has 256.
        classes: disjoint (train, val and test share no class) or fixed (all classes are in test,
            whatever split they were given, for when these are the classes that matter).
        splits: a file with the columns class and split; it goes before the column.
        split_seed: seed of the split that is drawn if none is given.
        least: classes with fewer texts are left out, and named.
    """

    name = "text"
    backbone = "linear"
    licence = "that of your texts"
    protocol = EpisodeProtocol(queries=5)
    opens = "a table of texts and classes"
    locations = ("path", "splits")

    def __init__(
        self,
        *,
        path: str = "",
        embedding: EmbeddingName = "tfidf",
        dimensions: int = 512,
        classes: ClassUse = "disjoint",
        splits: str = "",
        split_seed: int = 0,
        least: int = 6,
    ) -> None:
        if dimensions < 1:
            raise BenchError(f"text: dimensions is {dimensions}; it must be at least 1")
        self.path, self.embedding, self.dimensions = path, embedding, dimensions
        self.splits = splits
        self.division = Division(classes, splits, split_seed, least)
        self._remarks: tuple[str, ...] = ()
        self._count: int | None = None

    def class_count(self) -> int | None:
        return self._count

    def space(self) -> str:
        return space_of(self.embedding, self.dimensions, f"{self.name}:{self.path}")

    def stamp(self, files: DataFiles) -> str:
        """Returns a hash of what is in the files, and the version of the embedding."""
        named = [self._given(files), *([files.given(self.splits)] if self.splits else [])]
        digests = [hashlib.sha256(_content(path)).hexdigest() for path in named]
        return " ".join([*digests, embedding_stamp(self.embedding)])

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        listing = self._listing(files)
        utterances, own = self._own(listing)
        divided = self.division.of(own, files)
        self._count = len(divided.splits)
        made = as_vectors(utterances, divided.splits, self.embedding, self.dimensions)
        repeated = listing.dropped + len(listing.items) - len(utterances)
        once = (f"texts that occur twice count once: {repeated} rows are left out",)
        self._remarks = (*(once if repeated else ()), *divided.remarks, *made.remarks)
        yield from made.classes

    def class_sizes(self, files: DataFiles) -> dict[str, int]:
        """Returns the classes that a split divides, with the number of their texts."""
        own = self._own(self._listing(files))[1]
        return {name: len(own.groups[name]) for name in self.division.large_enough(own)}

    def remarks(self) -> tuple[str, ...]:
        return self._remarks

    def _given(self, files: DataFiles) -> Path:
        if not self.path:
            raise BenchError("text needs a table; name it: text:FILE.csv")
        path = files.given(self.path)
        if path.is_dir():
            raise BenchError(
                f"{path} is a folder; name a table with the columns text and class: text:FILE.csv"
            )
        return path

    def _listing(self, files: DataFiles) -> Listing:
        return read_listing(self._given(files), "text", "drop")

    def _own(self, listing: Listing) -> tuple[tuple[Utterance, ...], OwnClasses]:
        """Returns the texts, each once, and their classes."""
        utterances = distinct(
            Utterance(one.item, one.class_name, one.group) for one in listing.items
        )
        groups: dict[str, list[str]] = {}
        for one in utterances:
            groups.setdefault(one.class_name, []).append(one.group)
        ignored = self.division.use == "fixed" or self.splits
        given = None if ignored else listing.splits
        return utterances, OwnClasses(str(listing.path), "texts", groups, given)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Text]
