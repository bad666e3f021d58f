"""A session: each item is proven, then timed in turns by all contenders with all thread counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import messages
from benchmarks.crew import Crew, Seat
from benchmarks.item import OURS, Contender, Item
from benchmarks.machine import Limits
from benchmarks.peers import missing
from benchmarks.record import ItemRecord, Series
from benchmarks.timing import Sample, turns

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How to time: numbers of threads, rounds, seconds a measurement, and whether on small data."""

    threads: tuple[int, ...]
    rounds: int
    seconds: float
    quick: bool
    seed: int = 0


@dataclass(frozen=True)
class Entrant:
    """A contender as it is timed: in which worker, under which name."""

    contender: Contender
    seat: Seat

    @property
    def label(self) -> str:
        """The contender's name, and the allocator if it is not as shipped."""
        peer = self.contender.name != OURS
        return self.contender.name + (" + our allocator" if peer and self.seat.keeps_blocks else "")


def run_item(item: Item, plan: Plan, crew: Crew, tell: Tell) -> ItemRecord:
    """Returns all that was found out about an item; nothing is raised if it cannot be timed."""
    absent = {c.name: missing(c.package) for c in item.contenders}
    present = [c for c in item.contenders if not absent[c.name]]
    notes = {c.name: c.note for c in item.contenders if c.note}
    left_out = {name: reason for name, reason in absent.items() if reason}
    record = ItemRecord(item.name, item.summary, item.unit, "timed", "", notes, left_out)
    tell(f"{item.name}: proving")
    reply = crew.ask(
        Seat("proof", 1, True),
        messages.Prove(item.name, [c.name for c in present if c.name != OURS], plan.quick),
    )
    if isinstance(reply, messages.Failed):
        return record.stopped("not available" if reply.mendable else "failed", reply.reason)
    assert isinstance(reply, messages.Proved)
    record = record.proven(reply.proofs)
    broken = [p for p in reply.proofs if not p.holds]
    if broken:
        worst = "; ".join(f"{p.peer}: {p.what}: {p.error:.1e} > {p.limit:.0e}" for p in broken)
        return record.stopped("not equal", worst)
    return _time(item, present, plan, crew, tell, record)


def _time(
    item: Item,
    contenders: Sequence[Contender],
    plan: Plan,
    crew: Crew,
    tell: Tell,
    record: ItemRecord,
) -> ItemRecord:
    """Prepares every entrant, lets them take turns, and adds what was measured to the record."""
    entrants, calls = [], {}
    for entrant in _entrants(item, contenders, plan):
        tell(f"{item.name}: preparing {entrant.label}, threads: {entrant.seat.threads}")
        request = messages.Prepare(item.name, entrant.contender.name, plan.quick, plan.seconds)
        reply = crew.ask(entrant.seat, request)
        if isinstance(reply, messages.Failed):
            if entrant.contender.name == OURS:
                return record.stopped("failed", reply.reason)
            record = record.without(entrant.label, reply.reason)
            continue
        assert isinstance(reply, messages.Ready)
        entrants.append(entrant)
        calls[entrant] = reply.calls
    samples: dict[Entrant, list[Sample]] = {entrant: [] for entrant in entrants}
    for number, entrant in turns(entrants, plan.rounds, np.random.default_rng(plan.seed)):
        tell(f"{item.name}: round {number + 1} of {plan.rounds}: {entrant.label}")
        reply = crew.ask(entrant.seat, messages.Measure(entrant.contender.name))
        if isinstance(reply, messages.Failed):
            record = record.without(entrant.label, reply.reason)
        else:
            assert isinstance(reply, messages.Measured)
            samples[entrant].append(reply.sample)
    for entrant in entrants:
        crew.ask(entrant.seat, messages.Release())
    series = [
        Series(e.label, e.contender.name, e.seat.threads, e.seat.keeps_blocks, calls[e], taken)
        for e, taken in samples.items()
        if len(taken) == plan.rounds
    ]
    return record.timed(series)


def _entrants(item: Item, contenders: Sequence[Contender], plan: Plan) -> list[Entrant]:
    """Returns who is timed: ours with our allocator, peers as shipped, some with ours as well."""
    found = []
    for threads in plan.threads if item.threads_matter else plan.threads[:1]:
        for contender in contenders:
            ours = contender.name == OURS
            settings = (True,) if ours else (False, True) if contender.both_allocators else (False,)
            found += [Entrant(contender, Seat(contender.package, threads, s)) for s in settings]
    return found


def limits(plan: Plan, crew: Crew) -> list[Limits]:
    """Returns what the processor reaches with each number of threads, in our workers."""
    found = []
    for threads in plan.threads:
        reply = crew.ask(Seat("", threads, True), messages.MeasureLimits(plan.quick))
        if isinstance(reply, messages.Reached):
            found.append(reply.limits)
    return found


def best_limits(before: Sequence[Limits], after: Sequence[Limits]) -> list[Limits]:
    """Returns the better of two measurements of each limit, by ascending number of threads.

    More threads reach at least what fewer do: if they did not, something else held a core.
    """
    found: list[Limits] = []
    for a, b in zip(before, after, strict=True):
        known = [a, b, *found]
        found.append(
            Limits(
                a.threads,
                max(one.sgemm for one in known),
                max(one.convolution for one in known),
                max(one.copy for one in known),
                max(one.conversion for one in known),
            )
        )
    return found
