"""The command, from its options to its files, on tiny data."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.crew import Crew, Seat
from benchmarks.item import Contender, Item, Work
from benchmarks.machine import caches
from benchmarks.messages import Failed, Measure, Measured, Prepare, Ready, Release
from benchmarks.record import read_session
from benchmarks.worker import Worker


def test_a_quick_run_proves_measures_and_writes_table_and_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["startup-help", "leaderboard-1000"]
    arguments = ["--quick", "--threads", "1", "--items", *names, "--out", str(tmp_path)]
    assert main(arguments) == 0
    record = read_session(tmp_path / "quick.json")
    assert [item.name for item in record.items] == names
    assert [item.status for item in record.items] == ["timed", "timed"]
    assert record.items[0].series[0].label == "bench"
    assert all(len(series.samples) == 2 for item in record.items for series in item.series)
    assert record.machine.limits[0].threads == 1
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "quick.md").read_text(encoding="utf-8") + "\n"
    assert "startup-help" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--items", "mamel-*"], "--items 'mamel-*'"),
        (["--threads", "none"], "--threads 'none': give positive numbers or 'all'"),
        (["--rounds", "0"], "--rounds is 0"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_run(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 4
    assert message in capsys.readouterr().err


def test_the_list_names_items_contenders_and_peers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--items", "maml-train-1step"]) == 0
    printed = capsys.readouterr().out
    assert "bench, learn2learn, higher, torchopt" in printed
    assert "easyfsl: " in printed


def test_a_worker_survives_a_wrong_request_and_its_end_is_reported() -> None:
    seat = Seat("", 1, False)
    with Crew() as crew:
        unprepared = crew.ask(seat, Measure("bench"))
        assert unprepared == Failed("ValueError: bench is not prepared", mendable=False)
        wrong = crew.ask(seat, Prepare("startup-halp", "bench", True, 0.01))
        assert isinstance(wrong, Failed)
        assert wrong.mendable
        assert "did you mean 'startup-help'" in wrong.reason


def test_cache_sizes_are_read_with_level_and_kind(tmp_path: Path) -> None:
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "32K"), ("1", "Instruction", "48K"), ("2", "Unified", "512K")]
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    assert caches(tmp_path) == {"L1d": "32K", "L1i": "48K", "L2": "512K"}
    assert caches(tmp_path / "absent") == {}


def test_contenders_that_share_a_worker_keep_their_own_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def contender(name: str, units: int) -> Contender:
        return Contender(name, "", lambda quick: Work(lambda: done.append(name), units))

    item = Item("race", "a race", "laps", (contender("one", 2), contender("two", 3)))
    monkeypatch.setattr("benchmarks.worker.find_item", lambda name: item)
    worker = Worker()
    for name in ("one", "two"):
        assert isinstance(worker.answer(Prepare("race", name, True, 0.0)), Ready)
    done.clear()
    first, second = worker.answer(Measure("one")), worker.answer(Measure("two"))
    assert done == ["one", "two"]
    assert isinstance(first, Measured)
    assert isinstance(second, Measured)
    assert (first.sample.units, second.sample.units) == (2, 3)
    worker.answer(Release())
    assert isinstance(worker.answer(Measure("one")), Failed)
