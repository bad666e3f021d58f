"""Config files: TOML whose keys are the flags of `bench run`."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.config import RunConfig
from bench.errors import BenchError, nearest

if TYPE_CHECKING:
    from bench.job import Job


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
    known = [field.name for field in dataclasses.fields(RunConfig)]
    plain = {key.replace("-", "_"): value for key, value in values.items()}
    for key in plain:
        if key not in known:
            raise BenchError(f"--config {path} has an unknown key '{key}'; {nearest(key, known)}")
    if "set" in plain:
        plain["set"] = [f"{key}={value}" for key, value in _flatten(plain["set"], path)]
    context.default_map = {**(context.default_map or {}), **plain}


def _flatten(table: Any, path: Path) -> Iterator[tuple[str, object]]:  # TOML values are anything
    if not isinstance(table, Mapping):
        raise BenchError(f"--config {path}: 'set' must be a table, such as [set] then lr = 0.001")
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", v) for inner, v in _flatten(value, path))
        else:
            yield key, str(value).lower() if isinstance(value, bool) else value


def as_toml(job: Job) -> str:
    """Returns every resolved value as a config file that gives the same run."""
    import tomli_w

    values: dict[str, Any] = {
        field.name: getattr(job.config, field.name) for field in dataclasses.fields(job.config)
    }
    values |= {
        "backbone": job.backbone or None,
        "steps": job.plan.steps,
        "meta_batch": job.plan.meta_batch,
        "train_ways": job.train_protocol.ways,
        "train_shots": job.train_protocol.shots,
        "train_queries": job.train_protocol.queries,
        "schedule": job.plan.schedule,
        "validate_every": job.validate_every,
        "set": job.parameters | {"data": job.data_parameters},
    }
    return tomli_w.dumps(
        {key: value for key, value in values.items() if value is not None}
    ).rstrip()
