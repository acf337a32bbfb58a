from itertools import pairwise

import numpy as np
import pytest

import foretaste as ft
import naive
from foretaste.exceptions import ForetasteError


def ratings_table(n_users=14, n_items=11, seed=0):
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.7)
    taste = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    return ft.Interactions.from_arrays(users, items, np.clip(np.round(3 + taste[users, items]), 1, 5))


def objective(model, ratings, *, scaled):
    """The docstring's formula, in ratings of standard deviation one."""
    spread = model.spread_
    b_u, b_i = (np.asarray(x, float) / spread for x in (model.user_biases_, model.item_biases_))
    p, q = (np.asarray(x, float) / np.sqrt(spread) for x in (model.user_factors_, model.item_factors_))
    total = 0.0
    for u, i, rating in zip(ratings.user_codes, ratings.item_codes, ratings.ratings, strict=True):
        total += ((rating - model.global_mean_) / spread - b_u[u] - b_i[i] - p[u] @ q[i]) ** 2
    for codes, factors, biases in ((ratings.user_codes, p, b_u), (ratings.item_codes, q, b_i)):
        for row, (x, b) in enumerate(zip(factors, biases, strict=True)):
            n = np.count_nonzero(codes == row) if scaled else 1
            total += model.reg_ * n * (x @ x) + model.reg_biases * b * b
    return total


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("biased", [True, False])
def test_every_exact_epoch_lowers_the_objective_it_states(scaled, biased):
    ratings = ratings_table()
    settings = {"solver": "cholesky", "scale_reg": scaled, "biased": biased, "reg": 0.05, "tol": 0, "random_state": 0}
    values = [
        objective(ft.ALS(2, n_epochs=n, **settings).fit(ratings), ratings, scaled=scaled) for n in (1, 2, 4, 8, 16)
    ]
    assert all(after <= before * (1 + 1e-5) for before, after in pairwise(values)), values
    assert values[-1] < 0.9 * values[0]


@pytest.mark.parametrize("scaled", [True, False])
def test_the_items_are_ridge_regressions_on_the_users(scaled):
    # the second half step is exact given the first, with the penalty the docstring states
    ratings = ratings_table()
    model = ft.ALS(2, n_epochs=3, tol=0, reg=0.1, biased=False, scale_reg=scaled, solver="cholesky", random_state=0)
    model.fit(ratings)
    users = model.user_factors_ / np.sqrt(model.spread_)
    indptr, indices, values = ratings.by_item()
    for i in range(ratings.n_items):
        own = slice(indptr[i], indptr[i + 1])
        row = list(zip(indices[own], values[own] / model.spread_, strict=True))
        penalties = (np.zeros(2), np.full(2, 0.1)) if scaled else (np.full(2, 0.1), np.zeros(2))
        expected = naive.solve_row(row, users, np.zeros(len(users)), *penalties)
        np.testing.assert_allclose(model.item_factors_[i] / np.sqrt(model.spread_), expected, rtol=1e-3, atol=1e-3)


def test_conjugate_gradients_and_exact_solutions_end_in_the_same_place():
    ratings = ratings_table()
    settings = {"n_epochs": 300, "tol": 0, "reg": 0.1, "random_state": 0}
    one, other = (ft.ALS(2, solver=solver, **settings).fit(ratings) for solver in ("cg", "cholesky"))
    assert objective(one, ratings, scaled=True) == pytest.approx(objective(other, ratings, scaled=True), rel=1e-3)
    np.testing.assert_allclose(one.predict(ratings), other.predict(ratings), atol=0.02)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("biased", [True, False])
def test_a_user_folded_in_lands_where_training_put_them(scaled, biased):
    ratings = ratings_table()
    model = ft.ALS(
        2, n_epochs=300, tol=0, reg=0.05, solver="cholesky", scale_reg=scaled, biased=biased, random_state=0
    ).fit(ratings)
    folded = model.fold_in(ratings)
    assert list(folded.user_vocabulary_) == list(model.user_vocabulary_)
    pairs = [(u, i) for u in model.user_vocabulary_ for i in model.item_vocabulary_]
    np.testing.assert_allclose(folded.predict(pairs, clip=False), model.predict(pairs, clip=False), atol=0.01)
    one = model.fold_in([(i, r) for u, i, r in ratings.to_frame().rows() if u == 0])
    np.testing.assert_allclose(
        one.predict([("new user", i) for i in range(5)]), model.predict([(0, i) for i in range(5)]), atol=0.01
    )


def test_the_shares_of_a_converged_user_leave_nothing_over():
    ratings = ratings_table()
    model = ft.ALS(2, n_epochs=300, tol=0, reg=0.05, solver="cholesky", random_state=0).fit(ratings)
    terms = model.explain(3, 4, by="history")
    assert terms["term"][-1] in {"left over from training", "kept within the scale 1 to 5"}
    left = terms.filter(terms["term"] == "left over from training")["value"][0]
    assert abs(left) < 0.02


def test_a_matrix_of_rank_one_is_completed():
    x, y = np.array([1.0, 2, 3, 4]), np.array([1.0, 0.5, 2, 1.5, 3])
    rows = [(u, i, x[u] * y[i]) for u in range(4) for i in range(5) if (u, i) not in {(0, 4), (3, 0), (2, 2)}]
    model = ft.ALS(1, biased=False, reg=1e-5, n_epochs=500, tol=0, random_state=0).fit(rows)
    np.testing.assert_allclose(model.predict([(0, 4), (3, 0), (2, 2)], clip=False), [3, 4, 6], rtol=0.01)


def test_the_default_penalty_follows_the_length_of_rows():
    ratings = ratings_table(60, 50)
    per_row = len(ratings) / 110
    assert ft.ALS(2, random_state=0).fit(ratings).reg_ == pytest.approx(min(0.1, 0.55 / np.sqrt(per_row)))
    assert ft.ALS(2, random_state=0).fit(ratings_table(5, 5)).reg_ == 0.1
    assert ft.ALS(2, reg=0.3, random_state=0).fit(ratings).reg_ == 0.3
    many = ft.Interactions.from_arrays(np.repeat(np.arange(90), 90), np.tile(np.arange(90), 90), np.arange(8100) % 5)
    assert ft.ALS(1, n_epochs=1, tol=0, random_state=0).fit(many).reg_ == pytest.approx(0.55 / np.sqrt(45))


def test_no_penalty_and_more_factors_than_ratings_stay_finite():
    model = ft.ALS(8, reg=0, n_epochs=30, tol=0, random_state=0).fit([("a", "x", 1), ("a", "y", 5), ("b", "x", 2)])
    assert np.isfinite(model.predict([("b", "y"), ("a", "x")])).all()
    try:
        folded = model.fold_in([("x", 4)])
    except ForetasteError:
        return
    assert np.isfinite(folded.recommend()["score"].to_numpy()).all()
