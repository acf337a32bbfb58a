import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.biases import row_means
from foretaste.kernels.slope_one import deviation_rows, slope_one_pairs, slope_one_scores


def by_column(rows, n_columns):
    return [
        [(r, value) for r, row in enumerate(rows) for column, value in row if column == c] for c in range(n_columns)
    ]


def tables(rows, n_columns, chunk):
    deviations, counts = (np.zeros((n_columns, n_columns), np.float32) for _ in range(2))
    sides = (*naive.arrays([sorted(row) for row in rows]), *naive.arrays(by_column(rows, n_columns)))
    for first in range(0, n_columns, chunk):
        deviation_rows(first, min(first + chunk, n_columns), *sides, deviations, counts)
    return deviations, counts


@given(naive.sparse(), st.integers(1, 8))
def test_deviations_equal_their_twin_in_pieces_of_any_size(drawn, chunk):
    rows, n_columns = drawn
    deviations, counts = tables(rows, n_columns, chunk)
    found = naive.deviations(rows)
    for i in range(n_columns):
        for j in range(n_columns):
            deviation, count = found.get((i, j), (0.0, 0))
            assert counts[i, j] == count
            assert deviations[i, j] == pytest.approx(deviation, rel=1e-6)


@given(naive.sparse(), st.booleans())
def test_predictions_equal_their_twin_pair_by_pair_and_all_at_once(drawn, weighted):
    rows, n_columns = drawn
    users = [r for r, row in enumerate(rows) if row]
    found = naive.deviations(rows)
    expected = np.array(
        [[naive.slope_one(rows[u], i, found, weighted=weighted) for i in range(n_columns)] for u in users]
    )
    indptr, indices, values = naive.arrays(rows)
    state = (indptr, indices, values, row_means(indptr, values, 0.0), *tables(rows, n_columns, 3), weighted)

    pairs = np.full(len(users) * n_columns, np.nan)
    places = np.random.default_rng(0).permutation(pairs.size).astype(np.int32)
    user_codes = np.repeat(np.array(users, np.int32), n_columns)
    item_codes = np.tile(np.arange(n_columns, dtype=np.int32), len(users))
    slope_one_pairs(places, user_codes, item_codes, *state, pairs)
    np.testing.assert_allclose(pairs.reshape(-1, n_columns), expected.reshape(-1, n_columns), rtol=1e-6, atol=1e-6)

    scores = np.full((len(users) + 1, n_columns), 7, np.float32)
    slope_one_scores(np.array([*users, -1], np.int32), *state, scores)
    np.testing.assert_allclose(scores[:-1], expected.reshape(-1, n_columns), rtol=1e-5, atol=1e-5)
    assert (scores[-1] == 7).all()


def test_only_the_places_asked_for_are_written():
    rows = [[(0, 1.0), (1, 2.0)], [(1, 4.0)]]
    codes, out = (np.array([1, 1], np.int32), np.array([0, 1], np.int32)), np.full(2, -9.0)
    state, weighted = (*naive.arrays(rows), np.array([1.5, 4.0]), *tables(rows, 2, 2)), True
    slope_one_pairs(np.array([0], np.int32), *codes, *state, weighted, out)
    assert out.tolist() == [3.0, -9.0]  # item 0 is rated one star below item 1, which user 1 gave four


def test_sums_of_many_half_stars_lose_nothing():
    n_users = 200_000
    rng = np.random.default_rng(0)
    stars = rng.integers(1, 11, (n_users, 2)) / 2
    deviations, counts = tables([list(enumerate(row)) for row in stars.tolist()], 2, 2)
    assert counts[0, 1] == n_users
    assert deviations[0, 1] == np.float32((stars[:, 0] - stars[:, 1]).sum() / n_users)
    assert deviations[1, 0] == -deviations[0, 1]
