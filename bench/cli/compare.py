"""`bench compare`: differences between runs, on the episodes that they share."""

from __future__ import annotations

import dataclasses
import json
import math
import string
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import debug_option
from bench.cli.table import table
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.comparison.matching import ComparedRun
    from bench.comparison.pairs import Comparison, Pair


@click.command
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN...")
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where runs are looked up that are not named by their folder.",
)
@click.option(
    "--rope",
    type=click.FloatRange(0),
    metavar="SIZE",
    help="The largest difference that does not matter: points of accuracy; in regression percent "
    "of the error. [default: 0.5; in regression 5]",
)
@click.option(
    "--by-seed",
    is_flag=True,
    help="Take runs that differ in the seed alone as one, seeds as units.",
)
@click.option(
    "--fail-if-worse", is_flag=True, help="Exit with code 1 if the first is worse than any other."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@debug_option
def command(
    names: tuple[str, ...],
    results: Path,
    rope: float | None,
    by_seed: bool,
    fail_if_worse: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Compare finished runs pair by pair, on the very episodes that both were tested on.

    RUN is the folder of a run, or a name that one run in DIR has: its folder's, its algorithm's,
    or a part of its folder's.

    The first of a pair is better or worse if the difference is no accident (sign-flip test, Holm's
    correction over all pairs) and larger than --rope; else the two are not separable.
    """
    from bench.comparison.configurations import compare_by_seed, configurations
    from bench.comparison.finding import find_run, read_tested
    from bench.comparison.pairs import check_enough, compare, worse_than

    check_enough(names)
    if rope is not None and not math.isfinite(rope):
        raise BenchError(f"--rope is {rope}; it must be a number such as 0.5")
    runs = [read_tested(find_run(name, results)) for name in names]
    if by_seed:
        groups = configurations(runs)
        check_enough(groups)
        found, shown = compare_by_seed(groups, rope), [group.runs for group in groups]
    else:
        found, shown = compare(runs, rope), [(run,) for run in runs]
    click.echo(json.dumps(_plain(found, shown), indent=2) if as_json else _report(found, shown))
    unfit = [run.name for run in runs if run.record.audit and run.record.audit.verdict == "error"]
    if fail_if_worse and unfit:
        raise RunFailed(f"the audit found errors, so nothing is told of {', '.join(unfit)}")
    worse = worse_than(found)
    if fail_if_worse and worse:
        raise RunFailed(f"{found.names[0]} is worse than {', '.join(worse)}")


def _report(found: Comparison, shown: Sequence[Sequence[ComparedRun]]) -> str:
    record = shown[0][0].record
    title = f"{record.tested.name}, {record.protocol.id}: {found.metric.heading}, 95% intervals"
    return "\n\n".join(
        [
            title,
            _runs(found, shown),
            _pairs(found),
            "\n".join([*_ways(found), *_remarks(found), _rule(found)]),
        ]
    )


def _runs(found: Comparison, shown: Sequence[Sequence[ComparedRun]]) -> str:
    import numpy as np

    from bench.comparison.pairs import setting
    from bench.statistics import t_interval
    from bench.statistics.intervals import interval_text

    rows = []
    for number, members in enumerate(shown):
        means = [run.record.outcome.mean for run in members if run.record.outcome]
        mean, over = sum(means) / len(means), f"{len(members[0].scores)} episodes"
        known = outcome.intervals if (outcome := members[0].record.outcome) else ()
        if len(members) > 1:
            half_width = t_interval(np.array(means)).half_width
            text, over = _text(found, mean, half_width), f"{len(members)} seeds"
        elif known:
            text = interval_text(mean, known[0], found.metric).replace(found.metric.unit, "", 1)
        else:
            text = _text(found, mean, t_interval(members[0].scores.values).half_width)
        rows.append(
            {
                "": _letter(number),
                "run": members[0].name,
                found.metric.heading: text,
                "over": over,
                "setting": setting(members[0]),
            }
        )
    return table(rows, wrapped=())


def _pairs(found: Comparison) -> str:
    return table(
        [
            {
                "pair": _couple(pair),
                "difference": _text(found, pair.difference.mean, pair.difference.half_width, "+"),
                "unpaired": f"± {_number(found, pair.unpaired.half_width)}",
                "r": _short(pair.difference.correlation),
                "d_z": _short(pair.difference.effect),
                "p": f"{pair.p:.4f}",
                "Holm": f"{pair.adjusted:.4f}",
                "verdict": pair.judgement.verdict,
            }
            for pair in found.pairs
        ],
        wrapped=(),
    )


def _ways(found: Comparison) -> list[str]:
    """Returns how episodes were matched: a line for all pairs, or one for each way."""
    ways: dict[str, list[Pair]] = {}
    for pair in found.pairs:
        counted = f"{pair.episodes} episodes, {pair.how}" if found.flips else pair.how
        ways.setdefault(counted, []).append(pair)
    if len(ways) == 1:
        return [*ways]
    return [f"{', '.join(map(_couple, pairs))}: {way}" for way, pairs in ways.items()]


def _remarks(found: Comparison) -> list[str]:
    """Returns what else there is to say of pairs, a line for each thing."""
    said: dict[str, list[str]] = {}
    for pair in found.pairs:
        for note in (pair.judgement.remark, *pair.notes):
            if note:
                said.setdefault(note, []).append(_couple(pair))
    return [f"{', '.join(pairs)}: {note}" for note, pairs in said.items()]


def _rule(found: Comparison) -> str:
    from bench.comparison.rope import words
    from bench.comparison.verdict import LEVEL

    pairs = len(found.pairs)
    over = f"after Holm's correction over {pairs} pairs" if pairs > 1 else "for the only pair"
    flips = (
        f" ({found.flips:,} sign flips)" if any(p.test == "sign flips" for p in found.pairs) else ""
    )
    rule = (
        f"better or worse, of the first: p{flips} below {LEVEL} {over}, and a difference of more "
        f"than {words(found.metric, found.size)}"
    )
    if found.flips:
        rule += "\neach run is one training; --by-seed compares methods, from several seeds of each"
    return rule


def _plain(found: Comparison, shown: Sequence[Sequence[ComparedRun]]) -> dict[str, object]:
    record = shown[0][0].record
    return {
        "data": record.tested.name,
        "protocol": record.protocol.id,
        "metric": found.metric.name,
        "rope": found.size,
        "flips": found.flips,
        "runs": [[run.name for run in members] for members in shown],
        "pairs": [_plain_pair(found, pair) for pair in found.pairs],
    }


def _plain_pair(found: Comparison, pair: Pair) -> dict[str, object]:
    values = dataclasses.asdict(pair)
    for part in ("difference", "unpaired"):
        values[part] |= {"low": getattr(pair, part).low, "high": getattr(pair, part).high}
        values[part] = {key: _finite(value) for key, value in values[part].items()}
    values |= {"first": found.names[pair.first], "second": found.names[pair.second]}
    values |= {"p": _finite(pair.p), "adjusted": _finite(pair.adjusted)}
    judgement: dict[str, object] = values.pop("judgement")
    return values | judgement


def _finite(value: float | None) -> float | None:
    """Returns a number, or None if JSON has none like it."""
    return value if value is not None and math.isfinite(value) else None


def _couple(pair: Pair) -> str:
    return f"{_letter(pair.first)} - {_letter(pair.second)}"


def _letter(number: int) -> str:
    letters = string.ascii_uppercase
    return letters[number] if number < len(letters) else f"#{number + 1}"


def _text(found: Comparison, mean: float, half_width: float, sign: str = "") -> str:
    return f"{_number(found, mean, sign)} ± {_number(found, half_width)}"


def _number(found: Comparison, value: float, sign: str = "") -> str:
    return f"{found.metric.factor * value:{sign}.{found.metric.places}f}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
