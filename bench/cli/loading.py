"""Loading the plugins, and torch with them, in as little time as that takes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.interruption import leaving_at_once

if TYPE_CHECKING:
    from bench.registry import Registry


def load_plugins(extra: Sequence[str] = (), *, strict: bool = True) -> Registry:
    """Imports every plugin that is installed, and those of `-p`, as `load_registry` does.

    Python's garbage collector walks through all that torch defines several times while torch is
    imported, and again when the process ends, and finds nothing: a third of the time of
    `bench list`. So it waits while plugins load, and leaves alone what is there afterwards.
    Ctrl-C ends the program at once meanwhile.
    """
    if "torch" in sys.modules:
        return _load(extra, strict)
    gc.disable()
    try:
        with leaving_at_once():
            return _load(extra, strict)
    finally:
        gc.freeze()
        gc.enable()


def _load(extra: Sequence[str], strict: bool) -> Registry:
    from bench.registry import load_registry

    return load_registry(extra, strict=strict)
