import numpy as np
import pytest

import foretaste as ft


def rows():
    rng = np.random.default_rng(0)
    return [(u, i, float(rng.integers(1, 6))) for u in range(40) for i in range(50)]


def test_the_mean_is_the_mean_and_its_error_the_standard_deviation():
    ratings = [rating for *_, rating in rows()]
    model = ft.GlobalMean().fit(rows())
    predicted = model.predict([row[:2] for row in rows()])
    np.testing.assert_allclose(predicted, np.mean(ratings))
    assert ft.metrics.rmse(ratings, predicted) == pytest.approx(np.std(ratings))
    assert len(model.history_) == 0


def test_the_mean_of_many_large_ratings_loses_nothing_to_rounding():
    values = np.tile([1e6, 1e6 + 1], 5000)
    model = ft.GlobalMean().fit(ft.Interactions.from_arrays(np.arange(10_000), np.zeros(10_000, int), values))
    assert model.global_mean_ == pytest.approx(1e6 + 0.5, abs=1e-3)


def test_random_ratings_follow_the_distribution_of_the_given_ones():
    ratings = np.array([rating for *_, rating in rows()])
    model = ft.Random(random_state=0).fit(rows())
    drawn = model.predict([row[:2] for row in rows()], clip=False)
    assert np.unique(drawn).size == drawn.size
    assert drawn.mean() == pytest.approx(ratings.mean(), abs=4 * ratings.std() / np.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(ratings.std(), rel=0.06)
    # neighbours in a table of draws know nothing of each other
    table = drawn.reshape(40, 50)
    assert abs(np.corrcoef(table[:, :-1].ravel(), table[:, 1:].ravel())[0, 1]) < 0.08
    assert abs(np.corrcoef(table[:-1].ravel(), table[1:].ravel())[0, 1]) < 0.08


def test_a_random_rating_is_explained_by_chance():
    terms = ft.Random(random_state=0).fit(rows()).explain(3, 4)
    assert terms["term"].to_list()[:2] == ["global mean", "chance"]
