"""Test episodes that audits ask about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.pool import EpisodeStream

WAYS = 4
Streams = Callable[..., EpisodeStream]


@pytest.fixture(scope="module")
def stream(make_stream: Streams) -> EpisodeStream:
    return make_stream(ways=WAYS, shots=2, queries=5, classes=30, split="test")
