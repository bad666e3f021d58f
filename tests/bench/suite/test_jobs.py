"""Suite jobs: what comes next, and the command for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.badge import write_failure
from bench.measurements import VerificationRecord
from bench.results import RunRecord
from bench.suite import CommonTest
from bench.suite.jobs import Job, Plan, chains, label, log_name
from bench.suite.state import Found, State
from tests.bench.suite.folders import missing_of, suite_in

RECIPE = """
about = "Small."
budget = "smoke"
algo = "protonet"
data = "toy"
queries = 5
episodes = 600

[sizes.5w1s]
"""
SUITE = """
about = "A table."
data = "toy"

[[training]]
recipe = "small.toml"
sizes = { 5w1s = ["5w1s"] }
modes = [{}, { name = "alone", set = { asked = "alone", best = true } }]
seeds = [0, 1]
steps = 20
own_test = true
"""


@pytest.fixture
def tests(tmp_path: Path) -> list[Found]:
    return missing_of(suite_in(tmp_path, SUITE, RECIPE))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(CommonTest(), tmp_path)


def at(tests: list[Found], place: int, state: State, record: RunRecord | None = None) -> None:
    folder = Path("table") / f"run{place}"
    tests[place] = replace(tests[place], state=state, folder=folder, record=record)


def next_of(plan: Plan, tests: list[Found]) -> tuple[int, str, tuple[str, ...]] | None:
    job = plan.next_job(tests, chains([one.test for one in tests])[0], set())
    return None if job is None else (job.place, job.kind, job.words)


def flags(words: tuple[str, ...]) -> dict[str, list[str]]:
    """Returns the values of each flag."""
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("-"):
            found.setdefault(word, [])
            last = word
        elif found:
            found[last].append(word)
    return found


def test_the_tests_of_a_training_follow_it_and_each_seed_is_a_chain(tests: list[Found]) -> None:
    assert chains([one.test for one in tests]) == ((0, 1, 2, 3), (4, 5, 6, 7))


def test_a_training_is_a_run_of_one_thread_that_can_be_resumed(
    tests: list[Found], plan: Plan, tmp_path: Path
) -> None:
    job = plan.next_job(tests, (4, 5, 6, 7), set())
    assert isinstance(job, Job)
    assert job.words[0] == "run"
    assert flags(job.words) == {
        "--recipe": [str(tmp_path / "small.toml")],
        "--ways": ["5"],
        "--shots": ["1"],
        "--seed": ["1"],
        "--threads": ["1"],
        "--steps": ["20"],
        "--out": [str(tmp_path)],
        "--resume": [],
    }


def test_without_its_training_nothing_is_tested_and_nothing_is_tried_twice(
    tests: list[Found], plan: Plan
) -> None:
    assert plan.next_job(tests, (0, 1, 2, 3), {(0, "training")}) is None
    at(tests, 0, "done")
    job = plan.next_job(tests, (0, 1, 2, 3), {(1, "testing")})
    assert job is not None
    assert job.place == 2


def test_tests_have_the_common_episodes_or_the_recipes_and_their_mode(
    tests: list[Found], plan: Plan, tmp_path: Path
) -> None:
    at(tests, 0, "done")
    found = next_of(plan, tests)
    assert found is not None
    assert found[:2] == (1, "testing")
    assert found[2][:2] == ("evaluate", str(Path("table") / "run0"))
    common = {"--ways": ["5"], "--shots": ["1"], "--queries": ["15"], "--episodes": ["1000"]}
    common |= {"--episode-seed": ["0"], "--out": [str(tmp_path)]}
    assert flags(found[2]) == common
    at(tests, 1, "done")
    at(tests, 2, "done")
    found = next_of(plan, tests)
    assert found is not None
    own = {"--queries": ["5"], "--episodes": ["600"], "--set": ["asked=alone", "best=true"]}
    assert flags(found[2]) == common | own


def test_what_was_cut_goes_on_where_it_is(tests: list[Found], plan: Plan) -> None:
    at(tests, 0, "cut")
    found = next_of(plan, tests)
    assert found is not None
    assert found[2][-3:] == ("--out", "table", "--resume")
    at(tests, 0, "done")
    at(tests, 1, "cut")
    found = next_of(plan, tests)
    assert found is not None
    assert found[2][-3:] == ("--out", "table", "--force"), "a test has nothing to go on from"


def test_what_was_altered_is_made_anew_by_a_word(
    tests: list[Found], plan: Plan, make_record: Callable[..., RunRecord]
) -> None:
    at(tests, 0, "altered", make_record())
    assert next_of(plan, tests) is None
    assert next_of(replace(plan, renew=True, verify=True), tests) is None
    again = next_of(replace(plan, retry=True), tests)
    assert again is not None
    assert again[2][-3:] == ("--out", "table", "--force")


def test_what_failed_or_is_outdated_waits_for_a_word(tests: list[Found], plan: Plan) -> None:
    at(tests, 0, "failed")
    assert next_of(plan, tests) is None
    assert next_of(replace(plan, renew=True), tests) is None
    again = next_of(replace(plan, retry=True), tests)
    assert again is not None
    assert again[2][-1] == "--resume"
    at(tests, 0, "outdated")
    assert next_of(replace(plan, retry=True), tests) is None
    anew = next_of(replace(plan, renew=True), tests)
    assert anew is not None
    assert anew[2][-3:] == ("--out", str(plan.folder), "--resume")


def test_what_other_code_began_begins_again_only_by_a_word(tests: list[Found], plan: Plan) -> None:
    plan = replace(plan, changed=frozenset({Path("table") / "run0"}))
    last = {}
    for state in ("cut", "failed"):
        at(tests, 0, "cut" if state == "cut" else "failed")
        for word in ("", "retry", "renew"):
            job = next_of(replace(plan, **({word: True} if word else {})), tests)  # type: ignore[arg-type]  # by name
            last[state, word] = job and job[2][-1]
    assert last == {
        ("cut", ""): "--resume",
        ("cut", "retry"): "--resume",
        ("cut", "renew"): "--force",
        ("failed", ""): None,
        ("failed", "retry"): "--force",
        ("failed", "renew"): None,
    }


def test_what_is_done_is_verified_once_if_that_is_wished(
    tests: list[Found], plan: Plan, make_record: Callable[..., RunRecord]
) -> None:
    plan = replace(plan, verify=True, flags=("-p", "x.py"))
    at(tests, 0, "done", make_record())
    words = ("verify", str(Path("table") / "run0"), "-p", "x.py")
    assert next_of(plan, tests) == (0, "verifying", words)
    verified = VerificationRecord("verified", "", "", ())
    at(tests, 0, "done", make_record(verification=verified))
    assert (next_of(plan, tests) or (None,))[0] == 1
    at(tests, 0, "done", make_record(verification=replace(verified, verdict="failed")))
    assert next_of(plan, tests) == (0, "verifying", words)


def test_what_failed_to_verify_is_verified_again_or_made_anew_by_a_word(
    tests: list[Found], plan: Plan, make_record: Callable[..., RunRecord], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_failure(run, VerificationRecord("failed", "", "", ()))
    tests[0] = replace(tests[0], state="failed", folder=run, record=make_record())
    assert next_of(plan, tests) is None
    again = next_of(replace(plan, verify=True), tests)
    assert again == (0, "verifying", ("verify", str(run)))
    for both in (False, True):
        anew = next_of(replace(plan, verify=both, retry=True), tests)
        assert anew is not None
        assert (anew[1], anew[2][-3:]) == ("training", ("--out", str(tmp_path), "--force"))
    tests[0] = replace(tests[0], record=make_record(status="failed"))
    assert next_of(replace(plan, verify=True), tests) is None, "there is nothing to verify"


def test_names_tell_all_tests_apart(tests: list[Found]) -> None:
    assert len({log_name(one.test) for one in tests}) == len(tests)
    assert len({label(one.test) for one in tests}) == len(tests)
    assert label(tests[3].test) == "small, 20 steps, alone, own test, 5w1s, seed 0"
    assert log_name(tests[3].test) == "small_5w1s_seed0_steps20_on_5w1s_mode1_own.log"
