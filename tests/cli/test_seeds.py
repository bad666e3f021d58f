"""Several seeds in one command."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.cli.seeds import read_seeds, seeds_summary
from bench.errors import BenchError
from bench.results import RunRecord, find_runs, read_run

RUN = ["run", "--algo", "protonet", "--data", "gaussians", "--steps", "3", "--train-ways", "5"]
RUN += ["--episodes", "20", "--validation-episodes", "5", "--threads", "1"]


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0..4", (0, 1, 2, 3, 4)), ("3,1,7", (3, 1, 7)), ("0..1,10..11", (0, 1, 10, 11))],
)
def test_seeds_are_a_range_with_its_end_or_a_list(text: str, seeds: tuple[int, ...]) -> None:
    assert read_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write it as"),
        ("a", "write it as"),
        ("0-4", "write it as"),
        ("-1..2", "write it as"),
        ("4..0", "runs backwards: 0..4"),
        ("0..1000", "are more than 100"),
        ("1,1", "names a seed twice"),
        ("3", "one with --seed"),
        ("0..99,100..199", "name 2 to 100"),
    ],
)
def test_what_is_no_list_of_seeds_is_refused(text: str, why: str) -> None:
    with pytest.raises(BenchError, match=why):
        read_seeds(text)


def test_the_summary_has_the_mean_of_the_seeds_and_both_spreads(
    make_record: Callable[..., RunRecord],
) -> None:
    records = [make_record(accuracy=accuracy) for accuracy in (0.95, 0.96, 0.97)]
    outcomes = [r.outcome for r in records]
    records = [
        replace(r, outcome=replace(o, half_width=h))
        for r, o, h in zip(records, outcomes, (0.003, 0.004, 0.005), strict=True)
        if o
    ]
    text = seeds_summary(records)
    half_width = 4.302652729911275 * 0.01 / math.sqrt(3)  # t(0.975, 2) from a table, s = 0.01
    assert f"3 training seeds: 96.00% ± {100 * half_width:.2f}" in text
    assert "standard deviation is 1.00" in text
    assert "each seed alone: ± 0.40" in text


def test_each_seed_is_a_run_of_its_own_and_one_that_is_there_is_not_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path)]
    assert run_command_line([*RUN, *out, "--seed", "1"]) == 0
    first = find_runs(tmp_path)[0]
    written = (first / "run.json").read_bytes()
    capsys.readouterr()
    assert run_command_line([*RUN, *out, "--seeds", "0..2"]) == 0
    printed = capsys.readouterr().out
    records = [read_run(folder) for folder in find_runs(tmp_path)]
    assert sorted(record.training.seed for record in records) == [0, 1, 2]
    assert len({record.protocol.sha256 for record in records}) == 1
    assert (first / "run.json").read_bytes() == written
    means = [record.outcome.mean for record in records if record.outcome]
    found = re.search(r"3 training seeds: ([\d.]+)%", printed)
    assert found and float(found[1]) == pytest.approx(100 * sum(means) / 3, abs=0.006)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--seeds", "0..1", "--seed", "1"], "give one of them"),
        (["--seeds", "0..1", "--print-config"], "leave out --seeds"),
        (["--seeds", "x"], "write it as"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(
    flags: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*RUN, "--out", str(tmp_path), *flags]) == 4
    assert why in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
