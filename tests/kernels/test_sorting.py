import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.sorting import (
    add_repeats,
    count_codes,
    first_repeat,
    gather_rows,
    group_by_code,
    is_sorted,
    row_blocks,
    row_starts,
    sparse_rows,
    transpose_rows,
)


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


@given(coded(), st.integers(1, 9))
def test_row_blocks_cover_every_row_once_and_hold_so_many_entries_or_one_row(case, size):
    codes, n_codes = case
    indptr = row_starts(np.array(codes, np.int32), n_codes)
    blocks = list(row_blocks(indptr, size))
    assert [row for first, last in blocks for row in range(first, last)] == list(range(n_codes))
    for first, last in blocks:
        assert indptr[last] - indptr[first] <= size or last == first + 1
        assert last == n_codes or indptr[last + 1] - indptr[first] > size, "one row more would have fitted"


@given(coded(), st.integers(1, 9), naive.seeds)
def test_gather_rows_block_by_block_is_the_whole(case, size, seed):
    codes, n_codes = np.array(case[0], np.int32), case[1]
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, 4, codes.size).astype(np.int32)
    values = rng.normal(size=codes.size).astype(np.float32)
    indptr, indices, carried = sparse_rows(codes, n_codes, columns, values)
    found, found_values = np.full_like(indices, -1), np.full_like(carried, np.nan)
    for first, last in row_blocks(indptr, size):
        gather_rows(codes, columns, values, first, indptr[first:last].copy(), found, found_values)
    assert found.tolist() == indices.tolist()
    assert found_values.tolist() == carried.tolist()


@given(coded())
def test_codes_are_counted_and_looked_at_for_order(case):
    codes, n_codes = case
    array = np.array(codes, np.int32)
    assert count_codes(array, n_codes).tolist() == [codes.count(code) for code in range(n_codes)]
    assert is_sorted(array) == (codes == sorted(codes))
    assert is_sorted(np.sort(array))


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


@given(naive.sparse())
def test_transpose_rows_equals_its_twin_and_twice_sorts_by_column(case):
    rows, n_columns = case
    transposed = transpose_rows(*naive.arrays(rows), n_columns)
    assert [part.tolist() for part in transposed] == [part.tolist() for part in naive.arrays(naive.transpose(*case))]
    assert [part.dtype for part in transposed] == [np.int64, np.int32, np.float32]
    back = transpose_rows(*transposed, len(rows))
    assert [part.tolist() for part in back] == [part.tolist() for part in naive.arrays([sorted(row) for row in rows])]


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.5, 1.0, 2.0])), max_size=8), min_size=1))
def test_add_repeats_equals_its_twin(rows):
    rows = [sorted(row) for row in rows]
    indptr, indices, values = naive.arrays(rows)
    kept = add_repeats(indptr, indices, values)
    found = (indptr, indices[:kept], values[:kept])
    assert [part.tolist() for part in found] == [part.tolist() for part in naive.arrays(naive.add_repeats(rows))]
