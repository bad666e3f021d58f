"""Marked parts: replaced whole, everything else to the letter as it was."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.marked import rewritten

TEXT = """# Title

<!-- report: omniglot table -->
old
<!-- end report -->

Between.

<!-- report: other table -->
theirs
<!-- end report -->
"""


def test_a_part_is_replaced_and_the_rest_is_left() -> None:
    expected = TEXT.replace("\nold\n", "\n\n| a |\n|---|\n\n")
    assert rewritten(TEXT, {"omniglot table": "| a |\n|---|"}, "README.md") == expected


def test_replacing_twice_is_replacing_once() -> None:
    once = rewritten(TEXT, {"omniglot table": "new"}, "README.md")
    assert rewritten(once, {"omniglot table": "new"}, "README.md") == once


def test_an_empty_part_is_filled() -> None:
    text = "<!-- report: a -->\n<!-- end report -->"
    assert rewritten(text, {"a": "new"}, "f") == "<!-- report: a -->\n\nnew\n\n<!-- end report -->"


def test_marks_in_a_block_of_code_are_words_about_marks() -> None:
    text = f"```html\n<!-- report: omniglot table -->\n```\n{TEXT}"
    assert rewritten(text, {"omniglot table": "new"}, "f").startswith("```html\n<!-- report")
    assert "\nnew\n" in rewritten(text, {"omniglot table": "new"}, "f")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "f has no part 'omniglot table' (it has none)"),
        (TEXT.replace("omniglot", "omnigolt"), "did you mean 'omnigolt table'?"),
        (TEXT + TEXT, "f, line 14: 'omniglot table' is in line 3 already; keep one of them"),
        ("<!-- report: omniglot table -->\n", "f, line 1: 'omniglot table' has no end"),
        ("<!-- end report -->", "f, line 1: <!-- end report --> ends nothing"),
        (
            "<!-- report: omniglot table -->\n<!-- report: b -->\n<!-- end report -->",
            "f, line 2: 'b' begins within 'omniglot table'",
        ),
    ],
)
def test_marks_that_do_not_go_together_are_told_in_a_line(text: str, message: str) -> None:
    with pytest.raises(BenchError) as raised:
        rewritten(text, {"omniglot table": "new"}, "f")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
