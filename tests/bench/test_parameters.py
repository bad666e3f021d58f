"""Parameters: read from signatures, parsed from text, refused by name and value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from bench.errors import BenchError
from bench.parameters import Parameter, Value, parameters_of, read_assignments, settle

if TYPE_CHECKING:
    from decimal import Decimal as NotThereAtRunTime


class Tuned:
    """Has a parameter of every kind.

    Args:
        lr: learning rate,
            on the mean loss.
        steps: how many steps.
        norm: which norm; running (each alone) or batch.
    """

    def __init__(
        self,
        spec: object,
        *,
        lr: float = 0.1,
        steps: int = 5,
        first_order: bool = False,
        title: str = "x",
        norm: Literal["running", "batch"] = "batch",
    ) -> None: ...


class Plain:
    """Has none."""


def by_name(name: str) -> Parameter:
    return next(p for p in parameters_of(Tuned) if p.name == name)


def test_keyword_only_arguments_are_the_parameters_in_order() -> None:
    found = [(p.name, p.type_name, p.default) for p in parameters_of(Tuned)]
    assert found == [
        ("lr", "float", 0.1),
        ("steps", "int", 5),
        ("first_order", "bool", False),
        ("title", "str", "x"),
        ("norm", "running | batch", "batch"),
    ]


def test_meanings_come_from_the_docstring_in_one_line_and_may_be_absent() -> None:
    assert by_name("lr").meaning == "learning rate, on the mean loss."
    assert by_name("norm").meaning == "which norm; running (each alone) or batch."
    assert by_name("title").meaning == ""


def test_a_class_without_init_has_no_parameters() -> None:
    assert parameters_of(Plain) == ()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lr", "1e-3", 0.001),
        ("lr", "2", 2.0),
        ("lr", "-0.5", -0.5),
        ("steps", "12", 12),
        ("steps", "-3", -3),
        ("steps", "9007199254740993", 9007199254740993),  # 2**53 + 1 is no float
        ("title", "1.5", "1.5"),
        ("title", "", ""),
        ("norm", "running", "running"),
        *[("first_order", text, True) for text in ("true", "True", "TRUE", "yes", "1")],
        *[("first_order", text, False) for text in ("false", "False", "no", "No", "0")],
    ],
)
def test_text_becomes_a_value_of_the_parameters_type(name: str, text: str, value: Value) -> None:
    parsed = by_name(name).parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [("lr", 2, 2.0), ("steps", 3.0, 3), ("first_order", True, True), ("first_order", 0, False)],
)
def test_values_with_a_type_are_taken_too(name: str, given: Value, value: Value) -> None:
    parsed = by_name(name).parse(given)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *[("steps", given) for given in ("1.5", 1.5, "three", "", "nan", "inf", "1e400")],
        *[("lr", given) for given in ("fast", "", "nan", "inf", "-inf", float("nan"), "0,1")],
        *[("first_order", given) for given in ("maybe", "2", "", "on")],
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_name_value_and_type(
    name: str, given: Value
) -> None:
    parameter = by_name(name)
    with pytest.raises(BenchError) as caught:
        parameter.parse(given)
    message = str(caught.value)
    words = {"steps": "a whole number", "lr": "a finite number", "first_order": "true or false"}
    assert message.startswith(f"{name} is '{given}'; it must be {words[name]}")
    assert f"such as {str(parameter.default).lower()}" in message


def test_a_value_not_among_the_choices_is_told_the_nearest() -> None:
    with pytest.raises(BenchError, match="norm is 'bach'; did you mean 'batch'"):
        by_name("norm").parse("bach")


def test_a_positional_parameter_is_refused_as_nobody_could_set_it() -> None:
    class Positional:
        def __init__(self, spec: object, rate: float = 0.5) -> None:
            pass

    with pytest.raises(BenchError, match=r"parameter rate of Positional is .*put a \* before it"):
        parameters_of(Positional)


def test_a_parameter_without_default_is_refused() -> None:
    class Bare:
        def __init__(self, *, lr: float) -> None: ...

    with pytest.raises(BenchError, match="parameter lr of Bare has no default; give it one"):
        parameters_of(Bare)


def test_a_parameter_of_a_type_that_text_cannot_give_is_refused() -> None:
    class Listing:
        def __init__(self, *, widths: tuple[int, ...] = (64,)) -> None: ...

    class Optional:
        def __init__(self, *, limit: int | None = None) -> None: ...

    class Untyped:
        def __init__(self, *, lr=0.1) -> None: ...  # type: ignore[no-untyped-def]  # is tested

    class Numbers:
        def __init__(self, *, depth: Literal[1, 2] = 1) -> None: ...

    for cls, name in (
        (Listing, "widths"),
        (Optional, "limit"),
        (Untyped, "lr"),
        (Numbers, "depth"),
    ):
        with pytest.raises(BenchError, match=f"parameter {name} of {cls.__name__} has type"):
            parameters_of(cls)


def test_an_annotation_that_only_type_checkers_can_resolve_is_no_obstacle() -> None:
    class Guarded:
        def __init__(self, spec: NotThereAtRunTime, *, lr: float = 0.1) -> None: ...

    assert [(p.name, p.kind) for p in parameters_of(Guarded)] == [("lr", float)]


def test_settling_gives_every_parameter_its_value() -> None:
    assert settle("tuned", Tuned, {"lr": "0.2", "norm": "running"}) == {
        "lr": 0.2,
        "steps": 5,
        "first_order": False,
        "title": "x",
        "norm": "running",
    }


def test_an_unknown_name_is_refused_with_its_owner_and_the_nearest() -> None:
    with pytest.raises(BenchError, match="tuned has no parameter 'step'; did you mean 'steps'"):
        settle("tuned", Tuned, {"step": "3"})


def test_an_unknown_name_of_an_owner_without_parameters_is_told_that_there_are_none() -> None:
    with pytest.raises(BenchError, match="plain has no parameter 'lr'; known: none"):
        settle("plain", Plain, {"lr": "3"})


def test_assignments_are_split_at_the_first_equals_sign() -> None:
    assert read_assignments(["lr=0.1", " title = a=b ", "data.seed=3", "lr=0.2"]) == {
        "lr": "0.2",
        "title": "a=b",
        "data.seed": "3",
    }


@pytest.mark.parametrize("text", ["lr", "=3", " =3", ""])
def test_an_assignment_without_key_or_equals_sign_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match=r"--set .*: write it as key=value, such as"):
        read_assignments([text])
