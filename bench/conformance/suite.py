"""The suite: which checks a plugin must pass, and how they are run one by one."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.algorithm import Algorithm
from bench.backbones import Backbone
from bench.conformance import (
    answers,
    backbone_checks,
    dataset_checks,
    declarations,
    devices,
    doors,
    isolation,
    order,
    saving,
    slopes,
    steps,
)
from bench.conformance.backbone_checks import BackboneSubject
from bench.conformance.check import Check, Failed, Finding, NotApplicable, Status
from bench.conformance.dataset_checks import DatasetSubject
from bench.conformance.subject import Subject
from bench.dataname import DataName
from bench.errors import BenchError, NothingMatched, nearest
from bench.extras import EXTRAS, is_installed
from bench.parameters import Value, settle
from bench.registry import Registry
from bench.sources import choose
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
"""The checks of an algorithm."""
SMALL = {"conv4": "conv4-32"}
"""What takes the place of a core backbone, unless the user names one: the same, but quicker."""


class MissingPackage(BenchError):
    """An algorithm cannot be checked for lack of an optional package."""


@dataclass(frozen=True)
class Case:
    """A check and whom it is to be made of."""

    check: Check[Any]  # of the kind of subject that is beside it
    subject: Subject | BackboneSubject | DatasetSubject

    def why_not(self) -> str:
        """Returns the reason why the check is not for the subject; '' if it is, or if it fails."""
        try:
            return self.check.why_not(self.subject)
        except Exception:  # a subject that cannot even be made is a matter for the check
            return ""


def cases(
    registry: Registry,
    name: str,
    backbone: str | None = None,
    given: Mapping[str, Value] | None = None,
) -> list[Case]:
    """Returns the checks of the algorithm, dataset or backbone of that name, in order.

    An algorithm is checked on each kind of task that it takes.

    Raises:
        MissingPackage: it needs a package that is not installed.
        BenchError: there is none of that name, or a parameter does not fit.
    """
    of_algorithm = name in registry.algorithms.entries
    if not of_algorithm and (backbone or given):
        raise BenchError(f"'{name}' is no algorithm; only those take --backbone and --set here")
    if of_algorithm:
        return _cases(CHECKS, _algorithm(registry, name, backbone, given or {}))
    if DataName.parse(name).dataset in registry.datasets.entries:
        chosen = choose(registry, name, {})
        return _cases(dataset_checks.CHECKS, [DatasetSubject(chosen.dataset, chosen.parameters)])
    if name in registry.backbones.entries or ":" in name:
        return _cases(backbone_checks.CHECKS, backbone_checks.subjects(registry.backbone(name)))
    known = [*registry.algorithms.entries, *registry.datasets.entries, *registry.backbones.entries]
    raise BenchError(f"nothing is called '{name}'; {nearest(name, known)}")


def _cases(checks: Sequence[Check[Any]], subjects: Sequence[Any]) -> list[Case]:
    return [
        Case(check, subject)
        for number, subject in enumerate(subjects)
        for check in checks
        if not (check.once and number)
    ]


def _algorithm(
    registry: Registry, name: str, backbone: str | None, given: Mapping[str, Value]
) -> list[Subject]:
    cls = registry.algorithm(name)
    for package in cls.requires:
        if not is_installed(package):
            cure = "bench" if package in EXTRAS else "pip"
            raise MissingPackage(f"{name} needs {package}; install it: {cure} install {package}")
    found = []
    for task in cls.tasks:
        own = cls.regression_defaults if task == REGRESSION else {}
        parameters = settle(name, cls, {**own, **given})
        chosen = _backbone(registry, cls, backbone, task == REGRESSION)
        found.append(Subject(cls, task, chosen, parameters))
    if given:
        _check_taken(name, found[0])
    return found


def _check_taken(name: str, subject: Subject) -> None:
    """Raises BenchError if the algorithm refuses the user's parameters: that is no finding."""
    try:
        subject.build()
    except ValueError as error:
        raise BenchError(f"{name}: {error}") from None
    except BenchError:
        raise
    except Exception:  # whatever it is, the checks will tell
        return


def _backbone(
    registry: Registry, cls: type[Algorithm], chosen: str | None, of_curves: bool
) -> Backbone | None:
    """Returns the backbone to check with: the user's, or a small one that the algorithm takes."""
    if cls.backbone is None:
        return None
    if of_curves:
        return registry.backbone("mlp-40")
    return registry.backbone(chosen or SMALL.get(cls.backbone, cls.backbone))


def matching(found: Sequence[Case], pattern: str) -> list[Case]:
    """Returns those with `pattern` in the check's name; raises NothingMatched if there is none."""
    chosen = [case for case in found if pattern in case.check.name]
    if not chosen:
        names = {case.check.name for case in found}
        raise NothingMatched(f"no check has '{pattern}' in its name; {nearest(pattern, names)}")
    return chosen


def run(found: Sequence[Case], debug: bool = False) -> Iterator[Finding]:
    """Runs checks and yields what each found; those that need one that failed are left out.

    With `debug` a plugin's own exceptions are let through.
    """
    failed: set[tuple[str, str]] = set()
    for case in found:
        check, label = case.check, case.subject.label
        broken = [name for name in check.needs if (label, name) in failed]
        if broken:
            failed.add((label, check.name))  # as good as failed, for those that need it in turn
            reason = f"as '{broken[0]}' failed"
            yield Finding(check.name, check.proves, label, "skipped", 0.0, reason)
            continue
        finding = run_one(case, debug)
        if finding.status == "failed":
            failed.add((label, check.name))
        yield finding


def run_one(case: Case, debug: bool = False) -> Finding:
    """Runs one check; an exception of the plugin's own is a failure, too."""
    started, check = time.perf_counter(), case.check

    def finding(
        status: Status, note: str = "", expected: str = "", saw: str = "", mend: str = ""
    ) -> Finding:
        seconds, label = time.perf_counter() - started, case.subject.label
        return Finding(check.name, check.proves, label, status, seconds, note, expected, saw, mend)

    try:
        with torch.random.fork_rng():
            reason = case.why_not()
            if reason:
                return finding("skipped", reason)
            return finding("passed", check.run(case.subject))
    except NotApplicable as error:
        return finding("skipped", str(error))
    except Failed as error:
        return finding("failed", "", error.expected, error.saw, error.mend)
    except Exception as error:
        if debug:
            raise
        saw = f"{type(error).__name__}: {' '.join(str(error).split())} ({_place(error)})"
        mend = f"mend the plugin there; -k {check.name} --debug shows the traceback"
        if "does not require grad" in saw:
            mend = (
                "the loss has no slope: is something computed under torch.no_grad, detached, or "
                "made anew from numbers?"
            )
        return finding("failed", "", f"that {check.proves}", saw, mend)


def _place(error: BaseException) -> str:
    """Returns file and line of an exception: the innermost outside torch, checks and harness."""
    frames = traceback.extract_tb(error.__traceback__)
    known = (*torch.__path__, str(Path(__file__).parent.parent))
    own = [frame for frame in frames if not frame.filename.startswith(known)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}"
