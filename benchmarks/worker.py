"""A worker: a process with its own threads and allocator, in which contenders are timed.

Run as `python -m benchmarks.worker [--keep-large-blocks]`; it reads requests and writes replies, a
line of JSON each. What libraries print goes to standard error.
"""

from __future__ import annotations

import argparse
import gc
import os
from typing import BinaryIO

import msgspec

from bench.allocator import keep_large_blocks
from bench.errors import BenchError
from benchmarks import messages
from benchmarks.catalogue import find_item
from benchmarks.item import Work
from benchmarks.machine import measure_limits
from benchmarks.timing import Clock, calibrate, measure


class Worker:
    """Answers requests; holds the work between them."""

    def __init__(self) -> None:
        self._prepared: dict[str, tuple[Work, int]] = {}
        self._clock = Clock()

    def answer(self, request: messages.Request) -> messages.Reply:
        """Returns the reply to one request; whatever goes wrong is in it."""
        try:
            return self._answer(request)
        except BenchError as error:
            return messages.Failed(str(error), mendable=True)
        except Exception as error:  # a peer may raise anything, and the others go on
            return messages.Failed(f"{type(error).__name__}: {error}", mendable=False)

    def _answer(self, request: messages.Request) -> messages.Reply:
        if isinstance(request, messages.Prove):
            prove = find_item(request.item).prove
            return messages.Proved(prove(request.peers, request.quick))
        if isinstance(request, messages.Prepare):
            work = find_item(request.item).contender(request.contender).make(request.quick)
            calls = calibrate(work.run, request.seconds, self._clock)
            self._prepared[request.contender] = work, calls
            return messages.Ready(calls)
        if isinstance(request, messages.Measure):
            if request.contender not in self._prepared:
                raise ValueError(f"{request.contender} is not prepared")
            work, calls = self._prepared[request.contender]
            gc.collect()
            return messages.Measured(measure(work.run, work.units, calls, self._clock))
        if isinstance(request, messages.MeasureLimits):
            return messages.Reached(measure_limits(request.quick))
        self._prepared.clear()
        gc.collect()
        return messages.Done()


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until there are no more."""
    worker = Worker()
    for line in requests:
        reply = worker.answer(msgspec.json.decode(line, type=messages.Request))
        replies.write(msgspec.json.encode(reply) + b"\n")
        replies.flush()


def main() -> None:
    """Serves on standard input and output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep-large-blocks", action="store_true")
    if parser.parse_args().keep_large_blocks:
        keep_large_blocks()
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries may print what they like
    with os.fdopen(0, "rb") as requests, replies:
        serve(requests, replies)


if __name__ == "__main__":
    main()
