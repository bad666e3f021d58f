"""Episodes: class means by hand, and protocols that make sense."""

from __future__ import annotations

import pytest
import torch

from bench.episodes import Episode, EpisodeProtocol, Examples
from bench.errors import BenchError


def test_class_means_are_the_means_of_each_class_whatever_the_order() -> None:
    inputs = torch.tensor([[0.0, 10.0], [1.0, 1.0], [4.0, 20.0], [3.0, 5.0]])
    means = Examples(inputs, torch.tensor([1, 0, 1, 0]), 2).class_means()
    assert means.tolist() == [[2.0, 3.0], [2.0, 15.0]]


def test_class_means_of_unequal_class_sizes_are_not_mixed_up() -> None:
    inputs = torch.tensor([[3.0], [6.0], [9.0], [1.0]])
    means = Examples(inputs, torch.tensor([0, 0, 0, 1]), 2).class_means()
    assert means.tolist() == [[6.0], [1.0]]


def test_class_means_keep_tasks_apart() -> None:
    inputs = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]])
    targets = torch.tensor([[0, 1], [1, 0]])
    assert Examples(inputs, targets, 2).class_means().tolist() == [[[1.0], [2.0]], [[4.0], [3.0]]]


def test_class_means_pass_gradients_in_equal_shares() -> None:
    inputs = torch.zeros(4, 1, requires_grad=True)
    Examples(inputs, torch.tensor([0, 0, 0, 1]), 2).class_means()[0].sum().backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    assert inputs.grad.flatten().tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.0])


@pytest.mark.parametrize("tasks", [(), (7,)])
def test_the_length_is_the_number_of_examples_of_a_task(tasks: tuple[int, ...]) -> None:
    examples = Examples(torch.zeros(*tasks, 5, 2), torch.zeros(*tasks, 5, dtype=torch.int64), 2)
    assert len(examples) == 5


def test_an_episode_moves_to_a_device_whole() -> None:
    part = Examples(torch.zeros(2, 1), torch.tensor([0, 1]), 2)
    moved = Episode(part, part, torch.tensor([4, 7])).to(torch.device("meta"))
    tensors = (moved.support.inputs, moved.support.targets, moved.query.inputs)
    assert all(t.device.type == "meta" for t in (*tensors, moved.query.targets, moved.classes))
    assert moved.support.n_way == moved.query.n_way == 2


def test_a_protocol_is_named_by_its_numbers() -> None:
    protocol = EpisodeProtocol(ways=20, shots=5, queries=3)
    assert protocol.id == "20w5s3q"
    assert protocol.per_class == 8


@pytest.mark.parametrize(
    ("ways", "shots", "queries", "complaint"),
    [
        (0, 1, 1, "ways is 0; it must be at least 1"),
        (2, 0, 1, "shots is 0; it must be at least 1"),
        (2, 1, -3, "queries is -3; it must be at least 1"),
    ],
)
def test_a_protocol_without_sense_is_refused_with_its_value(
    ways: int, shots: int, queries: int, complaint: str
) -> None:
    with pytest.raises(BenchError, match=complaint):
        EpisodeProtocol(ways, shots, queries)
