"""The hooks a plugin may implement. There are three; all are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from bench.algorithm import Algorithm
    from bench.backbones import Backbone, BackboneFamily
    from bench.dataset import Dataset

PROJECT = "bench"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def bench_algorithms() -> list[type[Algorithm]]:  # type: ignore[empty-body]
    """Returns the algorithm classes that this plugin adds."""


@hookspec
def bench_datasets() -> list[type[Dataset]]:  # type: ignore[empty-body]
    """Returns the dataset classes that this plugin adds."""


@hookspec
def bench_backbones() -> list[Backbone | BackboneFamily]:  # type: ignore[empty-body]
    """Returns the backbones, or families of them, that this plugin adds."""
