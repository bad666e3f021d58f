"""Floors, against sums done by hand."""

from __future__ import annotations

import pytest

from benchmarks import floors

OMNIGLOT = (1, 28, 28)
FIRST = 2 * 28 * 28 * 9 * 64
REST = 2 * 9 * 64 * 64 * (14 * 14 + 7 * 7 + 3 * 3)


def test_a_forward_pass_on_omniglot_is_twenty_million_operations() -> None:
    assert floors.conv4_flop(OMNIGLOT) == (FIRST + REST, FIRST)
    assert (FIRST, FIRST + REST) == (903_168, 19_630_080)


def test_a_forward_pass_at_84_pixels_counts_the_odd_sizes_after_pooling() -> None:
    sides = (84, 42, 21, 10)
    rest = sum(2 * side * side * 9 * 64 * 64 for side in sides[1:])
    assert floors.conv4_flop((3, 84, 84)) == (2 * 84 * 84 * 9 * 3 * 64 + rest, 24_385_536)


def test_a_training_pass_is_three_forward_passes_but_for_the_input_of_the_first_layer() -> None:
    floor = floors.supervised(OMNIGLOT, 80)
    assert floor.amount == 80 * (3 * REST + 2 * FIRST)
    assert floor.kind == "flop"
    # performance.md, section 4: 20 episodes per core-second at 93 GF/s
    assert 93e9 / floor.amount == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize(
    ("steps", "first_order", "rate"),
    [(1, False, 79), (1, True, 158), (5, False, 19.7), (5, True, 52.6)],
)
def test_maml_costs_what_was_counted_for_the_reference(
    steps: int, first_order: bool, rate: float
) -> None:
    """The reference's rates keep the first layer's input gradient: up to 4% fewer a second."""
    floor = floors.maml(OMNIGLOT, 5, 5, steps, first_order)
    assert rate < 93e9 / floor.amount < 1.04 * rate


def test_a_second_order_step_on_the_first_layer_is_four_products() -> None:
    """Forward, weights' gradient, and one derivative of each; elsewhere nine."""
    one_image = floors.maml(OMNIGLOT, 1, 0, 1, first_order=False).amount
    assert one_image == 9 * REST + 4 * FIRST


def test_adaptation_answers_queries_forward_only() -> None:
    floor = floors.adaptation(OMNIGLOT, 5, 75, 5)
    assert floor.amount == 25 * (3 * REST + 2 * FIRST) + 75 * (REST + FIRST)


def test_an_embedding_done_once_is_shared_by_the_episodes() -> None:
    floor = floors.embedded_once(OMNIGLOT, 100, 50, rows=75, ways=5, features=64)
    assert floor.amount == 2 * (REST + FIRST) + 2 * 75 * 5 * 64


def test_sampling_is_bounded_by_elements() -> None:
    floor = floors.sampling((3, 84, 84), 80)
    assert (floor.kind, floor.amount) == ("elements", 80 * 3 * 84 * 84)
