import sys

import numpy as np
import pytest

import foretaste as ft
import naive
from contract import ITEMS, PAIRS, ROWS, USERS

# Three films, three people. By hand: common ratings of an and bo are (5, 4) and (1, 2).
SMALL = [("an", "x", 5), ("an", "y", 1), ("bo", "x", 4), ("bo", "y", 2), ("bo", "z", 3), ("cy", "x", 1), ("cy", "z", 5)]
PLAIN = {"shrinkage": 0.0, "damping": 0.0}


def test_a_prediction_by_hand_from_mean_squared_differences():
    model = ft.UserKNN(similarity="msd", centring="mean", **PLAIN).fit(SMALL)
    # an and bo differ by 1 and 1: msd 1; an and cy by 4 in x alone: msd 16
    found = model.similar_users("an")
    assert found["similar_user"].to_list() == ["bo", "cy"]
    np.testing.assert_allclose(found["similarity"], [1 / 2, 1 / 17], rtol=1e-6)
    # means are 3, 3 and 3; bo gave z 0 more than their mean, cy 2 more
    expected = 3 + (0 / 2 + 2 / 17) / (1 / 2 + 1 / 17)
    assert model.predict([("an", "z")])[0] == pytest.approx(expected)
    assert model.explain("an", "z")["term"].to_list() == [
        "user mean",
        "rated 3 by 'bo', similarity 0.50",
        "rated 5 by 'cy', similarity 0.06",
    ]


def test_a_prediction_by_hand_from_a_correlation():
    model = ft.UserKNN(similarity="pearson", centring="zscore", **PLAIN).fit(SMALL)
    # an and bo agree about x and y; bo and cy are opposed about x and z
    assert model.similar_users(["an", "bo", "cy"])["similar_user"].to_list() == ["bo", "an"]
    # bo's z is their mean: an's expectation is an's mean
    assert model.predict([("an", "z")])[0] == pytest.approx(3)


def test_a_prediction_by_hand_of_items():
    model = ft.ItemKNN(similarity="cosine", centring="none", **PLAIN).fit(SMALL)
    # x and z: (4, 3) and (1, 5); y and z: 2 and 3 alone
    cosine = (4 * 3 + 1 * 5) / np.sqrt((16 + 1) * (9 + 25))
    expected = (cosine * 5 + 1.0 * 1) / (cosine + 1.0)
    assert model.predict([("an", "z")])[0] == pytest.approx(expected, rel=1e-6)
    assert model.explain("an", "z")["term"].to_list() == [
        "global mean",
        "rated 'y' 1, similarity 1.00",
        "rated 'x' 5, similarity 0.71",
    ]


def test_damping_and_shrinkage_are_doubt():
    plain = ft.UserKNN(similarity="msd", centring="mean", n_neighbors=1, **PLAIN).fit(SMALL)
    shrunk = ft.UserKNN(similarity="msd", centring="mean", shrinkage=3, damping=0, n_neighbors=1).fit(SMALL)
    # one rating in common is no evidence, two keep 1 / (1 + 3)
    assert shrunk.similar_users("an")["similarity"].to_list() == pytest.approx([1 / 8])
    assert plain.predict([("cy", "y")])[0] == pytest.approx(3 - 1)  # of bo, at 1 / (1 + 6.5), and an, at 1 / 17
    damped = ft.UserKNN(similarity="msd", centring="mean", shrinkage=0, damping=1 / 7.5, n_neighbors=1).fit(SMALL)
    assert damped.predict([("cy", "y")])[0] == pytest.approx(3 - 1 / 2)


def test_too_few_neighbors_leave_the_centre():
    model = ft.UserKNN(similarity="msd", centring="mean", min_neighbors=3, **PLAIN).fit(SMALL)
    assert model.predict([("an", "z")])[0] == pytest.approx(3)
    assert model.explain("an", "z")["term"].to_list() == ["user mean"]


@pytest.mark.parametrize("similarity", ["cosine_baseline", "pearson_baseline"])
def test_residuals_are_compared_as_the_twin_does(similarity):
    model = ft.ItemKNN(similarity=similarity, shrinkage=4, n_kept=100).fit(ROWS)
    users, items = (
        {name: code for code, name in enumerate(v)} for v in (model.user_vocabulary_, model.item_vocabulary_)
    )
    columns = [{} for _ in items]
    for user, item, rating in ROWS:
        expected = model.global_mean_ + model.user_biases_[users[user]] + model.item_biases_[items[item]]
        columns[items[item]][users[user]] = rating - expected
    kind = "whole cosine" if similarity == "cosine_baseline" else "cosine"
    found = naive.neighbors(columns, columns, kind, 100, 2, 4.0, own=True)
    rows = model.item_neighbors_
    for code, near in enumerate(found):
        own = slice(*rows.indptr[code : code + 2])
        assert rows.indices[own].tolist() == [other for other, _ in near]
        np.testing.assert_allclose(rows.values[own], [w for _, w in near], rtol=1e-4)


def test_the_baseline_is_that_of_the_baseline():
    model, baseline = ft.ItemKNN().fit(ROWS), ft.Baseline().fit(ROWS)
    np.testing.assert_allclose(model.user_biases_, baseline.user_biases_, atol=2e-3)
    np.testing.assert_allclose(model.item_biases_, baseline.item_biases_, atol=2e-3)


@pytest.mark.parametrize("similarity", ["cosine_baseline", "pearson_baseline", "pearson", "cosine", "msd"])
def test_a_user_who_comes_back_as_a_new_one_meets_their_double_first(similarity):
    model = ft.UserKNN(similarity=similarity, shrinkage=0, damping=0).fit(ROWS)
    own = [(item, rating) for user, item, rating in ROWS if user == USERS[3]]
    folded = model.fold_in(own)
    assert folded.similar_users("new user", n=12)["similarity"][0] == pytest.approx(1, abs=1e-5)
    double = dict(zip(*folded.similar_users("new user", n=12)[["similar_user", "similarity"]], strict=True))
    assert double.pop(USERS[3]) == pytest.approx(1, abs=1e-5)
    mine = dict(zip(*model.similar_users(USERS[3], n=12)[["similar_user", "similarity"]], strict=True))
    assert double == pytest.approx(mine, abs=1e-5)
    assert folded.user_biases_[0] == pytest.approx(
        model.user_biases_[model.user_vocabulary_.encode_one(USERS[3])], abs=1e-5
    )


def test_a_returning_user_is_told_the_same_by_items():
    model = ft.ItemKNN().fit(ROWS)
    folded = model.fold_in([(item, rating) for user, item, rating in ROWS if user == USERS[3]])
    mine = model.predict([(USERS[3], item) for item in ITEMS])
    np.testing.assert_allclose(folded.predict([("new user", item) for item in ITEMS]), mine, atol=1e-5)


def test_both_sides_together_are_their_weighted_sum():
    both = ft.UserItemKNN(random_state=0, shrinkage=1).fit(ROWS)
    centre = ft.UserKNN(shrinkage=1, min_neighbors=1000).fit(ROWS).predict(PAIRS, clip=False)
    sides = [model(shrinkage=1).fit(ROWS).predict(PAIRS, clip=False) - centre for model in (ft.UserKNN, ft.ItemKNN)]
    expected = centre + both.user_weight_ * sides[0] + both.item_weight_ * sides[1]
    np.testing.assert_allclose(both.predict(PAIRS, clip=False), expected, atol=1e-5)


def test_the_weights_follow_the_side_that_knows_more():
    # items come in two groups that users rate alike, and users are all different: only the item side can know
    rng = np.random.default_rng(0)
    taste = rng.normal(size=(400, 4))
    rows = [
        (u, i, 3 + taste[u, i % 4] + 0.1 * rng.normal()) for u in range(400) for i in range(24) if rng.random() < 0.6
    ]
    model = ft.UserItemKNN(random_state=0).fit(rows)
    assert model.item_weight_ > 2 * abs(model.user_weight_)


@pytest.mark.slow
def test_neighbors_predict_films(need_set):
    need_set("ml-100k")
    compared = ft.compare(
        {"user": ft.UserKNN(), "item": ft.ItemKNN(), "both": ft.UserItemKNN(random_state=0)},
        ft.datasets.load("ml-100k"),
        cv=5,
        random_state=0,
    )
    rmse = {row["model"]: row["rmse"] for row in compared.to_frame().iter_rows(named=True)}
    assert 0.90 < rmse["both"] < rmse["item"] < rmse["user"] < 0.925


# Beyond the usual ---------------------------------------------------------------------------------------------------


def test_more_neighbours_than_anybody_has_are_all_of_them():
    few, most = (
        ft.ItemKNN(shrinkage=0, n_neighbors=n, min_support=1).fit(ROWS).predict(PAIRS) for n in (100, sys.maxsize)
    )
    np.testing.assert_array_equal(few, most)
    nobody = ft.ItemKNN(shrinkage=0, min_support=10**30, min_neighbors=10**30).fit(ROWS)
    assert not nobody.item_neighbors_.indices.size


@pytest.mark.parametrize("model", [ft.UserKNN(), ft.ItemKNN()])
def test_a_setting_changed_after_the_fit_changes_nothing_before_the_next(model):
    expected = model.fit(ROWS).predict(PAIRS)
    folded = model.fold_in([(ITEMS[0], 5), (ITEMS[3], 1)]).predict([("new user", item) for item in ITEMS])
    model.set_params(centring="none", similarity="msd", n_neighbors=-1, min_neighbors=9, damping=7)
    np.testing.assert_array_equal(model.predict(PAIRS), expected)
    again = model.fold_in([(ITEMS[0], 5), (ITEMS[3], 1)]).predict([("new user", item) for item in ITEMS])
    np.testing.assert_array_equal(again, folded)


def test_correlations_of_rows_that_hardly_vary_are_right():
    rng = np.random.default_rng(0)
    table = 3 + 0.01 * (rng.normal(size=(6, 1)) @ rng.normal(size=(1, 300)) + rng.normal(size=(6, 300)))
    rows = [(u, i, float(np.float32(table[u, i]))) for u in range(6) for i in range(300)]
    model = ft.UserKNN(similarity="pearson", shrinkage=0).fit(rows)
    found = np.zeros((6, 6))
    for u in range(6):
        own = slice(*model.user_neighbors_.indptr[u : u + 2])
        found[u, model.user_neighbors_.indices[own]] = model.user_neighbors_.values[own]
    expected = np.corrcoef(table.astype(np.float32).astype(float)) - np.eye(6)
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=3e-6)


def test_one_rating_far_from_all_others_leaves_the_rest_alone():
    rng = np.random.default_rng(1)
    counts = [(u, i, float(rng.integers(1, 50))) for u in range(20) for i in range(15)]
    plain = ft.UserKNN(similarity="pearson", shrinkage=0).fit(counts)
    heavy = ft.UserKNN(similarity="pearson", shrinkage=0).fit([*counts, ("somebody", "something", 1e7)])
    for u in range(20):
        one, other = (model.similar_users(u, n=20) for model in (plain, heavy))
        assert one["similar_user"].to_list() == [int(v) for v in other["similar_user"]]
        np.testing.assert_array_equal(one["similarity"], other["similarity"])
