"""Options that several commands share."""

from __future__ import annotations

import rich_click as click

plugin_option = click.option(
    "-p",
    "--plugin",
    "plugin",
    multiple=True,
    metavar="MODULE|FILE.py",
    help="Load a plugin that is not installed; may be repeated.",
)
debug_option = click.option(
    "--debug", is_flag=True, help="Show the traceback of an error instead of one line."
)
