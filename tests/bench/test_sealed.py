"""Sealed episodes: what is written is read again, and nothing else passes for it."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.content import content_hashes
from bench.episodelist import EpisodeList
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.sealed import SealedEpisodes, read_sealed
from tests.bench.sealed_lists import Pools, Streams, sealed_of, uneven


@pytest.fixture
def sealed(make_stream: Streams) -> SealedEpisodes:
    return sealed_of(make_stream(split="test", stream_seed=3), 12)


def same_episodes(one: EpisodeList, other: EpisodeList) -> bool:
    pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in fields(EpisodeList))
    return all(a.tolist() == b.tolist() for a, b in pairs)


def test_everything_comes_back(sealed: SealedEpisodes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(sealed.content)
    again = read_sealed(tmp_path / "file")
    assert same_episodes(again.episodes, sealed.episodes)
    assert (again.stream, again.data, again.class_names) == (
        sealed.stream,
        sealed.data,
        sealed.class_names,
    )
    for name in ("class_numbers", "images", "image_classes", "hashes"):
        assert getattr(again, name).tolist() == getattr(sealed, name).tolist()
    assert again.content == sealed.content
    assert again.sha256 == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()


def test_the_same_episodes_give_the_same_bytes(make_stream: Streams) -> None:
    one, two, other = (
        sealed_of(make_stream(split="test", stream_seed=seed), 12).content for seed in (3, 3, 4)
    )
    assert one == two
    assert one != other


def test_parameters_in_another_order_give_the_same_bytes(sealed: SealedEpisodes) -> None:
    turned = dict(sorted(sealed.data.parameters.items()))
    assert list(turned) != list(sealed.data.parameters)
    other = replace(sealed, data=replace(sealed.data, parameters=turned))
    assert other.content == sealed.content


def test_a_file_has_the_episodes_of_the_stream_with_their_hashes_and_ids(
    make_stream: Streams,
) -> None:
    stream = make_stream(split="test")
    sealed = sealed_of(stream, 30)
    listed = EpisodeList.of(stream.batches(30, 30))
    assert same_episodes(sealed.episodes, listed)
    assert sealed.digest() == stream.digest(30)
    assert sealed.digest(7) == stream.digest(7)
    assert sealed.ids() == listed.ids(stream.pool.fingerprint)
    assert sealed.ids(7) == sealed.ids()[:7]
    used = sorted({*listed.support.tolist(), *listed.query.tolist()})
    assert sealed.images.tolist() == used
    expected = content_hashes(stream.pool.inputs, None, np.array(used))
    assert sealed.hashes.tobytes() == expected.tobytes()
    assert [stream.pool.classes[row // 8] for row in used] == [
        sealed.class_names[at] for at in np.searchsorted(sealed.class_numbers, sealed.image_classes)
    ]


def test_episodes_of_other_shapes_come_back_too(make_pool: Pools, tmp_path: Path) -> None:
    made = uneven(make_pool(classes=4, each=4, split="test"))
    (tmp_path / "file").write_bytes(made.content)
    again = read_sealed(tmp_path / "file")
    assert again.episodes.ways.tolist() == [2, 3, 2]
    assert same_episodes(again.episodes, made.episodes)
    assert again.protocol == EpisodeProtocol(kind="variable")


def test_one_changed_byte_is_noticed_wherever_it_is(sealed: SealedEpisodes, tmp_path: Path) -> None:
    content, path = sealed.content, tmp_path / "file"
    for place in [*range(120), *range(120, len(content), 7), len(content) - 1]:
        for flip in (1, 128):
            changed = bytearray(content)
            changed[place] ^= flip
            path.write_bytes(changed)
            with pytest.raises(BenchError) as caught:
                read_sealed(path)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 an archive", "is no file of test episodes"),
        (b'{"episodes": []}\n', "is no file of test episodes"),
        (b"bench-episodes \n", "is no file of test episodes"),
        (b"bench-episodes 1 " + b"0" * 64, "is no file of test episodes"),
        (b"bench-episodes 1 " + b"0" * 64 + b"\nabc", "altered or cut short"),
        (b"bench-episodes 2 " + b"0" * 64 + b"\nabc", "has format 2, .* reads 1"),
        (b"bench-episodes \xff " + b"0" * 64 + b"\nabc", "is no file of test episodes"),
    ],
)
def test_other_files_are_refused_in_a_line(text: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(BenchError, match=why):
        read_sealed(tmp_path / "file")


def test_a_file_that_is_not_there_or_is_a_folder_is_refused_in_a_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BenchError, match="cannot be read"):
            read_sealed(path)


@pytest.mark.parametrize("left", [1, 40, 81, 82, 83, 300, -1])
def test_a_file_that_was_cut_short_is_refused(
    sealed: SealedEpisodes, left: int, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(sealed.content[:left])
    with pytest.raises(BenchError, match=r"cut short|is no file of test episodes"):
        read_sealed(tmp_path / "file")


def forged(body: bytes) -> bytes:
    """Returns a file whose hash is right, whatever is in it."""
    return b"bench-episodes 1 " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def test_a_forged_file_whose_hash_is_right_must_still_hold_episodes(
    sealed: SealedEpisodes, tmp_path: Path
) -> None:
    body = msgspec.msgpack.decode(sealed.content.partition(b"\n")[2])
    path = tmp_path / "file"

    def refusal(**changes: object) -> str:
        path.write_bytes(forged(msgspec.msgpack.encode(body | changes)))
        with pytest.raises(BenchError) as caught:
            read_sealed(path)
        return str(caught.value)

    path.write_bytes(forged(msgspec.msgpack.encode(body)))
    read_sealed(path)
    columns = body["episodes"]
    assert "unknown field" in refusal(more=1)
    assert "Expected" in refusal(seed="0")
    assert "protocol" in refusal(protocol_id="5w5s15q")
    assert "at least 1" in refusal(protocol=body["protocol"] | {"ways": 0})
    assert "hashes are cut short" in refusal(hashes=body["hashes"][:-1])
    assert "one class and one hash each" in refusal(hashes=body["hashes"][:-16])
    assert "one name each" in refusal(class_names=["a"] * len(body["class_names"]))
    assert "not listed" in refusal(episodes=columns | {"query": [108, 10**6, 0, b""]})
    assert "other columns" in refusal(episodes={"ways": columns["ways"]})
    assert "numbers of" in refusal(episodes=columns | {"ways": [10**12, 3, 0, b""]})
    assert "longer or shorter" in refusal(episodes=columns | {"ways": [12, 4, 0, b""]})
    outside = refusal(episodes=columns | {"query_labels": [108, 7, 0, b""]})
    assert "episode 0 has a label that is none of its ways" in outside


def test_a_file_in_another_order_than_bench_writes_is_refused(
    sealed: SealedEpisodes, tmp_path: Path
) -> None:
    """One list has one file, so that equal lists can be told by the files' hashes."""
    body = msgspec.msgpack.decode(sealed.content.partition(b"\n")[2])
    turned = dict(reversed(body.items()))
    (tmp_path / "file").write_bytes(forged(msgspec.msgpack.encode(turned)))
    with pytest.raises(BenchError, match="was not written by bench episodes make"):
        read_sealed(tmp_path / "file")
