"""What every model recommends, and what it takes for alike; its cases stand in contract.py."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import (
    CASES,
    ITEMS,
    PAIRS,
    SEEN,
    USERS,
    every_case,
    fit,
    fitted,
    same_frame,
)
from foretaste.exceptions import (
    InvalidParameterError,
    UnknownIdError,
    UnsupportedError,
)

# Recommendations ---------------------------------------------------------------------------------------------------


@every_case
def test_recommendations_are_the_best_unseen_items_by_predicted_rating(name):
    model = fitted(name)
    found = model.recommend(n=3)
    predicted = dict(zip(PAIRS, model.predict(PAIRS), strict=True))
    assert found.columns == ["user", "item", "score", "rank"]
    for user in USERS:
        own = found.filter(pl.col("user") == user)
        left = [item for item in ITEMS if item not in SEEN[user]]
        assert set(own["item"]) <= set(left)
        assert len(own) == min(3, len(left))
        assert own["rank"].to_list() == list(range(1, len(own) + 1))
        assert own["score"].is_sorted(descending=True)
        best = sorted((predicted[user, item] for item in left), reverse=True)[:3]
        np.testing.assert_allclose(own["score"], best, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(own["score"], [predicted[user, item] for item in own["item"]], rtol=1e-5, atol=1e-6)


@every_case
def test_fewer_items_are_recommended_where_fewer_are_left(name):
    found = fitted(name).recommend(n=100)
    for user in USERS:
        assert set(found.filter(pl.col("user") == user)["item"]) == set(ITEMS) - SEEN[user]
    everything = [(USERS[0], item, float(1 + j % 5)) for j, item in enumerate(ITEMS)]
    assert len(fit(name, everything).recommend(USERS[0])) == 0


@every_case
def test_what_has_been_seen_is_recommended_where_asked_for(name):
    found = fitted(name).recommend([USERS[4]], n=100, exclude_seen=False)
    assert sorted(found["item"]) == sorted(ITEMS)


@every_case
def test_only_candidates_are_recommended(name):
    model = fitted(name)
    candidates = ITEMS[2:7]
    found = model.recommend(n=100, items=candidates)
    for user in USERS:
        assert set(found.filter(pl.col("user") == user)["item"]) == set(candidates) - SEEN[user]
    assert sorted(model.recommend(USERS[0], items=iter(candidates), exclude_seen=False)["item"]) == candidates
    assert len(model.recommend(items=[])) == 0
    with pytest.raises(UnknownIdError, match=r"1 of 2 item ids are unknown to this model: 'nothing'\."):
        model.recommend(items=[ITEMS[0], "nothing"])


@every_case
def test_what_is_excluded_is_recommended_to_nobody(name):
    model = fitted(name)
    for items, left in ((None, ITEMS[3:]), (ITEMS[2:7], ITEMS[3:7]), (ITEMS[:3], [])):
        found = model.recommend(n=100, items=items, exclude=[*ITEMS[:3], "nothing"])
        for user in USERS:
            assert set(found.filter(pl.col("user") == user)["item"]) == set(left) - SEEN[user]
    everything = model.recommend(USERS[0], n=100)
    assert model.recommend(USERS[0], n=100, exclude=["nothing"]).equals(everything)
    assert model.recommend(USERS[0], n=100, exclude=[]).equals(everything)
    assert not len(model.recommend(USERS[0], n=100, exclude=iter(ITEMS)))


@given(mask=st.lists(st.booleans(), min_size=len(ITEMS), max_size=len(ITEMS)), seen=st.booleans())
@settings(max_examples=10, deadline=None)
@every_case
def test_nothing_outside_the_mask_ever_leaves(name, mask, seen):
    model, mask = fitted(name), np.array(mask)
    codes = np.arange(-1, len(USERS), dtype=np.int32)
    found = model.recommend_codes(codes, len(ITEMS), exclude_seen=seen, item_mask=mask)[0]
    for user, row in zip(codes, found, strict=True):
        own = slice(*model.known_.indptr[user : user + 2]) if user >= 0 and seen else slice(0)
        assert set(row[row >= 0]) == set(np.flatnonzero(mask)) - set(model.known_.indices[own])


@every_case
def test_below_the_door_lists_and_scores_are_those_of_recommend(name):
    model = fitted(name)
    codes = np.array([1, -1, 0], np.int32)
    items, scores = model.recommend_codes(codes, 4)
    every = model.score_codes(codes)
    assert items.shape == scores.shape == (3, 4)
    assert every.shape == (3, len(model.item_vocabulary_))
    for user, own, values, row in zip(codes, items, scores, every, strict=True):
        left = own >= 0
        np.testing.assert_allclose(row[own[left]], values[left], rtol=1e-5, atol=1e-6)
        assert (values[~left] == -np.inf).all()
        if user >= 0:
            found = model.recommend(model.user_vocabulary_.decode_one(int(user)), n=4)
            assert model.item_vocabulary_.decode(own[left]).to_list() == found["item"].to_list()
            seen = model.known_.indices[model.known_.indptr[user] : model.known_.indptr[user + 1]]
            assert (row[seen] == -np.inf).all()
    only = np.isin(np.arange(len(ITEMS)), [2, 5])
    chosen = model.recommend_codes(codes, 4, item_mask=only, exclude_seen=False)[0]
    assert [sorted(row[row >= 0]) for row in chosen] == [[2, 5]] * 3
    assert np.isfinite(model.score_codes(codes, item_mask=only, exclude_seen=False)).sum() == 6


@every_case
def test_one_user_many_users_and_everybody_agree(name):
    model = fitted(name)
    everybody = model.recommend(n=4)
    for some in (USERS[3], [USERS[3]], [USERS[7], USERS[3]], pl.Series([USERS[3]]), np.array([USERS[3]])):
        found = model.recommend(some, n=4)
        own = everybody.filter(pl.col("user") == USERS[3])
        mine = found.filter(pl.col("user") == USERS[3])
        assert mine["item"].to_list() == own["item"].to_list()
        np.testing.assert_allclose(mine["score"], own["score"], rtol=1e-6)
    assert model.recommend([USERS[7], USERS[3]], n=1)["user"].to_list() == [USERS[7], USERS[3]]
    assert len(model.recommend([])) == 0


@every_case
@pytest.mark.parametrize("n", [0, -1, 2.5, True, "3", None])
def test_how_many_must_be_a_whole_number(name, n):
    with pytest.raises(InvalidParameterError, match=r"^'n' of recommend must be an int in \[1, inf\), got "):
        fitted(name).recommend(n=n)


# Likeness ----------------------------------------------------------------------------------------------------------

sides = pytest.mark.parametrize(("side", "ids"), [("user", USERS), ("item", ITEMS)], ids=["users", "items"])


@every_case
@sides
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_likeness_is_the_angle_or_the_distance_between_factors(name, side, ids, metric):
    model = fitted(name)
    if side in CASES[name].neighbors:
        message = rf"^{type(model).__name__} keeps the neighbours of its own similarity, .*; got metric='{metric}'\."
        with pytest.raises(UnsupportedError, match=message):
            getattr(model, f"similar_{side}s")(ids[0], metric=metric)
        return
    if side not in CASES[name].placed:
        words = "knows items by how they predict" if side == CASES[name].likeness else f"places no {side}s in a space"
        with pytest.raises(UnsupportedError, match=rf"^{type(model).__name__} {words}"):
            getattr(model, f"similar_{side}s")(ids[0], metric=metric)
        return
    found = getattr(model, f"similar_{side}s")([ids[1], ids[4]], n=100, metric=metric)
    column = "similarity" if metric == "cosine" else "distance"
    assert found.columns == [side, f"similar_{side}", column, "rank"]
    vectors = dict(zip(getattr(model, f"{side}_vocabulary_"), getattr(model, f"{side}_factors_"), strict=True))
    for one in (ids[1], ids[4]):
        own = found.filter(pl.col(side) == one)
        assert sorted(own[f"similar_{side}"]) == sorted(set(ids) - {one})
        assert own[column].is_sorted(descending=metric == "cosine")
        assert own["rank"].to_list() == list(range(1, len(ids)))
        for other, value in zip(own[f"similar_{side}"], own[column], strict=True):
            x, y = vectors[one].astype(float), vectors[other].astype(float)
            expected = x @ y / np.sqrt((x @ x) * (y @ y)) if metric == "cosine" else np.sqrt(((x - y) ** 2).sum())
            assert value == pytest.approx(expected, rel=1e-3, abs=2e-3)
    assert len(getattr(model, f"similar_{side}s")(ids[1], n=2)) == 2
    with pytest.raises(UnknownIdError, match=f"1 of 1 {side} ids are unknown to this model: 'nobody'"):
        getattr(model, f"similar_{side}s")("nobody")
    with pytest.raises(
        InvalidParameterError, match=f"'metric' of similar_{side}s must be one of 'cosine', 'euclidean'"
    ):
        getattr(model, f"similar_{side}s")(ids[1], metric="dot")


@every_case
@sides
def test_without_a_metric_likeness_is_the_models_own(name, side, ids):
    model = fitted(name)
    similar = getattr(model, f"similar_{side}s")
    if side in CASES[name].placed:
        same_frame(similar(ids), similar(ids, metric="cosine"))
    elif side in CASES[name].neighbors:
        neighbors, ids = getattr(model, f"{side}_neighbors_"), list(getattr(model, f"{side}_vocabulary_"))
        found = similar(ids, n=100)
        assert found.columns == [side, f"similar_{side}", "similarity", "rank"]
        assert found["similarity"].to_numpy() == pytest.approx(neighbors.values)
        assert found[f"similar_{side}"].to_list() == [ids[code] for code in neighbors.indices]
        assert found[side].to_list() == [
            one for one, n in zip(ids, np.diff(neighbors.indptr), strict=True) for _ in range(n)
        ]
        assert similar(ids, n=2).equals(found.filter(pl.col("rank") <= 2))
        with pytest.raises(UnknownIdError, match=f"1 of 1 {side} ids are unknown to this model: 'nobody'"):
            similar("nobody")
    elif side == CASES[name].likeness:  # its own tests say what it is
        found = similar(ids, n=100)
        assert found.columns == [side, f"similar_{side}", "similarity", "rank"]
        for one in ids:
            own = found.filter(pl.col(side) == one)
            assert one not in own[f"similar_{side}"]
            assert own["similarity"].is_sorted(descending=True)
        with pytest.raises(UnknownIdError, match=f"1 of 1 {side} ids are unknown to this model: 'nobody'"):
            similar("nobody")
    else:
        with pytest.raises(UnsupportedError, match=rf"^{type(model).__name__} places no {side}s in a space"):
            similar(ids)
