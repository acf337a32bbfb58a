import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.regression import regress_rows


def regress(rows, features, reg, *, intercept):
    k = features.shape[1]
    w, b = np.full((len(rows), k), np.nan), np.full(len(rows), np.nan)
    regress_rows(*naive.arrays(rows), features, reg, intercept, w, b)
    return w, b


@st.composite
def problem(draw):
    """A sparse matrix and features: fewer or more than ratings, some of them constant, twice the same, or zero."""
    rows, n_columns = draw(naive.sparse(max_columns=8))
    k = draw(st.integers(1, 5))
    features = np.random.default_rng(draw(naive.seeds)).normal(size=(n_columns, k))
    odd = draw(st.sampled_from(["none", "constant", "repeated", "zero"]))
    if odd == "constant":
        features[:, 0] = 3.0
    elif odd == "repeated":
        features[:, -1] = features[:, 0]
    elif odd == "zero":
        features[:, 0] = 0.0
    return rows, features


@given(problem(), st.sampled_from([1e-3, 0.1, 1.0, 20.0]), st.booleans())
def test_ridge_regression_equals_its_closed_form(case, reg, intercept):
    rows, features = case
    w, b = regress(rows, features, reg, intercept=intercept)
    for r, row in enumerate(rows):
        expected_w, expected_b = naive.regress_row(row, features, reg, intercept=intercept)
        np.testing.assert_allclose(w[r], expected_w, rtol=1e-6, atol=1e-7)
        assert b[r] == pytest.approx(expected_b, rel=1e-6, abs=1e-7)


@given(problem(), st.booleans())
def test_without_a_penalty_it_is_least_squares(case, intercept):
    # What is unique whatever the features: the sum of squared errors, and the coefficients where they are determined.
    rows, features = case
    w, b = regress(rows, features, 0.0, intercept=intercept)
    for r, row in enumerate(rows):
        x = np.array([features[column] for column, _ in row]).reshape(len(row), features.shape[1])
        y = np.array([value for _, value in row])
        expected_w, expected_b = naive.regress_row(row, features, 0.0, intercept=intercept)
        error, expected_error = y - b[r] - x @ w[r], y - expected_b - x @ expected_w
        assert (error**2).sum() == pytest.approx((expected_error**2).sum(), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("n_ratings", "n_features"), [(6, 3), (3, 3), (3, 6), (2, 5), (1, 2), (1, 1), (20, 2)])
def test_without_a_penalty_it_is_the_least_squares_solution_of_smallest_norm(n_ratings, n_features, intercept):
    features = np.random.default_rng(n_ratings * 10 + n_features).normal(size=(n_ratings, n_features))
    rows = [[(column, float(column % 3)) for column in range(n_ratings)]]
    w, b = regress(rows, features, 0.0, intercept=intercept)
    expected_w, expected_b = naive.regress_row(rows[0], features, 0.0, intercept=intercept)
    np.testing.assert_allclose(w[0], expected_w, rtol=1e-4, atol=1e-6)
    assert b[0] == pytest.approx(expected_b, rel=1e-4, abs=1e-6)


def test_of_two_equal_features_each_gets_half():
    rows = [[(0, 1.0), (1, 2.0), (2, 3.0)]]
    w, b = regress(rows, np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), 0.0, intercept=True)
    np.testing.assert_allclose(w[0], [0.5, 0.5], rtol=1e-4)
    assert b[0] == pytest.approx(0, abs=1e-6)


def test_a_feature_that_never_varies_is_left_to_the_intercept():
    rows = [[(0, 2.0), (1, 4.0)]]
    w, b = regress(rows, np.array([[7.0], [7.0]]), 0.0, intercept=True)
    assert w[0, 0] == 0
    assert b[0] == pytest.approx(3)


def test_an_empty_row_gets_zeros_wherever_it_stands():
    rows = [[], [(0, 2.0)], []]
    w, b = regress(rows, np.array([[1.0, 2.0]]), 1.0, intercept=True)
    assert w.tolist() == [[0, 0], [0, 0], [0, 0]]
    assert b.tolist() == [0, 2, 0]


def test_the_intercept_is_free_of_the_penalty():
    rows = [[(0, 100.0), (1, 102.0)]]
    w, b = regress(rows, np.array([[-1.0], [1.0]]), 1e9, intercept=True)
    assert w[0, 0] == pytest.approx(0, abs=1e-6)
    assert b[0] == pytest.approx(101)
