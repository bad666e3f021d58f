"""Sealing: from a stream's first episodes to a sealed list."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from bench.cache import Progress
from bench.config import RunConfig
from bench.content import content_hashes
from bench.dataset import DataFiles, Dataset, Split
from bench.downloads import no_report
from bench.episodelist import EpisodeList
from bench.firewall import open_test
from bench.job import data_root
from bench.parameters import Value
from bench.pool import ClassPool, EpisodeStream
from bench.protocols.choice import check_table, fit
from bench.registry import Registry
from bench.resolution import resolve_episodes, resolve_protocols
from bench.sealed import SealedData, SealedEpisodes
from bench.sources import choose, open_source, split_of
from bench.transfer import Report


def seal(stream: EpisodeStream, count: int, data: SealedData) -> SealedEpisodes:
    """Returns the first `count` episodes of a stream, sealed; `data` says what they are of.

    Raises:
        BenchError: the stream has fewer.
    """
    pool, episodes = stream.pool, EpisodeList.of(stream.batches(count, 256))
    images = np.unique(np.concatenate([episodes.support, episodes.query]))
    classes = np.unique(episodes.classes)
    return SealedEpisodes(
        stream.name,
        data,
        tuple(pool.classes[number] for number in classes),
        classes,
        images,
        np.searchsorted(pool.offsets, images, side="right") - 1,
        content_hashes(pool.inputs, pool.targets, images),
        episodes,
    )


def data_of(dataset: type[Dataset], parameters: Mapping[str, Value], pool: ClassPool) -> SealedData:
    """Returns what a sealed list says of the data that it was drawn from."""
    return SealedData(
        dataset.name,
        dict(parameters),
        dataset.task,
        pool.input_shape,
        pool.inputs.dtype.name,
        0 if pool.targets is None else pool.targets.shape[1],
    )


def draw_sealed(
    config: RunConfig,
    split: Split,
    registry: Registry,
    progress: Progress,
    report: Report = no_report,
) -> SealedEpisodes:
    """Returns the episodes that a run of this configuration is tested on, sealed.

    Of another split than `test` they are drawn in the same way. The algorithm plays no part.

    Raises:
        BenchError: names or numbers do not fit.
    """
    chosen = choose(registry, config.data, config.data_settings())
    dataset, parameters = chosen.dataset, chosen.parameters
    files = DataFiles(data_root(config.data_root), config.download, report)
    data = open_source(dataset, parameters, files, progress).data
    split_of(data, split)
    protocol = fit(resolve_protocols(config, dataset).test, data.table(split), config.ways)
    count = resolve_episodes(config, protocol, check_table(protocol, data.table(split)))
    with open_test("sealing", count):
        pool = data.pool(split)
    stream = EpisodeStream(pool, protocol, config.episode_seed, torch.device("cpu"))
    return seal(stream, count, data_of(dataset, parameters, pool))
