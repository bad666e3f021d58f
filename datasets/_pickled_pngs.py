"""Pictures in a pickle, found without unpickling it: it may be larger than memory, and not safe."""

from __future__ import annotations

import pickletools
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import BenchError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADERS = {  # the bytes before the content, by how it is pickled
    **dict.fromkeys(("SHORT_BINSTRING", "SHORT_BINBYTES"), 2),
    **dict.fromkeys(("BINSTRING", "BINBYTES"), 5),
    **dict.fromkeys(("BINBYTES8", "BYTEARRAY8"), 9),
}


@dataclass(frozen=True)
class PickledPngs:
    """The PNG files in a pickle, in their order."""

    path: Path
    starts: array[int]
    sizes: array[int]

    def __len__(self) -> int:
        return len(self.starts)

    def reader(self, row: int) -> Callable[[], bytes]:
        """Returns a way to read one of them."""
        return partial(_content, self.path, self.starts[row], self.sizes[row])


def find_pngs(path: Path) -> PickledPngs:
    """Returns where the PNG files lie in a pickle.

    Raises:
        BenchError: it cannot be read, or is no pickle.
    """
    starts, sizes = array("q"), array("q")
    try:
        with path.open("rb") as file:
            for code, content, place in pickletools.genops(file):
                if code.name not in _HEADERS or place is None:
                    continue
                if isinstance(content, str):  # of Python 2
                    content = content.encode("latin-1")
                if isinstance(content, bytes | bytearray) and content.startswith(_SIGNATURE):
                    starts.append(place + _HEADERS[code.name])
                    sizes.append(len(content))
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BenchError(
            f"{path} is no pickle of images, or is damaged ({reason[:200]})"
        ) from error
    return PickledPngs(path, starts, sizes)


def _content(path: Path, start: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(size)
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error
