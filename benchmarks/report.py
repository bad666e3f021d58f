"""The report: a record as Markdown."""

from __future__ import annotations

from tabulate import tabulate

from benchmarks.item import OURS, Item, Target
from benchmarks.machine import Limits, Machine
from benchmarks.record import ItemRecord, SessionRecord
from benchmarks.timing import Spread
from benchmarks.verdict import call_cost, comparisons, floor_share, verdict

Row = dict[str, str]
COLUMNS = (
    *("item", "threads", "contender", "units/s", "units/cpu-s", "bench is", "range"),
    *("by cpu-s", "of floor"),
)
EXPLANATION = """\
Units per second on the wall clock: median over rounds ± half the range. A ratio is the median over
rounds of ours divided by the peer's, with the same number of threads; all contenders take turns in
random order. A peer runs with the C library's allocator as it comes; "+ our allocator" is the same
peer with the setting that bench makes at start-up. The floor is the rate at which the item's
arithmetic would run at the speed of the matrix product or the convolution measured on this machine,
whichever is faster (for sampling: its bytes at the speed of a sequential conversion to float32).
Verdicts are on the ratio with the most threads (t). Data are synthetic, in the shape of the real
sets."""


def render(record: SessionRecord, items: dict[str, Item]) -> str:
    """Returns the whole report; `items` are those of the catalogue, by name."""
    known = [(items[one.name], one) for one in record.items if one.name in items]
    limits = {one.threads: one for one in record.machine.limits}
    title = "# Benchmarks" + (" (a quick try on tiny data: no result)" if record.quick else "")
    parts = [
        title,
        f"`{' '.join(record.command)}`, {record.started}, commit {record.commit or 'unknown'}, "
        f"{record.rounds} rounds of about {record.seconds:g} s a measurement.",
        EXPLANATION,
        "## Targets",
        _table([_headline(item, one, limits) for item, one in known]),
        "## Every measurement",
        _table([row for item, one in known for row in _measurements(item, one, limits)], COLUMNS),
        "## Proofs of equality",
        _table([row for _, one in known for row in _proofs(one)]),
        "## Not timed",
        _list([line for _, one in known for line in _left_out(one)]),
        "## How each was run",
        _list([line for _, one in known for line in _notes(one)]),
        "## Machine",
        _table(_machine(record.machine)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(item: Item, record: ItemRecord, limits: dict[int, Limits]) -> Row:
    """Returns one row per item: what was reached, and what was to be."""
    threads = sorted({series.threads for series in record.series})
    row = {"item": item.name, "bench": "-", "per": item.unit, "against": item.target.against or "-"}
    if item.target.cpu_seconds is not None or not item.threads_matter:
        cost = call_cost(record, Target())
        beyond = call_cost(record, item.target)
        row["bench"] = f"{_spread(cost)} cpu-s" if cost else "-"
        row["reached"] = f"{beyond.median:.2f} cpu-s" if beyond else "-"
        limit = item.target.cpu_seconds
        row["target"] = f"at most {limit:g} cpu-s" if limit is not None else "-"
    else:
        row |= _headline_ratio(item, record, threads, limits)
    return row | {"verdict": verdict(item, record)}


def _headline_ratio(
    item: Item, record: ItemRecord, threads: list[int], limits: dict[int, Limits]
) -> Row:
    """Returns the cells of an item whose target is a ratio, for the most threads."""
    against = item.target.against or next((c.name for c in item.contenders if c.name != OURS), "")
    row = {"reached": "-", "target": "-", "against": against}
    reached = []
    for one in comparisons(record):
        most = bool(threads) and one.series.threads == threads[-1]
        if most and one.series.label == OURS:
            row["bench"] = _spread(one.rate)
            share = floor_share(item, one.rate.median, limits.get(threads[-1]))
            row["of floor"] = _percent(share)
        if one.series.label == against and one.ratio:
            reached.append(f"{one.ratio.median:.3g}x ({one.series.threads}t)")
    row["reached"] = ", ".join(reversed(reached)) or "-"
    if item.target.ratio is not None:
        row["target"] = f"{item.target.ratio:g}x"
    return row


def _measurements(item: Item, record: ItemRecord, limits: dict[int, Limits]) -> list[Row]:
    """Returns one row per contender and number of threads."""
    rows = []
    for one in comparisons(record):
        share = floor_share(item, one.rate.median, limits.get(one.series.threads))
        row = {
            "item": item.name,
            "threads": str(one.series.threads),
            "contender": one.series.label,
            "units/s": _spread(one.rate),
            "units/cpu-s": _spread(one.cpu_rate),
        }
        # Another command is there to be subtracted, not to be outrun.
        if one.ratio and one.cpu_ratio and item.target.cpu_seconds is None:
            row["bench is"] = f"{one.ratio.median:.3g}x"
            row["range"] = f"{one.ratio.low:.3g}..{one.ratio.high:.3g}"
            row["by cpu-s"] = f"{one.cpu_ratio.median:.3g}x"
        rows.append(row | {"of floor": _percent(share)})
    return rows


def _proofs(record: ItemRecord) -> list[Row]:
    return [
        {
            "item": record.name,
            "peer": proof.peer,
            "what": proof.what,
            "relative error": f"{proof.error:.1e}",
            "allowed": f"{proof.limit:.0e}",
        }
        for proof in record.proofs
    ]


def _left_out(record: ItemRecord) -> list[str]:
    lines = [f"{record.name}, {name}: {reason}" for name, reason in record.left_out.items()]
    if record.status != "timed":
        lines.insert(0, f"{record.name}: {record.status}: {record.reason}")
    return lines


def _notes(record: ItemRecord) -> list[str]:
    """Returns one line per item: what is done, and how each contender that was timed does it."""
    timed = {series.contender for series in record.series}
    notes = [f"*{name}*: {note}." for name, note in record.notes.items() if name in timed]
    return [" ".join((f"**{record.name}**: {record.summary}.", *notes))]


def _machine(card: Machine) -> list[Row]:
    """Returns the machine card, a row each."""
    facts = {
        "processor": f"{card.processor}, {card.cores} cores usable",
        "caches": ", ".join(f"{name} {size}" for name, size in card.caches.items()) or "unknown",
        "memory": f"{card.memory_gib:g} GiB",
        "system": f"{card.system}, {card.libc}, Python {card.python}",
        "packages": ", ".join(f"{n} {v}" for n, v in card.packages.items()),
        "load before, after": f"{card.load_before:g}, {card.load_after:g}",
    }
    for one in card.limits:
        facts[f"threads: {one.threads}"] = (
            f"sgemm {one.sgemm:.0f} GF/s, convolution {one.convolution:.0f} GF/s, "
            f"copy {one.copy:.1f} GB/s, bytes to float32 {one.conversion:.2f} G/s"
        )
    return [{"what": what, "value": value} for what, value in facts.items()]


def _spread(spread: Spread) -> str:
    return f"{_number(spread.median)} ± {100 * spread.relative:.0f}%"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}%"


def _table(rows: list[Row], columns: tuple[str, ...] = ()) -> str:
    if not rows:
        return "(none)"
    rows = [dict.fromkeys(columns, "") | row for row in rows]
    return tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True)


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "(none)"
