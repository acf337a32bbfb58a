import numpy as np
import pytest
from hypothesis import given

import foretaste as ft
from beside import dataset, fitted, ours, pairs, ratings, real_rows, same
from foretaste.exceptions import DataError


@given(ratings())
def test_it_learns_and_predicts_the_same_bits(rows):
    expected, found = fitted(rows, "SlopeOne")
    for name in ("freq", "dev", "user_mean"):
        assert same(getattr(found, name), getattr(expected, name)), name
    assert type(found.user_mean) is list
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))


def test_it_predicts_the_same_on_a_real_set(need_set):
    need_set("ml-100k")
    rows = real_rows(4000)
    expected, found = fitted(rows, "SlopeOne")
    assert same(found.dev, expected.dev)
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))


def test_one_pair_is_estimated_as_it_is_among_many():
    rows = [("an", "x", 1), ("an", "y", 4), ("bo", "x", 3), ("bo", "y", 2), ("cy", "y", 5)]
    _, algo = fitted(rows, "SlopeOne")
    # x is rated 1 below y on average, (-3 + 1) / 2
    assert algo.estimate(2, 0) == algo.predict("cy", "x").est == 5 - 1
    with pytest.raises(ours.PredictionImpossible, match=r"User and/or item is unknown\."):
        algo.estimate(2, "UKN__z")
    assert algo.predict("cy", "z").est == 3
    assert algo.predict("cy", "z").details == {"was_impossible": True, "reason": "User and/or item is unknown."}


def test_half_stars_are_cut_off_as_they_are_in_surprise():
    halves = [("an", "x", 1.5), ("an", "y", 4.5), ("bo", "x", -2.5), ("bo", "y", 0.5)]
    _, algo = fitted(halves, "SlopeOne")
    assert algo.dev[1, 0] == ((4 - 1) + (0 + 2)) / 2
    assert algo.user_mean == [3.0, -1.0]


@pytest.mark.parametrize(("rating", "error"), [(np.nan, ValueError), (np.inf, OverflowError), (3e9, OverflowError)])
def test_a_rating_that_is_no_whole_number_of_four_bytes_is_refused(rating, error):
    data = dataset(ours, [("an", "x", 1.0), ("an", "y", rating)])
    with pytest.raises(error, match=r"ratings are taken as whole numbers.* Hint: "):
        ours.SlopeOne().fit(data.build_full_trainset())


def test_predictions_are_those_of_the_fit_though_the_trainset_was_looked_into():
    rows = [("an", "x", 1), ("an", "y", 4), ("bo", "x", 3), ("bo", "y", 2), ("cy", "y", 5)]
    expected, found = fitted(rows, "SlopeOne")
    assert found.trainset.ur[0] == expected.trainset.ur[0]
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))


def test_as_a_model_of_foretaste_it_predicts_the_same(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(u, i, int(rng.integers(1, 6))) for u in range(12) for i in range(9) if rng.random() < 0.4]
    _, algo = fitted(rows, "SlopeOne")
    model = algo.to_foretaste()
    known = [pair[:2] for pair in pairs(rows) if pair[0] != "nobody" and pair[1] != "nothing"]
    expected = [algo.predict(*pair).est for pair in known]
    np.testing.assert_allclose(model.predict(known), expected, rtol=1e-6)
    scores = model.recommend(rows[0][0], n=3)
    np.testing.assert_allclose(
        scores["score"], [algo.predict(rows[0][0], item, clip=False).est for item in scores["item"]], rtol=1e-6
    )
    value = model.explain(*known[3])["value"].sum()
    assert value == pytest.approx(algo.predict(*known[3], clip=False).est)
    folded = model.fold_in({item: rating for user, item, rating in rows if user == 3}, user="again")
    for item in (0, 4):
        assert folded.predict([("again", item)]) == pytest.approx(model.predict([(3, item)]))
    model.save(tmp_path / "model.ft")
    np.testing.assert_array_equal(ft.load(tmp_path / "model.ft").predict(known), model.predict(known))


def test_a_pair_rated_twice_has_no_place_in_a_model_of_foretaste():
    _, algo = fitted([("an", "x", 1), ("an", "x", 4), ("bo", "x", 3)], "SlopeOne")
    with pytest.raises(DataError):
        algo.to_foretaste()
