"""Provenance: what a run ran on, as far as the machine tells."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch

from bench.results import Environment
from bench.threads import usable_cores

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

PACKAGES = (
    *("fewshot-bench", "torch", "torchvision", "torchmetrics", "numpy", "scipy", "pandas"),
    *("pluggy", "pillow", "safetensors", "matplotlib", "learn2learn"),
)


def describe_environment(device: torch.device) -> Environment:
    """Returns versions, hardware, and the state of the git checkout that bench is run from."""
    commit, dirty = _git_state()
    return Environment(
        packages=installed_versions(),
        python=platform.python_version(),
        platform=platform.platform(),
        processor=processor_name(),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        device=device_name(device),
        git_commit=commit,
        git_dirty=dirty,
    )


def installed_versions() -> dict[str, str]:
    """Returns the versions of the packages that results depend on; absent ones are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor_name() -> str:
    """Returns the processor's model name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def device_name(device: torch.device) -> str:
    """Returns the device as a reader knows it."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def peak_memory(device: torch.device) -> dict[str, int]:
    """Returns the most bytes held so far: by this process, and on the GPU if one is used."""
    unit = 1 if sys.platform == "darwin" else 1024
    peaks = {}
    if resource is not None:
        peaks["process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    if device.type == "cuda":
        peaks["gpu"] = torch.cuda.max_memory_allocated(device)
    return peaks


def _git_state() -> tuple[str, bool | None]:
    """Returns commit and dirty flag of the checkout bench is imported from, else '' and None."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return "", None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return "", None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
