"""`bench replay`: the command that reproduces a run, printed or run."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import data_root_option, debug_option
from bench.cli.table import table
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from bench.results import RunRecord


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--out", metavar="DIR", help="Where the new run goes. [default: a new folder]")
@data_root_option
@click.option("--execute", is_flag=True, help="Run the command, then compare the results.")
@debug_option
def command(run: Path, out: str | None, data_root: str | None, execute: bool, debug: bool) -> None:
    """Print, or run, the command that reproduces a run.

    RUN is the folder of a finished run. The command names every value, defaults included; how this
    machine and its packages differ from the run's is told on stderr. With --execute the results are
    compared: weights, episodes, and mean. The exit code is 1 if they differ.

    Of a run that tested another run's weights, the command is a bench evaluate of that run, which
    must be beside it.
    """
    from bench.replay import command_of
    from bench.results import RUN_FILE, read_run

    if not (run / RUN_FILE).is_file():
        raise BenchError(f"{run} holds no run ({RUN_FILE} is not there); name a run's folder")
    record = read_run(run)
    if execute and record.status != "complete":
        raise BenchError(f"the run in {run} is {record.status}; there is nothing to compare with")
    target = Path(out) if out else _new_folder()
    words = command_of(run, record, str(target), data_root)
    click.echo(shlex.join(words))
    for note in _notes(record):
        click.echo(f"bench: {note}", err=True)
    if execute:
        _execute(record, words, target)


def _new_folder() -> Path:
    """Returns the first of replays, replays-2, ... that is not there."""
    names = itertools.chain(["replays"], (f"replays-{number}" for number in itertools.count(2)))
    return next(path for path in map(Path, names) if not path.exists())


def _notes(record: RunRecord) -> list[str]:
    """Returns what may keep the command from giving the same, a line each."""
    import torch

    from bench.provenance import describe_environment
    from bench.replay import changes, plugins_of

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    notes = list(changes(record.environment, describe_environment(device)))
    missing = [p for p in plugins_of(record) if p.endswith(".py") and not Path(p).is_file()]
    return notes + [f"the plugin {path} is not there; name it with -p" for path in missing]


def _execute(earlier: RunRecord, words: tuple[str, ...], target: Path) -> None:
    """Runs the command and prints how its result compares; raises RunFailed if it differs."""
    from bench.replay import compare
    from bench.results import find_runs, read_run

    there = set(find_runs(target)) if target.exists() else set()
    ran = subprocess.run(
        [sys.executable, "-m", *words], check=False, stdout=subprocess.PIPE, text=True
    )
    click.echo(ran.stdout, err=True, nl=False)
    if ran.returncode:
        raise RunFailed("the command failed; see above")
    made = [folder for folder in find_runs(target) if folder not in there]
    if len(made) != 1:
        raise RunFailed(f"{target} holds {len(made)} new runs; one was expected")
    found = compare(earlier, read_run(made[0]))
    rows = [
        {"compared": one.what, "earlier": one.earlier, "now": one.now, "verdict": one.verdict}
        for one in found
    ]
    click.echo(table(rows, wrapped=("earlier", "now")))
    verdicts = {one.verdict for one in found}
    if "differs" in verdicts:
        raise RunFailed(f"{made[0]} differs from the run that was replayed")
    near = "within tolerance" in verdicts
    click.echo(f"{made[0]}: {'within tolerance' if near else 'the same'}")
