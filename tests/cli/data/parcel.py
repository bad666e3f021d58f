"""What tests of `bench data` share: a small dataset in a file that is served, and its plugin."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.bench.file_server import FileServer, Served
from tests.cli.verifying import bench

PLUGIN = '''
import numpy as np
from bench import BenchError, ClassExamples, Dataset, Download, hookimpl

class Parcel(Dataset):
    """Noise in a file.

    Args:
        least: the number that images begin with.
    """

    name, licence = "parcel", "MIT; whatever else there is to say"

    def __init__(self, *, least: int = 0):
        self.least = least

    def downloads(self):
        return (Download("parcel/data.npy", ("{url}",), "{digest}", size={size}),)

    def classes(self, files):
        path = files.find("elsewhere/data.npy") or files.obtain(self.downloads()[0])
        try:
            values = np.load(path)
        except ValueError as error:
            raise BenchError(f"{{path}} is damaged") from error
        for number, split in enumerate(["train", "train", "val", "test"]):
            images = values[number, : 20 if number else 18]
            groups = ("x",) * 2 + ("",) * (len(images) - 2)
            yield ClassExamples(f"c{{number}}", split, images, groups=groups)

    def remarks(self):
        return ("a remark on parcels",)

@hookimpl
def bench_datasets():
    return [Parcel]
'''


def images() -> NDArray[np.uint8]:
    """Returns the images of four classes, (4, 20, 3, 4, 4)."""
    return np.random.default_rng(0).integers(0, 256, (4, 20, 3, 4, 4), dtype=np.uint8)


def stored(values: NDArray[np.uint8]) -> bytes:
    """Returns an array as the content of its file."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@dataclass(frozen=True)
class Parcel:
    """The plugin, the file that it fetches, and the root below which that belongs."""

    plugin: Path
    content: bytes
    root: Path
    server: FileServer

    @property
    def file(self) -> Path:
        return self.root / "parcel" / "data.npy"

    def put(self, place: str = "parcel/data.npy", content: bytes | None = None) -> None:
        """Puts the file where the dataset finds it."""
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content if content is None else content)

    def data(self, command: str, *arguments: str) -> int:
        """Runs a subcommand of `bench data` with the plugin."""
        own = ["-p", str(self.plugin)]
        if command != "clean":
            own += ["--data-root", str(self.root)]
        return bench("data", command, *arguments, *own)


def make_parcel(server: FileServer, folder: Path) -> Parcel:
    content = stored(images())
    url = server.serve("/data.npy", Served(content))
    plugin = folder / "parcel_plugin.py"
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    plugin.write_text(PLUGIN.format(url=url, digest=digest, size=len(content)), encoding="utf-8")
    return Parcel(plugin, content, folder / "root", server)
