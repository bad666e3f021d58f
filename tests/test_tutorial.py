"""The README's tutorial: its commands, run in a shell, go from nothing to a leaderboard row."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def tutorial() -> str:
    """Returns the shell block that follows the comment `tutorial`."""
    blocks = re.findall(r"<!-- tutorial -->\n+```sh\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 1, "README.md needs one shell block after <!-- tutorial -->"
    return str(blocks[0])


def test_the_commands_of_the_tutorial_end_with_a_row_on_a_leaderboard(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tutorial()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "0 failed" in done.stdout
    board = done.stdout.split("95% interval over")[-1]
    rows = dict(re.findall(r"^\|\s*([a-z-]+)[^|]*\|[^|]*?([\d.]+) ±", board, flags=re.MULTILINE))
    assert {"my-method", "pixels"} <= rows.keys(), board
