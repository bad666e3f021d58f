"""`bench verify`: what a run's record says, checked by testing its weights again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from bench.results import RunRecord
    from bench.verification import Kept, Verification


@click.command
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--no-evaluation", is_flag=True, help="Check hashes and recount figures only; takes no data."
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
    named = [(run, len(below) > 1) for one in runs for below in [_runs_of(one)] for run in below]
    refused: list[BenchError] = []
    verdicts: dict[str, list[str]] = {}
    for number, (run, is_one_of_many) in enumerate(named):
        if number and not is_one_of_many:
            click.echo()
        fuller = False
        try:
            if no_evaluation:
                found = _without_evaluation(run)
            else:
                found = _verified(run, threads, device, data_root, plugin)
                fuller = write and _kept(run, found) == "the fuller one"
        except BenchError as error:
            if debug or len(named) == 1:
                raise
            refused.append(error)
            click.echo(f"{run}: not verified: {error}")
            continue
        click.echo(report(run, found, only_differing=is_one_of_many))
        if fuller and not is_one_of_many:
            click.echo("its record keeps the verification that it has, which checked more")
        verdicts.setdefault(found.verdict, []).append(str(run))
    _sum_up(len(named), verdicts, refused, no_evaluation)


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


def _without_evaluation(run: Path) -> Verification:
    from bench.verification import without_evaluation

    return without_evaluation(run)


def _verified(
    run: Path, threads: int | None, device: str, data_root: str | None, plugin: tuple[str, ...]
) -> Verification:
    """Verifies one run."""
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.runner import set_up_process
    from bench.verification import verify

    set_up_process(threads or _threads_of(run))
    with bars() as shown:
        return verify(
            run,
            registry,
            opening=shown.dataset,
            report=shown.evaluation,
            data_root=data_root,
            device=device,
        )


def _kept(run: Path, found: Verification) -> Kept:
    """Keeps what was found, and tells where; on a disk that takes nothing, says so."""
    from bench.verification import keep

    try:
        return keep(run, found)
    except OSError as error:
        click.echo(f"bench: not kept: cannot write to {run} ({error.strerror or error})", err=True)
        return "nothing"


def _threads_of(run: Path) -> int | None:
    """Returns the number of threads that a run had, if this machine has as many cores."""
    from bench.results import read_run
    from bench.threads import usable_cores

    try:
        record: RunRecord = read_run(run)
    except BenchError:  # verifying says so
        return None
    threads = record.environment.threads
    return threads if 0 < threads <= usable_cores() else None


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
