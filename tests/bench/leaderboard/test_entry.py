"""Entries: what a run is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.leaderboard.entry import Entry
from tests.bench.written_runs import Records


def test_a_network_that_was_never_trained_is_called_so(make_record: Records) -> None:
    record = make_record()
    learner = replace(record.algorithm, parameter_count=7)
    trained = replace(record, algorithm=learner, training=replace(record.training, steps_done=3))
    idle = replace(trained, training=replace(record.training, steps_done=0))
    nothing_to_learn = replace(idle, algorithm=replace(learner, parameter_count=0))
    name = record.algorithm.name
    assert Entry(Path(), idle).label.endswith("untrained)")
    assert "untrained" not in Entry(Path(), trained).label
    assert "untrained" not in Entry(Path(), nothing_to_learn).label
    assert Entry(Path(), replace(idle, status="failed")).label.startswith(name)
    assert "untrained" not in Entry(Path(), replace(idle, status="failed")).label
