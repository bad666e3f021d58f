"""Suites: what a file asks for, in which order, and what it cannot ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import suite as suites
from bench.errors import BenchError
from bench.suite import SUITE_FILE, CommonTest, Tolerance, read_suite
from bench.suite.jobs import row_name

RECIPE = """
about = "Small."
budget = "smoke"
algo = "protonet"
data = "toy"
steps = 30
queries = 15

[sizes.5w1s]
episodes = 1000

[sizes.20w1s]
episodes = 600
"""
HEAD = 'about = "A table."\ndata = "toy"\n'
ROW = '[[training]]\nrecipe = "small.toml"\nsizes = { 5w1s = ["5w1s"] }\n'
Row = tuple[str, int, str, str, str, bool]


def suite_of(folder: Path, text: str, recipe: str = RECIPE) -> Path:
    (folder / "small.toml").write_text(recipe)
    (folder / SUITE_FILE).write_text(text)
    return folder


def rows(folder: Path) -> list[Row]:
    """Returns the tests of a suite, whether each is a training, and whose episodes it has."""
    return [
        (
            test.trained,
            test.seed,
            test.size,
            test.mode.name,
            "tests" if test.evaluated else "trains",
            test.own,
        )
        for test in suites.tests_of(read_suite(folder))
    ]


def test_a_run_whose_own_test_is_the_common_one_is_all_there_is(tmp_path: Path) -> None:
    suite_of(tmp_path, HEAD + ROW)
    assert rows(tmp_path) == [("5w1s", 0, "5w1s", "", "trains", False)]
    suite = read_suite(tmp_path)
    assert (suite.test, suite.tolerance) == (CommonTest(15, 1000, 0), Tolerance(1.0, 2.0))


def test_a_training_comes_first_and_then_sizes_modes_and_own_tests_of_its_weights(
    tmp_path: Path,
) -> None:
    text = HEAD + '[[training]]\nrecipe = "small.toml"\nseeds = [3, 1]\nown_test = true\n'
    text += 'sizes = { 20w1s = ["20w1s", "5w1s"] }\n'
    text += 'modes = [{}, { name = "alone", set = { asked = "alone" } }]\n'
    suite_of(tmp_path, text)
    of_a_seed = [
        ("20w1s", "", "trains", True),  # 600 episodes, as the recipe says
        ("20w1s", "", "tests", False),
        ("20w1s", "alone", "tests", False),
        ("20w1s", "alone", "tests", True),
        ("5w1s", "", "tests", False),  # 1000 episodes, as all have
        ("5w1s", "alone", "tests", False),
    ]
    assert rows(tmp_path) == [("20w1s", seed, *row) for seed in (3, 1) for row in of_a_seed]


@pytest.mark.parametrize(
    ("own_test", "rows_of"),
    [
        ("", ["small, own test", "small", "small, alone"]),
        (
            "own_test = true\n",
            ["small, own test", "small", "small, alone", "small, alone, own test"],
        ),
        ("own_test = false\n", ["small, training", "small", "small, alone"]),
    ],
)
def test_the_own_test_of_a_recipe_is_that_of_all_modes_or_of_the_training_or_no_row(
    tmp_path: Path, own_test: str, rows_of: list[str]
) -> None:
    """The recipe tests on 600 episodes at 20w1s, the suite on 1000."""
    text = HEAD + ROW.replace("5w1s", "20w1s") + own_test
    text += 'modes = [{}, { name = "alone", set = { asked = "alone" } }]\n'
    found = [*suites.tests_of(read_suite(suite_of(tmp_path, text)))]
    assert [row_name(test) for test in found] == rows_of
    assert [test.counted for test in found] == ["training" not in name for name in rows_of]


def test_a_training_whose_own_test_is_the_common_one_counts_though_it_has_no_own_test(
    tmp_path: Path,
) -> None:
    (test,) = suites.tests_of(read_suite(suite_of(tmp_path, HEAD + ROW + "own_test = false")))
    assert (test.own, test.counted) == (False, True)


def test_the_path_of_a_recipe_begins_at_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    suite_of(tmp_path, HEAD + ROW)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_suite(Path("..")).training[0].recipe == str(Path("..") / "small.toml")
    with pytest.raises(BenchError, match="cannot be read"):
        read_suite(Path())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("about = ", "is not valid TOML"),
        (HEAD, "has no training; write it as in [[training]]"),
        (HEAD + "training = []", "there is no [[training]] in it"),
        (HEAD + ROW + "seed = [1]", "has an unknown key 'seed'; did you mean 'seeds'?"),
        (HEAD + ROW + 'modes = [{ sets = {} }]', "mode 1 has an unknown key 'sets'"),
        (HEAD + "[test]\nquery = 5\n" + ROW, "[test] has an unknown key 'query'"),
        (HEAD + "[test]\nepisodes = 1\n" + ROW, "--episodes is 1; it must be at least 2"),
        (HEAD + "[test]\nepisode_seed = -1\n" + ROW, "--episode-seed is -1"),
        (HEAD + ROW + "seeds = [-1]", "--seed is -1"),
        (HEAD + ROW + "seeds = []", "recipe small has no seeds"),
        (HEAD + ROW + "steps = -1", "--steps is -1"),
        (HEAD + ROW + "modes = []", "recipe small has no modes"),
        (HEAD + ROW + ROW, "recipe small at 5w1s with seed 0 is there twice"),
        (HEAD + ROW + "seeds = [0, 0]", "recipe small at 5w1s with seed 0 is there twice"),
        (HEAD + ROW + ROW + "steps = 30", "recipe small at 5w1s with seed 0 is there twice"),
        (HEAD + ROW.replace('["5w1s"]', '["5w1s", "5w1s"]'), "name each size once"),
        (HEAD + ROW.replace('["5w1s"]', '["1s5w"]'), "'1s5w' is no size"),
        (HEAD + ROW.replace("5w1s =", "5w5s ="), "recipe small is for 5w1s, 20w1s, not for 5w5s"),
        (HEAD + ROW.replace("small.toml", "protonet-papre"), "there is no recipe 'protonet-papre'"),
        (HEAD.replace("toy", "omniglot") + ROW, "recipe small is for toy, the suite omniglot"),
        (HEAD + ROW + "modes = [{ set = { a = 1 } }]", "put one that sets nothing first"),
        (HEAD + ROW + 'modes = [{}, { name = "b" }]', "have the same name or set the same"),
        (HEAD + ROW + "modes = [{}, { set = { a = 1 } }]", "have the same name or set the same"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    suite_of(tmp_path, text)
    with pytest.raises(BenchError) as caught:
        read_suite(tmp_path)
    assert words in str(caught.value)
    assert str(tmp_path / SUITE_FILE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_published_method_that_has_no_number_on_the_data_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    """Where nothing was published there is none to name; else a slip is told the nearest."""
    mode = 'modes = [{ published = "ProtoNett" }]'
    suite_of(tmp_path, HEAD + ROW + mode)
    with pytest.raises(BenchError, match=r"recipe small .*ProtoNett.* known on toy; leave it out"):
        read_suite(tmp_path)
    real = (HEAD + ROW + mode).replace("toy", "omniglot")
    suite_of(tmp_path, real, RECIPE.replace("toy", "omniglot"))
    with pytest.raises(BenchError, match=r"no number on omniglot; did you mean 'ProtoNet'\?"):
        read_suite(tmp_path)
    suite_of(tmp_path, real.replace("ProtoNett", "ProtoNet"), RECIPE.replace("toy", "omniglot"))
    assert read_suite(tmp_path).training[0].modes[0].published == "ProtoNet"


@pytest.mark.parametrize("name", ["points", "deviations"])
@pytest.mark.parametrize("value", ["-1", "-0.5", "nan", "inf"])
def test_a_tolerance_that_is_no_distance_is_refused(tmp_path: Path, name: str, value: str) -> None:
    suite_of(tmp_path, HEAD + f"[tolerance]\n{name} = {value}\n" + ROW)
    with pytest.raises(BenchError, match=rf"\[tolerance\] {name} is {value}; it must be 0 or more"):
        read_suite(tmp_path)


def test_a_tolerance_may_be_nothing_at_all(tmp_path: Path) -> None:
    suite_of(tmp_path, HEAD + "[tolerance]\npoints = 0\ndeviations = 0.0\n" + ROW)
    assert read_suite(tmp_path).tolerance == Tolerance(0.0, 0.0)


def test_one_recipe_may_be_trained_in_full_and_shortened(tmp_path: Path) -> None:
    suite_of(tmp_path, HEAD + ROW + ROW + "steps = 29")
    assert len(rows(tmp_path)) == 2


def test_an_own_test_must_be_named_by_the_recipe(tmp_path: Path) -> None:
    suite_of(tmp_path, HEAD + ROW + "own_test = true", RECIPE.replace("episodes = 1000", ""))
    with pytest.raises(BenchError, match="does not name queries and episodes at 5w1s"):
        read_suite(tmp_path)
