"""The machine card: what the timings were made on, and what it can do at best."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import msgspec
import torch
import torch.nn.functional as F

from bench.provenance import processor_name
from bench.threads import usable_cores

PACKAGES = (
    *("fewshot-bench", "torch", "numpy", "pandas"),
    *("learn2learn", "easyfsl", "higher", "torchopt", "torchvision"),
)


class Limits(msgspec.Struct, frozen=True):
    """What the processor reached with so many threads: GF/s, GF/s, GB/s, 10^9 elements a second.

    Matrix product and convolution come from different libraries, and either may be the faster.
    """

    threads: int
    sgemm: float
    convolution: float
    copy: float
    conversion: float

    @property
    def arithmetic(self) -> float:
        """The most arithmetic that was reached, in GF/s."""
        return max(self.sgemm, self.convolution)


class Machine(msgspec.Struct, frozen=True):
    """The machine card. Load is the average number of runnable processes over a minute."""

    processor: str
    cores: int
    caches: dict[str, str]
    memory_gib: float
    system: str
    libc: str
    python: str
    packages: dict[str, str]
    load_before: float
    load_after: float
    limits: list[Limits]


def describe(load_before: float, limits: list[Limits]) -> Machine:
    """Returns the machine card; `limits` were measured in workers."""
    return Machine(
        processor=processor_name(),
        cores=usable_cores(),
        caches=caches(Path("/sys/devices/system/cpu/cpu0/cache")),
        memory_gib=round(memory_bytes() / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        libc=" ".join(platform.libc_ver()).strip(),
        python=platform.python_version(),
        packages=versions(),
        load_before=load_before,
        load_after=load(),
        limits=limits,
    )


def load() -> float:
    """Returns the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def memory_bytes() -> int:
    """Returns the size of the main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def caches(folder: Path) -> dict[str, str]:
    """Returns the sizes of the first core's caches, as Linux tells them; empty if it does not."""
    found = {}
    for index in sorted(folder.glob("index*")):
        level = (index / "level").read_text().strip()
        kind = {"Data": "d", "Instruction": "i"}.get((index / "type").read_text().strip(), "")
        found[f"L{level}{kind}"] = (index / "size").read_text().strip()
    return found


def versions() -> dict[str, str]:
    """Returns the versions of what is compared; `-` for what is not installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "-"
    return found


def measure_limits(quick: bool) -> Limits:
    """Measures what this process reaches with its threads, each as the best of several tries.

    Convolution is 3x3 on 64 channels in channels_last, as in Conv4. Copying counts the payload
    once. Converting is bytes to float32, into memory already used.
    """
    size, elements, images = (256, 1 << 16, 2) if quick else (2048, 1 << 26, 64)
    tries = 2 if quick else 7
    a, b, c = (torch.ones(size, size) for _ in range(3))
    product = _best(lambda: torch.mm(a, b, out=c), tries)
    maps = torch.ones(images, 64, 28, 28).to(memory_format=torch.channels_last)
    kernel = torch.ones(64, 64, 3, 3).to(memory_format=torch.channels_last)
    with torch.no_grad():
        convolved = _best(lambda: F.conv2d(maps, kernel, padding=1), tries)
    source, target = torch.ones(elements), torch.zeros(elements)
    copied = _best(lambda: target.copy_(source), tries)
    pixels = torch.ones(elements, dtype=torch.uint8)
    converted = _best(lambda: target.copy_(pixels), tries)
    return Limits(
        threads=torch.get_num_threads(),
        sgemm=2 * size**3 / product / 1e9,
        convolution=2 * maps.numel() * 9 * 64 / convolved / 1e9,
        copy=4 * elements / copied / 1e9,
        conversion=elements / converted / 1e9,
    )


def _best(run: Callable[[], object], tries: int) -> float:
    run()
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)
