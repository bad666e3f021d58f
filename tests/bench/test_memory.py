"""Memory: sets that are larger than it are built, compared and trained on, a part at a time.

What counts is anonymous memory: pages of mapped files are given back whenever others need them.
Each test runs in a fresh process, which reports the most it held beyond what it began with.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.plugin_files import Write

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no /proc/self/status to read memory from"
)

MEGABYTE = 1 << 20
SET = 96 * 2 * MEGABYTE
"""Bytes of the set of the tests: 96 classes of 2 megabytes."""

PLUGIN = '''
import numpy as np
from bench import ClassExamples, Dataset, hookimpl

class Large(Dataset):
    """Random images of 3x16x16.

    Args:
        seed: seed of the images.
        each: images in each class.
    """

    name = "large"

    def __init__(self, *, seed: int = 0, each: int = 2731) -> None:
        self.seed, self.each = seed, each

    def classes(self, files):
        for number in range(96):
            rng = np.random.default_rng([self.seed, number])
            inputs = rng.integers(0, 256, (self.each, 3, 16, 16), dtype=np.uint8)
            split = "train" if number < 64 else "val" if number < 80 else "test"
            yield ClassExamples(f"class{number}", split, inputs)

@hookimpl
def bench_datasets():
    return [Large]
'''

WATCH = """
import sys, threading
from pathlib import Path
import torch
import bench.stored
from bench.cli import run_command_line
from bench.dataset import DataFiles
from bench.registry import load_registry
from bench.sources import check_apart, choose, open_source

torch.set_num_threads(1)
bench.stored.MEMORY_LIMIT = 1 << 20
plugin = sys.argv[1]
registry = load_registry([plugin])

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024

def opened(seed):
    chosen = choose(registry, "large", {"seed": seed})
    return open_source(chosen.dataset, chosen.parameters, DataFiles(Path()), lambda d, t: None)

class Most:
    def __enter__(self):
        self.before = self.most = held()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self
    def watch(self):
        while not self.done.wait(0.002):
            self.most = max(self.most, held())
    def __exit__(self, *error):
        self.done.set()
        self.thread.join()
        print("megabytes", self.most - self.before)
"""


def megabytes(code: str, plugin: Path) -> list[int]:
    """The most that each `with Most()` in the code held beyond what was held before."""
    process = subprocess.run(
        [sys.executable, "-c", WATCH + code, str(plugin)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=plugin.parent,
    )
    assert process.returncode == 0, process.stderr
    lines = [line.split() for line in process.stdout.splitlines()]
    return [int(words[1]) for words in lines if words[:1] == ["megabytes"]]


@pytest.fixture
def plugin(write: Write, empty_cache: Path) -> Path:
    return write("large.py", PLUGIN)


def test_a_large_set_is_built_and_compared_class_by_class(plugin: Path) -> None:
    code = """
with Most():
    one = opened(0)
other = opened(1)
with Most():
    check_apart(one, other)
assert len(one.data.pool("train").inputs) == 64 * 2731
bench.stored.MEMORY_LIMIT = 1 << 30
with Most():
    one.data.pool("train")
"""
    building, comparing, reading = megabytes(code, plugin)
    assert building < SET // MEGABYTE // 4
    assert comparing < SET // MEGABYTE // 4
    assert reading > SET // MEGABYTE // 2  # so what is bounded is what is measured


RUN = """
with Most():
    assert run_command_line(
        ["run", "--algo", "protonet", "--data", "large", "-p", plugin, "--set", "data.each=EACH"]
        + ["--ways", "3", "--queries", "2", "--steps", "6", "--train-ways", "5"]
        + ["--episodes", "20", "--validation-episodes", "10", "--backbone", "conv4-32"]
        + ["--device", "cpu", "--threads", "1", "--out", "results"]
    ) == 0
"""


def test_a_run_on_a_large_set_takes_hardly_more_than_on_a_small_one(plugin: Path) -> None:
    """Both build their set, train, validate and test; what torch takes for itself is in both."""
    (large,) = megabytes(RUN.replace("EACH", "2731"), plugin)
    (small,) = megabytes(RUN.replace("EACH", "40"), plugin)
    assert large - small < SET // MEGABYTE // 4
