"""`bench verify`: what a run's record says, checked by testing its weights again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.table import table
from bench.cli.verifying import Asked, judge, side_by_side
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from bench.cli.verifying import Judged
    from bench.verification import Verification


@click.command
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--no-evaluation", is_flag=True, help="Check hashes and recount figures only; takes no data."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Runs side by side, each in a process and told as it ends.",
)
@click.option(
    "--threads", type=click.IntRange(1), help="Torch's. [default: as many as the run had]"
)
@click.option(
    "--write/--no-write",
    default=True,
    help="Keep it in the run's record, and a failure beside it. [default: so]",
)
@device_option
@data_root_option
@plugin_option
@debug_option
def command(
    runs: tuple[Path, ...],
    no_evaluation: bool,
    jobs: int,
    threads: int | None,
    write: bool,
    device: str,
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Check a run's hashes and figures by testing its weights again.

    RUN is the folder of a finished run, or one with runs below it: then all of them, of which only
    the figures that differ are shown. A run is verified if its record and files are as they were
    written, every figure follows from them, and the stored weights give the same scores on the same
    episodes; within tolerance if the mean is less than 0.1 point off and less than 0.5% of the
    decisions turned, as on another machine. That is then kept in the record, unless this says more
    already; with --no-write, the folder stays as it is. The exit code is 1 if a run failed.
    """
    below = {one: _runs_of(one) for one in runs}
    named = list(dict.fromkeys(run for one in below.values() for run in one))
    of_many = {run for found in below.values() if len(found) > 1 for run in found}
    asked = Asked(not no_evaluation, threads, write, device, data_root, plugin)
    jobs = min(jobs, len(named))
    judged = side_by_side(named, asked, jobs) if jobs > 1 else (judge(r, asked) for r in named)
    with closing(judged):  # ends the processes, whatever is raised here
        _tell(judged, len(named), of_many, no_evaluation, debug)


def _tell(
    judged: Iterable[Judged], count: int, of_many: set[Path], no_evaluation: bool, debug: bool
) -> None:
    """Prints what was found of each run, and how many are verified; raises an error if not all."""
    refused: list[BenchError] = []
    verdicts: dict[str, list[str]] = {}
    for number, one in enumerate(judged):
        is_one_of_many = one.run in of_many
        if number and not is_one_of_many:
            click.echo()
        if isinstance(one.found, BenchError):
            if debug or count == 1:
                raise one.found
            refused.append(one.found)
            click.echo(f"{one.run}: not verified: {one.found}")
            continue
        click.echo(report(one.run, one.found, only_differing=is_one_of_many))
        if one.kept == "the fuller one" and not is_one_of_many:
            click.echo("its record keeps the verification that it has, which checked more")
        verdicts.setdefault(one.found.verdict, []).append(str(one.run))
    _sum_up(count, verdicts, refused, no_evaluation)


def _sum_up(
    count: int,
    verdicts: Mapping[str, Sequence[str]],
    refused: Sequence[BenchError],
    no_evaluation: bool,
) -> None:
    """Says how many runs are verified; raises an error if one is not."""
    failed = verdicts.get("failed", ())
    partly = () if no_evaluation else verdicts.get("incomplete", ())
    if count > 1:
        good = count - len(failed) - len(partly) - len(refused)
        click.echo(f"{good} of {count} runs {'unbroken' if no_evaluation else 'verified'}")
    if failed:
        raise RunFailed(f"{len(failed)} of {count} failed: {', '.join(failed)}")
    if partly:
        raise RunFailed(
            f"not verified, as the weights were not tested again: {', '.join(partly)}; "
            "--no-evaluation asks for no more than that"
        )
    if refused:
        raise type(refused[0])(f"{len(refused)} of {count} could not be verified")


def _runs_of(folder: Path) -> list[Path]:
    """Returns the runs below a folder, or the folder itself if it is a run or holds none."""
    from bench.results import RUN_FILE, find_runs

    below = [] if (folder / RUN_FILE).exists() else find_runs(folder)
    return below or [folder]


def report(run: Path, found: Verification, only_differing: bool = False) -> str:
    """Returns the figures as a table, what could not be checked, and the verdict.

    With `only_differing`, the verdict comes first, and figures that are the same and what is never
    checked are left out.
    """
    from bench.agreement import TURNED
    from bench.verification import UNCHECKED

    rows = [
        {"figure": f.name, "recorded": f.recorded, "found": f.found, "verdict": f.verdict}
        for f in found.figures
        if f.verdict != "same" or not only_differing
    ]
    wrong = sum(figure.verdict == "differs" for figure in found.figures)
    verdicts = {
        "verified": "verified: the weights give the recorded scores",
        "within tolerance": "within tolerance: the mean is less than 0.1 point off, less than "
        f"{100 * TURNED:g}% of decisions turned",
        "failed": f"failed: {wrong} of {len(found.figures)} figures differ",
        "incomplete": "nothing is broken, but the weights were not tested again",
    }
    notes = [f"- {n}" for n in found.notes if n != UNCHECKED or not only_differing]
    shown = [table(rows, wrapped=("recorded", "found"))] if rows else []
    verdict = f"{run}: {verdicts[found.verdict]}"
    return "\n".join([verdict, *shown, *notes] if only_differing else [*shown, *notes, verdict])
