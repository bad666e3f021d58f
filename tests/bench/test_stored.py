"""Stored datasets: read back as they are, or refused with name and cure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.firewall import open_test
from bench.pool import EpisodeStream
from tests.bench.listed_dataset import SMALL, Listed, opened

pytestmark = pytest.mark.usefixtures("empty_cache")


def test_a_truncated_file_is_refused_with_its_name_and_the_cure() -> None:
    cached = opened(Listed())
    path = cached.folder / "train.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BenchError, match=r"train\.bin is missing or truncated; delete the folder"):
        cached.pool("train")


def test_a_missing_file_is_refused_with_its_name_and_the_cure() -> None:
    cached = opened(Listed())
    (cached.folder / "test.bin").unlink()
    missing = r"test\.bin is missing or truncated; delete the folder"
    with open_test("a test", 1), pytest.raises(BenchError, match=missing):
        cached.pool("test")


def test_an_altered_file_is_refused_with_its_name_and_the_cure() -> None:
    cached = opened(Listed())
    path = cached.folder / "train.bin"
    content = bytearray(path.read_bytes())
    content[17] ^= 1
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"train\.bin was altered; delete the folder"):
        cached.pool("train")


def test_damage_to_one_split_does_not_keep_the_others_from_being_read() -> None:
    cached = opened(Listed())
    (cached.folder / "test.bin").unlink()
    assert len(cached.pool("train").inputs) == 7


@pytest.mark.parametrize("content", [b"", b'{"format": 1', b'{"format": 1}', b"\xff\xfe"])
def test_a_damaged_description_is_refused_with_its_name_and_the_cure(content: bytes) -> None:
    folder = opened(Listed()).folder
    (folder / "dataset.json").write_bytes(content)
    with pytest.raises(BenchError, match=r"dataset\.json is damaged .*delete the folder"):
        opened(Listed())


def test_a_split_without_classes_is_refused_when_asked_for() -> None:
    cached = opened(Listed(SMALL[:1]))
    with pytest.raises(BenchError, match="listed has no classes in its val split"):
        cached.pool("val")


def test_a_memory_mapped_pool_equals_the_one_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = opened(Listed())
    in_memory = cached.pool("train")
    monkeypatch.setattr("bench.stored.MEMORY_LIMIT", in_memory.inputs.nbytes - 1)
    mapped = cached.pool("train")
    assert isinstance(mapped.inputs, np.memmap) and not isinstance(in_memory.inputs, np.memmap)
    np.testing.assert_array_equal(mapped.inputs, in_memory.inputs)
    protocol, cpu = EpisodeProtocol(2, 1, 2), torch.device("cpu")
    one = EpisodeStream(mapped, protocol, 0, cpu).episodes(0, 2)[1]
    other = EpisodeStream(in_memory, protocol, 0, cpu).episodes(0, 2)[1]
    assert torch.equal(one.query.inputs, other.query.inputs)


def test_a_mapped_file_that_is_truncated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = opened(Listed())
    monkeypatch.setattr("bench.stored.MEMORY_LIMIT", 0)
    path = cached.folder / "train.bin"
    path.write_bytes(path.read_bytes()[:-16])
    with pytest.raises(BenchError, match="truncated"):
        cached.pool("train")
