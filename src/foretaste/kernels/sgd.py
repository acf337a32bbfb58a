"""Stochastic gradient descent over the factors, in strata that threads can share and no thread count can change."""

from typing import NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel
from foretaste.kernels.sorting import group_by_code

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


def stratify(
    user_codes: Codes, item_codes: Codes, values: Float32, n_users: int, n_items: int, rng: np.random.Generator
) -> Strata:
    """Cut a rating matrix up; the number of parts depends on the data alone, never on the number of threads."""
    n_parts = 8 if values.size >= _WORTH_CUTTING else 1
    user_labels = rng.permutation(n_users).astype(np.int32)
    item_labels = rng.permutation(n_items).astype(np.int32)
    users, items = user_labels[user_codes], item_labels[item_codes]
    item_cuts = _equal_cuts(np.bincount(items, minlength=n_items), n_parts)
    part_of_item = np.repeat(np.arange(n_parts, dtype=np.int32), np.diff(item_cuts))
    starts, order = group_by_code(users * np.int32(n_parts) + part_of_item[items], n_users * n_parts)
    user_cuts = _equal_cuts(np.bincount(users, minlength=n_users), n_parts)
    return Strata(n_parts, user_labels, item_labels, user_cuts, starts, items[order], values[order])


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
    bias_rate: float,
    n_factors: int,
) -> float:
    r"""One pass over a tile, rating by rating; returns the sum of squared errors met on the way.

    .. math::

        e &= r - b_u - b_i - p_u \cdot q_i \\
        p_u &\leftarrow p_u + \eta_u (e\, q_i - \lambda p_u), \qquad \eta_u = \eta / \sqrt{g_u} \\
        q_i &\leftarrow q_i + \eta_i (e\, p_u - \lambda q_i), \qquad \eta_i = \eta / \sqrt{g_i} \\
        b &\leftarrow b + \eta_b\, \eta_{u|i} (e - \lambda b)

    where g is the sum, over the ratings met so far, of the mean squared gradient of the row (one step size a row:
    Chin, Zhuang, Juan, Lin 2015, "A learning-rate schedule for stochastic gradient methods to matrix factorization"),
    so that steps need no tuning to the size of the data. `bias_rate` is 1, or 0 for a model without biases.

    The dot product of the next rating is taken in the same pass over memory that updates the present one.
    """
    width = p.shape[1]
    zero, one, two = np.float32(0), np.float32(1), np.float32(2)
    rate, penalty, bias_share = np.float32(learning_rate), np.float32(reg), np.float32(bias_rate)
    mean = np.float32(1.0 / n_factors)
    user = np.empty(width, np.float32)
    loss = 0.0
    for u in range(first_user, last_user):
        start, stop = starts[u * n_parts + part], starts[u * n_parts + part + 1]
        if start == stop:
            continue
        p_u, q_i = p[u], q[items[start]]
        b_u, g_u = user_biases[u], user_squares[u]
        rate_u = rate / np.sqrt(g_u)
        dot = square_p = square_q = zero
        for f in range(width):
            x, y = p_u[f], q_i[f]
            user[f] = x
            dot += x * y
            square_p += x * x
            square_q += y * y
        for t in range(start, stop):
            i = items[t]
            q_i, b_i, g_i = q[i], item_biases[i], item_squares[i]
            rate_i = rate / np.sqrt(g_i)
            error = values[t] - b_u - b_i - dot
            squared = error * error
            loss += squared
            # |e q - reg p|^2 and |e p - reg q|^2 from the three sums at hand
            cross = two * error * penalty * dot
            g_u += (squared * square_q - cross + penalty * penalty * square_p) * mean
            item_squares[i] = g_i + (squared * square_p - cross + penalty * penalty * square_q) * mean
            b_u += bias_share * rate_u * (error - penalty * b_u)
            item_biases[i] = b_i + bias_share * rate_i * (error - penalty * b_i)
            keep_p, step_p = one - rate_u * penalty, rate_u * error
            keep_q, step_q = one - rate_i * penalty, rate_i * error
            rate_u = rate / np.sqrt(g_u)
            dot = square_p = square_q = zero
            if t + 1 < stop:
                q_next = q[items[t + 1]]
                for f in range(width):
                    x, y, z = user[f], q_i[f], q_next[f]
                    x_new = keep_p * x + step_p * y
                    user[f] = x_new
                    q_i[f] = keep_q * y + step_q * x
                    dot += x_new * z
                    square_p += x_new * x_new
                    square_q += z * z
            else:
                for f in range(width):
                    x, y = user[f], q_i[f]
                    p_u[f] = keep_p * x + step_p * y
                    q_i[f] = keep_q * y + step_q * x
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
