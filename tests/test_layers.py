"""The architecture, held by the source itself: who imports whom, who prints, who seeds.

Rules are checked on the syntax tree, so they hold for code that no test runs.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).resolve().parent.parent
PLUGIN_FOLDERS = ("plugins", "datasets")
INSTALLED_NAMES = tuple(f"bench_{folder}" for folder in PLUGIN_FOLDERS)
LIGHT = (
    *("tasks", "episode_ids", "sealed", "consistency", "content", "bitpacking"),
    *("results", "statistics", "leaderboard", "files", "errors", "parameters", "episodes"),
    *("sampling", "config", "cli", "hookspecs", "threads", "interruption", "__main__"),
    *("pytest_plugin", "scaffold", "episodelist", "predictions", "measurements"),
    *("scores", "comparison", "comparison.pairs", "comparison.configurations"),
    *("words", "protocols.choice", "protocols.table"),
    *("dataname", "imageform", "listing", "tablerows", "classsplit", "bytesize", "endings"),
    *("statistics.kept", "comparison.finding", "published", "agreement", "badge", "replay"),
    *("report", "marked", "figures.marks", "figures.courses"),
    "reproduction",
    *("suite", "suite.matching", "suite.state", "suite.jobs", "suite.failures", "suite.conductor"),
)


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


BENCH = {module_name(path): path for path in sorted((ROOT / "bench").rglob("*.py"))}
PLUGINS = sorted(path for folder in PLUGIN_FOLDERS for path in (ROOT / folder).rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
SOURCES = [*BENCH.values(), *PLUGINS, *BENCHMARKS]
PRINTERS = (ROOT / "bench" / "cli", ROOT / "benchmarks" / "__main__.py")
SILENT = [path for path in SOURCES if not any(path.is_relative_to(p) for p in PRINTERS)]


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )


def nodes(tree: ast.AST, *, run_on_import: bool) -> Iterator[ast.AST]:
    """Yields all nodes; with `run_on_import` those that importing the module executes."""
    for child in ast.iter_child_nodes(tree):
        if run_on_import and (
            isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            or is_for_type_checkers(child)
        ):
            continue
        yield child
        yield from nodes(child, run_on_import=run_on_import)


def imports(path: Path, *, run_on_import: bool) -> set[str]:
    """Returns the absolute names of the modules that a file imports, and of what it takes."""
    package = (
        module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    )
    found: set[str] = set()
    for node in nodes(tree_of(path), run_on_import=run_on_import):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def bench_imports(path: Path, *, run_on_import: bool) -> set[str]:
    """Returns the modules of bench that a file imports, with the packages around them."""
    named = imports(path, run_on_import=run_on_import) & set(BENCH)
    around = {name.rpartition(".")[0] for name in named}
    return (named | around) & set(BENCH) - {module_name(path)}


def top_level(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_the_rules_below_are_about_files_that_exist() -> None:
    assert {"bench", "bench.cli", "bench.cli.run", "bench.registry"} <= set(BENCH)
    assert {label(path) for path in PLUGINS} >= {"plugins/maml.py", "datasets/omniglot.py"}
    assert {f"bench.{name}" for name in LIGHT} <= set(BENCH)


@pytest.mark.parametrize("path", PLUGINS, ids=label)
def test_a_plugin_imports_from_bench_itself_and_nothing_deeper(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            assert not {"bench", *INSTALLED_NAMES, *PLUGIN_FOLDERS} & top_level(
                {alias.name for alias in node.names}
            )
        if isinstance(node, ast.ImportFrom) and not node.level:
            base = (node.module or "").partition(".")[0]
            assert base not in (*INSTALLED_NAMES, *PLUGIN_FOLDERS)
            if base == "bench":
                assert node.module == "bench", f"line {node.lineno}: import it from bench"
                assert {alias.name for alias in node.names} <= set(bench.__all__)


@pytest.mark.parametrize("path", PLUGINS, ids=label)
def test_plugins_and_datasets_do_not_know_each_other(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            depth = len(path.relative_to(ROOT).parts) - 1
            assert node.level <= depth, f"line {node.lineno} reaches out of its folder"


@pytest.mark.parametrize("name", BENCH)
def test_the_harness_imports_no_plugin(name: str) -> None:
    assert not top_level(imports(BENCH[name], run_on_import=False)) & {
        *INSTALLED_NAMES,
        *PLUGIN_FOLDERS,
    }


@pytest.mark.parametrize("path", [*BENCH.values(), *PLUGINS], ids=label)
def test_what_is_installed_does_not_know_the_benchmarks(path: Path) -> None:
    assert "benchmarks" not in top_level(imports(path, run_on_import=False))


def test_the_harness_names_no_algorithm_of_this_repository_in_its_code() -> None:
    """Help texts and error messages may give examples; decisions may not hang on a name."""
    algorithms = {path.stem for path in (ROOT / "plugins").glob("[a-z]*.py")} | {"l2l-maml"}
    for name, path in BENCH.items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Compare | ast.Subscript | ast.Dict | ast.Match):
                texts = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
                assert not texts & algorithms, f"{name}, line {node.lineno}"


@pytest.mark.parametrize("name", LIGHT)
def test_what_reads_results_or_answers_help_imports_no_torch(name: str) -> None:
    todo, reached = [f"bench.{name}"], {f"bench.{name}": ""}
    while todo:
        module = todo.pop()
        foreign = top_level(imports(BENCH[module], run_on_import=True))
        assert not foreign & {"torch", "torchvision", "safetensors"}, f"{module}{reached[module]}"
        for other in bench_imports(BENCH[module], run_on_import=True) - set(reached):
            reached[other] = f", imported by {module}{reached[module]}"
            todo.append(other)


def test_only_the_registry_and_its_hook_specifications_know_pluggy() -> None:
    users = {n for n, p in BENCH.items() if "pluggy" in top_level(imports(p, run_on_import=False))}
    assert users == {"bench.registry", "bench.hookspecs"}


@pytest.mark.parametrize("path", SILENT, ids=label)
def test_only_the_command_line_prints(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "pprint", "warnings.warn"), f"line {node.lineno}"
            assert not called.startswith(("click.", "logging.", "logger.")), f"line {node.lineno}"
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            assert text not in ("sys.stdout", "sys.stderr"), f"line {node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_only_seeds_py_seeds_and_nobody_draws_from_global_generators(path: Path) -> None:
    own = {"torch.manual_seed", "torch.default_generator.manual_seed"}
    allowed = own if path == ROOT / "bench" / "seeds.py" else set()
    numpy_own = {"default_rng", "Generator", "Philox", "SeedSequence", "PCG64", "BitGenerator"}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            if text.rpartition(".")[2] in ("manual_seed", "manual_seed_all", "seed_all", "seed"):
                assert text in allowed, f"{text} in line {node.lineno}"
        if isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            if parts[:2] in (["np", "random"], ["numpy", "random"]) and len(parts) == 3:
                assert parts[2] in numpy_own, f"{'.'.join(parts)} in line {node.lineno}"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert "random" not in names, f"line {node.lineno}: Python's global generator"


def test_seeds_py_does_seed() -> None:
    text = ast.unparse(tree_of(ROOT / "bench" / "seeds.py"))
    assert "torch.manual_seed(" in text


def test_there_is_no_import_cycle() -> None:
    arrows = {name: bench_imports(path, run_on_import=False) for name, path in BENCH.items()}
    arrows = {  # a package's own modules are in it: that arrow is no choice
        name: {o for o in others if not name.startswith(f"{o}.")} for name, others in arrows.items()
    }
    while True:
        leaves = {name for name, others in arrows.items() if not others & set(arrows)}
        if not leaves:
            break
        arrows = {name: others for name, others in arrows.items() if name not in leaves}
    assert not arrows


@pytest.mark.parametrize("path", SILENT, ids=label)
def test_nothing_but_the_command_line_imports_the_command_line(path: Path) -> None:
    taken = imports(path, run_on_import=False)
    if path.name == "__main__.py":  # it starts the command line
        taken -= {"bench.cli", "bench.cli.run_command_line"}
    assert not any(one == "bench.cli" or one.startswith("bench.cli.") for one in taken)


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS)
def test_a_plugin_folder_is_no_package(folder: str) -> None:
    """`datasets` is Hugging Face's import name, `plugins` is anybody's.

    With an `__init__.py` a folder of that name would, from the root of this repository, take the
    place of the installed package of that name. So they stay plain folders, and are installed
    under names of their own.
    """
    assert not (ROOT / folder / "__init__.py").exists()


def tracked_text_files() -> list[Path]:
    """Returns the text files of this checkout, build products left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout, so there may be build products")
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    kinds = (".py", ".toml", ".md", ".cfg", ".txt", ".yml", ".yaml", "")
    return [
        path
        for path in paths
        if path.is_file() and path.suffix in kinds and not path.is_relative_to(ROOT / "results")
    ]


@pytest.mark.parametrize("installed", INSTALLED_NAMES)
def test_the_installed_name_of_a_plugin_folder_occurs_in_pyproject_only(installed: str) -> None:
    """One of the two is the name of a hook as well; as such it may of course occur."""
    as_module = rf"(?:import|from)\s+{installed}\b|\b{installed}\.\w"
    pattern = re.compile(as_module if installed == "bench_datasets" else rf"\b{installed}\b")
    paths = set(tracked_text_files()) - {ROOT / "pyproject.toml", Path(__file__).resolve()}
    naming = [label(p) for p in sorted(paths) if pattern.search(p.read_text(encoding="utf-8"))]
    assert naming == []
    assert f'= "{installed}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_public_name_is_listed_and_can_be_had() -> None:
    source = tree_of(ROOT / "bench" / "__init__.py")
    typed = {
        alias.asname or alias.name
        for block in source.body
        if is_for_type_checkers(block)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == set(bench.__all__)
    assert sorted(bench.__all__) == bench.__all__
    assert dir(bench) == bench.__all__
    for name in bench.__all__:
        assert getattr(bench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Algoritm'"):
        bench.Algoritm  # noqa: B018  # what is tested


def test_a_public_name_is_the_one_of_the_module_that_type_checkers_are_told() -> None:
    for block in tree_of(ROOT / "bench" / "__init__.py").body:
        if is_for_type_checkers(block):
            for node in ast.walk(block):
                if isinstance(node, ast.ImportFrom):
                    home = importlib.import_module(node.module or "")
                    for alias in node.names:
                        assert getattr(bench, alias.name) is getattr(home, alias.name)


@pytest.mark.parametrize("name", BENCH)
def test_every_public_module_class_and_function_says_what_it_is(name: str) -> None:
    tree = tree_of(BENCH[name])
    assert ast.get_docstring(tree), "the module has no docstring"
    if name == "bench.__main__":
        return
    module = importlib.import_module(name)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    found = inspect.getattr_static(getattr(module, node.name), member.name)
                    told = inspect.getdoc(getattr(found, "fget", None) or found) or inspect.getdoc(
                        getattr(getattr(module, node.name), member.name)
                    )
                    assert told, f"{node.name}.{member.name} has no docstring"


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_no_file_is_longer_than_350_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_no_file_is_a_drawer_for_odds_and_ends(path: Path) -> None:
    assert path.stem.strip("_") not in ("utils", "util", "helpers", "helper", "common", "misc")
