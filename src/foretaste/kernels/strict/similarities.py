"""How alike two rows of a sparse matrix are over the columns they share, all pairs, sums in the order of the data."""

import numpy as np

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel

# Kinds of similarity, and how many sums each keeps of a pair. A row of sums is 16, 32 or 64 bytes: within one line of
# the cache.
COSINE, MSD, PEARSON, SHRUNK_COSINE = 0, 1, 2, 3
WIDTHS = (4, 2, 8, 4)

# Side of the squares in which the upper half is copied to the lower: two of them stay in the first cache.
_SQUARE = 32


@strict_kernel
def transposed(indptr: Pointers, columns: Codes, values: Float64, n_columns: int) -> tuple[Pointers, Codes, Float64]:
    """The same sparse matrix by columns; entries of a column come in the order of the rows, repeated ones as they were.

    Two turns give the matrix by rows again, each row sorted by column, repeated entries still in their order.
    """
    starts = np.zeros(n_columns + 1, np.int64)
    for t in range(columns.size):
        starts[columns[t] + 1] += 1
    for c in range(n_columns):
        starts[c + 1] += starts[c]
    place = starts[:-1].copy()
    rows, carried = np.empty(columns.size, np.int32), np.empty(columns.size, np.float64)
    for r in range(indptr.size - 1):
        for t in range(indptr[r], indptr[r + 1]):
            c = columns[t]
            rows[place[c]], carried[place[c]] = r, values[t]
            place[c] += 1
    return starts, rows, carried


@strict_kernel
def similarities(
    kind: int,
    indptr: Pointers,
    columns: Codes,
    values: Float64,
    column_indptr: Pointers,
    column_rows: Codes,
    column_values: Float64,
    min_support: int,
    shrinkage: float,
    sums: Float64,
    similar: Float64,
) -> int:
    r"""The similarity of all pairs of rows; 1 of a row with itself, and 0 where fewer than `min_support` are shared.

    With C the columns that rows q < r share, n of them, x the values of q and y those of r:

    .. math::

        \text{COSINE} &= \frac{\sum_C x y}{\sqrt{\sum_C x^2 \cdot \sum_C y^2}}, \qquad
        \text{SHRUNK\_COSINE} = \text{COSINE} \cdot \frac{n - 1}{n - 1 + \text{shrinkage}}, \\
        \text{MSD} &= \frac{1}{\frac{1}{n} \sum_C (x - y)^2 + 1}, \qquad
        \text{PEARSON} = \frac{n \sum_C x y - \sum_C x \sum_C y}
            {\sqrt{(n \sum_C x^2 - (\sum_C x)^2) (n \sum_C y^2 - (\sum_C y)^2)}}

    PEARSON is 0 where its denominator is. Each sum runs over the columns in their order, and over repeated entries of
    a column in theirs. A pair is summed once: the rows come in ascending order, and a cursor in each column has passed
    all those that came before.

    Parameters
    ----------
    indptr, columns, values : the matrix by rows, each row sorted by column
    column_indptr, column_rows, column_values : the same by columns, each sorted by row
    sums : float64 array of shape (n_rows, WIDTHS[kind]), zeros; zeros again in the end
    similar : float64 array of shape (n_rows, n_rows), written

    Returns
    -------
    int
        -1, or q * n_rows + r for the first pair whose similarity is undefined, a division by 0.
    """
    n_rows = indptr.size - 1
    cursor = column_indptr[:-1].copy()
    for q in range(n_rows):
        for t in range(indptr[q], indptr[q + 1]):
            c = columns[t]
            begin, end = cursor[c], column_indptr[c + 1]
            while begin < end and column_rows[begin] == q:
                begin += 1
            cursor[c] = begin
            _add_column(kind, values[t], begin, end, column_rows, column_values, sums)
        similar[q, q] = 1.0
        undefined = _compare(kind, sums, q, min_support, shrinkage, similar)
        if undefined >= 0:
            return q * n_rows + undefined
    _mirror(similar)
    return -1


@strict_kernel
def _add_column(kind: int, x: float, begin: int, end: int, rows: Codes, values: Float64, sums: Float64) -> None:
    """Add what a column contributes to the sums of those who share it: values y beside the x of the row."""
    # unsigned: a position that may be negative would be looked at twice
    first, last = np.uint64(begin), np.uint64(end)
    xx = x * x
    if kind == MSD:
        for s in range(first, last):
            r, difference = np.uint64(rows[s]), x - values[s]
            sums[r, 0] += 1.0
            sums[r, 1] += difference * difference
    elif kind == PEARSON:
        for s in range(first, last):
            r, y = np.uint64(rows[s]), values[s]
            sums[r, 0] += 1.0
            sums[r, 1] += x * y
            sums[r, 2] += xx
            sums[r, 3] += y * y
            sums[r, 4] += x
            sums[r, 5] += y
    else:
        for s in range(first, last):
            r, y = np.uint64(rows[s]), values[s]
            sums[r, 0] += 1.0
            sums[r, 1] += x * y
            sums[r, 2] += xx
            sums[r, 3] += y * y


@strict_kernel
def _compare(kind: int, sums: Float64, q: int, min_support: int, shrinkage: float, similar: Float64) -> int:
    """The similarities of row q to those after it, from their sums; returns the first that is undefined, or -1."""
    undefined = -1
    for r in range(q + 1, sums.shape[0]):
        n = sums[r, 0]
        if n < min_support:
            similar[q, r] = 0.0
        else:
            if kind == MSD:
                above, below = sums[r, 1], n
            elif kind == PEARSON:
                xy, xx, yy, x, y = sums[r, 1], sums[r, 2], sums[r, 3], sums[r, 4], sums[r, 5]
                above, below = n * xy - x * y, np.sqrt((n * xx - x * x) * (n * yy - y * y))
            else:
                above, below = sums[r, 1], np.sqrt(sums[r, 2] * sums[r, 3])
            if below == 0.0:
                if kind != PEARSON and undefined < 0:
                    undefined = r
                similar[q, r] = 0.0
            elif kind == MSD:
                similar[q, r] = 1.0 / (above / below + 1.0)
            elif kind == SHRUNK_COSINE:
                trust = n - 1.0 + shrinkage
                if trust == 0.0 and undefined < 0:
                    undefined = r
                similar[q, r] = above / below * ((n - 1.0) / trust)
            else:
                similar[q, r] = above / below
        if n > 0.0:
            sums[r] = 0.0
    return undefined


@strict_kernel
def _mirror(similar: Float64) -> None:
    """Copy the upper half to the lower."""
    n = similar.shape[0]
    for top in range(0, n, _SQUARE):
        for left in range(top, n, _SQUARE):
            for q in range(top, min(top + _SQUARE, n)):
                for r in range(max(left, q + 1), min(left + _SQUARE, n)):
                    similar[r, q] = similar[q, r]
