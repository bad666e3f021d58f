"""Suites for tests: a recipe as a file, and runs that answer a suite's tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.leaderboard.entry import read_entry
from bench.measurements import AuditRecord, RecipeRecord
from bench.recipe import size_of
from bench.reproduction.asked import Reproduction, reproduction
from bench.results import RunRecord
from bench.suite import CommonTest, Suite, Test, TestMode, tests_of
from bench.suite.state import Found, State
from tests.bench.written_runs import Records, with_parts, write_run

WAVE = np.array([-0.01, 0.0, 0.01, 0.0])
Answer = RunRecord | State
MODES = (TestMode("as published", {}, "MAML"), TestMode("each query alone", {"alone": True}))

RECIPE = """
about = "For tests."
budget = "{budget}"
algo = "{algo}"
data = "omniglot"
steps = {steps}
queries = 1
episodes = 600
[sizes.5w1s]
[sizes.20w5s]
"""


def write_recipe(
    folder: Path, name: str, algo: str = "maml", budget: str = "paper", steps: int = 60000
) -> str:
    """Writes a recipe for 5w1s and 20w5s, whose own test is 1 query x 600; returns its name."""
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(budget=budget, algo=algo, steps=steps))
    return str(path)


def record_of(
    make_record: Records, test: Test, mean: float, verdict: Any = "inductive", **training: object
) -> RunRecord:
    """Returns the record of a finished test with an audit's verdict: trained in full, 90 core-s."""
    ways, shots = size_of(test.size)
    asked = CommonTest(1, 600) if test.own else CommonTest()
    record = make_record("maml", data="omniglot", accuracy=mean)
    return with_parts(
        replace(
            record,
            recipe=RecipeRecord("maml-paper", "r" * 64),
            audit=AuditRecord(verdict, 5, ()),
        ),
        protocol={
            "ways": ways,
            "shots": shots,
            "queries": asked.queries,
            "episodes": asked.episodes,
        },
        training={"seed": test.seed, "steps_done": 60000, "core_seconds": 90.0, **training},
    )


def answered(folder: Path, suite: Suite, answer: Callable[[Test], Answer]) -> Reproduction:
    """Writes a run for each test that has a record, and returns the table of all."""
    tests = []
    for number, test in enumerate(tests_of(suite)):
        given = answer(test)
        if isinstance(given, str):
            note = "loss is not finite" if given == "failed" else ""
            tests.append(Found(test, None, None, given, note))
            continue
        assert given.outcome is not None
        place = folder / f"run-{number}"
        record = write_run(place, given, given.outcome.mean + WAVE)
        tests.append(Found(test, place, record, "done"))
    entries = {one.folder: read_entry(one.folder) for one in tests if one.folder}
    return reproduction(suite, tests, entries)
