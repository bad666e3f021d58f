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
    torch.manual_seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1)
