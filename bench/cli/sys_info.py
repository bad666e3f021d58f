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
    from bench.machine import describe_machine
    from bench.provenance import describe_environment

    device = find_device("auto")
    environment, machine = describe_environment(device), describe_machine(device)
    rows = [(name, version) for name, version in environment.packages.items()]
    rows += [
        ("python", environment.python),
        ("platform", environment.platform),
        ("processor", environment.processor),
        ("cores", str(environment.cores)),
        ("threads", str(environment.threads)),
        ("device", environment.device),
        ("libraries", machine.blas),
        ("allocator", machine.allocator),
        ("machine card", machine.card),
        ("matrix product", f"{machine.gemm_gflops:.0f} GFLOP/s"),
        ("load", "-" if machine.load_after is None else f"{machine.load_after:.2f}"),
        ("git commit", environment.git_commit or "-"),
        ("cache folder", str(cache_root())),
        ("data root", str(data_root(os.environ.get("BENCH_DATA_ROOT")))),
    ]
    click.echo(tabulate(rows, disable_numparse=True, tablefmt="plain"))
