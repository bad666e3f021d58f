"""Parameters of plugins, read from their signatures, and values for them, read from text."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import docstring_parser

from bench.errors import BenchError, nearest

Value = bool | int | float | str
_WORDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter: its name, kind, default and meaning; choices if only some are allowed."""

    name: str
    kind: type
    default: Value
    meaning: str
    choices: tuple[str, ...] = ()

    @property
    def type_name(self) -> str:
        """The type as a user reads it."""
        return " | ".join(self.choices) if self.choices else self.kind.__name__

    def parse(self, value: Value) -> Value:
        """Returns `value`, text or already typed, as this parameter's type.

        Raises:
            BenchError: it is of another type, or not among the choices.
        """
        if self.choices:
            if str(value) not in self.choices:
                raise BenchError(f"{self.name} is '{value}'; {nearest(str(value), self.choices)}")
            return str(value)
        try:
            return self._convert(value)
        except (ValueError, KeyError):
            raise BenchError(
                f"{self.name} is '{value}'; it must be {_WORDS[self.kind]}, "
                f"such as {str(self.default).lower()}"
            ) from None

    def _convert(self, value: Value) -> Value:
        if self.kind is bool:
            return _BOOLEANS[str(value).lower()]
        if self.kind is str:
            return str(value)
        number = float(value)
        if not math.isfinite(number) or (self.kind is int and number != int(number)):
            raise ValueError
        return int(value) if self.kind is int else number


def parameters_of(cls: type) -> tuple[Parameter, ...]:
    """Returns the keyword-only arguments of `cls.__init__`, with meanings from its docstring.

    Raises:
        BenchError: one has no default or a type that the command line cannot give.
    """
    described = _descriptions(cls)
    found, empty = [], inspect.Parameter.empty
    for name, argument in inspect.signature(cls).parameters.items():
        if argument.kind is argument.POSITIONAL_OR_KEYWORD and argument.default is not empty:
            raise BenchError(
                f"parameter {name} of {cls.__name__} is positional, so nobody can set it; "
                f"put a * before it in __init__"
            )
        if argument.kind is not argument.KEYWORD_ONLY:
            continue
        kind, choices = _kind_of(cls, name, _hint(cls, argument))
        if argument.default is empty:
            raise BenchError(f"parameter {name} of {cls.__name__} has no default; give it one")
        meaning = " ".join(described.get(name, "").split())
        found.append(Parameter(name, kind, argument.default, meaning, choices))
    return tuple(found)


def _descriptions(cls: type) -> dict[str, str]:
    """Returns what is said of arguments, by the class and by that whose `__init__` it has."""
    found: dict[str, str] = {}
    for base in cls.__mro__:
        for param in docstring_parser.parse(base.__doc__ or "").params:
            found.setdefault(param.arg_name, param.description or "")
        if "__init__" in vars(base):
            break
    return found


def _hint(cls: type, argument: inspect.Parameter) -> Any:  # a hint is anything
    """Returns one argument's annotation, resolved; other arguments' need not be resolvable."""
    holder = SimpleNamespace(__annotations__={argument.name: argument.annotation})
    if argument.annotation is argument.empty:
        return None
    try:
        return get_type_hints(holder, cls.__init__.__globals__)[argument.name]  # type: ignore[misc]  # the class is used as it is
    except NameError:
        return argument.annotation


def _kind_of(cls: type, name: str, hint: Any) -> tuple[type, tuple[str, ...]]:  # a hint is anything
    if get_origin(hint) is Literal and all(isinstance(c, str) for c in get_args(hint)):
        return str, tuple(str(choice) for choice in get_args(hint))
    if hint in (bool, int, float, str):
        return hint, ()
    raise BenchError(
        f"parameter {name} of {cls.__name__} has type {hint}; it must be annotated as "
        "bool, int, float, str or a Literal of strings"
    )


def settle(owner: str, cls: type, given: Mapping[str, Value]) -> dict[str, Value]:
    """Returns all parameters of `cls` with their values: those given, checked, else defaults.

    Raises:
        BenchError: a name is unknown or a value does not fit.
    """
    known = {p.name: p for p in parameters_of(cls)}
    for name in given:
        if name not in known:
            raise BenchError(f"{owner} has no parameter '{name}'; {nearest(name, known)}")
    return {name: p.parse(given.get(name, p.default)) for name, p in known.items()}


def read_assignments(texts: Sequence[str]) -> dict[str, Value]:
    """Returns `key=value` texts as a mapping; raises BenchError for a text without key or '='."""
    pairs: dict[str, Value] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BenchError(f"--set {text}: write it as key=value, such as --set lr=0.001")
        pairs[key.strip()] = value.strip()
    return pairs
