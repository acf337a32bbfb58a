"""Pictures of named axes: names where there is evidence, dots where the scores are."""

import dataclasses

import numpy as np
import pytest
from matplotlib.transforms import Bbox

import foretaste as ft
from foretaste.exceptions import InvalidParameterError
from foretaste.plotting import plot_axes, to_svg
from foretaste.plotting.figures import INK, new_axes


@pytest.fixture(scope="module")
def named():
    world = ft.synthetic.make_catalogue(300, 200)
    model = ft.ALS(n_factors=8, random_state=0).fit(world.ratings)
    return ft.latent.axes(model, world.items.select("item", "genres", "year"), n_permutations=199)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_each_coordinate_has_its_two_names_and_its_items(named):
    ax = plot_axes(named, n=3, n_items=2, ax=new_axes(14, 4))
    for row in range(3):
        assert f"{named.coordinates[row]} ({named.shares[row]:.0%})" in texts(ax)
    for pole in named.poles[:6]:
        assert pole.name in texts(ax)
        assert set(pole.items[:2]) <= set(texts(ax))
        assert pole.items[2] not in texts(ax)
    assert len(texts(ax)) == 3 * (1 + 2 + 2 * 2)


def test_a_name_stands_at_its_end_and_unnamed_is_no_name(named):
    found = {text.get_text(): text for text in plot_axes(named, n=8).texts}
    evident = [pole for pole in named.poles if pole.name != "unnamed"]
    assert evident
    for pole in evident:
        left = pole.end == "low"
        assert found[pole.name].get_weight() == "bold"
        assert found[pole.name].get_position()[0] == (0 if left else 1)
    assert "unnamed" in found
    assert found["unnamed"].get_style() == "italic"


@pytest.mark.parametrize("width", [3.7, 7.6])
def test_words_do_not_cover_each_other(named, width):
    titles = {item: f"The long title of the film called {item}" for item in named.items.ids}
    ax = plot_axes(named, n=8, labels=titles, ax=new_axes(width, 8.5))
    ax.figure.draw_without_rendering()
    boxes = [Bbox(text.get_window_extent()) for text in ax.texts]
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    assert all(ax.figure.bbox.x0 <= box.x0 and box.x1 <= ax.figure.bbox.x1 for box in boxes)


def test_the_heap_holds_every_item_on_the_scale_of_the_line(named):
    ax = plot_axes(named, n=1)
    outline = ax.collections[0].get_paths()[0].vertices
    places = named.places[:, 0]
    zero = -places.min() / np.ptp(places)
    tick = next(line for line in ax.get_lines() if line.get_xdata()[0] == pytest.approx(zero))
    assert len(tick.get_xdata()) == 2
    counts, edges = np.histogram((places - places.min()) / np.ptp(places), 80)
    fullest = ((edges[1:] + edges[:-1]) / 2)[counts == counts.max()]
    highest = outline[np.isclose(outline[:, 1], outline[:, 1].max()), 0]
    np.testing.assert_allclose(np.unique(highest), fullest)


def test_dots_stand_at_the_scores_full_where_found(named):
    ax = plot_axes(named, show="attributes")
    order = np.argsort(-named.scores, kind="stable")
    full, hollow = (line for line in ax.get_lines() if line.get_marker() == "o")
    np.testing.assert_array_equal(full.get_xdata(), named.scores[order][named.found[order]])
    np.testing.assert_array_equal(hollow.get_xdata(), named.scores[order][~named.found[order]])
    assert hollow.get_markerfacecolor() == "none"
    assert [label.get_text() for label in ax.get_yticklabels()] == [named.words[place] for place in order]
    best = order[0]
    assert texts(ax)[0] == f"p {named.corrected[best]:.3f} · AUC {named.auc[best]:.2f}"
    assert ax.yaxis_inverted()


def test_numbers_have_no_auc(named):
    ax = plot_axes(named, show="attributes")
    shown = dict(zip([label.get_text() for label in ax.get_yticklabels()], texts(ax), strict=True))
    assert "AUC" not in shown["year"]
    assert "AUC" in shown["Documentary"]


def test_so_many_as_are_asked_for(named):
    assert len(plot_axes(named, show="attributes", n=4).get_yticks()) == 4
    assert len(texts(plot_axes(named, n_items=0))) == 5 * 3
    assert len(texts(plot_axes(named, n=99, n_items=0))) == len(named.coordinates) * 3
    with pytest.raises(InvalidParameterError, match="'show' of plot_axes must be one of 'coordinates', 'attributes'"):
        plot_axes(named, show="poles")
    with pytest.raises(InvalidParameterError, match=r"got ALS\. Hint: plot_axes\(latent\.axes\(model, attributes\)\)"):
        plot_axes(ft.ALS())


@pytest.mark.parametrize("show", ["coordinates", "attributes"])
def test_pictures_are_read_by_day_and_in_the_dark(named, show):
    svg = to_svg(plot_axes(named, show=show).figure, label="axes")
    assert INK not in svg
    assert "#000000" not in svg


def test_long_names_leave_room_for_the_picture_and_lines_are_joined(named):
    words = tuple(f"{word}\n" * 40 for word in named.words)
    drawn = plot_axes(dataclasses.replace(named, words=words), show="attributes")
    names = [label.get_text() for label in drawn.get_yticklabels()]
    assert all(len(name) == 30 and "\n" not in name for name in names)
    drawn.figure.draw_without_rendering()
    assert drawn.get_window_extent().width > 0.5 * drawn.figure.bbox.width
    item = named.poles[0].items[0]
    assert "Tom and Jerry" in texts(plot_axes(named, n=1, labels={item: "Tom and\nJerry"}))
