"""Texts as vectors: what they depend on, how long they are, and that no network is asked."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.dataset import Split
from bench.errors import BenchError
from bench.registry import Registry

WORDS = ("card", "bank", "money", "lost", "send", "pin", "top", "rate", "fee", "app")
SPLITS: dict[str, Split] = {"a": "train", "b": "train", "c": "val", "d": "test"}


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    home = registry.dataset("clinc150").__module__.rpartition(".")[0]
    return importlib.import_module(f"{home}._text_features")


@pytest.fixture
def utterances(module: ModuleType) -> list[Any]:
    rng = np.random.default_rng(0)
    return [
        module.Utterance(f"{name} {' '.join(rng.choice(WORDS, size=5))} {number}", name)
        for name in SPLITS
        for number in range(10)
    ]


def vectors(
    module: ModuleType, utterances: list[Any], embedding: str = "tfidf", dimensions: int = 8
) -> dict[str, NDArray[np.float32]]:
    made = module.as_vectors(utterances, SPLITS, embedding, dimensions)
    return {one.name: one.inputs for one in made.classes}


@pytest.mark.parametrize("changed", ["c", "d"])
def test_a_text_outside_the_train_split_changes_no_other_vector(
    module: ModuleType, utterances: list[Any], changed: str
) -> None:
    before = vectors(module, utterances)
    place = next(n for n, one in enumerate(utterances) if one.class_name == changed)
    utterances[place] = module.Utterance("money money completely different words", changed)
    after = vectors(module, utterances)
    assert not np.array_equal(before[changed][0], after[changed][0])
    np.testing.assert_array_equal(before[changed][1:], after[changed][1:])
    for name in set(SPLITS) - {changed}:
        np.testing.assert_array_equal(before[name], after[name])


def test_a_text_of_the_train_split_does_change_those_of_the_test(
    module: ModuleType, utterances: list[Any]
) -> None:
    before = vectors(module, utterances)
    utterances[0] = module.Utterance("money money completely different words", "a")
    assert not np.array_equal(before["d"], vectors(module, utterances)["d"])


def test_hashing_depends_on_the_text_alone(module: ModuleType, utterances: list[Any]) -> None:
    alone = [utterances[0], *(one for one in utterances if one.class_name == "d")]
    splits: dict[str, Split] = {"a": "test", "d": "test"}
    few = module.as_vectors(alone, splits, "hashing", 32).classes
    np.testing.assert_array_equal(
        few[0].inputs[0], vectors(module, utterances, "hashing", 32)["a"][0]
    )


@pytest.mark.parametrize("embedding", ["tfidf", "hashing"])
def test_vectors_have_length_4_and_lie_on_the_grid(
    module: ModuleType, utterances: list[Any], embedding: str
) -> None:
    found = np.concatenate(list(vectors(module, utterances, embedding).values()))
    assert found.dtype == np.float32 and found.shape == (40, 8)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 4, atol=0.03)
    np.testing.assert_array_equal(found * 256, np.rint(found * 256))
    assert not np.signbit(found[found == 0]).any()


def test_the_grid_by_hand(module: ModuleType) -> None:
    raw = np.array([[3.0, 4.0], [0.0, 0.0], [-1e-5, 1.0]])
    expected = np.array([[614 / 256, 819 / 256], [0, 0], [0, 4]])  # 2.4 and 3.2, to 1/256
    np.testing.assert_array_equal(module.on_grid(raw), expected)


def test_similar_texts_are_near(module: ModuleType) -> None:
    texts = ["i lost my card", "my card is lost", "weather in paris", "what is the weather"]
    told = [module.Utterance(text, name) for text, name in zip(texts, "aabb", strict=True)]
    splits: dict[str, Split] = {"a": "train", "b": "train"}
    for embedding in ("tfidf", "hashing"):
        made = module.as_vectors(told, splits, embedding, 512).classes
        card, weather = made[0].inputs, made[1].inputs
        assert card[0] @ card[1] > max(card[0] @ weather[0], card[0] @ weather[1])


def test_few_training_texts_give_fewer_dimensions_and_that_is_said(
    module: ModuleType, utterances: list[Any]
) -> None:
    made = module.as_vectors(utterances, SPLITS, "tfidf", 512)
    assert made.classes[0].inputs.shape == (10, 19)  # 20 training texts
    (remark,) = made.remarks
    assert "they give 19 dimensions, not 512" in remark


def test_a_text_without_known_parts_is_0_and_counted(
    module: ModuleType, utterances: list[Any]
) -> None:
    made = module.as_vectors([*utterances, module.Utterance("ΩΨ", "d")], SPLITS, "tfidf", 8)
    assert not made.classes[3].inputs[-1].any()
    assert made.remarks == ("1 of 41 texts have no part that tfidf knows: all 0",)


def test_tfidf_without_a_train_split_is_refused_with_what_would_do(
    module: ModuleType, utterances: list[Any]
) -> None:
    with pytest.raises(BenchError, match="embedding=hashing"):
        module.as_vectors(utterances, dict.fromkeys(SPLITS, "test"), "tfidf", 8)


def test_a_vector_of_two_splits_stays_in_the_test(module: ModuleType) -> None:
    told = [
        *(module.Utterance(f"how many cards {n}", "a", "g") for n in range(3)),
        module.Utterance("how many cards 1 ", "d", "h"),
        module.Utterance("another text", "d", "h"),
    ]
    splits: dict[str, Split] = {"a": "train", "d": "test"}
    made = module.as_vectors(told, splits, "hashing", 512)
    assert [(one.name, len(one.inputs), one.groups) for one in made.classes] == [
        ("a", 2, ("g", "g")),
        ("d", 2, ("h", "h")),
    ]
    assert made.remarks == ("left out of train, as another split has the same vectors: 1",)


def test_repeated_texts_count_once_whatever_their_capitals_and_spaces(module: ModuleType) -> None:
    told = [module.Utterance(*pair) for pair in (("Hi  you", "a"), ("hi you ", "b"), ("ho", "b"))]
    assert module.distinct(told) == (told[0], told[2])


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_word_vectors_come_from_the_package_without_a_network(
    module: ModuleType, offline: None, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wordllama = pytest.importorskip("wordllama")
    monkeypatch.setattr(wordllama.WordLlama, "DEFAULT_CACHE_DIR", tmp_path)
    told = [module.Utterance(text, "a") for text in ("my card is lost", "i cannot find my card")]
    told += [module.Utterance("what is the weather in paris", "b")]
    splits: dict[str, Split] = {"a": "train", "b": "test"}
    made = module.as_vectors(told, splits, "wordllama", 512)
    (card, other), (weather,) = (one.inputs for one in made.classes)
    assert card.shape == (256,)
    assert card @ other > card @ weather
    assert list(tmp_path.iterdir()) == []


def test_an_absent_package_is_told_with_the_line_that_installs_it(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.PACKAGES, "wordllama", "wordllama-that-nobody-has")
    with pytest.raises(BenchError, match="pip install wordllama-that-nobody-has"):
        module.embedding_stamp("wordllama")


FINGERPRINT = """
import hashlib, importlib, sys
import numpy as np
from bench.registry import load_registry
home = load_registry().dataset("clinc150").__module__.rpartition(".")[0]
module = importlib.import_module(home + "._text_features")
rng = np.random.default_rng(0)
letters = np.array(list("abcdefghij "))
told = [module.Utterance("".join(rng.choice(letters, 40)), "ab"[n % 2]) for n in range(600)]
made = module.as_vectors(told, {"a": "train", "b": "test"}, "tfidf", 64).classes
print(hashlib.sha256(b"".join(one.inputs.tobytes() for one in made)).hexdigest())
"""


def test_threads_and_the_processors_kernels_do_not_change_a_bit() -> None:
    """The grid takes up what OpenBLAS's kernels for different processors differ by."""
    settings: tuple[dict[str, str], ...] = (
        {"OMP_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Prescott"},
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, **more},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for more in settings
    }
    assert len(found) == 1


def test_stamps_differ_between_embeddings(module: ModuleType) -> None:
    stamp: Callable[[str], str] = module.embedding_stamp
    assert stamp("tfidf") != stamp("hashing")
