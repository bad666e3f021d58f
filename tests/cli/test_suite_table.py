"""The table of `bench suite`: what became of each test, and how long it took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.suite_table import Reporter, duration, standing
from bench.measurements import VerificationRecord
from bench.results import RunRecord
from bench.suite import Test, TestMode, Training
from bench.suite.child import Attempt
from bench.suite.jobs import Job
from bench.suite.state import Found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (3569, "59 min"),
        (3571, "1 h 00 min"),
        (11100, "3 h 05 min"),
    ],
)
def test_a_duration_has_the_unit_that_it_is_read_in(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_rows_say_what_became_of_them(make_record: Callable[..., RunRecord]) -> None:
    """A test's time is without that of the training of its weights, 12.3 s in this record."""
    training = Training("omniglot/protonet-paper", {"5w1s": ("5w1s",)})
    trained = Test(training, "5w1s", 0, "5w1s", TestMode(), own=False, evaluated=False)
    tested = replace(trained, size="20w1s", evaluated=True)
    record = replace(make_record(), seconds={"training": 12.3, "evaluation": 2.0})
    verified = replace(record, verification=VerificationRecord("verified", "", "", ()))
    folder = Path("run")
    tests = [
        Found(trained, folder, verified, "done"),
        Found(tested, folder, record, "done"),
        Found(trained, folder, record, "cut", "at step 2 of 9"),
        Found(trained, None, None, "missing"),
        Found(tested, folder, record, "done"),
    ]
    wrong = Attempt(Job(4, "verifying", "", (), ""), 1, "it differs", 1.0)
    stopped = Attempt(Job(2, "training", "", (), ""), 2, "stopped", 1.0)
    lines = standing(tests, [wrong, stopped]).splitlines()
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "protonet-paper 5w1s 0 done, verified 14 s",
        "protonet-paper 20w1s from 5w1s 0 done 2 s",
        "protonet-paper 5w1s 0 cut at step 2 of 9 14 s",
        "protonet-paper 5w1s 0 missing -",
        "protonet-paper 20w1s from 5w1s 0 failed: verifying, it differs 2 s",
        "5 rows: 2 done, 1 cut, 1 failed, 1 missing",
    ]


def test_a_row_that_failed_to_verify_says_what_differs_rather_than_that_it_failed(
    make_record: Callable[..., RunRecord],
) -> None:
    training = Training("omniglot/protonet-paper", {"5w1s": ("5w1s",)})
    test = Test(training, "5w1s", 0, "5w1s", TestMode(), own=False, evaluated=False)
    found = Found(test, Path("run"), make_record(), "failed", "bench verify found another mean")
    attempt = Attempt(Job(0, "verifying", "", (), ""), 1, "1 of 1 failed: run", 1.0)
    for attempts in ([], [attempt]):
        told = " ".join(standing([found], attempts).split())
        assert "failed: bench verify found another mean" in told
        assert "1 of 1" not in told


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (0, "done"),
        (1, "failed: no luck"),
        (2, "stopped"),
        (3, "left to another process"),
        (-15, "stopped"),
    ],
)
def test_how_a_job_ended_is_told_in_a_line(
    code: int, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(0, "training", "pixels, 5w1s, seed 0", (), "")
    Reporter().ended(Attempt(job, code, "no luck", 1.0))
    assert capsys.readouterr().err == f"pixels, 5w1s, seed 0: training {how} (1 s)\n"


def test_of_a_job_that_has_said_nothing_yet_it_is_told_that_it_is_at_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = Job(0, "training", "pixels, 5w1s, seed 0", (), "")
    Reporter().goes_on(job, "")
    Reporter().goes_on(job, "step 7")
    told = ["pixels, 5w1s, seed 0: at work", "pixels, 5w1s, seed 0: step 7"]
    assert capsys.readouterr().err.splitlines() == told
