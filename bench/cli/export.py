"""`bench export`: the embedding network of a run, for programs that know nothing of bench."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.loading import load_plugins
from bench.cli.options import debug_option, plugin_option
from bench.cli.target import check_target
from bench.errors import BenchError


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file to write. [default: RUN's name, here]",
)
@click.option("--format", "kind", metavar="NAME", help="onnx or pt2. [default: by FILE, or onnx]")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@plugin_option
@debug_option
def command(
    run: Path,
    out: Path | None,
    kind: str | None,
    force: bool,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Write the embedding network of the run in folder RUN as ONNX, or for torch.export.load.

    The network takes float32 images (batch, channels, height, width), bytes divided by 255, in
    batches of any size, and gives features (batch, d). The file says which run it is from and how
    pictures become inputs; the classes of the training are not in it. What was written is
    compared with the run's own network.

    \b
    Examples:
      bench export results/RUN
      bench export results/RUN -o network.pt2
    """
    registry = load_plugins(plugin)
    import torch

    from bench.export import check_packages, export, format_of
    from bench.restored import restore
    from bench.runner import set_up_process

    chosen = format_of(out, kind)
    check_packages(chosen)
    set_up_process(None)
    restored = restore(run, registry, torch.device("cpu"))
    path = out or Path(f"{restored.record.name}.{chosen}")
    check_target(path, "--out")
    if path.exists() and not force:
        raise BenchError(f"{path} is there already; to overwrite it, add --force")
    done = export(restored, path, chosen)
    found = done.description
    shape = " x ".join(map(str, found.input_shape))
    click.echo(f"{found.backbone} of {found.run}: batch x {shape} to batch x {found.features}")
    click.echo(f"inputs: {found.input}")
    if restored.record.data.form:
        click.echo(f"pictures become {restored.record.data.form}")
    if found.depends:
        click.echo(f"warning: features depend on the batch: {found.depends}", err=True)
    if done.difference is None:
        click.echo("note: not compared, as onnxruntime is not installed", err=True)
    else:
        apart = f"features differ by at most {done.difference:.1e} of the largest"
        click.echo(f"read by {done.reader}: {apart}")
    click.echo(f"written: {path} ({path.stat().st_size:,} bytes)")
