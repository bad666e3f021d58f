"""Episodes files: what a run takes from one, and whether its data holds the images."""

from __future__ import annotations

from dataclasses import replace

from bench.config import RunConfig
from bench.dataset import Dataset
from bench.errors import BenchError
from bench.firewall import open_test
from bench.sealed import SealedEpisodes
from bench.sealed_stream import found_in
from bench.sources import Source, split_of


def following(config: RunConfig, sealed: SealedEpisodes, dataset: type[Dataset]) -> RunConfig:
    """Returns a configuration for a dataset with the numbers of its episodes file.

    Fewer episodes may be asked for: the first ones of the file.

    Raises:
        BenchError: the file is of another task or split, or a number contradicts it.
    """
    file, protocol, stream = config.episodes_file, sealed.protocol, sealed.stream
    own = dataset.protocol
    if stream.split != "test":
        raise BenchError(
            f"--episodes-file {file} has episodes of the {stream.split} split; a run is tested on "
            "those of the test split: make a file with --split test"
        )
    if sealed.data.task != dataset.task:
        raise BenchError(
            f"--episodes-file {file} has tasks of {sealed.data.task}, but {dataset.name} is "
            f"{dataset.task}; name the data that the file is of, such as {sealed.data.name}"
        )
    sizes = {flag: getattr(protocol, flag) for flag in protocol.sizes}
    for flag in ("ways", "shots", "queries"):
        asked, value = getattr(config, flag), getattr(protocol, flag)
        if asked is not None and asked != value:
            raise contradiction(config, flag, asked, value)
    for flag, value in (("protocol", protocol.kind), ("episode_seed", stream.seed)):
        asked = getattr(config, flag)
        if asked not in (getattr(RunConfig, flag), value):
            raise contradiction(config, flag, asked, value)
    if config.episodes and config.episodes > len(sealed):
        raise BenchError(
            f"--episodes is {config.episodes}, but --episodes-file {file} has {len(sealed)}; ask "
            f"for at most {len(sealed)}"
        )
    everything = protocol.kind == "folds"  # whose ways are else all classes of the data
    return replace(
        config,
        protocol=protocol.kind,
        episode_seed=stream.seed,
        episodes=config.episodes or len(sealed),
        **{
            flag: value
            for flag, value in sizes.items()
            if everything or value != getattr(own, flag)
        },
    )


def contradiction(config: RunConfig, name: str, asked: object, value: object) -> BenchError:
    """Returns the error of a flag that asks for other episodes than the file has."""
    flag = f"--{name.replace('_', '-')}"
    return BenchError(
        f"{flag} is {asked}, but --episodes-file {config.episodes_file} has {value}; "
        f"leave {flag} out, or make another file"
    )


def check_holds(config: RunConfig, sealed: SealedEpisodes, tested: Source) -> None:
    """Raises BenchError unless the data of the test holds the images of the episodes.

    In the very data that they were drawn from nothing is read; elsewhere images are looked for
    before anything is trained. Whoever makes the stream checks each image in either case.
    """
    name, split = tested.dataset.name, split_of(tested.data, "test")
    theirs = _kind(sealed.data.dtype, sealed.data.shape, sealed.data.targets)
    ours = _kind(split.dtype, split.shape, split.targets.width if split.targets else 0)
    if theirs != ours:
        raise BenchError(
            f"--episodes-file {config.episodes_file} has inputs {theirs}, but those of {name} are "
            f"{ours}; name the data that the file is of, such as {sealed.data.name}"
        )
    if tested.data.fingerprint != sealed.stream.fingerprint:
        with open_test("episodes file", len(sealed)):
            pool = tested.data.pool("test")
        try:
            found_in(sealed, pool)
        except BenchError as error:
            where = f"--episodes-file {config.episodes_file} on {name}"
            raise BenchError(f"{where}: {error}") from None


def _kind(dtype: str, shape: tuple[int, ...], targets: int) -> str:
    """Returns what inputs are like, in words."""
    width = f" with targets of {targets}" if targets else ""
    return f"{dtype} {'x'.join(map(str, shape))}{width}"
