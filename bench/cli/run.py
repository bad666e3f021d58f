"""`bench run`: train an algorithm on a dataset, test it, and keep the result."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bench.cli.config_file import as_toml, read_config
from bench.cli.elsewhere import Others, Place, first_and_others, test_elsewhere
from bench.cli.loading import load_plugins
from bench.cli.options import (
    complete_names,
    data_root_option,
    debug_option,
    device_option,
    plugin_option,
)
from bench.cli.profile import profile_table
from bench.cli.recipe_option import by_recipe, complete_recipes, read_named
from bench.cli.seeds import read_seeds, seeds_summary
from bench.cli.stopping import stop_on_signal
from bench.cli.summary import check_counts, summary
from bench.config import RunConfig
from bench.errors import BenchError, Interrupted
from bench.parameters import read_assignments
from bench.threads import busy_cores, choose_threads, read_processor, usable_cores

if TYPE_CHECKING:
    from bench.measurements import RecipeRecord
    from bench.recipe import Recipe
    from bench.registry import Registry
    from bench.results import RunRecord


@click.command
@click.option(
    "--algo",
    required=True,
    metavar="NAME",
    shell_complete=complete_names,
    help="Algorithm; see bench list.",
)
@click.option(
    "--data",
    required=True,
    metavar="NAME",
    shell_complete=complete_names,
    help="Dataset; see bench list.",
)
@click.option("--ways", type=int, help="Classes per test episode. [default: 5]")
@click.option(
    "--shots",
    type=int,
    help="Known examples per class, or points of a curve. [default: the data's, often 1]",
)
@click.option(
    "--queries", type=int, help="Queries per class, or per curve. [default: the data's, often 15]"
)
@click.option(
    "--protocol",
    default="fixed",
    show_default=True,
    metavar="KIND",
    help="Of the test: fixed, dirichlet, single, disjoint, within, variable, variable-within, "
    "folds.",
)
@click.option(
    "--test-data",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_names,
    help="Test on other data; may be repeated, each gives a result. [default: --data]",
)
@click.option(
    "--resize-test",
    is_flag=True,
    help="Make the images of --test-data as large as those of --data.",
)
@click.option(
    "--episodes", type=int, help="Test episodes. [default: 1000, or all that the protocol gives]"
)
@click.option(
    "--episode-seed", type=int, default=0, show_default=True, help="Seed of the test episodes."
)
@click.option(
    "--episodes-file",
    metavar="FILE",
    help="Test on the episodes in a sealed file, or its first --episodes; see bench episodes.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the training.")
@click.option("--seeds", metavar="0..4", help="Several trainings, one for each seed; or 0,3,7.")
@click.option(
    "--set",
    "set",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the algorithm, or data.KEY of the dataset; see bench info.",
)
@click.option(
    "--backbone",
    metavar="NAME",
    shell_complete=complete_names,
    help="Embedding network; see bench list backbones.",
)
@click.option("--steps", type=int, help="Training steps. [default: the algorithm's plan]")
@click.option("--meta-batch", type=int, help="Episodes per step. [default: the plan]")
@click.option("--train-ways", type=int, help="Classes per training episode. [default: the plan]")
@click.option("--train-shots", type=int, help="Support images in training. [default: the plan]")
@click.option("--train-queries", type=int, help="Query images in training. [default: the plan]")
@click.option(
    "--schedule",
    metavar="KIND",
    help="Learning rate: constant, cosine, linear, halving:STEPS. [default: the plan]",
)
@click.option(
    "--train-on",
    default="train",
    show_default=True,
    metavar="train|train+val",
    help="Classes to learn from; with train+val the last weights are kept.",
)
@click.option("--validate-every", type=int, help="Steps between validations. [default: a tenth]")
@click.option(
    "--validation-episodes", type=int, default=100, show_default=True, help="Per validation."
)
@click.option(
    "--checkpoint-every", type=int, default=50, show_default=True, help="Steps between saves."
)
@device_option
@click.option(
    "--threads", type=int, default=0, show_default=True, help="Torch's; 0: one per idle core."
)
@click.option(
    "--out", default="results", show_default=True, metavar="DIR", help="Where run folders go."
)
@data_root_option
@click.option(
    "--download/--no-download", default=True, show_default=True, help="Fetch missing data."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    callback=read_config,
    is_eager=True,
    expose_value=False,
    metavar="FILE.toml",
    help="Read values from a file whose keys are these flags; flags override it.",
)
@click.option(
    "--recipe",
    callback=read_named,
    shell_complete=complete_recipes,
    is_eager=True,
    metavar="NAME|FILE.toml",
    help="How to train; flags override it. See bench list recipes.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option("--force", is_flag=True, help="Redo a run that is there already.")
@click.option("--profile", is_flag=True, help="Show where the time goes; trace a few steps.")
@click.option("--dry-run", is_flag=True, help="Check everything, then stop.")
@click.option("--print-config", is_flag=True, help="Print all resolved values as TOML, then stop.")
@plugin_option
@debug_option
def command(
    recipe: Recipe | None,
    resume: bool,
    force: bool,
    profile: bool,
    dry_run: bool,
    print_config: bool,
    seeds: str | None,
    plugin: tuple[str, ...],
    debug: bool,
    **values: Any,
) -> None:
    """Train an algorithm on a dataset, test it, and keep the result.

    \b
    Examples:
      bench run --algo protonet --data glyphs
      bench run --algo maml --data omniglot --shots 5 --set inner_lr=0.4
    """
    values["set"] = read_assignments(values["set"])
    places: tuple[str, ...] = values.pop("test_data")
    values, made_by = by_recipe(recipe, values, places) if recipe else (values, None)
    chosen = click.get_current_context().get_parameter_source("seed")
    if seeds and chosen is ParameterSource.COMMANDLINE:
        raise BenchError("--seed is one seed and --seeds are several; give one of them")
    config, others = first_and_others(values, places)
    configs = [config]
    if seeds:
        configs = [replace(config, seed=seed) for seed in read_seeds(seeds)]
    if resume and force:
        raise BenchError("--resume goes on and --force starts over; give one of them")
    if print_config and (seeds or len(places) > 1):
        raise BenchError("--print-config is of one run; leave out --seeds, name one --test-data")

    before = read_processor()
    registry = load_plugins(plugin)
    _check_not_contradicted(configs[0])
    threads = _threads(configs[0].threads, busy_cores(before, read_processor()))
    from bench.runner import set_up_process

    set_up_process(threads)
    several = bool(seeds) or len(places) > 1
    todo = _Wishes(resume, force, profile, dry_run, print_config, several, others, made_by)
    records = [_run(config, registry, todo) for config in configs]
    if seeds:
        for place in zip(*filter(None, records), strict=True):
            click.echo(f"\n{seeds_summary(place)}")
    check_counts([record for records_of_run in records for record in records_of_run])


def _check_not_contradicted(config: RunConfig) -> None:
    """Raises BenchError if a flag with a default was given, and asks for others than the file."""
    from bench.episodes_file import contradiction
    from bench.sealed import read_sealed

    if config.episodes_file is None:
        return
    stream = read_sealed(Path(config.episodes_file)).stream
    for name, value in (("protocol", stream.protocol.kind), ("episode_seed", stream.seed)):
        source = click.get_current_context().get_parameter_source(name)
        if source is not ParameterSource.DEFAULT and getattr(config, name) != value:
            raise contradiction(config, name, getattr(config, name), value)


@dataclass(frozen=True)
class _Wishes:
    """What to do with each run; `several`: it is one of several, which may be there already.

    `others` are the datasets to test on besides that of the run; `recipe` is what it is made by.
    """

    resume: bool
    force: bool
    profile: bool
    dry_run: bool
    print_config: bool
    several: bool
    others: Others
    recipe: RecipeRecord | None


def _run(config: RunConfig, registry: Registry, wishes: _Wishes) -> list[RunRecord]:
    """Does one run, or says what it would be; returns its record, and those of tests elsewhere."""
    from bench.cli.progress import bars
    from bench.job import prepare
    from bench.profiling import TRACE_FILE, Profile, Profiler
    from bench.runner import Mode, check_writable, execute, is_complete
    from bench.watcher import Watcher

    record = None
    with bars() as shown:
        job = prepare(config, registry, shown.dataset, shown.download)
        job = replace(job, recipe=wishes.recipe)
        watching = Profiler(job.folder / TRACE_FILE, job.device) if wishes.profile else Profile()
        if not (wishes.dry_run or wishes.print_config):
            with stop_on_signal() as stop:
                watcher = Watcher(shown.training, shown.evaluation, stop, watching)
                there = wishes.several and not wishes.force and is_complete(job.folder)
                mode = Mode(wishes.resume or there, wishes.force)
                record = _execute(execute, job, mode, watcher)
    if wishes.print_config:
        click.echo(as_toml(job))
    elif record is None:
        check_writable(job.folder)
        click.echo(f"all well; this run would be written to {job.folder}")
    else:
        click.echo(summary(record, job.folder))
        if isinstance(watching, Profiler):
            click.echo(f"\n{profile_table(watching)}")
    if record is None:
        return []
    return [record, *_elsewhere(config, registry, job.folder, wishes)]


def _elsewhere(
    config: RunConfig, registry: Registry, folder: Path, wishes: _Wishes
) -> list[RunRecord]:
    """Tests the weights of a run on the other datasets that were asked for."""
    from bench.retesting import TestWishes

    others = wishes.others
    wanted = TestWishes(resize_test=others.resize or None, set=others.settings or None)
    place = Place(config.out, config.data_root, config.device)
    force = wishes.force
    return test_elsewhere(
        folder, registry, others.names, wanted, place, force=force, skip_done=True
    )


def _threads(wanted: int, busy: float) -> int | None:
    """Returns the number of threads, and says so if it is less than the machine has."""
    threads, most = choose_threads(wanted, busy), usable_cores()
    if not wanted and threads is not None and threads < most:
        noun = "thread" if threads == 1 else "threads"
        click.echo(
            f"bench: {threads} {noun}, as others keep {busy:.1f} cores busy; "
            f"--threads {most} takes all",
            err=True,
        )
    return threads


def _execute(execute: Callable[..., RunRecord], *arguments: object) -> RunRecord:
    """Runs the job; an interruption says how to go on."""
    try:
        return execute(*arguments)
    except (Interrupted, KeyboardInterrupt) as error:
        words = ["bench", *sys.argv[1:]]
        command = shlex.join(words if "--resume" in words else [*words, "--resume"])
        reason = str(error) or "interrupted"
        raise Interrupted(f"{reason}; go on with: {command}") from None
