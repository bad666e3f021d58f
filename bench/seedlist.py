"""Seed lists: `0..4` or `0,3,7`, as a flag and a suite's file name several seeds."""

from __future__ import annotations

import re

from bench.errors import BenchError

MOST = 100
"""No more seeds at a time: a slip such as 0..1000 would take weeks."""


def seeds_in(text: str, name: str) -> tuple[int, ...]:
    """Returns the seeds that a text such as `0..4` (the last one included) or `0,3,7` names.

    Raises:
        BenchError: it names none, or one twice, or more than a hundred in a row; `name` is what
            the text was given as, such as `--seeds`.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        if not found:
            raise BenchError(f"{name} is '{text}'; write it as 0..4 or as 0,1,2")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise BenchError(f"{name} is '{text}'; {first}..{last} runs backwards: {last}..{first}")
        if last - first >= MOST:
            raise BenchError(f"{name} is '{text}'; {first}..{last} are more than {MOST} seeds")
        seeds.extend(range(first, last + 1))
    if len(set(seeds)) != len(seeds):
        raise BenchError(f"{name} is '{text}', which names a seed twice; name each once")
    return tuple(seeds)
