"""`bench data doctor`: what is wrong with a folder of images, and what to do about it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import debug_option
from bench.cli.progress import bars
from bench.errors import BenchError, RunFailed
from bench.files import write_atomically

if TYPE_CHECKING:
    from bench.doctor.diagnosis import Diagnosis
    from bench.doctor.finding import Affected, Finding

LINE = 100


@click.command
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option(
    "--least",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    metavar="N",
    help="Images that a class needs, as --set data.least.",
)
@click.option(
    "--depth",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Folders that name a class, as --set data.depth; 0 for all.",
)
@click.option(
    "--likeness",
    type=click.FloatRange(0.6, 1.0),
    default=0.9,
    show_default=True,
    metavar="R",
    help="Correlation from which two images are nearly the same.",
)
@click.option(
    "--names",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="Names to print of each finding.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all names.")
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write all findings, a row for each file.",
)
@click.option(
    "--group-csv",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also list the images, near-duplicates in one group, for --data folder:FILE.",
)
@debug_option
def command(
    path: Path,
    least: int,
    depth: int,
    likeness: float,
    names: int,
    as_json: bool,
    table: Path | None,
    group_csv: Path | None,
    debug: bool,
) -> None:
    """Look through the images at PATH for what is wrong with them.

    PATH is a folder, a zip, or a table with the columns path and class, as --data folder:PATH takes
    them. Every file is read; nothing is changed. Errors are what a run would refuse, or what would
    make its numbers wrong; the exit code is 1 if there are any.
    """
    from bench.doctor.diagnosis import diagnose
    from bench.doctor.tables import findings_table, group_table

    with bars() as shown:
        found = diagnose(path, shown.reading, least=least, depth=depth, likeness=likeness)
    if table is not None:
        _write(table, findings_table(found))
    if group_csv is not None:
        _write(group_csv, group_table(found, group_csv))
    click.echo(json.dumps(_plain(found), indent=2) if as_json else _report(found, names))
    for target in (table, group_csv):
        if target is not None:
            click.echo(f"written: {target}", err=True)
    if found.has_errors:
        errors = [one.title for one in found.findings if one.severity == "error"]
        raise RunFailed(f"{path} has errors: {', '.join(errors)}")


def _write(target: Path, content: bytes) -> None:
    try:
        write_atomically(target, content)
    except OSError as error:
        raise BenchError(f"cannot write {target} ({error.strerror or error})") from error


def _report(found: Diagnosis, names: int) -> str:
    """Returns the findings as text, the worst first."""
    lines = [_headline(found)]
    for severity, some in groupby(found.findings, key=lambda one: one.severity):
        findings = list(some)
        lines.append("")
        lines.append(severity if len(findings) == 1 else f"{severity}s")
        lines += [_finding(one, names) for one in findings]
    if not found.findings:
        lines.append("nothing was found")
    return "\n".join(lines)


def _headline(found: Diagnosis) -> str:
    splits = ", ".join(f"{count:,} in {split}" for split, count in found.splits.items())
    images, classes = len(found.images), found.classes
    text = f"{found.path}: {images:,} image{'s' * (images != 1)} in {classes:,} class"
    return f"{text}{'es' * (classes != 1)}, {splits or 'no split'}"


def _finding(one: Finding, names: int) -> str:
    groups = " groups" if any(who.group for who in one.affected) else ""
    title = f"  {one.title}: {one.count:,}{groups if one.count > 1 else groups.rstrip('s')}"
    return "\n".join(
        [
            title,
            *(_wrapped(line, "    ") for line in _members(one.affected, names)),
            _wrapped(f"-> {one.cure}", "    "),
        ]
    )


def _members(affected: Sequence[Affected], most: int) -> list[str]:
    """Returns a line for each of the first who are affected, groups as one, and one on the rest."""
    if any(who.group for who in affected):
        found = [list(some) for _, some in groupby(affected, key=lambda who: who.group)]
        lines = [" = ".join(map(_named, some[:most])) + _more(some, most) for some in found]
    else:
        lines = [_named(who) for who in affected]
    rest = len(lines) - most
    return [*lines[:most], *([f"and {rest:,} more"] if rest > 0 else [])]


def _more(some: Sequence[Affected], most: int) -> str:
    return f" and {len(some) - most:,} more" if len(some) > most else ""


def _named(who: Affected) -> str:
    return f"{who.name} ({who.detail})" if who.detail else who.name


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        LINE,
        initial_indent=indent,
        subsequent_indent=f"{indent}   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(found: Diagnosis) -> dict[str, Any]:
    """Returns the findings as JSON has them."""
    return {
        "path": str(found.path),
        "images": len(found.images),
        "classes": found.classes,
        "splits": found.splits,
        "findings": [
            {
                "kind": one.kind,
                "severity": one.severity,
                "title": one.title,
                "count": one.count,
                "cure": one.cure,
                "affected": [
                    {"name": who.name}
                    | ({"detail": who.detail} if who.detail else {})
                    | ({"group": who.group} if who.group else {})
                    for who in one.affected
                ],
            }
            for one in found.findings
        ],
    }
