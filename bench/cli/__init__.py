"""The command line. Only this package prints: results to stdout, everything else to stderr.

A command's module is imported when the command is used, and no module of this package imports
torch at its top, so that `bench --help` answers at once.
"""

from __future__ import annotations

import click
from click.exceptions import Exit

from bench.cli.commands import Commands
from bench.errors import BenchError
from bench.interruption import EXIT_INTERRUPTED

EXIT_FAILED, EXIT_USAGE = 1, 4


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fewshot-bench", prog_name="bench")
def cli() -> None:
    """A benchmark harness for few-shot and meta-learning.

    Exit codes: 0 ok, 1 failed, 2 interrupted (continue with --resume), 4 wrong usage,
    5 nothing matched.
    """


def run_command_line(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; errors are printed as one line."""
    debug = "--debug" in arguments
    try:
        cli.main(arguments or ["--help"], prog_name="bench", standalone_mode=False)
    except Exit as exit_request:
        return exit_request.exit_code
    except click.ClickException as error:
        return _say(" ".join(error.format_message().split()), EXIT_USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted", EXIT_INTERRUPTED)
    except BenchError as error:
        if debug:
            raise
        return _say(str(error), error.exit_code)
    except OSError as error:  # a full or read-only disk, a folder without permission
        if debug:
            raise
        place = f": {error.filename}" if error.filename else ""
        return _say(f"{error.strerror or error}{place}", EXIT_USAGE)
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        return _say(f"internal error, {kind}: {error}; see it whole with --debug", EXIT_FAILED)
    return 0


def _say(message: str, code: int) -> int:
    """Prints an error as one line and returns the exit code."""
    click.echo(f"bench: {message}", err=True)
    return code
