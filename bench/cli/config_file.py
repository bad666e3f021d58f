"""Config files: TOML whose keys are the flags of `bench run`."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import click

from bench.config import RunConfig
from bench.errors import BenchError, nearest
from bench.parameters import Value

if TYPE_CHECKING:
    from bench.job import Job


_OF_RECIPES = {"sizes", "budget", "sources", "departures"}
"""Keys that only recipes have."""
_KINDS = {
    bool: ("write true or false", "true"),
    int: ("write a whole number", "5"),
    str: ("write a text in quotes", '"..."'),
}
"""The types of flags, with what to write for them."""


def read_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Makes the values of a config file the defaults of the flags."""
    if path is None:
        return
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"--config {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"--config {path} is not valid TOML: {error}") from None
    if _OF_RECIPES & set(values):
        raise BenchError(f"--config {path} looks like a recipe; give it as one: --recipe {path}")
    plain = checked({key.replace("-", "_"): v for key, v in values.items()}, f"--config {path}")
    if "test_data" in plain:
        plain["test_data"] = [plain["test_data"]]
    context.default_map = {**(context.default_map or {}), **plain}


def checked(values: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Returns values as the flags take them, `set` as a list of assignments.

    Raises:
        BenchError: a key is no flag, or a value has not its flag's type; it names the `origin`.
    """
    known = [field.name for field in dataclasses.fields(RunConfig)]
    for key in values:
        if key not in known:
            raise BenchError(f"{origin} has an unknown key '{key}'; {nearest(key, known)}")
    _check_types(values, origin)
    if "set" not in values:
        return dict(values)
    assignments = [f"{key}={value}" for key, value in _flatten(values["set"], origin)]
    return {**values, "set": assignments}


def _check_types(values: Mapping[str, object], origin: str) -> None:
    """Raises BenchError for a value that its flag would not take: TOML has types of its own."""
    hints = get_type_hints(RunConfig)
    for key, value in values.items():
        if key == "set":  # whose values are checked as those of --set
            continue
        for kind, (words, example) in _KINDS.items():
            wants = kind in (hints[key], *get_args(hints[key]))
            if wants and type(value) is not kind:
                shown = str(value).lower() if isinstance(value, bool) else repr(value)
                raise BenchError(f"{origin}: {key} is {shown}; {words}: {key} = {example}")


def _flatten(table: Any, origin: str) -> Iterator[tuple[str, object]]:  # TOML values are anything
    if not isinstance(table, Mapping):
        raise BenchError(f"{origin}: 'set' must be a table, such as [set] then lr = 0.001")
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", v) for inner, v in _flatten(value, origin))
        else:
            yield key, str(value).lower() if isinstance(value, bool) else value


def _sizes(job: Job) -> dict[str, int | None]:
    """Returns ways, shots and queries of the test; None for what the protocol does not have."""
    protocol = job.test_protocol
    sizes: dict[str, int | None] = dict.fromkeys(("ways", "shots", "queries"))
    sizes |= {name: getattr(protocol, name) for name in protocol.sizes}
    return sizes if protocol.ways > 1 else {**sizes, "ways": None}


def _settable(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the parameters of a dataset without the path, which follows its name."""
    return {name: value for name, value in parameters.items() if name != "path"}


def as_toml(job: Job) -> str:
    """Returns every resolved value as a config file that gives the same run."""
    import tomli_w

    values: dict[str, Any] = {
        field.name: getattr(job.config, field.name) for field in dataclasses.fields(job.config)
    }
    values |= {
        **_sizes(job),
        "backbone": job.backbone or None,
        "steps": job.plan.steps,
        "meta_batch": job.plan.meta_batch,
        "train_ways": job.train_protocol.ways if job.train_protocol.ways > 1 else None,
        "train_shots": job.train_protocol.shots,
        "train_queries": job.train_protocol.queries,
        "schedule": job.plan.schedule,
        "validate_every": job.validate_every,
        "set": job.parameters | {"data": _settable(job.data_parameters)},
    }
    if job.is_cross_domain:
        values["set"] |= {"test": _settable(job.tested.parameters)}
    return tomli_w.dumps(
        {key: value for key, value in values.items() if value is not None}
    ).rstrip()
