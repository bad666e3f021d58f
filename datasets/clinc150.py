"""CLINC150 (Larson et al. 2019): what people ask an assistant, 150 intents of 10 domains."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from bench import BenchError, ClassExamples, DataFiles, Dataset, Download, Split, hookimpl

from ._intent_folds import CLINC150, published_fold
from ._text_features import (
    EmbeddingName,
    Utterance,
    as_vectors,
    distinct,
    embedding_stamp,
    space_of,
)

FOLDERS = ("text/clinc150", "clinc150", "oos-eval/data", "oos-eval-master/data", "clinc-oos", ".")
PARTS = ("train", "val", "test")
SOURCE = (
    "https://raw.githubusercontent.com/clinc/oos-eval/"
    "828f8093932c8fe6ca7936c3d2e52903b1c523de/data/"
)
UTTERANCES = Download(
    "clinc150/data_full.json",
    (f"{SOURCE}data_full.json",),
    "sha256:36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0",
    size=2_495_390,
)
DOMAINS = Download(
    "clinc150/domains.json",
    (f"{SOURCE}domains.json",),
    "sha256:b947b579d3b8e74b06f93b01083d8efaff2888b43a3e362533bd88a6e1211b3a",
    size=3_818,
)

# The domains in the order of the sha256 of their names: three test, two validate.
TEST_DOMAINS = frozenset(("work", "travel", "auto_and_commute"))
VAL_DOMAINS = frozenset(("small_talk", "credit_cards"))

# sha256 over every in-scope utterance: its part, domain, intent and text, in order.
TEXTS = "373be712267c0f14916f23bbcf276ab292b9d2b5456ba4cb98ba9cac4f8e32ee"


class Clinc150(Dataset):
    """Texts of 150 intents, 150 of each (train, val and test of the publisher), as vectors.

    Class names are `domain/intent`. The publisher's out-of-scope texts, which have no class, are
    left out. A text that occurs twice counts once, where it came first.

    Args:
        split: domains (ours: no domain is in two splits; 75 train, 30 val, 45 test) or
            protaugment-1 to -5 (Dopierre et al. 2021: 50, 50, 50; drawn without regard to domains).
        embedding: tfidf (character n-grams, reduced to the main directions of the train split),
            hashing (character n-grams, not fitted) or wordllama (word vectors; a package).
        dimensions: of tfidf and hashing; wordllama always has 256.
    """

    name = "clinc150"
    backbone = "linear"
    paper = "Larson et al. 2019, EMNLP-IJCNLP, D19-1131"
    licence = "CC BY 3.0"

    def __init__(
        self,
        *,
        split: Literal[
            "domains",
            "protaugment-1",
            "protaugment-2",
            "protaugment-3",
            "protaugment-4",
            "protaugment-5",
        ] = "domains",
        embedding: EmbeddingName = "tfidf",
        dimensions: int = 512,
    ) -> None:
        if dimensions < 1:
            raise BenchError(f"clinc150: dimensions is {dimensions}; it must be at least 1")
        self.split, self.embedding, self.dimensions = split, embedding, dimensions
        self._remarks: tuple[str, ...] = ()

    def class_count(self) -> int:
        return 150

    def downloads(self) -> tuple[Download, ...]:
        return UTTERANCES, DOMAINS

    def space(self) -> str:
        return space_of(self.embedding, self.dimensions, self.name)

    def stamp(self, files: DataFiles) -> str:
        return embedding_stamp(self.embedding)

    def group(self, name: str) -> str:
        """Returns the domain."""
        return name.partition("/")[0]

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        read = read_utterances(files)
        once = distinct(read)
        made = as_vectors(once, self._splits(once), self.embedding, self.dimensions)
        self._remarks = (
            "the out-of-scope texts are left out: they have no class",
            f"{len(read) - len(once)} texts that occur twice count once",
            *made.remarks,
        )
        yield from made.classes

    def remarks(self) -> tuple[str, ...]:
        return self._remarks

    def _splits(self, utterances: tuple[Utterance, ...]) -> dict[str, Split]:
        names = {one.class_name for one in utterances}
        if self.split == "domains":
            return {name: _split_of(self.group(name)) for name in names}
        intents = {name.partition("/")[2]: name for name in names}
        fold = published_fold(CLINC150, int(self.split[-1]), intents)
        return {intents[intent]: split for intent, split in fold.items()}


def _split_of(domain: str) -> Split:
    return "test" if domain in TEST_DOMAINS else "val" if domain in VAL_DOMAINS else "train"


def read_utterances(files: DataFiles) -> list[Utterance]:
    """Returns all texts that have an intent, in the publisher's order.

    Raises:
        BenchError: a file is not there, or is not the published one.
    """
    where = _file(files, UTTERANCES)
    domain_of = {
        intent: domain
        for domain, intents in _object(_file(files, DOMAINS)).items()
        for intent in intents
    }
    digest, found = hashlib.sha256(), []
    content = _object(where)
    try:
        for part in PARTS:
            for text, intent in content[part]:
                name = f"{domain_of[intent]}/{intent}"
                digest.update(f"{part}/{name}/{text}\n".encode())
                found.append(Utterance(text, name))
    except (KeyError, TypeError, ValueError):
        raise _unknown(where, "it does not list texts with their intents") from None
    if digest.hexdigest() != TEXTS:
        raise _unknown(where, f"its texts have the sha256 {digest.hexdigest()[:12]}")
    return found


def _file(files: DataFiles, download: Download) -> Path:
    name = Path(download.file).name
    found = files.find(*(f"{folder}/{name}" for folder in FOLDERS))
    return found or files.obtain(download)


def _object(path: Path) -> dict[str, Any]:  # what JSON may hold
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unknown(path, f"it cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise _unknown(path, "it holds no object")
    return content


def _unknown(path: Path, why: str) -> BenchError:
    return BenchError(
        f"{path} is not the file of CLINC150 that is known ({why}); "
        f"delete it and fetch it again, from github.com/clinc/oos-eval"
    )


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Clinc150]
