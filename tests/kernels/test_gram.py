import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_events
from foretaste.kernels.gram import (
    gram_rows,
    neighbourhood_weights,
    score_sparse,
    strongest_products,
    weights_of_inverse,
)


@st.composite
def events(draw, weights=(0.5, 1.0, 2.0)):
    """A sparse matrix of positive entries: by columns, by rows with columns ascending, and dense."""
    rows, n_columns = draw(naive.sparse(max_rows=12, max_columns=9, values=weights))
    rows = [sorted(row) for row in rows]
    dense = np.zeros((len(rows), n_columns))
    for r, row in enumerate(rows):
        for c, v in row:
            dense[r, c] = v
    return naive.arrays(naive.transpose(rows, n_columns)), naive.arrays(rows), dense


@given(events(), st.data())
def test_gram_rows_are_the_lower_triangle_of_the_gram_matrix(case, data):
    by_column, by_row, dense = case
    n = dense.shape[1]
    first = data.draw(st.integers(0, n))
    last = data.draw(st.integers(first, n))
    out = np.full((n, n), -77, np.float32)
    gram_rows(*by_column, *by_row, first, last, out)
    expected = np.full((n, n), -77.0)
    for i in range(first, last):
        expected[i, : i + 1] = (dense.T @ dense)[i, : i + 1]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 130])
def test_weights_of_inverse_mirrors_scales_and_clears_the_diagonal(n):
    rng = np.random.default_rng(n)
    half, scale = rng.normal(size=(n, n)).astype(np.float32), rng.normal(size=n).astype(np.float32)
    whole = np.tril(half) + np.tril(half, -1).T
    expected = -whole * scale
    np.fill_diagonal(expected, 0)
    weights_of_inverse(half, scale)
    np.testing.assert_array_equal(half, expected)


def strongest(by_column, by_row, dense, width):
    n = dense.shape[1]
    diagonal = (dense**2).sum(axis=0).astype(np.float32)
    codes, products = np.full((n, width), -77, np.int32), np.full((n, width), np.nan, np.float32)
    counts = np.empty(n, np.int32)
    strongest_products(*by_column, *by_row, diagonal, 0, n, codes, products, counts)
    return codes, products, counts


@given(events(weights=(1.0,)), st.integers(1, 9))
def test_strongest_products_are_those_of_highest_cosine(case, width):
    *sparse, dense = case
    gram = dense.T @ dense
    codes, products, counts = strongest(*sparse, dense, width)
    lengths = np.sqrt(np.diag(gram)).astype(np.float32)
    for i in range(len(gram)):
        others = [j for j in range(len(gram)) if j != i and gram[i, j] > 0]
        expected = sorted(others, key=lambda j: (-np.float32(gram[i, j]) / lengths[j], j))[:width]
        assert codes[i, : counts[i]].tolist() == expected
        assert products[i, : counts[i]].tolist() == [gram[i, j] for j in expected]
        assert (codes[i, counts[i] :] == -77).all()


@given(events(weights=(1.0,)), st.integers(1, 9), st.integers(1, 9), st.sampled_from([0.0, 0.3, 1.0]), naive.seeds)
def test_neighbourhood_weights_equal_their_twin(case, width, more, relaxation, seed):
    *sparse, dense = case
    n, kept = dense.shape[1], width + more
    # enough that an elimination never meets a pivot below it
    penalty = np.random.default_rng(seed).uniform(8, 20, n)
    codes, products, counts = strongest(*sparse, dense, kept)
    rows = [list(zip(codes[i, : counts[i]], products[i], strict=False)) for i in range(n)]
    own, weights = np.full((n, width), -77, np.int32), np.zeros((n, width), np.float32)
    diagonal = (dense**2).sum(axis=0).astype(np.float32)
    settings = (diagonal, penalty.astype(np.float32), relaxation, width)
    neighbourhood_weights(*naive.arrays(rows), *settings, 0, n, own, weights)
    found = np.zeros((n, n))
    for i in range(n):
        size = min(width, counts[i])
        assert own[i, :size].tolist() == sorted(own[i, :size])
        found[own[i, :size], i] = weights[i, :size]
    expected = naive_events.neighbourhood_weights(dense.T @ dense, penalty, relaxation, width, kept)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_pivot_that_unknown_entries_would_take_below_the_penalty_stays_finite():
    # what the rows have kept says that 0 and 1, and 1 and 2, are the same, and 0 and 2 have nothing in common
    rows = [[(1, 4.0)], [(0, 4.0), (2, 4.0)], [(1, 4.0)], [(0, 4.0), (1, 4.0), (2, 4.0)]]
    codes, weights = np.zeros((4, 3), np.int32), np.zeros((4, 3), np.float32)
    diagonal, penalty = np.full(4, 4, np.float32), np.full(4, 1e-3, np.float32)
    neighbourhood_weights(*naive.arrays(rows), diagonal, penalty, 0.0, 3, 0, 4, codes, weights)
    assert np.isfinite(weights).all()


@given(events(), naive.seeds)
def test_score_sparse_is_the_product_of_both(case, seed):
    _, by_row, dense = case
    rng = np.random.default_rng(seed)
    n_users, n_items = dense.shape
    weights = rng.normal(size=(n_items, n_items)) * (rng.random((n_items, n_items)) < 0.5)
    rows = [[(j, row[j]) for j in np.flatnonzero(row)] for row in weights]
    users = rng.integers(-1, n_users, 7).astype(np.int32)
    typical = rng.normal(size=n_items).astype(np.float32)
    out = np.full((7, n_items), np.nan, np.float32)
    score_sparse(users, *by_row, *naive.arrays(rows), typical, out)
    expected = np.where(users[:, None] < 0, typical, dense[users] @ weights)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)
