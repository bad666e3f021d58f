"""The inventory: of each dataset what lies here, its files and its caches. Nothing is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench.cache import cache_folder, cache_root
from bench.dataset import DataFiles, Dataset
from bench.downloads import Download
from bench.errors import BenchError, RunFailed
from bench.failures import plugin_code
from bench.parameters import Value, parameters_of, settle
from bench.registry import Registry
from bench.stored import DESCRIPTION
from bench.tasks import Task

State = Literal["present", "absent", "none", "yours", "broken"]
"""Whether a dataset's files are there. `none`: it names none; `yours`: the user does, each time."""


@dataclass(frozen=True)
class Files:
    """Whether a dataset's files are there, and where they are or would be."""

    state: State
    places: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Cache:
    """A folder of the cache: of which dataset, made with which parameters, how large, how old.

    `made` is in seconds since 1970.
    """

    folder: Path
    name: str
    parameters: dict[str, Value]
    bytes: int
    made: float


@dataclass(frozen=True)
class Holding:
    """What lies here of one dataset. `download` is in bytes, 0 if nobody knows."""

    name: str
    task: Task
    licence: str
    files: Files
    download: int
    caches: tuple[Cache, ...]

    @property
    def cached(self) -> int:
        """The bytes of its caches."""
        return sum(cache.bytes for cache in self.caches)


@dataclass(frozen=True)
class _Named:
    """What of a cache's description is needed here."""

    name: str
    parameters: dict[str, Value]


def holdings(registry: Registry, root: Path) -> Iterator[Holding]:
    """Yields what lies here of each dataset, sorted by name."""
    known = caches()
    for name, dataset in sorted(registry.datasets.entries.items()):
        own = tuple(cache for cache in known if cache.name == name)
        yield _holding(dataset, root, own)


def caches() -> list[Cache]:
    """Returns all caches that are whole, by their folders' names."""
    found = []
    for description in sorted((cache_root() / "datasets").glob(f"*/{DESCRIPTION}")):
        try:
            named = msgspec.json.decode(description.read_bytes(), type=_Named)
            files = [path.stat() for path in description.parent.iterdir()]
            made = description.stat().st_mtime
        except (OSError, msgspec.MsgspecError):  # just deleted, or damaged
            continue
        size = sum(one.st_size for one in files)
        found.append(Cache(description.parent, named.name, named.parameters, size, made))
    return found


def outdated(registry: Registry, found: Iterable[Cache]) -> list[Cache]:
    """Returns the caches of known datasets that the present code would not open, but build anew.

    Those that depend on files of the user's are left out: nobody knows without these.
    """
    return [cache for cache in found if _is_outdated(registry, cache)]


def _is_outdated(registry: Registry, cache: Cache) -> bool:
    dataset = registry.datasets.entries.get(cache.name)
    if dataset is None or dataset.stamp is not Dataset.stamp:
        return False
    try:
        parameters = settle(cache.name, dataset, cache.parameters)
        made = dataset(**parameters)
        return cache_folder(made, parameters, DataFiles(cache_root(), False)) != cache.folder
    except (BenchError, ValueError, TypeError):  # it has other parameters by now
        return True


def made_by_default(dataset: type[Dataset]) -> Dataset:
    """Returns a dataset with the defaults of its parameters."""
    return dataset(**{p.name: p.default for p in parameters_of(dataset)})


def files_of(dataset: Dataset, root: Path) -> Files:
    """Tells whether the files that a dataset names are below the root; it fetches none.

    Where they are not in the places that it would put them, it is asked to begin, and stopped as
    soon as it has found as many elsewhere.
    """
    if dataset.opens:
        return Files("yours")
    wanted = dataset.downloads()
    places = tuple(download.place(root) for download in wanted)
    if not wanted:
        return Files("none")
    if all(download.is_there(root) for download in wanted):
        return Files("present", places)
    if not root.is_dir():
        return Files("absent", places)
    looking = _Looking(root, download=False, finds=[], enough=len(wanted))
    try:
        with plugin_code(dataset.name, "looking for its files", "use a smaller dataset"):
            gives = next(iter(dataset.classes(looking)), None)
    except _FoundEnough:
        return Files("present", tuple(looking.finds))
    except RunFailed:
        return Files("broken", places)
    except BenchError:
        return Files("absent", places)
    return Files("present", tuple(looking.finds)) if gives else Files("absent", places)


class _FoundEnough(BenchError):
    """Stops a dataset that has found its files before it reads them."""


@dataclass(frozen=True)
class _Looking(DataFiles):
    """Files that stop whoever has found enough of them."""

    finds: list[Path] = field(default_factory=list)
    enough: int = 1

    def find(self, *candidates: str) -> Path | None:
        """Returns the first that exists, as always, unless that is enough."""
        found = super().find(*candidates)
        return self._counted(found) if found else None

    def obtain(self, download: Download) -> Path:
        """Returns what is there, and fetches and unpacks nothing."""
        if not download.is_there(self.root) and not (self.root / download.file).exists():
            raise BenchError(f"{download.file} is not there")
        return self._counted(download.place(self.root))

    def _counted(self, found: Path) -> Path:
        self.finds.append(found)
        if len(self.finds) >= self.enough:
            raise _FoundEnough("found")
        return found


def _holding(dataset: type[Dataset], root: Path, own: tuple[Cache, ...]) -> Holding:
    files, size = Files("broken"), 0
    with suppress(Exception):  # a plugin may do anything; the others must be listed
        made = made_by_default(dataset)
        files = files_of(made, root)
        sizes = [download.size for download in made.downloads()]
        size = sum(sizes) if all(sizes) else 0
    return Holding(dataset.name, dataset.task, dataset.licence, files, size, own)
