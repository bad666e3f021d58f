"""`bench tune`: values of what only tests read, chosen on validation classes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.table import table
from bench.episodes import in_words
from bench.errors import BenchError
from bench.tasks import metric_of

if TYPE_CHECKING:
    from bench.algorithm import Algorithm
    from bench.parameters import Value
    from bench.tasks import Metric
    from bench.tuning import Tried


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=V,V,...",
    help="Values to try of a parameter that only tests read (see bench info ALGO); may be "
    "repeated, for every combination.",
)
@click.option("--ways", type=int, help="Classes per episode. [default: the run's]")
@click.option("--shots", type=int, help="Known examples per class. [default: the run's]")
@click.option("--queries", type=int, help="Queries per class. [default: the run's]")
@click.option(
    "--episodes", type=click.IntRange(2), help="Validation episodes. [default: as in the run]"
)
@click.option(
    "--episode-seed", type=int, help="Seed of the validation episodes. [default: the run's]"
)
@data_root_option
@device_option
@plugin_option
@debug_option
def command(
    run: Path,
    settings: tuple[str, ...],
    ways: int | None,
    shots: int | None,
    queries: int | None,
    episodes: int | None,
    episode_seed: int | None,
    data_root: str | None,
    device: str,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Choose what only tests read, such as inner steps, on validation classes.

    The weights of the finished run in folder RUN are asked for the same validation episodes with
    each value. Nothing is trained or written, and the test data stay closed: choosing a value by
    bench evaluate would be choosing it by the test.

    \b
    Examples:
      bench tune results/RUN --set test_steps=1,5,10
      bench tune results/RUN --set head_lr=0.01,0.1 --set epochs=50,100 --ways 20
    """
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.finished import read_finished
    from bench.retesting import TestWishes
    from bench.runner import set_up_process
    from bench.tuning import prepare_tuning

    record = read_finished(run)
    algorithm = registry.algorithm(record.algorithm.name)
    grid = _grid(settings, algorithm)
    set_up_process(None)
    wishes = TestWishes(ways=ways, shots=shots, queries=queries, episode_seed=episode_seed)
    with bars() as shown:
        tuning = prepare_tuning(
            run,
            registry,
            shown.dataset,
            wishes,
            grid,
            episodes=episodes,
            data_root=data_root,
            device=device,
        )
        tried = list(tuning.run(shown.validation))
    asked = tuning.trials[0][1].job.validation_protocol
    click.echo(report(tried, metric_of(record.data.task)))
    click.echo(
        f"{in_words('fixed', asked.ways, asked.shots)}, {tuning.episodes} episodes of validation "
        f"classes of {record.data.name}, 95% intervals; no test data were opened"
    )
    said = [("--ways", ways), ("--shots", shots), ("--queries", queries)]
    size = [f"{flag} {value}" for flag, value in said if value is not None]
    words = " ".join([shlex.quote(str(run)), *size])
    click.echo(_advice(tried, metric_of(record.data.task), f"bench evaluate {words}"))


def _grid(settings: Sequence[str], algorithm: type[Algorithm]) -> dict[str, tuple[Value, ...]]:
    """Returns the values to try of each parameter, without repetitions."""
    from bench.parameters import parameters_of, read_assignments

    known = ", ".join(algorithm.test_parameters)
    if not known:
        raise BenchError(
            f"{algorithm.name} has no parameter that only tests read, so there is nothing to "
            "choose for finished weights"
        )
    if not settings:
        raise BenchError(
            f"name what to try, such as --set {algorithm.test_parameters[0]}=VALUE,VALUE; of "
            f"{algorithm.name}, tests alone read {known}"
        )
    parameters = {parameter.name: parameter for parameter in parameters_of(algorithm)}
    grid: dict[str, tuple[Value, ...]] = {}
    for name, value in read_assignments(settings).items():
        texts = [text.strip() for text in str(value).split(",")]
        kind = parameters.get(name)
        grid[name] = tuple(dict.fromkeys(kind.parse(text) if kind else text for text in texts))
    return grid


def report(tried: Sequence[Tried], metric: Metric) -> str:
    """Returns a table: values, mean with its interval, and by how much less than the best."""
    from bench.comparison.difference import paired
    from bench.statistics import t_interval
    from bench.tuning import best_of

    best = best_of(tried, metric)
    rows = []
    for one in tried:
        mean, behind = t_interval(one.scores), paired(one.scores, best.scores)
        gap = "the best" if one is best else _signed(behind.mean, behind.half_width, metric)
        text = metric.text(mean.mean, mean.half_width).replace(metric.unit, "")
        rows.append({**one.values, metric.heading: text, "from the best": gap})
    return table(rows, wrapped=())


def _signed(mean: float, half_width: float, metric: Metric) -> str:
    """Returns a difference with its sign, and whether there may be none."""
    reach = f"{metric.factor * half_width:.{metric.places}f}"
    doubt = ", perhaps none" if abs(mean) <= half_width else ""
    return f"{metric.factor * mean:+.{metric.places}f} ± {reach}{doubt}"


def _advice(tried: Sequence[Tried], metric: Metric, command: str) -> str:
    """Returns the command that tests the best values."""
    from bench.tuning import best_of

    if len(tried) == 1:
        return "one combination alone: name several values, such as --set KEY=1,5,10, to choose"
    chosen = (f"--set {name}={value}" for name, value in best_of(tried, metric).values.items())
    return f"test the best: {command} {' '.join(chosen)}"
