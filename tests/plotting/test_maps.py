"""The map: which items and users are drawn, what is labelled, and what stands in small print."""

import re

import numpy as np
import polars as pl
import pytest
from matplotlib.transforms import Bbox

import foretaste as ft
from foretaste.exceptions import InvalidParameterError, NotFittedError, UnsupportedError
from foretaste.plotting import plot_map, to_svg
from foretaste.plotting.figures import COLOURS, new_axes


@pytest.fixture(scope="module")
def catalogue():
    return ft.synthetic.make_catalogue(60, 40, ratings_per_user=15)


@pytest.fixture(scope="module")
def model(catalogue):
    return ft.FunkSVD(n_factors=5, random_state=0).fit(catalogue.ratings)


@pytest.fixture(scope="module")
def two_factors():
    return ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())


def groups_of(catalogue, n_groups):
    return {item: f"group {code % n_groups}" for code, item in enumerate(catalogue.ratings.items.ids)}


def small_print(ax):
    """What stands below the axes, in one line."""
    return [box.txt.get_text().replace("\n", " ") for box in ax.artists]


def arrows(ax):
    return [text for text in ax.texts if text.arrow_patch is not None]


def test_the_map_shows_each_item_once(model, catalogue):
    ax = plot_map(model, groups=groups_of(catalogue, 11))
    marks = [line for line in ax.get_lines() if line.get_linestyle() == "None"]
    drawn = np.concatenate([line.get_xydata() for line in marks])
    expected = ft.latent.map(model).points
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(expected, axis=0))


def test_the_legend_has_eight_groups_and_the_rest(model, catalogue):
    legend = plot_map(model, groups=groups_of(catalogue, 11)).get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    assert len(names) == 9
    assert names[-1] == "other"
    shapes = {(handle.get_color(), handle.get_marker()) for handle in legend.legend_handles}
    assert len(shapes) == 9
    assert plot_map(model).get_legend() is None


def test_the_most_rated_items_are_labelled_without_overlap(model):
    counts = np.bincount(model.known_.indices, minlength=len(model.item_vocabulary_))
    ax = plot_map(model, n_labels=12)
    ax.figure.draw_without_rendering()
    boxes = [Bbox(text.get_window_extent()) for text in ax.texts]
    assert 3 < len(boxes) <= 12
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    most_rated = model.item_vocabulary_.ids[int(counts.argmax())]
    assert ax.texts[0].get_text() == most_rated or ax.texts[0].get_text()[:-1] == most_rated[:29]


def test_labels_replace_ids_and_a_dollar_stays_one(two_factors):
    ax = plot_map(two_factors, labels={"sanam": "from $1 to $2", "bts": ""}, n_labels=5)
    ax.figure.draw_without_rendering()
    assert "from $1 to $2" in [text.get_text() for text in ax.texts]
    assert "from $1 to $2" in to_svg(ax.figure, label="")


@pytest.mark.parametrize("model", [ft.Baseline(), ft.GlobalMean(), ft.FunkSVD(n_factors=1, random_state=0)])
def test_without_two_factors_there_is_no_map(model):
    with pytest.raises(UnsupportedError, match=f"{type(model).__name__} has"):
        plot_map(model.fit(ft.datasets.albums()))


def test_an_unfitted_model_has_no_map():
    with pytest.raises(NotFittedError, match=r"Call 'fit' before 'latent\.map'"):
        plot_map(ft.ALS())


def test_a_long_name_of_a_group_is_cut(model, catalogue):
    groups = {item: "a\nvery long name " * (1 + len(group) % 2) * 9 for item, group in groups_of(catalogue, 11).items()}
    names = [text.get_text() for text in plot_map(model, groups=groups).get_legend().get_texts()]
    assert names[0] == "a very long name a very long name a very long n…"


def test_groups_may_be_a_column_of_a_frame(two_factors):
    items = pl.DataFrame({"item": ["bts", "sanam"], "style": ["pop", "pop"]})
    legend = plot_map(two_factors, groups=dict(items.iter_rows())).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["pop", "other"]


def test_two_factors_are_the_axes_and_more_are_turned(two_factors, model):
    assert plot_map(two_factors).get_xlabel().startswith("factor 1 (")
    places = ft.latent.map(model)
    assert plot_map(model).get_ylabel() == f"component 2 ({places.shares[1]:.0%} of variance)"


def test_the_small_print_says_how_far_the_map_may_be_believed(model):
    places = ft.latent.map(model)
    assert small_print(plot_map(model)) == [places.caution]
    assert small_print(plot_map(model, caution=False)) == []
    narrow = plot_map(model, ax=new_axes(3.0, 3.0))
    narrow.figure.draw_without_rendering()
    printed, paper = narrow.artists[0].get_window_extent(), narrow.figure.bbox
    assert small_print(narrow) == [places.caution]
    assert printed.x0 >= paper.x0
    assert printed.x1 <= paper.x1
    assert printed.y0 >= paper.y0
    assert printed.y1 < narrow.xaxis.label.get_window_extent().y0


def test_places_are_drawn_where_they_are_told(model):
    ids = model.item_vocabulary_.ids.to_list()
    places = ft.latent.map(model, ids[5:25])
    ax = plot_map(model, places=places)
    marks = [line.get_xydata() for line in ax.get_lines() if line.get_linestyle() == "None"]
    np.testing.assert_allclose(np.sort(np.concatenate(marks), axis=0), np.sort(places.points, axis=0))
    assert {text.get_text()[:29] for text in ax.texts} <= {each[:29] for each in ids[5:25]}
    with pytest.raises(InvalidParameterError, match="takes 'places', or 'method' and 'users'"):
        plot_map(model, places=places, method="pca")


def test_an_item_that_is_gone_is_drawn_as_hardly_rated(model, catalogue):
    places = ft.latent.map(model)
    fewer = ft.FunkSVD(n_factors=5, random_state=0).fit(catalogue.ratings.to_frame().head(60))
    ax = plot_map(fewer, places=places)
    assert sum(len(line.get_xdata()) for line in ax.get_lines() if line.get_linestyle() == "None") == len(places.ids)


def test_few_users_are_named_arrows_and_many_are_rings(model):
    users = model.user_vocabulary_.ids.to_list()
    places = ft.latent.map(model, users=users[:3])
    ax = plot_map(model, users=users[:3], n_labels=0)
    np.testing.assert_allclose([arrow.xy for arrow in arrows(ax)], places.user_points)
    assert [text.get_text() for text in ax.texts if text.get_text()] == users[:3]
    many = plot_map(model, users=users, n_labels=0)
    assert not many.texts
    rings = [line for line in many.get_lines() if line.get_markerfacecolor() == "none"]
    assert [len(line.get_xdata()) for line in rings] == [len(users)]


def test_names_of_users_and_items_do_not_cover_each_other(model):
    ax = plot_map(model, users=model.user_vocabulary_.ids[:5])
    ax.figure.draw_without_rendering()
    boxes = [Bbox(text.get_window_extent()) for text in ax.texts if text.arrow_patch is None]
    assert len(boxes) > 8
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])


def test_bent_maps_have_no_numbers_and_their_users_no_arrows(model):
    ax = plot_map(model, method="tsne", users=model.user_vocabulary_.ids[:2], n_labels=0)
    assert ax.get_xlabel() == "t-SNE 1"
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
    assert not arrows(ax)
    assert "mean little" in small_print(ax)[0]


def test_the_small_print_takes_the_colour_of_the_page(model):
    svg = to_svg(plot_map(model, users=model.user_vocabulary_.ids[:2]).figure, label="map")
    assert "trustworthiness" in svg
    colours = {*re.findall(r"#[0-9a-f]{6}", svg)}
    assert colours <= {*COLOURS}
