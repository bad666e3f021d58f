"""The registry: plugins from entry points, modules and files; a broken one hurts nobody else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.registry import Registry, load_registry
from tests.bench.plugin_files import Write

GOOD = """
from bench import Algorithm, hookimpl

class Guess(Algorithm):
    name = "{name}"
    def adapt(self, support):
        return lambda query: query.new_zeros(len(query), support.n_way)

@hookimpl
def bench_algorithms():
    return [Guess]
"""

DATA = """
from bench import Dataset, hookimpl

class Points(Dataset):
    name = "points"
    def classes(self, files):
        yield from ()

@hookimpl
def bench_datasets():
    return [Points]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Makes modules in tmp_path the installed plugins, and the only ones."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def install(*values: str) -> None:
        importlib.invalidate_caches()
        points = EntryPoints(EntryPoint(f"p{i}", v, "bench") for i, v in enumerate(values))
        monkeypatch.setattr("bench.registry.entry_points", lambda group: points.select(group=group))

    yield install
    for name in set(sys.modules) - before:
        del sys.modules[name]


def error_of(registry: Registry, module: str) -> str:
    return next(record.error for record in registry.plugins if record.module == module)


def test_the_plugins_of_this_repository_are_found(registry: Registry) -> None:
    assert {"protonet", "maml", "pixels", "l2l-maml"} <= set(registry.algorithms.entries)
    assert {"glyphs", "omniglot", "gaussians"} <= set(registry.datasets.entries)
    assert registry.broken == ()


def test_what_is_found_is_told_with_package_and_version(registry: Registry) -> None:
    record = next(r for r in registry.plugins if r.algorithms == ("protonet",))
    assert (record.source, record.error) == ("fewshot-bench", "")
    assert record.version


def test_a_file_named_with_p_adds_its_algorithm(write: Write) -> None:
    registry = load_registry([str(write("guess.py", GOOD.format(name="guess")))])
    assert registry.algorithm("guess").__name__ == "Guess"
    assert registry.plugins[-1].source == "-p"
    assert registry.plugins[-1].algorithms == ("guess",)


def test_a_file_named_with_p_adds_its_dataset(write: Write) -> None:
    registry = load_registry([str(write("points.py", DATA))])
    assert registry.dataset("points").__name__ == "Points"


def test_a_module_named_with_p_is_imported_by_name(
    write: Write, installed: Callable[..., None]
) -> None:
    write("guessing_module.py", GOOD.format(name="guess"))
    installed()
    assert load_registry(["guessing_module"]).algorithm("guess").name == "guess"


def test_a_file_named_like_a_library_does_not_take_its_place(write: Write) -> None:
    import json

    load_registry([str(write("json.py", GOOD.format(name="guess")))])
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import a_package_that_is_not_there\n", "No module named 'a_package_that_is_not_there'"),
        ("raise RuntimeError('two\\nlines')\n", "RuntimeError: two lines"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("from bench import BenchError\nraise BenchError('needs a GPU')\n", ": needs a GPU"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_an_error_with_its_reason(
    write: Write, text: str, complaint: str
) -> None:
    path = write("broken.py", text)
    with pytest.raises(BenchError) as caught:
        load_registry([str(path)])
    assert str(caught.value).startswith(f"-p {path}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.py", "a_module_that_is_nowhere"])
def test_a_plugin_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    given = str(tmp_path / name) if name.endswith(".py") else name
    with pytest.raises(BenchError, match=name):
        load_registry([given])


@pytest.mark.parametrize(
    "text",
    ["x = 1\n", GOOD.format(name="guess").replace("@hookimpl\n", "")],
    ids=["no hook", "the decorator was forgotten"],
)
def test_a_file_that_adds_nothing_is_an_error_that_names_the_hooks(write: Write, text: str) -> None:
    with pytest.raises(BenchError, match="bench_algorithms") as caught:
        load_registry([str(write("empty.py", text))])
    assert "hookimpl" in str(caught.value)


def test_a_misspelt_hook_is_an_error_that_names_it(write: Write) -> None:
    text = GOOD.format(name="guess").replace("bench_algorithms", "bench_algoritms")
    with pytest.raises(BenchError, match="bench_algoritms"):
        load_registry([str(write("misspelt.py", text))])


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        ("[3]", "bench_algorithms returned 3, not a subclass of Algorithm"),
        ("['guess']", "bench_algorithms returned 'guess', not a subclass of Algorithm"),
        ("[dict]", "bench_algorithms returned <class 'dict'>, not a subclass of Algorithm"),
        ("None", "bench_algorithms"),
        ("Guess", "bench_algorithms"),
        ("1 / 0", "division by zero"),
        ("[type('Nameless', (Algorithm,), {})]", "Nameless has no name"),
        ("[type('Odd', (Algorithm,), {'name': 5})]", "Odd has no name"),
    ],
)
def test_a_hook_that_returns_something_else_is_an_error_that_says_what(
    write: Write, returned: str, complaint: str
) -> None:
    text = GOOD.format(name="guess").replace("return [Guess]", f"return {returned}")
    with pytest.raises(BenchError) as caught:
        load_registry([str(write("wrong.py", text))])
    assert complaint in str(caught.value)


def test_a_dataset_hook_that_returns_an_algorithm_is_an_error(write: Write) -> None:
    text = GOOD.format(name="guess").replace("def bench_algorithms", "def bench_datasets")
    with pytest.raises(BenchError, match=r"bench_datasets returned .*not a subclass of Dataset"):
        load_registry([str(write("wrong.py", text))])


def test_a_name_that_two_plugins_claim_is_an_error_only_for_who_asks_for_it(write: Write) -> None:
    twin = write("twin.py", GOOD.format(name="protonet"))
    registry = load_registry([str(twin)])
    assert registry.algorithm("maml").name == "maml"
    assert list(registry.algorithms.duplicates()) == ["protonet"]
    with pytest.raises(BenchError, match=r"algorithm 'protonet' is defined by .*protonet and .*tw"):
        registry.algorithm("protonet")


def test_an_unknown_name_is_told_the_nearest(registry: Registry) -> None:
    with pytest.raises(BenchError, match="no algorithm 'protnet'; did you mean 'protonet'"):
        registry.algorithm("protnet")
    with pytest.raises(BenchError, match="no dataset 'glyph'; did you mean 'glyphs'"):
        registry.dataset("glyph")


def test_a_broken_installed_plugin_is_kept_with_its_reason_and_hurts_no_other(
    write: Write, installed: Callable[..., None]
) -> None:
    write("a_broken_one.py", "import sys\nsys.exit('bye')\n")
    write("b_misspelt.py", GOOD.format(name="x").replace("bench_algorithms", "bench_algoritms"))
    write("c_wrong.py", GOOD.format(name="x").replace("[Guess]", "[3]"))
    write("d_good.py", GOOD.format(name="good"))
    installed("a_broken_one", "b_misspelt", "c_wrong", "d_good", "e_not_there")
    registry = load_registry()
    assert registry.algorithm("good").name == "good"
    assert [r.module for r in registry.broken] == [
        *("a_broken_one", "b_misspelt", "c_wrong", "e_not_there")
    ]
    assert error_of(registry, "a_broken_one") == "SystemExit: bye"
    assert "bench_algoritms" in error_of(registry, "b_misspelt")
    assert "returned 3" in error_of(registry, "c_wrong")
    assert "No module named 'e_not_there'" in error_of(registry, "e_not_there")


def test_whoever_asks_for_what_is_not_there_is_told_what_was_not_loaded(
    write: Write, installed: Callable[..., None]
) -> None:
    write("a_broken_one.py", "1 / 0\n")
    installed("a_broken_one")
    with pytest.raises(BenchError, match=r"not loaded: a_broken_one \(see bench plugins\)"):
        load_registry().algorithm("protonet")


@pytest.mark.parametrize("raised", ["RuntimeError('no GPU')", "ImportError('no')", "SystemExit(1)"])
def test_a_plugin_whose_package_cannot_be_imported_hurts_no_other(
    write: Write, installed: Callable[..., None], raised: str
) -> None:
    write("broken_package/__init__.py", f"raise {raised}\n")
    write("broken_package/plugin.py", GOOD.format(name="never"))
    write("good_one.py", GOOD.format(name="good"))
    installed("broken_package.plugin", "good_one")
    registry = load_registry()
    assert registry.algorithm("good").name == "good"
    assert [r.module for r in registry.broken] == ["broken_package.plugin"]


def test_a_folder_named_as_entry_point_is_a_folder_of_plugins(
    write: Write, installed: Callable[..., None]
) -> None:
    write("folder_of_plugins/one.py", GOOD.format(name="one"))
    write("folder_of_plugins/two.py", GOOD.format(name="two"))
    write("folder_of_plugins/broken.py", "1 / 0\n")
    write("folder_of_plugins/_shared.py", "raise RuntimeError('is not a plugin')\n")
    installed("folder_of_plugins")
    registry = load_registry()
    assert sorted(registry.algorithms.entries) == ["one", "two"]
    assert [r.module for r in registry.plugins] == [
        "folder_of_plugins.broken",
        "folder_of_plugins.one",
        "folder_of_plugins.two",
    ]
    assert error_of(registry, "folder_of_plugins.broken") == "ZeroDivisionError: division by zero"


def test_an_interruption_while_plugins_load_is_not_swallowed(
    write: Write, installed: Callable[..., None]
) -> None:
    write("interrupting.py", "raise KeyboardInterrupt\n")
    installed("interrupting")
    with pytest.raises(KeyboardInterrupt):
        load_registry()


def test_a_folder_that_is_named_as_a_dataset_is_told_what_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    with pytest.raises(BenchError, match=r"no dataset 'photos', but a .*--data folder:photos"):
        load_registry().dataset("photos")
