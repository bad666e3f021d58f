"""Line: one way of training and testing that a suite asks for, its seeds together."""

from __future__ import annotations

from dataclasses import dataclass

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.published import Published
from bench.recipe import Recipe, read_recipe, size_of
from bench.reproduction.verdict import Verdict
from bench.suite import Test

_SHOWN_ELSEWHERE = ("steps", "queries", "episodes", "episode_seed")
_OF_ALL_SEEDS = ("algorithm", "data", "test_data", "protocol")


@dataclass(frozen=True)
class Line:
    """The finished tests of a line, as `row`, and the runs that trained their weights.

    `test` is that of the smallest seed; `method` and `recipe_label` are names for reading, without
    the mode.
    """

    test: Test
    method: str
    recipe_label: str
    row: Row
    trained: Row
    number: Published | None
    verdict: Verdict

    @property
    def recipe(self) -> Recipe:
        """The recipe of the training."""
        return read_recipe(self.test.training.recipe)

    @property
    def label(self) -> str:
        """The method with the mode of its test."""
        return ", ".join(text for text in (self.method, self.test.mode.name) if text)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that were trained; several if the seeds differ."""
        return tuple(sorted({e.record.training.steps_done for e in self.row.entries}))

    @property
    def asked(self) -> int | None:
        """The steps of the recipe; None if it leaves them to the algorithm."""
        steps: int | None = self.recipe.at(*size_of(self.test.trained)).get("steps")
        return steps

    @property
    def short(self) -> bool:
        """Whether any seed was trained for fewer steps than the recipe has."""
        return self.asked is not None and self.steps[0] < self.asked

    @property
    def changed(self) -> tuple[str, ...]:
        """What the runs have in place of the recipe's values, but for steps and test."""
        return tuple(
            sorted(
                {
                    text
                    for entry in self.row.entries
                    for text in _changed(entry)
                    if text.partition("=")[0] not in _SHOWN_ELSEWHERE
                }
            )
        )

    @property
    def measured(self) -> str:
        """What the audit found, or what is declared where there was none."""
        found = {entry.measured or f"{entry.declared} (declared)" for entry in self.row.entries}
        return " / ".join(sorted(found))

    @property
    def trained_on(self) -> str:
        """The splits that were trained on."""
        return " / ".join(sorted({entry.record.training.on for entry in self.row.entries}))

    @property
    def mixed(self) -> tuple[str, ...]:
        """The parts of the records in which the seeds differ though nothing but the seed should."""
        records = [entry.record for entry in self.row.entries]
        return tuple(
            part
            for part in _OF_ALL_SEEDS
            if any(getattr(record, part) != getattr(records[0], part) for record in records)
        )


def _changed(entry: Entry) -> tuple[str, ...]:
    return entry.record.recipe.changed if entry.record.recipe else ()
