"""Which rows of a sparse matrix are alike, and what the like ones say of a column."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel

Keys = npt.NDArray[np.uint64]

# Kinds of similarity, as `similar_rows` knows them.
COSINE, MSD, PEARSON, WHOLE_COSINE, PRODUCT = 0, 1, 2, 3, 4
# How many sums over the columns that two rows share each of them needs, and how many of these in double precision.
_WIDTHS, _WIDE = (4, 2, 1, 2, 1), (0, 0, 5, 0, 0)
# Similarities of whole stars are often equal, and have to be so on any scale of the ratings: what is told apart is told
# apart by a millionth.
_STEPS = np.float32(2**20)

# Rows looked at together for one that is among the best.
_STRIP = 64
# Candidates are collected until there are so many times as many as are kept, and then thinned out.
_ROOM = 4
# Fewer keys than this are put in order by insertion.
_FEW = 16
# A variance of this share of the mean square is rounding: a row of equal values has none.
_NOTHING = 1e-12


@kernel
def similar_rows(
    query_indptr: Pointers,
    query_columns: Codes,
    query_values: Float32,
    query_lengths: Float32,
    indptr: Pointers,
    rows: Codes,
    values: Float32,
    lengths: Float32,
    kind: int,
    min_support: int,
    shrinkage: float,
    own: bool,
    first: int,
    last: int,
    codes: Codes,
    similarities: Float32,
    counts: Pointers,
) -> None:
    r"""For queries `first` to `last` the rows of highest similarity above 0, best first, the lowest code among equals.

    With C the columns that query q and row r share, n of them, x the values of q and y those of r:

    .. math::

        \text{COSINE} &= \frac{\sum_C x y}{\sqrt{\sum_C x^2 \sum_C y^2}}, \qquad
        \text{MSD} = \frac{1}{1 + \frac{1}{n} \sum_C (x - y)^2}, \\
        \text{PEARSON} &= \frac{n \sum_C x y - \sum_C x \sum_C y}
            {\sqrt{n \sum_C x^2 - (\sum_C x)^2} \sqrt{n \sum_C y^2 - (\sum_C y)^2}}, \qquad
        \text{WHOLE\_COSINE} = \frac{\sum_C x y}{|x| |y|}

    each times (n - 1) / (n - 1 + shrinkage), and 0 where n < min_support. MSD and PEARSON are rounded to multiples of
    2^-20 before. WHOLE_COSINE takes gaps for zeros: its lengths are those of whole rows. Of values that are all 0 or
    more there is also

    .. math:: \text{PRODUCT} = \frac{\sum_C x y}{|x| |y| + \text{shrinkage}}

    with whatever lengths are given, which may exceed 1 and does not count what is shared: `min_support` is not looked
    at.

    A query is a walk over its columns and over the rows in each; the sums are kept in a table of a column a row, and
    nothing of the size n_rows x n_rows is ever there.

    Parameters
    ----------
    query_indptr, query_columns, query_values : the queries, by rows
    query_lengths : float32 array of shape (n_queries,)
    indptr, rows, values : the sparse matrix by columns
    lengths : float32 array of shape (n_rows,)
    own : bool
        Whether query q is row q, which is then left out.
    codes, similarities : int32 and float32 arrays of shape (last - first, n_kept), written
    counts : int64 array of shape (last - first,), written
        How many there are.
    """
    n_rows, n_kept = lengths.size, codes.shape[1]
    table, wide = np.zeros((_WIDTHS[kind], n_rows), np.float32), np.zeros((_WIDE[kind], n_rows))
    shared = table[0]
    strip = np.empty(_STRIP, np.float32)
    keys = np.empty(_ROOM * n_kept + _STRIP, np.uint64)
    for q in range(first, last):
        n_walked = 0
        for t in range(query_indptr[q], query_indptr[q + 1]):
            c = query_columns[t]
            _add_column(kind, query_values[t], indptr[c], indptr[c + 1], rows, values, table, wide)
            n_walked += indptr[c + 1] - indptr[c]
        if own:
            shared[q] = 0
        n, lowest, length = 0, np.float32(0), query_lengths[q]
        if n_walked < n_rows:
            # most rows share nothing with the query: those that do are met again on the same walk
            for t in range(query_indptr[q], query_indptr[q + 1]):
                c = query_columns[t]
                for s in range(indptr[c], indptr[c + 1]):
                    r = rows[s]
                    if shared[r] > 0:
                        _compare(kind, table, wide, r, r + 1, length, lengths, min_support, shrinkage, strip)
                        n = _collect(strip, 1, r, lowest, keys, n)
                        if n > _ROOM * n_kept:
                            n, lowest = _thin_out(keys, n, n_kept)
                    shared[r] = 0
            for t in range(query_indptr[q], query_indptr[q + 1]):
                c = query_columns[t]
                for s in range(indptr[c], indptr[c + 1]):
                    table[:, rows[s]] = 0
                    wide[:, rows[s]] = 0
        else:
            for begin in range(0, n_rows, _STRIP):
                end = min(begin + _STRIP, n_rows)
                _compare(kind, table, wide, begin, end, length, lengths, min_support, shrinkage, strip)
                n = _collect(strip, end - begin, begin, lowest, keys, n)
                if n > _ROOM * n_kept:
                    n, lowest = _thin_out(keys, n, n_kept)
            table[:] = 0
            wide[:] = 0
        n, lowest = _thin_out(keys, n, n_kept)
        counts[q - first] = n
        for k in range(n):
            codes[q - first, k] = np.int64(_LOW - (keys[k] & _LOW))
            strip.view(np.uint32)[0] = keys[k] >> _HALF
            similarities[q - first, k] = strip[0]


@kernel
def _add_column(
    kind: int, x: float, begin: int, end: int, rows: Codes, values: Float32, table: Float32, wide: Float64
) -> None:
    """Add what column values y, beside the query's x, contribute to the sums of each of its rows."""
    # unsigned: a position that may be negative would be looked at twice, which nearly doubles the time
    first, last = np.uint64(begin), np.uint64(end)
    one, xx = np.float32(1), x * x
    n = table[0]
    if kind == WHOLE_COSINE:
        sums = table[1]
        for s in range(first, last):
            r = np.uint64(rows[s])
            n[r] += one
            sums[r] += x * values[s]
    elif kind == MSD:
        sums = table[1]
        for s in range(first, last):
            r, difference = np.uint64(rows[s]), x - values[s]
            n[r] += one
            sums[r] += difference * difference
    elif kind == COSINE:
        sums, x_squares, y_squares = table[1], table[2], table[3]
        for s in range(first, last):
            r, y = np.uint64(rows[s]), values[s]
            n[r] += one
            sums[r] += x * y
            x_squares[r] += xx
            y_squares[r] += y * y
    elif kind == PRODUCT:
        for s in range(first, last):
            n[np.uint64(rows[s])] += x * values[s]  # what is shared, and how much, in one
    else:
        # sums whose differences may be small beside them
        wide_x = np.float64(x)
        for s in range(first, last):
            r, y = np.uint64(rows[s]), np.float64(values[s])
            n[r] += one
            wide[0, r] += wide_x * y
            wide[1, r] += wide_x * wide_x
            wide[2, r] += y * y
            wide[3, r] += wide_x
            wide[4, r] += y


@kernel
def _compare(
    kind: int,
    table: Float32,
    wide: Float64,
    begin: int,
    end: int,
    length: float,
    lengths: Float32,
    min_support: int,
    shrinkage: float,
    strip: Float32,
) -> None:
    """The similarities of rows `begin` to `end`, from their sums, into `strip`."""
    zero, one, least = np.float32(0), np.float32(1), np.float32(max(min_support, 1))
    n = table[0, begin:end]
    if kind == PRODUCT:
        doubt = np.float32(shrinkage)
        for k in range(n.size):
            product = length * lengths[begin + k] + doubt
            strip[k] = n[k] / product if product > 0 else zero
        return
    if kind == WHOLE_COSINE:
        sums = table[1, begin:end]
        for k in range(n.size):
            product = length * lengths[begin + k]
            strip[k] = sums[k] / product if product > 0 else zero
    elif kind == MSD:
        sums = table[1, begin:end]
        for k in range(n.size):
            many = max(n[k], one)
            strip[k] = np.round(_STEPS * (many / (many + sums[k]))) / _STEPS
    elif kind == COSINE:
        sums, x_squares, y_squares = table[1, begin:end], table[2, begin:end], table[3, begin:end]
        for k in range(n.size):
            # in double precision neither the product nor its root is rounded enough to tell equals apart
            product = np.sqrt(np.float64(x_squares[k]) * np.float64(y_squares[k]))
            strip[k] = sums[k] / product if product > 0 else zero
    else:
        for k in range(n.size):
            count, x, y = np.float64(n[k]), wide[3, begin + k], wide[4, begin + k]
            xx, yy = count * wide[1, begin + k], count * wide[2, begin + k]
            x_spread, y_spread = xx - x * x, yy - y * y
            some = x_spread > _NOTHING * xx and y_spread > _NOTHING * yy
            product = np.sqrt(x_spread) * np.sqrt(y_spread) if some else 1.0
            similarity = (count * wide[0, begin + k] - x * y) / product if some else 0.0
            strip[k] = np.round(_STEPS * np.float32(similarity)) / _STEPS
    for k in range(n.size):
        strip[k] = min(strip[k], one) if n[k] >= least else zero
    doubt = np.float32(shrinkage)
    if doubt > 0:
        for k in range(n.size):
            many = max(n[k] - one, zero)
            strip[k] *= many / (many + doubt)


# A candidate is one number that orders as it should: the bits of its similarity, which for positive numbers order as
# the numbers do, above those of its code turned round, so that among equals the lowest code is the highest key.
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@kernel
def _collect(strip: Float32, n_strip: int, begin: int, lowest: np.float32, keys: Keys, n: int) -> int:
    """Add to n keys the rows from `begin` of positive similarity that reach the lowest; returns how many there are."""
    higher = 0
    for k in range(n_strip):  # a vectorised look, which mostly finds nothing
        higher += strip[k] > 0 and strip[k] >= lowest
    if higher:
        bits = strip.view(np.uint32)
        for k in range(n_strip):
            if strip[k] > 0 and strip[k] >= lowest:
                keys[n] = (np.uint64(bits[k]) << _HALF) | (_LOW - np.uint64(begin + k))
                n += 1
    return n


@kernel
def _thin_out(keys: Keys, n: int, n_kept: int) -> tuple[int, np.float32]:
    """Put the n_kept highest of n keys first, in order; returns how many there are, and the lowest similarity left.

    A quicksort that leaves alone whatever lies behind the first n_kept.
    """
    starts, stops = np.empty(64, np.int64), np.empty(64, np.int64)
    depth, starts[0], stops[0] = 1, 0, n
    while depth:
        depth -= 1
        start, stop = starts[depth], stops[depth]
        while stop - start > _FEW:
            # the middle of three as pivot, moved to the end
            middle = (start + stop) // 2
            a, b, c = keys[start], keys[middle], keys[stop - 1]
            place = middle if (a < b) == (b < c) else start if (b < a) == (a < c) else stop - 1
            pivot = keys[place]
            keys[place] = keys[stop - 1]
            edge = start
            for k in range(start, stop - 1):  # every key changes places; only the edge moves or not: no branch
                key = keys[k]
                keys[k] = keys[edge]
                keys[edge] = key
                edge += key > pivot
            keys[stop - 1] = keys[edge]
            keys[edge] = pivot
            # go on with the smaller part, so that the stack stays short
            left, right = (start, edge), (edge + 1, stop)
            smaller, larger = (left, right) if edge - start < stop - edge else (right, left)
            if larger[0] < n_kept:
                starts[depth], stops[depth] = larger
                depth += 1
            start, stop = smaller
            if start >= n_kept:
                stop = start
        for k in range(start + 1, stop):
            key, place = keys[k], k
            while place > start and keys[place - 1] < key:
                keys[place] = keys[place - 1]
                place -= 1
            keys[place] = key
    kept = min(n, n_kept)
    bits = np.zeros(1, np.uint32)
    if n >= n_kept:
        bits[0] = keys[n_kept - 1] >> _HALF
    return kept, bits.view(np.float32)[0]


@kernel
def deviations(
    starts: Pointers,
    pair_rows: Codes,
    indptr: Pointers,
    rows: Codes,
    values: Float32,
    column_centres: Float64,
    row_centres: Float32,
    row_spreads: Float32,
    neighbor_indptr: Pointers,
    neighbors: Codes,
    similarities: Float32,
    n_neighbors: int,
    min_neighbors: int,
    damping: float,
    first: int,
    last: int,
    out: Float64,
) -> None:
    r"""How far the neighbours of a row lie from their own centres in a column, for pairs of row and column.

    .. math:: d_{qc} = \frac{\sum_{r \in N} w_{qr} \frac{v_{rc} - a_r - b_c}{s_r}}{\sum_{r \in N} w_{qr} + \delta}

    N are the first `n_neighbors` of the neighbours of q that have a value in column c. Where there are fewer than
    `min_neighbors`, or none, it is 0.

    Parameters
    ----------
    starts : int64 array of shape (n_columns + 1,)
        The pairs of column c are `starts[c]:starts[c + 1]`.
    pair_rows : int32 array of shape (n_pairs,)
    indptr, rows, values : the sparse matrix v, by columns
    column_centres, row_centres, row_spreads : the b, a and s
    neighbor_indptr, neighbors, similarities : the w, by q, highest first
    first, last : int
        Columns to be worked on.
    out : float64 array of shape (n_pairs,), written
    """
    gap = np.float32(np.nan)
    column = np.full(row_centres.size, gap, np.float32)
    found = np.empty(n_neighbors + 1, np.int64)
    for c in range(first, last):
        if starts[c] == starts[c + 1]:
            continue
        for t in range(indptr[c], indptr[c + 1]):
            r = rows[t]
            column[r] = (values[t] - column_centres[c] - row_centres[r]) / row_spreads[r]
        for p in range(starts[c], starts[c + 1]):
            q = pair_rows[p]
            n = 0
            for t in range(np.uint64(neighbor_indptr[q]), np.uint64(neighbor_indptr[q + 1])):
                value = column[np.uint64(neighbors[t])]
                found[np.uint64(n)] = t  # overwritten by the next unless it counts: no branch to be guessed wrongly
                n += value == value  # noqa: PLR0124  a gap is not equal to itself
                if n >= n_neighbors:
                    break
            total = weight = 0.0
            for k in range(n):
                t = found[k]
                total += np.float64(similarities[t]) * np.float64(column[neighbors[t]])
                weight += np.float64(similarities[t])
            out[p] = total / (weight + damping) if n >= min_neighbors and n > 0 else 0.0
        for t in range(indptr[c], indptr[c + 1]):
            column[rows[t]] = gap
