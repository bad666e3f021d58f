"""`bench sys-info`: versions and hardware, for a bug report."""

from __future__ import annotations

import click

from bench.cli.options import debug_option


@click.command
@debug_option
def command(debug: bool) -> None:
    """Show versions and hardware, for a bug report."""
    import os

    from tabulate import tabulate

    from bench.cache import cache_root
    from bench.device import find_device
    from bench.job import data_root
    from bench.provenance import describe_environment

    environment = describe_environment(find_device("auto"))
    rows = [(name, version) for name, version in environment.packages.items()]
    rows += [
        ("python", environment.python),
        ("platform", environment.platform),
        ("processor", environment.processor),
        ("cores", str(environment.cores)),
        ("threads", str(environment.threads)),
        ("device", environment.device),
        ("git commit", environment.git_commit or "-"),
        ("cache folder", str(cache_root())),
        ("data root", str(data_root(os.environ.get("BENCH_DATA_ROOT")))),
    ]
    click.echo(tabulate(rows, disable_numparse=True, tablefmt="plain"))
