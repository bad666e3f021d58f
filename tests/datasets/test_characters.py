"""EMNIST, KMNIST and K49, on small files laid out as the real ones."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.cache import open_dataset
from bench.dataset import SPLITS, ClassExamples, DataFiles
from bench.errors import BenchError
from bench.extras import import_extra
from bench.imageform import ImageForm
from bench.parameters import settle
from bench.registry import Registry
from tests.datasets.fake_archives import made, module_of
from tests.datasets.fake_characters import CHARACTERS, Fake, k49_files, npz

every = pytest.mark.parametrize("fake", CHARACTERS, ids=lambda fake: fake.name)
Write = Callable[[Path, dict[str, bytes]], None]
LAYOUTS = [(fake, write) for fake in CHARACTERS for write in fake.layouts]


def read(registry: Registry, name: str, root: Path, **chosen: int) -> dict[str, ClassExamples]:
    dataset = made(registry, name, **chosen)
    return {one.name: one for one in dataset.classes(DataFiles(root, download=False))}


@pytest.fixture
def small(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the datasets take small files for the real ones."""
    for fake in CHARACTERS:
        monkeypatch.setattr(module_of(registry, fake.name), "IMAGES", fake.images)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("fake", "write"), LAYOUTS, ids=[f"{fake.name}-{write.__name__}" for fake, write in LAYOUTS]
)
def test_all_classes_come_upright_with_both_partitions(
    fake: Fake, write: Write, registry: Registry, tmp_path: Path
) -> None:
    files, images = fake.files()
    write(tmp_path / fake.folder, files)
    found = read(registry, fake.name, tmp_path)
    dataset = made(registry, fake.name)
    splits = Counter(one.split for one in found.values())
    assert tuple(splits[split] for split in SPLITS) == fake.splits
    assert dataset.class_count() == len(found)
    for name, one in found.items():
        label = dataset.labelled().index(name)
        np.testing.assert_array_equal(one.inputs, images[label][:, None])


@every
@pytest.mark.usefixtures("small")
def test_the_cache_takes_them(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    fake.layouts[-1](tmp_path / fake.folder, fake.files()[0])
    kind = registry.dataset(fake.name)
    parameters = settle(fake.name, kind, {"most": 3})
    data = open_dataset(
        kind(**parameters), parameters, DataFiles(tmp_path, False), lambda done, total: None
    )
    kept = {split: record.counts for split, record in data.record.splits.items()}
    assert tuple(len(kept.get(split, ())) for split in SPLITS) == fake.splits
    assert {count for counts in kept.values() for count in counts} == {3}
    assert data.record.splits["test"].shape == (1, 28, 28)


@every
@pytest.mark.usefixtures("small")
def test_most_keeps_the_first_images_and_0_keeps_all(
    fake: Fake, registry: Registry, tmp_path: Path
) -> None:
    files, images = fake.files()
    fake.layouts[0](tmp_path / fake.folder, files)
    labels = made(registry, fake.name).labelled()
    for most, expected in ((2, 2), (4, 4), (0, 5)):
        for name, one in read(registry, fake.name, tmp_path, most=most).items():
            first = images[labels.index(name)][:expected, None]
            np.testing.assert_array_equal(one.inputs, first)


@every
def test_the_form_is_that_of_dark_ink_on_white_turned_round(fake: Fake, registry: Registry) -> None:
    assert made(registry, fake.name).form() == ImageForm(28, 28, "L", inverted=True)


@every
def test_missing_files_are_told_in_a_line_that_says_what_to_put_where(
    fake: Fake, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BenchError) as caught:
        read(registry, fake.name, tmp_path)
    message = str(caught.value)
    assert fake.needs in message and str(tmp_path) in message and "--data-root" in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


@every
def test_another_number_of_images_is_refused(
    fake: Fake, registry: Registry, tmp_path: Path
) -> None:
    fake.layouts[0](tmp_path / fake.folder, fake.files()[0])
    with pytest.raises(BenchError, match=rf"{fake.name} under .* has \d+ images.*, not \d+"):
        read(registry, fake.name, tmp_path)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("fake", "write"), LAYOUTS, ids=[f"{fake.name}-{write.__name__}" for fake, write in LAYOUTS]
)
def test_truncated_files_are_told_in_one_line(
    fake: Fake, write: Write, registry: Registry, tmp_path: Path
) -> None:
    files, _ = fake.files()
    write(tmp_path / fake.folder, files)
    for path in (tmp_path / fake.folder).iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BenchError) as caught:
        read(registry, fake.name, tmp_path)
    assert "\n" not in str(caught.value)
    assert "fetch" in str(caught.value)


@every
def test_most_of_1_is_refused(fake: Fake, registry: Registry) -> None:
    with pytest.raises(BenchError, match="most is 1; it must be 0, for all, or at least 2"):
        made(registry, fake.name, most=1)


@pytest.mark.usefixtures("small")
def test_labels_that_do_not_fit_the_images_are_refused(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "K49"
    files = k49_files()[0] | {"k49-test-labels.npz": npz(np.zeros(97, np.uint8))}
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(BenchError, match=r"images \(98, 28, 28\) and 97 labels"):
        read(registry, "k49", tmp_path)


@pytest.mark.usefixtures("small")
def test_a_pickle_in_place_of_an_array_is_not_run(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "K49"
    folder.mkdir()
    trap = np.array([{"a": 1}], dtype=object)
    for name in k49_files()[0]:
        (folder / name).write_bytes(npz(trap))
    with pytest.raises(BenchError, match="cannot be read"):
        read(registry, "k49", tmp_path)


def test_the_ten_of_kmnist_are_in_no_split_of_k49_but_test(registry: Registry) -> None:
    ten = made(registry, "kmnist").labelled()
    assert ten == tuple(
        f"HIRAGANA LETTER {one}"
        for one in ("O", "KI", "SU", "TU", "NA", "HA", "MA", "YA", "RE", "WO")
    )
    splits = made(registry, "k49").split_of()
    assert {splits[name] for name in ten} == {"test"}


def test_k49_has_the_characters_of_its_class_map(registry: Registry) -> None:
    """By the publisher's table: 46 of today, two of old, and the iteration mark."""
    characters = module_of(registry, "k49").HIRAGANA
    assert len(set(characters)) == len(characters) == 49
    by_label = {0: "あ", 3: "え", 10: "さ", 17: "つ", 24: "の", 34: "も", 43: "わ", 44: "ゐ"}
    by_label |= {45: "ゑ", 46: "を", 47: "ん", 48: "ゝ"}
    assert {label: characters[label] for label in by_label} == by_label


def test_emnist_has_torchvisions_labels(registry: Registry) -> None:
    theirs = import_extra("torchvision.datasets").EMNIST.classes_split_dict["balanced"]
    assert made(registry, "emnist").labelled() == tuple(map(unicodedata.name, theirs))


def test_no_letter_is_in_another_split_of_emnist_than_its_other_case(registry: Registry) -> None:
    splits = made(registry, "emnist").split_of()
    for name, split in splits.items():
        twin = name.replace("CAPITAL", "SMALL")
        assert splits.get(twin, split) == split
    left = {unicodedata.lookup(name) for name in splits}
    assert not left & set("BbDGgILOQqSZ")
    assert {name for name, split in splits.items() if split == "test"} == {
        unicodedata.name(digit) for digit in "0123456789"
    }
