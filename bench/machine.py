"""The machine: what timings depend on, and how fast it multiplies matrices at the moment.

Two runs' timings may be compared if their cards are the same. The card is a hash of processor,
cores, threads, device, torch, its libraries and the allocator; the speed of a matrix product and
the load differ from run to run and say how much of the machine there was.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import statistics
from pathlib import Path

import torch

from bench.allocator import is_to_be_told
from bench.device import now_on
from bench.measurements import MachineRecord
from bench.provenance import device_name, processor_name
from bench.threads import usable_cores

CARD_LENGTH = 8
"""Hexadecimal digits of a card."""
SIDE, SIDE_ON_GPU = 1024, 4096
REPETITIONS, SECONDS = 7, 0.3
"""Matrix products timed at most, and seconds after which no more are."""
ALLOCATOR_SETTINGS = ("MALLOC_", "GLIBC_TUNABLES", "PYTORCH_CUDA_ALLOC_CONF")
"""How the names of environment variables begin that change the allocator."""


def describe_machine(device: torch.device, load_before: float | None = None) -> MachineRecord:
    """Returns the machine's card and, from half a second of work, its speed.

    `load_before` is the load when the run began; that of now is the load after it.
    """
    load_after = load_average()
    threads, cores = torch.get_num_threads(), usable_cores()
    constant = {
        "processor": processor_name(),
        "device": device_name(device),
        "torch": str(torch.__version__),
        "blas": libraries(torch.__config__.show(), device),
        "allocator": allocator(),
    }
    text = "\n".join([*constant.values(), str(cores), str(threads)])
    return MachineRecord(
        card=hashlib.sha256(text.encode()).hexdigest()[:CARD_LENGTH],
        cores=cores,
        threads=threads,
        gemm_gflops=round(matrix_speed(device), 1),
        load_before=load_before,
        load_after=load_after,
        **constant,
    )


def load_average() -> float | None:
    """Returns how many processes wanted a core over the last minute; None if nobody counts."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def libraries(configuration: str, device: torch.device) -> str:
    """Returns the libraries that compute and their instructions, from torch's own description."""
    patterns = (
        ("", r"BLAS_INFO=(\w+)"),
        ("MKL ", r"Math Kernel Library Version ([\w.]+)"),
        ("oneDNN ", r"MKL-DNN v([\w.]+)"),
        ("", r"CPU capability usage: (\S+)"),
    )
    found = [(name, re.search(pattern, configuration)) for name, pattern in patterns]
    parts = [name + match[1] for name, match in found if match]
    if device.type == "cuda":
        parts += [f"CUDA {torch.version.cuda}", f"cuDNN {torch.backends.cudnn.version()}"]  # type: ignore[no-untyped-call]
    return ", ".join(parts) or "unknown"


def allocator() -> str:
    """Returns the C library with its version, and what a run changes about its allocator."""
    library = " ".join(platform.libc_ver()).strip() or platform.system()
    kept = ["large blocks kept"] if is_to_be_told() else []
    preloaded = [Path(file).name for file in re.split("[: ]+", os.environ.get("LD_PRELOAD", ""))]
    asked = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith(ALLOCATOR_SETTINGS))
    return ", ".join([library, *kept, *filter(None, preloaded), *asked])


def matrix_speed(device: torch.device) -> float:
    """Returns billions of operations per second in a product of square matrices.

    They are of single precision; the median of a few products after one to warm up. A
    multiplication and an addition are two operations.
    """
    side = SIDE if device.type == "cpu" else SIDE_ON_GPU
    matrix = torch.linspace(0, 1, side * side, device=device).view(side, side)
    seconds: list[float] = []
    for _ in range(REPETITIONS + 1):
        started = now_on(device)
        _ = matrix @ matrix
        seconds.append(now_on(device) - started)
        if len(seconds) > 1 and sum(seconds) > SECONDS:
            break
    return 2 * side**3 / statistics.median(seconds[1:]) / 1e9
