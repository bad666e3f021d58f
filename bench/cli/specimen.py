"""Specimens: a method as it comes, to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from bench.algorithm import Algorithm
    from bench.registry import Registry


def specimen(registry: Registry, cls: type[Algorithm]) -> Algorithm | None:
    """Returns the method with its defaults, for small usual tasks; None if it cannot be made."""
    from bench.algorithm import TaskSpec

    backbone = registry.backbones.entries.get(cls.backbone or "")
    task = CLASSIFICATION if CLASSIFICATION in cls.tasks else REGRESSION
    ways, shape = (5, (1, 28, 28)) if task == CLASSIFICATION else (1, (1,))
    try:
        return cls(TaskSpec(shape, ways, 1, backbone, task, base_classes=5))
    except Exception:  # whatever a plugin does, it can be listed
        return None
