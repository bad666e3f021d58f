"""Seeds: every use of torch's generator starts from a seed named after what it is for.

Step t of training and episode i of an evaluation each get a seed of their own. So neither depends
on what came before it, and a resumed run continues as if it had never stopped.
"""

from __future__ import annotations

import hashlib

import torch


def seed_torch(seed: int, *purpose: str | int) -> None:
    """Seeds torch's generators, on all devices, for one named purpose."""
    text = "/".join(map(str, (seed, *purpose)))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
    if _has_devices():
        torch.manual_seed(number)
    else:  # the same for the CPU, without a note, with a stack trace, for each device that is not
        torch.default_generator.manual_seed(number)


def _has_devices() -> bool:
    """Tells whether there is more to seed than the CPU."""
    others = (torch.cuda, torch.xpu)
    return torch.mps.is_available() or any(device.is_initialized() for device in others)
