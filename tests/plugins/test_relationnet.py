"""Relation Networks, against pairs of maps laid one upon the other and put through plain layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.algorithm import TaskSpec
from bench.backbones import Backbone, ConvNet, find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.registry import Registry

RelationNet = Any  # its class is the plugin's own
WAYS, SHAPE = 3, (1, 20, 20)


def small(filters: int = 3, blocks: int = 2) -> Backbone:
    """A ConvNet whose maps of 20x20 images are `filters` of 5x5, or 1x1 with four blocks."""

    def make(shape: tuple[int, ...], norm: Any) -> ConvNet:
        return ConvNet(shape, blocks=blocks, filters=filters, pool=True, norm=norm)

    return Backbone("small", "", "images", make)


@pytest.fixture
def make(registry: Registry) -> Callable[..., RelationNet]:
    """Builds one in double precision, its running averages those of a few batches."""

    def build_one(backbone: Backbone | None = None, **parameters: Any) -> RelationNet:
        torch.manual_seed(0)
        spec = TaskSpec(SHAPE, WAYS, 2, backbone or small())
        algorithm = registry.algorithm("relationnet")(spec, **parameters).double().train()
        for seed in range(3):
            algorithm.loss(task(seed + 10))
        return algorithm.eval()

    return build_one


def task(seed: int = 0, ways: int = WAYS, queries: int = 5) -> Episode:
    """Returns a task with two examples of each class."""
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.permutation(np.arange(ways).repeat(2)))
    support = Examples(torch.from_numpy(rng.normal(size=(2 * ways, *SHAPE))), labels, ways)
    asked = torch.from_numpy(rng.normal(size=(queries, *SHAPE)))
    query = Examples(asked, torch.from_numpy(rng.integers(0, ways, queries)), ways)
    return Episode(support, query, torch.arange(ways))


def as_published(algorithm: RelationNet, known: Tensor, labels: Tensor, asked: Tensor) -> Tensor:
    """Returns the scores before the sigmoid: maps summed, laid one upon the other, all in a batch.

    Of maps known (s, c, h, w) and asked (m, c, h, w).
    """
    module, pairs = algorithm.relation, []
    for query in asked:
        for label in range(int(labels.max()) + 1):
            total = torch.zeros_like(query)
            for example, its in zip(known, labels.tolist(), strict=True):
                total = total + example if its == label else total
            pairs.append(torch.cat([total, query]))
    maps = torch.stack(pairs)
    for convolution, norm in zip((module.first, module.second), module.norms, strict=True):
        maps = F.conv2d(maps, convolution.weight, padding=1)
        running = not algorithm.training and norm.running_mean is not None
        mean = norm.running_mean if running else maps.mean((0, 2, 3))
        variance = norm.running_var if running else maps.var((0, 2, 3), unbiased=False)
        deviation = (variance + norm.eps).sqrt()
        maps = (maps - mean[:, None, None]) / deviation[:, None, None]
        maps = maps * norm.weight[:, None, None] + norm.bias[:, None, None]
        maps = maps.relu()
        maps = nn.MaxPool2d(2)(maps) if min(maps.shape[-2:]) > 1 else maps
    hidden = (maps.flatten(1) @ module.hidden.weight.T + module.hidden.bias).relu()
    scores: Tensor = hidden @ module.score.weight.T + module.score.bias
    return scores.view(len(asked), -1)


def maps_of(algorithm: RelationNet, inputs: Tensor) -> Tensor:
    features: Tensor = algorithm.embedding(inputs)
    return features.view(len(inputs), *algorithm.map_shape)


@pytest.mark.parametrize("norm", ["running", "batch"])
@pytest.mark.parametrize("blocks", [2, 4])
def test_logits_are_those_of_summed_maps_laid_upon_the_querys(
    norm: str, blocks: int, make: Callable[..., RelationNet]
) -> None:
    # The shortcut: a convolution of two maps is the sum of one of each, done once per map.
    algorithm, episode = make(small(blocks=blocks), norm=norm), task()
    for layer in (algorithm.relation.hidden, algorithm.relation.score):
        nn.init.normal_(layer.weight)
    support, asked = episode.support, episode.query.inputs
    known = maps_of(algorithm, support.inputs)
    expected = as_published(algorithm, known, support.targets, maps_of(algorithm, asked))
    logits = algorithm.adapt(support)(asked)
    torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-10)
    assert logits.std() > 1e-3


def test_a_class_counts_as_if_it_had_the_usual_shots_however_many_it_has(
    make: Callable[..., RelationNet],
) -> None:
    # Made for 2 shots, a sum is of 2: the same example once, twice, or in one class five times.
    algorithm, episode = make(), task()
    one = episode.support.at(
        torch.tensor([(episode.support.targets == c).nonzero()[0] for c in range(WAYS)])
    )
    places = torch.arange(WAYS)
    repeated = (places, places.repeat(2), torch.cat([places, places[:1].repeat(4)]))
    once, twice, uneven = (algorithm.adapt(one.at(p))(episode.query.inputs) for p in repeated)
    torch.testing.assert_close(once, twice, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(uneven, twice, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("objective", "norm"), [("mse", "running"), ("mse", "batch"), ("ce", "running")]
)
def test_the_loss_is_that_of_the_objective_on_the_papers_pairs(
    objective: str, norm: str, make: Callable[..., RelationNet]
) -> None:
    algorithm, episode = make(objective=objective, norm=norm).train(), task()
    support, query = episode.support, episode.query
    if norm == "batch":
        known, asked = (maps_of(algorithm, part.inputs) for part in (support, query))
    else:
        both = maps_of(algorithm, torch.cat([support.inputs, query.inputs]))
        known, asked = both[: len(support)], both[len(support) :]
    scores = as_published(algorithm, known, support.targets, asked)
    if objective == "ce":
        by_hand = torch.zeros(())
        for row, label in zip(scores, query.targets.tolist(), strict=True):
            by_hand = by_hand - (row[label] - row.exp().sum().log()) / len(query)
    else:
        by_hand = torch.zeros(())
        for row, label in zip(scores, query.targets.tolist(), strict=True):
            for place, score in enumerate(row):
                by_hand = by_hand + (1 / (1 + (-score).exp()) - float(place == label)) ** 2
        by_hand = by_hand / scores.numel()
    assert algorithm.loss(episode).item() == pytest.approx(float(by_hand.detach()), rel=1e-9)


def test_gradients_through_the_shortcut_are_those_of_the_pairs(
    make: Callable[..., RelationNet],
) -> None:
    algorithm, episode = make(norm="batch").train(), task()
    support, query = episode.support, episode.query
    known, asked = (maps_of(algorithm, part.inputs) for part in (support, query))
    scores = as_published(algorithm, known, support.targets, asked)
    wanted = F.one_hot(query.targets, WAYS).double()
    losses = F.mse_loss(scores.sigmoid(), wanted), algorithm.loss(episode)
    weights = list(algorithm.parameters())
    one, other = (
        torch.cat([slope.flatten() for slope in torch.autograd.grad(loss, weights)])
        for loss in losses
    )
    assert other.norm() > 1e-6
    assert ((one - other).norm() / other.norm()).item() < 1e-9


def test_many_tasks_give_what_one_gives_however_many_pairs_fit(
    make: Callable[..., RelationNet], monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithm, tasks = make(), [task(seed, queries=7) for seed in range(4)]
    support = torch.stack([algorithm.embed(t.support.inputs) for t in tasks]).detach()
    query = torch.stack([algorithm.embed(t.query.inputs) for t in tasks]).detach()
    targets = torch.stack([t.support.targets for t in tasks])
    known = Examples(support.view(2, 2, *support.shape[1:]), targets.view(2, 2, -1), WAYS)
    whole = algorithm.scores(known, query.view(2, 2, *query.shape[1:])).flatten(0, 1)
    seen: list[int] = []
    algorithm.relation.register_forward_hook(lambda module, given, out: seen.append(len(out)))
    scores = type(algorithm).scores
    monkeypatch.setitem(scores.__globals__, "PAIR_NUMBERS", 2 * WAYS * 64 * 25)
    parts = algorithm.scores(known, query.view(2, 2, *query.shape[1:])).flatten(0, 1)
    assert seen == [2, 2, 2, 1] * 4
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)
    for number, one in enumerate(tasks):
        alone = algorithm.adapt(one.support)(one.query.inputs)
        torch.testing.assert_close(whole[number], alone, rtol=1e-12, atol=1e-12)


def test_the_memory_of_a_test_is_that_of_a_chunk_of_pairs(
    make: Callable[..., RelationNet],
) -> None:
    # 20 ways and 300 queries are 6,000 pairs, of 64 maps of 5x5 each: 9.6 million numbers.
    algorithm, sizes = make(), []
    algorithm.relation.norms[0].register_forward_hook(
        lambda module, given, out: sizes.append(out.numel())
    )
    features = torch.rand(20, 75).double()
    with torch.no_grad():
        scores = algorithm.scores(Examples(features, torch.arange(20), 20), features.repeat(15, 1))
    assert scores.shape == (300, 20)
    assert max(sizes) <= 1 << 20 and sum(sizes) == 6_000 * 1600


def test_the_order_of_the_support_does_not_matter(make: Callable[..., RelationNet]) -> None:
    algorithm, episode, order = make(), task(), torch.tensor([5, 3, 1, 0, 2, 4])
    one = algorithm.adapt(episode.support)(episode.query.inputs)
    other = algorithm.adapt(episode.support.at(order))(episode.query.inputs)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_query_is_judged_alone_unless_batch_norm_is_as_published(
    make: Callable[..., RelationNet],
) -> None:
    for norm, shares in (("running", False), ("batch", True)):
        algorithm, episode = make(norm=norm), task()
        predict = algorithm.adapt(episode.support)
        together, alone = predict(episode.query.inputs)[:2], predict(episode.query.inputs[:2])
        assert ((together - alone).abs().max() > 1e-6).item() is shares
        assert bool(algorithm.transduction) is shares


def test_it_takes_any_number_of_ways_and_unequal_shots(make: Callable[..., RelationNet]) -> None:
    algorithm = make()
    for ways in (2, 7):
        episode = task(ways=ways)
        some = episode.support.at(torch.arange(2 * ways - 1))
        assert algorithm.adapt(some)(episode.query.inputs).shape == (5, ways)
    assert algorithm.any_way


@pytest.mark.parametrize(
    ("side", "shape"), [(28, (64, 5, 5)), (84, (64, 19, 19)), (12, (64, 1, 1)), (8, (64, 1, 1))]
)
def test_its_backbone_gives_maps_of_the_authors_size(
    side: int, shape: tuple[int, ...], registry: Registry
) -> None:
    # 28 - 2 = 26, halved 13, - 2 = 11, halved 5. 84: 82, 41, 39, 19. Then padding keeps the size.
    network = registry.backbone("relation-conv4").build((3, side, side)).eval()
    assert network.map_shape == shape
    features = network(torch.rand(2, 3, side, side))
    assert features.shape == (2, network.out_features) == (2, int(np.prod(shape)))


def test_its_backbone_is_four_plain_blocks(registry: Registry) -> None:
    network: Any = registry.backbone("relation-conv4").build((1, 28, 28)).double().eval()
    inputs = torch.rand(2, 1, 28, 28).double()
    maps = inputs
    for number, convolution in enumerate(network.convolutions):
        maps = F.conv2d(maps, convolution.weight, padding=0 if number < 2 else 1)
        maps = (maps / (1 + 1e-5) ** 0.5).relu()  # batch norm as it starts: mean 0, variance 1
        maps = nn.MaxPool2d(2)(maps) if number < 2 else maps
    torch.testing.assert_close(network(inputs), maps.flatten(1))


def test_weights_start_as_in_the_authors_code(make: Callable[..., RelationNet]) -> None:
    torch.manual_seed(0)
    relation = make(find_backbone("conv4")).relation
    deviation = (2 / (3 * 3 * 64)) ** 0.5
    assert relation.first.weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert relation.second.weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert relation.hidden.weight.std().item() == pytest.approx(0.01, rel=0.2)
    assert relation.hidden.weight.shape == (8, 64) and relation.score.weight.shape == (1, 8)
    assert (relation.hidden.bias == 1).all() and (relation.score.bias == 1).all()


def test_each_networks_gradient_is_cut_on_its_own(make: Callable[..., RelationNet]) -> None:
    algorithm = make(clip=0.5).train()
    optimizer = algorithm.optimizer()
    for parameter in algorithm.embedding.parameters():
        parameter.grad = torch.ones_like(parameter)
    for parameter in algorithm.relation.parameters():
        parameter.grad = 1e-6 * torch.ones_like(parameter)
    optimizer.step()
    norms = [
        torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]).norm()
        for network in (algorithm.embedding, algorithm.relation)
    ]
    assert norms[0].item() == pytest.approx(0.5, rel=1e-4)
    count = sum(p.numel() for p in algorithm.relation.parameters())
    assert norms[1].item() == pytest.approx(1e-6 * count**0.5)


@pytest.mark.parametrize("name", ["mlp", "conv4-strided"])
def test_a_backbone_without_a_map_is_refused(name: str, registry: Registry) -> None:
    spec = TaskSpec(SHAPE, WAYS, 1, find_backbone(name))
    with pytest.raises(BenchError, match=f"backbone '{name}' gives none; .*relation-conv4"):
        registry.algorithm("relationnet")(spec)


def test_a_clip_must_be_positive(make: Callable[..., RelationNet]) -> None:
    with pytest.raises(BenchError, match="clip is 0; it must be positive"):
        make(clip=0)


@pytest.mark.parametrize("norm", ["running", "batch"])
def test_the_fast_evaluation_gives_the_numbers_of_the_plain_one(
    norm: str, make_stream: Callable[..., EpisodeStream], build: Callable[..., Any]
) -> None:
    stream, learner = make_stream(classes=30, each=20), build("relationnet", norm=norm)
    learner.train()
    optimizer = learner.optimizer()
    losses = [learner.train_step([episode], optimizer) for episode in stream.episodes(0, 60)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    fast, plain = (evaluate(learner, stream, 40, seed=0, plain=plain) for plain in (False, True))
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


def test_regression_is_refused_with_a_reason_by_all_metric_methods(registry: Registry) -> None:
    for name in ("protonet", "matchingnet", "relationnet"):
        algorithm = registry.algorithm(name)
        assert algorithm.tasks == ("classification",)
        assert algorithm.not_for.endswith("and a curve has none")
