"""The registry: from entry points and `-p` to plugins by name. Only this module knows pluggy.

Every plugin is imported on its own: one that is broken is kept with its reason, shown by
`bench plugins`, and hurts only who asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

import pluggy

from bench import hookspecs
from bench.algorithm import Algorithm
from bench.answers import checked_backbones, checked_classes
from bench.backbones import BACKBONES, Backbone, BackboneFamily
from bench.dataname import DataName
from bench.dataset import Dataset
from bench.errors import BenchError, nearest

T = TypeVar("T")
HOOKS = ("bench_algorithms", "bench_datasets", "bench_backbones")
_ADDS_NOTHING = (
    "it adds nothing; give it a function bench_algorithms, bench_datasets or bench_backbones that "
    "returns a list, decorated with @hookimpl"
)


@dataclass(frozen=True)
class PluginRecord:
    """One plugin module: where it came from, what it adds, or why it could not be loaded."""

    module: str
    source: str
    version: str
    algorithms: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    error: str = ""

    @property
    def adds(self) -> tuple[str, ...]:
        """The names of all that it adds."""
        return (*self.algorithms, *self.datasets, *self.backbones)


@dataclass
class Catalogue(Generic[T]):
    """What plugins add, by name; a name that two plugins claim belongs to neither."""

    noun: str
    entries: dict[str, T] = field(default_factory=dict)
    origins: dict[str, list[str]] = field(default_factory=dict)

    def add(self, entry: T, name: str, origin: str) -> None:
        """Adds an entry under its name."""
        self.entries.setdefault(name, entry)
        self.origins.setdefault(name, []).append(origin)

    def duplicates(self) -> dict[str, list[str]]:
        """Returns the names claimed more than once, with the plugins that claim them."""
        return {name: where for name, where in self.origins.items() if len(where) > 1}

    def find(self, name: str, broken: Sequence[PluginRecord], others: Sequence[str] = ()) -> T:
        """Returns the entry of that name.

        Raises:
            BenchError: there is none, or more than one; it names the nearest match among the
                entries and `others`, which are known elsewhere.
        """
        if name not in self.entries:
            failed = [r.module for r in broken]
            more = f"; not loaded: {', '.join(failed)} (see bench plugins)" if failed else ""
            raise BenchError(
                f"no {self.noun} '{name}'; {nearest(name, [*self.entries, *others])}{more}"
            )
        if name in self.duplicates():
            where = " and ".join(self.origins[name])
            raise BenchError(f"{self.noun} '{name}' is defined by {where}; rename or remove one")
        return self.entries[name]


@dataclass(frozen=True)
class Registry:
    """All plugins that were found, the broken ones included."""

    plugins: tuple[PluginRecord, ...]
    algorithms: Catalogue[type[Algorithm]]
    datasets: Catalogue[type[Dataset]]
    backbones: Catalogue[Backbone]
    families: Catalogue[BackboneFamily]

    @property
    def broken(self) -> tuple[PluginRecord, ...]:
        """The plugins that could not be loaded."""
        return tuple(record for record in self.plugins if record.error)

    def __contains__(self, name: str) -> bool:
        """Tells whether an algorithm, dataset or backbone has that name."""
        known = (self.algorithms.entries, self.datasets.entries, self.backbones.entries)
        return any(name in entries for entries in known)

    def algorithm(self, name: str) -> type[Algorithm]:
        """Returns the algorithm of that name, or raises BenchError with the nearest match."""
        return self.algorithms.find(name, self.broken)

    def dataset(self, name: str) -> type[Dataset]:
        """Returns the dataset of that name; what follows a colon is the path that it opens.

        Raises:
            BenchError: there is none, then with the nearest match; or it opens no path, or needs
                one.
        """
        asked = DataName.parse(name)
        own = [n for n, dataset in self.datasets.entries.items() if dataset.opens]
        if name not in self.datasets.entries and not asked.path and Path(name).exists():
            kinds = " or ".join(f"--data {kind}:{name}" for kind in sorted(own))
            raise BenchError(f"no dataset '{name}', but a file or folder: say what it is: {kinds}")
        found = self.datasets.find(asked.dataset, self.broken)
        if found.opens and not asked.path:
            raise BenchError(f"{asked.dataset} opens {found.opens}; name it: {asked.dataset}:PATH")
        if asked.path and not found.opens:
            raise BenchError(
                f"{asked.dataset} opens no files of yours; leave out ':{asked.path}', or see "
                "bench list datasets for those that do"
            )
        return found

    def backbone(self, name: str) -> Backbone:
        """Returns the backbone of that name, or of a family's, as in `family:name`.

        Raises:
            BenchError: there is none; it names the nearest match.
        """
        prefix, colon, member = name.partition(":")
        if not colon:
            return self.backbones.find(
                name, self.broken, [f"{p}:NAME" for p in self.families.entries]
            )
        found: object = None
        family = self.families.find(prefix, self.broken)
        try:
            found = family.find(member)
        except BenchError:
            raise
        except Exception as error:
            raise BenchError(
                f"the family of backbones '{prefix}' failed to find '{member}': {_reason(error)}; "
                "mend the plugin"
            ) from error
        if not isinstance(found, Backbone):
            raise BenchError(
                f"the family of backbones '{prefix}' gave {found!r} for '{member}', not a Backbone"
            )
        return found


@dataclass(frozen=True)
class _Candidate:
    """A plugin module that is yet to be imported."""

    name: str
    source: str
    version: str
    load: Callable[[], ModuleType]


def load_registry(extra: Sequence[str] = (), *, strict: bool = True) -> Registry:
    """Imports every installed plugin, then the modules and files in `extra`.

    Raises:
        BenchError: a plugin named in `extra` cannot be loaded or adds nothing, unless `strict` is
            off: then its record says so.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    registry = core_registry()
    records = []
    for candidate in (*_installed(), *map(_named, extra)):
        record = _load(manager, candidate, registry)
        if candidate.source == "-p" and not (record.error or record.adds):
            record = replace(record, error=_ADDS_NOTHING)
        if record.error and candidate.source == "-p" and strict:
            raise BenchError(f"-p {candidate.name}: {record.error}")
        records.append(record)
    return replace(registry, plugins=tuple(records))


def core_registry() -> Registry:
    """Returns a registry that knows no plugin, but the backbones that the core brings."""
    registry = Registry(
        (),
        Catalogue("algorithm"),
        Catalogue("dataset"),
        Catalogue("backbone"),
        Catalogue("family of backbones"),
    )
    for backbone in BACKBONES.values():
        registry.backbones.add(backbone, backbone.name, "bench.backbones")
    return registry


def _load(manager: pluggy.PluginManager, candidate: _Candidate, registry: Registry) -> PluginRecord:
    try:
        module = candidate.load()
        manager.register(module, candidate.name)
        manager.check_pending()
        answers = {hook: _returned(manager, candidate.name, hook) for hook in HOOKS}
        algorithms = checked_classes(answers, "bench_algorithms", Algorithm)
        datasets = checked_classes(answers, "bench_datasets", Dataset)
        backbones = checked_backbones(answers, "bench_backbones")
    except (Exception, SystemExit) as error:  # whatever a plugin does, the others must load
        if manager.has_plugin(candidate.name):
            manager.unregister(name=candidate.name)
        return PluginRecord(
            candidate.name, candidate.source, candidate.version, error=_reason(error)
        )
    for algorithm in algorithms:
        registry.algorithms.add(algorithm, algorithm.name, candidate.name)
    for dataset in datasets:
        registry.datasets.add(dataset, dataset.name, candidate.name)
    for entry in backbones:
        if isinstance(entry, Backbone):
            registry.backbones.add(entry, entry.name, candidate.name)
        else:
            registry.families.add(entry, entry.prefix, candidate.name)
    return PluginRecord(
        candidate.name,
        candidate.source,
        candidate.version,
        tuple(a.name for a in algorithms),
        tuple(d.name for d in datasets),
        tuple(b.name if isinstance(b, Backbone) else f"{b.prefix}:" for b in backbones),
    )


def _reason(error: BaseException) -> str:
    """Returns an exception in one line, with its type unless it is for users."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, BenchError) else f"{type(error).__name__}: {text}"


def _returned(manager: pluggy.PluginManager, plugin: str, hook: str) -> object:
    """Returns what one plugin's hook returns; an empty list if it has no such hook."""
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin_name == plugin:
            return implementation.function()
    return []


def _installed() -> Iterator[_Candidate]:
    for point in sorted(entry_points(group=hookspecs.PROJECT), key=lambda p: (p.value, p.name)):
        yield from _from_entry_point(point)


def _from_entry_point(point: EntryPoint) -> Iterator[_Candidate]:
    """Yields the module an entry point names or, if that is a folder, each public module in it."""
    package = point.dist.name if point.dist else point.name
    release = point.dist.version if point.dist else ""
    try:
        spec = importlib.util.find_spec(point.value)
    except (Exception, SystemExit):  # it imports the package around; loading will say why
        spec = None
    is_folder = spec is not None and spec.origin is None and spec.submodule_search_locations
    if spec is not None and is_folder:
        for module in pkgutil.iter_modules(spec.submodule_search_locations):
            if not module.name.startswith("_"):
                name = f"{point.value}.{module.name}"
                yield _Candidate(name, package, release, _importer(name))
    else:
        yield _Candidate(point.value, package, release, point.load)


def _named(text: str) -> _Candidate:
    """Returns the plugin that `-p` names: a Python file or an importable module."""
    path = Path(text)
    if path.suffix == ".py":
        return _Candidate(text, "-p", "", lambda: _import_file(path))
    return _Candidate(text, "-p", "", _importer(text))


def _importer(name: str) -> Callable[[], ModuleType]:
    return lambda: importlib.import_module(name)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BenchError(f"there is no file {path}")
    # A prefix keeps a plugin file named like a library module from taking that module's place.
    spec = importlib.util.spec_from_file_location(f"bench_plugin_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BenchError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
