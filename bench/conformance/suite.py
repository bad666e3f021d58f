"""The suite: all checks of an algorithm, run one by one."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from bench.algorithm import Algorithm
from bench.backbones import Backbone
from bench.conformance import (
    answers,
    declarations,
    devices,
    doors,
    isolation,
    order,
    saving,
    slopes,
    steps,
)
from bench.conformance.check import Check, Failed, Finding, NotApplicable, Status
from bench.conformance.subject import Subject
from bench.errors import BenchError, NothingMatched, nearest
from bench.extras import EXTRAS, is_installed
from bench.parameters import Value, settle
from bench.registry import Registry
from bench.tasks import REGRESSION

CHECKS: tuple[Check[Subject], ...] = (
    *answers.CHECKS,
    *isolation.CHECKS,
    *order.CHECKS,
    *steps.CHECKS,
    *saving.CHECKS,
    *doors.CHECKS,
    *slopes.CHECKS,
    *devices.CHECKS,
    *declarations.CHECKS,
)
SMALL = {"conv4": "conv4-32"}
"""What takes the place of a core backbone, unless the user names one: the same, but quicker."""


class MissingPackage(BenchError):
    """An algorithm cannot be checked for lack of an optional package."""


def subjects(
    registry: Registry,
    name: str,
    backbone: str | None = None,
    given: Mapping[str, Value] | None = None,
) -> list[Subject]:
    """Returns an installed algorithm, on each kind of task that it takes.

    Raises:
        MissingPackage: it needs a package that is not installed.
        BenchError: there is none of that name, or a parameter does not fit.
    """
    cls = registry.algorithm(name)
    for package in cls.requires:
        if not is_installed(package):
            cure = "bench" if package in EXTRAS else "pip"
            raise MissingPackage(f"{name} needs {package}; install it: {cure} install {package}")
    found = []
    for task in cls.tasks:
        own = cls.regression_defaults if task == REGRESSION else {}
        parameters = settle(name, cls, {**own, **(given or {})})
        chosen = _backbone(registry, cls, backbone, task == REGRESSION)
        found.append(Subject(cls, task, chosen, parameters))
    return found


def _backbone(
    registry: Registry, cls: type[Algorithm], chosen: str | None, of_curves: bool
) -> Backbone | None:
    """Returns the backbone to check with: the user's, or a small one that the algorithm takes."""
    if cls.backbone is None:
        return None
    if of_curves:
        return registry.backbone("mlp-40")
    return registry.backbone(chosen or SMALL.get(cls.backbone, cls.backbone))


def matching(pattern: str) -> list[Check[Subject]]:
    """Returns the checks with `pattern` in their names; raises NothingMatched if there is none."""
    found = [check for check in CHECKS if pattern in check.name]
    if not found:
        names = [check.name for check in CHECKS]
        raise NothingMatched(f"no check has '{pattern}' in its name; {nearest(pattern, names)}")
    return found


def run(subjects: Sequence[Subject], pattern: str = "", debug: bool = False) -> Iterator[Finding]:
    """Runs the checks with `pattern` in their names and yields what each found.

    With `debug` a plugin's own exceptions are let through.
    """
    for number, subject in enumerate(subjects):
        failed: list[str] = []
        for check in matching(pattern):
            if check.once and number:
                continue
            broken = [name for name in check.needs if name in failed]
            if broken:
                reason = f"as '{broken[0]}' failed"
                failed.append(check.name)  # as good as failed, for those that need it in turn
                yield Finding(check.name, check.proves, subject.task, "skipped", 0.0, reason)
                continue
            finding = run_one(check, subject, debug)
            if finding.status == "failed":
                failed.append(check.name)
            yield finding


def run_one(check: Check[Subject], subject: Subject, debug: bool = False) -> Finding:
    """Runs one check; an exception of the plugin's own is a failure, too."""
    started = time.perf_counter()

    def finding(
        status: Status, note: str = "", expected: str = "", saw: str = "", mend: str = ""
    ) -> Finding:
        seconds = time.perf_counter() - started
        name, proves, task = check.name, check.proves, subject.task
        return Finding(name, proves, task, status, seconds, note, expected, saw, mend)

    try:
        with torch.random.fork_rng():
            reason = check.why_not(subject)
            if reason:
                return finding("skipped", reason)
            return finding("passed", check.run(subject))
    except NotApplicable as error:
        return finding("skipped", str(error))
    except Failed as error:
        return finding("failed", "", error.expected, error.saw, error.mend)
    except Exception as error:
        if debug:
            raise
        saw = f"{type(error).__name__}: {' '.join(str(error).split())} ({_place(error)})"
        mend = f"mend the plugin there; -k {check.name} --debug shows the traceback"
        return finding("failed", "", f"that {check.proves}", saw, mend)


def _place(error: BaseException) -> str:
    """Returns file and line of an exception: the innermost outside torch, checks and harness."""
    frames = traceback.extract_tb(error.__traceback__)
    known = (*torch.__path__, str(Path(__file__).parent.parent))
    own = [frame for frame in frames if not frame.filename.startswith(known)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}"
