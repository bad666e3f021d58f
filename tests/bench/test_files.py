"""Files: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.files import replace_atomically, sha256_of, write_atomically


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.json", b"content")
    assert (tmp_path / "a.json").read_bytes() == b"content"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_write_replaces_the_old_content(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"a much longer old content")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_write_that_fails_halfway_keeps_the_old_file_and_leaves_no_draft(
    tmp_path: Path, error: BaseException
) -> None:
    write_atomically(tmp_path / "a", b"old")

    def fail(draft: Path) -> None:
        draft.write_bytes(b"hal")
        raise error

    with pytest.raises(type(error)):
        replace_atomically(tmp_path / "a", fail)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_while_a_file_is_being_written_the_old_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"old")
    seen = []

    def write(draft: Path) -> None:
        draft.write_bytes(b"new")
        seen.append(path.read_bytes())

    replace_atomically(path, write)
    assert seen == [b"old"] and path.read_bytes() == b"new"


def test_the_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180-2
    assert sha256_of(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
