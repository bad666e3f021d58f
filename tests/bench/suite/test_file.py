"""Suite files: a slip is told by its key and its place, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.suite import CommonTest, Suite, TestMode, Tolerance, Training
from bench.suite.file import EXAMPLES, read_parts

HEAD = 'about = "A table."\ndata = "toy"\n'
FIRST = '[[training]]\nrecipe = "a.toml"\nsizes = { 5w1s = ["5w1s"] }\n'
SECOND = FIRST.replace("a.toml", "b.toml")


def told(folder: Path, text: str) -> str:
    """Returns what is said of a file, without its path."""
    path = folder / "suite.toml"
    path.write_text(text)
    with pytest.raises(BenchError) as caught:
        read_parts(path, Suite)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert "`" not in message, "these are msgspec's words"
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data = "toy"\n' + FIRST, ' has no about; write it as in about = "My table"'),
        (
            HEAD + FIRST + "[[training]]\nsizes = {}",
            ', [[training]] 2 has no recipe; write it as in recipe = "my-recipe.toml"',
        ),
        (
            HEAD + FIRST + '[[training]]\nrecipe = "b.toml"',
            ', [[training]] 2 (b.toml) has no sizes; write it as in sizes = { 5w1s = ["5w1s", '
            '"20w1s"] }',
        ),
    ],
)
def test_a_key_that_is_missing_is_named_with_an_example(
    tmp_path: Path, text: str, message: str
) -> None:
    assert told(tmp_path, text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("about = 3\n", ": about is 3; write it as in about = "),
        ("training = 3\n", ": training is 3; write it as in [[training]] on a line"),
        ("test = [1]\n", ": test is [1]; write it as in [test] on a line"),
        ('[test]\nqueries = "15"\n', ", [test]: queries is '15'; write it as in queries = 15"),
        ("[tolerance]\npoints = true\n", ", [tolerance]: points is true; write it as in points ="),
    ],
)
def test_a_value_of_the_wrong_type_is_shown_with_its_table(
    tmp_path: Path, text: str, message: str
) -> None:
    head = "".join(line for line in HEAD.splitlines(True) if line.split()[0] not in text.split())
    rows = "" if "training" in text else FIRST
    assert told(tmp_path, head + text + rows).startswith(message)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (SECOND.replace("{ 5w1s = ", "").replace(" }", ""), 'sizes is ["5w1s"]; write it as in '),
        (SECOND.replace('["5w1s"]', '"5w1s"'), 'sizes is {"5w1s":"5w1s"}; write it as in '),
        (SECOND.replace('["5w1s"]', "[51]"), 'sizes is {"5w1s":[51]}; write it as in '),
        (SECOND + "own_test = 1", "own_test is 1; write it as in own_test = true"),
        (SECOND + "seeds = 3", "seeds is 3; write it as in seeds = [0, 1, 2], or "),
        (SECOND + "seeds = [0.5]", "seeds is [0.5]; write it as in "),
        (SECOND + 'seeds = "4..0"', "seeds is '4..0'; 4..0 runs backwards: 0..4"),
        (SECOND + "steps = 2.5", "steps is 2.5; write it as in steps = 1000"),
        (SECOND + f"why = {[7] * 50}", "why is [7,7,7,7"),
    ],
)
def test_a_training_is_told_by_its_number_and_its_recipe(
    tmp_path: Path, row: str, message: str
) -> None:
    assert told(tmp_path, HEAD + FIRST + row).startswith(f", [[training]] 2 (b.toml): {message}")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("{ set = 3 }", ": set is 3; write it as in set = { alone = true }"),
        ("{ sets = {} }", " has an unknown key 'sets'; did you mean 'set'?"),
    ],
)
def test_a_mode_is_told_by_its_number_too(tmp_path: Path, mode: str, message: str) -> None:
    text = f"{HEAD}{FIRST}modes = [{{}}, {mode}]"
    assert told(tmp_path, text).startswith(f", [[training]] 1 (a.toml), mode 2{message}")


def test_what_is_no_toml_is_shown_with_an_example_of_its_key(tmp_path: Path) -> None:
    message = told(tmp_path, HEAD.replace('"toy"', "toy") + FIRST)
    assert "is not valid TOML" in message
    assert "line 2" in message
    assert message.endswith("'data = toy'; write lines such as data = \"glyphs\"")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BenchError, match=r"suite\.toml is not text in UTF-8"):
        read_parts(path, Suite)


def test_seeds_may_be_written_as_the_flag_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(HEAD + FIRST + 'seeds = "0..2,7"')
    assert read_parts(path, Suite).training[0].seeds == (0, 1, 2, 7)


def test_every_key_of_a_suite_has_an_example() -> None:
    kinds = (Suite, CommonTest, Tolerance, Training, TestMode)
    assert {name for kind in kinds for name in kind.__dataclass_fields__} == set(EXAMPLES)
