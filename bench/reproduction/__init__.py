"""The reproduction table: what a suite asked for, beside what papers print; without torch.

A folder of results with a `suite.toml` has one: published numbers next to ours, how far apart they
are, how far they may be, what the audit found, and what the training cost.
"""

from bench.reproduction.asked import Part, Reproduction, reproduce
from bench.reproduction.compact import compact
from bench.reproduction.line import Line
from bench.reproduction.plain import render_plain
from bench.reproduction.rendering import render_reproduction
from bench.reproduction.verdict import Verdict

__all__ = [
    "Line",
    "Part",
    "Reproduction",
    "Verdict",
    "compact",
    "render_plain",
    "render_reproduction",
    "reproduce",
]
