"""Finding runs: by their folder, or by a name that belongs to just one below the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.comparison.matching import ComparedRun
from bench.errors import BenchError, nearest
from bench.results import RUN_FILE, RunRecord, find_runs, read_run
from bench.scores import alteration, read_scores

Matches = Callable[[Path, RunRecord], bool]


def find_run(wanted: str, root: Path) -> Path:
    """Returns the folder of the run that `wanted` names.

    That is a run's folder; or below `root` the one run whose folder has this name, or whose
    algorithm has, or whose folder's name has it as a part, whichever is the first to find any.

    Raises:
        BenchError: there is none, or there are several.
    """
    if (Path(wanted) / RUN_FILE).is_file():
        return Path(wanted)
    if Path(wanted).is_dir():
        raise BenchError(f"{wanted} holds no run ({RUN_FILE} is not there); name a run's folder")
    records = {folder: _readable(folder) for folder in find_runs(root)} if root.is_dir() else {}
    ways: Sequence[Matches] = (
        lambda folder, record: folder.name == wanted,
        lambda folder, record: record.algorithm.name == wanted,
        lambda folder, record: wanted in folder.name,
    )
    for matches in ways:
        found = [folder for folder, record in records.items() if record and matches(folder, record)]
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(str(folder) for folder in found[:6])
            more = f" and {len(found) - 6} more" if len(found) > 6 else ""
            raise BenchError(f"'{wanted}' is not one run but {len(found)}: {shown}{more}")
    names = {r.algorithm.name for r in records.values() if r}
    raise BenchError(f"no run '{wanted}' in {root}; {nearest(wanted, names)}")


def _readable(folder: Path) -> RunRecord | None:
    try:
        return read_run(folder)
    except BenchError:
        return None


def read_tested(folder: Path) -> ComparedRun:
    """Reads a finished run with what its episodes scored.

    Raises:
        BenchError: it is not complete, or its files are damaged or no longer as it wrote them.
    """
    record = read_run(folder)
    if record.outcome is None or record.status != "complete":
        raise BenchError(
            f"the run in {folder} is {record.status}; finish it first: bench run ... --resume"
        )
    scores = read_scores(folder, record)
    if altered := alteration(folder, record, scores):
        raise BenchError(f"{folder} was altered: {altered}; redo the run with --force")
    return ComparedRun(folder.name, record, scores)
