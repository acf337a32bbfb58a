from itertools import pairwise

import numpy as np
import pytest

import foretaste as ft
from foretaste.models._factors import Unit
from foretaste.utils import pieces


def ratings_table(n_users=25, n_items=18, seed=0):
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.7)
    taste = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    return ft.Interactions.from_arrays(users, items, np.clip(np.round(3 + taste[users, items]), 1, 5))


def objective(model, ratings):
    """The docstring's formula, in ratings of standard deviation one."""
    spread = model.spread_
    b_u, b_i = (np.asarray(x, float) / spread for x in (model.user_biases_, model.item_biases_))
    p, q = (np.asarray(x, float) / np.sqrt(spread) for x in (model.user_factors_, model.item_factors_))
    total = 0.0
    for u, i, rating in zip(ratings.user_codes, ratings.item_codes, ratings.ratings, strict=True):
        error = (rating - model.global_mean_) / spread - b_u[u] - b_i[i] - p[u] @ q[i]
        total += error**2 + model.reg_ * (p[u] @ p[u] + q[i] @ q[i])
    return total + model.reg_biases * (b_u @ b_u + b_i @ b_i)


@pytest.mark.parametrize("biased", [True, False])
def test_whole_gradients_never_raise_the_objective_they_state(biased):
    ratings = ratings_table()
    settings = {"solver": "gd", "biased": biased, "reg": 0.05, "tol": 0, "random_state": 0}
    values = [objective(ft.FunkSVD(2, n_epochs=n, **settings).fit(ratings), ratings) for n in (1, 2, 3, 5, 8, 20, 100)]
    assert all(after <= before * (1 + 1e-5) for before, after in pairwise(values)), values
    assert values[-1] < 0.7 * values[0]


@pytest.mark.parametrize("solver", ["sgd", "gd"])
@pytest.mark.parametrize("biased", [True, False])
def test_descent_reaches_the_optimum_that_alternation_finds(solver, biased):
    # the same objective, up to the order of its sums, minimised without any step size
    ratings = ratings_table()
    shared = {"reg": 0.05, "tol": 0, "biased": biased, "random_state": 0}
    best = objective(ft.ALS(2, n_epochs=500, solver="cholesky", **shared).fit(ratings), ratings)
    n_epochs = 3000 if solver == "gd" else 1500
    found = objective(ft.FunkSVD(2, n_epochs=n_epochs, solver=solver, **shared).fit(ratings), ratings)
    assert found == pytest.approx(best, rel=0.03)


@pytest.mark.parametrize("solver", ["sgd", "gd"])
def test_a_user_folded_in_lands_near_where_training_put_them(solver):
    ratings = ratings_table()
    model = ft.FunkSVD(2, n_epochs=1500, tol=0, reg=0.05, solver=solver, random_state=0).fit(ratings)
    np.testing.assert_allclose(model.fold_in(ratings).predict(ratings), model.predict(ratings), atol=0.15)


@pytest.mark.parametrize("solver", ["sgd", "gd"])
def test_without_biases_nothing_but_the_product_is_left(solver):
    model = ft.FunkSVD(2, biased=False, n_epochs=3, tol=0, solver=solver, random_state=0).fit(ratings_table())
    assert model.global_mean_ == 0
    assert not model.user_biases_.any()
    assert not model.item_biases_.any()
    products = model.user_factors_.astype(float) @ model.item_factors_.T
    assert model.predict([(2, 3)], clip=False)[0] == pytest.approx(
        products[model.user_vocabulary_.encode_one(2), model.item_vocabulary_.encode_one(3)], rel=1e-5
    )


def test_the_stated_defaults_are_those_used():
    ratings = ratings_table()
    for solver, rate, tol in (("sgd", 0.05, 0.002), ("gd", 0.5, 0.0002)):
        implied = ft.FunkSVD(3, solver=solver, random_state=0).fit(ratings)
        stated = ft.FunkSVD(3, solver=solver, learning_rate=rate, tol=tol, reg=0.1, random_state=0).fit(ratings)
        np.testing.assert_array_equal(implied.user_factors_, stated.user_factors_)
        assert len(implied.history_) == len(stated.history_)


def test_the_learned_arrays_have_no_padding():
    model = ft.FunkSVD(3, n_epochs=1, tol=0, random_state=0).fit(ratings_table())
    assert model.user_factors_.shape == (25, 3)
    assert model.item_factors_.shape == (18, 3)
    assert model.user_factors_.flags.c_contiguous
    assert model.item_biases_.shape == (18,)
    assert all(x.dtype == np.float32 for x in (model.user_factors_, model.item_factors_, model.user_biases_))


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_the_seed_may_be_a_generator(make):
    one, other = (ft.FunkSVD(2, n_epochs=2, tol=0, random_state=make(3)).fit(ratings_table()) for _ in range(2))
    np.testing.assert_array_equal(one.user_factors_, other.user_factors_)


def test_an_item_rated_by_nobody_in_training_keeps_a_bias_of_zero():
    # early stopping holds out the only rating of an item now and then; its code must stay harmless
    rows = [(u, i, float((u * i) % 5 + 1)) for u in range(12) for i in range(6)] + [(0, 99, 5.0)]
    for seed in range(3):
        model = ft.FunkSVD(2, early_stopping=True, validation_fraction=0.5, random_state=seed).fit(rows)
        assert np.isfinite(model.predict([(1, 99)])).all()


def test_a_unit_found_and_used_piece_by_piece_is_that_of_the_whole(monkeypatch):
    monkeypatch.setattr(pieces, "_LENGTH", 4)
    ratings = np.array([1, 5, 2.5, 3, 4, 4, 1, 2, 5, 3.5], np.float32)
    unit = Unit.of(ratings, centred=True)
    assert unit == pytest.approx((ratings.mean(), ratings.std()))
    expected = (ratings - ratings.mean()) / ratings.std()
    np.testing.assert_allclose(unit.measure(ratings), expected, rtol=1e-6)
    assert unit.measure(ratings, out=ratings) is ratings
    np.testing.assert_allclose(ratings, expected, rtol=1e-6)
