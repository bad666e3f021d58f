"""Not run: tests without a result, named as shortly as they can be told from the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.reproduction.notrun import not_run
from bench.suite import Suite, Test, Training
from tests.bench.reproduction.suites import MODES, Answer, answered, record_of, write_recipe
from tests.bench.written_runs import Records


def has_result(case: str, test: Test) -> bool:
    return {
        "nothing": False,
        "seed 0": test.seed == 0,
        "published": test.mode == MODES[0],
        "all but one": test.mode == MODES[0] or not test.own,
        "all": True,
    }[case]


@pytest.mark.parametrize(
    ("case", "state", "told"),
    [
        ("nothing", "missing", "Not run at 5w1s: maml-paper (missing)."),
        ("nothing", "failed", "Not run at 5w1s: maml-paper (failed: loss is not finite)."),
        ("seed 0", "cut", "Not run at 5w1s: maml-paper, seeds 1 and 2 (cut)."),
        (
            "published",
            "missing",
            "Not run at 5w1s: maml-paper, each query alone, own test (missing), "
            "maml-paper, each query alone, common test (missing).",
        ),
        (
            "all but one",
            "outdated",
            "Not run at 5w1s: maml-paper, each query alone, own test (outdated).",
        ),
        ("all", "missing", ""),
    ],
)
def test_what_has_no_result_is_listed(
    case: str, state: Answer, told: str, tmp_path: Path, make_record: Records
) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)}, (0, 1, 2), None, MODES, True)
    suite = Suite("", "omniglot", (training,))

    def answer(test: Test) -> Answer:
        return record_of(make_record, test, 0.9) if has_result(case, test) else state

    (part,) = answered(tmp_path, suite, answer).parts
    assert not_run(part) == told


def test_weights_of_another_size_say_so(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    suite = Suite("", "omniglot", (Training(recipe, {"5w1s": ("20w5s",)}),))
    parts = answered(tmp_path, suite, lambda _: "missing").parts
    assert not_run(parts[-1]) == "Not run at 20w5s: maml-paper trained at 5w1s (missing)."
