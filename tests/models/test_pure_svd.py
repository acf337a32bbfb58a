import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD

import foretaste as ft
from foretaste.exceptions import ConvergenceWarning, DataError

FILLS = ["baseline", "item_mean", "user_mean", "zero"]
every_fill = pytest.mark.parametrize("fill", FILLS)


def ratings_table(n_users=40, n_items=25, seed=0):
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.4)
    taste = 2 * np.outer(rng.normal(size=n_users), rng.normal(size=n_items)) + np.outer(
        rng.normal(size=n_users), rng.normal(size=n_items)
    )
    ratings = np.clip(np.round(3 + taste[users, items] + rng.normal(0, 0.5, users.size)), 1, 5)
    return ft.Interactions.from_arrays(users, items, ratings)


def filled_matrix(ratings, fill):
    """The filled matrix, entry by entry."""
    rated = {}
    for u, i, r in zip(ratings.user_codes, ratings.item_codes, ratings.ratings, strict=True):
        rated[int(u), int(i)] = float(r)
    baseline = ft.Baseline(n_epochs=20, tol=0).fit(ratings)

    def gap(u, i):
        if fill == "zero":
            return 0.0
        if fill == "baseline":
            return baseline.global_mean_ + float(baseline.user_biases_[u]) + float(baseline.item_biases_[i])
        own = [r for (v, j), r in rated.items() if (v == u if fill == "user_mean" else j == i)]
        return sum(own) / len(own)

    shape = ratings.n_users, ratings.n_items
    return np.array([[rated.get((u, i), gap(u, i)) for i in range(shape[1])] for u in range(shape[0])])


def products(model):
    return model.user_factors_.astype(float) @ model.item_factors_.T


# The decomposition -------------------------------------------------------------------------------------------------


@every_fill
def test_it_is_the_truncated_svd_of_the_filled_matrix(fill):
    ratings = ratings_table()
    matrix = filled_matrix(ratings, fill)
    left, lengths, right = np.linalg.svd(matrix, full_matrices=False)
    model = ft.PureSVD(3, fill=fill, n_iter=30, random_state=0).fit(ratings)
    np.testing.assert_allclose(model.singular_values_, lengths[:3], rtol=1e-4)
    np.testing.assert_allclose(products(model), left[:, :3] * lengths[:3] @ right[:3], atol=2e-3)
    scale = np.sqrt(lengths[:3])
    np.testing.assert_allclose(np.abs(model.item_factors_), np.abs(right[:3].T * scale), atol=2e-3)
    np.testing.assert_allclose(np.abs(model.user_factors_), np.abs(left[:, :3] * scale), atol=2e-3)


@every_fill
def test_the_explained_variance_is_that_of_scikit_learn(fill):
    ratings = ratings_table()
    expected = TruncatedSVD(4, algorithm="arpack").fit(filled_matrix(ratings, fill)).explained_variance_ratio_
    found = ft.PureSVD(4, fill=fill, n_iter=30, random_state=0).fit(ratings).explained_variance_ratio_
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_matrix_without_gaps_of_two_tastes_is_found_whole():
    # 4 1 4 1 for the even, 2 5 2 5 for the odd: (3 3 3 3.. +- ..) of rank two
    rows = [(u, i, [[4.0, 1.0], [2.0, 5.0]][u % 2][i % 2]) for u in range(6) for i in range(4)]
    model = ft.PureSVD(2, fill="zero", random_state=0).fit(rows)
    np.testing.assert_allclose(model.predict([row[:2] for row in rows], clip=False), [r for *_, r in rows], rtol=1e-5)
    # F F' is 6 ratings by 6; with a = (4, 1), b = (2, 5): eigenvalues of 3 * 2 * [[17, 13], [13, 29]]
    eigenvalues = 6 * (23 + np.array([1, -1]) * np.sqrt(6**2 + 13**2))
    np.testing.assert_allclose(model.singular_values_, np.sqrt(eigenvalues), rtol=1e-5)


def test_all_factors_give_the_known_ratings_back():
    ratings = ratings_table()
    model = ft.PureSVD(25, random_state=0).fit(ratings)
    np.testing.assert_allclose(model.predict(ratings), ratings.ratings, atol=1e-3)


def test_there_are_no_more_factors_than_users_or_items():
    model = ft.PureSVD(16, random_state=0).fit(ft.datasets.albums())
    assert model.user_factors_.shape == (4, 4)
    assert model.item_factors_.shape == (5, 4)
    assert model.singular_values_.shape == model.explained_variance_ratio_.shape == (4,)


def test_the_largest_entry_of_each_item_vector_is_positive():
    for seed in range(5):
        factors = ft.PureSVD(4, random_state=seed).fit(ratings_table(seed=seed)).item_factors_
        assert (factors[np.abs(factors).argmax(axis=0), range(4)] > 0).all()


def test_equal_ratings_have_no_variance_to_explain():
    model = ft.PureSVD(2, fill="user_mean", random_state=0).fit([(u, i, 3) for u in range(6) for i in range(4)])
    assert model.singular_values_ == pytest.approx([3 * np.sqrt(24), 0], abs=1e-4)
    assert model.explained_variance_ratio_.tolist() == [0, 0]


def test_a_pair_rated_twice_is_refused():
    twice = ft.Interactions.from_arrays([0, 0, 1], [5, 5, 5], [1, 2, 3], duplicates="keep")
    with pytest.raises(DataError, match="PureSVD needs one rating at most of each pair"):
        ft.PureSVD().fit(twice)
    with pytest.raises(DataError, match="PureSVD needs one rating at most of each pair"):
        ft.PureSVD(2, random_state=0).fit(ratings_table()).fold_in(twice)


# New users, reasons ------------------------------------------------------------------------------------------------


@every_fill
def test_a_user_folded_in_lands_where_the_decomposition_put_them(fill):
    ratings = ratings_table()
    model = ft.PureSVD(3, fill=fill, n_iter=2, random_state=0).fit(ratings)
    folded = model.fold_in(ratings)
    np.testing.assert_allclose(folded.user_factors_, model.user_factors_, atol=1e-4)
    np.testing.assert_allclose(folded.user_fill_, model.user_fill_, atol=1e-5)


def test_a_user_folded_in_after_refinement_is_a_regression_on_what_they_rated():
    ratings = ratings_table()
    model = ft.PureSVD(2, refine_epochs=800, reg=0.02, random_state=0).fit(ratings)
    np.testing.assert_allclose(model.fold_in(ratings).predict(ratings), model.predict(ratings), atol=0.15)


@every_fill
def test_each_rating_has_the_share_by_which_the_prediction_would_differ(fill):
    ratings = ratings_table()
    model = ft.PureSVD(3, fill=fill, random_state=0).fit(ratings)
    matrix = filled_matrix(ratings, fill)
    right = model.item_factors_.astype(float) / np.sqrt(model.singular_values_)
    projector = right @ right.T
    u, i = 2, 7
    user, item = model.user_vocabulary_.decode_one(u), model.item_vocabulary_.decode_one(i)
    model.scale_ = (-99.0, 99.0)
    terms = dict(model.explain(user, item, by="history").rows())
    nothing_known = model.user_fill_[u] + model.item_fill_
    assert terms.pop("a row of nothing but fill") == pytest.approx(nothing_known @ projector[:, i], abs=1e-3)
    rated = slice(*model.known_.indptr[u : u + 2])
    for j, rating in zip(model.known_.indices[rated], model.known_.values[rated], strict=True):
        assert matrix[u, j] == rating
        share = (rating - nothing_known[j]) * projector[j, i]
        assert terms.pop(f"rated {model.item_vocabulary_.decode_one(int(j))} {rating:g}") == pytest.approx(
            share, abs=1e-3
        )
    assert not terms


# Refinement --------------------------------------------------------------------------------------------------------


def test_refinement_starts_from_the_decomposition_and_lowers_the_error_on_the_known_ratings():
    ratings = ratings_table()
    plain = ft.PureSVD(2, random_state=0).fit(ratings)
    refined = ft.PureSVD(2, refine_epochs=30, random_state=0).fit(ratings)
    error = ft.metrics.rmse(ratings.ratings, plain.predict(ratings, clip=False))
    assert plain.history_["epoch"].to_list() == [0]
    assert plain.history_["train_rmse"][0] == pytest.approx(error, rel=1e-5)
    assert refined.history_["epoch"].to_list() == list(range(31))
    assert refined.history_["train_rmse"][0] == plain.history_["train_rmse"][0]
    assert ft.metrics.rmse(ratings.ratings, refined.predict(ratings, clip=False)) < 0.9 * error
    assert not plain.refined_
    assert refined.refined_
    np.testing.assert_array_equal(refined.singular_values_, plain.singular_values_)
    # with steps of next to no length the factors stay where the decomposition put them
    still = ft.PureSVD(2, refine_epochs=1, learning_rate=1e-9, random_state=0).fit(ratings)
    np.testing.assert_allclose(still.user_factors_, plain.user_factors_, atol=1e-5)
    np.testing.assert_allclose(still.item_factors_, plain.item_factors_, atol=1e-5)


def test_refinement_takes_up_the_strata_that_threads_share():
    ratings = ft.synthetic.make_catalogue().ratings
    plain = ft.PureSVD(4, random_state=0).fit(ratings)
    still = ft.PureSVD(4, refine_epochs=1, learning_rate=1e-9, random_state=0).fit(ratings)
    np.testing.assert_allclose(still.user_factors_, plain.user_factors_, atol=1e-5)
    np.testing.assert_allclose(still.item_factors_, plain.item_factors_, atol=1e-5)


def test_early_stopping_shows_both_errors_before_and_after_and_then_learns_from_everything():
    ratings = ratings_table()
    settings = {"reg": 0.05, "random_state": 0}
    stopped = ft.PureSVD(
        4, refine_epochs=500, early_stopping=True, validation_fraction=0.2, learning_rate=0.2, **settings
    ).fit(ratings)
    history = stopped.history_
    assert history["epoch"][0] == 0
    assert history["valid_rmse"].is_finite().all()
    best = int(history["epoch"][int(np.argmin(history["valid_rmse"].to_numpy()))])
    assert 0 < best == history["epoch"][-1] - 5
    plain = ft.PureSVD(4, refine_epochs=best, learning_rate=0.2, **settings).fit(ratings)
    np.testing.assert_array_equal(plain.user_factors_, stopped.user_factors_)


def test_where_no_refinement_helps_the_decomposition_is_kept():
    ratings = ratings_table()
    settings = {"learning_rate": 1e-4, "reg": 1e3, "early_stopping": True, "random_state": 0}
    model = ft.PureSVD(2, refine_epochs=50, **settings).fit(ratings)
    assert model.history_["epoch"].to_list() == [0, 1, 2, 3, 4, 5, 6]
    assert model.history_["valid_rmse"].is_sorted()
    assert not model.refined_
    np.testing.assert_array_equal(model.user_factors_, ft.PureSVD(2, random_state=0).fit(ratings).user_factors_)


def test_without_refinement_early_stopping_shows_the_error_on_held_out_ratings():
    history = ft.PureSVD(2, early_stopping=True, random_state=0).fit(ratings_table()).history_
    assert history["epoch"].to_list() == [0]
    assert 0 < history["valid_rmse"][0] < 2


def test_the_ceiling_is_called_by_its_name():
    with pytest.warns(ConvergenceWarning, match=r"ceiling of 2 epochs .* Hint: raise 'refine_epochs'\.$"):
        ft.PureSVD(2, refine_epochs=2, early_stopping=True, random_state=0).fit(ratings_table())
