"""A job: a run with every name looked up, every default filled in, and everything checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch

from bench.algorithm import Algorithm, TaskSpec, TrainingPlan
from bench.backbones import Backbone
from bench.cache import Progress, cache_root, open_dataset
from bench.config import DATA_PREFIX, RunConfig
from bench.dataset import DataFiles, Dataset, Split
from bench.device import find_device
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError, RunFailed, nearest
from bench.extras import EXTRAS, is_installed
from bench.failures import plugin_code
from bench.parameters import Value, parameters_of, settle
from bench.pool import EpisodeStream
from bench.registry import Registry
from bench.resolution import resolve_plan, resolve_test_protocol
from bench.sampling import check_protocol
from bench.stored import CachedDataset, SplitRecord
from bench.tasks import REGRESSION


@dataclass(frozen=True)
class Job:
    """A run, resolved: the classes behind the names, all values, and the data opened."""

    config: RunConfig
    algorithm: type[Algorithm]
    parameters: dict[str, Value]
    dataset: type[Dataset]
    data_parameters: dict[str, Value]
    data: CachedDataset
    spec: TaskSpec
    plan: TrainingPlan
    test_protocol: EpisodeProtocol
    train_protocol: EpisodeProtocol
    validate_every: int
    device: torch.device

    @property
    def backbone(self) -> str:
        """The backbone's name; empty if the algorithm uses none."""
        return self.spec.chosen_backbone.name if self.spec.chosen_backbone else ""

    @property
    def name(self) -> str:
        """The run's name: data, protocol, algorithm, and a hash of all that results depend on."""
        identity = {
            "algorithm": [self.config.algo, self.parameters, self.backbone],
            "data": [self.config.data, self.data.fingerprint],
            "test": [self.test_protocol.id, self.config.episodes, self.config.episode_seed],
            "train": [self.train_protocol.id, self.plan, self.validate_every],
            "validation": self.config.validation_episodes,
            "seed": self.config.seed,
        }
        text = msgspec.json.encode(identity, order="deterministic")
        digest = hashlib.sha256(text).hexdigest()[:8]
        return f"{self.config.data}_{self.test_protocol.id}_{self.config.algo}_{digest}"

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.config.out) / self.name

    def stream(self, split: Split) -> EpisodeStream:
        """Returns the episodes of one split: those of training, or those like the test's."""
        pool = self.data.pool(split)
        if split == "train":
            return EpisodeStream(pool, self.train_protocol, self.config.seed, self.device)
        return EpisodeStream(pool, self.test_protocol, self.config.episode_seed, self.device)

    def build(self) -> Algorithm:
        """Returns the algorithm, freshly initialised, on the job's device.

        Raises:
            BenchError: the algorithm refuses its parameters or its task.
        """
        try:
            with plugin_code(self.config.algo, "being made", "use a smaller --backbone"):
                algorithm = self.algorithm(self.spec, **self.parameters).to(self.device)
                if any(p.requires_grad for p in algorithm.parameters()):
                    algorithm.optimizer()  # refuses bad learning rates now, not after the start
                return algorithm
        except RunFailed as error:
            cause = error.__cause__
            if isinstance(cause, ValueError | TypeError):
                raise BenchError(f"{self.config.algo}: {cause}") from error
            raise


def prepare(config: RunConfig, registry: Registry, progress: Progress) -> Job:
    """Looks up names, fills in defaults, opens the data and checks that all fits together.

    Raises:
        BenchError: something does not; nothing was written but, perhaps, the dataset's cache.
    """
    algorithm, dataset = registry.algorithm(config.algo), registry.dataset(config.data)
    for package in algorithm.requires:
        if not is_installed(package):
            cure = "bench" if package in EXTRAS else "pip"
            raise BenchError(f"{config.algo} needs {package}; install it: {cure} install {package}")
    _check_names(config, algorithm, dataset)
    check_task(algorithm, dataset)
    own = algorithm.regression_defaults if dataset.task == REGRESSION else {}
    parameters = settle(config.algo, algorithm, {**own, **config.algorithm_settings()})
    data_parameters = settle(config.data, dataset, config.data_settings())
    device = find_device(config.device)
    chosen = registry.backbone(config.backbone) if config.backbone else None
    if chosen and algorithm.backbone is None:
        raise BenchError(f"--backbone is {chosen.name}, but {config.algo} uses none; leave it out")
    files = DataFiles(data_root(config.data_root), config.download)
    data = open_dataset(_source(dataset, data_parameters), data_parameters, files, progress)
    test = resolve_test_protocol(config, dataset)
    train = _split(data, "train")
    spec = TaskSpec(
        train.shape,
        test.ways,
        test.shots,
        chosen or _backbone(registry, algorithm, train),
        dataset.task,
        train.targets.width if train.targets else 1,
        len(train.classes),
    )
    own_plan = algorithm.regression_plan if dataset.task == REGRESSION else algorithm.training_plan
    plan = resolve_plan(config, own_plan, test, len(train.classes))
    train_protocol = EpisodeProtocol(plan.ways or 0, plan.shots or 0, plan.queries or 0)
    job = Job(
        config,
        algorithm,
        parameters,
        dataset,
        data_parameters,
        data,
        spec,
        plan,
        test,
        train_protocol,
        config.validate_every or max(1, plan.steps // 10),
        device,
    )
    _check_protocols(job)
    data.check_sizes()
    job.build()
    return job


def _check_names(config: RunConfig, algorithm: type[Algorithm], dataset: type[Dataset]) -> None:
    """Raises BenchError for a `--set` name that neither has, whichever of them it was meant for."""
    known = [p.name for p in parameters_of(algorithm)]
    known += [DATA_PREFIX + p.name for p in parameters_of(dataset)]
    for name in config.set:
        bare = name.removeprefix(DATA_PREFIX)
        twins = [other for other in known if other.removeprefix(DATA_PREFIX) == bare]
        if name not in known:
            owner = config.algo if name == bare else config.data
            hint = f"did you mean '{twins[0]}'?" if twins else nearest(name, known)
            raise BenchError(f"{owner} has no parameter '{bare}'; {hint}")


def _source(dataset: type[Dataset], parameters: dict[str, Value]) -> Dataset:
    try:
        return dataset(**parameters)
    except (ValueError, TypeError) as error:
        raise BenchError(f"{dataset.name}: {error}") from error


def _split(data: CachedDataset, split: Split) -> SplitRecord:
    if split not in data.record.splits:
        raise BenchError(f"{data.record.name} has no classes in its {split} split")
    return data.record.splits[split]


def check_task(algorithm: type[Algorithm], dataset: type[Dataset]) -> None:
    """Raises BenchError if the algorithm does not take tasks of this kind."""
    if dataset.task not in algorithm.tasks:
        raise BenchError(
            f"{algorithm.name} is not for {dataset.name}, which is {dataset.task}: "
            f"{algorithm.not_for}; bench list shows who takes it"
        )


def _backbone(
    registry: Registry, algorithm: type[Algorithm], train: SplitRecord
) -> Backbone | None:
    """Returns the algorithm's own backbone, or an MLP for vectors; None if it uses none."""
    if algorithm.backbone is None:
        return None
    if len(train.shape) == 3:
        return registry.backbone(algorithm.backbone)
    return registry.backbone("mlp-40" if train.targets else "mlp")


def _check_protocols(job: Job) -> None:
    """Checks every split's protocol against its class list, without reading its images."""
    trained, tested = job.train_protocol.ways, job.test_protocol.ways
    if trained != tested and job.plan.steps and not job.algorithm.any_way:
        raise BenchError(
            f"{job.config.algo} is made for the {tested} ways of the test and cannot be trained "
            f"with {trained}; give --train-ways {tested} (if it could, its class would say "
            "any_way = True)"
        )
    protocols: dict[Split, EpisodeProtocol] = {
        "train": job.train_protocol,
        "val": job.test_protocol,
        "test": job.test_protocol,
    }
    for split, protocol in protocols.items():
        if split == "val" and split not in job.data.record.splits:
            continue
        record = _split(job.data, split)
        check_protocol(protocol, np.array(record.counts), record.classes, split)


def data_root(chosen: str | None) -> Path:
    """Returns the folder that datasets read their files from."""
    return Path(chosen) if chosen else cache_root() / "data"
