"""Variants: data of one name that differ in their parameters, and how they are told apart.

Records have the values of all parameters, but not which of them are defaults; so what is shown is
that in which the runs that are here differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench.leaderboard.entry import Entry
from bench.parameters import Value
from bench.results import DataRecord


@dataclass(frozen=True)
class Variants:
    """The parameters that are worth showing, by the name of the data and its fingerprint."""

    shown: dict[tuple[str, str], str]

    def label(self, data: DataRecord) -> str:
        """Returns the name with what sets it apart: `clinc150 (embedding=tfidf)`."""
        told = [self.shown.get((data.name, data.fingerprint), "")]
        if data.reshaped:
            told.append(f"images resized {data.reshaped}")
        apart = ", ".join(text for text in told if text)
        return f"{data.name} ({apart})" if apart else data.name


def variants_of(entries: Iterable[Entry]) -> Variants:
    """Looks through the data that runs were trained and tested on."""
    known: dict[str, dict[str, dict[str, Value]]] = defaultdict(dict)
    for entry in entries:
        for data in (entry.record.data, entry.record.tested):
            known[data.name].setdefault(data.fingerprint, data.parameters)
    return Variants(
        {
            (name, fingerprint): parameters_text(
                {key: value for key, value in parameters.items() if key in _varying(kinds.values())}
            )
            for name, kinds in known.items()
            for fingerprint, parameters in kinds.items()
        }
    )


def parameters_text(parameters: dict[str, Value]) -> str:
    """Returns parameters as one would set them: `split=domains, embedding=tfidf`."""
    return ", ".join(f"{key}={value}" for key, value in parameters.items())


def _varying(kinds: Iterable[dict[str, Value]]) -> set[str]:
    """Returns the parameters that have several values; those that some lack came later."""
    values: dict[str, set[Value]] = defaultdict(set)
    for parameters in kinds:
        for key, value in parameters.items():
            values[key].add(value)
    return {key for key, found in values.items() if len(found) > 1}
