"""Plots of episodes that are no images: features as points in the plane, functions as curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.episodeview import ClassView, EpisodeView
from bench.lettering import families, figure, fitted

WIDTH, HEIGHT = 1000, 640
"""Of a plot, in pixels."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 710, 84, 60
_NAME_WIDTH = 230
_LINE = 22
_FLOAT = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """Features as points in the plane: where each is, and what the axes are."""

    points: _FLOAT
    axes: str


def plane_of(features: _FLOAT) -> Plane:
    """Returns features (k, d) as points (k, 2): as they are, or their first principal components.

    A single feature gets an ordinate of 0.
    """
    count = features.shape[1]
    if count == 1:
        return Plane(np.column_stack([features, np.zeros(len(features))]), "the one feature")
    if count == 2:
        return Plane(features, "the two features")
    centred = features - features.mean(0)
    _, strengths, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:2] * np.sign(directions[:2].sum(1, keepdims=True) + 1e-12)
    points = centred @ directions.T
    shares = strengths**2 / max(float((strengths**2).sum()), 1e-12)
    if points.shape[1] == 1:
        points = np.column_stack([points, np.zeros(len(points))])
    part = f"{100 * shares[:2].sum():.0f}% of the variance"
    return Plane(points, f"first two principal components of {count} features, {part}")


def feature_plot(episode: EpisodeView) -> Figure:
    """Returns the features of an episode as points: the support large, queries small."""
    parts = [part for one in episode.classes for part in (one.support, one.query)]
    flat = np.concatenate([part.reshape(len(part), -1) for part in parts]).astype(np.float64)
    plane = plane_of(flat)
    ends = np.cumsum([len(part) for part in parts])
    placed = np.split(plane.points, ends[:-1])
    height = max(HEIGHT, _TOP + _BOTTOM + _LINE * (len(episode.classes) + 4))
    plot = figure(WIDTH, height)
    axes = _axes(plot, episode.title, plane.axes)
    for number, one in enumerate(episode.classes):
        colour = _colour(number, len(episode.classes))
        support, query = placed[2 * number], placed[2 * number + 1]
        axes.scatter(query[:, 0], query[:, 1], s=22, color=colour, alpha=0.75, linewidths=0)
        axes.scatter(
            support[:, 0],
            support[:, 1],
            s=130,
            color=colour,
            marker="s",
            edgecolors="black",
            zorder=3,
            label=one.name,
        )
    axes.scatter([], [], s=130, color="white", marker="s", edgecolors="black", label="support")
    axes.scatter([], [], s=22, color="0.3", linewidths=0, label="queries")
    if plane.axes.startswith("the"):
        axes.set_aspect("equal", adjustable="datalim")
    _legend(plot, axes)
    return plot


def curve_plot(episode: EpisodeView) -> Figure:
    """Returns the functions of an episode: known points, points asked for, and all in the data.

    Of inputs with several numbers the abscissa is their first principal component.
    """
    plot = figure(WIDTH, HEIGHT)
    count = int(np.prod(episode.input_shape))
    axes = _axes(plot, episode.title, "the line joins all points that the data has of the function")
    for number, one in enumerate(episode.classes):
        _draw_curve(axes, one, number, len(episode.classes))
    _legend(plot, axes)
    axes.set_xlabel("input" if count == 1 else "first principal component of the input")
    axes.set_ylabel("value")
    return plot


def _draw_curve(axes: Axes, one: ClassView, number: int, count: int) -> None:
    if one.points is None or one.values is None or one.support_values is None:
        return
    parts = (one.points, one.support, one.query)
    flat = np.concatenate([part.reshape(len(part), -1) for part in parts]).astype(np.float64)
    places = np.split(plane_of(flat).points[:, 0], np.cumsum([len(p) for p in parts])[:-1])
    order = np.argsort(places[0], kind="stable")
    for target in range(one.values.shape[1]):
        colour = _colour(number + target, max(count, one.values.shape[1]))
        name = one.name if one.values.shape[1] == 1 else f"{one.name}, value {target + 1}"
        label = f"{name}, {len(order)} points"
        axes.plot(places[0][order], one.values[order, target], color=colour, lw=1.5, label=label)
        if one.query_values is not None:
            asked = one.query_values[:, target]
            axes.scatter(places[2], asked, s=22, color="0.35", zorder=2.5, label="queries")
        known = one.support_values[:, target]
        squares = axes.scatter(places[1], known, s=110, color=colour, marker="s", zorder=3)
        squares.set(edgecolors="black", label="support")


def _axes(plot: Figure, title: str, subtitle: str) -> Axes:
    width, height = plot.bbox.size
    box = (_LEFT / width, _BOTTOM / height, (_RIGHT - _LEFT) / width, 1 - (_TOP + _BOTTOM) / height)
    axes = plot.add_axes(box)
    line = fitted(plot, title, 11, width - 32, "bold")
    for text, top, size, weight in ((line, 14, 11, "bold"), (subtitle, 42, 9, "normal")):
        drawn = plot.text(16 / width, 1 - top / height, text, size=size, weight=weight, va="top")
        drawn.set_fontfamily(list(families()))
        drawn.set_parse_math(False)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes


def _legend(plot: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    names = [fitted(plot, label, 9, _NAME_WIDTH) for label in labels]
    legend = axes.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        frameon=False,
        borderaxespad=0.0,
        prop={"family": list(families()), "size": 9},
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _colour(number: int, count: int) -> tuple[float, ...]:
    """Returns a colour for a class: ten that are easily told apart, more if there are more."""
    if count <= 10:
        return tuple(colormaps["tab10"](number))
    return tuple(colormaps["turbo"](0.05 + 0.9 * number / (count - 1)))
