import numpy as np
import pytest

import foretaste as ft
import naive
from contract import ITEMS, PAIRS, ROWS, USERS
from foretaste.exceptions import DataError, UnknownIdWarning

# The example of the source's section 3.2, figure 3.1: A rates two items, B one of them.
FIGURE = {"A": {"I": 1, "J": 1.5}, "B": {"I": 2}}


@pytest.mark.parametrize("weighted", [True, False])
def test_the_example_of_the_source(weighted):
    assert ft.SlopeOne(weighted=weighted).fit(FIGURE).predict([("B", "J")], clip=False) == pytest.approx([2.5])


# z is rated 3 above x by one user and 1 below y by two: by hand.
TABLE = {
    "an": {"x": 1, "z": 4},
    "bo": {"y": 5, "z": 4},
    "cy": {"y": 3, "z": 2},
    "di": {"x": 2, "y": 4},
}


def test_weights_are_the_users_behind_each_deviation():
    by_count = ft.SlopeOne().fit(TABLE).predict([("di", "z")], clip=False)
    assert by_count == pytest.approx([(1 * (2 + 3) + 2 * (4 - 1)) / 3])
    equally = ft.SlopeOne(weighted=False).fit(TABLE).predict([("di", "z")], clip=False)
    assert equally == pytest.approx([(2 + 4) / 2 + (3 - 1) / 2])


@pytest.mark.parametrize("weighted", [True, False])
def test_it_equals_its_twin(weighted):
    codes = {item: place for place, item in enumerate(ITEMS)}
    rows = [[(codes[item], rating) for other, item, rating in ROWS if other == user] for user in USERS]
    found = naive.deviations(rows)
    expected = [naive.slope_one(rows[USERS.index(u)], codes[i], found, weighted=weighted) for u, i in PAIRS]
    predicted = ft.SlopeOne(weighted=weighted).fit(ROWS).predict(PAIRS, clip=False)
    np.testing.assert_allclose(predicted, expected, rtol=1e-6)


@pytest.mark.parametrize("weighted", [True, False])
def test_ratings_of_user_plus_item_are_found_exactly(weighted):
    rows = [(u, i, 1.0 + u + i / 2) for u in range(4) for i in range(6)]
    kept = [row for row in rows if (row[0] + 2 * row[1]) % 5]
    model = ft.SlopeOne().fit(kept)
    missing = [row for row in rows if row not in kept]
    np.testing.assert_allclose(model.predict([row[:2] for row in missing], clip=False), [row[2] for row in missing])


def test_half_stars_stay_half_stars():
    model = ft.SlopeOne().fit({"an": {"x": 0.5, "y": 1}, "bo": {"x": 4.5}})
    assert model.deviations_[model.item_vocabulary_.encode_one("y"), 0] == 0.5
    assert model.predict([("bo", "y")], clip=False).tolist() == [5.0]


@pytest.mark.parametrize("weighted", [True, False])
def test_an_item_without_company_gets_the_users_mean(weighted):
    model = ft.SlopeOne(weighted=weighted).fit({"an": {"x": 1, "y": 2}, "bo": {"z": 5}})
    assert model.predict([("an", "z"), ("bo", "x"), ("bo", "z")]).tolist() == [1.5, 5.0, 5.0]
    assert model.recommend("an")["score"].to_list() == [1.5]


def test_of_the_unknown_the_means_are_what_is_known():
    model = ft.SlopeOne().fit(TABLE)
    with pytest.warns(UnknownIdWarning):
        predicted = model.predict([("nobody", "z"), ("an", "nothing"), ("nobody", "nothing")])
    np.testing.assert_allclose(predicted, [10 / 3, 2.5, 25 / 8])


def test_a_new_user_is_predicted_like_one_who_was_there():
    model = ft.SlopeOne().fit(TABLE)
    folded = model.fold_in(TABLE["di"], user="again")
    pairs = [("di", item) for item in "xyz"]
    np.testing.assert_array_equal(folded.predict([("again", item) for _, item in pairs]), model.predict(pairs))


def test_it_is_explained_by_what_the_user_has_rated():
    terms = ft.SlopeOne().fit(TABLE).explain("di", "z")
    assert terms["term"].to_list() == ["user mean", "rated x 2", "rated y 4"]
    # x says 2 + 3 with a third of the weight, y says 4 - 1 with the rest, each against the mean of 3
    np.testing.assert_allclose(terms["value"], [3, (2 + 3 - 3) / 3, (4 - 1 - 3) * 2 / 3], atol=1e-7)
    plain = ft.SlopeOne(weighted=False).fit(TABLE).explain("di", "z")
    np.testing.assert_allclose(plain["value"], [3, 3 / 2, -1 / 2])


def test_too_many_items_are_refused_before_anything_is_allocated():
    n_items = 23_171
    ratings = ft.Interactions.from_arrays(np.zeros(n_items, int), np.arange(n_items), np.ones(n_items))
    with pytest.raises(DataError) as caught:
        ft.SlopeOne().fit(ratings)
    assert str(caught.value).startswith(
        "SlopeOne compares every item with every other: for 23,171 items that takes 4.0 GiB of memory, and it takes "
        "up to 4 GiB (23,170 items). Hint: leave out items of few ratings"
    )


@pytest.mark.slow
def test_the_accuracy_on_a_real_set(need_set):
    need_set("ml-100k")
    models = {"weighted": ft.SlopeOne(), "plain": ft.SlopeOne(weighted=False)}
    folds = list(ft.datasets.movielens_folds("100k"))[:1]
    rmse = dict(ft.compare(models, None, cv=folds).to_frame().select("model", "rmse").iter_rows())
    assert 0.945 < rmse["weighted"] < 0.955
    assert rmse["weighted"] < rmse["plain"] - 0.002
