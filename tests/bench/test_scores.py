"""Scores are read as they were written; what was changed afterwards is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.results import EPISODES_FILE, RUN_FILE, read_run
from bench.scores import alteration, read_scores
from tests.bench.written_runs import Records, ids_of, with_parts, write_run

SCORES = np.array([0.8, 0.6, 1.0])


def test_scores_and_ids_are_those_of_the_file(tmp_path: Path, make_record: Records) -> None:
    record = write_run(tmp_path / "run", make_record(), SCORES, ids_of(3))
    scores = read_scores(tmp_path / "run", record)
    assert scores.values.tolist() == [0.8, 0.6, 1.0]
    assert scores.ids == ("0" * 16, "0" * 15 + "1", "0" * 15 + "2")


def test_files_of_before_there_were_ids_have_none(tmp_path: Path, make_record: Records) -> None:
    record = write_run(tmp_path / "run", make_record(), SCORES)
    assert read_scores(tmp_path / "run", record).ids == ()


def test_in_regression_the_score_is_the_error(tmp_path: Path, make_record: Records) -> None:
    record = with_parts(make_record(), data={"task": "regression"})
    write_run(tmp_path / "run", record, np.array([2.5, 0.5]))
    assert (tmp_path / "run" / EPISODES_FILE).read_text().startswith("episode,mse\n")
    assert read_scores(tmp_path / "run", record).values.tolist() == [2.5, 0.5]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is not there"),
        ("", "cannot be read"),
        ("episode,accuracy\n", "has no episodes"),
        ("episode,accuracy\n0,much\n", "cannot be read"),
        ("episode,accuracy\n0\n", "cannot be read"),
        ("episode,loss\n0,0.1\n", "cannot be read"),
    ],
)
def test_a_missing_or_damaged_file_is_one_line(
    content: str | None, told: str, tmp_path: Path, make_record: Records
) -> None:
    if content is not None:
        (tmp_path / EPISODES_FILE).write_text(content)
    with pytest.raises(BenchError, match=told):
        read_scores(tmp_path, make_record())


def altered(folder: Path) -> str:
    record = read_run(folder)
    return alteration(folder, record, read_scores(folder, record))


def test_a_run_as_it_was_written_is_not_altered(tmp_path: Path, make_record: Records) -> None:
    write_run(tmp_path / "run", make_record(), SCORES)
    assert altered(tmp_path / "run") == ""


def test_a_changed_record_and_a_changed_episode_are_noticed(
    tmp_path: Path, make_record: Records
) -> None:
    for name, file, old, new, told in (
        ("a", RUN_FILE, '"seed": 3', '"seed": 4', "seal"),
        ("b", EPISODES_FILE, "1,0.6", "1,0.7", "episodes.csv is not what the run wrote"),
    ):
        write_run(tmp_path / name, make_record(), SCORES)
        path = tmp_path / name / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        assert told in altered(tmp_path / name)


def test_a_record_without_a_seal_is_held_to_the_mean_of_its_episodes(
    tmp_path: Path, make_record: Records
) -> None:
    """Records of schemas 1 and 2 have no seal, but their mean follows from their episodes."""
    record = write_run(tmp_path / "run", make_record(), SCORES)
    path = tmp_path / "run" / RUN_FILE
    text = path.read_text().replace(f'"seal": "{record.seal}"', '"seal": ""')
    path.write_text(text)
    assert altered(tmp_path / "run") == ""
    assert record.outcome is not None
    path.write_text(text.replace(f'"mean": {record.outcome.mean}', '"mean": 0.9'))
    assert "mean" in altered(tmp_path / "run")
