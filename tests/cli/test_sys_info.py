"""`bench sys-info`: the machine's card and its speed, for whoever compares timings."""

from __future__ import annotations

import pytest
import torch

from bench import machine
from bench.cli import run_command_line
from bench.machine import describe_machine


def test_the_card_and_the_speed_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "matrix_speed", lambda device: 98.7)
    assert run_command_line(["sys-info"]) == 0
    lines = {line[:16].strip(): line[16:].strip() for line in capsys.readouterr().out.splitlines()}
    here = describe_machine(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    assert lines["machine card"] == here.card
    assert lines["matrix product"] == "99 GFLOP/s"
    assert lines["libraries"] == here.blas
    assert lines["allocator"] == here.allocator
