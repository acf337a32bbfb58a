import numpy as np
import pytest

import foretaste as ft

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
