"""`bench install`: optional packages that plain pip does not install."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys

import click

from bench.cli.options import debug_option
from bench.errors import BenchError, RunFailed
from bench.extras import find_extra


@click.command
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print the commands and run none.")
@debug_option
def command(name: str, dry_run: bool, debug: bool) -> None:
    """Install the optional package NAME into this environment, saying what is done."""
    extra = find_extra(name)
    click.echo(f"{extra.name}: {extra.summary}\n{extra.why}")
    if importlib.util.find_spec("pip") is None:
        raise BenchError("this environment has no pip; install it: python -m ensurepip")
    for arguments in extra.pip:
        line = [sys.executable, "-m", "pip", "install", *arguments]
        click.echo(f"$ {shlex.join(line)}")
        if not dry_run and subprocess.run(line, check=False).returncode:
            raise RunFailed(f"installing {name} failed at: {shlex.join(line)}")
    if not dry_run:
        click.echo(f"{name} is installed")
