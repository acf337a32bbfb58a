import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.data.interactions import SparseRows
from foretaste.models import _ranking
from foretaste.models._ranking import Products, best_columns, scores_of


def products(n_rows, n_columns, k, rng, *, parts=True):
    shapes = {"left": (n_rows, k), "right": (n_columns, k), "row_part": n_rows, "column_part": n_columns}
    arrays = {name: rng.integers(-3, 4, shape).astype(np.float32) for name, shape in shapes.items()}
    stranger = rng.integers(-3, 4, k).astype(np.float32)
    if not parts:
        del arrays["row_part"], arrays["column_part"]
    return Products(**arrays, mean=2.0 * parts, unknown=lambda: stranger), arrays, stranger


def expected_scores(rows, arrays, stranger, mean, hidden, mask):
    """In plain loops; whole numbers, so that sums have no rounding and equals are equal."""
    n_columns = len(arrays["right"])
    row_part, column_part = (arrays.get(name) for name in ("row_part", "column_part"))
    table = []
    for row in rows:
        left = arrays["left"][row] if row >= 0 else stranger
        seen = hidden.indices[hidden.indptr[row] : hidden.indptr[row + 1]] if row >= 0 else []
        scores = []
        for column in range(n_columns):
            score = mean + sum(float(x * y) for x, y in zip(left, arrays["right"][column], strict=True))
            if row_part is not None:
                score += float(row_part[row]) * (row >= 0) + float(column_part[column])
            scores.append(score if mask[column] and column not in seen else -np.inf)
        table.append(scores)
    return table


@given(
    st.integers(1, 5),
    st.integers(1, 40),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([8, 64, 2**16]),
    naive.seeds,
)
def test_tiles_give_the_lists_that_plain_loops_give(n_rows, n_columns, k, parts, tile, seed):
    rng = np.random.default_rng(seed)
    score, arrays, stranger = products(n_rows, n_columns, k, rng, parts=parts)
    seen = rng.random((n_rows, n_columns)) < 0.3
    indptr = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    hidden = SparseRows(indptr, np.nonzero(seen)[1].astype(np.int32), np.ones(seen.sum(), np.float32))
    mask, rows = rng.random(n_columns) < 0.8, rng.integers(-1, n_rows, 4).astype(np.int32)
    expected = expected_scores(rows, arrays, stranger, 2.0 * parts, hidden, mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ranking, "_TILE", tile)
        codes, values = best_columns(score, rows, 5, hidden=hidden, mask=mask)
    lists = [naive.top_n(row, 5) for row in expected]
    assert codes.tolist() == [columns for columns, _ in lists]
    assert values.tolist() == [scores for _, scores in lists]
    assert scores_of(score, rows, hidden=hidden, mask=mask).tolist() == expected
    # a scorer that knows of no tiles
    np.testing.assert_array_equal(best_columns(score.__call__, rows, 5, hidden=hidden, mask=mask)[0], codes)


@pytest.mark.parametrize("n_rows", [1, 7, 128, 300])
def test_no_tile_is_larger_than_the_cache_and_none_is_left_out(n_rows):
    sizes = []

    class Watched(Products):
        def tiles(self, rows, shift):
            for scores in super().tiles(rows, shift):
                sizes.append(scores.size)
                yield scores

    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(n, 4)).astype(np.float32) for n in (n_rows, 70_001))
    best_columns(Watched(left, right), np.arange(n_rows, dtype=np.int32), 3)
    assert max(sizes) <= _ranking._TILE
    assert sum(sizes) == n_rows * 70_001


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_lists_are_the_same_bits_for_any_number_of_threads(n_jobs):
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(n, 16)).astype(np.float32) for n in (700, 3000))
    score, rows = Products(left, right), np.arange(700, dtype=np.int32)
    one, other = (best_columns(score, rows, 10, jobs) for jobs in (None, n_jobs))
    assert [part.tobytes() for part in one] == [part.tobytes() for part in other]
