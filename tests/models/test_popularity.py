from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

import foretaste as ft
from foretaste.exceptions import DataError, DataWarning

EVENTS = [("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"), ("b", "z"), ("c", "z")]


def test_items_are_ranked_by_how_often_they_occur():
    users, items = zip(*EVENTS, strict=True)
    model = ft.Popularity().fit(ft.Interactions.from_arrays(users, items))
    assert dict(zip(model.item_vocabulary_, model.item_counts_, strict=True)) == {"x": 3, "y": 1, "z": 2}
    assert model.recommend("a", exclude_seen=False)["item"].to_list() == ["x", "z", "y"]
    assert model.recommend("a")["item"].to_list() == ["z"]
    assert model.predict([("a", "z"), ("b", "x")]).tolist() == [2, 3]
    assert model.explain("a", "z").rows() == [("popularity", 2.0)]


def test_weights_count_for_what_they_weigh():
    users, items = zip(*EVENTS, strict=True)
    model = ft.Popularity().fit(ft.Interactions.from_arrays(users, items, weights=[1, 1, 1, 10, 2, 2]))
    assert dict(zip(model.item_vocabulary_, model.item_counts_, strict=True)) == {"x": 3, "y": 10, "z": 4}


def test_repeated_events_count_each_time():
    model = ft.Popularity().fit(ft.Interactions.from_arrays(["a"] * 3, ["x"] * 3, duplicates="keep"))
    assert model.item_counts_.tolist() == [3]


def test_scores_are_no_ratings_and_are_not_clipped():
    model = ft.Popularity().fit([("a", "x", 1.0), ("b", "x", 2.0), ("c", "x", 2.0)])
    assert model.predict([("a", "x")]).tolist() == [3]


def test_an_unknown_item_is_as_popular_as_none():
    model = ft.Popularity().fit([("a", "x", 1.0)])
    with pytest.warns(ft.exceptions.UnknownIdWarning):
        assert model.predict([("a", "nothing"), ("nobody", "x")]).tolist() == [0, 1]


def test_a_new_user_only_brings_what_they_have_seen():
    users, items = zip(*EVENTS, strict=True)
    folded = ft.Popularity().fit(ft.Interactions.from_arrays(users, items)).fold_in([("x", 1)])
    assert folded.recommend()["item"].to_list() == ["z", "y"]
    assert np.array_equal(folded.item_counts_, [3, 1, 2])


def dated(times, weights=None):
    users, items = zip(*EVENTS, strict=True)
    return ft.Interactions.from_arrays(users, items, times=times, weights=weights)


DAYS = [0, 10, 20, 30, 0, 20]
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)


def counts(model):
    return dict(zip(model.item_vocabulary_, model.item_counts_.tolist(), strict=True))


@pytest.mark.parametrize(
    ("times", "half_life"),
    [
        ([86_400 * day for day in DAYS], 864_000),
        ([day + 0.5 for day in DAYS], 10),
        ([date(2026, 1, 1) + timedelta(day) for day in DAYS], 10),
        ([datetime(2026, 1, 1, 12) + timedelta(day) for day in DAYS], 10),  # noqa: DTZ001  some have no zone
        ([FIRST + timedelta(day) for day in DAYS], 10),
    ],
    ids=["seconds", "numbers", "dates", "datetimes", "zoned"],
)
def test_an_event_older_by_a_half_life_counts_half(times, half_life):
    model = ft.Popularity(half_life=half_life).fit(dated(times))
    assert counts(model) == pytest.approx({"x": 1 / 8 + 1 / 4 + 1 / 2, "y": 1, "z": 1 / 8 + 1 / 2})
    assert model.recommend("a", exclude_seen=False)["item"].to_list() == ["y", "x", "z"]


def test_weights_age_too():
    model = ft.Popularity(half_life=10).fit(dated(DAYS, [8, 4, 2, 3, 80, 1]))
    assert counts(model) == pytest.approx({"x": 1 + 1 + 1, "y": 3, "z": 10 + 0.5})


def test_a_prior_shares_out_events_by_popularity_of_all_time():
    model = ft.Popularity(half_life=10, prior=12).fit(dated(DAYS))
    assert counts(model) == pytest.approx({"x": 7 / 8 + 6, "y": 1 + 2, "z": 5 / 8 + 4})
    assert counts(ft.Popularity(prior=6).fit(dated(DAYS))) == pytest.approx({"x": 6, "y": 2, "z": 4})


def test_a_half_life_needs_times():
    users, items = zip(*EVENTS, strict=True)
    with pytest.raises(
        DataError, match=r"^Popularity\(half_life=3\) needs times, and these interactions have none\. Hint"
    ):
        ft.Popularity(half_life=3).fit(ft.Interactions.from_arrays(users, items))
    with pytest.raises(DataError, match="needs a time in every row, and 1 rows have none"):
        ft.Popularity(half_life=3).fit(dated([*DAYS[:5], None]))
    with pytest.raises(DataError, match="needs a time in every row, and some rows have none"):
        ft.Popularity(half_life=3).fit(dated([*DAYS[:5], float("nan")]))
    with pytest.raises(DataError, match="needs times that are dates, datetimes or numbers, got String"):
        ft.Popularity(half_life=3).fit(dated(["Monday"] * 6))


def test_a_half_life_in_the_wrong_unit_is_told():
    with pytest.warns(
        DataWarning, match=r"more than half of them are older: a half_life of 10 is short.*86400 seconds"
    ):
        ft.Popularity(half_life=10).fit(dated([86_400 * day for day in DAYS]))


def test_a_decayed_list_can_be_saved(tmp_path):
    model = ft.Popularity(half_life=10, prior=1).fit(dated(DAYS))
    model.save(tmp_path / "model.ft")
    assert counts(ft.load(tmp_path / "model.ft")) == counts(model)
