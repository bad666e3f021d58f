"""Checks of what a predictor returns, for episodes of every shape."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.algorithm import Algorithm
from bench.conformance.check import Check, Failed, NotApplicable
from bench.conformance.subject import Subject, fixed_way, regression
from bench.conformance.trial import Trial
from bench.episodes import EpisodeProtocol, Examples
from bench.errors import BenchError
from bench.tasks import REGRESSION


def _on(algorithm: Algorithm) -> Trial:
    return Trial(algorithm.eval(), torch.float32, 1e-3)


def _expect_answer(answer: object, queries: int, width: int, of: str) -> None:
    """Raises Failed unless `answer` is a finite float tensor (queries, width)."""
    wanted = f"a float tensor of shape (queries, {of}) = ({queries}, {width})"
    if not isinstance(answer, Tensor):
        raise Failed(
            wanted, f"{type(answer).__name__}", "let the predictor return one score per class"
        )
    if answer.shape != (queries, width) or not answer.is_floating_point():
        raise Failed(
            wanted,
            f"shape {tuple(answer.shape)} of {answer.dtype}",
            "return a row for each query and a column for each of the support's n_way classes; "
            "in regression a column for each target",
        )
    if not bool(torch.isfinite(answer).all()):
        bad = int((~torch.isfinite(answer)).sum())
        raise Failed(
            "finite numbers",
            f"{bad} of {answer.numel()} that are infinite or NaN",
            "look for a logarithm or a division of zero (such as the variance of one example), "
            "or too large a step; add a small constant, or start with smaller weights",
        )


def _try(subject: Subject, protocol: EpisodeProtocol) -> None:
    """Builds for a protocol, trains a step, adapts, and looks at the answer."""
    trial, episode = _on(subject.build(protocol)), subject.episode(protocol)
    answer: object = trial.answer(episode)
    of, width = ("targets", 1) if subject.task == REGRESSION else ("ways", protocol.ways)
    _expect_answer(answer, len(episode.query), width, of)
    if subject.is_trained:
        loss = trial.algorithm.train().loss(subject.episode(protocol, 1))
        if loss.shape != () or not bool(torch.isfinite(loss)):
            raise Failed(
                f"a finite scalar as the loss of a {protocol.id} episode",
                f"{loss.detach().cpu().numpy()}",
                "return the mean over the queries; look for a division by zero",
            )


def usual(subject: Subject) -> str:
    """Answers an episode of a few shots and queries."""
    predict = subject.build().eval().adapt(subject.episode().support)
    if not callable(predict):
        raise Failed(
            "a function from query inputs to predictions, as adapt's answer",
            f"{type(predict).__name__}",
            "end adapt with `return predict`, a function",
        )
    _try(subject, subject.protocol())
    return ""


def one_shot(subject: Subject) -> str:
    """Answers with a single example per class."""
    _try(subject, subject.protocol(shots=1))
    return ""


def one_query(subject: Subject) -> str:
    """Answers a single query."""
    trial, episode = _on(subject.build()), subject.episode()
    width = 1 if subject.task == REGRESSION else 5
    answer: object = trial.adapt(episode.support)(episode.query.inputs[:1])
    _expect_answer(answer, 1, width, "ways")
    return ""


def twenty_way(subject: Subject) -> str:
    """Answers among twenty classes."""
    _try(subject, subject.protocol(ways=20, queries=1))
    return ""


def unequal_shots(subject: Subject) -> str:
    """Answers where classes have 2 to 5 examples each."""
    episode = subject.episode(subject.protocol(shots=5))
    targets, counts = episode.support.targets, (2, 3, 4, 5, 2)
    kept = [torch.nonzero(targets == label).flatten()[:n] for label, n in enumerate(counts)]
    support = episode.support.at(torch.cat(kept).sort().values)
    try:
        answer: object = _on(subject.build()).adapt(support)(episode.query.inputs)
    except BenchError as refusal:
        raise NotApplicable(f"it refuses: {refusal}") from None
    _expect_answer(answer, len(episode.query), 5, "ways")
    return ""


def any_way(subject: Subject) -> str:
    """Built for five classes, answers among three and among seven."""
    algorithm = subject.build()
    for ways in (3, 7):
        episode = subject.episode(subject.protocol(ways=ways))
        try:
            answer: object = _on(algorithm).answer(episode)
        except Exception as error:
            raise Failed(
                f"an answer among {ways} classes, as any_way is True",
                f"{type(error).__name__}: {error}",
                "set any_way = False, or take the number of classes from support.n_way",
            ) from error
        _expect_answer(answer, len(episode.query), ways, "ways")
    return ""


def untouched_inputs(subject: Subject) -> str:
    """Leaves the tensors it is given as they were."""
    algorithm, episode = subject.build().eval(), subject.episode()
    support, query = episode.support, episode.query.inputs
    kept = [t.clone() for t in (support.inputs, support.targets, query)]
    predict = algorithm.adapt(Examples(support.inputs, support.targets, support.n_way))
    with torch.no_grad():
        predict(query)
    given = (support.inputs, support.targets, query)
    names = ("support inputs", "support targets", "query inputs")
    for name, before, after in zip(names, kept, given, strict=True):
        if not torch.equal(before, after):
            raise Failed(
                f"the {name} as they were given",
                "other numbers in the same tensor",
                "do not use operations in place (those with a trailing _, or +=) on them",
            )
    return ""


CHECKS = (
    Check("answers", "adapt returns a function that gives each query its scores", usual, needs=()),
    Check("one-shot", "one example per class is enough", one_shot),
    Check("one-query", "a single query is answered", one_query),
    Check("twenty-way", "it can be built for twenty classes", twenty_way, (regression,)),
    Check(
        "unequal-shots", "classes may have different numbers of examples", unequal_shots,
        (regression,),
    ),
    Check("any-way", "any number of classes, where claimed", any_way, (regression, fixed_way)),
    Check("inputs-untouched", "what it is given stays as it was", untouched_inputs),
)  # fmt: skip
