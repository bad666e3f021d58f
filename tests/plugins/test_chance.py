"""The floors of both tasks: chance, and the mean of the support."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bench.algorithm import TaskSpec
from bench.cli import run_command_line
from bench.episodes import Examples
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry


@pytest.mark.parametrize("ways", [2, 3, 7])
def test_chance_is_right_once_in_n_and_loses_log_n(
    ways: int, make_stream: Callable[..., EpisodeStream], registry: Registry
) -> None:
    stream = make_stream(ways=ways)
    results = evaluate(registry.algorithm("chance")(TaskSpec((1, 12, 12), 2, 2)), stream, 5, seed=0)
    np.testing.assert_array_equal(results.scores, np.full(5, 1 / ways))
    np.testing.assert_allclose(results.loss, math.log(ways))


def test_chance_has_nothing_to_learn(registry: Registry) -> None:
    chance = registry.algorithm("chance")(TaskSpec((2,), 5, 1))
    assert list(chance.parameters()) == []
    assert (chance.backbone, chance.family, chance.any_way) == (None, "floor", True)


def test_mean_answers_with_the_mean_of_the_supports_targets(registry: Registry) -> None:
    mean = registry.algorithm("support-mean")(TaskSpec((1,), 1, 3, task="regression", targets=2))
    targets = torch.tensor([[1.0, -1.0], [2.0, 0.0], [6.0, 4.0]])
    predict = mean.adapt(Examples(torch.zeros(3, 1), targets, 1))
    assert predict(torch.randn(4, 1)).tolist() == [[3.0, 1.0]] * 4


def test_mean_on_sinusoids_comes_to_what_integrals_say(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of sin(x + phase), x uniform in [-5, 5], the mean is sin(5) sin(phase) / 5 and, averaged over
    # phases in [0, pi], the mean square 1/2. A mean of K = 10 values adds a tenth of the variance.
    variance = 1 / 2 - (math.sin(5) / 5) ** 2 / 2
    square_of_amplitude = (5**3 - 0.1**3) / (3 * 4.9)
    monkeypatch.chdir(tmp_path)
    arguments = ["--algo", "support-mean", "--data", "sinusoid", "--shots", "10"]
    assert run_command_line(["run", *arguments, "--episodes", "1000"]) == 0
    shown = re.search(r"([\d.]+) ± ([\d.]+)", capsys.readouterr().out)
    assert shown is not None
    error, half_width = map(float, shown.groups())
    assert abs(error - 1.1 * square_of_amplitude * variance) < 1.5 * half_width
    assert half_width < 0.3


def test_mean_is_not_for_classes(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command_line(["run", "--algo", "support-mean", "--data", "gaussians"]) == 4
    assert "mean of numbers" in capsys.readouterr().err
