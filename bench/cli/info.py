"""`bench info`: one algorithm, dataset, backbone or recipe in detail."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, debug_option, plugin_option
from bench.cli.recipe_option import complete_recipes
from bench.cli.specimen import specimen
from bench.cli.table import table
from bench.errors import BenchError, nearest
from bench.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from bench.algorithm import Algorithm, TrainingPlan
    from bench.backbones import Backbone, BackboneFamily, Embedding
    from bench.dataset import Dataset
    from bench.registry import Registry

_SHAPES = {"28x28 grey": (1, 28, 28), "84x84 colour": (3, 84, 84), "2 numbers": (2,)}


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    found = complete_names(context, parameter, incomplete)
    return [*found, *complete_recipes(context, parameter, incomplete)]


@click.command
@click.argument("name", shell_complete=_complete)
@plugin_option
@debug_option
def command(name: str, plugin: tuple[str, ...], debug: bool) -> None:
    """Show what NAME is: its parameters with types, defaults and meaning, its paper, its tasks.

    Of a recipe, which NAME may be as well, all values with their sources.
    """
    from bench.recipe import read_recipe, recipe_names

    if name in recipe_names() or name.endswith(".toml"):
        from bench.cli.recipe_view import recipe_in_full

        click.echo(recipe_in_full(read_recipe(name), name))
        return
    registry = load_plugins(plugin)
    found = []
    if name in registry.algorithms.entries:
        found.append(_algorithm(registry, registry.algorithm(name)))
    prefix, _, member = name.partition(":")
    if prefix in registry.datasets.entries:
        found.append(_dataset(registry.datasets.find(prefix, registry.broken)))
    if prefix in registry.families.entries and not member:
        found.append(_family(registry.families.find(prefix, registry.broken)))
    elif name in registry.backbones.entries or (":" in name and not found):
        found.append(_backbone(registry.backbone(name)))
    if not found:
        known = [*registry.algorithms.entries, *registry.datasets.entries]
        known += [*registry.backbones.entries, *registry.families.entries]
        known += recipe_names()
        raise BenchError(f"nothing is called '{name}'; {nearest(name, known)}")
    click.echo("\n\n".join(found))


def _algorithm(registry: Registry, cls: type[Algorithm]) -> str:
    lines = [
        f"{cls.name} (algorithm, {cls.family})",
        _prose(cls),
        f"paper: {cls.paper or '-'}",
        f"tasks: {', '.join(cls.tasks)}",
        f"backbone: {cls.backbone or 'none'}",
    ]
    made = specimen(registry, cls)
    if made and not any(p.requires_grad for p in made.parameters()):
        return "\n".join([*lines, "never trained: it has no parameters", "", _parameters(cls)])
    if CLASSIFICATION in cls.tasks:
        lines.append(f"training plan: {_plan(cls.training_plan)}")
    if REGRESSION in cls.tasks:
        lines.append(f"training plan in regression: {_plan(cls.regression_plan)}")
        others = ", ".join(f"{name} {value}" for name, value in cls.regression_defaults.items())
        if others:
            lines.append(f"defaults in regression: {others}")
    if cls.test_parameters:
        lines.append(f"may be set in bench evaluate: {', '.join(cls.test_parameters)}")
    if cls.requires:
        lines.append(f"needs: {', '.join(cls.requires)}")
    return "\n".join([*lines, "", _parameters(cls)])


def _plan(plan: TrainingPlan) -> str:
    tested = "as tested"
    return (
        f"{plan.steps} steps, meta-batch {plan.meta_batch}; "
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
            *([f"opens: {cls.opens}, as in --data {cls.name}:PATH"] if cls.opens else []),
            *_ready_made(cls),
            "",
            _parameters(cls, "data."),
        ]
    )


def _ready_made(cls: type[Dataset]) -> list[str]:
    """Returns what is known of pictures and downloads before any file is read."""
    from bench.bytesize import in_bytes

    try:
        made = cls()
        form, downloads = made.form(), made.downloads()
    except Exception:  # one that cannot be made without a path; whatever a plugin does
        return []
    lines = [f"images become: {form}"] if form else []
    if downloads:
        size = sum(one.size for one in downloads)
        told = f", {in_bytes(size)}" if size and all(one.size for one in downloads) else ""
        noun = "file" if len(downloads) == 1 else "files"
        lines.append(f"downloads: {len(downloads)} {noun}{told}; see bench data fetch")
    return lines


def _backbone(backbone: Backbone) -> str:
    """Returns what a backbone is, and what it makes of inputs of usual shapes."""
    rows: list[dict[str, object]] = []
    refusals: dict[str, None] = {}
    for what, shape in _SHAPES.items():
        if backbone.reads == "images" and len(shape) != 3:
            continue
        try:
            network = _outline(backbone, shape)
        except BenchError as error:
            refusals[str(error)] = None
            continue
        parameters = sum(p.numel() for p in network.parameters())
        maps = "x".join(map(str, network.map_shape)) if network.map_shape else "-"
        rows.append(
            {
                "inputs": what,
                "features": network.out_features,
                "as a map": maps,
                "parameters": f"{parameters:,}",
            }
        )
    lines = [f"{backbone.name} (backbone)", backbone.summary, f"reads: {backbone.reads}", ""]
    return "\n".join([*lines, *([table(rows, wrapped=())] if rows else []), *refusals])


def _outline(backbone: Backbone, shape: tuple[int, ...]) -> Embedding:
    """Returns the network without memory for its weights, or with it where that is impossible.

    Raises:
        BenchError: it cannot be made for inputs of that shape.
    """
    import torch

    from bench.failures import plugin_code

    try:
        with torch.device("meta"), warnings.catch_warnings(action="ignore"):
            return backbone.build(shape)
    except BenchError:
        raise
    except Exception:  # it looks at the values of its weights
        with plugin_code(backbone.name, "being made", "it is too large for this machine"):
            return backbone.build(shape)


def _family(family: BackboneFamily) -> str:
    lines = [f"{family.prefix}:NAME (family of backbones)", family.summary]
    names = ", ".join(family.names())
    return "\n".join([*lines, *([f"names: {names}"] if names else [])])


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
