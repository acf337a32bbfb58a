"""The learning curve, what all pictures share, and the SVG text."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

import foretaste as ft
from foretaste.exceptions import MissingExtraError, UnsupportedError
from foretaste.plotting import plot_history, plot_map, to_svg
from foretaste.plotting.figures import COLOURS, INK


@pytest.fixture(scope="module")
def catalogue():
    return ft.synthetic.make_catalogue(60, 40, ratings_per_user=15)


@pytest.fixture(scope="module")
def model(catalogue):
    return ft.FunkSVD(n_factors=5, early_stopping=True, random_state=0).fit(catalogue.ratings)


@pytest.fixture(scope="module")
def two_factors():
    return ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())


def groups_of(catalogue, n_groups):
    return {item: f"group {code % n_groups}" for code, item in enumerate(catalogue.ratings.items.ids)}


def test_curve_shows_the_history(model):
    ax = plot_history(model)
    history = model.history_
    training, validation, best = ax.get_lines()
    np.testing.assert_array_equal(training.get_ydata(), history["train_rmse"])
    np.testing.assert_array_equal(validation.get_ydata(), history["valid_rmse"])
    assert best.get_xdata()[0] == history["epoch"][history["valid_rmse"].arg_min()]
    assert {"training", "validation"} <= {text.get_text() for text in ax.texts}


def test_curve_without_early_stopping_has_one_line():
    fitted = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums().to_pandas())
    assert [text.get_text() for text in plot_history(fitted).texts] == ["training"]


def test_a_model_without_epochs_has_no_curve():
    with pytest.raises(UnsupportedError, match="GlobalMean learns without epochs"):
        plot_history(ft.GlobalMean().fit(ft.datasets.albums()))


def test_draws_into_axes_that_are_given(two_factors):
    given = Figure().add_subplot()
    assert plot_map(two_factors, ax=given) is given
    given = Figure().subfigures(1, 2)[0].add_subplot()
    assert plot_history(two_factors, ax=given) is given


def test_without_matplotlib_the_message_names_the_extra(two_factors, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("foretaste.utils.extras.import_module", missing)
    for draw in (plot_history, plot_map):
        with pytest.raises(MissingExtraError, match=re.escape("pip install 'foretaste[plot]'")):
            draw(two_factors)


def test_svg_takes_colour_and_font_of_the_page(model, catalogue):
    svg = to_svg(plot_map(model, groups=groups_of(catalogue, 3)).figure, label='<a> & "b"', name="map")
    root = ET.fromstring(svg)  # noqa: S314  our own text
    assert root.attrib["aria-label"] == '<a> & "b"'
    assert root.attrib["role"] == "img"
    assert "width" not in root.attrib
    assert INK not in svg
    assert "#000000" not in svg
    assert "currentColor" in svg
    assert COLOURS[0] in svg
    assert "<style" not in svg
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert len(ids) == len(set(ids))
    assert all(name.startswith("map-") for name in ids)
    assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg)) <= {
        pair for name in ids for pair in ((name, ""), ("", name))
    }


def test_the_same_figure_gives_the_same_text(model):
    assert to_svg(plot_map(model).figure, label="x") == to_svg(plot_map(model).figure, label="x")


def luminance(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_stand_out_by_day_and_in_the_dark(colour):
    assert 1.05 / (luminance(colour) + 0.05) > 2.2
    assert (luminance(colour) + 0.05) / (luminance("#141219") + 0.05) > 2.2
