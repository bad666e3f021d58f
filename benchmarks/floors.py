"""Floors: what a unit of work costs at least, counted by hand.

Convolutions are counted as direct ones, two operations to a multiply-add; nothing elementwise is
counted. Winograd's convolution could go below. Notation: F is the forward pass of the network for
one image, F1 that of its first layer.

- A pass with gradient costs 3F - F1: forward, gradient of the input, gradient of the weights; the
  first layer needs no gradient of its input.
- A second-order inner step costs 9F - 5F1: forward (1), its gradient (2), and for each of these
  three bilinear operations two more when the outer loss is differentiated through them (6). In
  the first layer remain the forward pass, the weights' gradient, and one derivative of each.
"""

from __future__ import annotations

from benchmarks.item import Floor


def conv4_flop(shape: tuple[int, int, int], filters: int = 64) -> tuple[float, float]:
    """Returns F and F1 of four 3x3 convolutions, each followed by 2x2 pooling."""
    channels, height, width = shape
    layers = []
    for _ in range(4):
        layers.append(2.0 * height * width * 9 * channels * filters)
        channels, height, width = filters, height // 2, width // 2
    return sum(layers), layers[0]


def training_pass(shape: tuple[int, int, int]) -> float:
    """Returns the operations of a forward pass and its gradient, for one image."""
    whole, first = conv4_flop(shape)
    return 3 * whole - first


def supervised(shape: tuple[int, int, int], images: int) -> Floor:
    """Returns the floor of a first-order step on so many images."""
    return Floor("flop", images * training_pass(shape))


def maml(
    shape: tuple[int, int, int], support: int, query: int, steps: int, first_order: bool
) -> Floor:
    """Returns the floor of one task's meta-gradient."""
    whole, first = conv4_flop(shape)
    inner = training_pass(shape) if first_order else 9 * whole - 5 * first
    return Floor("flop", support * steps * inner + query * training_pass(shape))


def adaptation(shape: tuple[int, int, int], support: int, query: int, steps: int) -> Floor:
    """Returns the floor of adapting to one test task and answering its queries."""
    return Floor("flop", support * steps * training_pass(shape) + query * conv4_flop(shape)[0])


def embedded_once(
    shape: tuple[int, int, int], images: int, episodes: int, *, rows: int, ways: int, features: int
) -> Floor:
    """Returns the floor of one episode if every image is embedded once for all episodes."""
    scoring = 2.0 * rows * ways * features
    return Floor("flop", images * conv4_flop(shape)[0] / episodes + scoring)


def sampling(shape: tuple[int, int, int], images: int) -> Floor:
    """Returns the floor of an episode: its bytes, read one after another, become float32."""
    channels, height, width = shape
    return Floor("elements", float(images * channels * height * width))
