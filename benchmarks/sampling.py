"""Episode sampling: from bytes to normalised float32 images, in batches of 32 episodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from bench.episodes import EpisodeProtocol
from bench.extras import import_extra
from bench.pool import ClassPool
from benchmarks import data, floors
from benchmarks.item import OURS, Contender, Item, Proof, Target, Work
from benchmarks.peers import easyfsl_sampler

BATCH = 32
POOLS = {  # classes and images of each; in brackets the real sets
    (1, 28, 28): (4112, 20),  # Omniglot's training classes with rotations (4112 x 20)
    (3, 32, 32): (64, 200),  # CIFAR-FS (64 x 600)
    (3, 84, 84): (64, 60),  # miniImageNet (64 x 600)
}
Flat = tuple[Tensor, Tensor]
"""Images (ways * (shots + queries), ...) and labels of one episode."""
Draw = Callable[[], Iterable[Any]]
"""Gives a batch of episodes, each in the contender's own form."""


KEPT = 20_000
"""How many tasks learn2learn's Omniglot example has a Taskset remember."""


class Images(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """What the peers' users write: a labelled image at a time, through torchvision's `ToTensor`."""

    def __init__(self, source: ClassPool, floats: bool) -> None:
        self.images: Any = np.ascontiguousarray(source.inputs.transpose(0, 2, 3, 1))
        self.convert = import_extra("torchvision.transforms").ToTensor()
        if floats:
            self.images = torch.from_numpy(source.inputs).to(torch.float32).mul_(1 / 255)
            self.convert = None
        sizes = np.diff(source.offsets)
        self.labels = np.repeat(np.arange(len(sizes)), sizes).tolist()

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self.images[index]
        return (self.convert(image) if self.convert else image), self.labels[index]

    def __len__(self) -> int:
        return len(self.labels)

    def get_labels(self) -> list[int]:
        """Returns all labels: easyfsl asks for them."""
        return list(self.labels)


def source_of(shape: data.Shape, protocol: EpisodeProtocol, quick: bool) -> ClassPool:
    """Returns the pool that an item samples from."""
    classes, each = POOLS[shape]
    return data.pool(shape, 24 if quick else classes, protocol.per_class if quick else each)


def ours(source: ClassPool, protocol: EpisodeProtocol) -> Draw:
    """Returns bench's way: a stream of episodes, a batch at a time."""
    stream = data.stream(source, protocol.ways, protocol.shots, protocol.queries)
    starts = count(0, BATCH)
    return lambda: stream.episodes(next(starts), BATCH)


def learn2learn(source: ClassPool, protocol: EpisodeProtocol, floats: bool, tasks: int) -> Draw:
    """Returns learn2learn's way: a Taskset with the transforms of its own benchmarks.

    It remembers the descriptions of up to `tasks` tasks, and none if that is -1.
    """
    l2l, transforms = import_extra("learn2learn.data"), import_extra("learn2learn.data.transforms")
    images = Images(source, floats)
    labelled = l2l.MetaDataset(images, indices_to_labels=dict(enumerate(images.labels)))
    chain = [
        transforms.FusedNWaysKShots(labelled, n=protocol.ways, k=protocol.per_class),
        transforms.LoadData(labelled),
        transforms.RemapLabels(labelled),
        transforms.ConsecutiveLabels(labelled),
    ]
    taskset = l2l.Taskset(labelled, task_transforms=chain, num_tasks=tasks)
    return lambda: (taskset.sample() for _ in range(BATCH))


def easyfsl(source: ClassPool, protocol: EpisodeProtocol, floats: bool) -> Draw:
    """Returns easyfsl's way: a TaskSampler in a DataLoader, without workers."""
    images = Images(source, floats)
    sampler = easyfsl_sampler(images, protocol.ways, protocol.shots, protocol.queries, BATCH)
    loader = DataLoader(images, batch_sampler=sampler, collate_fn=sampler.episodic_collate_fn)
    return lambda: loader


def flatten(name: str, episode: Any) -> Flat:
    """Returns images and labels of an episode as a contender gives it."""
    if name == OURS:
        parts = (episode.support, episode.query)
        return torch.cat([p.inputs for p in parts]), torch.cat([p.targets for p in parts])
    if name.startswith("easyfsl"):
        support, support_labels, query, query_labels, _ = episode
        return torch.cat([support, query]), torch.cat([support_labels, query_labels])
    images, labels = episode
    return images, labels


def deviation(episode: Flat, source: ClassPool, protocol: EpisodeProtocol) -> float:
    """Returns how far an episode's images are from those of the pool that they must be.

    Raises:
        ValueError: it is no episode of this protocol: the wrong shape or type, images that occur
            twice or nowhere, or labels that do not stand for one class each.
    """
    images, labels = episode
    total = protocol.ways * protocol.per_class
    if images.shape != (total, *source.input_shape) or images.dtype is not torch.float32:
        raise ValueError(f"images of shape {tuple(images.shape)} and type {images.dtype}")
    known = {image.tobytes(): row for row, image in enumerate(source.inputs)}
    pixels = (images * 255).round().to(torch.uint8)
    rows = np.array([known.get(image.numpy().tobytes(), -1) for image in pixels])
    if (rows < 0).any() or len(set(rows.tolist())) < total:
        raise ValueError("an image is not in the pool, or is drawn twice")
    classes = np.searchsorted(source.offsets, rows, side="right") - 1
    pairs = set(zip(classes.tolist(), labels.tolist(), strict=True))
    if len(pairs) != protocol.ways or {label for _, label in pairs} != set(range(protocol.ways)):
        raise ValueError("a label stands for two classes, or a class has two labels")
    if set(np.bincount(labels.numpy()).tolist()) != {protocol.per_class}:
        raise ValueError("classes differ in their number of images")
    exact = source.inputs[rows].astype(np.float64) / 255
    return float(np.abs(images.numpy() - exact).max())


@dataclass(frozen=True)
class Way:
    """One way to sample: whose, from which package, how, and what to know of it."""

    name: str
    package: str
    draw: Callable[[ClassPool, EpisodeProtocol], Draw]
    note: str = ""


TASKSET = "a Taskset of bytes, each image through ToTensor; num_tasks="
WAYS = (
    Way(OURS, "", ours),
    Way(
        "learn2learn",
        "learn2learn",
        lambda source, protocol: learn2learn(source, protocol, False, KEPT),
        f"{TASKSET}{KEPT}, as in examples/vision/maml_omniglot.py",
    ),
    Way(
        "learn2learn, tasks not kept",
        "learn2learn",
        lambda source, protocol: learn2learn(source, protocol, False, -1),
        f"{TASKSET}-1",
    ),
    Way(
        "learn2learn, float32",
        "learn2learn",
        lambda source, protocol: learn2learn(source, protocol, True, -1),
        "images converted beforehand, in 4 times the memory; num_tasks=-1",
    ),
    Way(
        "easyfsl",
        "easyfsl",
        lambda source, protocol: easyfsl(source, protocol, False),
        "TaskSampler (patched, see peers.py) in a DataLoader; bytes, through ToTensor",
    ),
    Way(
        "easyfsl, float32",
        "easyfsl",
        lambda source, protocol: easyfsl(source, protocol, True),
        "images converted beforehand",
    ),
)


def sampling_item(name: str, shape: data.Shape, ways: int, shots: int, target: Target) -> Item:
    """Returns the item for images of a shape and a protocol with 15 queries."""
    protocol = EpisodeProtocol(ways, shots, 15)

    def contender(way: Way) -> Contender:
        return Contender(
            way.name,
            way.package,
            lambda quick: sampling_work(way.draw(source_of(shape, protocol, quick), protocol)),
            way.note,
            both_allocators=way.name == "learn2learn",
        )

    def prove(peers: Sequence[str], quick: bool) -> list[Proof]:
        source = source_of(shape, protocol, True)
        return [proof(way, source, protocol) for way in WAYS if way.name in (OURS, *peers)]

    return Item(
        name,
        f"{ways}-way {shots}-shot 15-query from {'x'.join(map(str, shape))} bytes; ours {BATCH} at "
        "a time, peers one by one, each let go before the next",
        "episodes",
        tuple(contender(way) for way in WAYS),
        prove,
        floors.sampling(shape, ways * protocol.per_class),
        target,
    )


def sampling_work(draw: Draw) -> Work:
    """Returns the work of drawing a batch, of which nothing is kept."""
    return Work(lambda: deque(draw(), maxlen=0), BATCH)


def proof(way: Way, source: ClassPool, protocol: EpisodeProtocol) -> Proof:
    """Returns how far the images of some episodes are from the pool's."""
    episodes = islice(way.draw(source, protocol)(), 4)
    worst = max(deviation(flatten(way.name, one), source, protocol) for one in episodes)
    return Proof(way.name, "images are the pool's, labels one to a class", worst)


def items() -> list[Item]:
    """Returns the items of this family."""
    small, large = (3, 32, 32), (3, 84, 84)
    against = "learn2learn"
    return [
        sampling_item("sampling-omniglot-5w1s", data.OMNIGLOT, 5, 1, Target(against, 60)),
        sampling_item("sampling-omniglot-20w5s", data.OMNIGLOT, 20, 5, Target()),
        sampling_item("sampling-32px-5w1s", small, 5, 1, Target()),
        sampling_item("sampling-84px-5w1s", large, 5, 1, Target(against, 5)),
    ]
