"""`bench suite`: the one command that makes every row of a table."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.stopping import stop_on_signal
from bench.cli.suite_table import Reporter, standing
from bench.errors import BenchError, Interrupted, RunFailed, nearest
from bench.recipe import read_recipe

if TYPE_CHECKING:
    from bench.suite import Suite
    from bench.suite.child import Attempt
    from bench.suite.jobs import Plan
    from bench.suite.state import Found


@click.command
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--dry-run", is_flag=True, help="Show what is done and what is not, then stop.")
@click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Trainings side by side, of one thread each.",
)
@click.option("--minutes", type=float, metavar="M", help="Stop after so long; go on later.")
@click.option(
    "--only",
    multiple=True,
    metavar="TEXT",
    help="Only the recipe of this name, or those that have it in theirs; may be repeated.",
)
@click.option(
    "--retry",
    is_flag=True,
    help="Try again what failed; make anew what failed to verify, or was altered.",
)
@click.option(
    "--renew", is_flag=True, help="Do anew what an older recipe made, or other code began."
)
@click.option(
    "--verify", is_flag=True, help="Verify each test, as bench verify does; again if it failed."
)
@data_root_option
@device_option
@plugin_option
@debug_option
def command(
    folder: Path,
    dry_run: bool,
    jobs: int,
    minutes: float | None,
    only: tuple[str, ...],
    retry: bool,
    renew: bool,
    verify: bool,
    data_root: str | None,
    device: str,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Make every row that the suite.toml in FOLDER asks for and that is not there.

    What is done is left alone, what was cut goes on, and when a row fails, the next one follows.
    Each training and each test is a process of its own, whose output is in FOLDER/.logs. Ctrl-C
    ends them so that the same command goes on. The exit code is 1 if a row failed, 2 if rows are
    left to be made.

    \b
    Examples:
      bench suite results/reference/omniglot --dry-run
      bench suite results/reference/omniglot --jobs 2 --minutes 60
    """
    from bench.suite import read_suite
    from bench.suite.conductor import LOGS
    from bench.suite.failures import recalled
    from bench.suite.jobs import Plan
    from bench.suite.state import found

    if jobs < 1:
        raise BenchError(f"--jobs is {jobs}; it must be at least 1")
    if minutes is not None and not minutes > 0:
        raise BenchError(f"--minutes is {minutes:g}; it must be more than 0")
    suite = _chosen(read_suite(folder), only)

    def look() -> Sequence[Found]:
        return recalled(folder / LOGS, found(suite, folder), suite.test)

    tests = look()
    flags = [] if device == "auto" else ["--device", device]
    flags += [word for name in plugin for word in ("-p", name)]
    plan = Plan(suite.test, folder, retry, renew, verify, flags=tuple(flags))
    plan = _checked(suite, plan, tests, plugin, data_root, dry_run)
    if dry_run:
        click.echo(standing(tests))
        return

    attempts, stopped = _made(plan, look, jobs, minutes, data_root)
    tests = look()
    click.echo(standing(tests, attempts))
    _judge(tests, attempts, stopped, folder)


def _chosen(suite: Suite, only: Sequence[str]) -> Suite:
    """Returns a suite with the trainings that were asked for; raises BenchError if none was."""
    names = [read_recipe(training.recipe).name for training in suite.training]
    wanted = {name for text in only for name in _named(text, names)}
    both = zip(suite.training, names, strict=True)
    kept = [one for one, name in both if not only or name in wanted]
    return replace(suite, training=tuple(kept))


def _named(text: str, names: Sequence[str]) -> list[str]:
    """Returns the recipe that has a name, with or without its folder; else those that have it in.

    Raises:
        BenchError: there is none.
    """
    bare = text.removesuffix(".toml")
    exact = [name for name in names if bare in (name, name.rpartition("/")[2])]
    found = exact or [name for name in names if text in name]
    if not found:
        raise BenchError(f"no recipe has '{text}' in its name; {nearest(text, set(names))}")
    return found


def _checked(
    suite: Suite,
    plan: Plan,
    tests: Sequence[Found],
    plugin: Sequence[str],
    data_root: str | None,
    dry_run: bool,
) -> Plan:
    """Returns a plan that knows whose code has changed.

    Raises:
        BenchError: plugins object, or the data have no room for a test; in a dry run only data
            that are in the cache are asked.
    """
    if all(one.state == "done" for one in tests) and not plan.verify:
        return plan
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.dataset import DataFiles
    from bench.job import data_root as chosen_root
    from bench.suite import SUITE_FILE
    from bench.suite.datacheck import check_by_data
    from bench.suite.plugincheck import changed_code, check_by_plugins

    check_by_plugins(suite, registry, plan.folder / SUITE_FILE)
    with bars() as shown:
        files = DataFiles(chosen_root(data_root), not dry_run, shown.download)
        check_by_data(suite, tests, registry, files, shown.dataset, only_cached=dry_run)
    return replace(plan, changed=changed_code(tests, registry))


def _made(
    plan: Plan,
    look: Callable[[], Sequence[Found]],
    jobs: int,
    minutes: float | None,
    data_root: str | None,
) -> tuple[Sequence[Attempt], str]:
    """Makes what there is to make; returns what was tried, and why it stopped before the end."""
    from bench.suite.conductor import Conductor

    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    more = {"BENCH_DATA_ROOT": data_root} if data_root else {}
    with stop_on_signal() as asked, _hangup_stops():

        def stop() -> bool:
            return asked() or time.monotonic() >= end

        try:
            attempts = Conductor(plan, look, stop, Reporter(), jobs, more=more).run()
        except KeyboardInterrupt:
            return (), "interrupted"
        if asked():
            return attempts, "interrupted"
        late = minutes and time.monotonic() >= end
        return attempts, f"stopped after {minutes:g} minutes" if late else ""


def _judge(tests: Sequence[Found], attempts: Sequence[Attempt], stopped: str, folder: Path) -> None:
    """Raises what the exit code is to say: Interrupted for rows that are left, RunFailed else."""
    from bench.suite.conductor import LOGS

    again = shlex.join(["bench", *sys.argv[1:]])
    left = sum(one.state in ("missing", "cut") for one in tests)
    if stopped and left:
        raise Interrupted(f"{stopped}; go on with: {again}")
    bad = {number for number, one in enumerate(tests) if one.state in ("failed", "altered")}
    bad |= {attempt.job.place for attempt in attempts if attempt.failed}
    if bad:
        raise RunFailed(
            f"{len(bad)} of {_rows(tests)} {_fate(tests)}; their output is in {folder / LOGS}; "
            "--retry tries them again"
        )
    outdated = sum(one.state == "outdated" for one in tests)
    if outdated:
        raise RunFailed(
            f"{outdated} of {_rows(tests)} outdated; --renew makes them by today's recipes"
        )
    if left:
        raise Interrupted(f"{left} of {_rows(tests)} left; go on with: {again}")


def _fate(tests: Sequence[Found]) -> str:
    return "failed or altered" if any(one.state == "altered" for one in tests) else "failed"


def _rows(tests: Sequence[Found]) -> str:
    return f"{len(tests)} row{'s' * (len(tests) != 1)}"


@contextmanager
def _hangup_stops() -> Iterator[None]:
    """Lets the end of the terminal stop all as Ctrl-C does: the children are not its own."""
    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL:  # as under nohup
        yield
        return
    signal.signal(number, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)
