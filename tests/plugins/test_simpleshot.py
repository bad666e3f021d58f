"""SimpleShot, against a loop over classes, and its mean of training features."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.algorithm import TaskSpec
from bench.backbones import find_backbone
from bench.cli import run_command_line
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.pool import EpisodeStream
from bench.registry import Registry


@pytest.fixture
def simpleshot(registry: Registry) -> Callable[..., Any]:
    """Builds it over points as they are, in double precision."""

    def make(**parameters: Any) -> Any:
        spec = TaskSpec((2,), 3, 2, find_backbone("identity"), base_classes=5)
        return registry.algorithm("simpleshot")(spec, **parameters).double()

    return make


def episodes(number: int = 3) -> Iterator[Episode]:
    """Yields endless episodes of two support and four query points, far from the origin."""
    for count in itertools.count():
        generator = torch.Generator().manual_seed(count % number)
        points = 3 + torch.randn(6, 2, generator=generator, dtype=torch.float64)
        support = Examples(points[:2], torch.arange(2), 2)
        query = Examples(points[2:], torch.tensor([0, 1, 1, 0]), 2)
        yield Episode(support, query, torch.arange(2))


def changed(point: Tensor, transform: str, mean: Tensor) -> Tensor:
    if transform == "UN":
        return point
    centred = point - mean if transform == "CL2N" else point
    unit: Tensor = centred / centred.norm()
    return unit


@pytest.mark.parametrize("transform", ["UN", "L2N", "CL2N"])
def test_logits_are_minus_squared_distances_of_transformed_features(
    transform: str, simpleshot: Callable[..., Any]
) -> None:
    learner = simpleshot(transform=transform, mean_images=12)
    learner.settle(episodes())
    first, second = itertools.islice(episodes(), 2)
    seen = [e.inputs for one in (first, second) for e in (one.support, one.query)]
    mean = torch.cat(seen).mean(0)
    torch.manual_seed(0)
    support, query = 3 + torch.randn(6, 2).double(), 3 + torch.randn(4, 2).double()
    targets = torch.tensor([0, 2, 1, 1, 0, 2])
    logits = learner.scores(Examples(support, targets, 3), query)
    for row, point in enumerate(query):
        asked = changed(point, transform, mean)
        for label in range(3):
            known = [changed(p, transform, mean) for p in support[targets == label]]
            distance = (asked - torch.stack(known).mean(0)).square().sum()
            # A query's own squared length is left out, as softmax forgets it.
            torch.testing.assert_close(logits[row, label], asked.square().sum() - distance)


def test_the_mean_is_over_as_many_episodes_as_it_takes(simpleshot: Callable[..., Any]) -> None:
    drawn = []

    def counted() -> Iterator[Episode]:
        for episode in episodes():
            drawn.append(episode)
            yield episode

    simpleshot(mean_images=13).settle(counted())
    assert len(drawn) == 3
    learner = simpleshot(mean_images=1)
    learner.settle(episodes())
    one = next(episodes())
    expected = torch.cat([one.support.inputs, one.query.inputs]).mean(0)
    torch.testing.assert_close(learner.mean, expected)


def test_without_centring_no_training_image_is_looked_at(simpleshot: Callable[..., Any]) -> None:
    for transform in ("UN", "L2N"):
        simpleshot(transform=transform).settle(iter(()))


def test_many_tasks_at_once_give_what_one_gives(simpleshot: Callable[..., Any]) -> None:
    learner = simpleshot()
    learner.settle(episodes())
    support, query = torch.randn(4, 6, 2).double(), torch.randn(4, 5, 2).double()
    targets = torch.stack([torch.randperm(6) % 3 for _ in range(4)])
    together = learner.scores(Examples(support, targets, 3), query)
    for task in range(4):
        alone = learner.scores(Examples(support[task], targets[task], 3), query[task])
        torch.testing.assert_close(together[task], alone)


def test_transform_and_mean_images_are_checked(simpleshot: Callable[..., Any]) -> None:
    with pytest.raises(BenchError, match="transform is 'L1N'"):
        simpleshot(transform="L1N")
    with pytest.raises(BenchError, match="mean_images is 0"):
        simpleshot(mean_images=0)


def accuracy(capsys: pytest.CaptureFixture[str], *more: str) -> float:
    arguments = ["run", "--algo", "simpleshot", "--data", "gaussians", "--episodes", "100"]
    assert run_command_line([*arguments, *more]) == 0
    return float(capsys.readouterr().out.split("shot: ")[1].split("%")[0])


def test_an_untrained_run_centres_its_features_too(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    centred = accuracy(capsys, "--steps", "0")
    assert centred != accuracy(capsys, "--steps", "0", "--set", "transform=L2N")
    assert centred > 25


def test_it_learns_to_tell_the_training_classes_apart(
    make_stream: Callable[..., EpisodeStream], registry: Registry
) -> None:
    torch.manual_seed(0)
    spec = TaskSpec((1, 12, 12), 3, 2, find_backbone("conv4-32"), base_classes=12)
    learner = registry.algorithm("simpleshot")(spec, lr=0.01).train()  # type: ignore[call-arg]  # its parameter
    optimizer, stream = learner.optimizer(), make_stream(ways=12)
    losses = [learner.train_step(stream.episodes(number, 1), optimizer) for number in range(20)]
    assert losses[0] > 0.8 * math.log(12)
    assert losses[-1] < 0.5 * math.log(12)
