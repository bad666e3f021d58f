"""Suite data: whether there are classes and images enough for every test, before any training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cache import Progress, cache_folder
from bench.config import TRAIN, RunConfig
from bench.dataset import DataFiles
from bench.errors import BenchError
from bench.protocols.choice import check_table
from bench.recipe import flat, read_recipe, size_of
from bench.registry import Registry
from bench.resolution import resolve_episodes, resolve_protocols
from bench.sources import choose, open_source
from bench.stored import DESCRIPTION, CachedDataset
from bench.suite.parts import Suite, Test
from bench.suite.state import Found


def check_by_data(
    suite: Suite,
    tests: Sequence[Found],
    registry: Registry,
    files: DataFiles,
    progress: Progress,
    *,
    only_cached: bool = False,
) -> None:
    """Raises BenchError if a test that is not done is one that the data have no room for.

    The data are opened, their cache being made if need be, as the first run would do; with
    `only_cached`, what is not in the cache yet is not checked.
    """
    opened: dict[str, CachedDataset | None] = {}
    for test in (one.test for one in tests if one.state != "done"):
        config = _config(suite, test)
        key = repr(sorted(config.data_settings().items()))
        if key not in opened:
            opened[key] = _opened(config, registry, files, progress, only_cached)
        data = opened[key]
        if data is not None:
            try:
                _check(config, registry, data)
            except BenchError as error:
                raise BenchError(f"{_name(test)}: {error}") from None


def _config(suite: Suite, test: Test) -> RunConfig:
    """Returns what is asked of the data: sizes, queries and parameters."""
    recipe = read_recipe(test.training.recipe)
    values = recipe.at(*size_of(test.trained))
    wanted = suite.test if test.evaluated else None
    if test.own and test.evaluated:
        values = recipe.at(*size_of(test.size)) if test.size in recipe.sizes else values
        wanted = None
    ways, shots = size_of(test.size)
    return RunConfig(
        values["algo"],
        suite.data,
        ways,
        shots,
        wanted.queries if wanted else values.get("queries"),
        values.get("protocol", RunConfig.protocol),
        episodes=wanted.episodes if wanted else values.get("episodes"),
        set=dict(_of_data(values["set"])),
        train_on=values.get("train_on", TRAIN),
    )


def _of_data(given: dict[str, object]) -> Iterator[tuple[str, str]]:
    yield from flat({"data": given.get("data", {})}).items()


def _opened(
    config: RunConfig,
    registry: Registry,
    files: DataFiles,
    progress: Progress,
    only_cached: bool,
) -> CachedDataset | None:
    """Opens the data of a training; None if they are not in the cache and are to be."""
    chosen = choose(registry, config.data, config.data_settings())
    if only_cached:
        try:
            made = chosen.dataset(**chosen.parameters)
            if not (cache_folder(made, chosen.parameters, files) / DESCRIPTION).is_file():
                return None
        except (BenchError, ValueError, TypeError):  # the run will tell
            return None
    return open_source(chosen.dataset, chosen.parameters, files, progress).data


def _check(config: RunConfig, registry: Registry, data: CachedDataset) -> None:
    """Checks the classes of the test, and of the validation that a run of this size has."""
    protocols = resolve_protocols(config, registry.dataset(config.data))
    if protocols.test.kind == "folds":  # they are fitted to the data
        return
    resolve_episodes(config, protocols.test, check_table(protocols.test, data.table("test")))
    if config.train_on == TRAIN and "val" in data.record.splits:
        check_table(protocols.validation, data.table("val"))


def _name(test: Test) -> str:
    """Returns which test it is, by its recipe and sizes."""
    trained = f"recipe {read_recipe(test.training.recipe).name} at {test.trained}"
    return f"{trained}, to be tested at {test.size}" if test.evaluated else trained
