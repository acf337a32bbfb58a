"""What the neighbours of a row say of a column, each sum in the order of a stable ranking."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel

Flags = npt.NDArray[np.bool_]


@strict_kernel
def opinions(
    starts: Pointers,
    order: Codes,
    pair_columns: Codes,
    similar: Float64,
    indptr: Pointers,
    rows: Codes,
    values: Float64,
    row_centres: Float64,
    row_spreads: Float64,
    column_centres: Float64,
    k: int,
    min_k: int,
    out: Float64,
    counts: Codes,
    unordered: Flags,
) -> None:
    r"""How far the neighbours of a row lie from their own centres in a column, for pairs of row and column.

    .. math:: d_{qc} = \frac{\sum_{r \in N} w_{qr} (v_{rc} - (a_r + b_c)) / s_r}{\sum_{r \in N} w_{qr}}

    N are the k rows of highest similarity w > 0 to q among the entries of column c, the first of equals; the sums run
    from the highest down. Where there are fewer than `min_k`, or none, it is 0.

    Parameters
    ----------
    starts, order : int64 array of shape (n_rows + 1,) and int32 array of shape (n_pairs,)
        The pairs of row q are `order[starts[q]:starts[q + 1]]`.
    pair_columns : int32 array of shape (n_pairs,)
    similar : float64 array of shape (n_rows, n_rows)
        The w.
    indptr, rows, values : the sparse matrix v, by columns
    row_centres, row_spreads, column_centres : the a, s and b
    out, counts : float64 and int32 arrays of shape (n_pairs,), written
        The d, and how many neighbours there were.
    unordered : bool array of shape (n_pairs,), written
        Whether a similarity was not a number, so that there is no highest.
    """
    longest = 0
    for c in range(indptr.size - 1):
        longest = max(longest, indptr[c + 1] - indptr[c])
    room = max(min(k, longest), 0)
    best, places = np.empty(room), np.empty(room, np.int64)
    for q in range(starts.size - 1):
        near = similar[q]
        for s in range(starts[q], starts[q + 1]):
            p = order[s]
            c = pair_columns[p]
            n, unordered[p] = _highest(near, rows, indptr[c], indptr[c + 1], best, places)
            total = weight = 0.0
            for j in range(n):
                t = places[j]
                r = rows[t]
                total += best[j] * (values[t] - (row_centres[r] + column_centres[c])) / row_spreads[r]
                weight += best[j]
            counts[p] = n
            out[p] = total / weight if n >= min_k and n > 0 else 0.0


@strict_kernel
def _highest(near: Float64, rows: Codes, begin: int, end: int, best: Float64, places: Pointers) -> tuple[int, bool]:
    """The highest similarities above 0 among entries `begin` to `end`, and their places, the first of equals first.

    A heap with the lowest on top, and the last of equals above the others; taken down to the ranking in the end.

    Returns
    -------
    int, bool
        How many there are, at most as many as fit, and whether any similarity was not a number.
    """
    room, n, unordered = best.size, 0, False
    lowest = 0.0
    for t in range(np.uint64(begin), np.uint64(end)):
        similarity = near[np.uint64(rows[t])]
        if similarity <= lowest:
            continue
        if similarity != similarity:  # noqa: PLR0124  not a number
            unordered = True
        elif n < room:
            # ascends from the end
            child = n
            n += 1
            while child > 0:
                parent = (child - 1) >> 1
                if best[parent] < similarity:
                    break
                best[child], places[child] = best[parent], places[parent]
                child = parent
            best[child], places[child] = similarity, t
            if n == room:
                lowest = best[0]
        elif room:
            _sink(best, places, n, similarity, int(t))
            lowest = best[0]
    for last in range(n - 1, 0, -1):
        lowest, place = best[0], places[0]
        _sink(best, places, last, best[last], places[last])
        best[last], places[last] = lowest, place
    return n, unordered


@strict_kernel
def _sink(best: Float64, places: Pointers, n: int, similarity: float, place: int) -> None:
    """Put an entry instead of the top of a heap of n, and let it down to where it belongs."""
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= n:
            break
        other = child + 1
        if other < n and (best[other] < best[child] or (best[other] == best[child] and places[other] > places[child])):
            child = other
        if similarity < best[child] or (similarity == best[child] and place > places[child]):
            break
        best[parent], places[parent] = best[child], places[child]
        parent = child
    best[parent], places[parent] = similarity, place
