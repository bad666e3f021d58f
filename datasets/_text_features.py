"""Text as vectors: character n-grams (tfidf, hashing) or word vectors (wordllama).

Every vector has length 4 (or 0, for a text without known parts), and lies on a grid of 1/256: what
different processors make of the same sums differs by far less, so fingerprints agree.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench import BenchError, ClassExamples, Split, import_extra

from ._shared_vectors import SharedVectors

EmbeddingName = Literal["tfidf", "hashing", "wordllama"]
PACKAGES = {"tfidf": "scikit-learn", "hashing": "scikit-learn", "wordllama": "wordllama"}
REVISION = 2
"""Raise it when texts come to give other vectors; caches of before are then built anew."""

LENGTH, STEPS = 4.0, 256.0
"""At length 4 squared distances are of the size of logits; at 16 ProtoNet's
training loss was 20 after a hundred steps, where guessing costs 1.6 in 5 ways."""
NGRAMS = (2, 4)
RARE = 2
"""n-grams that stand in fewer training texts are left out, if there are many texts."""
LONG = 4096
"""Characters of a text that is embedded on its own, not padded to the length of others."""


@dataclass(frozen=True)
class Utterance:
    """One text with its class; texts of one group never stand in support and query together."""

    text: str
    class_name: str
    group: str = ""


@dataclass(frozen=True)
class TextVectors:
    """Classes as vectors, float32 (k, d), and what the user should know of how they were made."""

    classes: tuple[ClassExamples, ...]
    remarks: tuple[str, ...]


def embedding_stamp(embedding: EmbeddingName) -> str:
    """Returns a text that changes when texts may come to give other vectors.

    Raises:
        BenchError: the package that makes them is not installed.
    """
    package = PACKAGES[embedding]
    try:
        return f"{embedding} {REVISION} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        import_extra(package)  # says how to install it
        raise


def space_of(embedding: str, dimensions: int, name: str) -> str:
    """Returns what vectors of this embedding mean: those of tfidf hang on what it was fitted to."""
    if embedding == "tfidf":
        return f"TF-IDF fitted to {name}"
    return embedding if embedding == "wordllama" else f"{embedding} in {dimensions} dimensions"


def distinct(utterances: Iterable[Utterance]) -> tuple[Utterance, ...]:
    """Returns the texts without those that were there before, of whatever class.

    Capitals and spaces make no difference.
    """
    first: dict[str, Utterance] = {}
    for one in utterances:
        first.setdefault(" ".join(one.text.casefold().split()), one)
    return tuple(first.values())


def as_vectors(
    utterances: Sequence[Utterance],
    splits: dict[str, Split],
    embedding: EmbeddingName,
    dimensions: int,
) -> TextVectors:
    """Returns the classes in `splits` by name, with the vectors of their texts.

    tfidf is fitted on the texts of the train split, and on nothing else.

    Raises:
        BenchError: there is no train split to fit tfidf on, or a package is not installed.
    """
    ordered = [one for one in utterances if one.class_name in splits]
    ordered.sort(key=lambda one: one.class_name)
    texts = [one.text for one in ordered]
    if embedding == "wordllama":
        raw = _word_vectors(texts)
    elif embedding == "hashing":
        raw = _hashed(texts, dimensions)
    else:
        # In a fixed order: the same texts give the same vectors however their table is sorted.
        fitted_on = sorted(one.text for one in ordered if splits[one.class_name] == "train")
        raw = _weighted(texts, fitted_on, dimensions)
    vectors = on_grid(raw)
    remarks = []
    if raw.shape[1] < dimensions and embedding == "tfidf":
        remarks.append(
            f"the texts of train are few: they give {raw.shape[1]} dimensions, not {dimensions}; "
            "embedding=hashing needs none"
        )
    empty = int((~vectors.any(axis=1)).sum())
    if empty:
        remarks.append(f"{empty} of {len(texts)} texts have no part that {embedding} knows: all 0")
    shared = SharedVectors()
    classes = tuple(shared.left_out(_classes(ordered, splits, vectors)))
    return TextVectors(classes, (*remarks, *shared.remarks()))


def on_grid(raw: NDArray[np.float64]) -> NDArray[np.float32]:
    """Returns vectors (k, d) at length 4, rounded to multiples of 1/256; empty ones stay 0."""
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    unit = raw / np.where(lengths > 1e-9, lengths, np.inf)
    rounded: NDArray[np.float64] = np.rint(unit * (LENGTH * STEPS)) / STEPS
    return (rounded + 0.0).astype(np.float32)  # no -0, which would be other bytes


def _classes(
    ordered: list[Utterance], splits: dict[str, Split], vectors: NDArray[np.float32]
) -> Iterable[ClassExamples]:
    names = [one.class_name for one in ordered]
    starts = [n for n, name in enumerate(names) if n == 0 or names[n - 1] != name]
    for start, end in pairwise([*starts, len(names)]):
        groups = tuple(one.group for one in ordered[start:end])
        name = names[start]
        yield ClassExamples(
            name, splits[name], vectors[start:end], groups=groups if any(groups) else None
        )


def _weighted(texts: list[str], fitted_on: list[str], dimensions: int) -> NDArray[np.float64]:
    """Returns the weights of character n-grams, reduced to the main directions of `fitted_on`."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not fitted_on:
        raise BenchError(
            "embedding is tfidf, which is fitted on the texts of the train split, and there is "
            "none; take --set data.embedding=hashing, which is not fitted, or wordllama"
        )
    rare = RARE if len(fitted_on) >= 1000 else 1
    weights = TfidfVectorizer(
        analyzer="char_wb", ngram_range=NGRAMS, sublinear_tf=True, min_df=rare, dtype=np.float64
    )
    known = weights.fit_transform(fitted_on)
    most = max(1, min(dimensions, min(known.shape) - 1))
    directions = TruncatedSVD(most, n_iter=4, random_state=0).fit(known)
    found: NDArray[np.float64] = directions.transform(weights.transform(texts))
    return found


def _hashed(texts: list[str], dimensions: int) -> NDArray[np.float64]:
    """Returns the counts of character n-grams, each at the place and with the sign of its hash."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counts = HashingVectorizer(
        n_features=dimensions, analyzer="char_wb", ngram_range=NGRAMS, dtype=np.float64
    )
    found: NDArray[np.float64] = counts.transform(texts).toarray()
    return found


def _word_vectors(texts: list[str]) -> NDArray[np.float64]:
    """Returns the mean of the vectors of a text's tokens, (k, 256).

    The weights are those inside the package. It looks for its tokenizer in another folder than the
    one it ships it in, and would then fetch it; named as its cache, its own folder has both.
    """
    wordllama = import_extra("wordllama")
    try:
        model = wordllama.WordLlama.load(
            cache_dir=Path(str(wordllama.__file__)).parent, disable_download=True
        )
    except Exception as error:  # it raises whatever reading its files raises
        reason = " ".join(str(error).split())
        raise BenchError(
            f"wordllama cannot load the word vectors in its package ({reason}); "
            "try: pip install --force-reinstall wordllama"
        ) from error
    together = 1 if max(map(len, texts), default=0) > LONG else 64
    found: NDArray[np.float32] = model.embed(texts, batch_size=together)
    return found.astype(np.float64)
