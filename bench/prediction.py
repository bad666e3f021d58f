"""Prediction: the labels of queries, by a trained algorithm that is adapted to a support.

A query's label should depend on the query and the support, and not on what else is in the folder.
So where queries inform one another, as by the statistics of batch norm, each is asked in a batch
with the support's images and no other query, unless the user wants them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import EmbeddingLearner, Predictor
from bench.backbones import shares_statistics
from bench.decoding import Picture
from bench.embedding import embedding_of
from bench.episodes import Examples
from bench.errors import BenchError, RunFailed
from bench.failures import plugin_code
from bench.features import embeds_alone
from bench.imageform import ImageForm
from bench.labels import IN_SUPPORT, UNLIKE, UNREADABLE, Label
from bench.novelty import Neighbourhood
from bench.photos import ReadPhoto, Report, read_photos
from bench.restored import Restored
from bench.seeds import seed_torch
from bench.supportset import SupportSet

CHUNK = 64
"""Queries that are read and asked at a time, where each is judged alone."""
LESS_MEMORY = "use fewer pictures in the support"

Floats = NDArray[np.float64]
Ask = Callable[[Tensor], Tensor]
"""From inputs (m, ...) to one row per input, (m, n) or (m, d)."""


@dataclass(frozen=True)
class _Answer:
    """What was answered to m queries: logits (m, n), and their features (m, d), if any."""

    logits: Tensor
    features: Tensor | None


def inform_one_another(run: Restored) -> bool:
    """Tells whether queries' answers depend on one another: as measured, else as declared."""
    audit = run.record.audit
    return audit.verdict != "inductive" if audit else bool(run.algorithm.transduction)


def check_classes(run: Restored, support: SupportSet) -> None:
    """Raises BenchError if the algorithm cannot take as many classes."""
    made_for, ways = run.spec.ways, len(support.classes)
    if ways != made_for and not run.algorithm.any_way:
        raise BenchError(
            f"the support has {ways} classes, but {run.algorithm.name} was made for {made_for} in "
            f"this run: give it {made_for}, train one with --ways {ways}, or take a method that "
            "takes any number, such as protonet"
        )


def label_all(
    run: Restored,
    support: SupportSet,
    pictures: tuple[Picture, ...],
    form: ImageForm,
    *,
    together: bool = False,
    report: Report = lambda done, total: None,
) -> Iterator[Label]:
    """Yields the label of each picture, in order.

    Raises:
        BenchError: the algorithm cannot take the support's number of classes.
        RunFailed: it raised an exception, or its answers are not finite.
    """
    check_classes(run, support)
    judge = _Judge(run, support, together)
    size = len(pictures) if together and inform_one_another(run) else CHUNK
    for start in range(0, len(pictures), size):
        photos = read_photos(pictures[start : start + size], form)
        yield from judge.labels(photos)
        report(min(start + size, len(pictures)), len(pictures))


class _Judge:
    """An algorithm that was adapted to a support."""

    def __init__(self, run: Restored, support: SupportSet, together: bool) -> None:
        self._run, self._support, self._places = run, support, support.places
        quality = run.record.outcome.quality if run.record.outcome else None
        self._temperature = (quality.temperature if quality else None) or 1.0
        known = Examples(
            _inputs(support.inputs, run.device),
            torch.from_numpy(support.labels).to(run.device),
            len(support.classes),
        )
        alone = together or not inform_one_another(run)
        with seeded(run.device), plugin_code(run.algorithm.name, "adapting", LESS_MEMORY):
            embed = _embedder(run, known)
            features = embed(known.inputs) if embed else None
            self._answer = _answerer(run, known, features, embed, alone)
        self._around: Neighbourhood | None = None
        if features is not None:
            self._around = Neighbourhood.of(_floats(features), support.labels, known.n_way)

    def labels(self, photos: list[ReadPhoto]) -> list[Label]:
        """Returns the labels of some pictures, in order."""
        images = [photo.image for photo in photos if photo.image is not None]
        if not images:
            return [_unreadable(photo) for photo in photos]
        inputs = _inputs(np.stack(images), self._run.device)
        name = self._run.algorithm.name
        with seeded(self._run.device), plugin_code(name, "labelling", LESS_MEMORY):
            answer = self._answer(inputs)
        self._check(answer.logits, len(images))
        shares = (answer.logits.double() / self._temperature).softmax(1).cpu().numpy()
        novelty: list[float | None] = [None] * len(images)
        if self._around and answer.features is not None:
            novelty = self._around.novelty(_floats(answer.features)).tolist()
        rows = zip(shares, novelty, strict=True)
        return [
            _unreadable(photo) if photo.image is None else self._label(photo, *next(rows))
            for photo in photos
        ]

    def _label(self, photo: ReadPhoto, shares: Floats, novelty: float | None) -> Label:
        first, second = np.argsort(-shares, kind="stable")[:2].tolist()
        warnings = [UNLIKE] if novelty is not None and novelty > 1 else []
        if photo.digest in self._places:
            warnings.append(f"{IN_SUPPORT} ({self._places[photo.digest]})")
        return Label(
            photo.name,
            self._support.classes[first],
            float(shares[first]),
            self._support.classes[second],
            float(shares[second]),
            novelty,
            tuple(warnings),
        )

    def _check(self, logits: Tensor, queries: int) -> None:
        """Raises RunFailed unless there is a finite row of logits for each query."""
        name, wanted = self._run.algorithm.name, (queries, len(self._support.classes))
        if logits.shape != wanted:
            raise RunFailed(
                f"{name} returned logits of shape {tuple(logits.shape)}, not (queries, classes) = "
                f"{wanted}; mend the plugin"
            )
        if not torch.isfinite(logits).all():
            raise RunFailed(
                f"{name} returned answers that are not finite on this support; its pictures may be "
                "too unlike the data of the run"
            )


@contextmanager
def seeded(device: torch.device) -> Iterator[None]:
    """Has torch draw the same numbers each time, and leaves its generators as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        seed_torch(0, "predict")
        yield


def _embedder(run: Restored, known: Examples) -> Ask | None:
    """Returns what gives the features of queries, those of the support in their batch if need be.

    None if the algorithm has no network: raw inputs do not tell strangers from the classes.
    """
    network = embedding_of(run.algorithm)
    if network is None:
        return None
    return _with_support(network, known.inputs) if shares_statistics(network) else _plain(network)


def _answerer(
    run: Restored, known: Examples, features: Tensor | None, embed: Ask | None, alone: bool
) -> Callable[[Tensor], _Answer]:
    """Returns how queries are answered; where their features decide, these are computed once."""
    algorithm = run.algorithm
    if isinstance(algorithm, EmbeddingLearner) and embeds_alone(algorithm) and alone:
        assert features is not None and embed is not None  # it has an embedding
        embedded, features_of = Examples(features, known.targets, known.n_way), embed

        def by_features(inputs: Tensor) -> _Answer:
            found = features_of(inputs)
            with torch.no_grad():
                return _Answer(algorithm.scores(embedded, found).detach(), found)

        return by_features
    predict = algorithm.adapt(known)
    ask = _plain(predict) if alone else _with_support(predict, known.inputs)
    return lambda inputs: _Answer(ask(inputs), embed(inputs) if embed else None)


def _plain(ask: Predictor) -> Ask:
    def asked(inputs: Tensor) -> Tensor:
        with torch.no_grad():
            return ask(inputs).detach()

    return asked


def _with_support(ask: Predictor, known: Tensor) -> Ask:
    """Asks for one input at a time, in a batch with the support's: its row comes last."""

    def asked(inputs: Tensor) -> Tensor:
        rows = []
        for one in inputs:
            seed_torch(0, "predict")  # the numbers of the others are not to matter
            with torch.no_grad():
                rows.append(ask(torch.cat([known, one.unsqueeze(0)]))[-1:])
        return torch.cat(rows)

    return asked


def _inputs(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Returns images (m, c, h, w) as an algorithm gets them: float32 in 0..1."""
    return torch.from_numpy(images).to(device).to(torch.float32).mul_(1 / 255)


def _floats(features: Tensor) -> Floats:
    return features.flatten(1).double().cpu().numpy()


def _unreadable(photo: ReadPhoto) -> Label:
    return Label(photo.name, warnings=(f"{UNREADABLE}: {photo.problem}",))
