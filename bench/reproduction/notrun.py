"""Notrun: the tests of a suite that have no result, or none that counts, in few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.reproduction.asked import Part
from bench.reproduction.names import recipe_name
from bench.reproduction.result import Result
from bench.suite import Test

_LONGEST = 120
"""Characters of a note that are shown."""


def not_run(part: Part) -> str:
    """Returns the tests of a size that have no result, each with its state; '' if all have.

    Those of one training that are in the same state are one, as in `maml-paper (missing)`; seeds,
    modes and tests are named where others of the same training do have a result.
    """
    told = [text for group in _trainings(part) for text in _texts(group, refused=False)]
    return f"Not run at {part.size}: {', '.join(told)}." if told else ""


def not_counted(part: Part) -> str:
    """Returns the tests of a size that have a finished run which does not count, with why."""
    told = [text for group in _trainings(part) for text in _texts(group, refused=True)]
    return f"Not counted at {part.size}: {', '.join(told)}." if told else ""


def state_text(one: Result) -> str:
    """Returns the state of a test with why: `failed: out of memory`."""
    note = "" if one.state == "missing" else " ".join(one.note.split())
    if len(note) > _LONGEST:
        note = f"{note[:_LONGEST]}..."
    return f"{one.state}: {note}" if note else one.state


def _trainings(part: Part) -> Iterator[list[Result]]:
    """Yields the tests of a size that are of one recipe's training at one size."""
    groups: dict[tuple[int, int], list[Result]] = {}
    for place, seeds in part.asked.items():
        groups.setdefault((place.training, place.trained), []).extend(seeds)
    yield from groups.values()


def _texts(group: Sequence[Result], *, refused: bool) -> Iterator[str]:
    states: dict[str, list[Test]] = {}
    for one in group:
        if not one.is_done and one.refused == refused:
            states.setdefault(state_text(one), []).append(one.test)
    whole = [one.test for one in group]
    for state, tests in states.items():
        for text in _apart(tests, whole):
            yield f"{text} ({state})"


def _apart(tests: Sequence[Test], whole: Sequence[Test]) -> Iterator[str]:
    """Yields the name of a training's tests with what sets them apart from its others."""
    first = tests[0]
    trained = "" if first.trained == first.size else f" trained at {first.trained}"
    name = f"{recipe_name(first.training)}{trained}"
    kinds: dict[str, list[Test]] = {}
    for test in tests:
        kinds.setdefault(_kind(test, whole), []).append(test)
    seeds = {kind: _seeds(members, whole) for kind, members in kinds.items()}
    if set(kinds) == {_kind(test, whole) for test in whole} and len({*seeds.values()}) == 1:
        yield name + seeds[_kind(first, whole)]
        return
    for kind, text in seeds.items():
        yield name + kind + text


def _kind(test: Test, whole: Sequence[Test]) -> str:
    """Returns the mode and the test, each if others of the training have another."""
    names = [test.mode.name or "as trained"] if len({one.mode.name for one in whole}) > 1 else []
    if len({one.own for one in whole}) > 1:
        names.append("own test" if test.own else "common test")
    return "".join(f", {name}" for name in names)


def _seeds(tests: Sequence[Test], whole: Sequence[Test]) -> str:
    """Returns the seeds, if they are not all."""
    seeds = [test.seed for test in tests]
    if set(seeds) == {test.seed for test in whole}:
        return ""
    return f", seed{'s' * (len(seeds) > 1)} {' and '.join(map(str, seeds))}"
