"""Metrics beside accuracy: F1, balanced accuracy, calibration, and the spread over episodes.

A label means another class in every episode, so classes cannot be pooled over episodes: F1 and
balanced accuracy are computed in each and then averaged. Calibration is pooled over all queries:
from the 75 of one episode the calibration error would be little but bias.

Right and false answers per class are counted by torchmetrics, and so is the calibration error;
importing it takes seconds, so it is left until somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.calibration import Certainty
from bench.extras import import_extra
from bench.measurements import QualityRecord
from bench.predictions import Predictions

BINS = 15
"""Of equal width, for the expected calibration error."""
NUMBERS = 1 << 16
"""Entries of torchmetrics' one-hot labels at a time; more of them leave the cache."""
NOBODY = -1
"""The label of a query that is not there, in an episode with fewer than its neighbours have."""


def quality(predictions: Predictions, temperature: float | None = None) -> QualityRecord:
    """Returns what there is to say of predictions beside their mean score.

    `temperature` is that of `fit_temperature`, from validation episodes; None leaves the tempered
    figures out. Of a regression there are percentiles only.

    Raises:
        BenchError: torchmetrics cannot be imported.
    """
    low, middle, high = np.percentile(predictions.scores, (5, 50, 95)).tolist()
    spread = QualityRecord(percentile_5=low, percentile_50=middle, percentile_95=high)
    if predictions.targets is not None:
        return spread
    raw, (macro_f1, balanced_accuracy) = Certainty.of(predictions), _means(predictions)
    record = replace(
        spread,
        macro_f1=macro_f1,
        balanced_accuracy=balanced_accuracy,
        nll=raw.nll,
        brier=raw.brier,
        ece=calibration_error(raw, predictions),
    )
    if temperature is None:
        return record
    tempered = Certainty.of(predictions, temperature)
    return replace(
        record,
        temperature=temperature,
        nll_tempered=tempered.nll,
        brier_tempered=tempered.brier,
        ece_tempered=calibration_error(tempered, predictions),
    )


def calibration_error(certainty: Certainty, predictions: Predictions) -> float:
    """Returns the expected calibration error (ECE) of the most probable class, in 15 bins.

    That is sum_b (n_b / Q) |accuracy_b - mean confidence_b|, over bins of equal width.
    """
    # A confidence of exactly one would get a sixteenth bin of its own.
    confidence = np.minimum(certainty.confidence, np.nextafter(1.0, 0.0))
    error = _library().binary_calibration_error(
        torch.from_numpy(confidence),
        torch.from_numpy(predictions.right.astype(np.int64)),
        n_bins=BINS,
        norm="l1",
        validate_args=False,
    )
    return float(error)


def _means(predictions: Predictions) -> tuple[float, float]:
    """Returns the means over episodes of macro-F1 and of balanced accuracy.

    F1 is averaged over the classes that are among an episode's labels or answers, balanced
    accuracy, the mean recall, over those among its labels: queries may leave classes out.
    """
    most = int(predictions.episodes.ways.max())
    count = _library().multiclass_stat_scores

    def scores(answers: Tensor, labels: Tensor) -> Tensor:
        counts = count(
            answers,
            labels,
            num_classes=most,
            average="none",
            multidim_average="samplewise",
            ignore_index=NOBODY,
            validate_args=False,
        )
        right, false, _, missed, occurs = counts.double().unbind(-1)  # (b, n) each
        either = right + (false + missed) / 2
        return torch.stack([_mean_where(right, either), _mean_where(right, occurs)])

    parts = [scores(*tables) for tables in _tables(predictions, most)]
    macro_f1, balanced_accuracy = torch.cat(parts, 1).double().mean(1).tolist()
    return macro_f1, balanced_accuracy


def _mean_where(part: Tensor, whole: Tensor) -> Tensor:
    """Returns the mean of part / whole (b, n) over those classes where whole is not 0, (b,)."""
    known = whole > 0
    return (part / whole.where(known, 1)).where(known, 0).sum(1) / known.sum(1)


def _tables(predictions: Predictions, most: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields answers and labels of some episodes as tables (b, most queries), filled up."""
    queries, answers = predictions.episodes.queries, predictions.log_probabilities.argmax(1)
    places = np.arange(queries.max()) < queries[:, None]
    tables = torch.zeros(places.shape, dtype=torch.int64), torch.full(places.shape, NOBODY)
    for table, values in zip(tables, (answers, predictions.episodes.query_labels), strict=True):
        table[torch.from_numpy(places)] = torch.from_numpy(values)
    size = max(1, NUMBERS // (places.shape[1] * (most + 1)))
    yield from zip(*(torch.split(table, size) for table in tables), strict=True)


def _library() -> Any:  # a module whose functions have no common type
    return import_extra("torchmetrics.functional.classification")
