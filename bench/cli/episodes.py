"""`bench episodes`: test episodes in a sealed file: written, and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, data_root_option, debug_option, plugin_option
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.dataset import Split
    from bench.sealed import SealedEpisodes


@click.group(no_args_is_help=True)
def command() -> None:
    """Write test episodes into a sealed file, or show one.

    A sealed file says which images each episode has, as what and in which order, with a hash of
    each image's content: bench run --episodes-file tests on exactly these, on any copy of the data.
    """


@command.command
@click.option(
    "--data", required=True, metavar="NAME", shell_complete=complete_names, help="Dataset."
)
@click.option("--ways", type=int, help="Classes per episode. [default: the data's, often 5]")
@click.option("--shots", type=int, help="Known examples per class. [default: the data's]")
@click.option("--queries", type=int, help="Queries per class. [default: the data's]")
@click.option(
    "--protocol",
    default="fixed",
    show_default=True,
    metavar="KIND",
    help="Kind of episodes, as for bench run.",
)
@click.option(
    "-n", "--episodes", type=int, help="How many. [default: 1000, or all that the protocol gives]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the episodes.")
@click.option(
    "--split",
    type=click.Choice(["test", "val"]),
    default="test",
    show_default=True,
    help="Whose classes to draw from.",
)
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A parameter of the dataset."
)
@data_root_option
@click.option(
    "--download/--no-download", default=True, show_default=True, help="Fetch missing data."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite a file with other episodes.")
@plugin_option
@debug_option
def make(
    data: str,
    sets: tuple[str, ...],
    split: Split,
    seed: int,
    out: Path,
    force: bool,
    plugin: tuple[str, ...],
    debug: bool,
    **values: Any,
) -> None:
    """Draw test episodes and write them into a sealed file.

    They are those that bench run draws with the same numbers and --episode-seed. The same command
    writes the same bytes on every machine.
    """
    from bench.config import DATA_PREFIX, RunConfig
    from bench.files import write_atomically
    from bench.parameters import read_assignments

    given = {
        DATA_PREFIX + key.removeprefix(DATA_PREFIX): value
        for key, value in read_assignments(sets).items()
    }
    # No algorithm takes part: a run's configuration has the numbers and checks them.
    config = RunConfig(algo="", data=data, set=given, episode_seed=seed, **values)
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.sealing import draw_sealed

    with bars() as shown:
        sealed = draw_sealed(config, split, registry, shown.dataset, shown.download)
    if out.exists() and not force and out.read_bytes() != sealed.content:
        raise BenchError(f"{out} exists and holds something else; to overwrite it, add --force")
    try:
        write_atomically(out, sealed.content)
    except OSError as error:
        raise BenchError(f"cannot write {out} ({error.strerror or error})") from error
    size = len(sealed.content)
    click.echo(f"{_headline(sealed)}\n{_counts(sealed)}")
    click.echo(f"{size:,} bytes, {size / len(sealed):.0f} per episode, sha256 {sealed.sha256}")
    click.echo(f"written: {out}")


@command.command
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--episode", type=click.IntRange(0), metavar="I", help="Show every image of episode I."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@debug_option
def show(file: Path, episode: int | None, as_json: bool, debug: bool) -> None:
    """Show what a sealed file of episodes holds, and that nobody altered it.

    The data itself is not needed.
    """
    from bench.cli.sealed_view import described, in_detail, overview
    from bench.sealed import read_sealed

    sealed = read_sealed(file)
    if episode is not None and episode >= len(sealed):
        raise BenchError(
            f"--episode is {episode}, but {file} has {len(sealed)}; the last one is "
            f"{len(sealed) - 1}"
        )
    if as_json:
        click.echo(json.dumps(described(sealed, episode), indent=2))
    elif episode is not None:
        click.echo(in_detail(sealed, episode))
    else:
        click.echo(overview(sealed))


def _headline(sealed: SealedEpisodes) -> str:
    from bench.cli.sealed_view import headline

    return headline(sealed)


def _counts(sealed: SealedEpisodes) -> str:
    from bench.cli.sealed_view import counts

    return counts(sealed)
