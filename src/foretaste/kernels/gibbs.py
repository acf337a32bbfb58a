r"""Gibbs sampling of a factorisation machine whose features stand in blocks: users, items, days.

A rating belongs to one row r of each block, and a row has a vector :math:`q_r` and a bias :math:`t_r`:

.. math::

    \hat y = w_0 + \sum_b t_b + \sum_{b < b'} q_b \cdot q_{b'}

A row is normal around what its features j, of weights :math:`x_{rj}`, let expect, such as the items that a user rated:
:math:`(q_r, t_r) \sim N(\mu + \sum_j x_{rj} w_j, \mathrm{diag}(1 / \lambda))`. The w have normal priors of their own,
one for each group of features.

All that the ratings of a row say about it are a few sums over them, its moments, of the vector c of the other blocks
and of the target z, what the row has to explain: the rating less w_0 and all that the other blocks give by themselves.
They are M = sum c c', m = sum c, g = sum z c, and n, sum z, sum z^2.
"""

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel
from foretaste.kernels._tile import FEW, LANES, ROWS, TILE, add_tile, move_few, subtract_lanes, sum_few

# Ratings whose vectors stand side by side in the nearest cache while their products are added up.
_AT_ONCE = 64


@kernel
def find_moments(
    indptr: Pointers,
    others: Codes,
    values: Float32,
    w0: np.float32,
    q: Float32,
    t: Float32,
    first: int,
    last: int,
    squares: Float32,
    sums: Float32,
    targets: Float32,
    totals: Float32,
) -> None:
    """The moments of rows [first, last) of a block; arrays of moments begin with row `first`.

    Parameters
    ----------
    indptr : where the ratings of each row begin
    others : int32 array of shape (n_ratings, n_blocks - 1)
        The row of each other block, -1 for none, in the order of the rows.
    values : float32 array of shape (n_ratings,), the y
    q, t : float32 arrays of shape (n_rows, width) and (n_rows,)
        Of the rows of all blocks; the width a multiple of 8, filled up with zeros.
    squares : float32 array of shape (last - first, width, width), written: M, the lower triangle
    sums, targets : float32 arrays of shape (last - first, width), written: m and g
    totals : float32 array of shape (last - first, 3), written: n, sum z, sum z^2
    """
    width, n_others = q.shape[1], others.shape[1]
    c = np.empty((_AT_ONCE, width), np.float32)
    zero = np.float32(0)
    for row in range(first, last):
        gram, m, g = squares[row - first], sums[row - first], targets[row - first]
        gram[:] = zero
        m[:] = zero
        g[:] = zero
        total = total_square = zero
        start, stop = indptr[row], indptr[row + 1]
        for begin in range(start, stop, _AT_ONCE):
            n = min(_AT_ONCE, stop - begin)
            for place in range(n):
                own = c[place]
                target = values[begin + place] - w0
                other = others[begin + place, 0]
                if other >= 0:
                    x = q[other]
                    for f in range(width):
                        own[f] = x[f]
                    target -= t[other]
                else:
                    own[:] = zero
                for block in range(1, n_others):
                    other = others[begin + place, block]
                    if other >= 0:
                        x = q[other]
                        both = zero
                        for f in range(width):
                            both += own[f] * x[f]
                        for f in range(width):
                            own[f] += x[f]
                        target -= t[other] + both
                for f in range(width):
                    m[f] += own[f]
                    g[f] += target * own[f]
                total += target
                total_square += target * target
            for a in range(0, width, TILE):
                for b in range(0, a + 1, TILE):
                    add_tile(c, n, a, b, gram)
        totals[row - first, 0] = np.float32(stop - start)
        totals[row - first, 1] = total
        totals[row - first, 2] = total_square


@kernel
def draw_rows(
    squares: Float32,
    sums: Float32,
    targets: Float32,
    totals: Float32,
    precision: np.float32,
    prior: Float32,
    expected: Float32,
    normals: Float32,
    first: int,
    last: int,
    q: Float32,
    t: Float32,
    errors: Float64,
) -> None:
    r"""Draw rows [first, last) of a block, all numbers x = (q_r, t_r) of a row at once, given all else.

    .. math:: x \sim N(A^{-1} a, A^{-1}), \qquad
        A = \mathrm{diag}(\lambda) + \alpha \sum (c, 1)(c, 1)', \qquad
        a = \mathrm{diag}(\lambda) \, x_0 + \alpha \sum z \, (c, 1)

    With `normals` of zeros it is the mean. Eight rows are solved side by side, each in a lane of a vector.

    Parameters
    ----------
    squares, sums, targets, totals : moments of these rows, from `find_moments`
    precision : the alpha
    prior : float32 array of shape (n_factors + 1,), the lambda
    expected : float32 array of shape (n_rows, n_factors + 1), the x_0
    normals : float32 array of shape (n_rows, n_factors + 1)
    q, t : float32 arrays of shape (n_rows, width) and (n_rows,), written in [first, last)
        Of the rows of this block.
    errors : float64 array of shape (n_rows, 2), written in [first, last)
        The sum of the row's errors (prediction less rating), and of their squares.
    """
    k, zero = prior.size - 1, np.float32(0)
    a = np.zeros((k + ROWS, k + 1, LANES), np.float32)
    x = np.zeros((k + 1, LANES), np.float32)
    for begin in range(first, last, LANES):
        n_lanes = min(LANES, last - begin)
        for lane in range(n_lanes):
            row = begin + lane
            gram, m, g, start = squares[row - first], sums[row - first], targets[row - first], expected[row]
            for f in range(k):
                for e in range(f + 1):
                    a[f, e, lane] = precision * gram[f, e]
                a[f, f, lane] += prior[f]
                a[k, f, lane] = precision * m[f]
                x[f, lane] = precision * g[f] + prior[f] * start[f]
            a[k, k, lane] = precision * totals[row - first, 0] + prior[k]
            x[k, lane] = precision * totals[row - first, 1] + prior[k] * start[k]
        for lane in range(n_lanes, LANES):
            a[:, :, lane] = zero
            x[:, lane] = zero
            for f in range(k + 1):
                a[f, f, lane] = np.float32(1)
        _draw_lanes(a, x, normals, begin, n_lanes)
        for lane in range(n_lanes):
            row = begin + lane
            own = q[row]
            t[row] = x[k, lane]
            for f in range(k):
                own[f] = x[f, lane]
            place = row - first
            errors[row] = _errors(squares[place], sums[place], targets[place], totals[place], own, t[row], k)


@kernel
def _draw_lanes(a: Float32, x: Float32, normals: Float32, begin: int, n_lanes: int) -> None:
    """A draw from N(A^-1 x, A^-1) in each lane, written over x; A = L L' is overwritten by L, 1 / L on the diagonal."""
    n, one = x.shape[0], np.float32(1)
    for e in range(n):
        for f in range(e, n, ROWS):
            subtract_lanes(a, f, e)
        for lane in range(LANES):
            a[e, e, lane] = one / np.sqrt(max(a[e, e, lane], np.float32(1e-12)))
        for f in range(e + 1, n):
            for lane in range(LANES):
                a[f, e, lane] *= a[e, e, lane]
    for f in range(n):
        for d in range(f):
            for lane in range(LANES):
                x[f, lane] -= a[f, d, lane] * x[d, lane]
        for lane in range(LANES):
            x[f, lane] *= a[f, f, lane]
    for lane in range(n_lanes):
        for f in range(n):
            x[f, lane] += normals[begin + lane, f]
    for f in range(n - 1, -1, -1):
        for lane in range(LANES):
            x[f, lane] *= a[f, f, lane]
        for d in range(f):
            for lane in range(LANES):
                x[d, lane] -= a[f, d, lane] * x[f, lane]


@kernel
def _errors(
    gram: Float32, m: Float32, g: Float32, totals: Float32, q: Float32, t: np.float32, n_factors: int
) -> tuple[float, float]:
    """The sums of a row's errors and of their squares, by its moments."""
    n, total, two = totals[0], totals[1], np.float32(2)
    error, square = n * t - total, t * (n * t - two * total) + totals[2]
    for f in range(n_factors):
        product, row = t * m[f] - g[f], gram[f]
        for e in range(f):
            product += row[e] * q[e]
        square += q[f] * (two * product + row[f] * q[f])
        error += q[f] * m[f]
    return error, max(square, np.float32(0))


@kernel
def draw_plain_rows(
    indptr: Pointers,
    others: Codes,
    values: Float32,
    w0: np.float32,
    q: Float32,
    t: Float32,
    precision: np.float32,
    prior: Float32,
    expected: Float32,
    normals: Float32,
    offset: int,
    first: int,
    last: int,
    errors: Float64,
) -> None:
    """`find_moments` and `draw_rows` for rows [first, last) of a block, a few at a time.

    Their moments stay in the nearest cache. Arguments as there; `q` and `t` are those of the rows of all blocks, among
    which this block begins at `offset`.
    """
    width, n_rows = q.shape[1], len(indptr) - 1
    squares = np.empty((LANES, width, width), np.float32)
    sums, targets = np.empty((LANES, width), np.float32), np.empty((LANES, width), np.float32)
    totals = np.empty((LANES, 3), np.float32)
    own_q, own_t = q[offset : offset + n_rows], t[offset : offset + n_rows]
    settings = (precision, prior, expected, normals)
    for begin in range(first, last, LANES):
        end = min(begin + LANES, last)
        find_moments(indptr, others, values, w0, q, t, begin, end, squares, sums, targets, totals)
        draw_rows(squares, sums, targets, totals, *settings, begin, end, own_q, own_t, errors)


@kernel
def shift_features(
    indptr: Pointers,
    rows: Codes,
    weights: Float32,
    groups: Codes,
    squares: Float32,
    sums: Float32,
    targets: Float32,
    totals: Float32,
    precision: np.float32,
    prior: Float32,
    mean: Float32,
    normals: Float32,
    q: Float32,
    t: Float32,
    w: Float32,
    errors: Float64,
) -> None:
    r"""Draw the features of a block given the rows' deviations from what these let expect: the rows move with them.

    The numbers w of feature j move the prediction of a rating of row r by :math:`x_{rj} (c, 1)`. Given all else, a few
    of them at a time are normal, with

    .. math:: A = \mathrm{diag}(\lambda) + \alpha \sum_r x_{rj}^2 M_r, \qquad
        a = \lambda \mu + \alpha \Big( \sum_r x_{rj}^2 M_r w - \sum_r x_{rj} E_r \Big)

    as the inverse of their covariance and as A times their mean: M and E are sums over the ratings of a row, of
    (c, 1)(c, 1)' and of e (c, 1), where e are the errors as they stand (Rendle 2013, "Scaling factorization machines to
    relational data", for a number at a time).

    Parameters
    ----------
    indptr, rows, weights : the sparse matrix x, by features
    groups : int32 array of shape (n_features,)
    squares, sums, targets, totals : moments of all rows of the block, from `find_moments`; M is made whole
    precision : the alpha
    prior, mean : float32 arrays of shape (n_groups, n_factors + 1), the lambda and mu
    normals : float32 array of shape (n_features, n_factors + 1)
    q, t : float32 arrays of shape (n_rows, width) and (n_rows,), of the rows of this block; changed
    w : float32 array of shape (n_features, n_factors + 1), changed
    errors : float64 array of shape (n_rows, 2), written: the sums of the rows' errors and of their squares
    """
    n_rows, n = q.shape[0], w.shape[1]
    slopes = np.empty((n_rows, n), np.float32)
    for r in range(n_rows):
        gram = squares[r]
        for f in range(n - 1):
            for e in range(f):
                gram[e, f] = gram[f, e]
        _slopes(squares[r], sums[r], targets[r], totals[r], q[r], t[r], slopes[r])
    # Of each row what the loop over features looks at: M of these numbers, their E, and how far the row has moved.
    near = np.empty((n_rows, FEW * (FEW + 2)), np.float32)
    for first in range(0, n, FEW):
        count = min(FEW, n - first)
        for r in range(n_rows):
            near[r] = np.float32(0)
            for f in range(count):
                for e in range(count):
                    near[r, FEW * f + e] = _square(squares[r], sums[r], totals[r], first + f, first + e, n - 1)
                near[r, FEW * FEW + f] = slopes[r, first + f]
        _shift_few(indptr, rows, weights, groups, near, precision, prior, mean, normals, first, count, w)
        for r in range(n_rows):
            for f in range(count):
                move = near[r, FEW * (FEW + 1) + f]
                if first + f < n - 1:
                    q[r, first + f] += move
                else:
                    t[r] += move
                _follow(squares[r], sums[r], totals[r], first + f, move, slopes[r])
    for r in range(n_rows):
        errors[r] = _errors(squares[r], sums[r], targets[r], totals[r], q[r], t[r], n - 1)


@kernel
def _square(gram: Float32, m: Float32, totals: Float32, f: int, e: int, bias: int) -> np.float32:
    """The sum over a row's ratings of the product of two numbers of (c, 1)."""
    if max(f, e) < bias:
        return np.float32(gram[f, e])
    return np.float32(m[min(f, e)] if min(f, e) < bias else totals[0])


@kernel
def _follow(gram: Float32, m: Float32, totals: Float32, f: int, move: np.float32, slopes: Float32) -> None:
    """What a row's sums of e (c, 1) become when its number f moves."""
    k = slopes.size - 1
    if f < k:
        row = gram[f]
        for e in range(k):
            slopes[e] += move * row[e]
        slopes[k] += move * m[f]
    else:
        for e in range(k):
            slopes[e] += move * m[e]
        slopes[k] += move * totals[0]


@kernel
def _slopes(gram: Float32, m: Float32, g: Float32, totals: Float32, q: Float32, t: np.float32, out: Float32) -> None:
    """The sum over a row's ratings of e (c, 1), by its moments."""
    k = out.size - 1
    out[k] = totals[0] * t - totals[1]
    for f in range(k):
        row, total = gram[f], t * m[f] - g[f]
        for e in range(k):
            total += row[e] * q[e]
        out[f] = total
        out[k] += m[f] * q[f]


@kernel
def _shift_few(
    indptr: Pointers,
    rows: Codes,
    weights: Float32,
    groups: Codes,
    near: Float32,
    precision: np.float32,
    prior: Float32,
    mean: Float32,
    normals: Float32,
    first: int,
    count: int,
    w: Float32,
) -> None:
    """`shift_features` for numbers first, ..., first + count - 1 of every feature, feature after feature."""
    zero, n = np.float32(0), FEW
    total = np.empty(n * (n + 2), np.float32)
    gram, right, drawn = np.empty((n, n), np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    for j in range(groups.size):
        total[:] = zero
        sum_few(near, rows, weights, indptr[j], indptr[j + 1], total)
        lam, centre = prior[groups[j]], mean[groups[j]]
        for f in range(count):
            right[f] = -total[n * n + f]
            for e in range(count):
                gram[f, e] = precision * total[n * f + e]
                right[f] += total[n * f + e] * w[j, first + e]
            right[f] = precision * right[f] + lam[first + f] * centre[first + f]
            gram[f, f] += lam[first + f]
        _draw_one(gram, right, normals[j, first : first + count], count, drawn)
        total[:] = zero
        for f in range(count):
            move = drawn[f] - w[j, first + f]
            w[j, first + f] = drawn[f]
            total[n * f : n * f + n] = move
            total[n * (n + 1) + f] = move
        move_few(near, rows, weights, indptr[j], indptr[j + 1], total)


@kernel
def _draw_one(gram: Float32, right: Float32, normals: Float32, n: int, out: Float32) -> None:
    """A draw from N(gram^-1 right, gram^-1); gram = L L' is overwritten by L."""
    for f in range(n):
        for e in range(f + 1):
            left = gram[f, e]
            for d in range(e):
                left -= gram[f, d] * gram[e, d]
            gram[f, e] = left / gram[e, e] if e < f else np.sqrt(max(left, np.float32(1e-12)))
    for f in range(n):
        left = right[f]
        for d in range(f):
            left -= gram[f, d] * out[d]
        out[f] = left / gram[f, f]
    for f in range(n):
        out[f] += normals[f]
    for f in range(n - 1, -1, -1):
        out[f] /= gram[f, f]
        for d in range(f):
            out[d] -= gram[f, d] * out[f]


@kernel
def draw_features(
    indptr: Pointers,
    rows: Codes,
    weights: Float32,
    groups: Codes,
    row_prior: Float32,
    prior: Float32,
    mean: Float32,
    normals: Float32,
    deviations: Float32,
    w: Float32,
) -> None:
    r"""Draw the features of a block given its rows: a Bayesian regression of the rows on x, a feature after the other.

    .. math:: w_j \sim N\Big( \frac{\lambda \mu + \Lambda \sum x (d + x w_j)}{\lambda + \Lambda \sum x^2},
        \frac{1}{\lambda + \Lambda \sum x^2} \Big)

    with d the deviations of the rows from what is expected of them, and Lambda the precision of these.

    Parameters
    ----------
    indptr, rows, weights : the sparse matrix x, by features
    groups : int32 array of shape (n_features,)
    row_prior : float32 array of shape (n_factors + 1,), the Lambda
    prior, mean : float32 arrays of shape (n_groups, n_factors + 1), the lambda and mu
    normals : float32 array of shape (n_features, n_factors + 1)
    deviations : float32 array of shape (n_rows, n_factors + 1), the d, changed
    w : float32 array of shape (n_features, n_factors + 1), changed
    """
    n = w.shape[1]
    slope, change = np.empty(n, np.float32), np.empty(n, np.float32)
    zero = np.float32(0)
    for j in range(groups.size):
        square = zero
        slope[:] = zero
        for place in range(indptr[j], indptr[j + 1]):
            d, x = deviations[rows[place]], weights[place]
            square += x * x
            for f in range(n):
                slope[f] += x * d[f]
        own, lam, centre, normal = w[j], prior[groups[j]], mean[groups[j]], normals[j]
        for f in range(n):
            pooled = lam[f] + row_prior[f] * square
            number = (lam[f] * centre[f] + row_prior[f] * (slope[f] + square * own[f])) / pooled
            number += normal[f] / np.sqrt(pooled)
            change[f] = number - own[f]
            own[f] = number
        for place in range(indptr[j], indptr[j + 1]):
            d, x = deviations[rows[place]], weights[place]
            for f in range(n):
                d[f] -= x * change[f]


@kernel
def predict_rows(codes: Codes, w0: np.float32, q: Float32, t: Float32, first: int, last: int, out: Float32) -> None:
    """The predictions of ratings [first, last), by their rows of each block: w0 + sum t_b + sum q_b . q_b'.

    Parameters
    ----------
    codes : int32 array of shape (n_ratings, n_blocks), rows among those of all blocks; -1 for none
    q, t : float32 arrays of shape (n_rows, width) and (n_rows,), of all blocks
    out : float32 array of shape (n_ratings,), written in [first, last)
    """
    width, n_blocks, zero = q.shape[1], codes.shape[1], np.float32(0)
    c = np.empty(width, np.float32)
    for place in range(first, last):
        c[:] = zero
        total = w0
        for block in range(n_blocks):
            row = codes[place, block]
            if row >= 0:
                own, both = q[row], zero
                for f in range(width):
                    both += own[f] * c[f]
                for f in range(width):
                    c[f] += own[f]
                total += t[row] + both
        out[place] = total
