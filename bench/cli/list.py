"""`bench list`: what there is."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import rich_click as click

from bench.cli.options import debug_option, plugin_option

if TYPE_CHECKING:
    from bench.registry import Registry

KINDS = ("algorithms", "datasets", "backbones")


@click.command("list", short_help="List algorithms, datasets and backbones.")
@click.argument("kind", required=False, type=click.Choice(KINDS))
@plugin_option
@debug_option
def list_plugins(kind: str | None, plugin: tuple[str, ...], debug: bool) -> None:
    """List algorithms, datasets and backbones, or one KIND of them."""
    from tabulate import tabulate

    from bench.registry import load_registry

    registry = load_registry(plugin)
    tables = {"algorithms": _algorithms, "datasets": _datasets, "backbones": _backbones}
    chosen = [kind] if kind else list(KINDS)
    for name in chosen:
        rows = tables[name](registry)
        click.echo(f"{name}\n{tabulate(rows, headers='keys')}" + ("\n" if not kind else ""))
    for record in registry.broken:
        click.echo(f"not loaded: {record.module}: {record.error}", err=True)
    for catalogue in (registry.algorithms, registry.datasets):
        for name, origins in catalogue.duplicates().items():
            where = " and ".join(origins)
            click.echo(f"unusable: {catalogue.noun} '{name}' is defined by {where}", err=True)


def _algorithms(registry: Registry) -> list[dict[str, str]]:
    from bench.extras import is_installed

    rows = []
    for name, cls in sorted(registry.algorithms.classes.items()):
        missing = [package for package in cls.requires if not is_installed(package)]
        rows.append(
            {
                "name": name,
                "family": cls.family,
                "backbone": cls.backbone or "-",
                "paper": cls.paper or "-",
                "ready": f"bench install {missing[0]}" if missing else "yes",
            }
        )
    return rows


def _datasets(registry: Registry) -> list[dict[str, str]]:
    return [
        {"name": name, "licence": cls.licence or "-", "summary": first_line(cls)}
        for name, cls in sorted(registry.datasets.classes.items())
    ]


def _backbones(registry: Registry) -> list[dict[str, str]]:
    from bench.backbones import BACKBONES

    return [{"name": b.name, "reads": b.reads, "summary": b.summary} for b in BACKBONES.values()]


def first_line(cls: type) -> str:
    """Returns the first sentence line of a class's docstring."""
    return (inspect.getdoc(cls) or "").split("\n", 1)[0]
