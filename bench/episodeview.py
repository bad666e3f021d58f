"""An episode to be looked at: its inputs by class, with the classes' names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.pool import EpisodeStream

Inputs = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class ClassView:
    """A class of an episode: its name, and its support (k, ...) and query (q, ...) inputs.

    In regression it is a function, with the targets of these (k, d) and (q, d), and all points
    that the data has of it, `points` (p, ...) and `values` (p, d).
    """

    name: str
    support: Inputs
    query: Inputs
    support_values: NDArray[np.float32] | None = None
    query_values: NDArray[np.float32] | None = None
    points: Inputs | None = None
    values: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class EpisodeView:
    """An episode: what it is called, and its classes in the order of their labels."""

    title: str
    classes: tuple[ClassView, ...]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.classes[0].support.shape[1:]


def view(stream: EpisodeStream, number: int, title: str) -> EpisodeView:
    """Returns episode `number` of a stream.

    Raises:
        BenchError: the stream has fewer.
    """
    if stream.length is not None and number >= stream.length:
        raise BenchError(
            f"--episode is {number}, but {stream.protocol.id} gives {stream.length} episodes; the "
            f"last one is {stream.length - 1}"
        )
    indices, pool = stream.indices(number, 1), stream.pool
    classes = []
    for label, row in enumerate(indices.classes[0].tolist()):
        support = indices.support[0][indices.support_labels[0] == label]
        query = indices.query[0][indices.query_labels[0] == label]
        one = ClassView(pool.classes[row], pool.inputs[support], pool.inputs[query])
        if pool.targets is not None:
            own = slice(pool.offsets[row], pool.offsets[row + 1])
            targets = (pool.targets[support], pool.targets[query])
            one = ClassView(
                one.name, one.support, one.query, *targets, pool.inputs[own], pool.targets[own]
            )
        classes.append(one)
    return EpisodeView(title, tuple(classes))
