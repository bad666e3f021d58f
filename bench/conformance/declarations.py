"""Checks of what an algorithm says of itself: name, hyperparameters, and what it is not for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from bench.algorithm import TrainingPlan
from bench.conformance.check import Check, Failed
from bench.conformance.subject import Subject
from bench.errors import BenchError
from bench.parameters import Parameter, Value, parameters_of
from bench.tasks import CLASSIFICATION, REGRESSION

WORDS = ("family", "paper", "transduction", "support_order", "approximate_gradient", "not_for")
RATE = re.compile(r"(^|_)(lr|rate)$")


def describes_itself(subject: Subject) -> str:
    """Looks at the class variables and the docstring."""
    cls, algorithm = subject.algorithm, subject.build()
    if not re.fullmatch(r"[a-z0-9]+([-+.]*[a-z0-9]*)*", cls.name):
        raise Failed(
            "a name of small letters, digits and hyphens",
            repr(cls.name),
            "rename it: it is typed on command lines and names folders",
        )
    own = cls.__doc__ and inspect.getdoc(cls) != inspect.getdoc(cls.__mro__[1])
    if not own:
        raise Failed(
            "a docstring of its own that begins with a sentence on what it does",
            "none",
            "write one below the class; bench info shows it",
        )
    for name in WORDS:
        if not isinstance(getattr(algorithm, name), str):
            raise Failed(f"a text as {name}", repr(getattr(algorithm, name)), "write it in quotes")
    if not cls.tasks or not set(cls.tasks) <= {CLASSIFICATION, REGRESSION}:
        raise Failed(
            "tasks from 'classification' and 'regression'", repr(cls.tasks), "name at least one"
        )
    for name in ("training_plan", "regression_plan"):
        if not isinstance(getattr(cls, name), TrainingPlan):
            raise Failed(f"a TrainingPlan as {name}", repr(getattr(cls, name)), "make it one")
    return ""


def documented(subject: Subject) -> str:
    """Looks for every hyperparameter in the docstring and on the instance."""
    missing = [p.name for p in parameters_of(subject.algorithm) if not p.meaning]
    if missing:
        raise Failed(
            "a line on every hyperparameter under `Args:` in the class's docstring",
            f"none on {', '.join(missing)}",
            "write `name: what it sets.`; bench info shows it",
        )
    algorithm = subject.build()
    for parameter in parameters_of(subject.algorithm):
        wanted = subject.parameters[parameter.name]
        kept = getattr(algorithm, parameter.name, None)
        if kept != wanted:
            raise Failed(
                f"the hyperparameter {parameter.name} on self, as {wanted}",
                repr(kept),
                f"write self.{parameter.name} = {parameter.name} in __init__",
            )
    return ""


def validated(subject: Subject) -> str:
    """Builds with values that make no sense, as far as that can be told from their types."""
    taken = []
    for parameter, value, must_refuse in _nonsense(subject):
        problem = ""
        try:
            algorithm = subject.build(parameters={parameter.name: value})
            if subject.is_trained:
                algorithm.optimizer()
        except (BenchError, ValueError):
            continue
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem or must_refuse:
            raise Failed(
                f"a BenchError for {parameter.name}={value}"
                + ("" if must_refuse else ", or that it works"),
                problem or "that it was taken",
                f"check it in __init__: raise BenchError(f'{parameter.name} is "
                f"{{{parameter.name}}}; it must be ...')",
            )
        taken.append(f"{parameter.name}={value}")
    return f"taken: {', '.join(taken)}; do these make sense?" if taken else ""


def _nonsense(subject: Subject) -> Iterator[tuple[Parameter, Value, bool]]:
    """Yields values to try for each parameter, and whether one must be refused."""
    for parameter in parameters_of(subject.algorithm):
        default = subject.parameters[parameter.name]
        if parameter.choices:
            yield parameter, "no-such-choice", False
        elif parameter.kind is int:
            yield parameter, -1, isinstance(default, int) and default > 0
            yield parameter, 0, False
        elif parameter.kind is float:
            yield parameter, -1.0, bool(RATE.search(parameter.name))
            yield parameter, 0.0, False


def refuses(subject: Subject) -> str:
    """Looks at why it is not for other tasks."""
    why = subject.algorithm.not_for
    if not why.strip():
        raise Failed(
            "a clause on why it does not take the other kind of task",
            "an empty not_for",
            "write not_for = 'it ...', as the end of a sentence",
        )
    return f"not for others: {why}"


def _takes_all(subject: Subject) -> str:
    both = {CLASSIFICATION, REGRESSION} <= set(subject.algorithm.tasks)
    return "it takes every kind of task" if both else ""


def _no_parameters(subject: Subject) -> str:
    return "" if parameters_of(subject.algorithm) else "it has no hyperparameters"


CHECKS = (
    Check("described", "name, docstring, tasks and plans are in order", describes_itself,
          needs=(), once=True),
    Check("documented", "every hyperparameter is documented and kept", documented,
          (_no_parameters,), needs=(), once=True),
    Check("validated", "hyperparameters that make no sense are refused", validated,
          (_no_parameters,), needs=(), once=True),
    Check("refuses", "it says why other tasks are not for it", refuses, (_takes_all,),
          needs=(), once=True),
)  # fmt: skip
