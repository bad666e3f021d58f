"""`prediction=support-plus-one`: no query informs another, whichever method has the parameter."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.episodes import Examples
from bench.extras import is_installed
from bench.registry import Registry

NAMES = ("maml", "fomaml", "metasgd", "mamlpp", "reptile", "cavia")
WRAPPED = ("l2l-maml", "l2l-fomaml", "l2l-metasgd", "l2l-metacurvature", "l2l-reptile")


def test_these_are_all_that_have_it(registry: Registry) -> None:
    named = {
        name
        for name in registry.algorithms.entries
        if "prediction" in registry.algorithm(name).test_parameters
    }
    assert named == {*NAMES, *WRAPPED}


@pytest.mark.parametrize("name", [*NAMES, *WRAPPED])
def test_a_query_is_answered_as_if_it_were_alone_with_the_support(
    name: str, registry: Registry
) -> None:
    if name in WRAPPED and not is_installed("learn2learn"):
        pytest.skip("learn2learn is not installed; run bench install learn2learn")
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(3, 1, 16, 16, generator=generator, dtype=torch.float64)
    support = Examples(inputs, torch.arange(3), 3)
    query = torch.rand(4, 1, 16, 16, generator=generator, dtype=torch.float64)

    def build(prediction: str) -> Algorithm:
        torch.manual_seed(0)
        spec = TaskSpec((1, 16, 16), 3, 1, find_backbone("conv4-32"))
        settings: dict[str, Any] = {"norm": "batch", "prediction": prediction}
        return registry.algorithm(name)(spec, **settings).double().eval()

    honest, shared = build("support-plus-one"), build("transductive")
    assert shared.transduction and not honest.transduction
    predict = honest.adapt(support)
    together = predict(query)
    for place, one in enumerate(query):
        torch.testing.assert_close(together[place], predict(one.unsqueeze(0))[0])
    # The same weights, asked about a batch of the support and one query.
    batch = torch.cat([support.inputs, query[:1]])
    torch.testing.assert_close(together[0], shared.adapt(support)(batch)[-1])
    assert not torch.allclose(together, shared.adapt(support)(query))
