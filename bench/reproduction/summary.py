"""Summary: how many published numbers were reproduced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.recipe import Budget, read_recipe
from bench.reproduction.asked import Part
from bench.reproduction.line import Line
from bench.reproduction.number import number_of
from bench.suite import Suite

_OF: dict[Budget, str] = {
    "paper": "with the papers' recipes",
    "cpu": "with cpu recipes, which are not the papers'",
    "floor": "without training",
    "smoke": "with smoke recipes, which are not the papers'",
    "own": "with recipes of one's own",
}


@dataclass(frozen=True)
class Compared:
    """A published number that a suite asks for; the line that counts, or None if there is none.

    That is the line of the recipe's own test where there is one, else that of the common test.
    `refused` says that a finished run was there and does not count.
    """

    budget: Budget
    line: Line | None
    refused: bool = False


def compared(suite: Suite, parts: Sequence[Part]) -> Iterator[Compared]:
    """Yields every training, size and mode that has a published number once."""
    for part in parts:
        lines: dict[tuple[int, int, int, int], Line | None] = {}
        budgets: dict[tuple[int, int, int, int], Budget] = {}
        refused: set[tuple[int, int, int, int]] = set()
        for place, seeds in part.asked.items():
            test = seeds[0].test
            if number_of(test.mode.published, suite.data, part.size):
                key = place[:-1]
                lines[key] = lines.get(key) or part.found.get(place)
                budgets[key] = read_recipe(test.training.recipe).budget
                refused |= {key} if any(one.refused for one in seeds) else set()
        for key, line in lines.items():
            yield Compared(budgets[key], line, line is None and key in refused)


def summary(suite: Suite, parts: Sequence[Part]) -> tuple[str, ...]:
    """Returns a sentence of counts for each budget of recipes; none if nothing was published."""
    all_of = [*compared(suite, parts)]
    return tuple(
        f"Published numbers reproduced {words}: {counts(members)}."
        for budget, words in _OF.items()
        if (members := [one for one in all_of if one.budget == budget])
    )


def counts(numbers: Sequence[Compared]) -> str:
    """Returns counts as text: `7 of 16; above 1; missed 8 (5 of them trained shorter)`."""
    lines = [one.line for one in numbers if one.line]
    words = Counter(line.verdict.word for line in lines)
    reasons = Counter(line.verdict.reason for line in lines if line.verdict.reason)
    short = sum(line.verdict.word == "miss" and line.short for line in lines)
    told = [f"{words['pass']} of {len(numbers)}"]
    if words["above"]:
        told.append(f"above {words['above']}")
    if words["miss"]:
        shorter = f" ({short} of them trained shorter than the recipe says)" if short else ""
        told.append(f"missed {words['miss']}{shorter}")
    told += [f"not compared, {reason}: {number}" for reason, number in sorted(reasons.items())]
    refused = sum(one.refused for one in numbers)
    told += [f"not counted {refused}"] if refused else []
    absent = len(numbers) - len(lines) - refused
    told += [f"not run {absent}"] if absent else []
    return "; ".join(told)
