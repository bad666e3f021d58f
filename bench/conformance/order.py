"""Checks of who depends on whom: order of queries, order of the support, queries on each other."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.algorithm import Predictor
from bench.conformance.check import SEEDED, Check, Failed, NotApplicable
from bench.conformance.subject import Subject, fixed_way, regression
from bench.conformance.trial import Trial, gap
from bench.episodes import Episode, Examples
from bench.seeds import seed_torch
from bench.tasks import REGRESSION


def query_order(subject: Subject) -> str:
    """Asks for the queries in reverse order."""
    trial, episode = subject.trial(), subject.episode()
    predict = trial.adapt(episode.support)
    forwards = predict(episode.query.inputs)
    backwards = predict(episode.query.inputs.flip(0)).flip(0)
    if not trial.same(forwards, backwards):
        _not_if_drawn(trial, episode)
        raise Failed(
            "the same prediction for a query wherever it stands among the queries",
            f"predictions that differ by {gap(forwards, backwards):.1e} of the largest when the "
            "queries come in reverse order",
            "do not use the position of a query; episodes list them in random order",
        )
    return ""


def support_order(subject: Subject) -> str:
    """Adapts to the support in other orders."""
    trial, episode = subject.trial(), subject.episode()
    declared, support = trial.algorithm.support_order, episode.support
    first = trial.answer(episode)
    seed_torch(0, "check", "order")
    orders = [torch.arange(len(support)).flip(0), torch.randperm(len(support))]
    others = [trial.adapt(support.at(order))(episode.query.inputs) for order in orders]
    largest = max(gap(first, other) for other in others)
    if largest <= trial.tolerance:
        return f"declared ({declared}), but not seen" if declared else ""
    _not_if_drawn(trial, episode)
    seen = f"predictions differ by up to {largest:.1e} of the largest"
    if declared:
        return f"declared: {declared}; {seen}"
    raise Failed(
        "the same predictions whatever the order of the support",
        f"{seen} when the support is reordered",
        "if the method reads the support as a sequence or in mini-batches, say so: "
        "support_order = 'why'; else combine examples by sums or means, which know no order",
    )


def uneven_support(subject: Subject) -> str:
    """Adapts to seven classes of 1 to 7 examples, in several orders.

    As many as seven classes of four would have: whoever divides the support evenly goes wrong
    without noticing, and then the order matters.
    """
    trial, ways = subject.trial(), 7
    episode = subject.episode(subject.protocol(ways=ways, shots=ways))
    labels = episode.support.targets
    kept = [torch.nonzero(labels == label).flatten()[: label + 1] for label in range(ways)]
    support = episode.support.at(torch.cat(kept).sort().values)
    uneven = Episode(support, episode.query, episode.classes)
    first = _answer_among(trial, uneven, support, ways)
    if trial.algorithm.support_order:
        return "in one order only, as it declares that the order matters"
    seed_torch(0, "check", "order")
    orders = [torch.arange(len(support)).flip(0), torch.randperm(len(support))]
    others = [_answer_among(trial, uneven, support.at(order), ways) for order in orders]
    largest = max(gap(first, other) for other in others)
    if largest > trial.tolerance:
        _not_if_drawn(trial, uneven)
        raise Failed(
            "the same predictions whatever the order of a support whose classes differ in size",
            f"predictions that differ by up to {largest:.1e} of the largest when it is reordered",
            "do not reshape the support to (ways, shots, ...): classes may have any number of "
            "examples; go by support.targets, as Examples.class_means does",
        )
    return ""


def _answer_among(trial: Trial, episode: Episode, support: Examples, ways: int) -> Tensor:
    """Returns the predictions for an episode's queries from this support, if they are sound."""
    wanted = (len(episode.query), ways)
    try:
        answer = trial.adapt(support)(episode.query.inputs)
    except Exception as error:
        raise Failed(
            f"an answer among {ways} classes that have 1 to {ways} examples, as any_way is True",
            f"{type(error).__name__}: {error}",
            "go by support.targets, or set any_way = False",
        ) from error
    if answer.shape != wanted or not bool(torch.isfinite(answer).all()):
        raise Failed(
            f"finite scores of shape (queries, ways) = {wanted} where classes differ in size",
            f"shape {tuple(answer.shape)}, {int((~torch.isfinite(answer)).sum())} not finite",
            "go by support.targets; a class may have one example only",
        )
    return answer


def transduction(subject: Subject) -> str:
    """Asks for each query alone, for those of one class, and for all together."""
    trial, episode = subject.trial(), subject.episode()
    declared = trial.algorithm.transduction
    predict = trial.adapt(episode.support)
    together = predict(episode.query.inputs)
    parts = [_in_parts(predict, episode, groups) for groups in _groups(subject, episode)]
    largest = max(gap(together, part) for part in parts)
    if largest <= trial.tolerance:
        return f"declared ({declared}), but not seen" if declared else ""
    _not_if_drawn(trial, episode)
    size = _size(subject, together, parts)
    if declared:
        return f"declared: {declared}; asked in parts, {size}"
    raise Failed(
        "the same prediction for a query alone, with its class, and with all others",
        f"asked in parts, {size}",
        "if queries inform one another by design, say how: transduction = '...', which is printed "
        "with every result; else use no statistics of the query batch, such as batch norm without "
        "running averages (norm='batch')",
    )


def _groups(subject: Subject, episode: Episode) -> list[list[Tensor]]:
    """Returns divisions of the queries: each alone; by class, or in regression in halves."""
    places = torch.arange(len(episode.query))
    if subject.task == REGRESSION:
        return [list(places.chunk(len(places))), list(places.chunk(2))]
    labels = episode.query.targets
    return [
        list(places.chunk(len(places))),
        [places[labels == c] for c in range(episode.query.n_way)],
    ]


def _in_parts(predict: Predictor, episode: Episode, groups: list[Tensor]) -> Tensor:
    """Returns the predictions for all queries, asked group by group."""
    answers = torch.cat([predict(episode.query.inputs[group]) for group in groups])
    return answers[torch.cat(groups).argsort()]


def _size(subject: Subject, together: Tensor, parts: list[Tensor]) -> str:
    """Returns how much the predictions depend on one another, in words."""
    if subject.task == REGRESSION:
        largest = max((together - part).abs().max().item() for part in parts)
        return f"values change by up to {largest:.2g}"
    shift = max((together.softmax(-1) - p.softmax(-1)).abs().max().item() for p in parts)
    turned = max(int((together.argmax(-1) != part.argmax(-1)).sum()) for part in parts)
    return f"probabilities change by up to {shift:.2g}, {turned} of {len(together)} decisions turn"


def _not_if_drawn(trial: Trial, episode: Episode) -> None:
    """Raises NotApplicable if the predictor itself draws random numbers: nothing can be told."""
    answers = [trial.adapt(episode.support, seed)(episode.query.inputs) for seed in (0, 1)]
    if gap(*answers) > trial.tolerance:
        raise NotApplicable("its predictions are drawn at random")


CHECKS = (
    Check("query-order", "a query's place among the queries does not matter", query_order,
          needs=SEEDED),
    Check("support-order", "the support's order does not matter, or is said to", support_order,
          needs=SEEDED),
    Check("uneven-support", "classes of a support may differ in size, if any_way is claimed",
          uneven_support, (regression, fixed_way),
          needs=(*SEEDED, "one-shot", "any-way", "unequal-shots", "support-order")),
    Check("transduction", "each query is judged alone, or it is said how not", transduction,
          needs=(*SEEDED, "one-query", "query-order")),
)  # fmt: skip
