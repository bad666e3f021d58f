"""Variants: runs on data of one name are told apart by the parameters in which they differ."""

from __future__ import annotations

from pathlib import Path

from bench.leaderboard import collect, flat, render
from bench.parameters import Value
from bench.results import RunRecord
from tests.bench.written_runs import Records, with_parts


def on(record: RunRecord, fingerprint: str, **parameters: Value) -> RunRecord:
    return with_parts(record, data={"fingerprint": fingerprint, "parameters": parameters})


def titles(root: Path, *records: RunRecord) -> list[str]:
    for number, record in enumerate(records):
        (root / f"{number}").mkdir()
        record.write(root / f"{number}")
    return [table.title.partition(", 5w1s15q")[0] for table in collect(root).tables]


def test_a_title_has_the_parameters_that_differ_and_no_others(
    tmp_path: Path, make_record: Records
) -> None:
    found = titles(
        tmp_path,
        on(make_record(data="texts"), "a", split="1", embedding="tfidf"),
        on(make_record(data="texts"), "b", split="1", embedding="words"),
        on(make_record(data="other"), "c", embedding="none"),
    )
    assert found == ["other", "texts (embedding=tfidf)", "texts (embedding=words)"]


def test_one_variant_alone_needs_no_words(tmp_path: Path, make_record: Records) -> None:
    record = on(make_record(data="texts"), "a", embedding="words")
    assert titles(tmp_path, record, record) == ["texts"]


def test_a_parameter_that_is_newer_than_a_record_sets_nothing_apart(
    tmp_path: Path, make_record: Records
) -> None:
    older = on(make_record(data="texts"), "a", seed=0)
    newer = on(make_record(data="texts"), "b", seed=0, extra="no")
    assert titles(tmp_path, older, newer) == ["texts", "texts"]


def test_equal_data_at_another_path_are_one_variant(tmp_path: Path, make_record: Records) -> None:
    here = on(make_record(data="folder:x"), "a", path="here/x")
    there = on(make_record(data="folder:x"), "a", path="there/x")
    assert titles(tmp_path, here, there) == ["folder:x"]


def test_that_images_were_resized_is_told_in_title_and_plain_data(
    tmp_path: Path, make_record: Records
) -> None:
    record = with_parts(make_record(data="birds"), data={"reshaped": "from 3x84x84 to 1x28x28"})
    assert titles(tmp_path, record) == ["birds (images resized from 3x84x84 to 1x28x28)"]
    assert flat(collect(tmp_path))["reshaped"].tolist() == ["from 3x84x84 to 1x28x28"]


def test_plain_data_have_all_parameters(tmp_path: Path, make_record: Records) -> None:
    titles(tmp_path, on(make_record(data="texts"), "a", split="1", seed=3))
    assert flat(collect(tmp_path))["data_parameters"].tolist() == ["split=1, seed=3"]


def test_what_was_trained_on_is_named_with_its_parameters_too(
    tmp_path: Path, make_record: Records
) -> None:
    here = make_record(data="here").data
    for number, fingerprint in enumerate("ab"):
        record = on(make_record(data="texts", test_data=here), fingerprint, split=number)
        (tmp_path / fingerprint).mkdir()
        record.write(tmp_path / fingerprint)
    text = render(collect(tmp_path), "markdown")
    assert "| texts (split=0)" in text and "| texts (split=1)" in text


def test_settings_of_the_data_are_no_part_of_a_methods_name(
    tmp_path: Path, make_record: Records
) -> None:
    chosen = {"set": {"data.seed": 1, "test.seed": 2, "lr": 0.5}}
    (tmp_path / "a").mkdir()
    make_record("maml", config=chosen).write(tmp_path / "a")
    assert flat(collect(tmp_path))["label"].tolist() == ["maml (lr=0.5)"]
