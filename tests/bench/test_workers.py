"""Worker threads: order, errors, and how the cores are shared out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from bench.workers import in_parallel


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_answers_come_in_the_order_of_the_parts() -> None:
    barrier = threading.Barrier(2, timeout=30)

    def work(part: int) -> int:
        barrier.wait()  # passes only if two parts are worked on at once
        return part * part

    assert in_parallel(work, range(4)) == [0, 1, 4, 9]


@pytest.mark.usefixtures("two_threads")
def test_each_worker_has_its_share_of_the_threads_and_the_caller_keeps_its_own() -> None:
    assert in_parallel(lambda _: torch.get_num_threads(), [0, 1]) == [1, 1]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_an_exception_is_raised_when_no_part_is_running_any_more() -> None:
    ended = []

    def work(part: int) -> int:
        if part == 0:
            raise ValueError("part 0")
        ended.append(part)
        return part

    with pytest.raises(ValueError, match="part 0"):
        in_parallel(work, [0, 1, 2])
    assert ended == [1, 2]


@pytest.mark.usefixtures("two_threads")
def test_a_single_part_is_done_by_the_caller_with_all_threads() -> None:
    answer = in_parallel(lambda _: (threading.current_thread(), torch.get_num_threads()), [0])
    assert answer == [(threading.current_thread(), 2)]


def test_with_one_thread_nothing_leaves_the_caller() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        where = in_parallel(lambda _: threading.current_thread(), [0, 1])
    finally:
        torch.set_num_threads(before)
    assert where == [threading.current_thread()] * 2
