"""The number that a test is held against: the authors' own, at the size asked for."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.reproduction.number import number_of


@pytest.mark.parametrize(
    ("method", "size", "text"),
    [
        ("MAML", "20w5s", "98.9 ± 0.2"),  # Finn et al. 2017, Table 1
        ("Reptile", "5w1s", "95.39 ± 0.09"),  # the paper's; a rerun of its code has 95.5
        ("ANIL", "20w1s", "96.2 ± 0.5"),
    ],
)
def test_it_is_the_papers_own_before_a_rerun(method: str, size: str, text: str) -> None:
    found = number_of(method, "omniglot", size)
    assert found is not None and found.text == text


def test_a_size_that_was_not_printed_has_none() -> None:
    assert number_of("RelationNet", "omniglot", "20w1s") is None
    assert number_of("", "omniglot", "5w1s") is None


def test_a_method_that_nobody_published_is_a_mistake_of_the_suite() -> None:
    with pytest.raises(BenchError, match=r"'Protonet', which has no number on omniglot.*ProtoNet"):
        number_of("Protonet", "omniglot", "5w1s")
