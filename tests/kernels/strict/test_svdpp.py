import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foretaste.kernels.strict.svdpp import rows_with_repeats, user_with_implicit, users_with_implicit

rows_of_columns = st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=8)


def arrays(rows):
    return np.cumsum([0, *map(len, rows)]), np.array([column for row in rows for column in row], np.int32)


@given(rows_of_columns)
def test_rows_with_a_column_twice_are_found(rows):
    assert rows_with_repeats(*arrays(rows), 7).tolist() == [len(set(row)) < len(row) for row in rows]


def test_a_user_is_their_factors_and_the_sum_of_what_they_rated_over_the_root_of_its_number():
    y, out = np.array([[1.0, 0.0], [2.0, 4.0], [9.0, 9.0], [3.0, 0.0], [0.0, 2.0]]), np.empty(2)
    user_with_implicit(np.array([0, 1, 3, 4], np.int32), np.array([10.0, 20.0]), y, out)
    assert out.tolist() == [10 + 6 / 2, 20 + 6 / 2]


@given(rows_of_columns.filter(all), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_many_users_are_each_what_they_are_alone(rows, n_factors, seed):
    indptr, indices = arrays(rows)
    rng = np.random.default_rng(seed)
    p, y = rng.normal(size=(len(rows), n_factors)), rng.normal(size=(7, n_factors))
    some = np.arange(0, len(rows), 2, dtype=np.int32)[::-1].copy()
    together = np.empty((some.size, n_factors))
    users_with_implicit(indptr, indices, some, p, y, together)
    for u, found in zip(some, together, strict=True):
        alone = np.empty(n_factors)
        user_with_implicit(np.array(rows[u], np.int32), p[u], y, alone)
        assert (found == alone).all()
        assert (alone == p[u] + sum(y[j] for j in rows[u]) / np.sqrt(len(rows[u]))).all()
