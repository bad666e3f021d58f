"""Modes: ways to ask the same queries, in other company than that of all of them together.

A method that judges each query alone answers all of them alike (Bronskill et al. 2020, TaskNorm,
asked MAML with batch norm one query, and one class, at a time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.audit.case import Ask, Case
from bench.audit.comparison import Floats

Places = NDArray[np.int64]

CHUNK = 7
CONCENTRATION = 2.0
"""Of the Dirichlet distribution of class shares (Veilleux et al. 2021)."""


@dataclass(frozen=True)
class Answered:
    """Answers (k, n) to the queries at `places` (k,) of an episode."""

    places: Places
    answers: Floats


@dataclass(frozen=True)
class Company:
    """What a mode may use: the case, queries of another episode, how many it may ask alone."""

    case: Case
    others: Tensor
    alone: int | None
    rng: np.random.Generator

    @property
    def places(self) -> Places:
        """All queries, (m,)."""
        return np.arange(len(self.case.query))


@dataclass(frozen=True)
class Mode:
    """A way to ask; `classes` says that it needs classes, which regression has not."""

    name: str
    what: str
    ask: Callable[[Ask, Company], Answered]
    classes: bool = False


def _in_groups(ask: Ask, company: Company, groups: list[Places]) -> Answered:
    """Asks group by group."""
    groups = [group for group in groups if len(group)]
    answers = [ask(_at(company.case.query, group)) for group in groups]
    return Answered(np.concatenate(groups), np.concatenate(answers))


def _at(query: Tensor, places: Places) -> Tensor:
    return query[torch.from_numpy(places).to(query.device)]


def _alone(ask: Ask, company: Company) -> Answered:
    places = company.places[: company.alone]
    return _in_groups(ask, company, list(places[:, None]))


def _by_class(ask: Ask, company: Company) -> Answered:
    labels = company.case.drawn.query_labels[0]
    return _in_groups(ask, company, [np.flatnonzero(labels == c) for c in np.unique(labels)])


def _in_chunks(ask: Ask, company: Company) -> Answered:
    places = company.places
    return _in_groups(ask, company, [places[i : i + CHUNK] for i in range(0, len(places), CHUNK)])


def _in_halves(ask: Ask, company: Company) -> Answered:
    return _in_groups(ask, company, np.array_split(company.places, 2))


def _skewed(ask: Ask, company: Company) -> Answered:
    """Asks the largest subset whose classes have shares drawn from a Dirichlet distribution."""
    classes, labels, there = np.unique(
        company.case.drawn.query_labels[0], return_inverse=True, return_counts=True
    )
    shares = company.rng.dirichlet(np.full(len(classes), CONCENTRATION)).clip(1e-12)
    kept = np.floor(shares * (there / shares).min() + 1e-9).astype(np.int64)
    groups = [np.flatnonzero(labels == c)[: kept[c]] for c in range(len(classes))]
    return _in_groups(ask, company, [np.sort(np.concatenate(groups))])


def _twice(ask: Ask, company: Company) -> Answered:
    places = company.places
    answers = ask(torch.cat([company.case.query] * 2))
    return Answered(np.tile(places, 2), answers)


def _among_others(ask: Ask, company: Company) -> Answered:
    """Asks among as many others, in random order: half another episode's, half of them noise."""
    query, others = company.case.query, company.others
    count = len(query)
    picked = _at(others, company.rng.integers(0, len(others), count))
    cut = count - count // 2
    flat = picked[cut:].flatten()
    noise = flat[torch.from_numpy(company.rng.permutation(len(flat))).to(flat.device)]
    mixed = torch.cat([query, picked[:cut], noise.view_as(picked[cut:])])
    order = company.rng.permutation(2 * count)
    answers = ask(_at(mixed, order))[np.argsort(order)]
    return Answered(company.places, answers[:count])


def _reordered(ask: Ask, company: Company) -> Answered:
    order = company.rng.permutation(len(company.case.query))
    return Answered(order, ask(_at(company.case.query, order)))


MODES = (
    Mode("alone", "each query by itself", _alone),
    Mode("one class", "the queries of one class at a time", _by_class, classes=True),
    Mode("dirichlet", "classes in shares drawn from Dirichlet(2)", _skewed, classes=True),
    Mode("sevens", "seven queries at a time", _in_chunks),
    Mode("halves", "one half of the queries, then the other", _in_halves),
    Mode("duplicated", "every query twice", _twice),
    Mode("contaminated", "among as many queries of another episode and noise", _among_others),
)
"""In all of these a query keeps its answer if it is judged alone."""

REORDERED = Mode("reordered", "the queries in another order", _reordered)
"""Here it does so in any case, unless its place among the queries is used."""
