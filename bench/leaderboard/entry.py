"""Entries: a run as a leaderboard sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.badge import FAILURE_FILE
from bench.errors import BenchError
from bench.leaderboard.settings import settings_of
from bench.results import RunRecord, read_run
from bench.scores import Scores, alteration, read_scores
from bench.tasks import Metric, metric_of

EpisodesKey = tuple[str, str, str, int, int]
"""Data, protocol, fingerprint, number of episodes, and their seed."""


@dataclass(frozen=True)
class Entry:
    """A run, the folder it was read from, its episodes' scores, and what of it was altered.

    `scores` is None if the run did not end or its episodes cannot be read; `altered` is empty if
    record and episodes are as the run wrote them.
    """

    folder: Path
    record: RunRecord
    scores: Scores | None = None
    altered: str = ""

    @property
    def episodes(self) -> EpisodesKey:
        """What decides the test episodes that are drawn by seed."""
        tested, protocol = self.record.tested, self.record.protocol
        return (
            tested.name,
            protocol.id,
            tested.fingerprint,
            protocol.episodes,
            protocol.episode_seed,
        )

    @property
    def metric(self) -> Metric:
        """What the run is judged by."""
        return metric_of(self.record.data.task)

    @property
    def label(self) -> str:
        """The algorithm, with its recipe or what the user set, and whether it was trained."""
        settings = settings_of(self.record)
        learns = self.record.algorithm.parameter_count > 0
        if self.record.status == "complete" and learns and not self.record.training.steps_done:
            settings.append("untrained")
        return self.record.algorithm.name + (f" ({', '.join(settings)})" if settings else "")

    @property
    def declared(self) -> str:
        """Whether queries inform one another, as the algorithm says."""
        return "transductive" if self.record.algorithm.transduction else "inductive"

    @property
    def measured(self) -> str:
        """Whether they do, as the audit found; empty if there was none."""
        return self.record.audit.verdict if self.record.audit else ""

    @property
    def setting(self) -> str:
        """Both of these for reading."""
        if not self.measured:
            return f"{self.declared} (declared)"
        agree = self.measured == self.declared
        return f"{self.measured} (measured{'' if agree else f'; declared {self.declared}'})"

    @property
    def verified(self) -> str:
        """What `bench verify` found, `altered` if the files are no longer the run's, or ''."""
        if self.altered:
            return "altered"
        if (self.folder / FAILURE_FILE).exists():
            return "failed"
        return self.record.verification.verdict if self.record.verification else ""


def read_entry(folder: Path) -> Entry:
    """Reads a run; raises BenchError if its record cannot be read. Its episodes may be missing."""
    record = read_run(folder)
    if record.outcome is None:
        return Entry(folder, record)
    try:
        scores = read_scores(folder, record)
    except BenchError:
        scores = None
    return Entry(folder, record, scores, alteration(folder, record, scores))
