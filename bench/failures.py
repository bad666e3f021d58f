"""What goes wrong inside a plugin, turned into one line that says what to change."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import numpy
import torch

from bench.errors import BenchError, RunFailed
from bench.firewall import plugin_running

_NO_SECOND_DERIVATIVE = re.compile(r"derivative for \S+_backward is not implemented")
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


@contextmanager
def plugin_code(name: str, doing: str, less_memory: str) -> Iterator[None]:
    """Runs code of the plugin `name`; its exceptions become RunFailed, which says what to change.

    Raises:
        RunFailed: out of memory, or any exception of the plugin's, or it tried to open test data.
    """
    try:
        with plugin_running(name, doing):
            yield
    except BenchError:
        raise
    except (Exception, SystemExit) as error:
        if _is_out_of_memory(error):
            raise RunFailed(f"out of memory while {doing}; {less_memory}") from error
        if _NO_SECOND_DERIVATIVE.search(str(error)):
            raise RunFailed(
                f"{name} needs second derivatives, which torch does not have for a part of this "
                "network; take another --backbone, or a method of first order"
            ) from error
        reason = " ".join(str(error).split())
        raise RunFailed(
            f"{name} failed while {doing}: {type(error).__name__}: {reason} ({_place(error)}); "
            "mend the plugin, or see the traceback with --debug"
        ) from error


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(t in str(error) for t in _OUT_OF_MEMORY)


def _place(error: BaseException) -> str:
    """Returns file and line of the exception, the innermost ones outside torch and numpy."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = tuple(folder for library in (torch, numpy) for folder in library.__path__)
    own = [f for f in frames if not f.filename.startswith(libraries)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}"
