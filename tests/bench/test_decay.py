"""Schedules of the learning rate: values computed by hand, and refusals."""

from __future__ import annotations

import pytest

from bench.decay import check_decay, decay
from bench.errors import BenchError


def test_halving_halves_after_as_many_steps_as_it_says() -> None:
    rates = [decay("halving:2000", step, 7000) for step in (0, 1999, 2000, 3999, 4000, 6999)]
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25, 0.125]


def test_linear_and_cosine_fall_to_zero_and_constant_stays() -> None:
    assert [decay("linear", step, 4) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert [decay("cosine", step, 2) for step in range(3)] == pytest.approx([1.0, 0.5, 0.0])
    assert decay("constant", 99, 100) == 1.0


@pytest.mark.parametrize("text", ["halving", "halving:", "halving:0", "halving:-3", "halving:2k"])
def test_a_halving_without_a_number_of_steps_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BenchError, match=rf"'{text}'.*halving:2000"):
        check_decay(text)


def test_an_unknown_schedule_is_refused_with_the_nearest() -> None:
    with pytest.raises(BenchError, match=r"'cosin'.*cosine"):
        check_decay("cosin")
