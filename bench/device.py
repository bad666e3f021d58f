"""The device: what computes, by name."""

from __future__ import annotations

import textwrap
import time

import torch

from bench.errors import BenchError

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")


def find_device(name: str) -> torch.device:
    """Returns the device of that name; `auto` is a CUDA GPU if there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in DEVICES:
        raise BenchError(f"--device is '{name}'; known: {', '.join(DEVICES)}, cuda:1 and so on")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = textwrap.shorten(str(error), 80, placeholder=" ...")
        raise BenchError(
            f"--device is '{name}', which cannot be used here ({reason}); try --device auto"
        ) from None
    return device


def now_on(device: torch.device) -> float:
    """Returns the clock's seconds, once the device has done all it was told to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
