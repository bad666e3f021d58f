"""Plugin code: a dataset's cache is made anew when the private files that it uses change."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

import pytest

from bench.cache import cache_folder
from bench.dataset import DataFiles, Dataset
from bench.files import source_digest
from bench.imageform import ImageForm
from bench.plugincode import code_digest, private_files
from bench.registry import Registry, load_registry
from tests.bench.listed_dataset import Listed, opened
from tests.bench.plugin_files import Write

MAIN = '''
from bench import Dataset, hookimpl
from ._parts import number

class Odd(Dataset):
    """Odd."""

    name = "odd"
    words = "_words.txt"

    def classes(self, files):
        from . import _late
        yield from ()

@hookimpl
def bench_datasets():
    return [Odd]
'''


def written(write: Write) -> Path:
    main = write("odd/main.py", MAIN)
    write("odd/_parts.py", "from ._inner import number")
    write("odd/_inner.py", "from ._parts import number\nnumber = 1")  # in a circle
    write("odd/_late.py", "import numpy")
    write("odd/_words.txt", "words")
    write("odd/_unused.py", "number = 2")
    write("odd/_broken.py", "def")
    write("odd/public.py", "number = 3")
    return main


def test_the_private_files_are_those_imported_or_named_and_theirs(write: Write) -> None:
    names = [path.name for path in private_files(written(write))]
    assert names == ["_inner.py", "_late.py", "_parts.py", "_words.txt"]


def test_a_private_module_that_is_no_python_is_left_to_whoever_imports_it(write: Write) -> None:
    main = write("odd/main.py", "def f():\n    from ._broken import x")
    broken = write("odd/_broken.py", "def")
    assert private_files(main) == (broken,)


def test_only_changes_of_files_that_are_used_change_the_digest(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = written(write)
    monkeypatch.setattr(inspect, "getsourcefile", lambda cls: str(main))
    monkeypatch.setattr(inspect, "getfile", lambda cls: str(main))
    digests = [code_digest(Listed)]
    for name in ("_inner.py", "_late.py", "_words.txt", "_parts.py", "main.py"):
        path = main.with_name(name)
        path.write_text(path.read_text() + "\n")
        digests.append(code_digest(Listed))
    assert len(set(digests)) == 6
    for name in ("_unused.py", "public.py"):
        main.with_name(name).write_text("number = 4")
        assert code_digest(Listed) == digests[-1]


def test_without_private_files_it_is_the_digest_of_the_module() -> None:
    expected = hashlib.sha256(Path(inspect.getfile(Listed)).read_bytes()).hexdigest()
    assert code_digest(Listed) == source_digest(Listed) == expected


def test_a_class_without_a_file_has_none() -> None:
    made = type("Made", (Listed,), {"__module__": "__main__"})
    assert code_digest(made) in ("", source_digest(made))


USES = {
    "aircraft": {"_photos.py", "_repeats.py"},
    "fc100": {"_cifar100.py", "_pickles.py"},
    "kmnist": {"_characters.py"},
    "clinc150": {"_text_features.py"},
    "folder": {"_image_files.py", "_image_folders.py"},
    "mini-imagenet": {"_imagenet.py", "_mini_imagenet_images.txt"},
    "tiered-imagenet": {"_tiered_imagenet_classes.txt"},
    "omniglot": set[str](),
}


@pytest.mark.parametrize("name", USES)
def test_datasets_of_this_repository_depend_on_what_they_share(
    name: str, registry: Registry
) -> None:
    dataset = registry.datasets.entries[name]
    found = {path.name for path in private_files(Path(inspect.getfile(dataset)))}
    assert found >= USES[name]
    assert found or not USES[name]


class Pictures(Listed):
    """Says that it decodes pictures."""

    def form(self) -> ImageForm:
        return ImageForm(4, 4)


@pytest.mark.usefixtures("empty_cache")
def test_a_newer_decoder_makes_new_caches_of_pictures_with_the_same_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def folder_of(dataset: Dataset) -> Path:
        return cache_folder(dataset, {}, DataFiles(Path("nowhere")))

    pictures, others = folder_of(Pictures()), folder_of(Listed())
    before = opened(Pictures()).fingerprint
    monkeypatch.setattr("bench.cache.DECODER", 1000)
    assert folder_of(Pictures()) != pictures
    assert folder_of(Listed()) == others
    assert opened(Pictures()).fingerprint == before


@pytest.mark.usefixtures("empty_cache")
def test_a_plugin_whose_private_module_changes_is_cached_anew(write: Write) -> None:
    source = """
from bench import ClassExamples, Dataset, hookimpl
import numpy as np
from pathlib import Path

class Valued(Dataset):
    '''Valued.'''

    name = "valued"

    def classes(self, files):
        value = int(Path(__file__).with_name("_value.txt").read_text())
        yield ClassExamples("a", "train", np.full((2, 2), value, dtype=np.float32))

@hookimpl
def bench_datasets():
    return [Valued]
"""
    values = []
    path = write("valued.py", source)
    for value in ("1", "2"):
        write("_value.txt", value)
        dataset = load_registry([str(path)]).dataset("valued")
        values.append(float(opened(dataset()).pool("train").inputs[0, 0]))
    assert values == [1, 2]
