"""What every dataset of this repository says of itself."""

from __future__ import annotations

import inspect

import pytest

from bench.dataset import Dataset
from bench.imageform import ImageForm
from bench.parameters import parameters_of
from bench.registry import load_registry

REGISTRY = load_registry()
NAMES = sorted(
    name
    for record in REGISTRY.plugins
    if record.source == "fewshot-bench"
    for name in record.datasets
)
OWN_FILES = [name for name in NAMES if REGISTRY.datasets.entries[name].opens]
PUBLISHED = [name for name in NAMES if name not in OWN_FILES]
NO_PICTURES = ("banking77", "clinc150", "gaussians", "sinusoid")
MADE_HERE = ("gaussians", "glyphs")
"""They come from no paper."""


def dataset(name: str) -> type[Dataset]:
    return REGISTRY.datasets.entries[name]


def test_every_plugin_file_loads() -> None:
    assert [record.error for record in REGISTRY.broken if record.source == "fewshot-bench"] == []
    assert {"omniglot", "flowers102", "emnist", "cub"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_and_what_each_parameter_means(name: str) -> None:
    told = (inspect.getdoc(dataset(name)) or "").partition("\n")[0]
    assert told.endswith(".") and len(told) > 30, told
    for parameter in parameters_of(dataset(name)):
        assert parameter.meaning, parameter.name


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_names_its_licence_and_its_paper(name: str) -> None:
    assert dataset(name).licence
    assert dataset(name).paper or name in MADE_HERE


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name not in NO_PICTURES])
def test_what_has_pictures_has_a_form(name: str) -> None:
    assert isinstance(dataset(name)().form(), ImageForm)


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_knows_how_many_classes_there_are(name: str) -> None:
    assert (dataset(name)().class_count() or 0) > 0


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_downloads_lie_below_the_data_root_and_have_a_hash(name: str) -> None:
    for download in dataset(name)().downloads():
        for path in (download.file, download.unpack):
            assert not path.startswith("/") and ".." not in path.split("/")
        assert download.digest or not download.urls
