"""Verdicts: what the measurements of an item say about its target and its floor."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.item import OURS, Item, Target
from benchmarks.machine import Limits
from benchmarks.record import ItemRecord, Series
from benchmarks.timing import Spread, cpu_ratios, ratios, spread_of


@dataclass(frozen=True)
class Comparison:
    """Ours beside one other contender, with the same number of threads.

    `ratio` is the median over rounds of how many times as much we do per second, `cpu_ratio` per
    processor-second. Both are None in our own row.
    """

    series: Series
    rate: Spread
    cpu_rate: Spread
    ratio: Spread | None
    cpu_ratio: Spread | None


def comparisons(record: ItemRecord) -> list[Comparison]:
    """Returns a comparison for every series, ours first within each number of threads."""
    found = []
    for series in sorted(record.series, key=lambda s: (s.threads, s.contender != OURS)):
        own = find_series(record, OURS, series.threads)
        other = series.contender != OURS and own is not None
        found.append(
            Comparison(
                series,
                spread_of([s.rate for s in series.samples]),
                spread_of([s.cpu_rate for s in series.samples]),
                spread_of(ratios(own.samples, series.samples)) if own and other else None,
                spread_of(cpu_ratios(own.samples, series.samples)) if own and other else None,
            )
        )
    return found


def find_series(record: ItemRecord, label: str, threads: int) -> Series | None:
    """Returns the series with that label and number of threads, or None."""
    for series in record.series:
        if (series.label, series.threads) == (label, threads):
            return series
    return None


def floor_share(item: Item, rate: float, limits: Limits | None) -> float | None:
    """Returns the rate as a share of the most that the processor could do; None if unknown."""
    if item.floor is None or limits is None:
        return None
    most = limits.arithmetic if item.floor.kind == "flop" else limits.conversion
    return rate * item.floor.amount / (most * 1e9)


def call_cost(record: ItemRecord, target: Target) -> Spread | None:
    """Returns processor-seconds a call of ours, less those of `target.against`, over rounds."""
    own = next((s for s in record.series if s.label == OURS), None)
    if own is None:
        return None
    costs = [1 / sample.cpu_rate for sample in own.samples]
    if target.against:
        other = next((s for s in record.series if s.label == target.against), None)
        if other is None:
            return None
        costs = [a - 1 / b.cpu_rate for a, b in zip(costs, other.samples, strict=True)]
    return spread_of(costs)


def verdict(item: Item, record: ItemRecord) -> str:
    """Returns `hit` or `miss`; `-` without a target, and why not if it was not measured.

    Ratios are judged with the most threads that were timed, against the peer as shipped.
    """
    target = item.target
    if record.status != "timed":
        return record.status
    if target.cpu_seconds is not None:
        cost = call_cost(record, target)
        return "not measured" if cost is None else _hit(cost.median <= target.cpu_seconds)
    if target.ratio is None:
        return "-"
    threads = max((series.threads for series in record.series), default=0)
    for one in comparisons(record):
        if (one.series.label, one.series.threads) == (target.against, threads) and one.ratio:
            return _hit(one.ratio.median >= target.ratio)
    return "not measured"


def _hit(reached: bool) -> str:
    return "hit" if reached else "miss"
