"""bench: a plugin-based benchmark harness for few-shot and meta-learning.

This file is the public surface: all that a plugin may import. Names are loaded on first use, so
that `bench --help` and the leaderboard need not wait for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.algorithm import Algorithm, EmbeddingLearner, Predictor, TaskSpec, TrainingPlan
    from bench.backbones import Backbone, BackboneFamily, Embedding, Norm
    from bench.classsplit import draw_split, read_split
    from bench.dataset import ClassExamples, DataFiles, Dataset, Split
    from bench.decoding import Picture, PictureClass, decoded
    from bench.downloads import Download
    from bench.endings import is_table, may_be_image
    from bench.episodes import Episode, EpisodeProtocol, Examples
    from bench.errors import BenchError, nearest
    from bench.extras import import_extra
    from bench.filetree import FileTree, open_tree
    from bench.gradient import GradientLearner
    from bench.hookspecs import hookimpl
    from bench.imageform import ImageForm
    from bench.labels import Label, Labels
    from bench.listing import ListedItem, Listing, read_listing
    from bench.stream import StreamLearner
    from bench.taskbatch.network import Model, Weights
    from bench.tasks import Task
    from bench.trainedmodel import TrainedModel, load_run

_HOME = {
    "Algorithm": "algorithm",
    "Backbone": "backbones",
    "BackboneFamily": "backbones",
    "BenchError": "errors",
    "ClassExamples": "dataset",
    "DataFiles": "dataset",
    "Dataset": "dataset",
    "Download": "downloads",
    "Embedding": "backbones",
    "EmbeddingLearner": "algorithm",
    "Episode": "episodes",
    "EpisodeProtocol": "episodes",
    "Examples": "episodes",
    "FileTree": "filetree",
    "GradientLearner": "gradient",
    "ImageForm": "imageform",
    "Label": "labels",
    "Labels": "labels",
    "ListedItem": "listing",
    "Listing": "listing",
    "Model": "taskbatch.network",
    "Norm": "backbones",
    "Picture": "decoding",
    "PictureClass": "decoding",
    "Predictor": "algorithm",
    "Split": "dataset",
    "StreamLearner": "stream",
    "Task": "tasks",
    "TaskSpec": "algorithm",
    "TrainedModel": "trainedmodel",
    "TrainingPlan": "algorithm",
    "Weights": "taskbatch.network",
    "decoded": "decoding",
    "draw_split": "classsplit",
    "hookimpl": "hookspecs",
    "import_extra": "extras",
    "is_table": "endings",
    "load_run": "trainedmodel",
    "may_be_image": "endings",
    "nearest": "errors",
    "open_tree": "filetree",
    "read_listing": "listing",
    "read_split": "classsplit",
}

__all__ = [
    "Algorithm",
    "Backbone",
    "BackboneFamily",
    "BenchError",
    "ClassExamples",
    "DataFiles",
    "Dataset",
    "Download",
    "Embedding",
    "EmbeddingLearner",
    "Episode",
    "EpisodeProtocol",
    "Examples",
    "FileTree",
    "GradientLearner",
    "ImageForm",
    "Label",
    "Labels",
    "ListedItem",
    "Listing",
    "Model",
    "Norm",
    "Picture",
    "PictureClass",
    "Predictor",
    "Split",
    "StreamLearner",
    "Task",
    "TaskSpec",
    "TrainedModel",
    "TrainingPlan",
    "Weights",
    "decoded",
    "draw_split",
    "hookimpl",
    "import_extra",
    "is_table",
    "load_run",
    "may_be_image",
    "nearest",
    "open_tree",
    "read_listing",
    "read_split",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"bench.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
