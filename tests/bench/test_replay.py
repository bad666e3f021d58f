"""Replay: the command that does a run again, from its record alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.run import command as run_command
from bench.config import RunConfig
from bench.errors import BenchError
from bench.job import Job, prepare
from bench.parameters import read_assignments
from bench.recording import describe
from bench.registry import Registry
from bench.replay import changes, command_of, compare, plugins_of
from bench.results import Environment, RunRecord

Records = Callable[..., RunRecord]


def job_of(config: RunConfig, registry: Registry) -> Job:
    return prepare(config, registry, lambda done, total: None)


def read(words: tuple[str, ...]) -> RunConfig:
    """Reads a command as `bench run` does."""
    assert words[:2] == ("bench", "run")
    context = run_command.make_context("run", list(words[2:]))
    values = {name: context.params[name] for name in RunConfig.__dataclass_fields__}
    place = values["test_data"][0] if values["test_data"] else None
    return RunConfig(**values | {"set": read_assignments(values["set"]), "test_data": place})


@pytest.mark.parametrize(
    "config",
    [
        RunConfig("protonet", "gaussians"),
        RunConfig("protonet", "gaussians", ways=3, shots=4, queries=2, seed=3, episode_seed=9),
        RunConfig("protonet", "gaussians", steps=7, train_ways=4, meta_batch=2, schedule="linear"),
        RunConfig(
            "protonet", "gaussians", set={"lr": "0.01", "data.points": "50"}, backbone="mlp-40"
        ),
        RunConfig("pixels", "gaussians", episodes=20),
        RunConfig("maml", "sinusoid", shots=5),
        RunConfig("reptile", "sinusoid", set={"meta_lr": "0.5"}),
        RunConfig("protonet", "gaussians", protocol="single"),
        RunConfig("protonet", "gaussians", protocol="dirichlet", validate_every=3),
        RunConfig("protonet", "gaussians", protocol="disjoint", download=False),
    ],
    ids=lambda config: f"{config.algo}, {config.data}, {config.protocol}",
)
def test_the_command_is_read_as_the_same_run(config: RunConfig, registry: Registry) -> None:
    job = job_of(config, registry)
    words = command_of(Path("run"), describe(job), "elsewhere")
    again = read(tuple(shlex.split(shlex.join(words))))
    assert again.out == "elsewhere"
    assert job_of(again, registry).name == job.name
    assert again.threads == 1
    assert again.device == "cpu"


def test_every_value_is_named_and_none_is_left_to_a_default(registry: Registry) -> None:
    job = job_of(RunConfig("protonet", "gaussians"), registry)
    words = command_of(Path("run"), describe(job), "x")
    named = {word for word in words if word.startswith("--")}
    optional = {"--test-data", "--resize-test", "--episodes-file", "--data-root", "--no-download"}
    expected = {f"--{name.replace('_', '-')}" for name in RunConfig.__dataclass_fields__}
    assert named == expected - optional - {"--download"}


def test_words_with_blanks_are_quoted(make_record: Records) -> None:
    record = make_record(command=("bench", "run", "-p", "my plugins/one.py", "--plugin=two"))
    assert plugins_of(record) == ("my plugins/one.py", "two")
    text = shlex.join(command_of(Path("run"), record, "here and there"))
    assert "--out 'here and there'" in text
    assert text.endswith("-p 'my plugins/one.py' -p two")


def test_a_run_that_tested_other_weights_is_an_evaluation_of_the_run_beside_it(
    make_record: Records, tmp_path: Path
) -> None:
    trained = make_record()
    other = replace(trained.algorithm, parameters={"lr": 0.002})
    assert trained.outcome is not None
    weights = trained.outcome.checkpoint_sha256
    record = replace(trained, weights_from=weights, algorithm=other)
    strangers = make_record(weights_from="c" * 64), make_record(outcome=None)
    for name, one in (("a", strangers[0]), ("b", strangers[1]), ("trained", trained)):
        (tmp_path / name).mkdir()
        one.write(tmp_path / name)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    words = command_of(tmp_path / "tested", record, "x")
    assert shlex.join(words) == (
        f"bench evaluate {tmp_path / 'trained'} --ways 5 --shots 1 --queries 15 --protocol fixed "
        "--episode-seed 0 --episodes 200 --device cpu --out x --set lr=0.002"
    )


def test_without_that_run_it_is_said_what_is_missing_and_what_made_the_test(
    make_record: Records, tmp_path: Path
) -> None:
    record = make_record(weights_from="c" * 64, command=("bench", "evaluate", "results/a b"))
    with pytest.raises(BenchError) as caught:
        command_of(tmp_path / "tested", record, "x")
    message = str(caught.value)
    assert "cccccccccccc), and no run beside it has them" in message
    assert message.endswith("replay that one, then: bench evaluate 'results/a b'")


THEN = Environment(
    {"torch": "2.1", "numpy": "2"}, "3.11", "Linux", "a", 8, 4, "cpu", "a" * 40, True
)


def test_what_differs_of_the_environment_is_said_and_nothing_else() -> None:
    clean = replace(THEN, git_dirty=False)
    assert list(changes(clean, clean)) == []
    now = replace(
        clean, packages={"torch": "2.2", "scipy": "1"}, python="3.12", cores=2, git_commit="b" * 40
    )
    assert list(changes(THEN, now)) == [
        "git commit aaaaaaaaaaaa then, bbbbbbbbbbbb now",
        "the code then had changes that no commit holds",
        "numpy 2 then, none now",
        "scipy none then, 1 now",
        "torch 2.1 then, 2.2 now",
        "python 3.11 then, 3.12 now",
        "4 threads then, but 2 cores now",
    ]


def verdicts(earlier: RunRecord, now: RunRecord) -> list[str]:
    return [one.verdict for one in compare(earlier, now)]


def test_runs_are_compared_by_name_episodes_weights_and_mean(make_record: Records) -> None:
    record = make_record()
    assert verdicts(record, record) == ["same"] * 5
    other = make_record(sha256="b" * 64)
    assert verdicts(record, other) == ["same", "differs", "same", "same", "same"]


@pytest.mark.parametrize(("mean", "verdict"), [(0.979, "within tolerance"), (0.981, "differs")])
def test_other_weights_are_within_tolerance_if_the_mean_is_within_half_a_point(
    mean: float, verdict: str, make_record: Records
) -> None:
    now = make_record(accuracy=mean)  # 97.5% before
    assert now.outcome is not None
    now = replace(now, outcome=replace(now.outcome, checkpoint_sha256="d" * 64))
    assert verdicts(make_record(), now) == ["same", "same", verdict, "same", verdict]


def test_a_replay_that_did_not_end_cannot_be_compared(make_record: Records) -> None:
    with pytest.raises(BenchError, match="did not come to its end: failed"):
        compare(make_record(), make_record(status="failed", outcome=None))
