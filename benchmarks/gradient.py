"""Gradient learners in training: MAML by four libraries, ANIL and Reptile by two.

Peers take steps as in their own examples, on the same episodes, drawn beforehand. Adam's rate is
too small to move the weights, so that every call does the same work.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from bench.algorithm import Algorithm
from bench.episodes import Episode
from bench.extras import import_extra
from benchmarks import data, floors, networks
from benchmarks.item import OURS, Contender, Floor, Item, Proof, Target, Work
from benchmarks.peers import learn2learn_maml

INNER_RATE = 0.5


@dataclass(frozen=True)
class Trainee:
    """A learner in training: its layers, and what leaves the mean gradient of a batch in them."""

    module: nn.Module
    backward: Callable[[Sequence[Episode]], None]


@dataclass(frozen=True)
class Setting:
    """What a training item trains on: tasks in a step, images of a class, inner steps."""

    tasks: int
    shots: int
    queries: int
    steps: int
    first_order: bool = False

    def episodes(self, quick: bool) -> list[Episode]:
        """Returns the meta-batch that is trained on, again and again."""
        count = 2 if quick else self.tasks
        return data.episodes(count, shots=self.shots, queries=self.queries)


Trainer = Callable[[Algorithm, Setting], Trainee]


def learn2learn(ours: Algorithm, setting: Setting) -> Trainee:
    """Returns learn2learn's MAML: examples/vision/maml_omniglot.py."""
    network = nn.Sequential(*networks.twin(ours))
    maml = learn2learn_maml(network, INNER_RATE, setting.first_order)

    def backward(episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            learner = maml.clone()
            for _ in range(setting.steps):
                support = episode.support
                learner.adapt(F.cross_entropy(learner(support.inputs), support.targets))
            loss = F.cross_entropy(learner(episode.query.inputs), episode.query.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()
        average(network, len(episodes))

    return Trainee(network, backward)


def higher(ours: Algorithm, setting: Setting) -> Trainee:
    """Returns higher's MAML: examples/maml-omniglot.py; its first-order form takes no graph."""
    library = import_extra("higher")
    network = nn.Sequential(*networks.twin(ours))
    inner = torch.optim.SGD(network.parameters(), lr=INNER_RATE)
    second = not setting.first_order

    def backward(episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            context = library.innerloop_ctx(
                network, inner, copy_initial_weights=False, track_higher_grads=second
            )
            with context as (fast, optimizer):
                for _ in range(setting.steps):
                    support = episode.support
                    optimizer.step(F.cross_entropy(fast(support.inputs), support.targets))
                loss = F.cross_entropy(fast(episode.query.inputs), episode.query.targets)
                if second:
                    loss.backward()  # type: ignore[no-untyped-call]
                else:
                    slopes = torch.autograd.grad(loss, list(fast.parameters()))
                    for weight, slope in zip(network.parameters(), slopes, strict=True):
                        weight.grad = slope if weight.grad is None else weight.grad + slope
                loss.item()
        average(network, len(episodes))

    return Trainee(network, backward)


def torchopt(ours: Algorithm, setting: Setting) -> Trainee:
    """Returns TorchOpt's MAML: MetaSGD, with weights restored after each task; second order."""
    library = import_extra("torchopt")
    network = nn.Sequential(*networks.twin(ours))
    inner = library.MetaSGD(network, lr=INNER_RATE)
    weights = library.extract_state_dict(network, by="reference", detach_buffers=True)
    state = library.extract_state_dict(inner, by="reference")

    def backward(episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            for _ in range(setting.steps):
                support = episode.support
                inner.step(F.cross_entropy(network(support.inputs), support.targets))
            loss = F.cross_entropy(network(episode.query.inputs), episode.query.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()
            library.recover_state_dict(network, weights)
            library.recover_state_dict(inner, state)
        average(network, len(episodes))

    return Trainee(network, backward)


def learn2learn_anil(ours: Algorithm, setting: Setting) -> Trainee:
    """Returns learn2learn's ANIL: examples/vision/anil_fc100.py."""
    features, head = networks.twin(ours)
    maml = learn2learn_maml(head, INNER_RATE)
    both = nn.ModuleList((features, head))

    def backward(episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            learner = maml.clone()
            support, query = episode.support, episode.query
            embedded = features(torch.cat([support.inputs, query.inputs]))
            known, asked = embedded[: len(support)], embedded[len(support) :]
            for _ in range(setting.steps):
                learner.adapt(F.cross_entropy(learner(known), support.targets))
            loss = F.cross_entropy(learner(asked), query.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()
        average(both, len(episodes))

    return Trainee(both, backward)


REPTILE_BATCH, REPTILE_RATE = 10, 1e-3


def learn2learn_reptile(ours: Algorithm, setting: Setting) -> Trainee:
    """Returns learn2learn's example of Reptile, examples/vision/reptile_miniimagenet.py.

    As shipped it raises ValueError on current torch: its betas (0, 0.999) mix integer and float.
    Batches go through the support once instead of being drawn, and each task's Adam starts afresh.
    """
    network = nn.Sequential(*networks.twin(ours))

    def backward(episodes: Sequence[Episode]) -> None:
        for weight in network.parameters():
            weight.grad = torch.zeros_like(weight)
        for episode in episodes:
            learner = copy.deepcopy(network)
            adam = torch.optim.Adam(learner.parameters(), lr=REPTILE_RATE, betas=(0.0, 0.999))
            inputs, targets = episode.support.inputs, episode.support.targets
            for step in range(setting.steps):
                batch = torch.arange(REPTILE_BATCH) + step * REPTILE_BATCH
                adam.zero_grad()
                error = F.cross_entropy(learner(inputs[batch]), targets[batch])
                error.backward()  # type: ignore[no-untyped-call]
                adam.step()
            for weight, moved in zip(network.parameters(), learner.parameters(), strict=True):
                if weight.grad is not None:
                    weight.grad.add_(moved.detach(), alpha=-1.0)
        for weight in network.parameters():
            if weight.grad is not None:
                weight.grad.mul_(1 / len(episodes)).add_(weight.detach())

    return Trainee(network, backward)


def average(module: nn.Module, tasks: int) -> None:
    """Divides gradients that were summed over tasks by their number."""
    for weight in module.parameters():
        if weight.grad is not None and tasks > 1:
            weight.grad.mul_(1 / tasks)


def training_work(make: Callable[[], Algorithm], setting: Setting, quick: bool) -> Work:
    """Returns bench's way: `train_step`, whatever the algorithm chooses to do in it."""
    ours, episodes = make(), setting.episodes(quick)
    ours.train()
    optimizer = torch.optim.Adam(ours.parameters(), lr=1e-12)
    return Work(lambda: ours.train_step(episodes, optimizer), len(episodes))


def peer_work(
    make: Callable[[], Algorithm], trainer: Trainer, setting: Setting, quick: bool
) -> Work:
    """Returns a peer's way: the gradient of the batch, and a step of Adam."""
    trainee, episodes = trainer(make(), setting), setting.episodes(quick)
    optimizer = torch.optim.Adam(trainee.module.parameters(), lr=1e-12)

    def run() -> None:
        optimizer.zero_grad()
        trainee.backward(episodes)
        optimizer.step()

    return Work(run, len(episodes))


def gradient_proof(
    make: Callable[[], Algorithm], trainer: Trainer, setting: Setting, peer: str
) -> Proof:
    """Returns how far the mean gradients of two tasks are apart, in double precision."""
    ours = make().double().train()
    theirs = trainer(ours, setting)
    episodes = data.doubled(setting.episodes(True))
    ours.train_step(episodes, torch.optim.SGD(ours.parameters(), lr=0.0))
    theirs.backward(episodes)
    error = networks.gradient_error(ours, theirs.module)
    return Proof(peer, "gradient of a step on the same weights and episodes, float64", error)


def training_item(
    name: str,
    summary: str,
    make: Callable[[], Algorithm],
    setting: Setting,
    trainers: dict[str, tuple[Trainer, str]],
    floor: Floor,
    target: Target,
) -> Item:
    """Returns the item that trains `make()` and the peers that `trainers` names."""
    contenders = [Contender(OURS, "", lambda quick: training_work(make, setting, quick))]
    for peer, (trainer, note) in trainers.items():

        def work(quick: bool, trainer: Trainer = trainer) -> Work:
            return peer_work(make, trainer, setting, quick)

        contenders.append(Contender(peer, peer, work, note, both_allocators=peer == "learn2learn"))

    def prove(peers: Sequence[str], quick: bool) -> list[Proof]:
        make()
        return [gradient_proof(make, trainers[peer][0], setting, peer) for peer in peers]

    text = f"{summary}, {setting.tasks} tasks in a step"
    return Item(name, text, "tasks", tuple(contenders), prove, floor, target)


def maml_item(steps: int, first_order: bool, tasks: int, ratio: float | None) -> Item:
    """Returns MAML's item for a number of inner steps; one query a class, as in learn2learn's."""
    setting = Setting(tasks, 1, 1, steps, first_order)
    trainers: dict[str, tuple[Trainer, str]] = {
        "learn2learn": (learn2learn, "clone and adapt, as in examples/vision/maml_omniglot.py"),
        "higher": (higher, "innerloop_ctx, as in examples/maml-omniglot.py"),
    }
    if not first_order:
        trainers["torchopt"] = (torchopt, "MetaSGD")
    order = "first" if first_order else "second"
    return training_item(
        f"maml-train-{steps}step" + ("-first-order" if first_order else ""),
        f"MAML, {order} order, Conv4-64, 5-way 1-shot, 1 query a class, inner steps: {steps}",
        lambda: networks.algorithm(
            "maml", inner_lr=INNER_RATE, inner_steps=steps, first_order=first_order
        ),
        setting,
        trainers,
        floors.maml(data.OMNIGLOT, 5, 5, steps, first_order),
        Target("learn2learn", ratio),
    )


def items() -> list[Item]:
    """Returns the items of this family."""
    anil, reptile = Setting(8, 1, 15, 5), Setting(8, 16, 1, 8)  # 5 x 16 images: 8 batches of 10
    return [
        maml_item(1, False, 32, 2.0),
        maml_item(1, True, 32, None),
        maml_item(5, False, 8, 1.8),
        maml_item(5, True, 8, 1.8),
        training_item(
            "anil-train-5step",
            "ANIL, Conv4-64, 5-way 1-shot, 15 queries a class, inner steps: 5",
            lambda: networks.algorithm("anil", inner_lr=INNER_RATE, inner_steps=5),
            anil,
            {"learn2learn": (learn2learn_anil, "as in examples/vision/anil_fc100.py")},
            floors.supervised(data.OMNIGLOT, 80),
            Target("learn2learn", 1.5),
        ),
        training_item(
            "reptile-train",
            "Reptile, Conv4-64, 5-way 16-shot, 8 steps of Adam on batches of 10",
            lambda: networks.algorithm(
                "reptile",
                shots=16,
                inner_lr=REPTILE_RATE,
                inner_steps=8,
                inner_batch=REPTILE_BATCH,
            ),
            reptile,
            {"learn2learn": (learn2learn_reptile, "its example, betas mended; batches in order")},
            floors.supervised(data.OMNIGLOT, 80),
            Target("learn2learn", 1.9),
        ),
    ]
