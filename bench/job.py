"""A job: a run with every name looked up, every default filled in, and everything checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import torch

from bench.algorithm import Algorithm, TaskSpec, TrainingPlan
from bench.backbones import Backbone
from bench.cache import Progress, cache_root
from bench.config import DATA_PREFIX, TEST_PREFIX, TRAIN, RunConfig
from bench.dataname import DataName
from bench.dataset import DataFiles, Dataset, Split
from bench.device import find_device
from bench.downloads import no_report
from bench.episodes import EpisodeProtocol
from bench.episodes_file import check_holds, following
from bench.errors import BenchError, RunFailed, nearest
from bench.extras import EXTRAS, is_installed
from bench.failures import plugin_code
from bench.measurements import RecipeRecord
from bench.parameters import Value, parameters_of, settle
from bench.pool import EpisodeStream, joined
from bench.protocols.choice import check_table, fit
from bench.registry import Registry
from bench.reshaping import reshaped
from bench.resolution import Protocols, resolve_episodes, resolve_plan, resolve_protocols
from bench.sealed import SealedEpisodes, read_sealed
from bench.sealed_stream import SealedStream
from bench.sources import (
    Source,
    check_alike,
    check_apart,
    check_same_task,
    choose,
    example_of,
    open_source,
)
from bench.stored import CachedDataset, SplitRecord
from bench.tasks import REGRESSION
from bench.testonly import base_classes, check_tables, check_trainable
from bench.transfer import Report


@dataclass(frozen=True)
class Job:
    """A run, resolved: the classes behind the names, all values, and the data opened.

    `tested` is the data of the test: that of the training, unless the user asked for other data.
    `sealed` are the test episodes if they come from a file; `weights_from` is the sha256 of the
    checkpoint if the weights are another run's. `recipe` is what it is made by, if anything.
    """

    config: RunConfig
    algorithm: type[Algorithm]
    parameters: dict[str, Value]
    dataset: type[Dataset]
    data_parameters: dict[str, Value]
    data: CachedDataset
    tested: Source
    spec: TaskSpec
    plan: TrainingPlan
    test_protocol: EpisodeProtocol
    validation_protocol: EpisodeProtocol
    episodes: int
    train_protocol: EpisodeProtocol
    validate_every: int
    device: torch.device
    sealed: SealedEpisodes | None = None
    weights_from: str = ""
    recipe: RecipeRecord | None = None

    @property
    def backbone(self) -> str:
        """The backbone's name; empty if the algorithm uses none."""
        return self.spec.chosen_backbone.name if self.spec.chosen_backbone else ""

    @property
    def is_cross_domain(self) -> bool:
        """Whether it is tested on other data than it is trained on."""
        return self.config.test_data is not None

    @property
    def name(self) -> str:
        """The run's name: data, protocol, algorithm, and a hash of all that results depend on."""
        identity: dict[str, object] = {
            "algorithm": [self.config.algo, self.parameters, self.backbone],
            "data": [DataName.parse(self.config.data).label, self.data.fingerprint],
            "test": [self.test_protocol.id, self.episodes, self.config.episode_seed],
            "train": [self.train_protocol.id, self.plan, self.validate_every],
            "validation": self.config.validation_episodes,
            "seed": self.config.seed,
        }
        if self.config.train_on != TRAIN:
            identity["train on"] = self.config.train_on
        data = DataName.parse(self.config.data).slug
        if self.weights_from:
            identity["weights"] = self.weights_from
        if self.config.test_data is not None:
            other = DataName.parse(self.config.test_data)
            identity["test data"] = [other.label, self.tested.data.fingerprint]
            data = f"{data}_on_{other.slug}"
        if self.sealed:
            identity["sealed"] = self.sealed.digest(self.episodes)
        text = msgspec.json.encode(identity, order="deterministic")
        digest = hashlib.sha256(text).hexdigest()[:8]
        return f"{data}_{self.test_protocol.id}_{self.config.algo}_{digest}"

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.config.out) / self.name

    @property
    def validates(self) -> bool:
        """Whether weights are chosen on classes that are not trained on."""
        return self.config.train_on == TRAIN and "val" in self.data.record.splits

    def stream(self, split: Split) -> EpisodeStream:
        """Returns the episodes of training, of validation, or of the test."""
        if split == "train" and self.config.train_on != TRAIN:
            pool = joined(self.data.pool("train"), self.data.pool("val"))
            return EpisodeStream(pool, self.train_protocol, self.config.seed, self.device)
        data = self.tested.data if split == "test" else self.data
        if self.sealed and split == "test":
            return SealedStream(self.sealed, data.pool(split), self.device)
        protocol = {"train": self.train_protocol, "val": self.validation_protocol}
        seed = self.config.seed if split == "train" else self.config.episode_seed
        return EpisodeStream(
            data.pool(split), protocol.get(split, self.test_protocol), seed, self.device
        )

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


def prepare(
    config: RunConfig, registry: Registry, progress: Progress, report: Report = no_report
) -> Job:
    """Looks up names, fills in defaults, opens the data and checks that all fits together.

    `progress` is told of classes as a cache is made, `report` of files as they are fetched.

    Raises:
        BenchError: something does not; nothing was written but, perhaps, the dataset's cache.
    """
    algorithm, dataset = registry.algorithm(config.algo), registry.dataset(config.data)
    tested_on = registry.dataset(config.test_data) if config.test_data else None
    for package in algorithm.requires:
        if not is_installed(package):
            cure = "bench" if package in EXTRAS else "pip"
            raise BenchError(f"{config.algo} needs {package}; install it: {cure} install {package}")
    _check_names(config, algorithm, dataset, tested_on)
    check_task(algorithm, dataset)
    own = algorithm.regression_defaults if dataset.task == REGRESSION else {}
    parameters = settle(config.algo, algorithm, {**own, **config.algorithm_settings()})
    data_parameters = choose(registry, config.data, config.data_settings()).parameters
    device = find_device(config.device)
    chosen = registry.backbone(config.backbone) if config.backbone else None
    if chosen and algorithm.backbone is None:
        raise BenchError(f"--backbone is {chosen.name}, but {config.algo} uses none; leave it out")
    files = DataFiles(data_root(config.data_root), config.download, report)
    sealed = read_sealed(Path(config.episodes_file)) if config.episodes_file else None
    config = following(config, sealed, dataset) if sealed else config
    protocols = resolve_protocols(config, dataset)
    source = open_source(dataset, data_parameters, files, progress)
    tested = _tested(config, registry, source, files, progress)
    protocols = _fitted(protocols, config, algorithm, source.data, tested.data, sealed)
    fixed, train = protocols.validation, example_of(source.data)
    classes = base_classes(source.data, config.train_on)
    spec = TaskSpec(
        train.shape,
        fixed.ways if protocols.test.varies else protocols.test.ways,
        fixed.shots,
        chosen or _backbone(registry, algorithm, dataset, train),
        dataset.task,
        train.targets.width if train.targets else 1,
        classes,
    )
    own_plan = algorithm.regression_plan if dataset.task == REGRESSION else algorithm.training_plan
    plan = resolve_plan(config, own_plan, fixed, classes or len(train.classes), train.shape)
    _check_protocols(algorithm, plan, protocols)
    check_tables(_training(plan), protocols.validation, source.data, config.train_on)
    most = len(sealed) if sealed else check_table(protocols.test, tested.data.table("test"))
    episodes = resolve_episodes(config, protocols.test, most)
    job = Job(
        replace(config, episodes=episodes),
        algorithm,
        parameters,
        dataset,
        data_parameters,
        source.data,
        tested,
        spec,
        plan,
        protocols.test,
        fixed,
        episodes,
        _training(plan),
        config.validate_every or max(1, plan.steps // 10),
        device,
        sealed,
    )
    source.data.check_sizes()
    tested.data.check_sizes()
    if sealed:
        check_holds(config, sealed, tested)
    check_trainable(job.build(), plan, source, config.data)
    if job.is_cross_domain:
        check_apart(source, tested)
    return job


def _check_names(
    config: RunConfig,
    algorithm: type[Algorithm],
    dataset: type[Dataset],
    tested: type[Dataset] | None,
) -> None:
    """Raises BenchError for a `--set` name that none has, whichever of them it was meant for."""
    known = [p.name for p in parameters_of(algorithm)]
    known += [DATA_PREFIX + p.name for p in parameters_of(dataset)]
    known += [TEST_PREFIX + p.name for p in parameters_of(tested)] if tested else []
    for name in config.set:
        bare = _bare(name)
        twins = [other for other in known if _bare(other) == bare]
        if name not in known:
            owner = config.algo if name == bare else config.data
            if name.startswith(TEST_PREFIX):
                owner = config.test_data or "the test's own data (there is no --test-data)"
            hint = f"did you mean '{twins[0]}'?" if twins else nearest(name, known)
            raise BenchError(f"{owner} has no parameter '{bare}'; {hint}")


def _bare(name: str) -> str:
    return name.removeprefix(DATA_PREFIX).removeprefix(TEST_PREFIX)


def _tested(
    config: RunConfig, registry: Registry, trained: Source, files: DataFiles, progress: Progress
) -> Source:
    """Opens the data of the test, with its own parameters, unless it is that of the training."""
    name = config.test_data
    if name is None:
        if config.resize_test:
            raise BenchError("--resize-test is for --test-data; name that, or leave it out")
        return trained
    if name == config.data:
        raise BenchError(f"--test-data is {name}, as --data is; leave it out")
    chosen = choose(registry, name, config.test_settings())
    check_same_task(trained.dataset, chosen.dataset)
    tested = open_source(chosen.dataset, chosen.parameters, files, progress)
    if config.resize_test:
        tested = reshaped(tested, example_of(trained.data).shape, progress)
    check_alike(trained, tested)
    return tested


def check_task(algorithm: type[Algorithm], dataset: type[Dataset]) -> None:
    """Raises BenchError if the algorithm does not take tasks of this kind."""
    if dataset.task not in algorithm.tasks:
        raise BenchError(
            f"{algorithm.name} is not for {dataset.name}, which is {dataset.task}: "
            f"{algorithm.not_for}; bench list shows who takes it"
        )


def _backbone(
    registry: Registry, algorithm: type[Algorithm], dataset: type[Dataset], train: SplitRecord
) -> Backbone | None:
    """Returns the data's or the algorithm's own backbone, or an MLP for vectors; None for none."""
    if algorithm.backbone is None:
        return None
    if dataset.backbone:
        return registry.backbone(dataset.backbone)
    if len(train.shape) == 3:
        return registry.backbone(algorithm.backbone)
    return registry.backbone("mlp-40" if train.targets else "mlp")


def _fitted(
    protocols: Protocols,
    config: RunConfig,
    algorithm: type[Algorithm],
    data: CachedDataset,
    tested: CachedDataset,
    sealed: SealedEpisodes | None,
) -> Protocols:
    """Returns the protocols as the data have room for them; only those of folds ask."""
    if protocols.test.kind != "folds":
        return protocols
    test = sealed.protocol if sealed else fit(protocols.test, tested.table("test"), config.ways)
    ways = test.ways
    if algorithm.any_way and "val" in data.record.splits:
        ways = min(ways, len(data.record.splits["val"].classes))
    return Protocols(test, replace(protocols.validation, ways=ways))


def _check_protocols(algorithm: type[Algorithm], plan: TrainingPlan, protocols: Protocols) -> None:
    """Checks that an algorithm takes tasks of these ways."""
    test, trained, tested = protocols.test, plan.ways, protocols.test.ways
    if test.varies and not algorithm.any_way:
        raise BenchError(
            f"--protocol is {test.kind}, whose episodes have 5 to 50 ways, but {algorithm.name} "
            "is made for one number of ways (if it took any, its class would say any_way = True)"
        )
    if trained != tested and plan.steps and not algorithm.any_way:
        raise BenchError(
            f"{algorithm.name} is made for the {tested} ways of the test and cannot be trained "
            f"with {trained}; give --train-ways {tested} (if it could, its class would say "
            "any_way = True)"
        )


def _training(plan: TrainingPlan) -> EpisodeProtocol:
    """Returns the episodes of a plan without gaps."""
    return EpisodeProtocol(plan.ways or 0, plan.shots or 0, plan.queries or 0)


def data_root(chosen: str | None) -> Path:
    """Returns the folder that datasets read their files from."""
    return Path(chosen) if chosen else cache_root() / "data"
