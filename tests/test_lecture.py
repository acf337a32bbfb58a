"""The numbers a lecture on recommender systems works out by hand, from the inputs it states."""

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste.kernels.scoring import score_pairs
from foretaste.kernels.sgd import gradient_rows

OMMAZH, BTS = (0.80, 0.10), (0.05, 0.99)
RATED = {"one": (0.95, 0.01), "two": (0.02, 0.95), "three": (0.20, 0.90), "bts": BTS}
FEATURES = pl.DataFrame(
    [(item, *values) for item, values in (RATED | {"ommazh": OMMAZH}).items()],
    schema=["item", "lo_fi_indie", "slick_pop"],
    orient="row",
)


def listener(name, items, intercept, *weights):
    """Ratings that follow a regression exactly."""
    return [(name, item, intercept + float(np.dot(weights, RATED[item]))) for item in items]


def test_the_regression_of_an_is_recovered_and_predicts_ommazh():
    rows = listener("an", RATED, 7.7, -2.63, -7.2)
    model = ft.ContentRegression(item_features=FEATURES, reg=0).fit(rows)
    assert model.intercept_[0] == pytest.approx(7.7, abs=1e-4)
    np.testing.assert_allclose(model.coef_[0], [-2.63, -7.2], atol=1e-4)
    assert round(model.predict([("an", "ommazh")])[0], 2) == 4.88


def test_bhavana_would_not_like_bts():
    rows = listener("bhavana", ["one", "two", "three"], 4.05, 0.74, -3.4)
    model = ft.ContentRegression(item_features=FEATURES, reg=0).fit(rows)
    np.testing.assert_allclose([model.intercept_[0], *model.coef_[0]], [4.05, 0.74, -3.4], atol=1e-4)
    # The lecture says 0.724, from coefficients with more digits than it prints.
    assert round(model.predict([("bhavana", "bts")], clip=False)[0], 2) == 0.72


def test_the_table_of_albums_gives_the_lectures_regressions():
    model = ft.ContentRegression(item_features=ft.datasets.album_features(), reg=0).fit(ft.datasets.albums())
    found = dict(zip(model.user_vocabulary_, np.column_stack([model.intercept_, model.coef_]), strict=True))
    # as printed, that is to two digits behind the point, some of them to one
    np.testing.assert_allclose(found["an"], [7.7, -2.63, -7.2], atol=0.05)
    np.testing.assert_allclose(found["bhavana"], [4.05, 0.74, -3.4], atol=0.05)
    assert model.predict([("bhavana", "bts")])[0] == pytest.approx(0.724, abs=0.005)


def test_a_prediction_beyond_the_scale_is_shown_as_its_end():
    model = ft.ContentRegression(item_features=ft.datasets.album_features(), reg=0).fit(ft.datasets.albums())
    pair = [("diego", "zhou-shen")]
    assert model.predict(pair, clip=False)[0] == pytest.approx(5.46, abs=0.005)
    assert model.predict(pair)[0] == 5
    assert model.recommend("diego", n=1).row(0) == ("diego", "zhou-shen", 5.0, 1)


def test_the_mirror_an_album_is_a_regression_on_what_listeners_say_of_themselves():
    survey = pl.DataFrame(
        [("an", 5, 1), ("bhavana", 4, 0), ("diego", 2, 4), ("cordelia", 2, 5)],
        schema=["user", "lo_fi_indie", "slick_pop"],
        orient="row",
    )
    rows = [("an", "ommazh", 5), ("bhavana", "ommazh", 4), ("diego", "ommazh", 2)]
    model = ft.ContentRegression(user_features=survey, reg=0).fit(rows)
    assert model.intercept_[0] == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(model.coef_[0], [1, 0], atol=1e-4)
    assert model.predict([("cordelia", "ommazh")])[0] == pytest.approx(2.0, abs=1e-4)


@pytest.mark.parametrize(
    ("user", "item", "printed"), [((1.15, 2.16), (-1.77, 1.88), 2.02), ((-1.53, 1.77), (-1.52, 1.35), 4.72)]
)
def test_a_prediction_is_a_dot_product(user, item, printed):
    p, q = np.array([user], np.float32), np.array([item], np.float32)
    nothing, nobody = np.zeros(1, np.float32), np.zeros(2, np.float32)
    first, predicted = np.zeros(1, np.int32), np.empty(1)
    score_pairs(first, first, 0.0, nothing, nothing, p, q, nobody, nobody, predicted)
    assert predicted[0] == pytest.approx(user[0] * item[0] + user[1] * item[1], rel=1e-6)
    # The lecture prints factors to two digits and computes with more: each may be off by 0.005, which moves the product
    # by up to 0.005 times the sum of their sizes.
    assert predicted[0] == pytest.approx(printed, abs=0.005 * sum(map(abs, user + item)))


def test_the_squared_error_of_that_prediction():
    printed = np.floor(100 * (1.15 * -1.77 + 2.16 * 1.88)) / 100  # 2.0253, shown with two digits
    assert printed == 2.02
    assert ft.metrics.mse([2], [printed]) == pytest.approx(0.0004)


def test_sixteen_terms_and_eighteen_parameters():
    albums = ft.datasets.albums()
    model = ft.FunkSVD(n_factors=2, biased=False, n_epochs=1, tol=0, random_state=0).fit(albums)
    assert len(albums) == 16
    assert model.user_factors_.size + model.item_factors_.size == 18
    assert model.global_mean_ == 0
    assert not model.user_biases_.any()
    assert not model.item_biases_.any()


def test_one_step_along_the_gradient_takes_a_factor_from_119_to_128():
    # Diego has rated three albums; prediction minus truth is -0.02, -0.5 and -0.5.
    p = np.array([[1.19, 0.3]], np.float32)
    q = np.array([[-1.52, 0.4], [0.889, -0.7], [1.0, 0.2]], np.float32)
    errors = np.array([-0.02, -0.5, -0.5])
    ratings = (q @ p[0] - errors).astype(np.float32)
    gradient, bias_gradient = np.empty((1, 2), np.float32), np.empty(1, np.float32)
    rows = np.array([0, 3]), np.arange(3, dtype=np.int32), ratings
    loss = gradient_rows(*rows, p, q, np.zeros(1, np.float32), np.zeros(3, np.float32), gradient, bias_gradient)
    assert gradient[0, 0] == pytest.approx(0.914, abs=0.0005)
    assert round(1.19 + 0.1 * float(gradient[0, 0]), 2) == 1.28
    assert loss == pytest.approx((errors**2).sum(), rel=1e-4)


def test_two_factors_explain_the_albums_and_send_diego_to_zhou_shen():
    albums = ft.datasets.albums()
    model = ft.FunkSVD(n_factors=2, biased=False, reg=0, tol=1e-5, n_epochs=20_000, random_state=0).fit(albums)
    assert ft.metrics.mse(albums["rating"], model.predict(albums, clip=False)) < 0.03
    assert model.predict([("diego", "zhou-shen")])[0] >= 4
    assert model.recommend("diego", n=1)["item"][0] == "zhou-shen"
