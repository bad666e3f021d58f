"""Optional and awkward packages: how each is imported, and how each is installed."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bench.errors import BenchError, nearest


@dataclass(frozen=True)
class Extra:
    """An optional package: what it is for, and the pip arguments that install it, in order."""

    name: str
    summary: str
    why: str
    pip: tuple[tuple[str, ...], ...]


EXTRAS = {
    "learn2learn": Extra(
        "learn2learn",
        "the l2l-* algorithms: learn2learn's methods on our episodes",
        "learn2learn 0.2.0 has no wheel, and the C files in its source archive do not compile on "
        "Python 3.11 and later; these steps compile them anew from its Cython sources, which "
        "needs a C compiler. Its declared dependencies gsutil and qpth are left out: the "
        "algorithms used here do not need them.",
        (
            ("cython", "setuptools", "wheel", "requests", "tqdm", "gym", "scipy"),
            (
                "--no-deps",
                "--no-build-isolation",
                "--use-pep517",
                "--config-settings=--global-option=build_ext",
                "learn2learn==0.2.0",
            ),
        ),
    ),
}


def find_extra(name: str) -> Extra:
    """Returns the extra of that name; raises BenchError with the nearest match if there is none."""
    if name not in EXTRAS:
        raise BenchError(f"nothing to install under the name '{name}'; {nearest(name, EXTRAS)}")
    return EXTRAS[name]


def is_installed(name: str) -> bool:
    """Tells whether a package can be found, without importing it."""
    return importlib.util.find_spec(name) is not None


def import_extra(name: str) -> ModuleType:
    """Imports an optional package, or torchvision, quietly and with its known traps defused.

    Raises:
        BenchError: it is not installed or cannot be imported; says which command mends that.
    """
    package = name.partition(".")[0]
    cure = f"bench install {package}" if package in EXTRAS else f"pip install {package}"
    if not is_installed(package):
        raise BenchError(f"the package {package} is not installed; install it with: {cure}")
    define_torchvision_operators()
    try:
        # learn2learn imports gym, which prints that it is unmaintained each time.
        with contextlib.redirect_stderr(io.StringIO()):
            return importlib.import_module(name)
    except Exception as error:
        raise BenchError(f"the package {name} cannot be imported ({error}); try: {cure}") from error


def define_torchvision_operators() -> None:
    """Lets torchvision be imported beside a build of torch that its compiled part does not match.

    torchvision registers fake implementations for two operators of its compiled extension while
    it is imported. Where the extension cannot load (a CUDA wheel beside a CPU build of torch), the
    operators do not exist and the import fails with «operator torchvision::nms does not exist».
    Declaring them first is enough for datasets, transforms and models; calling them still fails.
    """
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return
    folder = Path(spec.submodule_search_locations[0])
    for file in [*folder.glob("_C*.so"), *folder.glob("_C*.pyd"), *folder.glob("_C*.dylib")]:
        with contextlib.suppress(OSError):
            torch.ops.load_library(str(file))  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{operator}", schema)
