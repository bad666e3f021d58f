"""What commands about data share: a dataset by its name, its settings, and where its files are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.dataset import DataFiles, Dataset
    from bench.parameters import Value
    from bench.registry import Registry
    from bench.sources import Chosen

F = TypeVar("F", bound=Callable[..., object])
PREFIX = "data."


def set_option(command: F) -> F:
    """Adds `--set`, for parameters of the dataset."""
    return click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="[data.]KEY=VALUE",
        help="A parameter of the dataset; see bench info.",
    )(command)


@dataclass(frozen=True)
class Opened:
    """A dataset that the user named: with its parameters, made, and the files it reads."""

    chosen: Chosen
    made: Dataset
    files: DataFiles

    @property
    def parameters(self) -> dict[str, Value]:
        """All of its parameters."""
        return self.chosen.parameters


def opened(registry: Registry, name: str, sets: tuple[str, ...], files: DataFiles) -> Opened:
    """Returns the dataset of a name such as `omniglot` or `folder:PATH`, made but not yet read.

    Raises:
        BenchError: there is none, or it refuses its parameters.
    """
    from bench.parameters import read_assignments
    from bench.sources import choose

    given = {k.removeprefix(PREFIX): v for k, v in read_assignments(sets).items()}
    chosen = choose(registry, name, given)
    try:
        return Opened(chosen, chosen.dataset(**chosen.parameters), files)
    except (ValueError, TypeError) as error:
        raise BenchError(f"{chosen.dataset.name}: {error}") from error
