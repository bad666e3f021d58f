"""Plots of points and curves: where they stand, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA

from bench.episodeplot import HEIGHT, WIDTH, curve_plot, feature_plot, plane_of
from bench.episodeview import ClassView, EpisodeView
from bench.lettering import save, without_glyphs


def features(size: int, ways: int = 3) -> EpisodeView:
    rng = np.random.default_rng(0)
    classes = [
        ClassView(
            f"class {n}",
            rng.normal(n, 1, (2, size)).astype(np.float32),
            rng.normal(n, 1, (5, size)).astype(np.float32),
        )
        for n in range(ways)
    ]
    return EpisodeView("points", tuple(classes))


def test_two_features_are_shown_as_they_are() -> None:
    shown = features(2)
    plot = feature_plot(shown)
    offsets = [np.asarray(part.get_offsets()) for part in plot.axes[0].collections]
    for number, one in enumerate(shown.classes):
        assert offsets[2 * number] == pytest.approx(one.query)
        assert offsets[2 * number + 1] == pytest.approx(one.support)


def test_support_and_queries_of_a_class_have_its_colour_and_no_other() -> None:
    parts = feature_plot(features(2)).axes[0].collections
    colours = [tuple(np.asarray(part.get_facecolor())[0, :3]) for part in parts[:6]]
    assert colours[0::2] == colours[1::2]
    assert len(set(colours)) == 3


def test_twenty_classes_have_twenty_colours() -> None:
    parts = feature_plot(features(2, ways=20)).axes[0].collections
    assert len({tuple(np.asarray(part.get_facecolor())[0, :3]) for part in parts[:40:2]}) == 20


def test_more_features_are_shown_by_their_principal_components() -> None:
    values = np.random.default_rng(0).normal(size=(30, 7)) * np.arange(1, 8)
    fitted = PCA(2).fit(values)
    plane = plane_of(values)
    expected = fitted.transform(values)
    signs = np.sign((plane.points * expected).sum(0))
    assert plane.points == pytest.approx(expected * signs)
    share = round(100 * float(fitted.explained_variance_ratio_.sum()))
    assert plane.axes == f"first two principal components of 7 features, {share}% of the variance"


def test_a_plot_of_components_says_so_and_names_the_classes() -> None:
    plot = feature_plot(features(5))
    assert any("principal components of 5 features" in text.get_text() for text in plot.texts)
    legend = plot.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        *("class 0", "class 1", "class 2", "support", "queries")
    ]


@pytest.mark.parametrize("values", [np.ones((4, 1)), np.ones((4, 6)), np.ones((1, 5))])
def test_constant_or_single_features_are_points_all_the_same(values: np.ndarray) -> None:
    points = plane_of(values).points
    assert points.shape == (len(values), 2)
    assert np.isfinite(points).all()


def curve() -> EpisodeView:
    x = np.linspace(3, -3, 20, dtype=np.float32)[:, None]
    y = x**2
    one = ClassView("parabola", x[:4], x[4:12], y[:4], y[4:12], x, y)
    return EpisodeView("a curve", (one,))


def test_a_curve_joins_all_points_of_the_function_in_order() -> None:
    plot = curve_plot(curve())
    (line,) = plot.axes[0].lines
    x = np.linspace(-3, 3, 20)
    assert np.asarray(line.get_xdata(), float) == pytest.approx(x, abs=1e-6)
    assert np.asarray(line.get_ydata(), float) == pytest.approx(x**2, abs=1e-5)
    query, support = plot.axes[0].collections
    assert (len(np.asarray(query.get_offsets())), len(np.asarray(support.get_offsets()))) == (8, 4)
    assert np.asarray(support.get_offsets())[0] == pytest.approx([3, 9])


@pytest.mark.parametrize("which", ["points", "curve"])
def test_a_plot_has_its_size_and_something_on_it(tmp_path: Path, which: str) -> None:
    plot = curve_plot(curve()) if which == "curve" else feature_plot(features(9))
    save(plot, tmp_path / "plot.png")
    pixels = np.asarray(Image.open(tmp_path / "plot.png").convert("RGB"))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    colourful = np.ptp(pixels.astype(int), axis=-1) > 60
    assert colourful[100:580, 90:700].sum() > 200
    assert (pixels[:, -4:] == 255).all()


def test_characters_that_no_font_has_are_told() -> None:
    assert without_glyphs(["K\u00e4se", "\u041e\u0447\u0435\u043d\u044c"]) == ""
    assert without_glyphs(["a\ue123", "\ue123\ue124"]) == "\ue123\ue124"
