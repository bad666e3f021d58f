"""Suite jobs: what is to be done next for a suite's tests, and the command that does it.

A training and the tests of its weights are a chain: one after another, as each test is counted in
the record of the training. This module imports neither torch nor algorithms.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.recipe import read_recipe, size_of
from bench.suite.matching import protocol_of
from bench.suite.parts import CommonTest, Test
from bench.suite.state import Found, refutation

Kind = Literal["training", "testing", "verifying"]


@dataclass(frozen=True)
class Job:
    """One command for one test, whose number in the suite is `place`: its words after `bench`."""

    place: int
    kind: Kind
    label: str
    words: tuple[str, ...]
    log: str


@dataclass(frozen=True)
class Plan:
    """What is to be done about tests that are not simply missing, where, and with which flags.

    `retry` takes up what failed, and does anew what failed to verify or was altered; `renew` does
    anew what an older recipe made, or what other code began; `verify` verifies what is not
    verified, once more if that failed. `changed` are folders of runs whose algorithm's code is no
    longer the record's. `flags` go to every command.
    """

    common: CommonTest
    folder: Path
    retry: bool = False
    renew: bool = False
    verify: bool = False
    changed: frozenset[Path] = frozenset()
    flags: tuple[str, ...] = ()

    def next_job(
        self, found: Sequence[Found], chain: Sequence[int], tried: Collection[tuple[int, Kind]]
    ) -> Job | None:
        """Returns what is to be done next in a chain, leaving out what was tried; None: nothing."""
        for place in chain:
            kind = self._kind(found[place])
            if kind is not None and (place, kind) not in tried:
                return self._job(place, kind, found[place], found[chain[0]])
            if place == chain[0] and found[place].state != "done":
                return None
        return None

    def _kind(self, one: Found) -> Kind | None:
        make: Kind = "testing" if one.test.evaluated else "training"
        if one.state == "done":
            return "verifying" if self.verify and not _is_verified(one) else None
        if self.verify and not self.retry and _is_refuted(one):
            return "verifying"
        wanted = {"failed": self.retry, "altered": self.retry, "outdated": self.renew}
        return make if wanted.get(one.state, True) else None

    def _job(self, place: int, kind: Kind, one: Found, training: Found) -> Job:
        if kind == "training":
            words = self._training(one)
        elif kind == "testing":
            words = self._testing(one, training)
        else:
            words = ("verify", str(one.folder))
        return Job(place, kind, label(one.test), (*words, *self.flags), log_name(one.test))

    def _training(self, one: Found) -> tuple[str, ...]:
        test, folder = one.test, one.folder
        ways, shots = size_of(test.trained)
        words = ["run", "--recipe", test.training.recipe, "--ways", f"{ways}", "--shots"]
        words += [f"{shots}", "--seed", f"{test.seed}", "--threads", "1"]
        if test.training.steps is not None:
            words += ["--steps", f"{test.training.steps}"]
        there = folder is not None and one.state != "outdated"
        words += ["--out", str(folder.parent if folder and there else self.folder)]
        return (*words, "--force" if there and self._begins_again(one) else "--resume")

    def _begins_again(self, one: Found) -> bool:
        """Tells whether a run that is there cannot be taken up where it ended."""
        complete = one.record is not None and one.record.status == "complete"
        if one.folder in self.changed:
            return self.renew or one.state == "failed"
        return complete

    def _testing(self, one: Found, training: Found) -> tuple[str, ...]:
        test, wanted = one.test, protocol_of(one.test, self.common)
        ways, shots = size_of(test.size)
        words = ["evaluate", str(training.folder), "--ways", f"{ways}", "--shots", f"{shots}"]
        words += ["--queries", f"{wanted.queries}", "--episodes", f"{wanted.episodes}"]
        words += ["--episode-seed", f"{wanted.episode_seed}"]
        for name, value in test.mode.set.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            words += ["--set", f"{name}={text}"]
        words += ["--out", str(one.folder.parent if one.folder else self.folder)]
        return (*words, "--force") if one.folder else tuple(words)


def _is_verified(one: Found) -> bool:
    known = one.record.verification if one.record else None
    return known is not None and known.verdict != "failed"


def _is_refuted(one: Found) -> bool:
    """Tells whether it is a finished run that failed to verify."""
    is_whole = one.record is not None and one.record.status == "complete"
    return one.state == "failed" and is_whole and bool(one.folder and refutation(one.folder))


def chains(tests: Sequence[Test]) -> tuple[tuple[int, ...], ...]:
    """Returns the places of tests that belong together: a training, then those of its weights."""
    found: list[list[int]] = []
    for place, test in enumerate(tests):
        if not test.evaluated:
            found.append([])
        found[-1].append(place)
    return tuple(tuple(chain) for chain in found)


def label(test: Test) -> str:
    """Returns what a test is called in a line."""
    text = f"{row_name(test)}, {test.trained}, seed {test.seed}"
    return text if test.size == test.trained else f"{text}, tested at {test.size}"


def row_name(test: Test) -> str:
    """Returns what a test is called, but for its data, sizes and seed."""
    recipe = read_recipe(test.training.recipe)
    parts = [recipe.name.removeprefix(f"{recipe.values['data']}/")]
    if test.training.steps is not None:
        parts.append(f"{test.training.steps} steps")
    if test.mode.name:
        parts.append(test.mode.name)
    if test.own:
        parts.append("own test" if test.counted else "training")
    return ", ".join(parts)


def log_name(test: Test) -> str:
    """Returns the name of the file that a test's output goes to."""
    training = test.training
    name = read_recipe(training.recipe).name.replace("/", "-")
    parts = [name, test.trained, f"seed{test.seed}"]
    if training.steps is not None:
        parts.append(f"steps{training.steps}")
    if test.evaluated:
        parts += ["on", test.size, f"mode{training.modes.index(test.mode)}"]
        parts += ["own"] if test.own else []
    return f"{'_'.join(parts)}.log"
