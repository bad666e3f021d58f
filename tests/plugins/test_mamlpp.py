"""MAML++: MAML when all is off, a loop written out, finite differences, and what is kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from bench.algorithm import TaskSpec
from bench.backbones import Backbone, ConvNet, find_backbone
from bench.episodes import Episode, Examples
from bench.errors import BenchError
from bench.registry import Registry

CONV = Backbone(
    "conv",
    "",
    "images",
    lambda shape, norm: ConvNet(shape, blocks=2, filters=4, pool=True, norm=norm),
)
BACKBONES = {"conv": CONV, "mlp": find_backbone("mlp")}
SHAPES = {"conv": (1, 8, 8), "mlp": (4,)}
ALL_OFF = {"learned_rates": False, "per_step_norm": False, "multi_step": 0, "first_order": 0}
NORMS = ("0.norms.0.weight", "0.norms.0.bias", "0.norms.1.weight", "0.norms.1.bias")

Make = Callable[..., Any]


@pytest.fixture
def make(registry: Registry) -> Make:
    def build(name: str = "mamlpp", backbone: str = "conv", **parameters: Any) -> Any:
        torch.manual_seed(0)
        spec = TaskSpec(SHAPES[backbone], 3, 2, BACKBONES[backbone])
        return registry.algorithm(name)(spec, **parameters).train()

    return build


def tasks(backbone: str = "conv", count: int = 3, dtype: torch.dtype = torch.float64) -> Any:
    generator = torch.Generator().manual_seed(1)

    def part(each: int) -> Examples:
        inputs = torch.randn(3 * each, *SHAPES[backbone], generator=generator, dtype=dtype)
        return Examples(inputs, torch.arange(3).repeat(each), 3)

    return [Episode(part(2), part(3), torch.arange(3)) for _ in range(count)]


def slopes_of_a_step(algorithm: Any, episodes: list[Episode]) -> dict[str, Tensor]:
    algorithm.train_step(episodes, torch.optim.SGD(algorithm.parameters(), lr=0.0))
    return {n: p.grad for n, p in algorithm.named_parameters() if p.grad is not None}


def scatter(algorithm: Any) -> None:
    """Gives rates and norms values of their own for every layer and step."""
    with torch.no_grad():
        for name, parameter in algorithm.named_parameters():
            if name == "rates" or "norms" in name:
                parameter.add_(0.1 * torch.rand_like(parameter))


def by_hand(algorithm: Any, episode: Episode, shares: list[float], first_order: bool) -> Tensor:
    """Returns the loss of one task from steps written out: its own norms and rates per step."""
    network = copy.deepcopy(algorithm.network)
    network.eval()
    start: Mapping[str, Tensor] = dict(algorithm.network.named_parameters())
    fast = {name: weight for name, weight in start.items() if name not in NORMS}
    total = torch.zeros((), dtype=torch.float64)
    for step, share in enumerate(shares):
        norms = {name: start[name][step] for name in NORMS}
        part = episode.support
        loss = F.cross_entropy(functional_call(network, fast | norms, part.inputs), part.targets)
        slopes = torch.autograd.grad(loss, list(fast.values()), create_graph=not first_order)
        for number, (name, slope) in enumerate(zip(list(fast), slopes, strict=True)):
            fast[name] = fast[name] - algorithm.rates[step][number] * slope
        part = episode.query
        logits = functional_call(network, fast | norms, part.inputs)
        total = total + share * F.cross_entropy(logits, part.targets)
    return total


@pytest.mark.parametrize("backbone", ["conv", "mlp"])
def test_with_all_extras_off_it_is_maml_to_the_last_bit(backbone: str, make: Make) -> None:
    steps = {"inner_steps": 3, "inner_lr": 0.3}
    mine = make(backbone=backbone, **steps, **ALL_OFF)
    maml = make("maml", backbone, **steps, test_steps=3)
    episodes = tasks(backbone, dtype=torch.float32)
    slopes, others = (slopes_of_a_step(a, episodes) for a in (mine, maml))
    assert slopes.keys() == others.keys()
    assert all(torch.equal(slopes[name], others[name]) for name in slopes)
    one = episodes[0]
    logits = [a.eval().adapt(one.support)(one.query.inputs) for a in (mine, maml)]
    assert torch.equal(*logits)


@pytest.mark.parametrize("first_order", [False, True], ids=["second order", "first order"])
@pytest.mark.parametrize(("multi_step", "shares"), [(0, [0.0, 0.0, 1.0]), (8, [1 / 3] * 3)])
def test_the_meta_gradient_is_that_of_the_loop_written_out(
    first_order: bool, multi_step: int, shares: list[float], make: Make
) -> None:
    settings = {"inner_steps": 3, "multi_step": multi_step, "first_order": int(first_order)}
    algorithm = make(**settings).double()
    scatter(algorithm)
    episodes = tasks()
    losses = [by_hand(algorithm, episode, shares, first_order) for episode in episodes]
    parameters = list(algorithm.parameters())
    expected = torch.autograd.grad(sum(losses, torch.zeros(())) / 3, parameters)
    assert algorithm.takes_tasks_together
    slopes = slopes_of_a_step(algorithm, episodes)
    assert len(slopes) == len(parameters)
    for (name, slope), its in zip(slopes.items(), expected, strict=True):
        assert its.norm() > 1e-6, f"no slope of {name} would prove nothing"
        assert (slope - its).norm() < 1e-9 * its.norm(), name


def test_the_meta_gradient_is_the_slope_of_the_loss(make: Make) -> None:
    algorithm, episodes = make(inner_steps=3, multi_step=8).double(), tasks()
    scatter(algorithm)
    slopes = slopes_of_a_step(algorithm, episodes)
    algorithm.steps_done -= 1  # the losses below are those of the same meta-step
    length = 1e-7  # short, lest a ReLU or a maximum flip in between
    for name, parameter in algorithm.named_parameters():
        direction = torch.randn_like(parameter)
        losses = []
        for distance in (length, -2 * length):
            with torch.no_grad():
                parameter.add_(direction, alpha=distance)
            losses.append(sum(algorithm.loss(e).item() for e in episodes) / len(episodes))
        with torch.no_grad():
            parameter.add_(direction, alpha=length)
        claimed = (slopes[name] * direction).sum().item()
        assert claimed == pytest.approx((losses[0] - losses[1]) / (2 * length), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (0, [0.5, 0.5]),
        (5, [0.25, 0.75]),  # half-way an early step has half its share
        (9, [0.05, 0.95]),
        (10, [0.0, 1.0]),
    ],
)
def test_the_loss_shifts_from_all_steps_to_the_last(
    done: int, expected: list[float], make: Make
) -> None:
    algorithm = make(inner_steps=2, multi_step=10, first_order=0).double()
    algorithm.steps_done.fill_(done)
    (episode,) = tasks(count=1)
    loss = algorithm.loss(episode)
    torch.testing.assert_close(loss, by_hand(algorithm, episode, expected, False))


def test_an_early_step_keeps_three_hundredths_of_its_share_until_the_end(make: Make) -> None:
    algorithm = make(inner_steps=2, multi_step=1000).double()
    algorithm.steps_done.fill_(999)
    (episode,) = tasks(count=1)
    expected = by_hand(algorithm, episode, [0.015, 0.985], False)
    torch.testing.assert_close(algorithm.loss(episode), expected)


def test_second_derivatives_come_in_when_the_first_order_steps_are_done(make: Make) -> None:
    algorithm = make(inner_steps=2, inner_lr=0.5, multi_step=0, first_order=2).double()
    seen = [slopes_of_a_step(algorithm, tasks())["network.0.norms.0.bias"] for _ in range(3)]
    assert torch.equal(seen[0], seen[1])
    assert (seen[1] - seen[2]).norm() > 1e-3 * seen[2].norm()


def test_training_taken_up_again_goes_on_with_the_same_bits(make: Make) -> None:
    settings = {"inner_steps": 2, "multi_step": 3, "first_order": 2}
    episodes = tasks(dtype=torch.float32)

    def train(algorithm: Any, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for _ in range(steps):
            algorithm.train_step(episodes, optimizer)

    whole, halved, resumed = (make(**settings) for _ in range(3))
    train(whole, whole.optimizer(), 4)
    optimizer, again = halved.optimizer(), resumed.optimizer()
    train(halved, optimizer, 2)
    resumed.load_state_dict(halved.state_dict())
    again.load_state_dict(optimizer.state_dict())
    train(resumed, again, 2)
    assert int(resumed.steps_done) == 4
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_switch_takes_its_parameters_away(make: Make) -> None:
    def trained(**parameters: Any) -> set[str]:
        return set(slopes_of_a_step(make(inner_steps=2, **parameters).double(), tasks()))

    assert "rates" in trained()
    assert "rates" not in trained(learned_rates=False)
    for per_step, shape in ((True, (2, 4)), (False, (4,))):
        algorithm = make(inner_steps=2, per_step_norm=per_step)
        assert algorithm.network[0].norms[0].weight.shape == shape
        weights = dict(algorithm.network.named_parameters())
        (episode,) = tasks(count=1, dtype=torch.float32)
        fitted = algorithm.inner_loop(algorithm._plain, weights, episode.support)
        kept = torch.equal(fitted["0.norms.0.weight"], torch.ones(4))
        assert kept is per_step  # scales per step are not adapted


def test_batch_norm_makes_it_transductive_and_it_says_so(make: Make) -> None:
    (episode,) = tasks(count=1, dtype=torch.float32)
    for norm, told in (("batch", True), ("running", False)):
        algorithm = make(norm=norm, inner_steps=2)
        algorithm.train_step([episode], algorithm.optimizer())
        predict = algorithm.eval().adapt(episode.support)
        alone = torch.allclose(predict(episode.query.inputs)[:3], predict(episode.query.inputs[:3]))
        assert bool(algorithm.transduction) is told
        assert alone is not told


@pytest.mark.parametrize(
    ("name", "value"), [("inner_lr", 0.0), ("inner_steps", 0), ("multi_step", -1)]
)
def test_a_value_that_makes_no_sense_is_named(name: str, value: float, make: Make) -> None:
    with pytest.raises(BenchError, match=f"{name} {value}"):
        make(**{name: value})


def test_it_learns_the_support_set(make: Make) -> None:
    algorithm, (episode,) = make(inner_lr=0.5, inner_steps=30), tasks(count=1, dtype=torch.float32)
    logits = algorithm.adapt(episode.support)(episode.support.inputs)
    assert (logits.argmax(1) == episode.support.targets).all()
