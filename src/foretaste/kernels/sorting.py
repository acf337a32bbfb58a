"""Grouping by code: the one preparation every sparse kernel starts from."""

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel


@kernel
def group_by_code(codes: Codes, n_codes: int) -> tuple[Pointers, Codes]:
    """Stable counting sort: `order[indptr[c]:indptr[c + 1]]` are the places where `codes == c`, in their order.

    O(n + n_codes) time; at 20 million rows several times faster than a comparison sort.

    Returns
    -------
    indptr : int64 array of shape (n_codes + 1,)
    order : int32 array of shape (n,)
    """
    indptr = _starts(codes, n_codes)
    order = np.empty(codes.size, np.int32)
    place = indptr[:-1].copy()
    for t in range(codes.size):
        code = codes[t]
        order[place[code]] = t
        place[code] += 1
    return indptr, order


@kernel
def sparse_rows(row_codes: Codes, n_rows: int, column_codes: Codes, values: Float32) -> tuple[Pointers, Codes, Float32]:
    """A sparse matrix by rows from its entries; within a row they keep their order.

    As `group_by_code`, with columns and values carried straight to their places: no order has to be kept and followed.

    Returns
    -------
    indptr : int64 array of shape (n_rows + 1,)
    indices : int32 array of shape (n,)
    values : float32 array of shape (n,)
    """
    indptr = _starts(row_codes, n_rows)
    indices = np.empty(column_codes.size, np.int32)
    carried = np.empty(values.size, np.float32)
    place = indptr[:-1].copy()
    for t in range(row_codes.size):
        code = row_codes[t]
        indices[place[code]] = column_codes[t]
        carried[place[code]] = values[t]
        place[code] += 1
    return indptr, indices, carried


@kernel
def _starts(codes: Codes, n_codes: int) -> Pointers:
    """Where each code starts when the codes are sorted."""
    starts = np.zeros(n_codes + 1, np.int64)
    for code in codes:
        starts[code + 1] += 1
    for c in range(n_codes):
        starts[c + 1] += starts[c]
    return starts


@kernel
def first_repeat(indptr: Pointers, indices: Codes, n_columns: int) -> tuple[int, int]:
    """Row and column of the first entry that occurs twice in its row, or (-1, -1)."""
    last_row = np.full(n_columns, -1, np.int64)
    for row in range(indptr.size - 1):
        for t in range(indptr[row], indptr[row + 1]):
            column = indices[t]
            if last_row[column] == row:
                return row, column
            last_row[column] = row
    return -1, -1
