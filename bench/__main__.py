"""`bench`, the command, and `python -m bench`, which is the same."""

from __future__ import annotations

import sys

from bench.interruption import leaving_at_once


def main() -> None:
    """Runs the command line and exits with its code."""
    with leaving_at_once():
        from bench.cli import run_command_line
    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
