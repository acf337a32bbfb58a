import numpy as np
import pytest

import foretaste as ft


def test_the_biases_solve_the_penalised_least_squares_problem():
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((8, 6)) < 0.6)
    ratings = rng.integers(1, 6, users.size).astype(float)
    model = ft.Baseline(reg_users=2, reg_items=3, tol=0, n_epochs=200)
    model.fit(ft.Interactions.from_arrays(users, items, ratings))
    n_users, n_items = len(model.user_vocabulary_), len(model.item_vocabulary_)
    user_codes, item_codes = model.user_vocabulary_.encode(users), model.item_vocabulary_.encode(items)
    design = np.zeros((users.size, n_users + n_items))
    design[np.arange(users.size), user_codes] = 1
    design[np.arange(users.size), n_users + item_codes] = 1
    penalty = np.diag([2.0] * n_users + [3.0] * n_items)
    biases = np.linalg.solve(design.T @ design + penalty, design.T @ (ratings - ratings.mean()))
    np.testing.assert_allclose(model.user_biases_, biases[:n_users], atol=1e-4)
    np.testing.assert_allclose(model.item_biases_, biases[n_users:], atol=1e-4)
    assert model.global_mean_ == pytest.approx(ratings.mean())
    np.testing.assert_allclose(
        model.predict(list(zip(users, items, strict=True)), clip=False), ratings.mean() + design @ biases, atol=1e-4
    )


def test_a_new_user_with_as_many_ratings_as_the_penalty_keeps_half_of_what_they_deviate_by():
    model = ft.Baseline(reg_users=2).fit(ft.datasets.albums())
    means = {item: model.predict([("an", item)], clip=False)[0] - model.user_biases_[0] for item in ("bts", "sanam")}
    folded = model.fold_in({item: mean + 1 for item, mean in means.items()})
    assert folded.user_biases_[0] == pytest.approx(0.5, abs=1e-5)


def test_its_terms_are_mean_and_biases():
    terms = ft.Baseline().fit(ft.datasets.albums()).explain("diego", "bts")
    assert terms["term"].to_list() == ["global mean", "user bias", "item bias"]
    assert terms["value"][0] == pytest.approx(ft.datasets.albums()["rating"].mean())


def test_without_a_penalty_it_is_the_two_way_table():
    rows = [(u, i, 1.0 + u + 2 * i) for u in range(3) for i in range(4)]
    model = ft.Baseline(reg_users=0, reg_items=0).fit(rows)
    np.testing.assert_allclose(model.predict([row[:2] for row in rows]), [row[2] for row in rows], rtol=1e-5)
