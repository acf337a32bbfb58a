"""Grouping by code: the one preparation every sparse kernel starts from."""

import numpy as np

from foretaste._typing import Codes, Pointers
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
    indptr = np.zeros(n_codes + 1, np.int64)
    for code in codes:
        indptr[code + 1] += 1
    for c in range(n_codes):
        indptr[c + 1] += indptr[c]
    order = np.empty(codes.size, np.int32)
    place = indptr[:-1].copy()
    for t in range(codes.size):
        code = codes[t]
        order[place[code]] = t
        place[code] += 1
    return indptr, order


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
