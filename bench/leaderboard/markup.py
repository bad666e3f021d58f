"""Markup: headings, notes and grids of cells in the formats for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tabulate import tabulate

Reading = Literal["markdown", "latex", "html"]
Cells = dict[str, str]

_GRID = {"markdown": "pipe", "latex": "latex_raw", "html": "unsafehtml"}
_TITLE = {"markdown": "### {}", "latex": "% {}", "html": "<h3>{}</h3>"}
_SECTION = {"markdown": "#### {}", "latex": "\\par\\noindent\\textbf{{{}}}", "html": "<h4>{}</h4>"}
_NOTE = {"markdown": "{}", "latex": "\\par {{\\footnotesize {}}}", "html": "<p>{}</p>"}
_LIST: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "markdown": ((), "- {}", ()),
    "latex": (("\\begin{itemize}",), "\\item {}", ("\\end{itemize}",)),
    "html": (("<ul>",), "<li>{}</li>", ("</ul>",)),
}
_STRONG = {"markdown": "**{}**", "latex": "\\textbf{{{}}}", "html": "<b>{}</b>"}
_ASIDE = {"markdown": "*{}*", "latex": "\\textit{{{}}}", "html": "<i>{}</i>"}
_LATEX = {c: f"\\{c}" for c in "%_#&${}"} | {"^": r"\^{}", "~": r"\~{}", "<": "$<$", ">": "$>$"}
_ESCAPES = {
    "latex": _LATEX | {"\\": r"\textbackslash{}", "±": r"$\pm$"},
    "html": {"&": "&amp;", "<": "&lt;", ">": "&gt;"},
    "markdown": {},
}


def title(text: str, form: Reading) -> str:
    """Returns the heading of a table."""
    return _TITLE[form].format(escaped(text, form))


def section(text: str, form: Reading) -> str:
    """Returns the heading of a part of a table."""
    return _SECTION[form].format(escaped(text, form))


def note(text: str, form: Reading) -> str:
    """Returns a paragraph below a table."""
    return _NOTE[form].format(escaped(text, form))


def listing(lines: Sequence[str], form: Reading) -> str:
    """Returns lines as a list of points."""
    before, each, after = _LIST[form]
    return "\n".join([*before, *(each.format(escaped(line, form)) for line in lines), *after])


def cell(text: str, form: Reading, *, strong: bool = False, aside: bool = False) -> str:
    """Returns the text of a cell for `marked_grid`, bold or in italics if asked for."""
    text = escaped(text, form).replace("|", r"\|" if form == "markdown" else "|")
    if aside:
        return _ASIDE[form].format(text)
    return _STRONG[form].format(text) if strong else text


def grid(rows: Sequence[Cells], form: Reading) -> str:
    """Returns rows of plain text as a table."""
    plain = [{cell(k, form): cell(text, form) for k, text in row.items()} for row in rows]
    return marked_grid(plain, form)


def marked_grid(rows: Sequence[Cells], form: Reading) -> str:
    """Returns rows whose names and texts are marked up already as a table."""
    return str(tabulate(rows, "keys", _GRID[form], disable_numparse=True))


def escaped(text: str, form: Reading) -> str:
    """Returns text with the signs that have a meaning in this format made harmless."""
    return "".join(_ESCAPES[form].get(char, char) for char in text)
