import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.scoring import entries_by_tile, hide, score_pairs, top_n


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.data(), naive.seeds)
def test_score_pairs_equals_its_twin(n_users, n_items, k, data, seed):
    pairs = data.draw(st.lists(st.tuples(st.integers(-1, n_users - 1), st.integers(-1, n_items - 1)), max_size=12))
    rng = np.random.default_rng(seed)
    shapes = (n_users, n_items, (n_users, k), (n_items, k), k, k)
    learned = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    codes = np.array(pairs, np.int32).reshape(-1, 2)
    out = np.full(len(pairs), np.nan)
    score_pairs(codes[:, 0].copy(), codes[:, 1].copy(), 3.5, *learned, out)
    expected = [naive.score_pair(u, i, 3.5, *learned) for u, i in pairs]
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("user", "item", "score"), [(0, 0, 1111.0), (-1, 0, 251.0), (0, -1, 71.0), (-1, -1, 10.0)], ids=str
)
def test_score_pairs_gives_the_unknown_no_bias_and_typical_factors(user, item, score):
    # mean 1, user bias 10, item bias 100, factors 20 and 50, typical ones 3 and 3
    learned = (np.full(1, 10.0), np.full(1, 100.0), np.full((1, 1), 20.0), np.full((1, 1), 50.0), np.full(1, 3.0))
    learned = (*learned, learned[-1])
    out = np.empty(1)
    codes = np.array([user], np.int32), np.array([item], np.int32)
    score_pairs(*codes, 1.0, *(x.astype(np.float32) for x in learned), out)
    assert out[0] == score


@given(naive.sparse(), st.integers(0, 4) | st.just(31), st.data())
def test_tile_by_tile_exactly_the_columns_of_the_rows_are_hidden(case, shift, data):
    rows, n_columns = case
    chosen = data.draw(st.lists(st.integers(-1, len(rows) - 1), max_size=6))
    indptr, indices, _ = naive.arrays([data.draw(st.permutations(row)) for row in rows])
    scores = np.arange(len(chosen) * n_columns, dtype=np.float32).reshape(len(chosen), n_columns)
    before, n_tiles = scores.copy(), -(-n_columns >> shift)
    starts, places, columns = entries_by_tile(np.array(chosen, np.int32), indptr, indices, shift, n_tiles)
    assert places.dtype == columns.dtype == np.int32
    for tile, first in enumerate(range(0, n_columns, 1 << shift)):
        own = slice(starts[tile], starts[tile + 1])
        hide(scores[:, first : first + (1 << shift)], places[own], columns[own])
    for place, row in enumerate(chosen):
        seen = {column for column, _ in rows[row]} if row >= 0 else set()
        for column in range(n_columns):
            assert scores[place, column] == (-np.inf if column in seen else before[place, column])


score = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 0.5, 2.0]) | st.floats(-5, 5, width=32)


@given(st.integers(1, 9), st.integers(0, 4), st.integers(1, 9), st.integers(1, 9), st.data())
def test_top_n_equals_its_twin_however_many_columns_come_at_a_time(n_columns, n_rows, n, width, data):
    rows = data.draw(
        st.lists(st.lists(score, min_size=n_columns, max_size=n_columns), min_size=n_rows, max_size=n_rows)
    )
    codes, best = best_of(np.array(rows, np.float32).reshape(n_rows, n_columns), n, width)
    expected = [naive.top_n([float(value) for value in row], n) for row in rows]
    assert codes.tolist() == [columns for columns, _ in expected]
    assert best.tolist() == [values for _, values in expected]


@pytest.mark.parametrize("width", [1, 2, 5])
def test_top_n_among_equals_takes_the_first_column_and_never_one_at_minus_infinity(width):
    scores = np.array([[1, 3, -np.inf, 3, 1], [-np.inf] * 5], np.float32)
    codes, best = best_of(scores, 4, width)
    assert codes.tolist() == [[1, 3, 0, 4], [-1, -1, -1, -1]]
    assert best[0].tolist() == [3, 3, 1, 1]


def best_of(scores, n, width):
    """The lists that `top_n` makes of so many columns at a time."""
    codes, best = np.full((len(scores), n), -1, np.int32), np.full((len(scores), n), -np.inf, np.float32)
    for first in range(0, scores.shape[1], width):
        top_n(scores[:, first : first + width].copy(), first, codes, best)
    return codes, best
