"""What models that learn from events share, tried on the smallest of them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import foretaste as ft
from foretaste.exceptions import DataError
from foretaste.models._implicit import ImplicitModel


class Together(ImplicitModel):
    """Scores an item by how often it occurs together with each item of the user, weighted: s = x X'X."""

    def _fit(self, interactions, training):
        rows = self._events(interactions)
        dense = np.zeros((interactions.n_users, interactions.n_items))
        dense[np.repeat(np.arange(interactions.n_users), np.diff(rows.indptr)), rows.indices] = rows.values
        training.report(0.5)
        return {"together_": (dense.T @ dense).astype(np.float32)}

    def _predict(self, user_codes, item_codes):
        return np.array([sum(v for _, v in self._terms(u, i)) for u, i in zip(user_codes, item_codes, strict=True)])

    def _terms(self, user_code, item_code):
        own = slice(*self.known_.indptr[user_code : user_code + 2])
        items, weights = self.known_.indices[own], self.known_.values[own]
        return [(f"item {i}", w * float(self.together_[i, item_code])) for i, w in zip(items, weights, strict=True)]

    def _fold_in(self, rows):  # noqa: ARG002  nothing to learn
        return {}


EVENTS = [("an", "x"), ("an", "y"), ("bo", "y"), ("an", "x"), ("cy", "z"), ("cy", "x")]
ITEMS = ["x", "y", "z"]


def scores(model, user):
    return model.predict([(user, item) for item in ITEMS]).tolist()


def test_events_of_a_pair_add_up_and_come_by_ascending_item():
    given = ft.Interactions.from_arrays(*zip(*EVENTS, strict=True), weights=[1, 2, 3, 4, 5, 6], duplicates="keep")
    indptr, indices, values = Together().fit(given).known_
    assert indptr.tolist() == [0, 2, 3, 5]
    assert indices.tolist() == [0, 1, 1, 0, 2]
    assert values.tolist() == [5, 2, 3, 6, 5]
    assert Together().fit(EVENTS).known_.values.tolist() == [2, 1, 1, 1, 1]


def test_ratings_say_nothing():
    rated = [(user, item, 1.5 * place) for place, (user, item) in enumerate(EVENTS)]
    assert scores(Together().fit(rated), "an") == scores(Together().fit(EVENTS), "an") == [10 + 2, 4 + 2, 2]


@pytest.mark.parametrize(
    "data",
    [
        np.array(EVENTS),
        iter(EVENTS),
        {"an": ["x", "y", "x"], "bo": "y", "cy": ("z", "x")},
        pl.DataFrame(EVENTS, schema=["user", "item"], orient="row"),
        pd.DataFrame(EVENTS, columns=["user", "item"]),
        ft.Interactions.from_arrays(*zip(*EVENTS, strict=True), duplicates="keep"),
    ],
    ids=["array", "iterator", "dictionary", "polars", "pandas", "interactions"],
)
def test_events_may_come_in_any_form(data):
    assert scores(Together().fit(data), "an") == scores(Together().fit(EVENTS), "an")


@pytest.mark.parametrize("data", [[], [("an",)], [("an", "x", 1, 2)], ["an"], {"an": []}, [("an", None)]], ids=repr)
def test_what_is_no_event_is_refused(data):
    with pytest.raises(DataError):
        Together().fit(data)


def test_a_weight_of_nothing_is_refused_with_its_row():
    given = ft.Interactions.from_arrays(["an", "bo", "bo"], ["x", "y", "x"], weights=[1, -2, 0])
    message = "Together takes weights above 0, and the event of user 'bo' and item 'y' has -2 (2 such rows). Hint: "
    with pytest.raises(DataError) as caught:
        Together().fit(given)
    assert str(caught.value).startswith(message)
    with pytest.raises(DataError, match="item 'y' has 0"):
        Together().fit(EVENTS).fold_in({"x": 1, "y": 0})


@pytest.mark.parametrize(
    "events",
    [
        ["z", "x", "x"],
        ("z", "x", "x"),
        np.array(["z", "x", "x"]),
        pl.Series(["z", "x", "x"]),
        {"z": 1, "x": 2},
        [("x", 2), ("z", 1)],
        [("x", 1), ("z", 1.0), ("x", 1)],
        pl.DataFrame({"item": ["z", "x", "x"]}),
        pl.DataFrame({"item": ["z", "x"], "weight": [1, 2]}),
        pl.DataFrame({"item": ["z", "x", "x"], "rating": [5, 4, 3]}),
        pl.DataFrame({"user": ["u"] * 3, "item": ["z", "x", "x"]}),
        ft.Interactions.from_arrays(["u"] * 2, ["z", "x"], weights=[1, 2]),
    ],
)
def test_a_new_users_events_may_come_in_any_form(events):
    folded = Together().fit(EVENTS).fold_in(events)
    assert folded.known_.indices.tolist() == [0, 2]
    assert folded.known_.values.tolist() == [2, 1]
    assert scores(folded, folded.user_vocabulary_.decode_one(0)) == [2 * 5 + 1, 2 * 2, 2 * 1 + 1]


def test_one_item_is_a_list_of_one():
    assert Together().fit(EVENTS).fold_in("y", user="dee").known_.indices.tolist() == [1]


def test_items_that_are_pairs_themselves_are_ids():
    events = [("an", ("x", "long")), ("an", ("y", "short"))]
    folded = Together().fit(events).fold_in([("y", "short")])
    assert folded.known_.indices.tolist() == [1]


def test_its_history_is_one_of_loss():
    model = Together().fit(EVENTS)
    assert model.history_.columns == ["epoch", "train_loss", "valid_loss", "seconds"]
    assert model.history_["train_loss"].to_list() == [0.5]
