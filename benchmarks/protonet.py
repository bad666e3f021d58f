"""ProtoNet in training: one episode a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import Algorithm
from bench.episodes import Episode
from bench.extras import import_extra
from benchmarks import data, floors, networks
from benchmarks.gradient import (
    Setting,
    Trainee,
    average,
    gradient_proof,
    peer_work,
    training_work,
)
from benchmarks.item import OURS, Contender, Item, Proof, Target

SETTING = Setting(tasks=1, shots=1, queries=15, steps=0)


def ours() -> Algorithm:
    """Returns bench's ProtoNet."""
    return networks.algorithm("protonet")


def sorted_by_class(episode: Episode) -> tuple[Tensor, Tensor]:
    """Returns all images of an episode class by class, each class's support first, and labels."""
    support, query = episode.support, episode.query
    labels = torch.cat([support.targets, query.targets])
    order = torch.sort(labels, stable=True).indices
    return torch.cat([support.inputs, query.inputs])[order], labels[order]


def sorted_once() -> Callable[[Episode], tuple[Tensor, Tensor]]:
    """Returns `sorted_by_class` with a memory: the peer's sampler sorts, so it is not timed."""
    known: dict[int, tuple[Episode, tuple[Tensor, Tensor]]] = {}

    def remembered(episode: Episode) -> tuple[Tensor, Tensor]:
        if id(episode) not in known:
            known[id(episode)] = (episode, sorted_by_class(episode))
        return known[id(episode)][1]

    return remembered


def pairwise_distances_logits(a: Tensor, b: Tensor) -> Tensor:
    """Returns minus the squared distances (n, m) of points (n, d) and (m, d), as learn2learn's."""
    n, m = len(a), len(b)
    difference = a.unsqueeze(1).expand(n, m, -1) - b.unsqueeze(0).expand(n, m, -1)
    return -(difference**2).sum(dim=2)


def learn2learn_logits(
    network: nn.Module, images: Tensor, labels: Tensor, shots: int
) -> tuple[Tensor, Tensor]:
    """Returns query logits and labels, as `fast_adapt` in learn2learn's protonet_miniimagenet.py.

    Shapes: images (n*(k+q), ...), sorted by class with the support first. There the sort is not
    stable, so that any image of a class may be support; here it is.
    """
    ways = 5
    each = len(labels) // ways
    sort = torch.sort(labels, stable=True)
    images, labels = images[sort.indices], labels[sort.indices]
    embeddings = network(images)
    is_support = torch.zeros(len(images), dtype=torch.bool)
    for offset in range(shots):
        is_support[torch.arange(ways) * each + offset] = True
    means = embeddings[is_support].reshape(ways, shots, -1).mean(dim=1)
    return pairwise_distances_logits(embeddings[~is_support], means), labels[~is_support]


def learn2learn(algorithm: Algorithm, setting: Setting) -> Trainee:
    """Returns learn2learn's example; it has no class for ProtoNet, so only torch is used."""
    network, _ = networks.twin(algorithm)
    prepared = sorted_once()

    def backward(episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            logits, labels = learn2learn_logits(network, *prepared(episode), setting.shots)
            loss = F.cross_entropy(logits, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()
        average(network, len(episodes))

    return Trainee(network, backward)


def easyfsl(algorithm: Algorithm, setting: Setting) -> Trainee:
    """Returns easyfsl's PrototypicalNetworks, trained as in its episodic_training notebook."""
    network, _ = networks.twin(algorithm)
    return Trainee(network, easyfsl_backward(network, lambda scores: scores))


def easyfsl_backward(
    network: nn.Module, logits: Callable[[Tensor], Tensor]
) -> Callable[[Sequence[Episode]], None]:
    """Returns what computes easyfsl's gradient, with its scores passed through `logits`."""
    model: Any = import_extra("easyfsl.methods").PrototypicalNetworks(network)

    def backward(episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            model.process_support_set(episode.support.inputs, episode.support.targets)
            loss = F.cross_entropy(logits(model(episode.query.inputs)), episode.query.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()
        average(network, len(episodes))

    return backward


def easyfsl_proof() -> Proof:
    """Returns how far easyfsl's gradient is from ours where both compute the same.

    easyfsl embeds support and query apart, so batch norm sees other batches, and scores by the
    distance, not by its square. With batch norm frozen and the scores squared, nothing differs.
    """
    algorithm = ours().double().eval()
    network, _ = networks.twin(algorithm)
    network.eval()
    episodes = data.doubled(SETTING.episodes(True))
    algorithm.zero_grad()
    for episode in episodes:
        algorithm.loss(episode).backward()  # type: ignore[no-untyped-call]
    average(algorithm, len(episodes))
    easyfsl_backward(network, lambda scores: -(scores**2))(episodes)
    what = "gradient with batch norm frozen and easyfsl's distance squared; as timed, both differ"
    return Proof("easyfsl", what, networks.gradient_error(algorithm, network))


def prove(peers: Sequence[str], quick: bool) -> list[Proof]:
    """Compares gradients."""
    proofs = []
    if "learn2learn" in peers:
        proofs.append(gradient_proof(ours, learn2learn, SETTING, "learn2learn"))
    if "easyfsl" in peers:
        proofs.append(easyfsl_proof())
    return proofs


def items() -> list[Item]:
    """Returns the item of this family."""
    return [
        Item(
            "protonet-train-5w1s15q",
            "ProtoNet, Conv4-64, 5-way 1-shot, 15 queries a class, an episode a step",
            "episodes",
            (
                Contender(OURS, "", lambda quick: training_work(ours, SETTING, quick)),
                Contender(
                    "learn2learn",
                    "learn2learn",
                    lambda quick: peer_work(ours, learn2learn, SETTING, quick),
                    "as in examples/vision/protonet_miniimagenet.py",
                    both_allocators=True,
                ),
                Contender(
                    "easyfsl",
                    "easyfsl",
                    lambda quick: peer_work(ours, easyfsl, SETTING, quick),
                    "PrototypicalNetworks; embeds support and query apart",
                ),
            ),
            prove,
            floors.supervised(data.OMNIGLOT, 80),
            Target("learn2learn", 1.45),
        )
    ]
