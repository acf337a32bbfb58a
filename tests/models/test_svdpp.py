import numpy as np
import pytest
from scipy.optimize import approx_fprime

import foretaste as ft
from foretaste.exceptions import DataError, DivergenceError


def ratings_table(n_users=25, n_items=18, seed=0):
    """Ratings of random pairs, by tastes in two dimensions."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.6)
    taste = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    return ft.Interactions.from_arrays(users, items, np.clip(np.round(3 + taste[users, items]), 1, 5))


@pytest.fixture(scope="module")
def model():
    return ft.SVDpp(3, n_epochs=60, tol=0, random_state=0).fit(ratings_table())


def objective(parameters, model, ratings):
    """The docstring's formula, in ratings of standard deviation one, over p, q, y and the biases in one vector."""
    n_users, n_items, k = 25, 18, 2
    p, q, y, b_u, b_i = np.split(parameters, np.cumsum([n_users * k, n_items * k, n_items * k, n_users]))
    p, q, y = p.reshape(-1, k), q.reshape(-1, k), y.reshape(-1, k)
    rated = np.zeros((n_users, n_items))
    rated[ratings.user_codes, ratings.item_codes] = 1
    given, n = np.zeros_like(rated), rated.sum(axis=1)
    given[ratings.user_codes, ratings.item_codes] = (ratings.ratings - model.global_mean_) / model.spread_
    w = p + rated @ y / np.sqrt(n)[:, None]
    errors = rated * (given - b_u[:, None] - b_i - w @ q.T)
    shrunk = n @ (p**2).sum(axis=1) + rated.sum(axis=0) @ (q**2).sum(axis=1) + 0.03 * n @ rated @ (y**2).sum(axis=1)
    return (errors**2).sum() + model.reg_ * shrunk + model.reg_biases * (b_u @ b_u + b_i @ b_i)


def parameters(model, ratings):
    """What `objective` takes, from the learned attributes alone."""
    root = np.sqrt(model.spread_)
    w, q, y = (np.asarray(x, float) / root for x in (model.user_factors_, model.item_factors_, model.implicit_factors_))
    items = [ratings.item_codes[ratings.user_codes == u] for u in range(len(w))]
    p = w - [y[own].sum(axis=0) / np.sqrt(own.size) for own in items]
    biases = np.concatenate([model.user_biases_, model.item_biases_]).astype(float) / model.spread_
    return np.concatenate([p.ravel(), q.ravel(), y.ravel(), biases])


def test_descent_comes_to_rest_where_the_objective_it_states_is_lowest():
    ratings = ratings_table()
    model = ft.SVDpp(2, n_epochs=20_000, reg=0.3, learning_rate=0.2, tol=0, random_state=0).fit(ratings)
    found = parameters(model, ratings)
    slope = approx_fprime(found, objective, 1e-6, model, ratings)
    assert np.abs(slope).max() < 0.05
    rng = np.random.default_rng(0)
    nearby = [objective(found + 0.1 * rng.normal(size=found.size), model, ratings) for _ in range(20)]
    assert objective(found, model, ratings) < min(nearby)


def test_the_choice_of_items_is_learned_from():
    # ratings of the first half of the items are noise, and what is liked in the second follows from which were rated
    rng = np.random.default_rng(1)
    rows = []
    for u in range(200):
        kind = u % 2
        rows += [(u, f"{kind} {i}", rng.integers(1, 6)) for i in rng.permutation(10)[:6]]
        rows += [(u, f"film {i}", 5.0 if (i + kind) % 2 else 1.0) for i in rng.permutation(12)[:6]]
    test = [(user, item, rating) for user, item, rating in rows if item.startswith("film") and user >= 150][::2]
    train = [row for row in rows if row not in set(test)]
    given = np.array([rating for *_, rating in test])
    error = ft.metrics.rmse(given, ft.SVDpp(2, random_state=0).fit(train).predict([row[:2] for row in test]))
    assert error < 1
    # one who has rated without a word of praise or blame: everything at the mean of all
    newcomer = ft.SVDpp(2, random_state=0).fit(train)
    for kind in (0, 1):
        folded = newcomer.fold_in([(f"{kind} {i}", newcomer.global_mean_) for i in range(8)], user="new")
        films = [f"film {i}" for i in range(12)]
        predicted = folded.predict([("new", film) for film in films])
        liked = np.array([(i + kind) % 2 == 1 for i in range(12)])
        assert predicted[liked].min() > predicted[~liked].max() + 1


def test_a_user_is_p_plus_the_sum_of_implicit_factors(model):
    # with the same items and other ratings, two new users differ by their regressions alone
    items = [0, 3, 5, 7]
    codes = model.item_vocabulary_.encode(items)
    z = model.implicit_factors_[codes].astype(float).sum(axis=0) / 2
    q, b = model.item_factors_[codes].astype(float), model.item_biases_[codes].astype(float)
    ratings = np.array([5.0, 1.0, 4.0, 2.0])
    features = np.column_stack([q, np.ones(4)])
    penalty = np.diag([4 * model.reg_ * model.spread_] * 3 + [model.reg_biases])
    left = ratings - model.global_mean_ - b - q @ z
    solved = np.linalg.solve(features.T @ features + penalty, features.T @ left)
    folded = model.fold_in(list(zip(items, ratings.tolist(), strict=True)))
    np.testing.assert_allclose(folded.user_factors_[0], solved[:3] + z, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(folded.user_biases_[0], solved[3], rtol=1e-3, atol=1e-4)


def test_a_user_folded_in_lands_near_where_training_put_them():
    ratings = ratings_table()
    model = ft.SVDpp(2, n_epochs=1500, tol=0, reg=0.05, random_state=0).fit(ratings)
    np.testing.assert_allclose(model.fold_in(ratings).predict(ratings), model.predict(ratings), atol=0.15)


def test_what_an_item_adds_by_being_chosen_is_part_of_its_share(model):
    user, item = 4, 2
    rated = slice(
        *model.known_.indptr[[model.user_vocabulary_.encode_one(user), 1 + model.user_vocabulary_.encode_one(user)]]
    )
    codes, q = model.known_.indices[rated], model.item_factors_[model.item_vocabulary_.encode_one(item)].astype(float)
    shares = model.explain(user, item, by="history")["value"].to_numpy()[1 : codes.size + 1]
    silent = ft.SVDpp(3, n_epochs=60, tol=0, random_state=0).fit(ratings_table())
    silent.implicit_factors_ = np.zeros_like(model.implicit_factors_)
    by_rating = silent.explain(user, item, by="history")["value"].to_numpy()[1 : codes.size + 1]
    by_choice = model.implicit_factors_[codes].astype(float) @ q / np.sqrt(codes.size)
    # the sum of implicit factors is also taken out of what the ratings are left to explain
    features, penalty, per_rating = model._user_regression(codes)
    rows = features.astype(float)
    matrix = rows.T @ rows + np.diag(penalty + codes.size * per_rating)
    weights = rows @ np.linalg.solve(matrix, np.append(q, 1.0))
    z = model.implicit_factors_[codes].astype(float).sum(axis=0) / np.sqrt(codes.size)
    np.testing.assert_allclose(shares, by_rating + by_choice - weights * (rows[:, :3] @ z), atol=1e-4)


def test_the_learned_arrays_have_no_padding(model):
    assert model.user_factors_.shape == (25, 3)
    assert model.item_factors_.shape == model.implicit_factors_.shape == (18, 3)
    assert model.item_biases_.shape == (18,)
    names = ("user_factors_", "item_factors_", "implicit_factors_", "user_biases_", "item_biases_")
    arrays = [getattr(model, name) for name in names]
    assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in arrays)


def test_an_item_twice_in_a_users_hands_is_refused():
    rows = (["an", "an", "bo"], ["x", "x", "y"], [3, 4, 5])
    kept = ft.Interactions.from_arrays(*rows, duplicates="keep")
    with pytest.raises(DataError, match="user 'an' has item 'x' more than once"):
        ft.SVDpp().fit(kept)
    ft.SVDpp(2).fit(ft.Interactions.from_arrays(*rows, duplicates="mean"))


def test_the_stated_defaults_are_those_used():
    ratings = ratings_table()
    implied = ft.SVDpp(3, random_state=0).fit(ratings)
    stated = ft.SVDpp(3, learning_rate=0.03, tol=0.002, reg=0.1, random_state=0).fit(ratings)
    np.testing.assert_array_equal(implied.user_factors_, stated.user_factors_)


@pytest.mark.parametrize("rate", [1e3, 1e15, 1e38])
def test_too_large_a_step_diverges_with_a_hint(rate):
    with pytest.raises(DivergenceError, match=r"^SVDpp diverged in epoch \d+: .* Hint: lower 'learning_rate'"):
        ft.SVDpp(learning_rate=rate, random_state=0, n_epochs=50, tol=0).fit(ratings_table())


@pytest.mark.slow
def test_it_is_more_accurate_than_the_factors_alone(need_set):
    need_set("ml-100k")
    ratings = ft.datasets.load("ml-100k")
    models = {"SVDpp": ft.SVDpp(random_state=0), "FunkSVD": ft.FunkSVD(random_state=0)}
    rmse = ft.compare(models, ratings, cv=5, random_state=0).to_frame()
    by_name = dict(zip(rmse["model"], rmse["rmse"], strict=True))
    assert 0.89 < by_name["SVDpp"] < 0.905
    assert by_name["SVDpp"] < by_name["FunkSVD"] - 0.004
