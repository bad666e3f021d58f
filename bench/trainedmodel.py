"""Trained models: a finished run, ready to label pictures that it has never seen.

from bench import load_run
model = load_run("results/RUN")
labels = model.predict("support", "query")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.device import find_device
from bench.embedding import embedding_of
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.labels import Labels
from bench.photos import Report
from bench.prediction import check_classes, inform_one_another, label_all
from bench.querypictures import QueryLike, find_queries
from bench.registry import Registry, load_registry
from bench.restored import Restored, restore
from bench.supportset import SupportLike, SupportSet, read_support
from bench.tasks import REGRESSION


@dataclass(frozen=True, repr=False)
class TrainedModel:
    """The algorithm of a finished run with its weights, and the form that it wants pictures in."""

    run: Restored
    form: ImageForm
    remarks: tuple[str, ...] = ()

    def predict(
        self,
        support: SupportLike,
        query: QueryLike,
        *,
        invert: bool | None = None,
        together: bool = False,
        report: Report = lambda done, total: None,
    ) -> Labels:
        """Returns the labels of all pictures in `query`, by the pictures of classes in `support`.

        Both are folders, zips, or the pictures themselves: see SupportLike and QueryLike.
        `invert` says whether dark becomes bright; None: as for the data of the run. With
        `together`, methods whose queries inform one another get all of them at once: then a label
        depends on what else is asked. `report` is called as queries are done.

        Raises:
            BenchError: support or query cannot be read, or do not fit the algorithm.
            RunFailed: the algorithm failed.
        """
        form = self.form if invert is None else replace(self.form, inverted=invert)
        known = read_support(support, form)
        check_classes(self.run, known)
        asked = find_queries(query)
        labels = tuple(
            label_all(self.run, known, asked.pictures, form, together=together, report=report)
        )
        remarks = (*self.remarks, *self._on(together), *known.remarks, *asked.remarks)
        remarks += (*_brightness(known, form), *self._calibrated_for(known.counts))
        return Labels(labels, known.classes, known.counts, remarks)

    def __repr__(self) -> str:
        """Returns what it is in a line: a record would fill a screen."""
        return f"TrainedModel({self.run.record.name}: {self.run.algorithm.name}, {self.form})"

    def _calibrated_for(self, counts: Sequence[int]) -> tuple[str, ...]:
        """Returns a remark if tasks are not of the size that probabilities were calibrated on."""
        spec = self.run.record.spec
        if spec is None or _temperature(self.run) is None:
            return ()
        if (len(counts), set(counts)) == (spec.ways, {spec.shots}):
            return ()
        return (
            f"probabilities were calibrated on {spec.ways} classes with {spec.shots} known each, "
            "and may be too low or too high with others; train with --ways and --shots as here",
        )

    def _on(self, together: bool) -> tuple[str, ...]:
        """Returns a remark on how queries are asked, if they inform one another."""
        if not inform_one_another(self.run):
            return ()
        name = self.run.algorithm.name
        if together:
            return (f"{name} judged all pictures together: a label depends on what else is there",)
        return (
            f"in {name} queries inform one another; here each was asked with the support alone, so "
            "that its label depends on no other picture (its test asked all together)",
        )


def load_run(
    folder: str | os.PathLike[str],
    *,
    plugins: Sequence[str] = (),
    device: str = "auto",
    registry: Registry | None = None,
) -> TrainedModel:
    """Returns the trained model in a run's folder; it needs none of the data.

    `plugins` are modules or files that are not installed, as for `-p`; `registry` saves loading
    the plugins once more.

    Raises:
        BenchError: the run is not complete, is altered, or does not classify images; or its
            plugin is not installed.
    """
    known = registry or load_registry(plugins)
    run = restore(Path(folder), known, find_device(device))
    if run.record.data.task == REGRESSION:
        raise BenchError(
            f"the run in {folder} is a regression on {run.record.data.name}; bench predict labels "
            "images"
        )
    remarks = []
    if run.changed:
        remarks.append(f"the code of {run.algorithm.name} has changed since the run")
    form, remark = form_of(run)
    if remark:
        remarks.append(remark)
    if embedding_of(run.algorithm) is None:
        remarks.append(
            f"{run.algorithm.name} has no network of features to tell what looks unlike all classes"
        )
    if _temperature(run) is None:
        remarks.append("the run has no temperature, so probabilities are not calibrated")
    return TrainedModel(run, form, tuple(remarks))


def form_of(run: Restored) -> tuple[ImageForm, str]:
    """Returns the form of a run's images, and a remark if it had to be guessed.

    Raises:
        BenchError: its inputs are no images.
    """
    form, shape = run.record.data.form, run.spec.input_shape
    if form is not None:
        return form, ""
    if run.spec.dtype != "uint8" or len(shape) != 3 or shape[0] not in (1, 3):
        sides = "x".join(map(str, shape))
        raise BenchError(
            f"the run in {run.folder} learnt from {run.record.data.name}, whose inputs are no "
            f"images ({run.spec.dtype} {sides}); bench predict labels images"
        )
    guessed = ImageForm(shape[1], shape[2], "RGB" if shape[0] == 3 else "L")
    return guessed, (
        f"{run.record.data.name} does not say how its images were made; yours become {guessed} "
        "(--invert turns dark into bright)"
    )


def _temperature(run: Restored) -> float | None:
    outcome = run.record.outcome
    return outcome.quality.temperature if outcome and outcome.quality else None


def _brightness(support: SupportSet, form: ImageForm) -> tuple[str, ...]:
    """Returns a remark if what should be bright ink on black came out mostly bright."""
    if form.inverted and np.median(support.inputs) > 127:
        return (
            "the support's pictures are mostly dark, and were inverted like the run's data, which "
            "are dark ink on white; if yours are light on dark, add --no-invert",
        )
    return ()
