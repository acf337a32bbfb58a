"""Stochastic gradient descent for SVD++: a user is what they rate on top of how they rate it."""

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel


@kernel
def implicit_rows(indptr: Pointers, indices: Codes, implicit_factors: Float32, out: Float32) -> None:
    r"""What the columns of each row say of it by being there, whatever their values: zeros for an empty row.

    .. math:: z_r = |N(r)|^{-1/2} \sum_{c \in N(r)} y_c

    Parameters
    ----------
    implicit_factors : float32 array of shape (n_columns, k), the y
    out : float32 array of shape (n_rows, k), written
    """
    for r in range(indptr.size - 1):
        _add_up(indices[indptr[r] : indptr[r + 1]], implicit_factors, out[r])


@kernel
def _add_up(columns: Codes, y: Float32, z: Float32) -> None:
    """The z of one row; four rows of y a pass over it."""
    n, width = columns.size, z.size
    z[:] = 0
    whole = n // 4 * 4
    for t in range(0, whole, 4):
        y0, y1, y2, y3 = y[columns[t]], y[columns[t + 1]], y[columns[t + 2]], y[columns[t + 3]]
        for f in range(width):
            z[f] += (y0[f] + y1[f]) + (y2[f] + y3[f])
    for t in range(whole, n):
        y_t = y[columns[t]]
        for f in range(width):
            z[f] += y_t[f]
    share = np.float32(1) / np.sqrt(np.float32(max(n, 1)))
    for f in range(width):
        z[f] *= share


@kernel
def svdpp_pass(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    mean: float,
    spread: float,
    users: Codes,
    p: Float32,
    q: Float32,
    y: Float32,
    user_biases: Float32,
    item_biases: Float32,
    user_squares: Float32,
    item_squares: Float32,
    implicit_squares: Float32,
    learning_rate: float,
    implicit_rate: float,
    reg: float,
    implicit_reg: float,
    reg_biases: float,
    item_shrinkage: Float32,
    n_factors: int,
) -> float:
    r"""One pass over the ratings, user by user in the order of `users`; returns the sum of squared errors met.

    With N the items that user u has rated, n of them, and w = p_u + z the user as the items meet them,

    .. math::

        z &= n^{-1/2} \sum_{j \in N} y_j \\
        e_{ui} &= (r_{ui} - \mathrm{mean}) / \mathrm{spread} - b_u - b_i - q_i \cdot w \\
        p_u &\leftarrow p_u + \eta_u (e_{ui} q_i - \lambda p_u) \\
        q_i &\leftarrow q_i + \eta_i (e_{ui} w - \lambda q_i) \\
        y_j &\leftarrow y_j + \theta_j n^{-1/2} e_{ui} q_i \qquad \text{for every } j \in N \\
        b_u &\leftarrow b_u + \eta_u (e_{ui} - \kappa_u b_u), \qquad b_i \leftarrow b_i + \eta_i (e_{ui} - \kappa_i b_i)

    with kappa the penalty of a bias over its number of ratings. After the last of the n ratings each y_j pays the
    penalty that it owes at every one of them, in one implicit step, which cannot overshoot however large n is:
    :math:`y_j \leftarrow y_j / (1 + \theta_j n \lambda_y)`.

    Each eta and theta is a first step over the root of the sum g of the mean squared gradients (of the error, without
    the penalty) that its row has met: a term a rating for p and q, and for y a term a user, from that user's ratings
    together. So theta stays as it is within a user's ratings, and all y_j move along one direction. Their sum z has to
    be known after every rating, they themselves only at the end:

    .. math::

        z \leftarrow z + \bar\theta e_{ui} q_i, \quad \bar\theta = \frac1n \sum_{j \in N} \theta_j; \qquad
        y_j \leftarrow \frac{y_j + \theta_j s}{1 + \theta_j n \lambda_y}, \quad s = n^{-1/2} \sum_i e_{ui} q_i

    which is the update above to the last term, at O(k) a rating instead of O(n k). It takes N for a set: no user may
    have an item twice.

    Three ratings of a user are taken at a time, all against the same w, as in `foretaste.kernels.sgd.sgd_tile`. The
    last row of q and of the items' arrays stands in for a missing second or third; it is zero and stays so.

    Parameters
    ----------
    indptr, indices, values : the ratings by user, in their own scale
    users : int32 array, the users to go through
    p, q, y : float32 arrays of shape (n_users, width), (n_items + 1, width) and (n_items, width), written; beyond
        `n_factors` they are zero and stay so
    user_biases, item_biases, user_squares, item_squares, implicit_squares : written
    """
    width, nobody = p.shape[1], q.shape[0] - 1
    zero, one = np.float32(0), np.float32(1)
    rate, rate_y = np.float32(learning_rate), np.float32(implicit_rate)
    penalty, penalty_y = np.float32(reg), np.float32(implicit_reg)
    average, scale = np.float32(1.0 / n_factors), 1.0 / spread
    user, z, s = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    loss = 0.0
    for u in users:
        start, stop = indptr[u], indptr[u + 1]
        if start == stop:
            continue
        n = stop - start
        items = indices[start:stop]
        _add_up(items, y, z)
        theta = zero
        for t in range(n):
            theta += one / np.sqrt(implicit_squares[items[t]])
        theta *= rate_y / np.float32(n)
        p_u, b_u, g_u = p[u], user_biases[u], user_squares[u]
        for f in range(width):
            user[f] = p_u[f]
            s[f] = zero
        shrinkage = np.float32(reg_biases / n)
        for t in range(0, n, 3):
            m = min(3, n - t)
            i0 = items[t]
            i1 = items[t + 1] if m > 1 else nobody
            i2 = items[t + 2] if m > 2 else nobody  # noqa: PLR2004
            q0, q1, q2 = q[i0], q[i1], q[i2]
            dot0 = dot1 = dot2 = zero
            square0 = square1 = square2 = square_w = zero
            for f in range(width):
                w, x0, x1, x2 = user[f] + z[f], q0[f], q1[f], q2[f]
                dot0 += w * x0
                dot1 += w * x1
                dot2 += w * x2
                square0 += x0 * x0
                square1 += x1 * x1
                square2 += x2 * x2
                square_w += w * w
            r = start + t
            error0 = np.float32((values[r] - mean) * scale) - b_u - item_biases[i0] - dot0
            error1 = np.float32((values[r + 1] - mean) * scale) - b_u - item_biases[i1] - dot1 if m > 1 else zero
            error2 = np.float32((values[r + 2] - mean) * scale) - b_u - item_biases[i2] - dot2 if m > 2 else zero  # noqa: PLR2004
            loss += error0 * error0 + error1 * error1 + error2 * error2

            rate_u = rate / np.sqrt(g_u)
            rate0 = rate / np.sqrt(item_squares[i0])
            rate1 = rate / np.sqrt(item_squares[i1])
            rate2 = rate / np.sqrt(item_squares[i2])
            g_u += average * (error0 * error0 * square0 + error1 * error1 * square1 + error2 * error2 * square2)
            item_squares[i0] += average * error0 * error0 * square_w
            item_squares[i1] += average * error1 * error1 * square_w
            item_squares[i2] += average * error2 * error2 * square_w

            count = np.float32(m)
            b_u += rate_u * (error0 + error1 + error2 - count * shrinkage * b_u)
            item_biases[i0] += rate0 * (error0 - item_shrinkage[i0] * item_biases[i0])
            item_biases[i1] += rate1 * (error1 - item_shrinkage[i1] * item_biases[i1])
            item_biases[i2] += rate2 * (error2 - item_shrinkage[i2] * item_biases[i2])

            keep_u, keep0 = one - count * rate_u * penalty, one - rate0 * penalty
            keep1, keep2 = one - rate1 * penalty, one - rate2 * penalty
            for f in range(width):
                x, x0, x1, x2 = user[f], q0[f], q1[f], q2[f]
                w = x + z[f]
                way = error0 * x0 + error1 * x1 + error2 * x2
                user[f] = keep_u * x + rate_u * way
                z[f] += theta * way
                s[f] += way
                q0[f] = keep0 * x0 + rate0 * error0 * w
                q1[f] = keep1 * x1 + rate1 * error1 * w
                q2[f] = keep2 * x2 + rate2 * error2 * w
        user_biases[u], user_squares[u] = b_u, g_u
        share = one / np.sqrt(np.float32(n))
        square = zero
        for f in range(width):
            p_u[f] = user[f]
            s[f] *= share
            square += s[f] * s[f]
        _step(items, y, s, implicit_squares, rate_y, np.float32(n) * penalty_y, average * square)
    return loss


@kernel
def _step(
    items: Codes, y: Float32, s: Float32, squares: Float32, rate: np.float32, penalty: np.float32, gradient: np.float32
) -> None:
    """The step of all y_j of a user along s and their penalty, four at a time; `gradient` is added to their sums."""
    n, width, one = items.size, s.size, np.float32(1)
    whole = n // 4 * 4
    for t in range(0, whole, 4):
        j0, j1, j2, j3 = items[t], items[t + 1], items[t + 2], items[t + 3]
        rate0, rate1 = rate / np.sqrt(squares[j0]), rate / np.sqrt(squares[j1])
        rate2, rate3 = rate / np.sqrt(squares[j2]), rate / np.sqrt(squares[j3])
        keep0, keep1 = one / (one + rate0 * penalty), one / (one + rate1 * penalty)
        keep2, keep3 = one / (one + rate2 * penalty), one / (one + rate3 * penalty)
        y0, y1, y2, y3 = y[j0], y[j1], y[j2], y[j3]
        for f in range(width):
            x = s[f]
            y0[f] = keep0 * (y0[f] + rate0 * x)
            y1[f] = keep1 * (y1[f] + rate1 * x)
            y2[f] = keep2 * (y2[f] + rate2 * x)
            y3[f] = keep3 * (y3[f] + rate3 * x)
        squares[j0] += gradient
        squares[j1] += gradient
        squares[j2] += gradient
        squares[j3] += gradient
    for t in range(whole, n):
        j = items[t]
        rate_j, y_j = rate / np.sqrt(squares[j]), y[j]
        keep = one / (one + rate_j * penalty)
        for f in range(width):
            y_j[f] = keep * (y_j[f] + rate_j * s[f])
        squares[j] += gradient
