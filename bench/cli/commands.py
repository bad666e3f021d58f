"""The commands by name: each is imported when it is used, its summary is known before."""

from __future__ import annotations

import importlib

import click

from bench.errors import nearest

SUMMARIES = {
    "run": "Train an algorithm on a dataset, test it, and keep the result.",
    "evaluate": "Test the weights of a finished run on other episodes or data.",
    "tune": "Choose what only tests read, on validation classes.",
    "suite": "Make every row of a table that is not there.",
    "predict": "Label the images in a folder with a finished run.",
    "export": "Write a run's embedding network in a portable format.",
    "leaderboard": "Print tables from the results in a folder.",
    "report": "Write the tables and figures of a suite from its records.",
    "compare": "Compare runs on the episodes that they share.",
    "audit": "Measure whether queries inform one another, and look for leaks.",
    "published": "Show the numbers that papers published, with their sources.",
    "intervals": "Show how sure a run's mean is, and of what.",
    "verify": "Check a run's hashes and figures by testing its weights again.",
    "data": "Fetch, check, describe, split and show data.",
    "episodes": "Write test episodes into a sealed file, or show one.",
    "replay": "Print, or run, the command that reproduces a run.",
    "instances": "Show a stream learner's accuracy by instance number.",
    "list": "List algorithms, datasets, backbones or recipes.",
    "info": "Show an algorithm, dataset, backbone or recipe in detail.",
    "new": "Write a new plugin, to begin with.",
    "check": "Check that a plugin keeps the contract.",
    "plugins": "List plugin modules, with versions and load errors.",
    "install": "Install an optional package, such as learn2learn.",
    "sys-info": "Show versions and hardware, for a bug report.",
}
"""What each command does. Command `one-two` is the function `command` of `bench.cli.one_two`."""


class Commands(click.Group):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in the order of the help."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command; None if there is none of that name."""
        if cmd_name not in SUMMARIES:
            return None
        module = importlib.import_module(f"bench.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that `args` begin with; an unknown name gets the nearest one."""
        if args and args[0] not in SUMMARIES and not args[0].startswith("-"):
            from bench.cli.data import SUMMARIES as ABOUT_DATA

            if args[0] in ABOUT_DATA:
                raise click.UsageError(f"no command '{args[0]}'; did you mean 'data {args[0]}'?")
            raise click.UsageError(f"no command '{args[0]}'; {nearest(args[0], SUMMARIES)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))
