"""Texts of one's own: their table, what is left out of it, and what the cache depends on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.config import RunConfig
from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.errors import BenchError
from bench.job import prepare
from bench.registry import Registry
from bench.runner import Mode, execute
from bench.watcher import Watcher

FILES = DataFiles(Path("nowhere"), download=False)
TOPICS = ("card", "bank", "loan", "rain", "snow", "wind", "song", "film", "book", "game")
OTHERS = ("the", "my", "where", "is", "lost", "please", "tell", "me", "about", "new", "old", "how")
EACH = 8


def told() -> list[dict[str, str]]:
    """Returns rows about ten topics, each of which says its own name."""
    rng = np.random.default_rng(0)
    return [
        {"text": f"{' '.join(rng.choice(OTHERS, 4))} {topic} {number}", "class": topic}
        for topic in TOPICS
        for number in range(EACH)
    ]


def saved(folder: Path, rows: list[dict[str, str]], name: str = "own.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def made(registry: Registry, path: Path, **parameters: Any) -> Dataset:
    own: dict[str, Any] = {"path": str(path), "dimensions": 32, **parameters}
    dataset: Dataset = registry.dataset(f"text:{path}")(**own)
    return dataset


def read(registry: Registry, path: Path, **parameters: Any) -> dict[str, ClassExamples]:
    return {one.name: one for one in made(registry, path, **parameters).classes(FILES)}


def test_each_class_has_the_vectors_of_its_texts(registry: Registry, tmp_path: Path) -> None:
    found = read(registry, saved(tmp_path, told()))
    assert sorted(found) == sorted(TOPICS)
    assert {one.inputs.shape for one in found.values()} == {(EACH, 32)}
    assert {one.inputs.dtype.name for one in found.values()} == {"float32"}
    assert Counter(one.split for one in found.values())["test"] == 5


@pytest.mark.parametrize(
    ("name", "delimiter"), [("own.csv", ","), ("own.csv", ";"), ("own.tsv", "\t")]
)
def test_a_table_of_cells_gives_the_same_vectors(
    registry: Registry, tmp_path: Path, name: str, delimiter: str
) -> None:
    rows = [f"{row['text']}{delimiter}{row['class']}" for row in told()]
    (tmp_path / name).write_text("\n".join([f"text{delimiter}class", *rows]), "utf-8")
    expected = read(registry, saved(tmp_path, told()))
    for topic, one in read(registry, tmp_path / name).items():
        np.testing.assert_array_equal(one.inputs, expected[topic].inputs)


def test_a_test_text_changes_no_other_vector(registry: Registry, tmp_path: Path) -> None:
    before = read(registry, saved(tmp_path, told()))
    tested = [name for name in TOPICS if before[name].split == "test"]
    changed = told()
    place = next(n for n, row in enumerate(changed) if row["class"] == tested[0])
    changed[place]["text"] = "entirely different"
    after = read(registry, saved(tmp_path, changed))
    assert not np.array_equal(before[tested[0]].inputs[0], after[tested[0]].inputs[0])
    for name in TOPICS:
        start = int(name == tested[0])
        np.testing.assert_array_equal(before[name].inputs[start:], after[name].inputs[start:])


def test_splits_and_groups_of_the_table_are_kept(registry: Registry, tmp_path: Path) -> None:
    rows = told()
    for number, row in enumerate(rows):
        row["split"] = "train" if TOPICS.index(row["class"]) < 6 else "test"
        row["group"] = f"author {number % 2}"
    found = read(registry, saved(tmp_path, rows))
    assert [found[name].split for name in TOPICS] == ["train"] * 6 + ["test"] * 4
    assert found["card"].groups == ("author 0", "author 1") * 4


def test_what_is_left_out_is_said(registry: Registry, tmp_path: Path) -> None:
    rows = [*told(), told()[0], {"text": told()[1]["text"].upper(), "class": "card"}]
    rows.append({"text": "hello there", "class": "greeting"})
    dataset = made(registry, saved(tmp_path, rows), embedding="hashing")
    assert sum(len(one.inputs) for one in dataset.classes(FILES)) == len(TOPICS) * EACH
    assert dataset.remarks() == (
        "texts that occur twice count once: 2 rows are left out",
        "left out, with fewer than 6 texts: greeting (1)",
        "no split was given; seed 0 makes it 5 classes to train, 0 to validate, 5 to test",
    )


def test_fixed_classes_are_all_in_test_and_need_an_embedding_that_is_not_fitted(
    registry: Registry, tmp_path: Path
) -> None:
    path = saved(tmp_path, told())
    with pytest.raises(BenchError, match="hashing"):
        read(registry, path, classes="fixed")
    found = read(registry, path, classes="fixed", embedding="hashing")
    assert {one.split for one in found.values()} == {"test"}


def test_the_stamp_changes_with_the_content_and_not_with_the_place(
    registry: Registry, tmp_path: Path
) -> None:
    stamps = [
        made(registry, saved(tmp_path, rows, name)).stamp(FILES)
        for rows, name in ((told(), "a.jsonl"), (told(), "b.jsonl"), (told()[1:], "c.jsonl"))
    ]
    assert stamps[0] == stamps[1] != stamps[2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "no rows"),
        ("text\nhello\n", "class"),
        ("label,text\na,hello\n", "class"),
        ("text,class\nhello,a\nhello,b\n", "as 'a' .* as 'b'"),
        ("text,class\nhello,a\nhi,a\n", "one class, 'a'"),
        ("text,class\nhello,a\nhi,b\n", "fewer than 2 of the 2 classes"),
    ],
)
def test_a_table_that_does_not_do_is_told_in_one_line(
    registry: Registry, tmp_path: Path, content: str, expected: str
) -> None:
    (tmp_path / "own.csv").write_text(content, "utf-8")
    with pytest.raises(BenchError, match=expected) as caught:
        read(registry, tmp_path / "own.csv")
    assert "\n" not in str(caught.value)


def test_a_folder_is_told_to_be_none(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is a folder; name a table"):
        read(registry, tmp_path)


def test_a_method_that_learns_nothing_tells_the_topics_apart(
    registry: Registry, tmp_path: Path
) -> None:
    config = RunConfig(
        algo="protonet",
        data=f"text:{saved(tmp_path, told())}",
        backbone="identity",
        set={"data.embedding": "hashing"},
        shots=3,
        episodes=50,
        threads=1,
        out=str(tmp_path / "results"),
    )
    outcome = execute(
        prepare(config, registry, lambda done, total: None), Mode(), Watcher()
    ).outcome
    assert outcome is not None and outcome.mean > 0.6  # chance is 0.2
