"""Digest sets: what was seen is known, whoever of thousands had it, as a dictionary would."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench import digestset
from bench.digestset import DigestSet


def digest(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def test_an_empty_set_knows_nothing() -> None:
    seen = DigestSet()
    assert seen.find([digest(1)]) is None
    seen.add([], 0)
    assert seen.find([]) is None


@pytest.mark.parametrize("recent", [1, 3, 50, 10_000])
def test_it_answers_as_a_dictionary_does(recent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digestset, "RECENT", recent)
    monkeypatch.setattr(digestset, "LONGEST", 400)
    rng = np.random.default_rng(0)
    seen, known = DigestSet(), dict[bytes, int]()
    for owner in range(150):
        digests = [digest(number) for number in rng.integers(0, 3000, rng.integers(1, 12)).tolist()]
        places = [(place, known[d]) for place, d in enumerate(digests) if d in known]
        assert seen.find(digests) == (places[0] if places else None)
        seen.add(digests, owner)
        for one in digests:
            known.setdefault(one, owner)
    assert all(seen.find([d]) == (0, owner) for d, owner in known.items())


@pytest.mark.parametrize("recent", [1, 100])
def test_zeros_at_the_end_of_a_digest_count(recent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digestset, "RECENT", recent)
    seen = DigestSet()
    seen.add([b"a" * 15 + b"\0", b"\0" * 16], 7)
    assert seen.find([b"a" * 15 + b"\1", b"a" * 16, b"\0" * 15 + b"\1"]) is None
    assert seen.find([b"b" * 16, b"a" * 15 + b"\0"]) == (1, 7)
    assert seen.find([b"\0" * 16]) == (0, 7)


def memory_of_arrays() -> int:
    """Bytes of anonymous memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")
def test_a_hundred_thousand_digests_take_a_few_megabytes() -> None:
    before = memory_of_arrays()
    seen = DigestSet()
    for owner in range(100):
        seen.add([digest(1000 * owner + number) for number in range(1000)], owner)
    assert memory_of_arrays() - before < 10_000_000  # a dictionary of bytes takes 14 million
    assert seen.find([digest(-1), digest(99_999)]) == (1, 99)
