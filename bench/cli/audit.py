"""`bench audit`: finished runs asked again in other ways, to see what their answers hang on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError, RunFailed
from bench.files import sha256_of
from bench.leaderboard.entry import Entry
from bench.measurements import AuditRecord, ProbeRecord
from bench.results import PREDICTIONS_FILE, RUN_FILE, RunRecord, read_run, seal_of
from bench.tasks import METRICS, Metric

if TYPE_CHECKING:
    from bench.cli.progress import Bars
    from bench.registry import Registry

SHOWN = ("alone", "one class")
"""The modes whose accuracies stand in the table of several runs."""

DRAWS, DRAWN = "its predictor draws random numbers", "; but for its random numbers, see the note"

MEANING = {
    "inductive": "each query is judged alone; its answer is the same whichever others are asked",
    "batch-dependent": "probabilities hang on which queries are asked together, but neither "
    "decisions nor {metric} do measurably",
    "transductive": "queries inform one another; {metric} hangs on which are asked together, so "
    "do not compare it with that of inductive methods",
    "error": "the result does not count, for what is said below",
}


@dataclass(frozen=True)
class _Audited:
    folder: Path
    record: RunRecord
    audit: AuditRecord

    @property
    def metric(self) -> Metric:
        return METRICS[self.record.outcome.metric if self.record.outcome else "accuracy"]

    @property
    def declared(self) -> str:
        return "transductive" if self.record.algorithm.transduction else "inductive"


@click.command
@click.argument("runs", type=click.Path(path_type=Path), metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--episodes", type=click.IntRange(1), default=20, show_default=True, help="Test episodes."
)
@click.option("--write/--no-write", default=True, help="Keep it in the run's record. [default: so]")
@click.option(
    "--kept", is_flag=True, help="Show the audits that the records keep; ask nothing anew."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@device_option
@data_root_option
@plugin_option
@debug_option
def command(
    runs: tuple[Path, ...],
    episodes: int,
    write: bool,
    kept: bool,
    as_json: bool,
    device: str,
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Measure whether queries inform one another, and look for leaks.

    RUN is the folder of a finished run. Its weights answer the first test episodes again: each
    query alone, those of one class, among others, with false labels about, and so on. What a
    method says of itself is not asked. The exit code is 1 if something leaks.
    """
    if kept:
        audited = [_kept(run) for run in runs]
    else:
        for run in runs:
            _check_run(run, write)
        audited = _ask(runs, load_plugins(plugin), episodes, write, device, data_root)
    if as_json:
        click.echo(json.dumps([_plain(one) for one in audited], indent=2))
    elif len(audited) == 1:
        click.echo(_in_full(audited[0]))
    else:
        click.echo(_together(audited))
    leaking = [one.folder.name for one in audited if one.audit.verdict == "error"]
    if leaking:
        raise RunFailed(f"something leaks, so these results do not count: {', '.join(leaking)}")


def _kept(run: Path) -> _Audited:
    """Returns the audit that a run's record keeps; raises BenchError if there is none."""
    if not (run / RUN_FILE).is_file():
        raise BenchError(f"{run} holds no run ({RUN_FILE} is not there); name a run's folder")
    record = read_run(run)
    if record.audit is None:
        raise BenchError(f"the run in {run} keeps no audit; make one: bench audit {run}")
    return _Audited(run, record, record.audit)


def _ask(
    runs: Sequence[Path],
    registry: Registry,
    episodes: int,
    write: bool,
    device: str,
    data_root: str | None,
) -> list[_Audited]:
    """Audits one run after the other."""
    from bench.cli.progress import bars
    from bench.runner import set_up_process

    set_up_process(None)
    with bars() as shown:
        return [_audit(run, registry, episodes, write, device, data_root, shown) for run in runs]


def _check_run(run: Path, write: bool) -> None:
    """Raises BenchError if a run is not finished, or was altered and would be written to."""
    from bench.finished import read_finished

    record = read_finished(run)
    if write and seal_of(run) == "broken":
        raise BenchError(
            f"the record in {run} is not as bench wrote it, so nothing is added to it; see what "
            "bench verify says, or audit it with --no-write"
        )
    path, known = run / PREDICTIONS_FILE, record.outcome and record.outcome.predictions_file_sha256
    if known and path.is_file() and sha256_of(path) != known:
        raise BenchError(f"{path} is not what the run wrote; see bench verify {run}")


def _audit(
    run: Path,
    registry: Registry,
    episodes: int,
    write: bool,
    device: str,
    data_root: str | None,
    shown: Bars,
) -> _Audited:
    from bench.audit.auditing import audit
    from bench.audit.overlap import overlap
    from bench.finished import reopen
    from bench.firewall import open_test
    from bench.predictions import Predictions

    finished = reopen(run, registry, shown.dataset, data_root=data_root, device=device)
    for name in finished.changed:
        click.echo(f"bench: the code of {name} has changed since this run", err=True)
    job, record = finished.job, read_run(run)
    count = min(episodes, record.protocol.episodes)
    with open_test("audit", count) as use:
        stream = job.stream("test")
    found, kept = overlap(job.data, stream, record.protocol.episodes), run / PREDICTIONS_FILE
    result = audit(
        finished.algorithm,
        stream,
        count,
        seed=job.config.episode_seed,
        overlap=found,
        kept=Predictions.read(kept) if kept.is_file() else None,
        report=shown.evaluation,
    )
    if write:
        uses = (*record.test_uses, replace(use, sha256=stream.digest(count)))
        record = replace(record, audit=result, test_uses=uses).write(run)
    return _Audited(run, record, result)


def _plain(one: _Audited) -> dict[str, object]:
    return {"run": one.folder.name, "declared": one.declared, "audit": asdict(one.audit)}


def _in_full(one: _Audited) -> str:
    """Returns the table of probes, the verdict, and what there is to say about it."""
    record, audit, metric = one.record, one.audit, one.metric
    how = record.algorithm.transduction
    heading = "accuracy" if metric.factor > 1 else metric.heading
    rows = [
        {
            "asked": probe.what,
            "answers move": f"{probe.largest:.1g}",
            "turned": f"{probe.flips} of {probe.asked}",
            heading: "-" if probe.accuracy is None else metric.text(probe.accuracy),
            "together": "-" if probe.plainly is None else metric.text(probe.plainly),
        }
        for probe in audit.probes
    ]
    lines = [
        f"{record.algorithm.name} on {record.tested.name}, {record.protocol.id}: "
        f"{audit.episodes} test episodes, asked in {len(rows)} ways beside all together",
        table(rows, wrapped=("asked",)),
        f"measured: {audit.verdict}: {MEANING[audit.verdict].format(metric=heading)}"
        + (DRAWN if any(DRAWS in note for note in audit.notes) else ""),
        f"declared: {one.declared}{how and f': {how}'}",
        *(f"error: {error}" for error in audit.errors),
        *(f"note: {note}" for note in audit.notes),
    ]
    return "\n".join(lines)


def _together(audited: list[_Audited]) -> str:
    """Returns one table of all runs, and below it what each has to say."""
    rows = []
    for one, name in zip(audited, _names(audited), strict=True):
        probes = {probe.name: probe for probe in one.audit.probes}
        row: dict[str, object] = {
            "run": name,
            "declared": one.declared,
            "measured": one.audit.verdict,
            "together": _score(one, probes.get("halves"), plainly=True),
        }
        row |= {name: _score(one, probes.get(name)) for name in SHOWN}
        skewed = probes.get("dirichlet")  # of some of the queries: so it stands beside these
        row["dirichlet / together"] = (
            f"{_score(one, skewed)} / {_score(one, skewed, plainly=True)}" if skewed else "-"
        )
        rows.append(row)
    lines = [table(rows, wrapped=())]
    lines += [f"{one.folder.name}: {error}" for one in audited for error in one.audit.errors]
    lines += [
        f"{one.folder.name}: declared {one.declared}, measured {one.audit.verdict}"
        for one in audited
        if one.audit.verdict not in ("error", one.declared)
    ]
    return "\n".join(lines)


def _names(audited: Sequence[_Audited]) -> list[str]:
    """Returns the methods with what the user set; seeds or folders where that is not enough."""
    folders = [one.folder.name for one in audited]
    if len({(one.record.tested.name, one.record.protocol.id) for one in audited}) > 1:
        return folders
    labels = [Entry(one.folder, one.record).label for one in audited]
    seeded = [
        f"{label}, seed {one.record.training.seed}"
        for label, one in zip(labels, audited, strict=True)
    ]
    return [
        next((name for names in (labels, seeded) if names.count(name := names[i]) == 1), folder)
        for i, folder in enumerate(folders)
    ]


def _score(one: _Audited, probe: ProbeRecord | None, plainly: bool = False) -> str:
    value = (probe.plainly if plainly else probe.accuracy) if probe else None
    return "-" if value is None else one.metric.text(value)
