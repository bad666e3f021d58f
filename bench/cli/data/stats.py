"""`bench data stats`: how many classes and inputs a dataset has, how large, how even."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bench.bytesize import in_bytes
from bench.cli.data.opening import opened, set_option
from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, data_root_option, debug_option, plugin_option
from bench.cli.table import table
from bench.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from bench.dataset import Split
    from bench.datastats import SplitStats, Values
    from bench.stored import CachedDataset
    from bench.tasks import Task


@click.command
@click.argument("data", metavar="NAME", shell_complete=complete_names)
@set_option
@data_root_option
@click.option(
    "--download/--no-download", default=True, show_default=True, help="Fetch missing data."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin_option
@debug_option
def command(
    data: str,
    sets: tuple[str, ...],
    data_root: str | None,
    download: bool,
    as_json: bool,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Count classes and images; show sizes and balance.

    NAME is a dataset, or one with a path, such as folder:PATH. Test images are counted, not read.
    """
    registry = load_plugins(plugin)
    from bench.cache import open_dataset
    from bench.cli.progress import bars
    from bench.dataset import DataFiles
    from bench.datastats import split_stats, training_values
    from bench.job import data_root as chosen_root

    with bars() as shown:
        files = DataFiles(chosen_root(data_root), download, shown.download)
        one = opened(registry, data, sets, files)
        found = open_dataset(one.made, one.parameters, files, shown.dataset)
    splits = {split: split_stats(found, split) for split in found.record.splits}
    values, form = training_values(found), one.made.form()
    if as_json:
        plain = {
            "name": one.chosen.name.label,
            "parameters": one.parameters,
            "fingerprint": found.fingerprint,
            "form": asdict(form) if form else None,
            "splits": {split: asdict(stats) for split, stats in splits.items()},
            "train_values": asdict(values) if values else None,
            "remarks": found.record.remarks,
            "folder": str(found.folder),
        }
        click.echo(json.dumps(plain, indent=2))
        return
    unit = "class" if one.chosen.dataset.task == CLASSIFICATION else "curve"
    click.echo(_heading(one.chosen.name.label, found, str(form) if form else ""))
    click.echo(table([_row(s, stats, unit) for s, stats in splits.items()], wrapped=()))
    click.echo("\n".join(_notes(splits, values, found.record.remarks, one.chosen.dataset.task)))


def _heading(label: str, data: CachedDataset, form: str) -> str:
    first = next(iter(data.record.splits.values()))
    shape = "x".join(map(str, first.shape))
    made = f" ({form})" if form else ""
    return f"{label}: inputs {first.dtype} {shape}{made}, fingerprint {data.fingerprint[:12]}\n"


def _row(split: str, stats: SplitStats, unit: str) -> dict[str, str]:
    spread = f"{stats.smallest} / {stats.median:g} / {stats.largest}"
    row = {
        "split": split,
        "classes" if unit == "class" else "curves": f"{stats.classes:,}",
        "inputs": f"{stats.inputs:,}",
        f"per {unit}: least / median / most": spread,
        "size": in_bytes(stats.bytes),
    }
    if stats.class_groups is not None:
        row["groups of classes"] = f"{stats.class_groups:,}"
    if stats.input_groups is not None:
        row["groups of inputs"] = f"{stats.input_groups:,}"
    return row


def _notes(
    splits: Mapping[Split, SplitStats], values: Values | None, remarks: tuple[str, ...], task: Task
) -> list[str]:
    lines = [""]
    if task == CLASSIFICATION:
        lines += [f"{split}: {_reach(stats)}" for split, stats in splits.items()]
    if values:
        pairs = [f"{m:.4f} ± {s:.4f}" for m, s in zip(values.mean, values.std, strict=True)]
        lines.append(f"values of train, mean ± std: {', '.join(pairs)}")
    return [*lines, *remarks]


def _reach(stats: SplitStats) -> str:
    """Returns the largest episodes that a split gives."""
    reach = stats.reach
    if not reach.shots:
        most = stats.smallest - 1
        return (
            f"up to {reach.ways}-way, but {stats.smallest} inputs in its smallest class are too "
            f"few for 1 shot and {reach.queries} queries; --queries {most} is the most"
            if most
            else f"up to {reach.ways}-way, but its smallest class has 1 input: no episodes"
        )
    return f"up to {reach.ways}-way, up to {reach.shots}-shot with {reach.queries} queries"
