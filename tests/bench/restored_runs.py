"""What tests of restored runs share: an algorithm as a finished run would give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bench.algorithm import Algorithm
from bench.imageform import ImageForm
from bench.measurements import AuditRecord, QualityRecord
from bench.restored import Restored
from bench.results import RunRecord, SpecRecord

Records = Callable[..., RunRecord]


def restored(
    algorithm: Algorithm,
    make_record: Records,
    *,
    form: ImageForm | None = None,
    dtype: str = "uint8",
    temperature: float | None = None,
    audited: bool = True,
) -> Restored:
    """Returns a run of this algorithm, whose audit measured what the class declares."""
    spec, chosen = algorithm.spec, algorithm.spec.chosen_backbone
    record = make_record(algorithm.name, transduction=algorithm.transduction)
    assert record.outcome is not None
    verdict = AuditRecord("transductive" if algorithm.transduction else "inductive", 5, ())
    known = replace(
        record,
        algorithm=replace(record.algorithm, backbone=chosen.name if chosen else ""),
        data=replace(record.data, form=form),
        spec=SpecRecord(spec.input_shape, dtype, spec.ways, spec.shots, 1, spec.base_classes),
        audit=verdict if audited else None,
        outcome=replace(record.outcome, quality=QualityRecord(temperature=temperature)),
    )
    return Restored(Path("run"), known, algorithm.eval(), torch.device("cpu"), changed=False)
