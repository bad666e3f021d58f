"""`bench published`: numbers from papers, with their sources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from bench.cli.options import debug_option
from bench.cli.table import table
from bench.errors import BenchError, NothingMatched, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.published import Published


@click.command
@click.option("--data", metavar="NAME", help="Only of this dataset.")
@click.option("--ways", type=click.IntRange(1), help="Only of tasks with this many classes.")
@click.option("--shots", type=click.IntRange(1), help="Only with this many examples a class.")
@click.option("--method", metavar="TEXT", help="Only methods with this in their name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@debug_option
def command(
    data: str | None,
    ways: int | None,
    shots: int | None,
    method: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Show the numbers that papers published: where each was read, by what protocol, how sure.

    Settings: inductive, each query judged alone; transductive, queries inform one another.
    """
    from bench.published import published

    everything = published()
    known = {number.data for number in everything}
    if data is not None and data not in known:
        raise BenchError(f"no published numbers on '{data}'; {nearest(data, known)}")
    wanted = (method or "").lower()
    chosen = [
        number
        for number in everything
        if data in (None, number.data)
        and ways in (None, number.ways)
        and shots in (None, number.shots)
        and (wanted in number.method.lower() or wanted == number.algorithm)
    ]
    if not chosen:
        raise NothingMatched("no published number is like that; leave out an option")
    click.echo(json.dumps([_plain(n) for n in chosen], indent=2) if as_json else _report(chosen))


def _report(numbers: Sequence[Published]) -> str:
    """Returns a table for each dataset, metric and protocol."""
    groups: dict[str, list[Published]] = {}
    for number in numbers:
        title = f"{number.data}, {number.protocol}, {number.metric.heading}"
        groups.setdefault(title, []).append(number)
    return "\n\n".join(f"{title}\n\n{_table(members)}" for title, members in groups.items())


def _table(numbers: Sequence[Published]) -> str:
    return table(
        [
            {
                "method": number.method,
                "value": number.text,
                "setting": number.setting,
                "source": number.source + (f"; {number.note}" if number.note else ""),
            }
            for number in numbers
        ],
        wrapped=("method", "source"),
    )


def _plain(number: Published) -> dict[str, object]:
    return {
        "method": number.method,
        "algorithm": number.algorithm or None,
        "paper": number.paper,
        "where": number.where,
        "data": number.data,
        "ways": number.ways,
        "shots": number.shots,
        "metric": number.metric.name,
        "printed": number.text,
        "value": number.value,
        "half_width": number.half_width,
        "backbone": number.backbone,
        "setting": number.setting,
        "certainty": number.certainty,
        "note": number.note,
    }
