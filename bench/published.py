"""Published numbers: what papers and repositories print, each with where it was read; no torch.

They are shown beside what was measured here, and never take part in a ranking: protocols, splits
and settings differ, and nobody published the episodes.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench.tasks import ACCURACY, METRICS, Metric

FILE = Path(__file__).with_name("published.toml")
Setting = Literal["inductive", "transductive", "unclear"]
Certainty = Literal["paper", "repository", "quoted", "rerun"]
CERTAINTIES: Mapping[str, str] = {
    "paper": "read in the paper",
    "repository": "read in the authors' repository",
    "quoted": "read only as quoted",
    "rerun": "a third party's rerun",
}
_PROTOCOL = re.compile(r"(?:(?P<ways>\d+)w(?P<one>\d+)s|(?P<only>\d+)s)")
_VALUE = re.compile(r"(?P<value>\d+(?:\.\d+)?)(?: ± (?P<half_width>\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Result:
    """One row of a published table: `values` are as printed, by protocol, as in the data file."""

    method: str
    paper: str
    where: str
    data: str
    backbone: str
    setting: Setting
    certainty: Certainty
    values: dict[str, str]
    algorithm: str = ""
    metric: str = ACCURACY.name
    note: str = ""


@dataclass(frozen=True)
class _File:
    result: list[Result] = field(default_factory=list)


@dataclass(frozen=True)
class Published:
    """One published number: `value` and `half_width` in the unit of records, `text` as printed.

    `ways` is None in regression; `half_width` where no interval was printed. `algorithm` is what
    the same method is called in bench, or ''.
    """

    method: str
    algorithm: str
    paper: str
    where: str
    data: str
    ways: int | None
    shots: int
    metric: Metric
    text: str
    value: float
    half_width: float | None
    backbone: str
    setting: Setting
    certainty: Certainty
    note: str

    @property
    def protocol(self) -> str:
        """Ways and shots for reading."""
        return f"{self.shots}-shot" if self.ways is None else f"{self.ways}-way {self.shots}-shot"

    @property
    def source(self) -> str:
        """Where the number stands, and how sure it is."""
        return f"{self.paper}, {self.where} ({CERTAINTIES[self.certainty]})"


@functools.cache
def published() -> tuple[Published, ...]:
    """Returns every published number, in the order of the data file."""
    rows = msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), _File).result
    return tuple(_number(row, key, text) for row in rows for key, text in row.values.items())


def _number(row: Result, key: str, text: str) -> Published:
    protocol, printed = _PROTOCOL.fullmatch(key), _VALUE.fullmatch(text)
    if protocol is None or printed is None:
        raise ValueError(f"{FILE.name}: {row.method}, {row.paper}: {key} = {text!r}")
    metric = METRICS[row.metric]
    half_width = printed["half_width"]
    return Published(
        row.method,
        row.algorithm,
        row.paper,
        row.where,
        row.data,
        int(protocol["ways"]) if protocol["ways"] else None,
        int(protocol["one"] or protocol["only"]),
        metric,
        text,
        float(printed["value"]) / metric.factor,
        float(half_width) / metric.factor if half_width else None,
        row.backbone,
        row.setting,
        row.certainty,
        row.note,
    )
