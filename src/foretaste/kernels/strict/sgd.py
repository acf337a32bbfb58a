"""Stochastic gradient descent for SVD, rating after rating: to the bit, and four ratings at a time."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel

# Ratings that are taken together; `svd_epoch` has a sum of its own written out for each.
LANES = 4
# Users among whom they are looked for: enough that four are nearly always found, few enough that their factors stay
# in the nearest cache.
_WINDOW = 24


@strict_kernel
def independent_groups(
    indptr: Pointers, indices: Codes, values: Float64, n_columns: int
) -> tuple[Codes, Codes, Float64, npt.NDArray[np.int8]]:
    """Ratings in groups of up to four that share neither user nor item, in an order that changes no result.

    Two steps of the descent give the same bits in either order when they share neither user nor item. So it is enough
    that those of a user keep their order, and those of an item: a rating may be taken as soon as all earlier ones
    of its item have been. A few users at a time are gone through side by side, a next one where one is done.
    Of these the first in the data is never held up, so there is always one to take.

    Returns
    -------
    users, items, values : arrays of shape (n_ratings,)
        The ratings, group by group.
    sizes : int8 array
        How many each group has, 1 to 4.
    """
    n_users, n_ratings = indptr.size - 1, indices.size
    # A rating's turn: how many ratings of its item come before it.
    turn, taken = np.empty(n_ratings, np.int32), np.zeros(n_columns, np.int32)
    for t in range(n_ratings):
        turn[t] = taken[indices[t]]
        taken[indices[t]] += 1
    taken[:] = 0

    next_rating, last_rating = np.zeros(_WINDOW, np.int64), np.zeros(_WINDOW, np.int64)
    at_place = np.zeros(_WINDOW, np.int32)
    users, items = np.empty(n_ratings, np.int32), np.empty(n_ratings, np.int32)
    ratings, sizes = np.empty(n_ratings, np.float64), np.empty(n_ratings, np.int8)
    n_taken, n_groups, next_user, place = 0, 0, 0, 0
    while n_taken < n_ratings:
        first = n_taken
        for _ in range(_WINDOW):
            while next_rating[place] == last_rating[place] and next_user < n_users:
                next_rating[place], last_rating[place] = indptr[next_user], indptr[next_user + 1]
                at_place[place] = next_user
                next_user += 1
            t = next_rating[place]
            if t < last_rating[place] and taken[indices[t]] == turn[t]:
                users[n_taken], items[n_taken], ratings[n_taken] = at_place[place], indices[t], values[t]
                n_taken += 1
                next_rating[place] = t + 1
            place = (place + 1) % _WINDOW
            if n_taken - first == LANES:
                break
        for t in range(first, n_taken):  # only now, so that the next of an item is not taken in the same group
            taken[items[t]] += 1
        sizes[n_groups] = n_taken - first
        n_groups += 1
    return users, items, ratings, sizes[:n_groups].copy()


@strict_kernel
def svd_epoch(
    users: Codes,
    items: Codes,
    values: Float64,
    sizes: npt.NDArray[np.int8],
    mean: float,
    biased: bool,
    user_biases: Float64,
    item_biases: Float64,
    p: Float64,
    q: Float64,
    rates: Float64,
    penalties: Float64,
) -> None:
    r"""One pass over the ratings, which `independent_groups` has put in order.

    .. math::

        e_{ui} &= r_{ui} - (\mu + b_u + b_i + q_i \cdot p_u) \\
        b &\leftarrow b + \eta (e_{ui} - \lambda b) \qquad \text{for } b_u \text{ and } b_i \text{, if biased} \\
        p_u &\leftarrow p_u + \eta (e_{ui} q_i - \lambda p_u), \qquad
        q_i \leftarrow q_i + \eta (e_{ui} p_u - \lambda q_i)

    The products of a dot product are added up one by one, from the first factor on. Each addition has to wait for the
    one before it, so those of the ratings of a group go side by side.

    Rows are addressed by two indices throughout: a view of a row would be counted as a reference each time, which
    costs as much as a third of the step.

    Parameters
    ----------
    user_biases, item_biases, p, q : written
    rates, penalties : float64 arrays of shape (4,)
        The eta and lambda of user biases, item biases, p and q.
    """
    n_factors = p.shape[1]
    rate_bu, rate_bi, rate_p, rate_q = rates[0], rates[1], rates[2], rates[3]
    reg_bu, reg_bi, reg_p, reg_q = penalties[0], penalties[1], penalties[2], penalties[3]
    dots = np.empty(LANES, np.float64)
    first = 0
    for size in sizes:
        if size == LANES:
            u0, u1, u2, u3 = users[first], users[first + 1], users[first + 2], users[first + 3]
            i0, i1, i2, i3 = items[first], items[first + 1], items[first + 2], items[first + 3]
            dot0 = dot1 = dot2 = dot3 = 0.0
            for f in range(n_factors):
                dot0 += q[i0, f] * p[u0, f]
                dot1 += q[i1, f] * p[u1, f]
                dot2 += q[i2, f] * p[u2, f]
                dot3 += q[i3, f] * p[u3, f]
            dots[0], dots[1], dots[2], dots[3] = dot0, dot1, dot2, dot3
        else:
            for lane in range(size):
                u, i, dot = users[first + lane], items[first + lane], 0.0
                for f in range(n_factors):
                    dot += q[i, f] * p[u, f]
                dots[lane] = dot
        for lane in range(size):
            u, i = users[first + lane], items[first + lane]
            error = values[first + lane] - (mean + user_biases[u] + item_biases[i] + dots[lane])
            if biased:
                user_biases[u] += rate_bu * (error - reg_bu * user_biases[u])
                item_biases[i] += rate_bi * (error - reg_bi * item_biases[i])
            for f in range(n_factors):
                x, y = p[u, f], q[i, f]
                p[u, f] = x + rate_p * (error * y - reg_p * x)
                q[i, f] = y + rate_q * (error * x - reg_q * y)
        first += size
