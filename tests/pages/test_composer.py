"""What holds of every page, whatever rows, rules, items and visitors there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foretaste as ft
from foretaste import pages
from foretaste.pages.visit import best
from page_scenes import NOW, Everything, Rater, Scene, kinds, scenes

pytestmark = pytest.mark.filterwarnings("ignore::foretaste.exceptions.DataWarning")

_exempt = {kind.kind for kind in kinds() if kind.keeps_duplicates}
_shows_seen = {kind.kind for kind in kinds() if kind.shows_seen}


def _codes(row):
    return [int(slot.item[1:]) for slot in row]


@settings(max_examples=40)
@given(scenes())
def test_nothing_leaves_that_may_not_be_shown(scene):
    had = scene.had()
    for row in scene.page():
        assert all(scene.eligible(code) for code in _codes(row))
        if scene.layout.seen == "hide" and row.kind not in _shows_seen:
            assert not had & {slot.item for slot in row}


@given(scenes(with_items=True))
def test_no_title_names_what_is_hidden_or_blocked(scene):
    for row in scene.page():
        anchor = row.evidence.get("anchor")
        if anchor is not None:
            about = scene.about[int(anchor[1:])]
            assert (about.get("min_age") or 0) <= (scene.visitor.age or 0)
            assert anchor not in scene.visitor.blocked
            assert not any(rule.hide and scene.applies(rule, int(anchor[1:])) for rule in scene.layout.rule)


@settings(max_examples=40)
@given(scenes())
def test_no_item_stands_twice(scene):
    page = scene.page()
    shown = [code for row in page if row.kind not in _exempt for code in _codes(row)]
    assert len(shown) == len(set(shown))
    assert all(len(_codes(row)) == len(set(_codes(row))) for row in page)


@settings(max_examples=40)
@given(scenes(with_items=True))
def test_what_is_sponsored_is_labelled_rationed_and_spaced(scene):
    for row in scene.page():
        rules = [scene.sponsor(code) for code in _codes(row)]
        assert [slot.sponsored for slot in row] == [rule is not None for rule in rules]
        if row.kind == "sponsored":
            assert all(rules)
            continue
        for rule in scene.layout.rule:
            assert sum(other is rule for other in rules) <= rule.max_share * len(row) + 1e-9
        places = [place for place, rule in enumerate(rules) if rule is not None]
        for place, following in pairwise(places):
            assert following - place > max(rules[place].spacing, rules[following].spacing)


@settings(max_examples=40)
@given(scenes())
def test_sizes_are_those_of_the_layout(scene):
    page = scene.page()
    assert len(page) <= scene.layout.rows
    fewest = {
        spec.kind: min(other.min_items for other in scene.layout.row if other.kind == spec.kind)
        for spec in scene.layout.row
    }
    most = {kind: sum(spec.max_rows for spec in scene.layout.row if spec.kind == kind) for kind in fewest}
    for row in page:
        assert fewest[row.kind] <= len(row) <= scene.layout.columns
        assert "{" not in row.title
    for kind in fewest:
        assert sum(row.kind == kind for row in page) <= most[kind]


@given(scenes())
def test_the_same_input_gives_the_same_page(scene):
    composer = scene.composer()
    page = composer.compose(scene.user, NOW, scene.visitor)
    composer.compose("somebody else", NOW - timedelta(days=3))  # what is kept for one is not given to another
    assert page == composer.compose(scene.user, NOW, scene.visitor) == scene.page()


@settings(max_examples=40)
@given(scenes())
def test_shares_add_up_and_order_the_row(scene):
    for row in scene.page():
        for slot in row:
            assert sum(value for _, value in slot.reasons) == pytest.approx(slot.score, abs=1e-6)
        if row.kind not in {"everything", "mix"} and not any(rule.pin or rule.sponsored for rule in scene.layout.rule):
            scores = [slot.score for slot in row]
            assert scores == sorted(scores, reverse=True) or np.diff(scores).max() < 1e-5


@settings(max_examples=40)
@given(scenes())
def test_a_popular_row_is_what_the_formula_says(scene):
    blend = pages.Blend(popularity=1, predicted=0.5)
    scene.layout = replace(scene.layout, row=(pages.Popular(blend=blend, min_items=1),), seen="allow")
    composer = scene.composer()
    signal = composer.visit(scene.user, NOW).signal("popularity")
    rows = composer.compose(scene.user, NOW, scene.visitor).rows
    found = {code: slot.score for row in rows for code, slot in zip(_codes(row), row, strict=True)}
    expected = {}
    for code in filter(scene.eligible, range(len(scene.about))):
        boost = np.prod([rule.boost for rule in scene.layout.rule if scene.applies(rule, code) and not rule.sponsored])
        for rule in scene.layout.rule:
            if rule.sponsored and scene.sponsor(code) is rule:
                boost *= rule.boost
        expected[code] = boost * (float(signal[code]) + 0.5 * scene.predicted(code))
    assert found == pytest.approx({code: expected[code] for code in found}, abs=1e-5)
    if not any(rule.sponsored or rule.pin for rule in scene.layout.rule):
        popular = sorted((expected[code] for code in expected if signal[code] > 0), reverse=True)
        assert sorted(found.values(), reverse=True) == pytest.approx(popular[: scene.layout.columns], abs=1e-5)


@settings(max_examples=40)
@given(scenes(with_items=True), st.sampled_from([1, 2, 4, 30]))
def test_a_pin_stands_in_its_column(scene, column):
    rule = pages.Rule(name="pin", where="'drama' = any(genres)", pin=column)
    scene.layout = replace(scene.layout, rule=(rule,))
    rows = [row for row in scene.page() if row.kind not in _exempt | {"sponsored"}]
    if not rows or column > scene.layout.columns:
        return
    above = scene.page().rows[: scene.page().rows.index(rows[0])]
    taken = {code for row in above for code in _codes(row)}
    had = scene.had() if scene.layout.seen == "hide" else set()
    could = [
        code
        for code in range(len(scene.about))
        if scene.applies(rule, code) and scene.eligible(code) and code not in taken and f"i{code}" not in had
    ]
    if could:
        place = min(column, len(rows[0])) - 1
        assert scene.applies(rule, _codes(rows[0])[place])


@given(scenes(with_items=True))
def test_pinned_rows_stand_above_the_others_in_their_order(scene):
    order = {}
    for place, spec in enumerate(scene.layout.row):
        order.setdefault((spec.kind, spec.pinned), place)
    if len({spec.kind for spec in scene.layout.row}) < len(scene.layout.row):
        return  # a row does not say which of two it comes from
    pinned = {spec.kind: spec.pinned for spec in scene.layout.row}
    rows = [row.kind for row in scene.page()]
    first = [kind for kind in rows if pinned[kind]]
    assert rows[: len(first)] == first
    assert [order[kind, True] for kind in first] == sorted(order[kind, True] for kind in first)


@given(scenes(with_items=True))
def test_an_item_that_nobody_may_see_changes_nothing(scene):
    def shown(scene):
        return [(row.kind, row.title, [slot.item for slot in row]) for row in scene.page()]

    rows = tuple(spec for spec in scene.layout.row if spec.kind != "everything")
    if not rows or "available" not in scene.items.columns:
        return
    before = replace(scene, layout=replace(scene.layout, row=rows))
    n_users = len(scene.model.ratings)
    ratings = np.column_stack([scene.model.ratings, np.ones(n_users)])
    items = pl.concat([scene.items, pl.DataFrame({"item": ["sold out"], "available": [False]})], how="diagonal_relaxed")
    after = replace(before, model=Rater(ratings, np.vstack([scene.model.item_factors_, np.ones(3)])), items=items)
    after.model.item_vocabulary_ = ft.Vocabulary([*before.model.item_vocabulary_, "sold out"])
    assert shown(before) == shown(after)


def test_every_kind_of_row_is_tried():
    assert {"top", "because", "category", "discover", "popular", "trending", "new", "continue", "sponsored"} <= {
        kind.kind for kind in kinds()
    }


def _scene(**layout):
    """Two users, six items, no catalogue."""
    model = Rater(np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0.1] * 6]), np.eye(6)[:, :3] + 0.1)
    events = ft.Interactions.from_arrays(
        ["u0", "u1", "u1", "u1"], ["i5", "i2", "i3", "i4"], times=[NOW - timedelta(days=day) for day in (1, 9, 6, 3)]
    )
    shape = {"row": (pages.Top(min_items=1),), "columns": 4} | layout
    return Scene(model, events, None, pages.Layout(**shape), pages.Visitor(), "u0")


def test_a_row_of_everything_loses_what_was_had_and_what_it_says_twice():
    page = _scene(row=(Everything(min_items=1),), columns=9).page()
    assert [slot.item for slot in page.rows[0]] == ["i0", "i1", "i2", "i3", "i4"]


def test_a_stranger_without_anything_gets_a_page():
    scene = replace(
        _scene(row=(pages.Top(min_items=1), pages.Because(min_items=1), pages.Discover(min_items=1))), user="x"
    )
    assert [row.kind for row in scene.page()] == ["top"]
    assert [slot.item for slot in scene.page().rows[0]] == ["i0", "i1", "i2", "i3"]


def test_a_short_row_has_its_share_of_its_own_slots():
    items = pl.DataFrame({"item": [f"i{i}" for i in range(6)], "paid": [True, True, True, False, False, None]})
    rule = pages.Rule(name="ad", where="paid", sponsored=True, max_share=0.5, spacing=0, floor=0)
    scene = replace(_scene(rule=(rule,), columns=12), items=items)
    # of twelve slots six could be sponsored; there are two items besides, so that two may be
    assert [slot.item for slot in scene.page().rows[0]] == ["i0", "i1", "i3", "i4"]


@settings(max_examples=40)
@given(
    st.integers(0, 10_000),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(*[st.sampled_from([0.1, 0.29, 0.5, 1.0])] * 2),
    st.tuples(*[st.sampled_from([None, None, 1, 2, 5, 12])] * 2),
)
def test_two_campaigns_keep_shares_and_distances_beside_pins(seed, spacings, shares, pins):
    rng = np.random.default_rng(seed)
    model = Rater(rng.random((1, 24)), rng.normal(size=(24, 3)))
    brands = rng.choice(["a", "b", "c"], 24, p=[0.3, 0.3, 0.4]).tolist()
    rules = [
        pages.Rule(
            name=brand, where=f"brand = '{brand}'", sponsored=True, floor=0, boost=2, max_share=m, spacing=s, pin=p
        )
        for brand, m, s, p in zip("ab", shares, spacings, pins, strict=True)
    ]
    items = pl.DataFrame({"item": [f"i{item}" for item in range(24)], "brand": brands})
    events = ft.Interactions.from_arrays(["u1"], ["i0"], times=[NOW - timedelta(days=1)])
    layout = pages.Layout(row=(pages.Top(min_items=1),), rule=tuple(rules), columns=12)
    slots = [
        brands[int(slot.item[1:])] for slot in pages.Composer(model, events, layout, items).compose("u0", NOW).rows[0]
    ]
    assert len(slots) == min(12, len(slots))
    assert len(slots) >= min(12, brands.count("c"))
    of = dict(zip("ab", rules, strict=True))
    for brand, rule in of.items():
        assert slots.count(brand) <= rule.max_share * len(slots) + 1e-9
    paid = [place for place, brand in enumerate(slots) if brand != "c"]
    for here, there in pairwise(paid):
        assert there - here > max(of[slots[here]].spacing, of[slots[there]].spacing)


def test_a_row_is_chosen_by_what_it_adds():
    page = _scene(row=(pages.Popular(min_items=1), pages.Top(min_items=1)), columns=3, alike=0.0, again=0.0).page()
    assert [row.kind for row in page] == ["top", "popular"]
    assert [[slot.item for slot in row] for row in page] == [["i0", "i1", "i2"], ["i4", "i3"]]


@settings(max_examples=40)
@given(
    st.integers(0, 10_000), st.integers(0, 3000), st.integers(1, 400), st.sampled_from([0.02, 0.5, 1.0]), st.booleans()
)
def test_the_best_are_the_first_of_all_sorted(seed, n_items, n, share, has_ties):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, 30, n_items) if has_ties else rng.random(n_items)).astype(np.float32)
    allowed = rng.random(n_items) < share
    expected = sorted(np.flatnonzero(allowed).tolist(), key=lambda code: (-scores[code], code))[:n]
    assert best(scores, allowed, n).tolist() == expected
    assert best(scores, np.flatnonzero(allowed).astype(np.int32), n).tolist() == expected
