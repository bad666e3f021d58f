"""What tests of `bench verify` share."""

from __future__ import annotations

import re

from bench.cli import run_command_line

FAST = ["--steps", "4", "--episodes", "40", "--validation-episodes", "5", "--train-ways", "5"]


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def verdicts(text: str) -> dict[str, str]:
    """Returns the verdict of each figure in the printed table."""
    rows = re.findall(r"^(\S.*?)  +.*?(same|within tolerance|differs)$", text, re.MULTILINE)
    return dict(rows)
