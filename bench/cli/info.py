"""`bench info`: one algorithm, dataset or backbone in detail."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, debug_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError, nearest
from bench.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from bench.algorithm import Algorithm, TrainingPlan
    from bench.backbones import Backbone
    from bench.dataset import Dataset


@click.command
@click.argument("name", shell_complete=complete_names)
@plugin_option
@debug_option
def command(name: str, plugin: tuple[str, ...], debug: bool) -> None:
    """Show what NAME is: its parameters with types, defaults and meaning, its paper, its tasks."""
    registry = load_plugins(plugin)
    found = []
    if name in registry.algorithms.entries:
        found.append(_algorithm(registry.algorithm(name)))
    if name in registry.datasets.entries:
        found.append(_dataset(registry.dataset(name)))
    if name in registry.backbones.entries or ":" in name:
        found.append(_backbone(registry.backbone(name)))
    if not found:
        known = [*registry.algorithms.entries, *registry.datasets.entries]
        known += registry.backbones.entries
        raise BenchError(f"nothing is called '{name}'; {nearest(name, known)}")
    click.echo("\n\n".join(found))


def _algorithm(cls: type[Algorithm]) -> str:
    lines = [
        f"{cls.name} (algorithm, {cls.family})",
        _prose(cls),
        f"paper: {cls.paper or '-'}",
        f"tasks: {', '.join(cls.tasks)}",
        f"backbone: {cls.backbone or 'none'}",
    ]
    if CLASSIFICATION in cls.tasks:
        lines.append(f"training plan: {_plan(cls.training_plan)}")
    if REGRESSION in cls.tasks:
        lines.append(f"training plan in regression: {_plan(cls.regression_plan)}")
        others = ", ".join(f"{name} {value}" for name, value in cls.regression_defaults.items())
        if others:
            lines.append(f"defaults in regression: {others}")
    if cls.requires:
        lines.append(f"needs: {', '.join(cls.requires)}")
    return "\n".join([*lines, "", _parameters(cls)])


def _plan(plan: TrainingPlan) -> str:
    tested = "as tested"
    return (
        f"{plan.steps} steps of {plan.meta_batch} episodes; "
        f"ways {plan.ways or tested}, shots {plan.shots or tested}, "
        f"queries {plan.queries or tested}; learning rate {plan.schedule}"
    )


def _dataset(cls: type[Dataset]) -> str:
    return "\n".join(
        [
            f"{cls.name} (dataset, {cls.task})",
            _prose(cls),
            f"paper: {cls.paper or '-'}",
            f"licence: {cls.licence or '-'}",
            "",
            _parameters(cls, "data."),
        ]
    )


def _backbone(backbone: Backbone) -> str:
    return f"{backbone.name} (backbone)\n{backbone.summary}\nreads: {backbone.reads}"


def _prose(cls: type) -> str:
    """Returns a class's docstring without its list of arguments."""
    return (inspect.getdoc(cls) or "").split("\nArgs:")[0].strip()


def _parameters(cls: type, prefix: str = "") -> str:
    """Returns a table of parameters, as `--set` takes them."""
    from bench.parameters import parameters_of

    rows = [
        {
            "--set": prefix + p.name,
            "type": p.type_name,
            "default": str(p.default).lower() if isinstance(p.default, bool) else p.default,
            "meaning": p.meaning,
        }
        for p in parameters_of(cls)
    ]
    if not rows:
        return "no parameters"
    return table(rows, wrapped=("meaning",))
