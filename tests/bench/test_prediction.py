"""Labels of queries: for every algorithm, for supports of any sizes, whatever else is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.algorithm import Algorithm, Predictor, TaskSpec
from bench.decoding import Picture
from bench.episodes import Examples
from bench.errors import BenchError, RunFailed
from bench.extras import is_installed
from bench.imageform import ImageForm
from bench.labels import Label
from bench.photos import as_picture
from bench.prediction import CHUNK, label_all
from bench.registry import load_registry
from bench.restored import Restored
from bench.supportset import SupportSet, read_support
from tests.bench.picture_files import picture
from tests.bench.restored_runs import Records, restored

Build = Callable[..., Algorithm]
FORM = ImageForm(28, 28)
UNEQUAL = {"red": 1, "green": 3, "blue": 2}
WITHOUT_NETWORK = ("chance", "pixels", "mamlpp")  # mamlpp: none that can be called by itself
CLASSIFIERS = sorted(
    name
    for name, made in load_registry().algorithms.entries.items()
    if "classification" in made.tasks and all(map(is_installed, made.requires))
)


def support(shots: dict[str, int] = UNEQUAL) -> SupportSet:
    known = {name: [picture(name, n) for n in range(count)] for name, count in shots.items()}
    return read_support(known, FORM)


def asked(*names: str) -> tuple[Picture, ...]:
    """Returns a query of each of these classes, each another picture."""
    return tuple(
        replace(as_picture(picture(name, 50 + place), ""), name=f"{name} {place}")
        for place, name in enumerate(names)
    )


def labels(run: Restored, queries: tuple[Picture, ...], **more: Any) -> list[Label]:
    return list(label_all(run, more.pop("known", support()), queries, FORM, **more))


@pytest.fixture
def run(build: Build, make_record: Records) -> Callable[..., Restored]:
    """Makes a run of an algorithm that was never trained: it still answers."""

    def make(name: str, backbone: str = "conv4-32", **parameters: Any) -> Restored:
        algorithm = build(name, backbone, shape=FORM.shape, **parameters)
        return restored(algorithm, make_record, form=FORM, temperature=2.0)

    return make


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_algorithm_takes_unequal_shots_and_labels_a_picture_by_itself(
    name: str, run: Callable[..., Restored]
) -> None:
    made = run(name)
    queries = asked("red", "green", "blue", "red")
    found = labels(made, queries)
    assert [one.path for one in found] == [one.name for one in queries]
    for one in found:
        assert one.class_name in UNEQUAL and one.second_class in UNEQUAL
        assert one.class_name != one.second_class
        assert one.probability is not None and one.second_probability is not None
        assert (
            1 / 3 - 1e-6 <= one.probability <= 1 >= one.probability + one.second_probability - 1e-6
        )
        assert (one.novelty is None) == (name in WITHOUT_NETWORK)
    for place, one in enumerate(found):
        (alone,) = labels(made, queries[place : place + 1])
        assert (alone.class_name, alone.warnings) == (one.class_name, one.warnings)
        assert alone.probability == pytest.approx(one.probability, abs=1e-5)
        if name not in WITHOUT_NETWORK:
            assert alone.novelty == pytest.approx(one.novelty, abs=1e-4)


def test_colours_are_told_apart_without_any_training(run: Callable[..., Restored]) -> None:
    names = ["red", "green", "blue"] * 30  # more than are read at a time
    assert len(names) > CHUNK
    found = labels(run("pixels"), asked(*names))
    assert [one.class_name for one in found] == names


def test_probabilities_are_those_of_logits_divided_by_the_temperature(
    build: Build, make_record: Records
) -> None:
    algorithm = build("protonet", shape=FORM.shape)
    found = labels(
        restored(algorithm, make_record, form=FORM, temperature=2.5), asked("red", "green")
    )
    known = support()
    inputs = torch.from_numpy(known.inputs).float() / 255
    predict = algorithm.adapt(Examples(inputs, torch.from_numpy(known.labels), 3))
    images = [picture(name, 50 + place) for place, name in enumerate(("red", "green"))]
    resized = [read_support({"a": [one], "b": [one]}, FORM).inputs[0] for one in images]
    with torch.no_grad():
        expected = (predict(torch.from_numpy(np.stack(resized)).float() / 255) / 2.5).softmax(1)
    for one, shares in zip(found, expected.sort(1, descending=True).values, strict=True):
        assert one.probability == pytest.approx(shares[0].item(), abs=1e-5)
        assert one.second_probability == pytest.approx(shares[1].item(), abs=1e-5)


def test_where_queries_inform_one_another_together_is_another_question(
    run: Callable[..., Restored],
) -> None:
    made = run("maml")
    queries = asked("red", "green", "blue", "red")
    together = labels(made, queries, together=True)
    alone = labels(made, queries)
    apart = [
        abs((a.probability or 0) - (b.probability or 0))
        for a, b in zip(together, alone, strict=True)
    ]
    assert max(apart) > 1e-4
    fewer = labels(made, queries[:2], together=True)
    assert fewer[0].probability != pytest.approx(together[0].probability, abs=1e-5)


def test_each_query_is_asked_with_the_support_and_no_other(
    build: Build, make_record: Records
) -> None:
    algorithm = build("maml", shape=FORM.shape)
    (found,) = labels(restored(algorithm, make_record, form=FORM), asked("red"))
    known = support()
    inputs = torch.from_numpy(known.inputs).float() / 255
    other = build("maml", shape=FORM.shape, prediction="support-plus-one").eval()
    other.load_state_dict(algorithm.state_dict())
    predict = other.adapt(Examples(inputs, torch.from_numpy(known.labels), 3))
    (query,) = (as_picture(picture("red", 50), ""),)
    image = read_support({"a": [query.read()], "b": [query.read()]}, FORM).inputs[:1]
    with torch.no_grad():
        shares = predict(torch.from_numpy(image).float() / 255).softmax(1)
    assert found.probability == pytest.approx(shares.max().item(), abs=1e-5)


def test_other_numbers_of_classes_are_for_algorithms_that_take_them(
    run: Callable[..., Restored],
) -> None:
    four = support({**UNEQUAL, "grey": 2})
    assert labels(run("protonet"), asked("red"), known=four)[0].class_name in four.classes
    with pytest.raises(BenchError, match="has 4 classes, but maml was made for 3"):
        labels(run("maml"), asked("red"), known=four)


def test_damaged_queries_get_a_row_and_the_others_go_on(run: Callable[..., Restored]) -> None:
    queries = (Picture("cut.jpg", lambda: b"\xff\xd8\xff"), *asked("red"))
    broken, whole = labels(run("pixels"), queries)
    assert not broken.is_read and broken.probability is None
    assert broken.warnings[0].startswith("unreadable: cut.jpg")
    assert whole.class_name == "red"
    assert [one.is_read for one in labels(run("pixels"), queries[:1])] == [False]


def test_a_query_that_is_in_the_support_is_told_whatever_its_file_is(
    run: Callable[..., Restored],
) -> None:
    (one,) = labels(run("pixels"), (as_picture(picture("blue", 1), "copy"),))
    assert one.class_name == "blue" and one.is_known
    assert one.warnings == ("in the support (blue[1])",)


def test_predicting_leaves_weights_and_random_numbers_as_they_were(
    run: Callable[..., Restored],
) -> None:
    made = run("protonet")
    before = {name: tensor.clone() for name, tensor in made.algorithm.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    labels(made, asked("red"))
    assert torch.equal(torch.rand(3), expected)
    after = made.algorithm.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


class Broken(Algorithm):
    """Answers with whatever it is told to."""

    name = "broken"
    any_way = True

    def __init__(self, spec: TaskSpec, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__(spec)
        self.answer = answer

    def adapt(self, support: Examples) -> Predictor:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda query: query.new_zeros(len(query), 2), "logits of shape"),
        (lambda query: query.new_full((len(query), 3), float("nan")), "not finite"),
        (lambda query: query.no_such_thing, "AttributeError"),
    ],
)
def test_what_goes_wrong_in_a_plugin_is_one_line(
    answer: Callable[[Tensor], Tensor], why: str, make_record: Records
) -> None:
    algorithm = Broken(TaskSpec(FORM.shape, 3, 1), answer)
    with pytest.raises(RunFailed, match=why):
        labels(restored(algorithm, make_record, form=FORM), asked("red"))
