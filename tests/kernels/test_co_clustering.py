import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.co_clustering import cell_sums, move_rows


def state(drawn, n_clusters, seed):
    """Rows, their arrays, and random offsets and clusters of both sides."""
    rows, n_columns = drawn
    rng = np.random.default_rng(seed)
    offsets = rng.normal(size=len(rows)), rng.normal(size=n_columns)
    clusters = [
        rng.integers(n, size=size, dtype=np.int32) for n, size in zip(n_clusters, map(len, offsets), strict=True)
    ]
    return rows, naive.arrays(rows), offsets, clusters, rng


shapes = st.tuples(st.integers(1, 3), st.integers(1, 4))


@given(naive.sparse(), shapes, naive.seeds)
def test_cell_sums_equal_their_twin(drawn, shape, seed):
    rows, matrix, offsets, clusters, _ = state(drawn, shape, seed)
    sums = np.full((*shape, 4), np.nan)
    squares = cell_sums(*matrix, *offsets, *clusters, sums)
    cells, expected = naive.cell_sums(rows, *offsets, *clusters)
    assert squares == pytest.approx(expected)
    for cell in np.ndindex(shape):
        np.testing.assert_allclose(sums[cell], cells.get(cell, np.zeros(4)), atol=1e-12)


@given(naive.sparse(), shapes, naive.seeds)
def test_every_row_moves_to_the_cluster_of_least_error(drawn, shape, seed):
    rows, matrix, offsets, (before, columns), rng = state(drawn, shape, seed)
    levels = rng.normal(size=shape)
    after = before.copy()
    moved = move_rows(*matrix, *offsets, columns, levels, after)
    assert moved == (after != before).sum()
    for r, row in enumerate(rows):
        errors = [naive.cluster_error(row, offsets[0][r], offsets[1], columns, levels[g]) for g in range(shape[0])]
        assert errors[after[r]] == pytest.approx(min(errors), abs=1e-8)


def test_among_equals_a_row_stays_and_else_takes_the_first():
    matrix = naive.arrays([[(0, 1.0)], [(0, 1.0)], []])
    clusters = np.array([2, 0, 1], np.int32)
    # clusters 1 and 2 fit the rating alike, cluster 0 does not; the row without ratings fits everywhere
    levels = np.array([[0.0], [1.0], [1.0]])
    assert move_rows(*matrix, np.zeros(3), np.zeros(1), np.zeros(1, np.int32), levels, clusters) == 1
    assert clusters.tolist() == [2, 1, 1]
