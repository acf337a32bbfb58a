import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import naive
from foretaste.kernels.neighbours import (
    COSINE,
    MSD,
    PEARSON,
    PRODUCT,
    WHOLE_COSINE,
    deviations,
    similar_rows,
)

KINDS = {"cosine": COSINE, "msd": MSD, "pearson": PEARSON, "whole cosine": WHOLE_COSINE, "product": PRODUCT}
STARS = (1.0, 2.0, 2.5, 4.0, 5.0)
kinds = pytest.mark.parametrize("kind", KINDS)


def transposed(rows, n_columns):
    columns = [[] for _ in range(n_columns)]
    for r, row in enumerate(rows):
        for column, value in row:
            columns[column].append((r, value))
    return columns


def lengths(rows):
    return np.array([sum(value**2 for _, value in row) ** 0.5 for row in rows], np.float32)


def found(queries, rows, n_columns, kind, n_kept, min_support=1, shrinkage=0.0, *, own=True):
    """Neighbours of each query as the kernel finds them, in two pieces."""
    result = []
    columns = naive.arrays(transposed(rows, n_columns))
    matrix = (*naive.arrays(queries), lengths(queries), *columns, lengths(rows))
    half = len(queries) // 2
    for first, last in ((0, half), (half, len(queries))):
        codes, similarities = np.empty((last - first, n_kept), np.int32), np.empty((last - first, n_kept), np.float32)
        counts = np.empty(last - first, np.int64)
        settings = (KINDS[kind], min_support, shrinkage, own)
        similar_rows(*matrix, *settings, first, last, codes, similarities, counts)
        result += [
            list(zip(c[:n].tolist(), s[:n].tolist(), strict=True))
            for c, s, n in zip(codes, similarities, counts, strict=True)
        ]
    return result


def assert_same(one, other):
    assert [len(row) for row in one] == [len(row) for row in other]
    for row, expected in zip(one, other, strict=True):
        # equal similarities may change places where rounding makes them differ
        np.testing.assert_allclose([s for _, s in row], [s for _, s in expected], rtol=2e-6, atol=1e-6)


@kinds
@given(
    table=naive.sparse(max_rows=9, values=STARS),
    n_kept=st.integers(1, 9),
    min_support=st.integers(1, 3),
    shrinkage=st.sampled_from([0.0, 1.0, 60.0]),
    own=st.booleans(),
)
@example(table=([[(0, 3.0)]], 1), n_kept=1, min_support=1, shrinkage=0.0, own=True)
def test_neighbors_are_those_of_the_twin(kind, table, n_kept, min_support, shrinkage, own):
    rows, n_columns = table
    result = found(rows, rows, n_columns, kind, n_kept, min_support, shrinkage, own=own)
    assert_same(result, naive.neighbors(rows, rows, kind, n_kept, min_support, shrinkage, own=own))
    for q, near in enumerate(result):
        assert not own or q not in dict(near)
        for r, s in near:
            twin = naive.similarity(dict(rows[q]), dict(rows[r]), kind, min_support, shrinkage)
            assert s == pytest.approx(twin, rel=2e-6, abs=1e-6)


@kinds
@pytest.mark.parametrize("share", [0.02, 0.6], ids=["few in common", "many in common"])
@pytest.mark.parametrize("n_kept", [1, 7, 400])
def test_many_rows_are_thinned_out_rightly(kind, share, n_kept):
    rng = np.random.default_rng(0)
    n_rows, n_columns = 300, 40
    values = rng.normal(size=(n_rows, n_columns)).round(3)
    if kind == "product":
        values = np.abs(values)
    there = rng.random((n_rows, n_columns)) < share
    rows = [[(int(c), float(values[r, c])) for c in np.flatnonzero(there[r])] for r in range(n_rows)]
    queries = rows[:8]
    result = found(queries, rows, n_columns, kind, n_kept, 2, 3.0)
    expected = naive.neighbors(queries, rows, kind, n_kept, 2, 3.0, own=True)
    assert_same(result, expected)
    for near, twin in zip(result, expected, strict=True):
        assert [s for _, s in near] == sorted((s for _, s in near), reverse=True)
        # nobody is there twice, and ties apart the same are there
        assert len(dict(near)) == len(near)
        worst = twin[-1][1] if twin else 0.0
        assert {r for r, s in twin if s > worst + 1e-5} <= set(dict(near))


def test_the_lowest_code_goes_first_among_equals():
    rows = [[(0, 2.0), (1, 3.0)]] * 600
    near = found(rows, rows, 2, "cosine", 3)
    assert [r for r, _ in near[0]] == [1, 2, 3]
    assert [r for r, _ in near[2]] == [0, 1, 3]
    # rows that share a column with few others are met in the order of the walk, not of the codes
    sparse = [[(0, 1.0)], *([[]] * 50), [(1, 1.0), (0, 1.0)], [(1, 1.0), (0, 1.0)], [(0, 2.0), (1, 2.0)]]
    assert [r for r, _ in found(sparse, sparse, 2, "cosine", 2)[51]] == [0, 52]


def test_correlations_of_a_large_offset_keep_their_digits():
    rng = np.random.default_rng(0)
    columns = range(20_000)
    rows = [[(c, float(4 + rng.integers(0, 2))) for c in columns] for _ in range(2)]
    (near, _), twin = (
        found(rows, rows, 20_000, "pearson", 1),
        naive.similarity(dict(rows[0]), dict(rows[1]), "pearson", 1, 0),
    )
    assert (near[0][1] if near else 0.0) == pytest.approx(max(twin, 0), abs=1e-6)


@given(
    naive.sparse(max_rows=8, values=STARS),
    naive.seeds,
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.05, 2.0]),
)
def test_deviations_are_those_of_the_twin(table, seed, n_neighbors, min_neighbors, damping):
    columns, n_rows = table
    rng = np.random.default_rng(seed)
    near = [
        [
            (int(r), float(np.float32(w)))
            for r, w in zip(rng.permutation(n_rows), sorted(rng.random(n_rows) + 0.1)[::-1], strict=True)
        ]
        for _ in range(3)
    ]
    near[1] = near[1][: n_rows // 2]
    column_centres = rng.normal(size=len(columns))
    centres, spreads = rng.normal(size=n_rows).astype(np.float32), (1 + rng.random(n_rows)).astype(np.float32)
    pairs = [(q, c) for c in range(len(columns)) for q in (2, 0, 1) if rng.random() < 0.7]
    starts = np.searchsorted([c for _, c in pairs], range(len(columns) + 1)).astype(np.int64)
    out = np.full(len(pairs), np.nan)
    fixed = (
        starts,
        np.array([q for q, _ in pairs], np.int32),
        *naive.arrays(columns),
        column_centres,
        centres,
        spreads,
    )
    half = len(columns) // 2
    for first, last in ((half, len(columns)), (0, half)):
        deviations(*fixed, *naive.arrays(near), n_neighbors, min_neighbors, damping, first, last, out)
    expected = [
        naive.deviation(
            near[q], dict(columns[c]), column_centres[c], centres, spreads, n_neighbors, min_neighbors, damping
        )
        for q, c in pairs
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
