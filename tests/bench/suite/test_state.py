"""The state of a suite: a test is found by what records say, not by what folders are called."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.badge import clear_failure, write_failure
from bench.checkpoint import Course, TrainingState, save_state
from bench.config import RunConfig
from bench.errors import BenchError
from bench.measurements import AuditRecord, CheckedFigure, RecipeRecord, VerificationRecord
from bench.recipe import read_recipe
from bench.results import RUN_FILE, Outcome, ProtocolRecord, RunRecord
from bench.suite import SUITE_FILE, read_suite
from bench.suite.state import Found, found, step_of
from tests.bench.written_runs import write_run

RECIPE = """
about = "Small."
budget = "smoke"
algo = "protonet"
data = "toy"
steps = 30
queries = 5
episodes = 100

[set]
lr = 0.01

[sizes.5w1s]

[sizes.20w1s]
steps = 50
"""
SUITE = """
about = "A table."
data = "toy"

[test]
queries = 15
episodes = 1000

[[training]]
recipe = "small.toml"
sizes = { 5w1s = ["5w1s"] }
"""
Make = Callable[..., RunRecord]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(RECIPE)
    (tmp_path / SUITE_FILE).write_text(SUITE)
    return tmp_path


@pytest.fixture
def trained(folder: Path, make_record: Make) -> Make:
    """Makes and writes the record of a run by the recipe, as `bench run --recipe` does."""

    def make(name: str = "trained", changed: tuple[str, ...] = (), **fields: object) -> RunRecord:
        recipe = read_recipe(str(folder / "small.toml"))
        config = RunConfig("protonet", "toy", 5, 1, 5, episodes=100, steps=30, set={"lr": "0.01"})
        given = {key: fields.pop(key) for key in tuple(fields) if hasattr(config, key)}
        config = replace(config, **given)  # type: ignore[arg-type]  # by name
        record = make_record(
            recipe=RecipeRecord("small", recipe.sha256, changed), config=asdict(config)
        )
        protocol = ProtocolRecord("5w1s5q", config.ways or 0, 1, 5, 100, 0, "a" * 64)
        training = replace(record.training, seed=config.seed, steps=config.steps or 0)
        record = replace(record, protocol=protocol, training=training)
        return written(folder / name, replace(record, **fields))  # type: ignore[arg-type]  # by name

    return make


def written(folder: Path, record: RunRecord) -> RunRecord:
    folder.mkdir(parents=True, exist_ok=True)
    return record.write(folder)


def evaluated(folder: Path, of: RunRecord, **fields: object) -> RunRecord:
    """Writes the record of the common test of a run's weights, as `bench evaluate` does."""
    assert of.outcome
    protocol = ProtocolRecord("5w1s15q", 5, 1, 15, 1000, 0, "b" * 64)
    weights = of.outcome.checkpoint_sha256
    made = replace(of, protocol=protocol, weights_from=weights, name=folder.name)
    return written(folder, replace(made, **fields))  # type: ignore[arg-type]  # by name


def states(folder: Path) -> list[tuple[str, str]]:
    return [(one.state, one.note) for one in found(read_suite(folder), folder)]


def change_suite(folder: Path, old: str, new: str) -> None:
    path = folder / SUITE_FILE
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_where_nothing_is_all_is_missing(folder: Path) -> None:
    assert states(folder) == [("missing", ""), ("missing", "its training comes first")]


def test_a_training_and_the_common_test_of_its_weights_are_found(
    folder: Path, trained: Make
) -> None:
    record = trained()
    evaluated(folder / "deeper" / "tested", record)
    one, two = found(read_suite(folder), folder)
    assert (one.state, one.folder) == ("done", folder / "trained")
    assert (two.state, two.folder) == ("done", folder / "deeper" / "tested")
    assert one.test.own
    assert not two.test.own


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"steps": 20},
        {"meta_batch": 2},
        {"train_on": "train+val"},
        {"set": {"lr": "0.02"}},
        {"set": {"lr": "0.01", "scale": "2"}},
        {"set": {}},
        {"weights_from": "a" * 64},
        {"recipe": None},
        {"recipe": RecipeRecord("smaller", "a" * 64)},
    ],
    ids=str,
)
def test_a_run_with_other_values_is_another(
    folder: Path, trained: Make, change: dict[str, object]
) -> None:
    trained(**change)
    assert states(folder)[0] == ("missing", "")


@pytest.mark.parametrize(
    "change", [{"threads": 4}, {"device": "cuda"}, {"out": "x"}, {"checkpoint_every": 7}], ids=str
)
def test_where_and_how_fast_it_ran_does_not_matter(
    folder: Path, trained: Make, change: dict[str, object]
) -> None:
    trained(**change)
    assert states(folder)[0] == ("done", "")


def test_a_finished_run_that_was_altered_is_not_done(folder: Path, trained: Make) -> None:
    trained()
    path = folder / "trained" / RUN_FILE
    forged = path.read_text().replace('"seed": 0', '"seed":  0')
    assert forged != path.read_text()
    path.write_text(forged)
    assert states(folder)[0] == ("altered", "the seal of its record is broken")


def test_of_a_record_without_a_seal_the_mean_must_be_that_of_its_episodes(
    folder: Path, trained: Make
) -> None:
    record = trained()
    shutil.rmtree(folder / "trained")
    path = folder / "old" / RUN_FILE
    write_run(path.parent, record, np.array([0.9, 0.7]))
    assert states(folder)[0] == ("done", "")
    old = json.loads(path.read_text())
    old["seal"] = ""
    old["outcome"]["mean"] += 0.1
    path.write_text(json.dumps(old))
    assert states(folder)[0] == ("altered", "its mean is not that of its episodes")


def test_seeds_and_steps_of_the_suite_are_looked_for(folder: Path, trained: Make) -> None:
    change_suite(folder, 'sizes = { 5w1s = ["5w1s"] }', "sizes = { 5w1s = [] }\nseeds = [0, 2]")
    trained(seed=2)
    assert [state for state, _ in states(folder)] == ["missing", "done"]
    change_suite(folder, "seeds = [0, 2]", "steps = 20")
    trained("short", steps=20, changed=("steps=20 (recipe: 30)",))
    assert [one.folder for one in found(read_suite(folder), folder)] == [folder / "short"]


def test_after_a_change_of_the_recipe_what_it_made_is_outdated(folder: Path, trained: Make) -> None:
    evaluated(folder / "tested", trained())
    changed = RECIPE.replace("lr = 0.01", "lr = 0.02")
    (folder / "small.toml").write_text(changed)
    assert states(folder) == [("outdated", "the recipe has changed")] * 2


@pytest.mark.parametrize(
    ("old", "new"), [("steps = 50", "steps = 60"), ('"Small."', '"Smaller."')], ids=str
)
def test_a_change_elsewhere_in_the_recipe_leaves_what_it_made(
    folder: Path, trained: Make, old: str, new: str
) -> None:
    trained()
    (folder / "small.toml").write_text(RECIPE.replace(old, new))
    assert states(folder)[0] == ("done", "")


@pytest.mark.parametrize(
    "change",
    [
        {"weights_from": "d" * 64},
        {"protocol": ProtocolRecord("5w1s15q", 5, 1, 15, 600, 0, "b" * 64)},
        {"protocol": ProtocolRecord("5w1s15q", 5, 1, 15, 1000, 1, "b" * 64)},
        {"protocol": ProtocolRecord("5w5s15q", 5, 5, 15, 1000, 0, "b" * 64)},
        {"protocol": ProtocolRecord("5w1s15q", 5, 1, 15, 1000, 0, "b" * 64, "dirichlet")},
        {"protocol": ProtocolRecord("", 5, 1, 15, 1000, 0, "b" * 64, file_sha256="c" * 64)},
    ],
    ids=str,
)
def test_other_weights_or_episodes_are_another_test(
    folder: Path, trained: Make, change: dict[str, object]
) -> None:
    evaluated(folder / "tested", trained(), **change)
    assert states(folder) == [("done", ""), ("missing", "")]


def test_modes_are_told_apart_by_the_parameters_of_the_test(folder: Path, trained: Make) -> None:
    change_suite(
        folder,
        'sizes = { 5w1s = ["5w1s"] }',
        'sizes = { 5w1s = ["5w1s"] }\nmodes = [{}, { name = "alone", set = { asked = "alone" } }]',
    )
    record = trained()
    plain = replace(record.algorithm, parameters={"lr": 0.01, "asked": "together"})
    record = trained(algorithm=plain)
    alone = replace(plain, parameters={"lr": 0.01, "asked": "alone"})
    evaluated(folder / "alone", record, algorithm=alone)
    assert [state for state, _ in states(folder)] == ["done", "missing", "done"]
    evaluated(folder / "together", record)
    places = [one.folder for one in found(read_suite(folder), folder)]
    assert places == [folder / name for name in ("trained", "together", "alone")]


def test_a_parameter_that_came_after_the_training_may_have_its_default(
    folder: Path, trained: Make
) -> None:
    record = trained()
    later = replace(record.algorithm, parameters={"lr": 0.001, "asked": "together"})
    evaluated(folder / "tested", record, algorithm=later)
    assert states(folder)[1] == ("done", "")
    config = record.config | {"set": {"asked": "together"}}
    evaluated(folder / "tested", record, algorithm=later, config=config)
    assert states(folder)[1] == ("missing", "")


def test_a_cut_training_says_at_which_step(folder: Path, trained: Make) -> None:
    training = {"status": "interrupted", "outcome": None}
    record = trained(**training)
    assert states(folder)[0] == ("cut", "at step 0 of 30")
    course = Course("protonet", step=12)
    tensors = {"weight": torch.zeros(2)}
    path = folder / "trained" / "training.safetensors"
    save_state(path, TrainingState(course, tensors, {}, {}))
    assert states(folder)[0] == ("cut", "at step 12 of 30")
    save_state(path, TrainingState(replace(course, step=30), tensors, {}, {}))
    assert states(folder) == [
        ("cut", "after training"),
        ("missing", "its training comes first"),
    ]
    written(folder / "trained", replace(record, status="running"))
    assert states(folder)[0] == ("cut", "after training, or still at work")


def test_a_damaged_state_is_one_that_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    for content in (b"", b"\x05", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"{}", b"\0" * 40):
        path.write_bytes(content)
        assert step_of(tmp_path) == 0


def test_a_damaged_record_stops_the_suite_and_is_named(folder: Path, trained: Make) -> None:
    trained()
    damaged = folder / "another" / RUN_FILE
    damaged.parent.mkdir()
    damaged.write_text("{")
    with pytest.raises(BenchError, match=r"another.run\.json.*delete that run's folder"):
        found(read_suite(folder), folder)


def test_what_failed_says_why_and_what_the_audit_found_counts_as_that(
    folder: Path, trained: Make
) -> None:
    trained(status="failed", error="out of memory", outcome=None)
    assert states(folder)[0] == ("failed", "out of memory")
    audit = AuditRecord("error", 5, (), ("answers hang on the order of queries",))
    trained(audit=audit)
    assert states(folder)[0] == ("failed", "the audit: answers hang on the order of queries")


def test_what_failed_to_verify_has_failed_though_its_record_is_whole(
    folder: Path, trained: Make
) -> None:
    verified = VerificationRecord("verified", "", "", ())
    trained(verification=verified)
    assert states(folder)[0] == ("done", "")
    figures = [CheckedFigure("seal", "1", "1", "same"), CheckedFigure("mean", "1", "2", "differs")]
    figures.append(CheckedFigure("scores", "1", "2", "differs"))
    write_failure(folder / "trained", VerificationRecord("failed", "", "", tuple(figures)))
    assert states(folder)[0] == ("failed", "bench verify found another mean and 1 more")
    clear_failure(folder / "trained")
    assert states(folder)[0] == ("done", "")


def test_of_several_runs_of_a_test_the_one_that_came_furthest_counts(
    folder: Path, trained: Make
) -> None:
    trained("a", status="failed", error="x", outcome=None)
    trained("b", status="interrupted", outcome=None)
    assert states(folder)[0][0] == "cut"
    trained("c")
    one: Found = found(read_suite(folder), folder)[0]
    assert (one.state, one.folder) == ("done", folder / "c")
    assert one.record and isinstance(one.record.outcome, Outcome)
