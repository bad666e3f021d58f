"""Episode sampling: from bytes to normalised float32 images, in batches of 32 episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
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
Draw = Callable[[], list[Flat]]


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


def ours(source: ClassPool, protocol: EpisodeProtocol) -> Callable[[], list[Any]]:
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
    return lambda: [taskset.sample() for _ in range(BATCH)]


def easyfsl(source: ClassPool, protocol: EpisodeProtocol, floats: bool) -> Callable[[], list[Any]]:
    """Returns easyfsl's way: a TaskSampler in a DataLoader, without workers."""
    images = Images(source, floats)
    sampler = easyfsl_sampler(images, protocol.ways, protocol.shots, protocol.queries, BATCH)
    loader = DataLoader(images, batch_sampler=sampler, collate_fn=sampler.episodic_collate_fn)
    return lambda: list(loader)


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


def peer_ways(
    protocol: EpisodeProtocol,
) -> list[tuple[str, str, Callable[[ClassPool], Draw], str]]:
    """Returns each peer's name, package, way to draw a batch, and what to know of it."""
    l2l, fsl = "learn2learn", "easyfsl"
    taskset = "a Taskset of bytes, each image through ToTensor"
    return [
        (
            *(l2l, l2l, lambda pool: learn2learn(pool, protocol, False, KEPT)),
            f"{taskset}, num_tasks={KEPT}, as in examples/vision/maml_omniglot.py",
        ),
        (
            *(f"{l2l}, tasks not kept", l2l, lambda pool: learn2learn(pool, protocol, False, -1)),
            f"{taskset}, num_tasks=-1",
        ),
        (
            *(f"{l2l}, float32", l2l, lambda pool: learn2learn(pool, protocol, True, -1)),
            "images converted beforehand, in 4 times the memory; num_tasks=-1",
        ),
        (
            *(fsl, fsl, lambda pool: easyfsl(pool, protocol, False)),
            "TaskSampler (patched, see peers.py) in a DataLoader; bytes, through ToTensor",
        ),
        (
            *(f"{fsl}, float32", fsl, lambda pool: easyfsl(pool, protocol, True)),
            "images converted beforehand",
        ),
    ]


def sampling_item(name: str, shape: data.Shape, ways: int, shots: int, target: Target) -> Item:
    """Returns the item for images of a shape and a protocol with 15 queries."""
    protocol = EpisodeProtocol(ways, shots, 15)

    def maker(draw: Callable[[ClassPool], Callable[[], list[Any]]]) -> Callable[[bool], Work]:
        return lambda quick: Work(draw(source_of(shape, protocol, quick)), BATCH)

    contenders = [Contender(OURS, "", maker(lambda pool: ours(pool, protocol)))]
    contenders += [
        Contender(name, package, maker(way), note, both_allocators=name == package == "learn2learn")
        for name, package, way, note in peer_ways(protocol)
    ]

    def prove(peers: Sequence[str], quick: bool) -> list[Proof]:
        source = source_of(shape, protocol, True)
        return list(_proofs(contenders, peers, source, protocol))

    return Item(
        name,
        f"{ways}-way {shots}-shot 15-query from {'x'.join(map(str, shape))} bytes, {BATCH} at once",
        "episodes",
        tuple(contenders),
        prove,
        floors.sampling(shape, ways * protocol.per_class),
        target,
    )


def _proofs(
    contenders: Sequence[Contender],
    peers: Sequence[str],
    source: ClassPool,
    protocol: EpisodeProtocol,
) -> Iterator[Proof]:
    """Yields, for ours and each peer, how far a batch's images are from the pool's."""
    for contender in contenders:
        if contender.name in (OURS, *peers):
            batch: Any = contender.make(True).run()
            worst = max(deviation(flatten(contender.name, e), source, protocol) for e in batch[:4])
            yield Proof(contender.name, "images are the pool's, labels one to a class", worst)


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
