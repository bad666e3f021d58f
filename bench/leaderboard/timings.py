"""Timings: which of them may be compared, and which should not be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row


@dataclass(frozen=True)
class Timings:
    """The rows' machines, numbered if there are several, and the doubts about their timings."""

    machines: tuple[str, ...]
    notes: tuple[str, ...]

    def trained(self, row: Row) -> str:
        """Returns the seconds of training for reading, marked."""
        return self._marked(row, _seconds, "{:,.0f} s")

    def core_seconds(self, row: Row) -> str:
        """Returns the core-seconds of training for reading, marked.

        Earlier runs know only the time on the clock: then it is that.
        """
        known = [has_core_seconds(entry) for entry in row.entries]
        text = self._marked(row, core_seconds, "{:,.0f}", doubtful=False)
        return text if all(known) or text == "-" else f"{text} (by the clock)"

    def adaptation(self, row: Row) -> str:
        """Returns the milliseconds of adapting to one task for reading, marked."""
        return self._marked(row, _milliseconds, "{:.3g}")

    def _marked(
        self,
        row: Row,
        value_of: Callable[[Entry], float | None],
        form: str,
        *,
        doubtful: bool = True,
    ) -> str:
        """Returns the mean over the row's runs, with its machines and, if wanted, their doubts."""
        values = [value_of(entry) for entry in row.entries]
        known = [value for value in values if value is not None]
        if not known:
            return "-"
        text = form.format(float(np.mean(known)))
        if len(self.machines) > 1:
            both = zip(row.entries, values, strict=True)
            cards = {machine(entry) for entry, value in both if value is not None}
            text += f" [{','.join(str(1 + self.machines.index(card)) for card in sorted(cards))}]"
        return text + ("?" if doubtful and any(doubt(entry) for entry in row.entries) else "")


def timings_of(rows: Sequence[Row]) -> Timings:
    """Looks through the rows of a table for machines and doubts."""
    entries = [entry for row in rows for entry in row.entries]
    timed = [e for e in entries if _seconds(e) is not None or _milliseconds(e) is not None]
    machines = tuple(sorted({machine(entry) for entry in timed}))
    notes = []
    if len(machines) > 1:
        listed = "; ".join(f"[{number}] {name}" for number, name in enumerate(machines, 1))
        notes.append(
            f"times of different machines, which cannot be compared with one another: {listed}"
        )
    doubts = sorted({doubt(entry) for entry in timed} - {""})
    if doubts:
        notes.append(f"?: a time not to be trusted: {'; '.join(one.rstrip('.') for one in doubts)}")
    return Timings(machines, tuple(notes))


def machine(entry: Entry) -> str:
    """Returns the machine of a run for reading; equal if and only if its timings compare.

    Earlier runs have no machine card; of them it is what their record says of the processor.
    """
    card, kept = entry.record.machine, entry.record.environment
    here, torch = (card, card.torch) if card else (kept, kept.packages.get("torch", "?"))
    known = f"card {card.card[:8]}" if card else "no card"
    return (
        f"{here.processor}, cores {here.cores}, threads {here.threads}, {here.device}, "
        f"torch {torch} ({known})"
    )


def doubt(entry: Entry) -> str:
    """Returns why a run's timings should not be trusted, or ''."""
    return entry.record.cost.doubt if entry.record.cost else ""


def core_seconds(entry: Entry) -> float | None:
    """Returns the core-seconds of a run's training, of earlier runs its seconds on the clock."""
    return entry.record.training.core_seconds or _seconds(entry)


def has_core_seconds(entry: Entry) -> bool:
    """Tells whether a run knows the core-seconds of its training."""
    return entry.record.training.core_seconds > 0


def _seconds(entry: Entry) -> float | None:
    return entry.record.seconds.get("training")


def _milliseconds(entry: Entry) -> float | None:
    return entry.record.cost.adapt_ms if entry.record.cost else None
