"""`bench list`: what there is."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import debug_option, plugin_option
from bench.cli.specimen import specimen
from bench.cli.table import table
from bench.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from bench.algorithm import Algorithm
    from bench.registry import Registry

LINE = 80
KINDS = ("algorithms", "datasets", "backbones")
RECIPES = "recipes"


@click.command
@click.argument("kind", required=False, type=click.Choice((*KINDS, RECIPES)))
@plugin_option
@debug_option
def command(kind: str | None, plugin: tuple[str, ...], debug: bool) -> None:
    """List algorithms, datasets and backbones, or one KIND of them; recipes are one, too."""
    from bench.recipe import read_recipe, recipe_names

    if kind == RECIPES:
        from bench.cli.recipe_view import recipe_list

        click.echo(recipe_list([read_recipe(name) for name in recipe_names()]))
        return
    registry = load_plugins(plugin)
    tables = {"algorithms": _algorithms, "datasets": _datasets, "backbones": _backbones}
    chosen = [kind] if kind else list(KINDS)
    click.echo("\n\n".join(f"{name}\n{tables[name](registry)}" for name in chosen))
    if kind is None:
        click.echo(f"\n{len(recipe_names())} recipes say how to train; see bench list recipes")
    for record in registry.broken:
        click.echo(f"not loaded: {record.module}: {record.error}", err=True)
    catalogues = (registry.algorithms, registry.datasets, registry.backbones, registry.families)
    for catalogue in catalogues:
        for name, origins in catalogue.duplicates().items():
            where = " and ".join(origins)
            click.echo(f"unusable: {catalogue.noun} '{name}' is defined by {where}", err=True)


def _algorithms(registry: Registry) -> str:
    from bench.extras import EXTRAS, is_installed

    rows: list[dict[str, str]] = []
    absent: dict[str, list[str]] = {}
    for name, cls in sorted(registry.algorithms.entries.items()):
        missing = [package for package in cls.requires if not is_installed(package)]
        for package in missing:
            absent.setdefault(package, []).append(name)
        rows.append(
            {
                "name": name,
                "family": cls.family,
                "tasks": "both" if len(cls.tasks) > 1 else _PREDICTED[cls.tasks[0]],
                "setting": "transductive" if _is_transductive(registry, cls) else "inductive",
                "paper": _short(cls.paper),
            }
        )
    cures = [
        textwrap.fill(
            f"not ready: {', '.join(names)}; {'bench' if package in EXTRAS else 'pip'} "
            f"install {package}",
            LINE,
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        for package, names in absent.items()
    ]
    return "\n".join([table(rows, wrapped=("paper",)), *cures])


_PREDICTED = {CLASSIFICATION: "classes", REGRESSION: "curves"}


def _is_transductive(registry: Registry, cls: type[Algorithm]) -> bool:
    """Tells whether the method, as it comes, lets queries inform each other's predictions.

    That is asked of the method itself. One that needs another package may take seconds to make;
    it is judged by its default of `norm`.
    """
    from bench.parameters import parameters_of

    if cls.requires:
        batch = any(p.name == "norm" and p.default == "batch" for p in parameters_of(cls))
        return batch or bool(cls.transduction)
    made = specimen(registry, cls)
    return bool((made or cls).transduction)


def _short(paper: str) -> str:
    """Returns first author and year of a paper, as in `Finn 2017`; all of it is in bench info."""
    found = re.match(r"([^\s,]+).*?\b((?:19|20)\d\d)\b", paper)
    return " ".join(found.groups()) if found else paper or "-"


def _datasets(registry: Registry) -> str:
    rows = [
        {
            "name": name,
            "task": _PREDICTED[cls.task],
            "licence": cls.licence or "-",
            "summary": first_line(cls),
        }
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
