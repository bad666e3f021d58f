"""Verdicts and tables, from records with numbers that can be done in the head."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from benchmarks.item import OURS, Contender, Floor, Item, Proof, Target, Work
from benchmarks.machine import Limits, Machine
from benchmarks.record import SCHEMA, ItemRecord, Series, SessionRecord, read_session
from benchmarks.report import render
from benchmarks.timing import Sample
from benchmarks.verdict import call_cost, comparisons, floor_share, verdict


def work(quick: bool) -> Work:
    return Work(lambda: None)


def item(target: Target, floor: Floor | None = None) -> Item:
    contenders = (Contender(OURS, "", work), Contender("peer", "peer", work, "as it comes"))
    return Item("race", "a race", "laps", contenders, floor=floor, target=target)


def series(label: str, threads: int, *rates: float) -> Series:
    samples = [Sample(wall=1.0, cpu=2.0, units=int(rate)) for rate in rates]
    return Series(label, label.partition(" + ")[0], threads, False, 1, samples)


def record(*all_series: Series) -> ItemRecord:
    start = ItemRecord("race", "a race", "laps", "timed", "", {"peer": "as it comes"}, {})
    return start.timed(list(all_series))


RACE = record(
    series(OURS, 1, 30, 40, 50),
    series("peer", 1, 10, 20, 40),  # ratios 3, 2, 1.25
    series("peer + our allocator", 1, 30, 40, 50),
    series(OURS, 2, 60, 60, 60),
    series("peer", 2, 40, 40, 20),  # ratios 1.5, 1.5, 3
)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    found = {(c.series.label, c.series.threads): c for c in comparisons(RACE)}
    ratio = found["peer", 1].ratio
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 1.25, 3.0)
    assert found[OURS, 1].ratio is None
    assert found[OURS, 1].rate.median == 40
    assert found[OURS, 1].cpu_rate.median == 20


@pytest.mark.parametrize(("target", "said"), [(1.5, "hit"), (1.6, "miss"), (None, "-")])
def test_a_target_is_judged_with_the_most_threads_against_the_peer_as_shipped(
    target: float | None, said: str
) -> None:
    assert verdict(item(Target("peer", target)), RACE) == said


def test_an_item_without_the_peer_is_not_measured_and_an_unequal_one_says_so() -> None:
    alone = record(series(OURS, 1, 10))
    assert verdict(item(Target("peer", 2.0)), alone) == "not measured"
    stopped = alone.stopped("not equal", "peer: 0.1")
    assert verdict(item(Target("peer", 2.0)), stopped) == "not equal"


def test_a_limit_is_on_processor_seconds_beyond_the_other_command() -> None:
    calls = record(series(OURS, 1, 1, 1), series("peer", 1, 4, 4))  # 2 and 0.5 seconds a call
    target = Target("peer", cpu_seconds=1.5)
    cost = call_cost(calls, target)
    assert cost is not None
    assert cost.median == 1.5
    assert verdict(item(target), calls) == "hit"
    assert verdict(item(Target("peer", cpu_seconds=1.4)), calls) == "miss"
    assert verdict(item(Target(cpu_seconds=1.9)), calls) == "miss"


def test_the_share_of_the_floor_uses_the_limit_that_fits() -> None:
    limits = Limits(threads=1, sgemm=80.0, convolution=100.0, copy=10.0, conversion=4.0)
    counted = item(Target(), Floor("flop", 1e9))
    assert floor_share(counted, 50.0, limits) == pytest.approx(0.5)  # 100 a second at most
    moved = item(Target(), Floor("elements", 1e9))
    assert floor_share(moved, 1.0, limits) == pytest.approx(0.25)
    assert floor_share(item(Target()), 1.0, limits) is None


def session(one: ItemRecord) -> SessionRecord:
    machine = Machine(
        *("Some Processor", 2, {"L3": "32M"}, 16.0, "Linux x86_64", "glibc 2.36", "3.11"),
        {"torch": "2.13.0", "higher": "-"},
        *(0.1, 0.2, [Limits(1, 100.0, 90.0, 10.0, 4.0), Limits(2, 200.0, 180.0, 15.0, 5.0)]),
    )
    return SessionRecord(
        SCHEMA, "2026-01-01T00:00:00+00:00", ["python"], "abc", 3, 0.7, False, machine, [one]
    )


def test_the_report_holds_target_measurements_proofs_and_what_was_left_out() -> None:
    proven = RACE.proven([Proof("peer", "the same laps", 2e-14)]).without("third", "not installed")
    text = render(session(proven), {"race": item(Target("peer", 1.5), Floor("flop", 1e9))})
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "| race | 60 ± 0% | laps | peer | 1.5x (2t), 2x (1t) | 1.5x | 30% | hit |" in lines
    assert "| race | 1 | peer | 20 ± 75% | 10 ± 75% | 2x | 1.25..3 | 2x | 20% |" in lines
    assert "| race | peer | the same laps | 2.0e-14 | 1e-06 |" in lines
    assert "- race, third: not installed" in lines
    assert any("Some Processor, 2 cores usable" in line for line in lines)


def test_a_record_survives_being_written_and_read(tmp_path: Path) -> None:
    written = session(RACE)
    written.write(tmp_path / "record.json")
    assert read_session(tmp_path / "record.json") == written


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"schema": 1')
    with pytest.raises(BenchError, match=r"record\.json cannot be read"):
        read_session(path)


@pytest.mark.parametrize("error", [2e-6, float("inf"), float("nan")])
def test_a_proof_fails_beyond_its_limit_and_on_what_is_no_number(error: float) -> None:
    assert Proof("peer", "", 1e-6).holds
    assert not Proof("peer", "", error).holds
