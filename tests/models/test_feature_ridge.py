import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_events
from foretaste.data.interactions import SparseRows
from foretaste.models._feature_ridge import FeatureRidge
from foretaste.utils.threads import workers


@st.composite
def problem(draw):
    """Features by rows and as an array, factors, penalties and the kappa."""
    rows, n_features = draw(naive.sparse(max_rows=9))
    dense, rng = np.zeros((len(rows), n_features)), np.random.default_rng(draw(naive.seeds))
    for r, row in enumerate(rows):
        for a, value in row:
            dense[r, a] = value
    factors = rng.normal(size=(len(rows), 3)).astype(np.float32)
    return rows, dense, factors, rng.uniform(0.5, 4, len(rows)).astype(np.float32), draw(st.sampled_from([0.05, 1.0]))


def ridge_of(rows, dense, factors, penalty, reg):
    return FeatureRidge(SparseRows(*naive.arrays(rows)), dense.shape[1], factors.shape[1], penalty, reg)


def total(dense, factors, penalty, reg, vectors):
    away = factors - dense @ vectors
    return penalty @ (away**2).sum(axis=1) + reg * penalty.mean() * (vectors**2).sum()


@given(problem())
def test_vectors_equal_those_of_their_twin(case):
    _, dense, factors, penalty, reg = case
    ridge = ridge_of(*case)
    with workers(None) as run:
        for _ in range(3):  # each goes on where the last one ended
            ridge.regress(run, factors)
        expected = naive_events.regress_on_features(factors, dense, penalty, reg)
        np.testing.assert_allclose(ridge.vectors, expected, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(ridge.expected(run), dense @ expected, rtol=1e-3, atol=2e-3)
    assert ridge.loss() == pytest.approx(reg * penalty.mean() * (expected**2).sum(), rel=1e-2, abs=1e-4)


@given(problem(), naive.seeds)
def test_no_regression_makes_the_sum_larger(case, seed):
    _, dense, factors, penalty, reg = case
    ridge, rng = ridge_of(*case), np.random.default_rng(seed)
    ridge.vectors[:] = rng.normal(size=ridge.vectors.shape)
    before = total(dense, factors, penalty, reg, ridge.vectors.astype(float))
    with workers(None) as run:
        ridge.regress(run, factors)
    assert total(dense, factors, penalty, reg, ridge.vectors.astype(float)) <= before * (1 + 1e-5)


def test_a_thousand_tags_of_a_few_rows_each_are_solved_too():
    rng = np.random.default_rng(0)
    rows = [[(int(a), 0.5) for a in np.sort(rng.choice(1000, 4, replace=False))] for _ in range(600)]
    dense = np.zeros((600, 1000))
    for r, row in enumerate(rows):
        dense[r, [a for a, _ in row]] = 0.5
    factors, penalty = rng.normal(size=(600, 2)).astype(np.float32), rng.uniform(0.1, 20, 600).astype(np.float32)
    ridge = ridge_of(rows, dense, factors, penalty, 0.1)
    with workers(None) as run:
        ridge.regress(run, factors)
    expected = naive_events.regress_on_features(factors, dense, penalty, 0.1)
    lowest, found = (total(dense, factors, penalty, 0.1, x) for x in (expected, ridge.vectors.astype(float)))
    assert found <= lowest * (1 + 1e-3)


def test_without_features_nothing_is_expected():
    ridge = ridge_of([[], []], np.zeros((2, 0)), np.ones((2, 3)), np.ones(2, np.float32), 1.0)
    with workers(None) as run:
        ridge.regress(run, np.ones((2, 3), np.float32))
        assert ridge.expected(run).shape == (0, 3)
    assert ridge.loss() == 0
