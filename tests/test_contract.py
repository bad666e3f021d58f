"""All in-house algorithms keep the contract, as `bench check` and the pytest plugin test it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.registry import load_registry

IN_HOUSE = sorted(
    name
    for record in load_registry().plugins
    if record.source == "fewshot-bench"
    for name in record.algorithms
)


@pytest.mark.bench_contract(*IN_HOUSE)
def test_the_contract_is_kept(bench_check: Callable[[], None]) -> None:
    bench_check()
