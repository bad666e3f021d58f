"""The command `python -m benchmarks`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import BenchError
from bench.threads import usable_cores
from benchmarks import machine, session
from benchmarks.catalogue import all_items, matching
from benchmarks.crew import ROOT, Crew
from benchmarks.item import Item
from benchmarks.peers import PEERS, missing
from benchmarks.record import SCHEMA, SessionRecord
from benchmarks.report import render


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit status: 4 for wrong usage."""
    try:
        options = _parser().parse_args(arguments)
        items = matching(options.items)
        if options.list:
            _print_items(items)
            return 0
        threads = _threads(options.threads)
        plan = session.Plan(threads, options.rounds, options.seconds, options.quick)
        if options.quick:
            plan = session.Plan(threads, min(2, options.rounds), 0.01, True)
        if plan.rounds < 1:
            raise BenchError(f"--rounds is {plan.rounds}; it must be at least 1")
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    record = _run(items, plan, arguments)
    _write(record, options.out)
    return 0 if all(one.status in ("timed", "not available") for one in record.items) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Times bench and its installed peers in turns, after proving that they "
        "compute the same, and writes a table and a record. Run it from the repository's root.",
    )
    parser.add_argument(
        "--items", nargs="+", default=["*"], metavar="GLOB", help="which, such as 'maml-*'"
    )
    parser.add_argument(
        "--threads", default="1,all", help="numbers of threads, with commas (default: 1,all)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=0.7, help="about how long each lasts (default: 0.7)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny data, two rounds: tries everything, says nothing"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "results" / "benchmarks",
        help="the folder to write to (default: results/benchmarks)",
    )
    parser.add_argument("--list", action="store_true", help="list items and peers, and stop")
    return parser


def _threads(text: str) -> tuple[int, ...]:
    """Returns the numbers of threads in the option's text, ascending, each once."""
    numbers = set()
    for word in text.split(","):
        if word.strip() != "all" and not (word.strip().isdecimal() and int(word)):
            raise BenchError(f"--threads '{word}': give positive numbers or 'all', such as 1,all")
        numbers.add(usable_cores() if word.strip() == "all" else int(word))
    return tuple(sorted(numbers))


def _print_items(items: Sequence[Item]) -> None:
    for item in items:
        print(f"{item.name}\n    {item.summary}")
        print(f"    {', '.join(c.name for c in item.contenders)}")
    for package in PEERS:
        print(f"{package}: {missing(package) or 'installed'}")


def _run(items: Sequence[Item], plan: session.Plan, arguments: Sequence[str]) -> SessionRecord:
    started, before = datetime.now(UTC).isoformat(timespec="seconds"), machine.load()
    with Crew() as crew:
        tell("measuring the processor")
        limits = session.limits(plan, crew)
        records = []
        for item in items:
            records.append(session.run_item(item, plan, crew, tell))
            tell(f"{item.name}: {records[-1].status} {records[-1].reason}".rstrip())
        limits = session.best_limits(limits, session.limits(plan, crew))
    return SessionRecord(
        schema=SCHEMA,
        started=started,
        command=["python", "-m", "benchmarks", *arguments],
        commit=_commit(),
        rounds=plan.rounds,
        seconds=plan.seconds,
        quick=plan.quick,
        machine=machine.describe(before, limits),
        items=records,
    )


def _write(record: SessionRecord, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = render(record, all_items())
    stem = "quick" if record.quick else record.started[:16].replace(":", "")
    record.write(folder / f"{stem}.json")
    (folder / f"{stem}.md").write_text(text, encoding="utf-8")
    print(text)
    tell(f"written: {folder / stem}.md and .json")


def _commit() -> str:
    """Returns the checkout's commit, marked if files differ from it; empty if there is none."""
    line = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def tell(line: str) -> None:
    """Tells the user how far it is, on standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
