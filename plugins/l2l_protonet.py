"""learn2learn's classifier of Prototypical Networks, on this harness's episodes."""

from __future__ import annotations

from torch import Tensor

from bench import Algorithm, EmbeddingLearner, Examples, TaskSpec, hookimpl

from ._learn2learn import PAPER, learn2learn, one_by_one
from .protonet import ProtoNet


class L2LProtoNet(EmbeddingLearner):
    """Prototypical Networks with learn2learn's PrototypicalClassifier on our embedding.

    Defaults and training are those of `protonet`.

    Args:
        lr: learning rate of Adam.
    """

    name = "l2l-protonet"
    family = "metric"
    paper = f"{PAPER}; {ProtoNet.paper}"
    training_plan = ProtoNet.training_plan
    requires = ("learn2learn",)

    def __init__(self, spec: TaskSpec, *, lr: float = 1e-3) -> None:
        super().__init__(spec)
        self.lr = lr
        self.classifier = learn2learn("nn").PrototypicalClassifier

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        return one_by_one(self._scores, support, query)

    def _scores(self, support: Examples, query: Tensor) -> Tensor:
        answer: Tensor = self.classifier(support.inputs, support.targets)(query)
        return answer


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LProtoNet]
