"""Pages beside what people had afterwards: figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import foretaste as ft
from foretaste import pages
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.pages.learning import _weights
from page_scenes import NOW, Rater

_RATINGS = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]])


def _composer(**layout):
    """Two users with opposite tastes, who have had i7 and i0; kinds a a a a b b b b."""
    events = ft.Interactions.from_arrays(["u0", "u1"], ["i7", "i0"], times=[NOW - timedelta(days=30)] * 2)
    items = pl.DataFrame({"item": [f"i{i}" for i in range(8)], "kind": [*"aaaabbbb"], "paid": [False] * 2 + [True] * 6})
    shape = {
        "row": (pages.Top(min_items=1), pages.Top(min_items=1, blend=pages.Blend(popularity=1))),
        "rows": 2,
        "columns": 3,
    }
    return pages.Composer(Rater(_RATINGS, np.eye(8)[:, :4] + 0.1), events, pages.Layout(**shape | layout), items)


def _held_out(*pairs):
    return ft.Interactions.from_arrays(*zip(*pairs, strict=True))


def test_the_figures_of_a_page():
    # u0 sees i0 i1 i2 in the first row and i3 i4 i5 in the second, u1 sees i7 i6 i5 and i1 i2 i3
    held_out = _held_out(("u0", "i1"), ("u0", "i4"), ("u0", "i6"), ("u0", "unheard of"), ("u1", "i4"))
    report = pages.evaluate(_composer(), held_out, at=NOW, attribute="kind")
    assert report.users["user"].to_list() == ["u0", "u1"]
    clicks = 0.9 + 0.9 * 0.9  # row 0, column 1; row 1, column 1
    expected = {
        "recall": [2 / 4, 0],
        "hit_rate": [1, 0],
        "expected_clicks": [clicks, 0],
        "rows": [2, 2],
        "slots": [6, 6],
        "duplicates": [0, 0],
        "sponsored_share": [0, 0],
        # u0 had b alone, and the page is two thirds a; the other way round for u1
        "calibration": [np.log2(1 / (0.99 * 1 / 3 + 0.01)), np.log2(1 / (0.99 * 1 / 2 + 0.01))],
    }
    for metric, values in expected.items():
        assert report.values[metric].tolist() == pytest.approx(values), metric
    assert np.isnan(report.values["sponsored_gap"]).all()
    assert report["coverage"] == 1
    assert report["recall"] == 1 / 4


def test_a_smaller_block_finds_less():
    held_out = _held_out(("u0", "i1"), ("u0", "i4"))
    values = [
        pages.evaluate(_composer(), held_out, at=NOW, rows=r, columns=c)["recall"] for r, c in ((2, 2), (1, 2), (1, 1))
    ]
    assert values == [1, 0.5, 0]


def test_what_was_had_before_is_found_only_when_it_may_be():
    held_out, composer = _held_out(("u0", "i7"), ("u1", "i7")), _composer(seen="allow", columns=8)
    report = pages.evaluate(composer, held_out, at=NOW)
    assert (report.ids, report.n_dropped) == (["u1"], 1)
    assert "1 users had nothing left" in repr(report)
    assert pages.evaluate(composer, held_out, at=NOW, new_only=False).values["recall"].tolist() == [1, 1]


def test_the_frame_has_intervals_around_means():
    held_out = _held_out(("u0", "i1"), ("u1", "i4"))
    frame = pages.evaluate(_composer(), held_out, at=NOW).to_frame(n_resamples=200)
    recall = frame.row(by_predicate=pl.col("metric") == "recall", named=True)
    assert recall == {"metric": "recall", "value": 0.5, "low": 0, "high": 1, "n_users": 2}
    assert frame.filter(pl.col("metric") == "coverage")["low"].is_nan().all()


def test_nobody_with_anything_left_is_an_error():
    with pytest.raises(DataError, match="nothing is held out"):
        pages.evaluate(_composer(), _held_out(("u0", "i7")), at=NOW)
    with pytest.raises(InvalidParameterError, match="'speed' was not measured"):
        pages.evaluate(_composer(), _held_out(("u0", "i1")), at=NOW)["speed"]


def test_the_cost_of_a_rule_is_what_its_absence_changes():
    # what is paid for comes first: u0 finds i2 where i0 was, u1 finds what it would find anyway
    paid = pages.Rule(name="ad", where="paid", sponsored=True, boost=9, max_share=1, spacing=0, floor=0)
    hidden = pages.Rule(name="gone", where="kind = 'c'", hide=True)
    composer = _composer(rule=(paid, hidden), row=(pages.Top(min_items=1),))
    costs = pages.cost_of_rules(composer, _held_out(("u0", "i0"), ("u1", "i7")), at=NOW)
    found = {(row["rule"], row["part"], row["metric"]): row for row in costs.iter_rows(named=True)}
    ad = found["ad", "all", "expected_clicks"]
    assert (ad["with"], ad["without"], ad["difference"]) == (0.5, 1.0, -0.5)
    assert ad["standard_error"] == pytest.approx(0.5)  # differences of -1 and 0
    assert found["ad", "all", "sponsored_share"]["difference"] == 1
    assert found["ad", "boost", "sponsored_share"]["difference"] == pytest.approx(1 - (1 / 3 + 1) / 2)
    assert {part for rule, part, _ in found if rule == "ad"} == {"all", "boost"}
    assert {row["difference"] for (rule, *_), row in found.items() if rule == "gone"} == {0}
    assert composer.layout.rule == (paid, hidden)


def test_costs_need_rules_and_known_metrics():
    with pytest.raises(InvalidParameterError, match="no rules"):
        pages.cost_of_rules(_composer(), _held_out(("u0", "i1")), at=NOW)
    rule = pages.Rule(name="gone", where="kind = 'c'", hide=True)
    with pytest.raises(InvalidParameterError, match="'coverage' is not one of a page"):
        pages.cost_of_rules(_composer(rule=(rule,)), _held_out(("u0", "i1")), at=NOW, metrics=["coverage"])


def test_the_gap_between_sponsored_slots_is_counted():
    paid = pages.Rule(name="ad", where="paid", sponsored=True, max_share=0.5, spacing=1, floor=0)
    report = pages.evaluate(_composer(rule=(paid,), columns=5), _held_out(("u0", "i1")), at=NOW)
    page = _composer(rule=(paid,), columns=5).compose("u0", NOW)
    gaps = []
    for row in page:
        places = [column for column, slot in enumerate(row) if slot.sponsored]
        gaps += [b - a - 1 for a, b in pairwise(places)]
    assert report.values["sponsored_gap"].tolist() == ([min(gaps)] if gaps else [pytest.approx(np.nan, nan_ok=True)])
    share = sum(slot.sponsored for row in page for slot in row) / sum(map(len, page))
    assert report["sponsored_share"] == share


# Learned blends ------------------------------------------------------------------------------------------------------


def _crowd(seed=0, n_users=60, n_items=40):
    """People who take what is popular, whatever the model says of it."""
    rng = np.random.default_rng(seed)
    liked = np.arange(n_items) % 4 == 0
    users = np.repeat(np.arange(n_users), 6)
    items = np.where(
        rng.random(users.size) < 0.9,
        rng.choice(np.flatnonzero(liked), users.size),
        rng.integers(0, n_items, users.size),
    )
    later = np.tile(np.arange(6) >= 3, n_users)
    times = (np.where(later, 100, 0) + rng.uniform(0, 90, users.size)) * 86_400

    def part(chosen):
        return ft.Interactions.from_arrays(
            [f"u{u}" for u in users[chosen]], [f"i{i}" for i in items[chosen]], times=times[chosen], duplicates="keep"
        )

    model = Rater(rng.random((n_users, n_items)), rng.normal(size=(n_items, 3)))
    layout = pages.Layout(row=(pages.Top(),))
    return pages.Composer(model, part(~later), layout), part(later)


def test_what_people_follow_gets_the_weight():
    composer, held_out = _crowd()
    users = [f"u{u}" for u in range(60)]
    learned = pages.Blend.learned(composer, held_out, ("predicted", "popularity", "freshness"), users=users[:30])
    assert learned.weights["popularity"] == 1
    assert abs(learned.weights["predicted"]) < 0.3
    assert learned == pages.Blend.learned(
        composer, held_out, ("predicted", "popularity", "freshness"), users=users[:30]
    )
    blends = {"given": pages.Blend(predicted=1), "learned": learned}
    table = pages.compare_blends(composer, held_out, blends, users[30:], n=5)
    recall = dict(table.filter(pl.col("metric") == "recall").select("blend", "value").iter_rows())
    assert recall["learned"] > recall["given"] + 0.1
    assert table.columns == ["blend", "metric", "value", "low", "high", "n_users"]


def test_weights_do_not_depend_on_the_scale_of_the_standardised_signals():
    composer, held_out = _crowd()
    weak = pages.Blend.learned(composer, held_out, ("predicted", "popularity"), reg=1e6)
    strong = pages.Blend.learned(composer, held_out, ("predicted", "popularity"), reg=1e-3)
    assert max(weak.weights.values()) == max(strong.weights.values()) == 1


def test_weights_are_those_of_the_signals_as_they_are():
    rng = np.random.default_rng(0)
    rows = rng.random((400, 2)) * [1.0, 0.1]
    labels = (rng.random(400) < 1 / (1 + np.exp(1 - 2 * rows[:, 0] - 10 * rows[:, 1]))).astype(float)
    shares = rng.choice([0.5, 1.0], 400)
    plain = LogisticRegression(C=1e6, tol=1e-10, max_iter=10_000).fit(rows, labels, sample_weight=shares).coef_[0]
    found = _weights(("predicted", "popularity"), rows, labels, shares, 1e-6)
    assert found["popularity"] == 1
    assert found["predicted"] == pytest.approx(plain[0] / plain[1], rel=1e-2)


def test_there_has_to_be_something_to_learn_from():
    composer, held_out = _crowd()
    with pytest.raises(DataError, match="nothing is held out"):
        pages.Blend.learned(composer, held_out, users=["stranger"])
    with pytest.raises(DataError, match="could have been shown"):
        pages.Blend.learned(composer, _held_out(("u0", "unheard of")))
    everything = ft.Interactions.from_arrays(["u0"] * 40, [f"i{i}" for i in range(40)])
    with pytest.raises(DataError, match="everything that could be shown"):
        pages.Blend.learned(composer, everything)
    with pytest.raises(DataError, match="the same for all items"):
        pages.Blend.learned(composer, held_out, ("promotion",))
    with pytest.raises(InvalidParameterError, match="Did you mean 'predicted'"):
        pages.Blend.learned(composer, held_out, ("predictd",))
    with pytest.raises(DataError, match="nothing is held out"):
        pages.compare_blends(composer, held_out, {"given": pages.Blend(predicted=1)}, ["stranger"])


def test_a_list_is_found_by_hand():
    composer, held_out = _composer(), _held_out(("u0", "i1"), ("u0", "i4"), ("u0", "unheard of"), ("u1", "i6"))
    table = pages.compare_blends(composer, held_out, {"given": pages.Blend(predicted=1)}, at=NOW, n=2)
    # u0 gets i0 i1, one of three; u1 gets i7 i6, one of one
    assert table["value"].to_list() == pytest.approx([(1 / 3 + 1) / 2, 1])


def test_other_rules_leave_the_composer_as_it_is():
    composer = _composer()
    rule = pages.Rule(name="gone", where="kind = 'a'", hide=True)
    other = composer.with_rules([rule])
    assert {slot.item for row in other.compose("u0", NOW) for slot in row} == {"i4", "i5", "i6"}
    assert composer.layout == replace(other.layout, rule=())
    assert composer.compose("u0", NOW).rows[0].slots[0].item == "i0"
