from itertools import pairwise

import numpy as np
import pytest

import foretaste as ft
import naive
from foretaste.exceptions import DataError


def ratings_table(n_users=30, n_items=22, seed=0):
    """Ratings that are sums of two tastes, with noise."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.6)
    liking = rng.gamma(1.5, size=(n_users, 2)) @ rng.gamma(1.5, size=(2, n_items))
    ratings = np.clip(np.round(1 + liking[users, items] / 2 + rng.normal(0, 0.3, users.size)), 1, 5)
    return ft.Interactions.from_arrays(users, items, ratings)


def objective(model, ratings):
    """The docstring's formula, in ratings of standard deviation one."""
    spread = model.spread_
    p, q = (np.asarray(x, float) / np.sqrt(spread) for x in (model.user_factors_, model.item_factors_))
    total = 0.0
    for u, i, rating in zip(ratings.user_codes, ratings.item_codes, ratings.ratings, strict=True):
        total += (rating / spread - p[u] @ q[i]) ** 2 + model.reg_ * (p[u] @ p[u] + q[i] @ q[i])
    return total


def test_every_epoch_lowers_the_objective_it_states():
    ratings = ratings_table()
    values = [
        objective(ft.NMF(3, n_epochs=n, tol=0, reg=0.05, random_state=0).fit(ratings), ratings)
        for n in (1, 2, 4, 8, 16, 64)
    ]
    assert all(after <= before * (1 + 1e-5) for before, after in pairwise(values)), values
    assert values[-1] < 0.9 * values[0]


def test_it_ends_where_neither_side_alone_can_be_better():
    ratings = ratings_table()
    model = ft.NMF(3, n_epochs=2000, tol=0, reg=0.05, random_state=0).fit(ratings)
    p, q = (x / np.sqrt(model.spread_) for x in (model.user_factors_, model.item_factors_))
    for rows, own, other in ((ratings.by_user(), p, q), (ratings.by_item(), q, p)):
        for r in range(len(own)):
            entries = slice(rows.indptr[r], rows.indptr[r + 1])
            row = list(zip(rows.indices[entries], rows.values[entries] / model.spread_, strict=True))
            penalties = (np.zeros(3), np.full(3, 0.05))
            best = naive.solve_row_nonnegative(row, other.astype(float), np.zeros(len(other)), *penalties)
            np.testing.assert_allclose(own[r], best, atol=5e-3)


def test_nothing_is_negative_and_something_is_zero():
    model = ft.NMF(6, reg=0.01, random_state=0).fit(ratings_table())
    for factors in (model.user_factors_, model.item_factors_, model.fold_in(ratings_table()).user_factors_):
        assert (factors >= 0).all()
        assert (factors == 0).any()
        assert (factors > 0).any(axis=0).all()


def test_two_kinds_of_items_become_two_factors():
    # people like one kind or the other and rate the other kind 0: each factor is about one kind alone
    rows = [(u, i, 4.0 if u % 2 == i % 2 else 0.0) for u in range(8) for i in range(6) if (u, i) != (3, 4)]
    model = ft.NMF(2, reg=1e-4, n_epochs=300, tol=0, random_state=0).fit(rows)
    even = model.item_factors_[[model.item_vocabulary_.encode_one(i) for i in range(6)]] > 0.1
    assert even[::2].tolist() in ([[True, False]] * 3, [[False, True]] * 3)
    assert even[1::2].tolist() == (~even[::2]).tolist()
    assert model.predict([(3, 4)], clip=False)[0] == pytest.approx(0, abs=0.01)
    assert model.predict([(2, 4)], clip=False)[0] == pytest.approx(4, rel=0.01)


def test_a_matrix_of_rank_one_is_completed():
    x, y = np.array([1.0, 2, 3, 4]), np.array([1.0, 0.5, 2, 1.5, 3])
    rows = [(u, i, x[u] * y[i]) for u in range(4) for i in range(5) if (u, i) not in {(0, 4), (3, 0), (2, 2)}]
    model = ft.NMF(1, reg=1e-5, n_epochs=500, tol=0, random_state=0).fit(rows)
    np.testing.assert_allclose(model.predict([(0, 4), (3, 0), (2, 2)], clip=False), [3, 4, 6], rtol=0.01)


def test_zeros_are_ratings_like_any_other():
    rows = [(u, i, float((u + i) % 3)) for u in range(6) for i in range(5)] + [(9, i, 0.0) for i in range(5)]
    model = ft.NMF(2, random_state=0).fit([*rows, *((u, 9, 0.0) for u in range(6))])
    assert np.isfinite(model.predict([(u, 9) for u in range(6)])).all()
    assert not model.user_factors_[model.user_vocabulary_.encode_one(9)].any()
    np.testing.assert_allclose(model.predict([(9, i) for i in range(5)], clip=False), 0, atol=1e-6)


def test_a_negative_rating_is_refused():
    with pytest.raises(DataError) as caught:
        ft.NMF().fit([("an", "x", 3), ("an", "y", -0.5), ("bo", "x", -2)])
    assert str(caught.value) == (
        "NMF needs ratings of at least 0, as sums of products of non-negative numbers are; the lowest is -2. "
        "Hint: subtract the low end of the scale from all ratings, or use FunkSVD or ALS."
    )


def test_a_user_folded_in_lands_where_training_put_them():
    ratings = ratings_table()
    model = ft.NMF(3, n_epochs=2000, tol=0, reg=0.05, random_state=0).fit(ratings)
    np.testing.assert_allclose(model.fold_in(ratings).user_factors_, model.user_factors_, atol=5e-3)


def test_the_shares_of_converged_users_leave_nothing_over_where_the_constraint_holds_factors_at_zero():
    ratings = ratings_table()
    model = ft.NMF(6, n_epochs=2000, tol=0, reg=0.01, random_state=0).fit(ratings)
    constrained = np.flatnonzero((model.user_factors_ == 0).any(axis=1))
    assert constrained.size
    for code in constrained:
        user = model.user_vocabulary_.decode_one(int(code))
        for item in model.item_vocabulary_:
            terms = dict(model.explain(user, item, by="history").rows())
            assert abs(terms["left over from training"]) < 5e-3
