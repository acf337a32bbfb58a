import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.sorting import first_repeat, group_by_code, sparse_rows


@st.composite
def coded(draw):
    n_codes = draw(st.integers(1, 6))
    return draw(st.lists(st.integers(0, n_codes - 1), max_size=20)), n_codes


@given(coded())
def test_group_by_code_equals_its_twin(case):
    codes, n_codes = case
    indptr, order = group_by_code(np.array(codes, np.int32), n_codes)
    expected_indptr, expected_order = naive.group_by_code(codes, n_codes)
    assert indptr.tolist() == expected_indptr
    assert order.tolist() == expected_order
    assert (indptr.dtype, order.dtype) == (np.int64, np.int32)


@given(coded(), naive.seeds)
def test_sparse_rows_carries_columns_and_values_to_the_places_of_group_by_code(case, seed):
    codes, n_codes = case
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, 4, len(codes)).astype(np.int32)
    values = rng.normal(size=len(codes)).astype(np.float32)
    indptr, indices, carried = sparse_rows(np.array(codes, np.int32), n_codes, columns, values)
    expected_indptr, order = naive.group_by_code(codes, n_codes)
    assert indptr.tolist() == expected_indptr
    assert indices.tolist() == [columns[t] for t in order]
    assert carried.tolist() == [values[t] for t in order]


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=5))
def test_first_repeat_equals_its_twin(rows):
    indptr, indices, _ = naive.arrays([[(column, 0.0) for column in row] for row in rows])
    assert first_repeat(indptr, indices, 5) == naive.first_repeat(rows)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([[]], (-1, -1)),
        ([[0]], (-1, -1)),
        ([[0, 0]], (0, 0)),
        ([[1, 2], [2, 1]], (-1, -1)),  # the same column in two rows is no repeat
        ([[1, 2], [], [0, 3, 2, 3, 0]], (2, 3)),
    ],
)
def test_first_repeat_by_hand(rows, found):
    indptr, indices, _ = naive.arrays([[(column, 0.0) for column in row] for row in rows])
    assert first_repeat(indptr, indices, 4) == found
