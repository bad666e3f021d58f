"""The pytest plugin: the contract as tests of a third party's own suite, one per check.

Installed with bench, it waits for a test that asks for the fixture `bench_check`:

    import pytest

    @pytest.mark.bench_contract("my-method")
    def test_contract(bench_check):
        bench_check()

gives a test for every check that is about this plugin, an algorithm, dataset or backbone, such as
`test_contract[my-method-one-shot]`. The mark takes several names, and:

    plugin: a file, relative to the test's folder, or a module, or several, as `bench check -p`;
        loaded if none of that name is installed.
    backbone: an algorithm's embedding network, as `--backbone`; by default a small one.
    parameters: a mapping of an algorithm's hyperparameters to other values than their defaults.

Algorithms whose optional packages are absent are skipped. Imports nothing heavy until then, so
that other suites pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.errors import BenchError

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from bench.conformance.suite import Case
    from bench.registry import Registry

MARK = (
    "bench_contract(*names, plugin=(), backbone=None, parameters=None): the plugins of bench "
    "whose contract the fixture bench_check tests"
)


def pytest_configure(config: pytest.Config) -> None:
    """Makes the mark known."""
    config.addinivalue_line("markers", MARK)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes a test of each check, where the fixture `bench_check` is asked for."""
    if "bench_check" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("bench_contract")
    if mark is None or not mark.args:
        raise pytest.Collector.CollectError(
            f"{metafunc.definition.name} asks for bench_check but names no plugin: add "
            "@pytest.mark.bench_contract('NAME')"
        )
    try:
        cases = [case for name in mark.args for case in _cases(name, mark, metafunc)]
    except BenchError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    metafunc.parametrize("bench_check", cases, indirect=True)


@pytest.fixture
def bench_check(request: pytest.FixtureRequest) -> Callable[[], None]:
    """One check of the contract, to be called; named by the mark `bench_contract`."""
    check: Callable[[], None] = request.param
    return check


def _cases(name: str, mark: pytest.Mark, metafunc: pytest.Metafunc) -> Iterator[ParameterSet]:
    """Yields the checks that are about one algorithm, each with the name of its test."""
    from bench.conformance.suite import MissingPackage, cases

    plugin = mark.kwargs.get("plugin", ())
    plugins = (plugin,) if isinstance(plugin, str) else tuple(plugin)
    registry = _registry()
    if name not in registry:
        folder = metafunc.definition.path.parent
        registry = _registry(tuple(_located(one, folder) for one in plugins))
    backbone, parameters = mark.kwargs.get("backbone"), mark.kwargs.get("parameters")
    try:
        found = cases(registry, name, backbone, parameters)
    except MissingPackage as error:
        yield pytest.param(None, id=name, marks=pytest.mark.skip(reason=str(error)))
        return
    several = len({case.subject.label for case in found}) > 1
    for case in found:
        if not case.why_not():
            label = f"-{case.subject.label}" if several else ""
            yield pytest.param(partial(_test, case), id=f"{name}-{case.check.name}{label}")


def _test(case: Case) -> None:
    """Fails the test that calls it if the check fails."""
    __tracebackhide__ = True
    from bench.conformance.suite import run_one

    finding = run_one(case)
    if finding.status == "failed":
        pytest.fail(f"{finding.proves}\n{finding.message}", pytrace=False)
    if finding.status == "skipped":
        pytest.skip(finding.note)


@cache
def _registry(plugins: tuple[str, ...] = ()) -> Registry:
    from bench.registry import load_registry

    return load_registry(plugins)


def _located(plugin: str, folder: Path) -> str:
    """Returns a plugin's file as a whole path; a module's name as it is."""
    return str((folder / plugin).resolve()) if plugin.endswith(".py") else plugin
