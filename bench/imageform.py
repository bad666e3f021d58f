"""Image forms: what pictures of any size and mode are made into before anybody learns from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.errors import BenchError

Mode = Literal["RGB", "L"]
Fit = Literal["stretch", "crop", "pad"]
Resampling = Literal["nearest", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True)
class ImageForm:
    """How a picture becomes an input (channels, height, width), uint8.

    Args:
        height: of the input, in pixels.
        width: of the input, in pixels.
        mode: RGB (3 channels) or L (1 channel, luma).
        fit: what happens to other proportions: `stretch` ignores them, `crop` keeps the middle,
            `pad` keeps all and adds black.
        resampling: Pillow's filter.
        inverted: whether values are turned round, so that dark ink on white becomes 255 on 0.

    Raises:
        BenchError: a side is not positive.
    """

    height: int
    width: int
    mode: Mode = "RGB"
    fit: Fit = "stretch"
    resampling: Resampling = "bilinear"
    inverted: bool = False

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) < 1:
                raise BenchError(
                    f"an image's {name} is {getattr(self, name)}; it must be at least 1"
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of an input: channels, height, width."""
        return (3 if self.mode == "RGB" else 1, self.height, self.width)

    def __str__(self) -> str:
        colours = "colour" if self.mode == "RGB" else "grey"
        inverted = ", inverted" if self.inverted else ""
        return f"{self.width}x{self.height} {colours}, {self.fit}, {self.resampling}{inverted}"
