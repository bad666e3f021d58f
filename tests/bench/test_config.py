"""RunConfig: numbers in their range, and settings sorted by whom they are for."""

from __future__ import annotations

from typing import Any

import pytest

from bench.config import RunConfig
from bench.errors import BenchError


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("ways", 1, "--ways is 1; it must be at least 2"),
        ("shots", 0, "--shots is 0; it must be at least 1"),
        ("queries", 0, "--queries is 0; it must be at least 1"),
        ("episodes", 1, "--episodes is 1; it must be at least 2"),
        ("episode_seed", -1, "--episode-seed is -1; it must be at least 0"),
        ("seed", -7, "--seed is -7; it must be at least 0"),
        ("steps", -1, "--steps is -1; it must be at least 0"),
        ("meta_batch", 0, "--meta-batch is 0; it must be at least 1"),
        ("train_ways", 1, "--train-ways is 1; it must be at least 2"),
        ("train_shots", 0, "--train-shots is 0; it must be at least 1"),
        ("train_queries", 0, "--train-queries is 0; it must be at least 1"),
        ("validate_every", 0, "--validate-every is 0; it must be at least 1"),
        ("validation_episodes", 0, "--validation-episodes is 0; it must be at least 1"),
        ("checkpoint_every", 0, "--checkpoint-every is 0; it must be at least 1"),
    ],
)
def test_a_number_out_of_range_is_refused_by_its_flag(
    field: str, value: int, complaint: str
) -> None:
    changed: dict[str, Any] = {field: value}
    with pytest.raises(BenchError, match=complaint):
        RunConfig(algo="protonet", data="glyphs", **changed)


def test_the_least_allowed_numbers_are_allowed() -> None:
    config = RunConfig("a", "d", ways=2, shots=1, queries=1, episodes=2, steps=0, train_ways=2)
    assert config.steps == 0


def test_settings_are_told_apart_by_their_prefix() -> None:
    config = RunConfig("a", "d", set={"lr": "0.1", "data.seed": "3", "database": "x"})
    assert config.algorithm_settings() == {"lr": "0.1", "database": "x"}
    assert config.data_settings() == {"seed": "3"}
