import numpy as np
import pandas as pd
import polars as pl
import pytest

import foretaste as ft
import naive
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError

RNG = np.random.default_rng(0)
ITEMS = [f"i{j}" for j in range(8)]
TABLE = RNG.normal(size=(8, 3))
FEATURES = pl.DataFrame({"item": ITEMS, "f": TABLE[:, 0], "g": TABLE[:, 1], "h": TABLE[:, 2]})
ROWS = [(f"u{u}", item, float(RNG.integers(1, 6))) for u in range(5) for item in ITEMS if RNG.random() < 0.6]


@pytest.mark.parametrize("reg", [0.0, 0.5, 10.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_each_user_is_a_regression_of_their_own(reg, intercept):
    model = ft.ContentRegression(item_features=FEATURES, reg=reg, fit_intercept=intercept).fit(ROWS)
    for place, user in enumerate(model.user_vocabulary_):
        row = [(ITEMS.index(item), rating) for other, item, rating in ROWS if other == user]
        w, b = naive.regress_row(row, TABLE, reg, intercept=intercept)
        np.testing.assert_allclose(model.coef_[place], w, rtol=1e-4, atol=1e-5)
        assert model.intercept_[place] == pytest.approx(b, rel=1e-4, abs=1e-5)
        predicted = model.predict([(user, item) for item in ITEMS], clip=False)
        np.testing.assert_allclose(predicted, b + TABLE @ w, rtol=1e-4, atol=1e-4)


def test_the_mirror_is_the_same_with_users_and_items_exchanged():
    swapped = [(item, user, rating) for user, item, rating in ROWS]
    one = ft.ContentRegression(item_features=FEATURES).fit(ROWS)
    other = ft.ContentRegression(user_features=FEATURES.rename({"item": "user"})).fit(swapped)
    np.testing.assert_array_equal(one.coef_, other.coef_)
    np.testing.assert_array_equal(one.intercept_, other.intercept_)
    pairs = [(f"u{u}", item) for u in range(5) for item in ITEMS]
    np.testing.assert_allclose(
        one.predict(pairs, clip=False), other.predict([(i, u) for u, i in pairs], clip=False), rtol=1e-5
    )


def test_a_new_user_is_the_regression_training_would_have_given_them():
    model = ft.ContentRegression(item_features=FEATURES, reg=0.7).fit(ROWS)
    for user in model.user_vocabulary_:
        own = [(item, rating) for other, item, rating in ROWS if other == user]
        folded = model.fold_in(own)
        np.testing.assert_allclose(
            folded.predict([("new user", item) for item in ITEMS], clip=False),
            model.predict([(user, item) for item in ITEMS], clip=False),
            atol=1e-3,
        )


def test_an_item_with_features_and_without_ratings_is_predicted_and_recommended():
    extra = pl.concat([FEATURES, pl.DataFrame({"item": ["new"], "f": [1.0], "g": [2.0], "h": [-1.0]})])
    model = ft.ContentRegression(item_features=extra, reg=0.1).fit(ROWS)
    w, b = model.coef_[0], model.intercept_[0]
    assert model.predict([("u0", "new")], clip=False)[0] == pytest.approx(b + w @ [1, 2, -1], rel=1e-4)
    assert "new" in model.recommend("u0", n=100)["item"].to_list()


def test_an_item_without_features_is_taken_to_be_average_and_counted():
    with pytest.warns(DataWarning) as caught:
        model = ft.ContentRegression(item_features=FEATURES.head(7), reg=0.1).fit(ROWS)
    assert [str(warning.message) for warning in caught] == [
        "1 of 8 items lack a feature and are taken to be average in it."
    ]
    assert caught[0].filename == __file__
    w, b = model.coef_[0], model.intercept_[0]
    assert model.predict([("u0", "i7")], clip=False)[0] == pytest.approx(b + w @ TABLE[:7].mean(axis=0), rel=1e-3)


@pytest.mark.parametrize("gap", [None, np.nan, np.inf])
def test_a_gap_in_a_feature_is_its_average(gap):
    holes = FEATURES.with_columns(pl.Series("g", [gap, *TABLE[1:, 1]], dtype=pl.Float64, strict=False))
    filled = FEATURES.with_columns(pl.Series("g", [TABLE[1:, 1].mean(), *TABLE[1:, 1]]))
    with pytest.warns(DataWarning, match="1 of 8 items lack a feature"):
        model = ft.ContentRegression(item_features=holes).fit(ROWS)
    np.testing.assert_allclose(model.coef_, ft.ContentRegression(item_features=filled).fit(ROWS).coef_, rtol=1e-10)


def test_features_may_be_flags_integers_or_pandas():
    flags = pl.DataFrame({"item": ITEMS, "a": [j % 2 == 0 for j in range(8)], "b": list(range(8))})
    numbers = flags.with_columns(pl.col("a", "b").cast(pl.Float64))
    expected = ft.ContentRegression(item_features=numbers).fit(ROWS)
    for frame in (flags, flags.to_pandas(), flags.to_arrow(), numbers.sample(fraction=1, shuffle=True, seed=1)):
        found = ft.ContentRegression(item_features=frame).fit(ROWS)
        np.testing.assert_array_equal(found.coef_, expected.coef_)
        assert found.feature_names_ == ("a", "b")
    terms = found.explain("u0", "i1")["term"].to_list()
    assert terms[:5] == ["global mean", "user bias", "item bias", "a", "b"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {},
            "needs a frame as 'item_features' or as 'user_features', and only one of the two; got NoneType",
        ),
        ({"item_features": FEATURES, "user_features": FEATURES}, "only one of the two; got DataFrame and DataFrame"),
        ({"item_features": {"item": ["a"]}}, "needs a frame as 'item_features'.*got dict and NoneType"),
        ({"user_features": 3}, "got NoneType and int"),
    ],
    ids=["none", "both", "dict", "int"],
)
def test_exactly_one_frame_of_features_is_needed(settings, message):
    with pytest.raises(InvalidParameterError, match=message):
        ft.ContentRegression(**settings).fit(ROWS)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FEATURES.with_columns(g=pl.lit("rock")), "feature 'g' of ContentRegression must be numeric, got String"),
        (FEATURES.select("item"), "'item_features' of ContentRegression has no column besides 'item'"),
        (pl.concat([FEATURES, FEATURES.head(2)]), "'item_features' describes 2 items more than once"),
        (FEATURES.rename({"item": "film"}), "no column 'item' in the frame; it has 'film', 'f', 'g', 'h'"),
        (FEATURES.with_columns(item=pl.lit("i") + pl.col("item")).with_columns(f=None), "must be numeric"),
        (FEATURES.with_columns(f=pl.lit(None, pl.Float64)), "a feature has no value for any item of the model"),
        (pd.DataFrame({"item": ITEMS, "f": ["x"] * 8}), "feature 'f' of ContentRegression must be numeric"),
        (FEATURES.with_columns(item=pl.Series([None, *ITEMS[1:]])), "an id is missing in row 0"),
    ],
    ids=["text", "bare", "twice", "column", "null", "void", "pandas", "id"],
)
def test_unusable_features_say_why(frame, message):
    with pytest.raises(DataError, match=message):
        ft.ContentRegression(item_features=frame).fit(ROWS)
