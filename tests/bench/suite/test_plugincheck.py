"""Suite checks: what only plugins know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.files import source_digest
from bench.registry import Registry
from bench.results import RunRecord
from bench.suite import Test, TestMode, Training
from bench.suite.plugincheck import changed_code
from bench.suite.state import Found


def test_only_unfinished_runs_of_other_code_are_changed(
    registry: Registry, make_record: Callable[..., RunRecord]
) -> None:
    """A finished run needs the code of its algorithm no more."""
    test = Test(Training("x", {}), "5w1s", 0, "5w1s", TestMode(), own=False, evaluated=False)
    today = source_digest(registry.algorithm("protonet"))

    def one(name: str, status: str, sha256: str, algorithm: str = "protonet") -> Found:
        record = make_record(algorithm, status=status)
        algo = replace(record.algorithm, source_sha256=sha256)
        return Found(test, Path(name), replace(record, algorithm=algo), "cut")

    found = [
        one("same", "interrupted", today),
        one("cut", "interrupted", "0" * 64),
        one("failed", "failed", "0" * 64),
        one("done", "complete", "0" * 64),
        one("unknown", "failed", "0" * 64, "nobody-knows"),
        Found(test, None, None, "missing"),
    ]
    assert changed_code(found, registry) == {Path("cut"), Path("failed")}
