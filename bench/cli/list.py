"""`bench list`: what there is."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import debug_option, plugin_option
from bench.cli.table import table

if TYPE_CHECKING:
    from bench.registry import Registry

KINDS = ("algorithms", "datasets", "backbones")


@click.command
@click.argument("kind", required=False, type=click.Choice(KINDS))
@plugin_option
@debug_option
def command(kind: str | None, plugin: tuple[str, ...], debug: bool) -> None:
    """List algorithms, datasets and backbones, or one KIND of them."""
    registry = load_plugins(plugin)
    tables = {"algorithms": _algorithms, "datasets": _datasets, "backbones": _backbones}
    chosen = [kind] if kind else list(KINDS)
    click.echo("\n\n".join(f"{name}\n{tables[name](registry)}" for name in chosen))
    for record in registry.broken:
        click.echo(f"not loaded: {record.module}: {record.error}", err=True)
    catalogues = (registry.algorithms, registry.datasets, registry.backbones, registry.families)
    for catalogue in catalogues:
        for name, origins in catalogue.duplicates().items():
            where = " and ".join(origins)
            click.echo(f"unusable: {catalogue.noun} '{name}' is defined by {where}", err=True)


def _algorithms(registry: Registry) -> str:
    from bench.extras import EXTRAS, is_installed

    rows, absent = [], []
    for name, cls in sorted(registry.algorithms.entries.items()):
        missing = [package for package in cls.requires if not is_installed(package)]
        for package in missing:
            cure = "bench" if package in EXTRAS else "pip"
            absent.append(f"{name} needs {package}: {cure} install {package}")
        rows.append(
            {
                "name": name,
                "family": cls.family,
                "backbone": cls.backbone or "-",
                "ready": "no" if missing else "yes",
                "paper": cls.paper or "-",
            }
        )
    return "\n".join([table(rows, wrapped=("paper",)), *absent])


def _datasets(registry: Registry) -> str:
    rows = [
        {"name": name, "licence": cls.licence or "-", "summary": first_line(cls)}
        for name, cls in sorted(registry.datasets.entries.items())
    ]
    return table(rows, wrapped=("licence", "summary"))


def _backbones(registry: Registry) -> str:
    rows = [
        {"name": b.name, "reads": b.reads, "summary": b.summary}
        for b in registry.backbones.entries.values()
    ]
    rows += [
        {"name": f"{family.prefix}:NAME", "reads": "images", "summary": family.summary}
        for family in registry.families.entries.values()
    ]
    return table(rows, wrapped=("summary",))


def first_line(cls: type) -> str:
    """Returns the first sentence line of a class's docstring."""
    return (inspect.getdoc(cls) or "").split("\n", 1)[0]
