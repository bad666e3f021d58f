"""Testing: MAML episode by episode, and ProtoNet on 10,000 episodes of one split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import Algorithm
from bench.episodes import Episode, EpisodeProtocol
from bench.evaluation import evaluate
from bench.extras import import_extra
from bench.pool import ClassPool, EpisodeStream
from benchmarks import data, floors, networks
from benchmarks.gradient import INNER_RATE
from benchmarks.item import OURS, Contender, Item, Proof, Target, Work
from benchmarks.peers import learn2learn_maml
from benchmarks.protonet import learn2learn_logits, sorted_once

EPISODES = 10_000
CLASSES, IMAGES = 423, 20  # Omniglot's characters outside of the first 1,200, not rotated
STEPS = 5
Answers = Callable[[Sequence[Episode]], list[tuple[Tensor, Tensor]]]
"""From episodes to the logits and labels of each one's queries."""


class DoublePool(ClassPool):
    """A pool whose images come in double precision."""

    def gather(self, rows: NDArray[np.int64], device: torch.device) -> Tensor:
        return super().gather(rows, device).double()


class DoubleStream(EpisodeStream):
    """A stream whose images come in double precision."""

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        return super().gather(rows).double()


def double_stream(source: ClassPool) -> EpisodeStream:
    """Returns a stream of 5-way 1-shot 15-query episodes in double precision."""
    same = (source.fingerprint, source.split, source.classes, source.offsets, source.inputs)
    return DoubleStream(DoublePool(*same), EpisodeProtocol(5, 1, 15), 0, data.CPU)


def proof(algorithm: Algorithm, answers: Answers, peer: str, quick: bool) -> Proof:
    """Returns how far the losses of test episodes are apart; the right answers must be equal."""
    stream, count = double_stream(split(True)), 3 if quick else 20
    ours = evaluate(algorithm, stream, count, seed=0)
    theirs = [
        (float(F.cross_entropy(logits, labels)), int((logits.argmax(1) == labels).sum()))
        for logits, labels in answers(stream.episodes(0, count))
    ]
    losses = np.array([loss for loss, _ in theirs])
    error = float(np.abs(ours.loss / losses - 1).max())
    if not np.allclose(ours.scores * ours.episodes.queries, [right for _, right in theirs]):
        error = float("inf")
    return Proof(peer, f"loss of {count} test episodes, float64; right answers equal", error)


def maml() -> Algorithm:
    """Returns bench's MAML."""
    return networks.algorithm("maml", inner_lr=INNER_RATE, test_steps=STEPS)


def learn2learn_maml_answers(algorithm: Algorithm) -> Answers:
    """Returns learn2learn's testing of MAML: the last loop of examples/vision/maml_omniglot.py.

    As there, batch norm stays in training mode and the graph for second derivatives is built.
    """
    network = torch.nn.Sequential(*networks.twin(algorithm))
    wrapped = learn2learn_maml(network, INNER_RATE)

    def answers(episodes: Sequence[Episode]) -> list[tuple[Tensor, Tensor]]:
        found = []
        for episode in episodes:
            learner, support = wrapped.clone(), episode.support
            for _ in range(STEPS):
                learner.adapt(F.cross_entropy(learner(support.inputs), support.targets))
            logits, labels = learner(episode.query.inputs), episode.query.targets
            score(logits, labels)
            found.append((logits.detach(), labels))
        return found

    return answers


def score(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Returns loss and accuracy, as peers take them after each episode."""
    accuracy = (logits.argmax(dim=1) == labels).sum().float() / labels.size(0)
    return F.cross_entropy(logits, labels).item(), accuracy.item()


def learn2learn_protonet_answers(algorithm: Algorithm) -> Answers:
    """Returns learn2learn's testing of ProtoNet, images in the order that its sampler gives.

    Its example builds a graph that nobody needs; here it runs without gradients.
    """
    network, _ = networks.twin(algorithm)
    copy_averages(algorithm, network)
    network.eval()
    prepared = sorted_once()

    def answers(episodes: Sequence[Episode]) -> list[tuple[Tensor, Tensor]]:
        found = []
        with torch.no_grad():
            for episode in episodes:
                logits, targets = learn2learn_logits(network, *prepared(episode), 1)
                score(logits, targets)
                found.append((logits, targets))
        return found

    return answers


def easyfsl_answers(algorithm: Algorithm) -> Answers:
    """Returns easyfsl's `evaluate_on_one_task`, its scores squared: distances become ours."""
    methods = import_extra("easyfsl.methods")
    network, _ = networks.twin(algorithm)
    copy_averages(algorithm, network)
    model: Any = methods.PrototypicalNetworks(network).eval()

    def answers(episodes: Sequence[Episode]) -> list[tuple[Tensor, Tensor]]:
        found = []
        with torch.no_grad():
            for episode in episodes:
                model.process_support_set(episode.support.inputs, episode.support.targets)
                scores, labels = model(episode.query.inputs).detach(), episode.query.targets
                (torch.max(scores, 1)[1] == labels).sum().item()
                found.append((-(scores**2), labels))
        return found

    return answers


def copy_averages(ours: Algorithm, theirs: torch.nn.Module) -> None:
    """Copies the running averages of batch norm, moved off zero and one in both."""
    for own, other in zip(networks.layers(ours), networks.layers(theirs), strict=False):
        for average, copied in zip(own.buffers(), other.buffers(), strict=True):
            copied.copy_(average)


def protonet() -> Algorithm:
    """Returns bench's ProtoNet with running averages as if trained a little."""
    algorithm = networks.algorithm("protonet").train()
    images = data.pool(data.OMNIGLOT, 100, 20).gather(np.arange(64), data.CPU)
    with torch.no_grad():
        for module in algorithm.children():
            for _ in range(10):
                module(images)
    return algorithm.eval()


def split(quick: bool) -> ClassPool:
    """Returns the test split."""
    return data.pool(data.OMNIGLOT, 24 if quick else CLASSES, IMAGES)


def testing_work(make: Callable[[], Algorithm], count: int, quick: bool) -> Work:
    """Returns bench's way: `evaluate`, sampling and everything else included."""
    algorithm, stream = make(), data.stream(split(quick), 5, 1, 15)
    count = min(count, 50) if quick else count
    return Work(lambda: evaluate(algorithm, stream, count, seed=0), count)


def peer_work(
    make: Callable[[], Algorithm],
    answers: Callable[[Algorithm], Answers],
    count: int,
    quick: bool,
) -> Work:
    """Returns a peer's way with episodes drawn beforehand."""
    test, count = answers(make()), 2 if quick else count
    episodes = data.stream(split(quick), 5, 1, 15).episodes(0, count)
    return Work(lambda: test(episodes), count)


def maml_item() -> Item:
    """Returns the item that tests MAML."""

    def prove(peers: Sequence[str], quick: bool) -> list[Proof]:
        algorithm = maml().double()
        return [
            proof(algorithm, learn2learn_maml_answers(algorithm), peer, quick) for peer in peers
        ]

    return Item(
        "maml-evaluation",
        f"testing MAML, Conv4-64, 5-way 1-shot, 15 queries a class, inner steps: {STEPS}",
        "episodes",
        (
            Contender(OURS, "", lambda quick: testing_work(maml, 32, quick), "sampling included"),
            Contender(
                "learn2learn",
                "learn2learn",
                lambda quick: peer_work(maml, learn2learn_maml_answers, 8, quick),
                "as in examples/vision/maml_omniglot.py; episodes drawn beforehand",
                both_allocators=True,
            ),
        ),
        prove,
        floors.adaptation(data.OMNIGLOT, 5, 75, STEPS),
        Target("learn2learn", 1.9),
    )


def protonet_item() -> Item:
    """Returns the item that tests ProtoNet on 10,000 episodes."""
    makers = {"learn2learn": learn2learn_protonet_answers, "easyfsl": easyfsl_answers}

    def prove(peers: Sequence[str], quick: bool) -> list[Proof]:
        algorithm = protonet().double()
        return [proof(algorithm, makers[peer](algorithm), peer, quick) for peer in peers]

    contenders = [
        Contender(
            OURS,
            "",
            lambda quick: testing_work(protonet, EPISODES, quick),
            f"all {EPISODES:,} episodes, with sampling, and embedding {CLASSES * IMAGES:,} images",
        )
    ]
    for peer, answers in makers.items():

        def work(quick: bool, answers: Callable[[Algorithm], Answers] = answers) -> Work:
            return peer_work(protonet, answers, 32, quick)

        note = (
            "timed on 32 episodes, drawn beforehand; 10,000 are not run but would cost as much each"
        )
        contenders.append(Contender(peer, peer, work, note, both_allocators=peer == "learn2learn"))
    images, each = CLASSES * IMAGES, EPISODES
    floor = floors.embedded_once(data.OMNIGLOT, images, each, rows=75, ways=5, features=64)
    summary = f"testing ProtoNet, Conv4-64, 5-way 1-shot 15-query, {EPISODES:,} episodes"
    target = Target("learn2learn", 200)
    return Item(
        "protonet-evaluation-10000",
        summary,
        "episodes",
        tuple(contenders),
        prove,
        floor,
        target,
    )


def items() -> list[Item]:
    """Returns the items of this family."""
    return [maml_item(), protonet_item()]
