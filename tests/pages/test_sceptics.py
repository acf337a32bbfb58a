"""What a sceptical user tries: rows that could say what is not so, and input that is none."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste import pages
from foretaste.exceptions import ForetasteError, InvalidParameterError
from foretaste.pages import Blend, Layout, Rule, Settings, Visitor
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.config import Document
from page_scenes import NOW, Rater

pytestmark = pytest.mark.filterwarnings("ignore::foretaste.exceptions.DataWarning")

_NAMES = [f"i{place}" for place in range(6)]


def _composer(*rows, model=None, items=None, rule=(), events=None, **layout):
    """One user who had i5 two days ago; another who had i4 then, and i3 later."""
    model = model or Rater(np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]] * 2), np.eye(6)[:, :3])
    events = events or ft.Interactions.from_arrays(
        ["u0", "u1", "u1"], ["i5", "i4", "i3"], times=[NOW - timedelta(days=day) for day in (2, 2, 1)]
    )
    frame = None if items is None else pl.DataFrame({"item": _NAMES, **items}, strict=False)
    return pages.Composer(model, events, Layout(row=rows, rule=rule, **layout), frame)


def _items(row):
    return [slot.item for slot in row]


# Rows that say what is so ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unfit", [{"floor": 0.95}, {"floor": 0, "cap": pages.Cap(per_user=1)}])
def test_what_is_paid_for_is_pinned_under_its_own_name_or_not_at_all(unfit):
    visitor = Visitor(shown=[("i4", NOW - timedelta(hours=1))])
    ad = {"name": "ad", "where": "paid", "sponsored": True, "pin": 1, "max_share": 1}
    items = {"paid": [place == 4 for place in range(6)]}

    def first(rule):
        return _composer(pages.Top(min_items=1), items=items, rule=(rule,)).compose("u0", NOW, visitor).rows[0].slots[0]

    assert (first(Rule(**ad, floor=0)).item, first(Rule(**ad, floor=0)).sponsored) == ("i4", True)
    assert (first(Rule(**ad | unfit)).item, first(Rule(**ad | unfit)).sponsored) == ("i0", False)


def test_what_is_nothing_like_the_anchor_is_not_there_because_of_it():
    factors = np.array([[1, 0], [0, 1], [-1, 0], [0.5, 1], [0, 0], [1, 0.0]])
    model = Rater(np.full((2, 6), 0.5), factors)
    page = _composer(pages.Because(min_items=1), model=model).compose("u0", NOW)
    assert _items(page.rows[0]) == ["i0", "i3"]
    nowhere = Rater(np.full((2, 6), 0.5), factors * (np.arange(6) != 5)[:, None])
    assert not _composer(pages.Because(min_items=1), model=nowhere).compose("u0", NOW).rows


def test_what_nobody_had_is_not_popular():
    assert _items(_composer(pages.Popular(min_items=1)).compose("u0", NOW).rows[0]) == ["i3", "i4"]


def test_what_is_yet_to_be_released_is_not_new():
    released = [NOW + timedelta(days=day) for day in (1, -1, 9, -2, -400, -3)]
    page = _composer(pages.New(min_items=1), items={"released": released}).compose("u0", NOW)
    assert _items(page.rows[0]) == ["i1", "i3"]


@pytest.mark.parametrize("row", [pages.Discover(min_items=1, reach=9), pages.Mix(min_items=1, min_group=2, chance=0)])
def test_the_few_of_a_filter_are_found_however_far_down(row):
    n = 6000
    scores = np.linspace(1, 0, n)
    model = Rater(np.array([scores, scores]), np.array([[1, 0.3], [1, -0.3], *[[1, 0]] * (n - 2)]))
    names = [f"i{place}" for place in range(n)]
    events = ft.Interactions.from_arrays(["u0", "u0", "u1", "u1"], ["i0", "i1"] * 2)
    wanted = {"i5900", "i5950", "i5999"}
    items = pl.DataFrame({"item": names, "rare": [name in wanted for name in names]})
    layout = Layout(row=(type(row)(**{**vars(row), "where": "rare", "space": "factors"}),))
    found = {item for row in pages.Composer(model, events, layout, items).compose("u0") for item in _items(row)}
    assert found == wanted


def test_a_title_or_value_that_is_blank_is_none():
    items = {"title": ["A", "", "  ", None, "E", "F"], "genres": [["", "x"], ["x"], [" "], None, [None], ["x"]]}
    composer = _composer(pages.Top(), items=items)
    assert composer.stage.catalogue.titles == ["A", "i1", "i2", "i3", "E", "F"]
    assert composer.stage.catalogue.attribute("genres").values == ("x",)


# Visitors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"age": float("nan")}, {"age": -1}, {"age": "18"}, {"age": True}, {"blocked": "i1"}])
def test_a_visitor_is_checked(given):
    with pytest.raises(InvalidParameterError, match=f"'{next(iter(given))}' of a visitor"):
        Visitor(**given)


def test_what_is_told_by_an_iterator_is_remembered():
    told = Visitor(blocked=(name for name in ["i0", "i5"]), shown=((name, NOW) for name in ["i1"]))
    assert (told.blocked, told.shown) == (("i0", "i5"), (("i1", NOW),))
    composer = _composer(pages.Because(min_items=1), pages.Top(min_items=1))
    for _ in range(2):
        page = composer.compose("u0", NOW, told)
        assert [row.kind for row in page] == ["top"]
        assert "i0" not in _items(page.rows[0])


# What is none of what it should be ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: Settings(trend_shrinkage=0), "'trend_shrinkage'"),
        (lambda: Settings(repeat_shrinkage=-1), "'repeat_shrinkage'"),
        (lambda: Settings(demand_shrinkage="x"), "'demand_shrinkage'"),
        (lambda: Settings(repeat_horizon="soon"), "'repeat_horizon'"),
        (lambda: Settings(demand_window=None), "'demand_window'"),
        (lambda: Settings(space="factor"), "Did you mean 'factors'"),
        (lambda: Layout(row=pages.Top()), "'row' of a page must be a tuple"),
        (lambda: Layout(row=("top",)), "'row' of a page must be a tuple"),
        (lambda: Layout(row=(pages.Top(),), rule=Rule(name="a", where="true")), "'rule' of a page must be a tuple"),
        (lambda: pages.Discover(reach=-5), "'reach'"),
        (lambda: pages.Because(apart="far"), "'apart'"),
        (lambda: Rule(name="a", where="true", boost="2"), "'boost'"),
        (lambda: Rule(name="a", where="true", pin=1.5), "'pin'"),
    ],
)
def test_parameters_are_checked_at_the_door(made, told):
    with pytest.raises(InvalidParameterError, match=told):
        made()


@pytest.mark.parametrize("row", [pages.Because(space="factor"), pages.Mix(space="factor")])
def test_an_unknown_space_of_a_row_is_told(row):
    with pytest.raises(InvalidParameterError, match="Did you mean 'factors'"):
        _composer(row).compose("u0", NOW)


def test_the_column_of_what_is_bought_alike_is_looked_for_at_once():
    with pytest.raises(InvalidParameterError, match="'kind'"):
        _composer(pages.Top(), signals=Settings(repeat_by="kind"))


@pytest.mark.parametrize("where", ["unnest(genres) = 'a'", "unnest(genres) is null"])
def test_an_expression_is_of_items_and_not_of_their_values(where):
    catalogue = Catalogue(ft.Vocabulary([0, 1]), pl.DataFrame({"item": [0, 1], "genres": [["a", "b"], ["c"]]}))
    with pytest.raises(InvalidParameterError, match="3 values"):
        catalogue.matching(where)


@pytest.mark.parametrize("values", [[[["a"]]] * 6, [b"\xff"] * 6, pl.Series([object()] * 6, dtype=pl.Object)])
def test_columns_that_are_no_texts_are_told(values):
    with pytest.raises(ForetasteError, match="'g' of the items must hold texts"):
        _composer(pages.Category(attribute="g"), items={"g": values})


def test_lists_of_one_length_are_lists():
    values = pl.Series([["a", "b"]] * 6, dtype=pl.Array(pl.String, 2))
    assert _composer(pages.Category(attribute="g"), items={"g": values}).stage.catalogue.attribute("g").values == (
        "a",
        "b",
    )


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (-1, 1), (9, 1), (1, 9), ("a", 1)])
def test_nothing_explains_what_is_not_there(place):
    page = _composer(pages.Top(), columns=5).compose("u0", NOW)
    with pytest.raises(InvalidParameterError, match="both count from 1"):
        page.explain(*place)


@pytest.mark.parametrize("library", ["to_pandas", "to_arrow"])
def test_lists_of_any_library_are_lists(library):
    items = pl.DataFrame({"item": range(4), "genres": [["a", None], ["b", "a"], None, []], "n": [[1], [2], [], None]})
    catalogue = Catalogue(ft.Vocabulary(range(4)), getattr(items, library)())
    assert catalogue.attribute("genres").values == ("a", "b")
    assert catalogue.attribute("n").values == ("1", "2")
    assert catalogue.matching("'a' = any(genres)").tolist() == [True, True, False, False]


def test_events_without_a_time_are_left_out_and_counted():
    events = pl.DataFrame({"user": ["u0", "u1", "u1"], "item": ["i5", "i4", "i3"], "time": [None, NOW, NOW]})
    interactions = ft.Interactions.from_frame(events)
    with pytest.warns(ft.exceptions.DataWarning, match="1 events have no time"):
        composer = _composer(pages.Top(), events=interactions)
    assert composer.compose("u0").at == NOW + timedelta(seconds=1)
    no_times = _composer(pages.Top(), events=ft.Interactions.from_frame(events.with_columns(time=pl.lit(None))))
    assert "i5" not in _items(no_times.compose("u0").rows[0])


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_file_may_begin_with_a_mark(tmp_path):
    (tmp_path / "home.toml").write_text("[page.home]\n[[page.home.row]]\nkind = 'top'\n", "utf-8-sig")
    assert len(Layout.from_toml(tmp_path / "home.toml").row) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"a = {'[' * 5000}{']' * 5000}", "too deep in each other"),
        ("[[page.home.row]]\nkind = 'top'\ntitle = '{value}'", "this kind of row fills none"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, text, told):
    (tmp_path / "home.toml").write_text(text)
    with pytest.raises(ForetasteError, match=told):
        Layout.from_toml(tmp_path / "home.toml")


def test_the_key_named_is_not_one_of_the_hint(tmp_path):
    text = "[page.home]\n[[page.home.row]]\nkind = 'category'\ntitle = '{value}'\nattribute = 'genre'\n"
    (tmp_path / "home.toml").write_text(text)
    document = Document.read(tmp_path / "home.toml")
    catalogue = Catalogue(ft.Vocabulary([1]), pl.DataFrame({"item": [1], "title": ["A"], "year": [1]}))
    with pytest.raises(InvalidParameterError, match=r"line 5 \(page.home.row.attribute\)"):
        document.check(document.layout(), catalogue)


# Sizes, threads -------------------------------------------------------------------------------------------------------


def test_a_page_as_wide_as_can_be():
    assert len(_composer(pages.Top(), columns=10**15, rows=10**15).compose("u0", NOW).rows[0]) == 5


def test_one_item_and_many_users():
    users = [f"u{place}" for place in range(100)]
    events = ft.Interactions.from_arrays(users, ["i0"] * 100)
    layout = Layout(row=(pages.Top(min_items=1), pages.Because(), pages.Discover()), seen="allow")
    page = pages.Composer(ft.Popularity().fit(events), events, layout).compose("u1")
    assert [_items(row) for row in page] == [["i0"]]


def test_threads_share_a_composer():
    composer = _composer(pages.Top(blend=Blend(predicted=1, freshness=1, popularity=1, trending=1), min_items=1))
    moments = [NOW - timedelta(hours=hour) for hour in range(20)] * 2
    alone = [composer.compose("u0", at) for at in moments]
    days = [float(day) for day in range(20)] * 300  # more than are kept
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda at: composer.compose("u0", at), moments)) == alone
            assert list(pool.map(lambda day: composer.stage._kept("day", day, lambda crowd: crowd.day), days)) == days
    finally:
        sys.setswitchinterval(before)
    assert pickle.loads(pickle.dumps(composer)).compose("u0", NOW) == composer.compose("u0", NOW)  # noqa: S301  our own
