"""Multiplicative updates for non-negative factors, each sum in the order of the ratings."""

import numpy as np

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel


@strict_kernel
def nmf_epoch(
    indptr: Pointers,
    indices: Codes,
    values: Float64,
    item_counts: Pointers,
    mean: float,
    biased: bool,
    user_biases: Float64,
    item_biases: Float64,
    p: Float64,
    q: Float64,
    rates: Float64,
    penalties: Float64,
) -> bool:
    r"""One pass over the ratings, user by user; whether every factor could be divided.

    With :math:`\hat r_{ui} = \mu + b_u + b_i + q_i \cdot p_u`, all factors as they were before the pass, and n the
    number of ratings of a row,

    .. math::

        p_{uf} &\leftarrow p_{uf} \frac{\sum_i q_{if} r_{ui}}{\sum_i q_{if} \hat r_{ui} + n_u \lambda_p p_{uf}}, \qquad
        q_{if} \leftarrow q_{if} \frac{\sum_u p_{uf} r_{ui}}{\sum_u p_{uf} \hat r_{ui} + n_i \lambda_q q_{if}} \\
        b &\leftarrow b + \eta (r_{ui} - \hat r_{ui} - \lambda b) \qquad \text{at each rating, if biased}

    A factor that is 0 stays 0. A user's sums are complete with their last rating, and nobody else looks at their p: so
    it moves at once. The sums of items are kept until the end.

    Parameters
    ----------
    item_counts : int64 array of shape (n_items,)
        How many ratings each item has.
    user_biases, item_biases, p, q : written
    rates : float64 array of shape (2,)
        The eta of user biases and item biases.
    penalties : float64 array of shape (4,)
        The lambda of user biases, item biases, p and q.
    """
    n_factors = p.shape[1]
    rate_bu, rate_bi = rates[0], rates[1]
    reg_bu, reg_bi = penalties[0], penalties[1]
    above_u, below_u = np.empty((1, n_factors), np.float64), np.empty((1, n_factors), np.float64)
    above, below = np.zeros(q.shape, np.float64), np.zeros(q.shape, np.float64)
    for u in range(indptr.size - 1):
        above_u[:] = 0
        below_u[:] = 0
        for t in range(indptr[u], indptr[u + 1]):
            i, rating, dot = indices[t], values[t], 0.0
            for f in range(n_factors):
                dot += q[i, f] * p[u, f]
            predicted = mean + user_biases[u] + item_biases[i] + dot
            if biased:
                error = rating - predicted
                user_biases[u] += rate_bu * (error - reg_bu * user_biases[u])
                item_biases[i] += rate_bi * (error - reg_bi * item_biases[i])
            # two loops: the compiler vectorises neither side where it has to tell the arrays of both apart
            for f in range(n_factors):
                above_u[0, f] += q[i, f] * rating
                below_u[0, f] += q[i, f] * predicted
            for f in range(n_factors):
                above[i, f] += p[u, f] * rating
                below[i, f] += p[u, f] * predicted
        if not _scale(p[u : u + 1], above_u, below_u, indptr[u + 1 : u + 2] - indptr[u : u + 1], penalties[2]):
            return False
    return _scale(q, above, below, item_counts, penalties[3])


@strict_kernel
def _scale(factors: Float64, above: Float64, below: Float64, counts: Pointers, penalty: float) -> bool:
    """Multiply factors by their quotients; False, with the rest undone, at one that would divide by 0."""
    for row in range(factors.shape[0]):
        for f in range(factors.shape[1]):
            x = factors[row, f]
            if x != 0:
                divisor = below[row, f] + np.float64(counts[row]) * penalty * x
                if divisor == 0:
                    return False
                factors[row, f] = x * (above[row, f] / divisor)
    return True
