"""The leaderboard: tables from result folders alone, without torch.

Runs share a table only if they were tested on the same episodes, and a ranking only if queries
inform one another in all of them or in none.
"""

from bench.leaderboard.entry import Entry
from bench.leaderboard.plain import flat
from bench.leaderboard.rendering import Format, render
from bench.leaderboard.tables import Leaderboard, Table, collect

__all__ = ["Entry", "Format", "Leaderboard", "Table", "collect", "flat", "render"]
