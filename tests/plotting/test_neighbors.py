"""Three lists side by side, and the lines between them."""

import pytest
from matplotlib.transforms import Bbox

import foretaste as ft
from foretaste.exceptions import UnknownIdError
from foretaste.plotting import plot_neighbors, to_svg
from foretaste.plotting.figures import COLOURS, INK, new_axes


@pytest.fixture(scope="module")
def model():
    return ft.ALS(n_factors=6, random_state=0).fit(ft.synthetic.make_catalogue(150, 90).ratings)


@pytest.fixture(scope="module")
def item(model):
    return model.item_vocabulary_.decode_one(3)


def test_the_three_lists_are_those_of_neighborhood(model, item):
    near = ft.latent.neighborhood(model, item, 6)
    ax = plot_neighbors(model, item, n=6, ax=new_axes(16, 4))
    columns = {}
    for text in ax.texts:
        if text.get_text() in set(model.item_vocabulary_.ids):
            columns.setdefault(text.get_position()[0], []).append((-text.get_position()[1], text.get_text()))
    drawn = [[name for _, name in sorted(columns[left])] for left in sorted(columns)]
    assert drawn == [near.items[measure].to_list() for measure in ("euclidean", "cosine", "dot")]
    numbers = [text.get_text() for text in ax.texts]
    assert all(f"{value:.2f}" in numbers for value in near.values["cosine"])


def test_lines_join_those_in_several_lists_and_marks_tell_how_many(model, item):
    near = ft.latent.neighborhood(model, item, 8)
    lists = [set(column) for column in near.items.values()]
    counts = {each: sum(each in others for others in lists) for each in set.union(*lists)}
    ax = plot_neighbors(model, item, n=8, ax=new_axes(16, 5))
    lines, marks = ([line for line in ax.get_lines() if len(line.get_xdata()) == n] for n in (2, 1))
    assert len(lines) == sum(count - 1 for count in counts.values())
    assert {2, 3} <= set(counts.values())
    for count, style in ((3, (COLOURS[0], "o")), (2, (COLOURS[2], "^"))):
        drawn = [mark for mark in marks if (mark.get_color(), mark.get_marker()) == style]
        assert len(drawn) == count * sum(each == count for each in counts.values())
    assert f"{sum(count == 3 for count in counts.values())} of 8 are in all three lists" in ax.texts[
        -1
    ].get_text().replace("\n", " ")


@pytest.mark.parametrize(("width", "height"), [(3.7, 3.0), (7.6, 3.0)])
def test_words_do_not_cover_each_other(model, item, width, height):
    titles = {each: f"The long title of the film called {each}" for each in model.item_vocabulary_.ids}
    ax = plot_neighbors(model, item, labels=titles, n=8, ax=new_axes(width, height))
    ax.figure.draw_without_rendering()
    boxes = [Bbox(text.get_window_extent()) for text in ax.texts if text.get_text()]
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    assert max(box.x1 for box in boxes) <= ax.figure.bbox.x1


def test_labels_stand_for_ids_and_the_ink_is_that_of_the_page(model, item):
    ax = plot_neighbors(model, item, labels={item: "from $1 to $2"})
    assert ax.texts[0].get_text() == "nearest to from $1 to $2"
    assert INK not in to_svg(ax.figure, label="near")


def test_a_hub_is_told(model, item, monkeypatch):
    monkeypatch.setattr(ft.latent.Neighborhood, "hub", property(lambda _: {"cosine": True}))
    assert "This item is a hub" in plot_neighbors(model, item).texts[-1].get_text()


def test_an_unknown_item_has_no_neighbours(model):
    with pytest.raises(UnknownIdError, match="'zz'"):
        plot_neighbors(model, "zz")
