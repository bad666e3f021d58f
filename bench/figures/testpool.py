"""Test pools: the test split that a run was tested on, opened again to be looked at."""

from __future__ import annotations

from bench.cache import Progress
from bench.dataset import DataFiles
from bench.errors import BenchError
from bench.firewall import open_test
from bench.pool import ClassPool
from bench.registry import Registry
from bench.results import RunRecord
from bench.sources import choose, open_source


def pool_of(
    record: RunRecord, registry: Registry, files: DataFiles, progress: Progress
) -> ClassPool:
    """Returns the test split of a run's data.

    Raises:
        BenchError: it is not here, or not what the run was tested on.
    """
    tested = record.tested
    chosen = choose(registry, tested.name, tested.parameters)
    data = open_source(chosen.dataset, chosen.parameters, files, progress).data
    if data.fingerprint != tested.fingerprint:
        raise BenchError(f"the {tested.name} here is not the one that {record.name} was tested on")
    with open_test("show", 1):
        return data.pool("test")
