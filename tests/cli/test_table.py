"""Tables for reading: what is wrapped, and how far."""

from __future__ import annotations

import pytest

from bench.cli.table import table

ROWS = [
    {"name": "a", "short": "one two", "long": "word " * 40},
    {"name": "a-rather-long-name", "short": "x", "long": "y"},
]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_is_as_wide_as_the_terminal_and_keeps_every_word(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = table(ROWS, wrapped=("long",))
    assert columns - 5 < max(map(len, text.splitlines())) <= columns
    assert text.count("word") == 40


def test_a_column_that_needs_little_leaves_the_rest_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = table(ROWS, wrapped=("short", "long"))
    assert any("one two" in line for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 80


def test_a_name_is_never_wrapped_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    assert "a-rather-long-name" in table(ROWS, wrapped=("long",))


def test_numbers_are_shown_as_they_are_written() -> None:
    assert "1e-3" in table([{"name": "lr", "default": "1e-3"}], wrapped=())


def test_no_rows_are_said_in_a_word() -> None:
    assert table([], wrapped=()) == "none"
