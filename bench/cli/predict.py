"""`bench predict`: the images in a folder, labelled by a finished run and a few known examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import debug_option, device_option, plugin_option
from bench.cli.target import check_target
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from bench.labels import Label, Labels

SHOWN = 20
"""Labels that are printed where no file is written."""
NAMED = 5
"""Pictures that a line names."""


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--support",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Known images: a folder per class, a zip of such, or a CSV of path and class.",
)
@click.option(
    "--query",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Images to label: a folder, however nested, a zip, or one file.",
)
@click.option("--out", metavar="FILE", help="Write a CSV with a row per image; - is stdout.")
@click.option(
    "--invert/--no-invert",
    default=None,
    help="Turn dark into bright, or do not. [default: as for the run's data]",
)
@click.option(
    "--together",
    is_flag=True,
    help="Where queries inform one another, ask all at once: labels depend on the folder.",
)
@device_option
@plugin_option
@debug_option
def command(
    run: Path,
    support: Path,
    query: Path,
    out: str | None,
    invert: bool | None,
    together: bool,
    device: str,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Label the images below a folder with the run in folder RUN.

    The trained model is adapted to the images in the support folder; their classes need not be
    those of the training. The data of the training are not needed. Images become as large and as
    coloured as those of the run. A picture's label depends on it and the support alone.

    Probabilities are calibrated on the run's validation classes. A picture whose novelty is above
    1 lies farther from every class than is usual and gets the warning `unlike all classes`; this
    finds some of the strangers only.

    Exit code 1: some image could not be read; its row says why, the others are labelled.

    \b
    Examples:
      bench predict results/RUN --support known --query new
      bench predict results/RUN --support known --query new --out predictions.csv
    """
    target = _checked(out)
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.runner import set_up_process
    from bench.trainedmodel import load_run

    set_up_process(None)
    model = load_run(run, device=device, registry=registry)
    with bars() as shown:
        labels = model.predict(
            support, query, invert=invert, together=together, report=shown.queries
        )
    if target:
        from bench.files import write_atomically

        write_atomically(target, labels.csv().encode())
    if out == "-":
        click.echo(labels.csv(), nl=False)
    _show(labels, target, aside=out == "-")
    if labels.unreadable:
        why = _some([one.warnings[0].partition(": ")[2] for one in labels.unreadable])
        raise RunFailed(
            f"{len(labels.unreadable)} of {len(labels)} could not be read, the others are "
            f"labelled: {why}"
        )


def _checked(out: str | None) -> Path | None:
    """Returns the file to write, if any; raises BenchError if it cannot or should not be."""
    if out is None or out == "-":
        return None
    from bench.labels import COLUMNS

    path = Path(out).expanduser()
    check_target(path, "--out")
    if path.exists() and path.stat().st_size:
        with path.open("rb") as file:
            if not file.readline().startswith(",".join(COLUMNS[:3]).encode()):
                raise BenchError(f"--out {path} is there and holds no predictions; name another")
    return path


def _show(labels: Labels, target: Path | None, aside: bool) -> None:
    """Prints counts and warnings to stdout; to stderr if the labels themselves go there."""
    from bench.cli.table import table

    for remark in labels.remarks:
        click.echo(f"note: {remark}", err=True)
    if target is None and not aside:
        click.echo(table([_row(one) for one in labels.labels[:SHOWN]], ["path", "warning"]))
        more = len(labels) - SHOWN
        rest = f"... and {more} more; " if more > 0 else ""
        click.echo(f"{rest}write all to a file with --out FILE.csv\n")
    known_novelty = any(one.novelty is not None for one in labels)
    unlike: dict[str, int | str] = {
        name: sum(one.is_unlike and one.class_name == name for one in labels)
        if known_novelty
        else "not known"
        for name in labels.classes
    }
    rows = [
        {"class": name, "support": known, "labelled": count, "of these unlike all": unlike[name]}
        for (name, count), known in zip(labels.counts.items(), labels.support, strict=True)
    ]
    click.echo(table(rows, ["class"]), err=aside)
    for line in _warnings(labels):
        click.echo(line, err=aside)
    if target:
        click.echo(f"written: {target}")


def _row(label: Label) -> dict[str, str]:
    sure = "" if label.probability is None else f"{label.probability:.1%}"
    return {
        "path": label.path,
        "class": label.class_name,
        "probability": sure,
        "warning": "; ".join(label.warnings),
    }


def _warnings(labels: Labels) -> list[str]:
    """Returns a line per kind of warning, with the first pictures that it is about."""
    kinds = {
        "look unlike all classes": [one.path for one in labels if one.is_unlike],
        "are in the support, too": [one.path for one in labels if one.is_known],
    }
    return [
        f"warning: {len(paths)} of {len(labels)} {what}: {_some(paths)}"
        for what, paths in kinds.items()
        if paths
    ]


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return ", ".join(texts[:NAMED]) + more
