"""Published numbers: every one has a source, and those checked by hand are as printed."""

from __future__ import annotations

import pytest

from bench.published import CERTAINTIES, FILE, Published, published
from bench.registry import load_registry


def find(method: str, paper: str, data: str, ways: int | None, shots: int) -> Published:
    (found,) = [
        n
        for n in published()
        if (n.method, n.data, n.ways, n.shots) == (method, data, ways, shots) and paper in n.paper
    ]
    return found


@pytest.mark.parametrize(
    ("method", "paper", "data", "ways", "shots", "text", "setting", "certainty"),
    [
        ("ProtoNet", "1703.05175", "omniglot", 5, 1, "98.8", "inductive", "paper"),
        ("ProtoNet", "1703.05175", "omniglot", 20, 5, "98.9", "inductive", "paper"),
        ("ProtoNet", "1703.05175", "mini-imagenet", 5, 1, "49.42 ± 0.78", "inductive", "paper"),
        ("MAML", "1703.03400", "omniglot", 20, 1, "95.8 ± 0.3", "transductive", "paper"),
        ("MAML", "1703.03400", "mini-imagenet", 5, 5, "63.11 ± 0.92", "transductive", "paper"),
        ("RelationNet", "1711.06025", "omniglot", 5, 1, "99.6 ± 0.2", "transductive", "quoted"),
        ("Reptile", "1803.02999v3", "omniglot", 5, 1, "95.39 ± 0.09", "inductive", "quoted"),
        ("ANIL", "1909.09157", "omniglot", 20, 5, "98.0 ± 0.3", "unclear", "paper"),
        ("Meta-SGD", "1707.09835", "sinusoid", None, 5, "0.90 ± 0.16", "unclear", "quoted"),
    ],
)
def test_a_number_is_as_printed_with_its_setting_and_how_it_was_read(
    method: str,
    paper: str,
    data: str,
    ways: int | None,
    shots: int,
    text: str,
    setting: str,
    certainty: str,
) -> None:
    number = find(method, paper, data, ways, shots)
    assert (number.text, number.setting, number.certainty) == (text, setting, certainty)


def test_values_are_in_the_unit_of_records() -> None:
    maml = find("MAML", "1703.03400", "omniglot", 5, 1)
    assert [maml.value, maml.half_width] == pytest.approx([0.987, 0.004])
    curve = find("Meta-SGD", "1707.09835", "sinusoid", None, 5)
    assert (curve.metric.name, curve.value, curve.half_width) == ("mse", 0.90, 0.16)


def test_every_number_says_where_it_was_read_and_how_sure_it_is() -> None:
    for number in published():
        assert number.paper and number.where and number.backbone
        assert CERTAINTIES[number.certainty] in number.source
        if number.metric.name == "accuracy":
            assert 0 < number.value < 1 and number.ways


def test_no_row_is_there_twice() -> None:
    keys = [(n.method, n.paper, n.data, n.backbone, n.ways, n.shots) for n in published()]
    assert len(set(keys)) == len(keys)


def test_what_they_are_called_here_are_names_of_algorithms() -> None:
    known = set(load_registry().algorithms.entries)
    assert {n.algorithm for n in published()} - {""} <= known


def test_the_file_is_installed_with_the_package() -> None:
    text = (FILE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{FILE.name}"' in text
