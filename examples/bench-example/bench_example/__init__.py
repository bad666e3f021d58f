"""A third-party plugin for bench: the nearest neighbour, and gratings to try it on."""

from __future__ import annotations

from bench import Algorithm, Dataset, hookimpl
from bench_example.gratings import Gratings
from bench_example.neighbour import Neighbour


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [Neighbour]


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Gratings]
