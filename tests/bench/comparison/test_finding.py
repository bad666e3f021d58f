"""Finding runs: by folder, by name, and never by guessing between two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.comparison.finding import find_run, read_tested
from bench.errors import BenchError
from bench.results import EPISODES_FILE
from tests.bench.written_runs import Records, write_run

SCORES = np.array([0.5, 0.7])


@pytest.fixture
def root(tmp_path: Path, make_record: Records) -> Path:
    for name, algorithm in (
        ("toy_protonet_1", "protonet"),
        ("toy_l2l-protonet_2", "l2l-protonet"),
        ("sub/toy_maml_3", "maml"),
        ("toy_maml_4", "maml"),
    ):
        write_run(tmp_path / name, make_record(algorithm), SCORES)
    return tmp_path


def test_a_folder_a_name_an_algorithm_and_a_part_of_a_name_find_a_run(root: Path) -> None:
    wanted = root / "toy_protonet_1"
    assert find_run(str(wanted), root) == wanted
    assert find_run("toy_protonet_1", root) == wanted
    assert find_run("protonet", root) == wanted  # the algorithm; as a part it is in two names
    assert find_run("maml_3", root) == root / "sub" / "toy_maml_3"


def test_a_name_of_several_runs_lists_them(root: Path) -> None:
    with pytest.raises(BenchError, match=r"'maml' is not one run but 2: .*maml_3, .*maml_4"):
        find_run("maml", root)


def test_a_name_of_none_gets_the_nearest(root: Path) -> None:
    with pytest.raises(BenchError, match="did you mean 'protonet'"):
        find_run("protonets", root)
    with pytest.raises(BenchError, match=r"no run 'x' in .*nowhere"):
        find_run("x", root / "nowhere")


def test_a_folder_that_is_no_run_is_said(root: Path) -> None:
    with pytest.raises(BenchError, match="holds no run"):
        find_run(str(root), root)


def test_unfinished_and_altered_runs_are_refused(root: Path, make_record: Records) -> None:
    folder = root / "toy_protonet_1"
    assert read_tested(folder).scores.values.tolist() == [0.5, 0.7]
    (folder / EPISODES_FILE).write_text("episode,accuracy\n0,0.9\n1,0.9\n")
    with pytest.raises(BenchError, match=r"was altered: episodes\.csv"):
        read_tested(folder)
    make_record(status="interrupted", outcome=None).write(folder)
    with pytest.raises(BenchError, match="is interrupted; finish it first"):
        read_tested(folder)
