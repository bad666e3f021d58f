"""A check: one sentence of the contract, and how it is put to the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar


class Subject(Protocol):
    """What is checked: it says on what it is tried."""

    @property
    def label(self) -> str:
        """A word or two; different for the subjects of one plugin."""


S = TypeVar("S", bound=Subject)
Condition = Callable[[S], str]
"""From the subject of a check to the reason why the check is not for it; '' if it is."""
Status = Literal["passed", "failed", "skipped"]

SEEDED = ("answers", "seeded")
"""What checks need that compare predictions with one another."""


@dataclass(frozen=True)
class Check(Generic[S]):
    """One sentence of the contract: its name, what it proves, and the test of it.

    `run` returns a note on what was measured, often empty; it raises Failed or NotApplicable.
    `unless` holds reasons that can be known before. Where one of the checks in `needs` failed,
    this one could only say the same again. `once` marks what does not hang on the task.
    """

    name: str
    proves: str
    run: Callable[[S], str]
    unless: tuple[Condition[S], ...] = ()
    needs: tuple[str, ...] = ("answers",)
    once: bool = False

    def why_not(self, subject: S) -> str:
        """Returns the reason why the check is not for this subject; '' if it is."""
        return next((reason for condition in self.unless if (reason := condition(subject))), "")


@dataclass(frozen=True)
class Finding:
    """What a check found: its note or reason, or what was expected and seen, and how to mend it.

    `on` is what the subject was tried on, such as a kind of task.
    """

    check: str
    proves: str
    on: str
    status: Status
    seconds: float
    note: str = ""
    expected: str = ""
    saw: str = ""
    mend: str = ""

    @property
    def message(self) -> str:
        """The failure in three lines."""
        return f"expected: {self.expected}\nsaw: {self.saw}\nmend: {self.mend}"


class Failed(Exception):
    """The subject breaks the contract."""

    def __init__(self, expected: str, saw: str, mend: str) -> None:
        super().__init__(f"expected {expected}; saw {saw}; {mend}")
        self.expected, self.saw, self.mend = expected, saw, mend


class NotApplicable(Exception):
    """The check turned out to be about something that the subject does not have."""
