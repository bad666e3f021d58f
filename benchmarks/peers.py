"""Peers: how to tell whether one is installed, and what to know to import it."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Sampler

from bench.extras import EXTRAS, import_extra, is_installed

PEERS = ("learn2learn", "easyfsl", "higher", "torchopt")


def missing(package: str) -> str:
    """Returns what to do to have a package that is not installed; empty if it is, or is ours."""
    if not package or is_installed(package):
        return ""
    cure = f"bench install {package}" if package in EXTRAS else "pip install '.[benchmarks]'"
    return f"not installed ({cure})"


def learn2learn_maml(network: Any, lr: float, first_order: bool = False) -> Any:
    """Returns a network wrapped in learn2learn's MAML."""
    return import_extra("learn2learn.algorithms").MAML(network, lr=lr, first_order=first_order)


def easyfsl_sampler(dataset: object, ways: int, shots: int, queries: int, tasks: int) -> Any:
    """Returns easyfsl's TaskSampler, made under a patch.

    easyfsl 1.5.0 calls `Sampler.__init__(data_source=None)`, an argument that current torch has
    taken out: as shipped, making one raises TypeError.
    """
    samplers = import_extra("easyfsl.samplers")
    own = Sampler.__init__
    Sampler.__init__ = _take_anything  # type: ignore[method-assign]
    try:
        return samplers.TaskSampler(dataset, ways, shots, queries, tasks)
    finally:
        Sampler.__init__ = own  # type: ignore[method-assign]


def _take_anything(self: object, data_source: object = None) -> None:
    """Stands in for `Sampler.__init__` of older versions of torch, which did nothing."""
