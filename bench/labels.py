"""Labels: what was predicted of pictures, as rows, as CSV, and as a pandas table."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

UNLIKE = "unlike all classes"
UNREADABLE = "unreadable"
IN_SUPPORT = "in the support"
COLUMNS = (
    *("path", "class", "probability", "second_class", "second_probability"),
    *("novelty", "warning"),
)


@dataclass(frozen=True)
class Label:
    """What was predicted of one picture; `class_name` is empty if it could not be read.

    `novelty` is its distance to the nearest class by what is usual; above 1 it is unlike all. It is
    None where the algorithm has no network to tell that by.
    """

    path: str
    class_name: str = ""
    probability: float | None = None
    second_class: str = ""
    second_probability: float | None = None
    novelty: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether the picture could be read."""
        return bool(self.class_name)

    @property
    def is_unlike(self) -> bool:
        """Whether it looks unlike all classes."""
        return UNLIKE in self.warnings

    @property
    def is_known(self) -> bool:
        """Whether the very picture is in the support, too."""
        return any(warning.startswith(IN_SUPPORT) for warning in self.warnings)

    @property
    def row(self) -> tuple[str, ...]:
        """The label as texts, in the order of COLUMNS."""
        return (
            self.path,
            self.class_name,
            _digits(self.probability),
            self.second_class,
            _digits(self.second_probability),
            _digits(self.novelty),
            "; ".join(self.warnings),
        )


@dataclass(frozen=True)
class Labels:
    """The labels of all pictures, in order; the classes, and how many pictures each had in the
    support; and remarks on support and queries."""

    labels: tuple[Label, ...]
    classes: tuple[str, ...]
    support: tuple[int, ...]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __getitem__(self, place: int) -> Label:
        return self.labels[place]

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures each class was given."""
        counted = Counter(label.class_name for label in self.labels)
        return {name: counted[name] for name in self.classes}

    @property
    def unreadable(self) -> tuple[Label, ...]:
        """Those that could not be read."""
        return tuple(label for label in self.labels if not label.is_read)

    def csv(self) -> str:
        """Returns the labels as CSV, with a heading."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(label.row for label in self.labels)
        return text.getvalue()

    def frame(self) -> pd.DataFrame:
        """Returns the labels as a pandas table, with numbers as numbers."""
        import pandas as pd

        return pd.DataFrame(
            {
                "path": [one.path for one in self.labels],
                "class": [one.class_name for one in self.labels],
                "probability": _column(one.probability for one in self.labels),
                "second_class": [one.second_class for one in self.labels],
                "second_probability": _column(one.second_probability for one in self.labels),
                "novelty": _column(one.novelty for one in self.labels),
                "warning": ["; ".join(one.warnings) for one in self.labels],
            }
        )


def _column(values: Iterator[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
