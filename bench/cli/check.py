"""`bench check`: the contract, put to the test on one plugin or on all algorithms."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, debug_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError, RunFailed
from bench.parameters import read_assignments

if TYPE_CHECKING:
    from bench.conformance.check import Finding
    from bench.registry import Registry

Findings = dict[str, "list[Finding]"]


@click.command
@click.argument("name", required=False, shell_complete=complete_names)
@click.option("--all", "everyone", is_flag=True, help="Check every algorithm that is installed.")
@click.option("-k", "pattern", default="", metavar="PATTERN", help="Only checks with this in them.")
@click.option("--backbone", metavar="NAME", help="Embedding network. [default: a small one]")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A parameter of NAME.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin_option
@debug_option
def command(
    name: str | None,
    everyone: bool,
    pattern: str,
    backbone: str | None,
    sets: tuple[str, ...],
    as_json: bool,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Check that the algorithm, dataset or backbone NAME keeps the contract.

    Algorithms are tried on small data made in memory, on one core.

    Each check is one sentence of the contract; a failure says what was expected and how to mend
    it. The exit code is 1 if a check fails.
    """
    if bool(name) == everyone:
        raise BenchError("name an algorithm, dataset or backbone, or give --all for all algorithms")
    given = read_assignments(sets)
    registry = load_plugins(plugin)
    import torch

    from bench.conformance.suite import cases, matching, run

    torch.set_num_threads(1)
    if name:
        chosen = matching(cases(registry, name, backbone, given), pattern)
        findings = {name: list(run(chosen, debug))}
        absent: dict[str, str] = {}
    else:
        findings, absent = _all(registry, pattern, debug)
    if as_json:
        click.echo(json.dumps(_plain(findings, absent), indent=2))
    else:
        click.echo(_report(findings[name]) if name else _summary(findings, absent))
    broken = [algorithm for algorithm, found in findings.items() if _count(found, "failed")]
    if broken:
        raise RunFailed(f"the contract is not kept by {', '.join(broken)}")


def _all(registry: Registry, pattern: str, debug: bool) -> tuple[Findings, dict[str, str]]:
    """Checks every algorithm; those that cannot be are returned with the reason."""
    from bench.conformance.suite import MissingPackage, cases, matching, run

    findings: Findings = {}
    absent = {}
    for name in sorted(registry.algorithms.entries):
        try:
            chosen = matching(cases(registry, name), pattern)
        except MissingPackage as error:
            absent[name] = str(error)
            continue
        click.echo(f"checking {name}", err=True)
        findings[name] = list(run(chosen, debug))
    return findings, absent


def _report(findings: Sequence[Finding]) -> str:
    """Returns a row per check, then the messages of those that failed."""
    several = len({finding.on for finding in findings}) > 1
    rows = [
        {
            "check": f"{f.check} ({f.on})" if several else f.check,
            "result": f.status,
            "seconds": f"{f.seconds:.2f}",
            "note": f.note or (f.proves if f.status == "passed" else f.saw),
        }
        for f in findings
    ]
    counts = ", ".join(f"{_count(findings, s)} {s}" for s in ("passed", "failed", "skipped"))
    total = sum(finding.seconds for finding in findings)
    return "\n\n".join(
        [table(rows, wrapped=("note",)), *_messages(findings), f"{counts} in {total:.1f} s"]
    )


def _messages(findings: Sequence[Finding], prefix: str = "") -> list[str]:
    return [
        f"{prefix}{f.check} ({f.on}): {f.proves}\n  " + f.message.replace("\n", "\n  ")
        for f in findings
        if f.status == "failed"
    ]


def _summary(findings: Findings, absent: dict[str, str]) -> str:
    """Returns a row per algorithm, then the messages of all checks that failed."""
    rows: list[dict[str, object]] = [
        {
            "algorithm": name,
            **{status: _count(found, status) for status in ("passed", "failed", "skipped")},
            "seconds": f"{sum(f.seconds for f in found):.1f}",
            "failures": ", ".join(f.check for f in found if f.status == "failed") or "-",
        }
        for name, found in findings.items()
    ]
    messages = [m for name, found in findings.items() for m in _messages(found, f"{name}: ")]
    return "\n\n".join(
        [
            table(rows, wrapped=("failures",)),
            *messages,
            *(f"{name}: not checked: {why}" for name, why in absent.items()),
        ]
    )


def _plain(findings: Findings, absent: dict[str, str]) -> list[dict[str, object]]:
    checked: list[dict[str, object]] = [
        {"algorithm": name, "findings": [dataclasses.asdict(finding) for finding in found]}
        for name, found in findings.items()
    ]
    return checked + [{"algorithm": name, "not checked": why} for name, why in absent.items()]


def _count(findings: Sequence[Finding], status: str) -> int:
    return sum(finding.status == status for finding in findings)
