"""That ours and the peers compute the same, and that a proof would notice if they did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.algorithm import Algorithm
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.extras import import_extra, is_installed
from benchmarks import data, gradient, networks, sampling
from benchmarks.catalogue import all_items, find_item, matching
from benchmarks.item import OURS

SIMILAR = ("sampling-omniglot-20w5s", "sampling-32px-5w1s")  # the same code on other shapes
PAIRS = [
    (item.name, contender.name)
    for item in all_items().values()
    for contender in item.contenders
    if item.name not in SIMILAR and item.threads_matter and contender.name != OURS
]


def installed(package: str) -> None:
    if not is_installed(package):
        pytest.skip(f"{package} is not installed; CONTRIBUTING.md says how")


@pytest.mark.parametrize(("name", "peer"), PAIRS, ids=lambda text: str(text))
def test_ours_computes_what_the_peer_does(name: str, peer: str) -> None:
    item = find_item(name)
    installed(item.contender(peer).package)
    proofs = item.prove([peer], True)
    assert peer in {proof.peer for proof in proofs}
    for proof in proofs:
        assert proof.holds, proof


def test_another_number_of_inner_steps_is_noticed() -> None:
    installed("higher")
    setting = gradient.Setting(tasks=2, shots=1, queries=1, steps=1)

    def ours() -> Algorithm:
        return networks.algorithm("maml", inner_lr=gradient.INNER_RATE, inner_steps=1)

    def longer(one: Algorithm, setting: gradient.Setting) -> gradient.Trainee:
        return gradient.higher(one, replace(setting, steps=2))

    assert gradient.gradient_proof(ours, gradient.higher, setting, "higher").holds
    assert not gradient.gradient_proof(ours, longer, setting, "higher").holds


def test_the_peers_network_is_learn2learns_own_layer_by_layer() -> None:
    installed("learn2learn")
    models = import_extra("learn2learn.vision.models")
    theirs = models.CNN4Backbone(hidden_size=64, channels=1, max_pool=True)
    plain = networks.PlainConv4()
    for own, other in zip(networks.layers(plain), networks.layers(theirs), strict=True):
        own.load_state_dict(other.state_dict())
    images = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(plain(images), theirs(images))


def test_an_episode_that_is_none_is_noticed() -> None:
    protocol = EpisodeProtocol(5, 1, 2)
    source = data.pool((1, 4, 4), 6, 3)
    (episode,) = data.stream(source, 5, 1, 2).episodes(0, 1)
    images, labels = sampling.flatten(OURS, episode)
    assert sampling.deviation((images, labels), source, protocol) < 1e-7
    assert sampling.deviation((images + 1e-3, labels), source, protocol) > 9e-4
    with pytest.raises(ValueError, match="drawn twice"):
        sampling.deviation((images[torch.zeros(15, dtype=torch.int64)], labels), source, protocol)
    with pytest.raises(ValueError, match="two labels"):
        sampling.deviation((images, labels.roll(1)), source, protocol)
    with pytest.raises(ValueError, match="shape"):
        sampling.deviation((images[:-1], labels[:-1]), source, protocol)


def test_data_are_the_same_whenever_they_are_made() -> None:
    first = data.pool((1, 4, 4), 3, 2).inputs
    data.pool.cache_clear()
    assert np.array_equal(first, data.pool((1, 4, 4), 3, 2).inputs)


def test_items_are_found_by_pattern_and_a_wrong_name_gets_the_nearest() -> None:
    assert [item.name for item in matching(["startup-*"])] == ["startup-help", "startup-list"]
    with pytest.raises(BenchError, match="did you mean 'startup-help'"):
        matching(["startup-halp"])


def test_every_target_names_a_contender_of_its_item() -> None:
    for item in all_items().values():
        names = {contender.name for contender in item.contenders}
        assert item.contenders[0].name == OURS
        assert not item.target.against or item.target.against in names
