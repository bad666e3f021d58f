"""Options that several commands share."""

from __future__ import annotations

import click

from bench.cli.loading import load_plugins

plugin_option = click.option(
    "-p",
    "--plugin",
    "plugin",
    multiple=True,
    metavar="MODULE|FILE.py",
    help="Load a plugin that is not installed; may be repeated.",
)


def complete_names(_: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Completes the name of an algorithm, dataset or backbone, by the option it is for."""
    registry = load_plugins()
    known = {
        "algo": [*registry.algorithms.entries],
        "data": [*registry.datasets.entries],
        "backbone": [*registry.backbones.entries],
    }
    names = known.get(parameter.name or "", [name for names in known.values() for name in names])
    return sorted(name for name in names if name.startswith(incomplete))


debug_option = click.option(
    "--debug", is_flag=True, help="Show the traceback of an error instead of one line."
)

device_option = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1."
)
data_root_option = click.option(
    "--data-root", envvar="BENCH_DATA_ROOT", metavar="DIR", help="Where datasets' files are."
)
