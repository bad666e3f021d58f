"""The leaderboard: tables from result folders alone, without torch.

Runs share a table only if they were tested on the same episodes, and a ranking only if queries
inform one another in all of them or in none. The wide table has the figures of all of them, and
no ranking over tests.
"""

from bench.leaderboard.entry import Entry
from bench.leaderboard.plain import flat
from bench.leaderboard.rendering import Format, render
from bench.leaderboard.tables import Leaderboard, Table, collect
from bench.leaderboard.wide import wide
from bench.leaderboard.widetext import render_wide

__all__ = [
    "Entry",
    "Format",
    "Leaderboard",
    "Table",
    "collect",
    "flat",
    "render",
    "render_wide",
    "wide",
]
