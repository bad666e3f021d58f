"""`bench data show`: an episode, support and query, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, data_root_option, debug_option, plugin_option
from bench.errors import BenchError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.config import RunConfig
    from bench.dataset import Split
    from bench.episodeview import EpisodeView
    from bench.registry import Registry


@click.command
@click.argument("data", metavar="NAME", shell_complete=complete_names)
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="train",
    show_default=True,
    help="Whose classes to draw from.",
)
@click.option(
    "--episode", type=click.IntRange(0), default=0, show_default=True, metavar="I", help="Which."
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
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the episodes.")
@click.option(
    "--set", "sets", multiple=True, metavar="data.KEY=VALUE", help="A parameter of the dataset."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("episode.png"),
    show_default=True,
    metavar="FILE",
    help="The picture to write.",
)
@data_root_option
@click.option(
    "--download/--no-download", default=True, show_default=True, help="Fetch missing data."
)
@plugin_option
@debug_option
def command(
    data: str,
    split: Split,
    episode: int,
    seed: int,
    sets: tuple[str, ...],
    out: Path,
    plugin: tuple[str, ...],
    debug: bool,
    **values: Any,
) -> None:
    """Draw an episode of the dataset NAME as a picture.

    Images become a contact sheet, as methods see them; features a plot of points; functions a
    curve. Episodes are of the train split, unless you ask for another.
    """
    from bench.config import DATA_PREFIX, RunConfig
    from bench.files import replace_atomically
    from bench.lettering import save, without_glyphs
    from bench.parameters import read_assignments

    given = {
        DATA_PREFIX + key.removeprefix(DATA_PREFIX): value
        for key, value in read_assignments(sets).items()
    }
    if out.suffix.lower() != ".png":
        raise BenchError(f"--out is {out}; pictures are written as PNG: name it {out.stem}.png")
    # No algorithm takes part: a run's configuration has the numbers and checks them.
    config = RunConfig(algo="", data=data, set=given, episode_seed=seed, **values)
    if split == "test":
        click.echo(
            "looking at test images is a use of the test data: what you choose after it is chosen "
            "on the test",
            err=True,
        )
    shown = _view(config, split, episode, load_plugins(plugin))
    missing = without_glyphs(one.name for one in shown.classes)
    if missing:
        click.echo(f"no font here has {missing}: such characters are drawn as boxes", err=True)
    picture = _picture(shown)
    try:
        replace_atomically(out, lambda draft: save(picture, draft))
    except OSError as error:
        raise BenchError(f"cannot write {out} ({error.strerror or error})") from error
    click.echo(shown.title)
    click.echo(f"written: {out}")


def _view(config: RunConfig, split: Split, number: int, registry: Registry) -> EpisodeView:
    """Opens the data and draws the episode."""
    import torch

    from bench.cli.progress import bars
    from bench.dataname import DataName
    from bench.dataset import DataFiles
    from bench.episodes import in_words
    from bench.episodeview import view
    from bench.firewall import open_test
    from bench.job import data_root
    from bench.pool import EpisodeStream
    from bench.resolution import resolve_protocols
    from bench.sources import choose, open_source, split_of

    chosen = choose(registry, config.data, config.data_settings())
    protocol = resolve_protocols(config, chosen.dataset).test
    files = DataFiles(data_root(config.data_root), config.download)
    with bars() as shown:
        data = open_source(chosen.dataset, chosen.parameters, files, shown.dataset).data
    if split not in data.record.splits:
        there = " and ".join(data.record.splits)
        raise BenchError(f"{config.data} has no {split} split, only {there}; name it with --split")
    split_of(data, split)
    if split == "test":
        with open_test("show", 1):
            pool = data.pool(split)
    else:
        pool = data.pool(split)
    stream = EpisodeStream(pool, protocol, config.episode_seed, torch.device("cpu"))
    words = in_words(protocol.kind, protocol.ways, protocol.shots)
    label = DataName.parse(config.data).label
    title = f"{label}, {split} split, episode {number} of seed {config.episode_seed}: {words}"
    return view(stream, number, title)


def _picture(shown: EpisodeView) -> Figure:
    """Returns the picture that suits the inputs."""
    from bench.contactsheet import contact_sheet
    from bench.episodeplot import curve_plot, feature_plot

    if shown.classes[0].values is not None:
        return curve_plot(shown)
    return contact_sheet(shown) if len(shown.input_shape) == 3 else feature_plot(shown)
