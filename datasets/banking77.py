"""BANKING77 (Casanueva et al. 2020): what customers ask a bank, 77 intents."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bench import BenchError, ClassExamples, DataFiles, Dataset, Download, hookimpl

from ._intent_folds import BANKING77, published_fold
from ._text_features import (
    EmbeddingName,
    Utterance,
    as_vectors,
    distinct,
    embedding_stamp,
    space_of,
)

FOLDERS = (
    *("text/banking77", "banking77", "BANKING77", "banking_data"),
    *("task-specific-datasets/banking_data", "task-specific-datasets-master/banking_data"),
)
SOURCE = (
    "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/"
    "57ec275d8078af65b7731c2a98be812d844a6d6b/banking_data/"
)
TRAIN = Download(
    "banking77/train.csv",
    (f"{SOURCE}train.csv",),
    "sha256:b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
    size=839_073,
)
TEST = Download(
    "banking77/test.csv",
    (f"{SOURCE}test.csv",),
    "sha256:d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
    size=239_961,
)
COLUMNS = ["text", "category"]

# sha256 over every query of train, then test: its intent and text, in order.
TEXTS = "290157ca307d0a36dfa786ad0db81c479563137915b5b98b5d7b66f9cf40643e"


class Banking77(Dataset):
    """Texts of 77 intents, 75 to 227 of each (train and test of the publisher), as vectors.

    A text that occurs twice counts once, where it came first.

    Args:
        split: protaugment-1 to -5 (Dopierre et al. 2021: 25 train, 25 val, 27 test intents).
        embedding: tfidf (character n-grams, reduced to the main directions of the train split),
            hashing (character n-grams, not fitted) or wordllama (word vectors; a package).
        dimensions: of tfidf and hashing; wordllama always has 256.
    """

    name = "banking77"
    backbone = "linear"
    paper = "Casanueva et al. 2020, NLP4ConvAI, arXiv:2003.04807"
    licence = "CC BY 4.0"

    def __init__(
        self,
        *,
        split: Literal[
            "protaugment-1", "protaugment-2", "protaugment-3", "protaugment-4", "protaugment-5"
        ] = "protaugment-1",
        embedding: EmbeddingName = "tfidf",
        dimensions: int = 512,
    ) -> None:
        if dimensions < 1:
            raise BenchError(f"banking77: dimensions is {dimensions}; it must be at least 1")
        self.split, self.embedding, self.dimensions = split, embedding, dimensions
        self._remarks: tuple[str, ...] = ()

    def class_count(self) -> int:
        return 77

    def downloads(self) -> tuple[Download, ...]:
        return TRAIN, TEST

    def space(self) -> str:
        return space_of(self.embedding, self.dimensions, self.name)

    def stamp(self, files: DataFiles) -> str:
        return embedding_stamp(self.embedding)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        read = read_queries(files)
        once = distinct(read)
        intents = {one.class_name for one in once}
        splits = published_fold(BANKING77, int(self.split[-1]), intents)
        made = as_vectors(once, splits, self.embedding, self.dimensions)
        self._remarks = (
            f"{len(read) - len(once)} texts that occur twice count once",
            *made.remarks,
        )
        yield from made.classes

    def remarks(self) -> tuple[str, ...]:
        return self._remarks


def read_queries(files: DataFiles) -> list[Utterance]:
    """Returns the queries of train, then of test, in the publisher's order.

    Raises:
        BenchError: a file is not there, or they are not the published ones.
    """
    digest, found = hashlib.sha256(), []
    for download in (TRAIN, TEST):
        path = _file(files, download)
        for one in _rows(path):
            digest.update(f"{one.class_name}/{one.text}\n".encode())
            found.append(one)
    if digest.hexdigest() != TEXTS:
        raise _unknown(path.parent, f"the texts have the sha256 {digest.hexdigest()[:12]}")
    return found


def _file(files: DataFiles, download: Download) -> Path:
    name = Path(download.file).name
    found = files.find(*(f"{folder}/{name}" for folder in FOLDERS))
    return found or files.obtain(download)


def _rows(path: Path) -> Iterator[Utterance]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise _unknown(path, f"it cannot be read: {error}") from error
    if not rows or rows[0] != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        raise _unknown(path, "it has not the columns text,category in every row")
    for text, intent in rows[1:]:
        yield Utterance(text, intent)


def _unknown(path: Path, why: str) -> BenchError:
    return BenchError(
        f"{path} is not what is known of BANKING77 ({why}); delete train.csv and test.csv and "
        "fetch them again, from github.com/PolyAI-LDN/task-specific-datasets"
    )


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Banking77]
