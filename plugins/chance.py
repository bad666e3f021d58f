"""Chance: the floor of classification, which nothing was learnt to reach."""

from __future__ import annotations

from bench import Algorithm, Examples, Predictor, hookimpl


class Chance(Algorithm):
    """Gives every class the same logit, so that all probabilities are 1/n and the loss is log n.

    Accuracy counts the first class as the answer. Labels are dealt to classes at random, so this
    is right for one query in n: in each episode where classes have equally many queries, in
    expectation otherwise. Unlike a guess drawn at random it is the same each time, whichever
    queries are asked together, and adds no noise to the floor.
    """

    name = "chance"
    family = "floor"
    backbone = None
    any_way = True

    def adapt(self, support: Examples) -> Predictor:
        return lambda query: query.new_zeros(len(query), support.n_way)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [Chance]
