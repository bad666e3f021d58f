"""`bench check`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.registry import load_registry

BROKEN = '''
"""One algorithm that keeps the contract, one that does not, and one that cannot be loaded."""
import torch
from bench import Algorithm, hookimpl


class Sound(Algorithm):
    """Predicts all classes alike."""

    name = "sound-one"
    backbone = None

    def adapt(self, support):
        return lambda query: torch.zeros(len(query), support.n_way)


class Broken(Sound):
    """Predicts by the place of a query."""

    name = "broken-one"

    def adapt(self, support):
        return lambda query: torch.arange(len(query) * 5.0).view(-1, 5) ** 2


class Absent(Sound):
    """Needs what is not there."""

    name = "absent-one"
    requires = ("no_such_package",)


@hookimpl
def bench_algorithms():
    return [Sound, Broken, Absent]
'''


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "three.py"
    path.write_text(BROKEN)
    return str(path)


def test_a_failure_says_what_was_expected_and_seen_and_how_to_mend_it(
    plugin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["check", "-p", plugin, "broken-one"]) == 1
    printed = capsys.readouterr()
    assert "query-order (classification): a query's place" in printed.out
    for word in ("expected", "saw", "mend"):
        assert f"\n  {word}: " in printed.out
    assert "twenty-way" in printed.out
    assert printed.err == "bench: the contract is not kept by broken-one\n"


def test_an_exception_of_the_plugin_is_a_failure_with_its_place(
    plugin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["check", "-p", plugin, "broken-one", "-k", "twenty-way"]) == 1
    out = capsys.readouterr().out
    assert "saw: a float tensor" not in out
    assert "1 failed" in out


def test_json_has_every_finding(plugin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["check", "-p", plugin, "sound-one", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["algorithm"] == "sound-one"
    status = {finding["check"]: finding["status"] for finding in one["findings"]}
    assert status["answers"] == "passed"
    assert status["training-step"] == "skipped"
    notes = {finding["check"]: finding["note"] for finding in one["findings"]}
    assert notes["training-step"].startswith("it has no parameters to train")


def test_a_pattern_chooses_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["check", "pixels", "-k", "shot"]) == 0
    out = capsys.readouterr().out
    assert "2 passed, 0 failed, 0 skipped" in out
    assert "one-shot" in out
    assert "unequal-shots" in out
    assert run_command_line(["check", "pixels", "-k", "one-shott"]) == 5
    assert "did you mean 'one-shot'?" in capsys.readouterr().err


def test_a_missing_package_is_one_line(plugin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["check", "-p", plugin, "absent-one"]) == 4
    error = capsys.readouterr().err
    assert (
        error
        == "bench: absent-one needs no_such_package; install it: pip install no_such_package\n"
    )


def test_all_means_every_algorithm_and_those_that_cannot_be_are_named(
    plugin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["check", "-p", plugin, "--all", "-k", "described"]) == 0
    out = capsys.readouterr().out
    assert "absent-one: not checked: absent-one needs no_such_package" in out
    for name, cls in load_registry().algorithms.entries.items():
        assert name in out or cls.requires


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name an algorithm"),
        (["pixels", "--all"], "name an algorithm"),
        (["pixel"], "did you mean 'pixels'?"),
        (["gaussians", "--backbone", "conv4"], "is no algorithm"),
        (["protonet", "--set", "lrr=1"], "did you mean 'lr'?"),
        (["protonet", "--backbone", "conv44"], "did you mean 'conv4'?"),
        (["maml", "--set", "inner_lr=-1"], "inner_lr -1.0"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["check", *arguments]) == 4
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_backbone_and_parameters_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["maml", "--backbone", "conv4-strided", "--set", "norm=running"]
    assert run_command_line(["check", *chosen, "-k", "transduction", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert {finding["note"] for finding in one["findings"]} == {""}


@pytest.mark.parametrize("name", ["gaussians", "conv4-32", "mlp"])
def test_datasets_and_backbones_are_checked_too(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["check", name]) == 0
    assert " 0 failed, 0 skipped" in capsys.readouterr().out
