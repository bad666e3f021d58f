"""`bench data`: what there is, fetched, checked, described, split and shown."""

from __future__ import annotations

import importlib

import click

from bench.errors import nearest

SUMMARIES = {
    "list": "List datasets: where their files are, what is cached.",
    "fetch": "Fetch a dataset's files and build its cache.",
    "verify": "Check a dataset's files and cache, byte for byte.",
    "stats": "Count classes and images; show sizes and balance.",
    "clean": "Delete caches that are no longer wanted.",
    "doctor": "Look through a folder of images for what is wrong with it.",
    "split": "Draw a class split and write it to a file.",
    "show": "Draw an episode, support and query, as a picture.",
}
"""What each subcommand does. Subcommand `one` is the function `command` of `bench.cli.data.one`."""


class DataCommands(click.Group):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in the order of the help."""
        return [*SUMMARIES]  # here `list` is a module, once that command was used

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command; None if there is none of that name."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = importlib.import_module(f"bench.cli.data.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that `args` begin with; an unknown name gets the nearest one."""
        if args and args[0] not in SUMMARIES and not args[0].startswith("-"):
            raise click.UsageError(f"no command 'data {args[0]}'; {nearest(args[0], SUMMARIES)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([*SUMMARIES.items()])


@click.group(cls=DataCommands)
def command() -> None:
    """Fetch, check, describe, split and show data."""
