"""What the glyphs dataset promises, checked against Unicode's own tables and Pillow's renderer."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import unicodedata
from pathlib import Path

import fontTools.unicodedata
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench import BenchError, ClassExamples, DataFiles, Dataset
from bench.registry import load_registry

LOOK_ALIKES = (
    ("LATIN CAPITAL LETTER A", "GREEK CAPITAL LETTER ALPHA", "CYRILLIC CAPITAL LETTER A"),
    ("LATIN CAPITAL LETTER H", "GREEK CAPITAL LETTER ETA", "CYRILLIC CAPITAL LETTER EN"),
    ("LATIN CAPITAL LETTER P", "GREEK CAPITAL LETTER RHO", "CYRILLIC CAPITAL LETTER ER"),
    ("LATIN SMALL LETTER O", "GREEK SMALL LETTER OMICRON", "CYRILLIC SMALL LETTER O"),
    ("LATIN SMALL LETTER O", "ARMENIAN SMALL LETTER OH"),
    ("LATIN CAPITAL LETTER B", "GREEK CAPITAL LETTER BETA", "OLD ITALIC LETTER BE"),
    ("LATIN SMALL LETTER L", "HEBREW LETTER VAV", "NKO LETTER A"),
    ("LATIN CAPITAL LETTER X", "CYRILLIC CAPITAL LETTER HA", "GREEK CAPITAL LETTER CHI"),
    ("CANADIAN SYLLABICS I", "GREEK CAPITAL LETTER DELTA", "NKO LETTER MA"),
    ("HEBREW LETTER ALEF", "HEBREW LETTER WIDE ALEF"),
)


@pytest.fixture(scope="session")
def glyphs() -> type[Dataset]:
    return load_registry().dataset("glyphs")


@pytest.fixture(scope="session")
def classes(glyphs: type[Dataset], tmp_path_factory: pytest.TempPathFactory) -> list[ClassExamples]:
    root = tmp_path_factory.mktemp("no-files-needed")
    found = list(glyphs().classes(DataFiles(root, download=False)))
    assert not any(root.iterdir())
    return found


def make(cls: type[Dataset], **parameters: int) -> Dataset:
    return cls(**parameters)


def first(dataset: Dataset, count: int) -> list[ClassExamples]:
    return list(itertools.islice(dataset.classes(DataFiles(Path("nowhere"))), count))


def matplotlib_font() -> Path:
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "mpl-data/fonts/ttf/DejaVuSans.ttf"


def rendered_by_pillow(character: str) -> NDArray[np.uint8]:
    """Returns the character (28, 28) with its longer side scaled to 18 pixels, in the middle."""
    font = ImageFont.truetype(matplotlib_font(), 100, layout_engine=ImageFont.Layout.BASIC)
    page = Image.new("L", (800, 800))
    ImageDraw.Draw(page).text((300, 300), character, font=font, fill=255)
    left, top, right, bottom = page.getbbox() or (0, 0, 0, 0)
    x, y, half = (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top) / 18 * 14
    frame = (x - half, y - half, x + half, y + half)
    return np.asarray(page.resize((28, 28), Image.Resampling.BOX, frame))


def test_there_are_at_least_2000_classes_and_each_split_has_its_share(
    classes: list[ClassExamples],
) -> None:
    sizes = {s: sum(c.split == s for c in classes) for s in ("train", "val", "test")}
    assert len(classes) >= 2000
    assert sizes["train"] >= 1200 and sizes["val"] >= 100 and sizes["test"] >= 300


def test_the_class_count_is_known_in_advance(
    glyphs: type[Dataset], classes: list[ClassExamples]
) -> None:
    assert glyphs().class_count() == len(classes)


def test_every_class_is_a_unicode_letter_with_20_grey_images(classes: list[ClassExamples]) -> None:
    for examples in classes:
        assert unicodedata.category(unicodedata.lookup(examples.name))[0] == "L"
        assert examples.inputs.shape == (20, 1, 28, 28)
        assert examples.inputs.dtype == np.uint8


def test_class_names_are_unique(classes: list[ClassExamples]) -> None:
    assert len({c.name for c in classes}) == len(classes)


def test_no_script_is_in_two_splits_and_each_split_has_several(
    classes: list[ClassExamples],
) -> None:
    scripts: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for examples in classes:
        character = unicodedata.lookup(examples.name)
        scripts[examples.split].add(fontTools.unicodedata.script(character))
    for one, other in itertools.combinations(scripts.values(), 2):
        assert not (one & other) - {"Zyyy", "Zinh"}
    assert all(len(found) >= 3 for found in scripts.values())


def test_groups_are_the_scripts_that_unicode_names(
    glyphs: type[Dataset], classes: list[ClassExamples]
) -> None:
    """Scripts by their ISO 15924 codes; some letters have none, such as modifier letters."""
    group = glyphs().group
    scripts: dict[str, set[str]] = {}
    for examples in classes:
        code = fontTools.unicodedata.script(unicodedata.lookup(examples.name))
        scripts.setdefault(group(examples.name), set()).add(code)
    assert len(scripts) == 14
    codes = [found - {"Zyyy", "Zinh"} for found in scripts.values()]
    assert all(len(found) == 1 for found in codes)
    assert len(set.union(*codes)) == 14


def test_no_image_is_in_two_classes_and_repeats_inside_a_class_are_rare(
    classes: list[ClassExamples],
) -> None:
    images = [{image.tobytes() for image in c.inputs} for c in classes]
    assert len(set().union(*images)) == sum(map(len, images))
    assert sum(map(len, images)) >= 0.999 * 20 * len(classes)


def test_no_image_is_nearly_blank_nor_nearly_full(classes: list[ClassExamples]) -> None:
    ink = np.stack([c.inputs for c in classes]).mean(axis=(2, 3, 4)) / 255
    assert ink.min() > 0.01
    assert ink.max() < 0.70


@pytest.mark.parametrize("names", LOOK_ALIKES, ids=lambda names: names[0])
def test_of_look_alikes_at_most_one_is_a_class(
    classes: list[ClassExamples], names: tuple[str, ...]
) -> None:
    assert len({c.name for c in classes} & set(names)) <= 1


def test_no_two_letters_are_the_same_in_pillow_nor_the_box_of_a_missing_glyph(
    classes: list[ClassExamples],
) -> None:
    renderings = [rendered_by_pillow(unicodedata.lookup(c.name)).tobytes() for c in classes]
    assert len(set(renderings)) == len(classes)
    assert rendered_by_pillow("\U000e1000").tobytes() not in renderings


def test_an_undistorted_drawing_is_pillows_rendering(
    glyphs: type[Dataset], classes: list[ClassExamples]
) -> None:
    module = importlib.import_module(glyphs.__module__)
    for examples in classes[::20]:
        character = unicodedata.lookup(examples.name)
        drawn = module.fill(module.faces()[0].outline(ord(character)))[0].astype(float)
        true = rendered_by_pillow(character).astype(float)
        cosine = (drawn * true).sum() / np.sqrt(np.square(drawn).sum() * np.square(true).sum())
        assert cosine > 0.97, character


def test_the_mean_drawing_of_a_letter_resembles_pillows_rendering_of_that_letter(
    classes: list[ClassExamples],
) -> None:
    letters = [c for c in classes if c.name.startswith(("GEORGIAN LETTER", "HEBREW LETTER"))]
    drawn = np.stack([c.inputs.mean(axis=(0, 1)).ravel() for c in letters])
    true = np.stack([rendered_by_pillow(unicodedata.lookup(c.name)).ravel() for c in letters])
    correlation = np.corrcoef(drawn - drawn.mean(axis=0), true - true.mean(axis=0))
    across = correlation[: len(letters), len(letters) :]
    recognised = across.argmax(axis=1) == np.arange(len(letters))
    assert recognised.mean() > 0.6  # by chance: 0.01


def test_nearest_centroid_on_pixels_is_right_for_about_half_of_the_test_queries(
    classes: list[ClassExamples],
) -> None:
    rng = np.random.default_rng(7)
    pixels = np.stack([c.inputs for c in classes if c.split == "test"]).astype(np.float32)
    pixels = pixels.reshape(len(pixels), 20, -1)
    right = []
    for _ in range(400):
        chosen = rng.choice(len(pixels), 5, replace=False)
        order = rng.permutation(20)
        support, query = pixels[chosen, order[0]], pixels[chosen][:, order[1:]]
        distance = np.square(query[:, :, None] - support).sum(axis=-1)
        right.append(np.mean(distance.argmin(axis=-1) == np.arange(5)[:, None]))
    assert 0.40 < np.mean(right) < 0.60


def test_a_dataset_built_twice_has_the_same_bits(glyphs: type[Dataset]) -> None:
    once, again = first(make(glyphs, seed=3), 20), first(make(glyphs, seed=3), 20)
    for one, other in zip(once, again, strict=True):
        assert one.name == other.name
        assert np.array_equal(one.inputs, other.inputs)


def test_another_seed_gives_other_drawings_of_the_same_letters(glyphs: type[Dataset]) -> None:
    once, again = first(make(glyphs, seed=0), 20), first(make(glyphs, seed=1), 20)
    assert [c.name for c in once] == [c.name for c in again]
    assert not any(np.array_equal(a.inputs, b.inputs) for a, b in zip(once, again, strict=True))


def test_the_number_of_drawings_can_be_chosen(glyphs: type[Dataset]) -> None:
    assert {len(c.inputs) for c in first(make(glyphs, drawings=7), 5)} == {7}


@pytest.mark.parametrize("parameters", [{"drawings": 1}, {"seed": -1}, {"seed": 2**64}])
def test_parameters_out_of_range_are_refused_by_name(
    glyphs: type[Dataset], parameters: dict[str, int]
) -> None:
    (name,) = parameters
    with pytest.raises(BenchError, match=f"{name} is {parameters[name]}"):
        make(glyphs, **parameters)


def test_without_matplotlib_the_error_says_how_to_get_it(
    glyphs: type[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    uncached = importlib.import_module(glyphs.__module__).faces.__wrapped__
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match="pip install matplotlib"):
        uncached()


def test_its_form_is_that_of_its_own_images(
    glyphs: type[Dataset], classes: list[ClassExamples]
) -> None:
    form = glyphs().form()
    assert form is not None
    assert form.shape == classes[0].inputs.shape[1:]
    assert form.inverted, "ink is bright here, and dark on paper"
    assert np.median(classes[0].inputs) == 0
