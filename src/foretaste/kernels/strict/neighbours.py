"""What the neighbours of a row say of a column, each sum in the order of a stable ranking."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel

Flags = npt.NDArray[np.bool_]

# Candidates are collected until there are so many times as many as are wanted, and then thinned out.
_ROOM = 4
# Fewer than this are put in order by insertion.
_FEW = 16


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
    for c in pair_columns:
        longest = max(longest, indptr[c + 1] - indptr[c])
    most = max(min(k, longest), 0)
    room = min(longest, _ROOM * most) + 1
    best, places = np.empty(room), np.empty(room, np.int64)
    for q in range(starts.size - 1):
        near = similar[q]
        for s in range(starts[q], starts[q + 1]):
            p = order[s]
            c = pair_columns[p]
            n, unordered[p] = _highest(near, rows, indptr[c], indptr[c + 1], most, best, places)
            total = weight = 0.0
            for j in range(n):
                t = np.uint64(places[j])
                r = np.uint64(rows[t])
                total += best[j] * (values[t] - (row_centres[r] + column_centres[c])) / row_spreads[r]
                weight += best[j]
            counts[p] = n
            out[p] = total / weight if n >= min_k and n > 0 else 0.0


@strict_kernel
def _highest(
    near: Float64, rows: Codes, begin: int, end: int, most: int, best: Float64, places: Pointers
) -> tuple[int, bool]:
    """The highest similarities above 0 among entries `begin` to `end`, and their places, the first of equals first.

    Parameters
    ----------
    best, places : float64 and int64 arrays with room for more than `most`, written

    Returns
    -------
    int, bool
        How many there are, at most `most`, and whether any similarity was not a number.
    """
    n, lowest, unordered = 0, 0.0, False
    if most == 0:
        return n, unordered
    for t in range(np.uint64(begin), np.uint64(end)):
        similarity = near[np.uint64(rows[t])]
        # overwritten by the next unless it counts: no branch to be guessed wrongly
        best[np.uint64(n)], places[np.uint64(n)] = similarity, t
        n += similarity > lowest
        unordered |= similarity != similarity  # noqa: PLR0124  not a number
        if n == best.size:
            n = _thin_out(best, places, n, most)
            lowest = best[most - 1]
    return _thin_out(best, places, n, most), unordered


@strict_kernel
def _thin_out(values: Float64, places: Pointers, n: int, most: int) -> int:
    """Put the highest of n values first, in order, the lowest place first among equals; returns how many are left.

    A quicksort that leaves alone whatever lies behind the first `most`.
    """
    starts, stops = np.empty(64, np.int64), np.empty(64, np.int64)
    depth, starts[0], stops[0] = 1, 0, n
    while depth:
        depth -= 1
        start, stop = starts[depth], stops[depth]
        while stop - start > _FEW:
            # the middle of three as pivot, moved to the end
            middle, last = (start + stop) // 2, stop - 1
            a, b, c = values[start], values[middle], values[last]
            chosen = middle if (a < b) == (b < c) else start if (b < a) == (a < c) else last
            pivot, pivot_place = values[chosen], places[chosen]
            values[chosen], places[chosen] = values[last], places[last]
            edge = np.uint64(start)
            # every entry changes places; only the edge moves or not: no branch
            for j in range(np.uint64(start), np.uint64(last)):
                value, place = values[j], places[j]
                values[j], places[j] = values[edge], places[edge]
                values[edge], places[edge] = value, place
                edge += np.uint64((value > pivot) | ((value == pivot) & (place < pivot_place)))
            cut = np.int64(edge)
            values[last], places[last] = values[cut], places[cut]
            values[cut], places[cut] = pivot, pivot_place
            # go on with the smaller part, so that the stack stays short
            left, right = (start, cut), (cut + 1, stop)
            smaller, larger = (left, right) if cut - start < stop - cut else (right, left)
            if larger[0] < most:
                starts[depth], stops[depth] = larger
                depth += 1
            start, stop = smaller
            if start >= most:
                stop = start
        for j in range(start + 1, stop):
            value, place, to = values[j], places[j], j
            while to > start and (values[to - 1] < value or (values[to - 1] == value and places[to - 1] > place)):
                values[to], places[to] = values[to - 1], places[to - 1]
                to -= 1
            values[to], places[to] = value, place
    return min(n, most)
