"""Stochastic gradient descent over the factors, in strata that threads can share and no thread count can change."""

from typing import NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel
from foretaste.kernels.sorting import sparse_rows

# float32 values to a cache line: rows of factors start on one, so that two threads never write the same line.
LINE = 16

# Below this many ratings, cutting the matrix up costs more than threads could win.
_WORTH_CUTTING = 20_000


class Strata(NamedTuple):
    """A rating matrix cut into B x B tiles of about equal weight, users and items relabelled along the cuts.

    Tile (a, b) holds the ratings of users `cuts[a]:cuts[a + 1]` (new labels) for the items of part b; those of user u
    are `starts[u * B + b]:starts[u * B + b + 1]`. Tiles that share neither a row nor a column of tiles can be worked
    on side by side.
    """

    n_parts: int
    user_labels: Codes
    item_labels: Codes
    cuts: Pointers
    starts: Pointers
    items: Codes
    values: Float32

    def user_counts(self) -> Pointers:
        """Number of ratings of each user, by new labels."""
        return np.diff(self.starts[:: self.n_parts])

    def item_counts(self, n_items: int) -> Pointers:
        """Number of ratings of each item, by new labels."""
        return np.bincount(self.items, minlength=n_items)


def stratify(
    user_codes: Codes, item_codes: Codes, values: Float32, n_users: int, n_items: int, rng: np.random.Generator
) -> Strata:
    """Cut a rating matrix up; the number of parts depends on the data alone, never on the number of threads."""
    n_parts = 4 if values.size >= _WORTH_CUTTING else 1
    user_labels = rng.permutation(n_users).astype(np.int32)
    item_labels = rng.permutation(n_items).astype(np.int32)
    users, items = user_labels[user_codes], item_labels[item_codes]
    item_cuts = _equal_cuts(np.bincount(items, minlength=n_items), n_parts)
    part_of_item = np.repeat(np.arange(n_parts, dtype=np.int32), np.diff(item_cuts))
    tile_rows = users * np.int32(n_parts) + part_of_item[items]
    starts, items, values = sparse_rows(tile_rows, n_users * n_parts, items, values)
    user_cuts = _equal_cuts(np.bincount(users, minlength=n_users), n_parts)
    return Strata(n_parts, user_labels, item_labels, user_cuts, starts, items, values)


def _equal_cuts(counts: Pointers, n_parts: int) -> Pointers:
    """Bounds that cut 0..n into parts of about equal total count."""
    total = np.cumsum(counts)
    inner = np.searchsorted(total, total[-1] * np.arange(1, n_parts) / n_parts)
    return np.concatenate(([0], inner, [counts.size])).astype(np.int64)


@kernel
def sgd_tile(
    starts: Pointers,
    items: Codes,
    values: Float32,
    n_parts: int,
    part: int,
    first_user: int,
    last_user: int,
    p: Float32,
    q: Float32,
    user_biases: Float32,
    item_biases: Float32,
    user_squares: Float32,
    item_squares: Float32,
    learning_rate: float,
    reg: float,
    user_shrinkage: Float32,
    item_shrinkage: Float32,
    bias_rate: float,
    n_factors: int,
) -> float:
    r"""One pass over a tile; returns the sum of squared errors met on the way.

    .. math::

        e_{ui} &= r_{ui} - b_u - b_i - p_u \cdot q_i \\
        p_u &\leftarrow p_u + \eta_u \sum_i (e_{ui} q_i - \lambda p_u), \qquad \eta_u = \eta / \sqrt{g_u} \\
        q_i &\leftarrow q_i + \eta_i (e_{ui} p_u - \lambda q_i), \qquad \eta_i = \eta / \sqrt{g_i} \\
        b_u &\leftarrow b_u + \beta \eta_u \sum_i (e_{ui} - \kappa_u b_u), \qquad
        b_i \leftarrow b_i + \beta \eta_i (e_{ui} - \kappa_i b_i)

    with kappa the shrinkage of a row's bias, and beta the `bias_rate`, 1 or, for a model without biases, 0. g is the
    sum, over the ratings a row has met so far, of its mean squared gradient (one step size a row: Chin, Zhuang, Juan,
    Lin 2015, "A learning-rate schedule for stochastic gradient methods to matrix factorization"), so that steps need
    no tuning to the size of the data.

    Three ratings of a user are taken at a time, all against the same p_u: three dot products in flight hide the
    latency of one, and the errors learned to are the same to four digits. The last row of the item arrays stands in
    for a missing second or third; it is zero and stays so.
    """
    width, nobody = p.shape[1], q.shape[0] - 1
    zero, one, two = np.float32(0), np.float32(1), np.float32(2)
    rate, penalty, bias_share = np.float32(learning_rate), np.float32(reg), np.float32(bias_rate)
    mean = np.float32(1.0 / n_factors)
    user = np.empty(width, np.float32)
    loss = 0.0
    for u in range(first_user, last_user):
        start, stop = starts[u * n_parts + part], starts[u * n_parts + part + 1]
        if start == stop:
            continue
        p_u, b_u, g_u = p[u], user_biases[u], user_squares[u]
        for f in range(width):
            user[f] = p_u[f]
        for t in range(start, stop, 3):
            n = min(3, stop - t)
            i0 = items[t]
            i1 = items[t + 1] if n > 1 else nobody
            i2 = items[t + 2] if n > 2 else nobody  # noqa: PLR2004
            q0, q1, q2 = q[i0], q[i1], q[i2]
            dot0 = dot1 = dot2 = zero
            square0 = square1 = square2 = square_u = zero
            for f in range(width):
                x, y0, y1, y2 = user[f], q0[f], q1[f], q2[f]
                dot0 += x * y0
                dot1 += x * y1
                dot2 += x * y2
                square0 += y0 * y0
                square1 += y1 * y1
                square2 += y2 * y2
                square_u += x * x
            error0 = values[t] - b_u - item_biases[i0] - dot0
            error1 = values[t + 1] - b_u - item_biases[i1] - dot1 if n > 1 else zero
            error2 = values[t + 2] - b_u - item_biases[i2] - dot2 if n > 2 else zero  # noqa: PLR2004
            loss += error0 * error0 + error1 * error1 + error2 * error2

            rate_u = rate / np.sqrt(g_u)
            rate0 = rate / np.sqrt(item_squares[i0])
            rate1 = rate / np.sqrt(item_squares[i1])
            rate2 = rate / np.sqrt(item_squares[i2])
            # |e q - reg p|^2 = e^2 |q|^2 - 2 e reg p.q + reg^2 |p|^2, and the same with p and q exchanged
            cross0, cross1, cross2 = (
                two * penalty * error0 * dot0,
                two * penalty * error1 * dot1,
                two * penalty * error2 * dot2,
            )
            count, small = np.float32(n), penalty * penalty
            g_u += mean * (
                (error0 * error0 * square0 - cross0)
                + (error1 * error1 * square1 - cross1)
                + (error2 * error2 * square2 - cross2)
                + count * small * square_u
            )
            item_squares[i0] += mean * (error0 * error0 * square_u - cross0 + small * square0)
            item_squares[i1] += mean * (error1 * error1 * square_u - cross1 + small * square1)
            item_squares[i2] += mean * (error2 * error2 * square_u - cross2 + small * square2)

            b_u += bias_share * rate_u * (error0 + error1 + error2 - count * user_shrinkage[u] * b_u)
            item_biases[i0] += bias_share * rate0 * (error0 - item_shrinkage[i0] * item_biases[i0])
            item_biases[i1] += bias_share * rate1 * (error1 - item_shrinkage[i1] * item_biases[i1])
            item_biases[i2] += bias_share * rate2 * (error2 - item_shrinkage[i2] * item_biases[i2])

            keep_u, keep0 = one - count * rate_u * penalty, one - rate0 * penalty
            keep1, keep2 = one - rate1 * penalty, one - rate2 * penalty
            for f in range(width):
                x, y0, y1, y2 = user[f], q0[f], q1[f], q2[f]
                user[f] = keep_u * x + rate_u * (error0 * y0 + error1 * y1 + error2 * y2)
                q0[f] = keep0 * y0 + rate0 * error0 * x
                q1[f] = keep1 * y1 + rate1 * error1 * x
                q2[f] = keep2 * y2 + rate2 * error2 * x
        for f in range(width):
            p_u[f] = user[f]
        user_biases[u], user_squares[u] = b_u, g_u
    return loss


@kernel
def gradient_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    row_factors: Float32,
    column_factors: Float32,
    row_biases: Float32,
    column_biases: Float32,
    gradient: Float32,
    bias_gradient: Float32,
) -> float:
    r"""Sum over each row of the errors, weighted by the factors of the other side; returns the sum of squared errors.

    .. math:: e_{rc} = v_{rc} - b_r - b_c - p_r \cdot q_c, \qquad g_r = \sum_c e_{rc} q_c, \qquad h_r = \sum_c e_{rc}
    """
    width = row_factors.shape[1]
    loss = 0.0
    for r in range(indptr.size - 1):
        p_r, g_r = row_factors[r], gradient[r]
        g_r[:] = 0
        total = np.float32(0)
        for t in range(indptr[r], indptr[r + 1]):
            c = indices[t]
            q_c = column_factors[c]
            error = values[t] - row_biases[r] - column_biases[c]
            for f in range(width):
                error -= p_r[f] * q_c[f]
            for f in range(width):
                g_r[f] += error * q_c[f]
            total += error
            loss += error * error
        bias_gradient[r] = total
    return loss
