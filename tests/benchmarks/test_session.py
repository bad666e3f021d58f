"""A session, with a crew that answers without working."""

from __future__ import annotations

import pytest

from benchmarks import messages
from benchmarks.crew import Crew, Seat
from benchmarks.item import OURS, Contender, Item, Proof, Work
from benchmarks.machine import Limits
from benchmarks.session import Plan, best_limits, run_item
from benchmarks.timing import Sample

PLAN = Plan(threads=(1, 2), rounds=3, seconds=0.5, quick=False)


def work(quick: bool) -> Work:
    return Work(lambda: None)


def race(threads_matter: bool = True) -> Item:
    contenders = (
        Contender(OURS, "", work),
        Contender("fast", "numpy", work, "as it comes", both_allocators=True),
        Contender("slow", "a_package_that_nobody_has", work),
    )
    return Item("race", "a race", "laps", contenders, threads_matter=threads_matter)


class Actors(Crew):
    """Answers every request at once and remembers who was asked to measure."""

    def __init__(self, error: float = 0.0, broken: str = "") -> None:
        super().__init__()
        self.error, self.broken = error, broken
        self.asked: list[messages.Request] = []
        self.measured: list[tuple[str, Seat]] = []

    def ask(self, seat: Seat, request: messages.Request) -> messages.Reply:
        self.asked.append(request)
        if isinstance(request, messages.Prove):
            return messages.Proved([Proof(peer, "laps", self.error) for peer in request.peers])
        if isinstance(request, messages.Prepare):
            if request.contender == self.broken:
                return messages.Failed("ValueError: out of breath", mendable=False)
            return messages.Ready(calls=7)
        if isinstance(request, messages.Measure):
            self.measured.append((request.contender, seat))
            return messages.Measured(Sample(1.0, 1.0, 5))
        return messages.Done()


def test_every_contender_is_measured_each_round_with_each_number_of_threads() -> None:
    crew = Actors()
    record = run_item(race(), PLAN, crew, lambda line: None)
    assert record.status == "timed"
    labels = {(s.label, s.threads, s.our_allocator) for s in record.series}
    assert labels == {
        (name, threads, ours)
        for threads in (1, 2)
        for name, ours in ((OURS, True), ("fast", False), ("fast + our allocator", True))
    }
    assert all(len(s.samples) == 3 and s.calls == 7 for s in record.series)
    rounds = [crew.measured[i : i + 6] for i in (0, 6, 12)]
    assert all(set(one) == set(rounds[0]) and len(set(one)) == 6 for one in rounds)
    assert isinstance(crew.asked[0], messages.Prove)
    assert isinstance(crew.asked[-1], messages.Release)


def test_a_peer_that_is_not_installed_is_listed_and_neither_proven_nor_timed() -> None:
    crew = Actors()
    record = run_item(race(), PLAN, crew, lambda line: None)
    assert record.left_out == {"slow": "not installed (pip install '.[benchmarks]')"}
    assert crew.asked[0] == messages.Prove("race", ["fast"], False)


@pytest.mark.parametrize("error", [1e-5, float("nan")])
def test_an_item_is_not_timed_if_ours_computes_something_else(error: float) -> None:
    crew = Actors(error=error)
    record = run_item(race(), PLAN, crew, lambda line: None)
    assert record.status == "not equal"
    assert record.reason.startswith("fast: laps: ")
    assert (record.series, crew.measured) == ([], [])


def test_a_peer_that_breaks_down_is_left_out_and_the_others_go_on() -> None:
    record = run_item(race(), PLAN, Actors(broken="fast"), lambda line: None)
    assert record.status == "timed"
    assert record.left_out["fast"] == "ValueError: out of breath"
    assert {series.label for series in record.series} == {OURS}


def test_without_ours_there_is_nothing_to_compare() -> None:
    record = run_item(race(), PLAN, Actors(broken=OURS), lambda line: None)
    assert (record.status, record.reason) == ("failed", "ValueError: out of breath")


def test_whole_commands_are_timed_with_one_number_of_threads() -> None:
    record = run_item(race(threads_matter=False), PLAN, Actors(), lambda line: None)
    assert {series.threads for series in record.series} == {1}


def test_of_two_measurements_of_the_processor_the_better_counts() -> None:
    before = [Limits(1, 90.0, 70.0, 10.0, 4.0), Limits(2, 170.0, 99.0, 2.0, 1.0)]
    after = [Limits(1, 80.0, 75.0, 12.0, 3.0), Limits(2, 180.0, 88.0, 1.0, 5.0)]
    best = [Limits(1, 90.0, 75.0, 12.0, 4.0), Limits(2, 180.0, 99.0, 12.0, 5.0)]
    assert best_limits(before, after) == best  # copying with two threads was disturbed
