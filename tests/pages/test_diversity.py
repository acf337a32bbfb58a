from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foretaste as ft
import naive_diversity
from foretaste import pages
from foretaste.data.interactions import SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import InvalidParameterError
from foretaste.metrics import beyond
from foretaste.pages import Diversity, Window
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.space import Space
from foretaste.pages.visit import History

GENRES = ("drama", "comedy", "horror", "western")
METHODS = ("mmr", "dpp", "calibrated", "none")


def a_visit(genres, vectors=None, history=(), weights=None):
    """A visit as far as diversity looks at it: items 0, 1, 2 ... with genres, directions and a history."""
    n = len(genres)
    frame = pl.DataFrame(
        {"item": range(n), "genres": genres}, schema={"item": pl.Int64, "genres": pl.List(pl.String)}, strict=False
    )
    catalogue = Catalogue(Vocabulary(list(range(n))), frame)
    directions = np.eye(n) if vectors is None else np.array(vectors)
    space = Space(directions.astype(np.float32))
    had = np.array(history, np.int32)
    counted = np.ones(had.size, np.float32) if weights is None else np.array(weights, np.float32)
    return SimpleNamespace(
        stage=SimpleNamespace(catalogue=catalogue, space=lambda *_: space),
        history=History(had, np.zeros(had.size), counted, counted),
    )


def made(method, weight=0.3, window=None, by="genres"):
    return Diversity(method=method, weight=weight, by=by, window=window)


several = st.lists(st.sampled_from(GENRES), unique=True, max_size=2)


@st.composite
def rows(draw):
    """Genres of items, some of them candidates with scores, and a history."""
    genres = draw(st.lists(several, min_size=1, max_size=12))
    items = st.integers(0, len(genres) - 1)
    codes = np.array(draw(st.lists(items, unique=True)), np.int32)
    scores = draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.5, 3.0]), min_size=codes.size, max_size=codes.size))
    return genres, codes, np.array(scores, np.float32), draw(st.lists(items, max_size=4, unique=True))


windows = st.none() | st.builds(
    lambda most, more: Window("genres", most, most + more), st.integers(1, 3), st.integers(1, 3)
)
settings = st.tuples(st.sampled_from(METHODS), st.sampled_from([0.0, 0.2, 0.7, 1.0]), windows)


@given(rows(), settings, st.integers(0, 15))
def test_an_order_holds_candidates_alone_none_twice_and_keeps_the_window(row, how, n):
    genres, codes, scores, history = row
    diversity = made(*how)
    visit = a_visit(genres, history=history)
    chosen = diversity.order(visit, codes, scores, n).tolist()
    assert len(set(chosen)) == len(chosen) <= min(n, codes.size)
    assert all(0 <= position < codes.size for position in chosen)
    assert chosen == diversity.order(visit, codes, scores, n).tolist()
    window = diversity.window
    if window is None:
        assert len(chosen) == min(n, codes.size)
    else:
        shown = [genres[codes[position]] for position in chosen]
        assert not naive_diversity.breaks_window(shown, window.most, window.among)
        for other in set(range(codes.size)) - set(chosen) if len(chosen) < n else ():  # shorter only where nothing fits
            assert naive_diversity.breaks_window([*shown, genres[codes[other]]], window.most, window.among)


@given(rows(), st.sampled_from(METHODS), st.integers(1, 15))
def test_without_weight_every_method_is_the_order_of_the_scores(row, method, n):
    genres, codes, scores, history = row
    expected = sorted(range(codes.size), key=lambda i: (-scores[i], i))[:n]
    assert made(method, 0.0).order(a_visit(genres, history=history), codes, scores, n).tolist() == expected
    assert made("none", 0.9).order(a_visit(genres, history=history), codes, scores, n).tolist() == expected


@pytest.mark.parametrize("method", ["mmr", "dpp", "calibrated"])
def test_the_unit_of_the_scores_does_not_matter(method):
    rng = np.random.default_rng(0)
    genres = [list(rng.choice(GENRES, 2, replace=False)) for _ in range(40)]
    visit, codes = a_visit(genres, rng.normal(size=(40, 6)), history=[3, 5, 8]), np.arange(40, dtype=np.int32)
    scores = (rng.permutation(40) / 64).astype(np.float32)  # exact in units of 8
    for by in ("genres",) if method == "calibrated" else ("genres", "factors"):
        diversity = made(method, by=by)
        chosen = diversity.order(visit, codes, scores, 12)
        np.testing.assert_array_equal(chosen, diversity.order(visit, codes, 8 * scores - 3, 12))
        assert chosen.tolist() != made("none").order(visit, codes, scores, 12).tolist()


@given(st.lists(st.lists(st.sampled_from(GENRES), unique=True, min_size=1, max_size=2), min_size=1), st.data())
def test_a_calibrated_row_is_as_near_to_the_history_as_its_metric_says(genres, data):
    items = st.integers(0, len(genres) - 1)
    history = data.draw(st.lists(items, min_size=1, max_size=4, unique=True))
    visit, codes = a_visit(genres, history=history), np.arange(len(genres), dtype=np.int32)
    first = int(made("calibrated", 1.0).order(visit, codes, np.ones(codes.size, np.float32), 1)[0])
    table = np.array([[float(genre in each) for genre in GENRES] for each in genres])
    own = SparseRows(np.array([0, len(history)]), np.array(history, np.int32), np.ones(len(history), np.float32))
    measured = [beyond.calibration(np.array([[code]], np.int32), own, table)[0] for code in codes]
    assert measured[first] == pytest.approx(min(measured))


def test_a_calibrated_row_follows_the_weights_of_the_history():
    genres = [["drama"]] * 10 + [["comedy"]] * 10 + [["drama"], ["comedy"]]
    scores, codes = np.linspace(1, 0, 20, dtype=np.float32), np.arange(20, dtype=np.int32)
    for weights, n_comedies in (((3, 1), 2), ((1, 3), 6), ((1, 0), 0)):
        visit = a_visit(genres, history=[20, 21], weights=weights)
        chosen = made("calibrated", 0.99).order(visit, codes, scores, 8)
        assert sum(chosen >= 10) == n_comedies


@pytest.mark.parametrize(("history", "weights"), [((), ()), ((0, 1), (0, 0)), ((2,), (1,))])
def test_who_has_no_shares_gets_a_calibrated_row_by_score(history, weights):
    visit = a_visit([["drama"], ["comedy"], []], history=history, weights=weights)
    assert made("calibrated", 1.0).order(visit, np.arange(3, dtype=np.int32), np.arange(3.0), 3).tolist() == [2, 1, 0]


@pytest.mark.parametrize("method", ["mmr", "dpp"])
def test_alike_items_are_kept_apart_in_a_space_and_by_an_attribute(method):
    directions = [[1, 0], [1, 0.01], [0, 1], [1, 0.02]]
    visit = a_visit([["drama"], ["comedy"], ["drama"], ["western"]], directions)
    codes, scores = np.arange(4, dtype=np.int32), np.array([1, 0.9, 0.8, 0.0])
    assert made(method, 0.6, by="factors").order(visit, codes, scores, 2).tolist() == [0, 2]
    assert made(method, 0.6, by=None).order(visit, codes, scores, 2).tolist() == [0, 2]
    assert made(method, 0.6, by="genres").order(visit, codes, scores, 3).tolist() == [0, 1, 3]


def test_a_window_is_kept_after_the_method_and_takes_the_rest_by_score():
    visit = a_visit([["drama"]] * 4 + [["comedy"]])
    codes, scores = np.arange(5, dtype=np.int32), np.array([5.0, 4, 3, 2, 1])
    assert made("none", window=Window("genres", 1, 2)).order(visit, codes, scores, 5).tolist() == [0, 4, 1]
    assert made("none", window=Window("genres", 2, 3)).order(visit, codes, scores, 3).tolist() == [0, 1, 4]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Diversity(method="mrr"), "Did you mean 'mmr'"),
        (lambda: Diversity(weight=1.5), r"'weight' of diversity must be a float in \[0, 1\], got 1.5"),
        (lambda: Diversity(method="calibrated"), "must be a column of the items, got None"),
        (lambda: Diversity(method="calibrated", by="content"), "must be a column of the items, got 'content'"),
        (lambda: Window("genres", most=0), r"'most' of a window must be an int in \[1, inf\)"),
        (lambda: Window("genres", most=5, among=5), "'among' of a window must be above 'most', got 5 and 5"),
    ],
)
def test_what_cannot_be_meant_is_said_at_once(make, told):
    with pytest.raises(InvalidParameterError, match=told):
        make()


@pytest.mark.parametrize(
    ("diversity", "told"),
    [
        (Diversity(by="genre"), "'by' of diversity 'genre' is unknown. Did you mean 'genres'"),
        (Diversity(by="factor"), "'by' of diversity 'factor' is unknown. Did you mean 'factors'"),
        (Diversity(window=Window("genre")), "'attribute' of a window 'genre' is unknown. Did you mean 'genres'"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_nearest(diversity, told):
    with pytest.raises(InvalidParameterError, match=told):
        diversity.order(a_visit([["drama"]]), np.zeros(1, np.int32), np.ones(1, np.float32), 1)


# On a page -----------------------------------------------------------------------------------------------------------

N_FILMS = 24


@pytest.fixture(scope="module")
def cinema():
    """A fitted model, its events, and films with genres, of which some are paid for."""
    rng = np.random.default_rng(0)
    pairs = [(user, film) for user in range(12) for film in rng.choice(N_FILMS, 6, replace=False).tolist()]
    pairs += [(12, film) for film in range(N_FILMS)]
    events = pl.DataFrame({"user": [user for user, _ in pairs], "item": [film for _, film in pairs]})
    genres = [rng.choice(GENRES, rng.integers(0, 3), replace=False).tolist() for _ in range(N_FILMS)]
    films = pl.DataFrame({"item": range(N_FILMS), "genres": genres, "paid": [film % 5 == 0 for film in range(N_FILMS)]})
    return ft.ImplicitALS(n_factors=4, n_epochs=3, tol=0, random_state=0).fit(events), events, films


@given(
    settings,
    st.integers(0, 13),
    st.sampled_from([(), (pages.Rule(name="paid", where="paid", sponsored=True, max_share=0.5, spacing=1, floor=0),)]),
)
def test_no_row_of_a_page_breaks_its_window(cinema, how, user, rules):
    model, events, films = cinema
    kinds = (pages.Top, pages.Popular, pages.Discover, pages.Sponsored)
    layout = pages.Layout(
        row=tuple(kind(diversity=made(*how), min_items=1) for kind in kinds), rule=rules, columns=6, rows=4
    )
    page = pages.Composer(model, events, layout, films).compose(user, at=datetime(2026, 1, 1, tzinfo=UTC))
    window = how[2]
    by_film = dict(zip(films["item"], films["genres"].to_list(), strict=True))
    for row in page:
        shown = [by_film[slot.item] for slot in row]
        assert len({slot.item for slot in row}) == len(row)
        if window is not None:
            assert not naive_diversity.breaks_window(shown, window.most, window.among)
