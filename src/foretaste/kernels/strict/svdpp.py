"""Stochastic gradient descent for SVD++, rating after rating, with one step a user for the implicit factors."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel


@strict_kernel
def rows_with_repeats(indptr: Pointers, indices: Codes, n_columns: int) -> npt.NDArray[np.bool_]:
    """Which rows have a column more than once."""
    repeats, last_row = np.zeros(indptr.size - 1, np.bool_), np.full(n_columns, -1, np.int64)
    for row in range(indptr.size - 1):
        for t in range(indptr[row], indptr[row + 1]):
            repeats[row] |= last_row[indices[t]] == row
            last_row[indices[t]] = row
    return repeats


@strict_kernel
def user_with_implicit(items: Codes, p_u: Float64, y: Float64, out: Float64) -> None:
    r"""Factors of a user, what they rated included: :math:`p_u + |N(u)|^{-1/2} \sum_{j \in N(u)} y_j`.

    Parameters
    ----------
    items : int32 array, the N(u)
    out : float64 array of shape (n_factors,), written
    """
    _implicit(items, y, out)
    for f in range(out.size):
        out[f] = p_u[f] + out[f]


@strict_kernel
def users_with_implicit(indptr: Pointers, indices: Codes, users: Codes, p: Float64, y: Float64, out: Float64) -> None:
    """`user_with_implicit` of some users, a row of `out` each."""
    for place in range(users.size):
        u = users[place]
        user_with_implicit(indices[indptr[u] : indptr[u + 1]], p[u], y, out[place])


@strict_kernel
def _implicit(items: Codes, y: Float64, z: Float64) -> None:
    """Write into z the y of these items, added up in their order and then divided by the root of their number."""
    root = np.sqrt(np.float64(items.size))
    z[:] = 0
    for j in items:
        for f in range(z.size):
            z[f] += y[j, f]
    for f in range(z.size):
        z[f] /= root


@strict_kernel
def _implicit_in_shares(items: Codes, root: float, y: Float64, z: Float64) -> None:
    """The same as `_implicit`, with each y divided before it is added."""
    z[:] = 0
    for j in items:
        for f in range(z.size):
            z[f] += y[j, f] / root


@strict_kernel
def _move_one_by_one(items: Codes, way: Float64, rate: float, penalty: float, y: Float64) -> None:
    """A step of the y of each of these items; `way` is where the error would have them go."""
    for j in items:
        for f in range(way.size):
            y[j, f] += rate * (way[f] - penalty * y[j, f])


@strict_kernel
def svdpp_epoch(
    indptr: Pointers,
    indices: Codes,
    values: Float64,
    one_by_one: npt.NDArray[np.bool_],
    mean: float,
    user_biases: Float64,
    item_biases: Float64,
    p: Float64,
    q: Float64,
    y: Float64,
    rates: Float64,
    penalties: Float64,
) -> None:
    r"""One pass over the ratings, user by user.

    With N the items of user u, n ratings of them, and :math:`z = n^{-1/2} \sum_{j \in N} y_j`,

    .. math::

        e_{ui} &= r_{ui} - (\mu + b_u + b_i + q_i \cdot (p_u + z)) \\
        b &\leftarrow b + \eta (e_{ui} - \lambda b) \qquad \text{for } b_u \text{ and } b_i \\
        p_u &\leftarrow p_u + \eta (e_{ui} q_i - \lambda p_u), \qquad
        q_i \leftarrow q_i + \eta (e_{ui} (p_u + z) - \lambda q_i) \\
        y_j &\leftarrow y_j + \eta (n^{-1/2} e_{ui} q_i - \lambda y_j) \qquad \text{for every } j \in N

    The last line does the same to every y of the user: each shrinks to its share :math:`d = 1 - \eta \lambda`, and all
    get the same :math:`c = \eta n^{-1/2} e_{ui} q_i`. So after any number of the user's ratings every y has become
    :math:`D y + C`, and with each rating

    .. math:: D \leftarrow d D, \qquad C \leftarrow d C + c, \qquad z \leftarrow d z + n^{1/2} c

    This is O(k) a rating instead of O(n k); the y themselves move once a user. The roundings are others than those of
    the update above, and N has to be a set: whoever has an item more than once is taken at the letter, slowly.

    Parameters
    ----------
    one_by_one : bool array of shape (n_users,)
        Who is taken at the letter: at least whoever has an item more than once; see `rows_with_repeats`.
    user_biases, item_biases, p, q, y : written
    rates, penalties : float64 arrays of shape (5,)
        The eta and lambda of user biases, item biases, p, q and y.
    """
    n_factors = p.shape[1]
    rate_bu, rate_bi, rate_p, rate_q, rate_y = rates[0], rates[1], rates[2], rates[3], rates[4]
    reg_bu, reg_bi, reg_p, reg_q, reg_y = penalties[0], penalties[1], penalties[2], penalties[3], penalties[4]
    keep = 1.0 - rate_y * reg_y
    z, shift, way = np.empty(n_factors, np.float64), np.empty(n_factors, np.float64), np.empty(n_factors, np.float64)
    for u in range(indptr.size - 1):
        start, stop, single = indptr[u], indptr[u + 1], one_by_one[u]
        items = indices[start:stop]
        root, kept = np.sqrt(np.float64(stop - start)), 1.0
        shift[:] = 0
        _implicit(items, y, z)
        for t in range(start, stop):
            if single:
                _implicit_in_shares(items, root, y, z)
            i, dot = indices[t], 0.0
            for f in range(n_factors):
                dot += q[i, f] * (p[u, f] + z[f])
            error = values[t] - (mean + user_biases[u] + item_biases[i] + dot)
            user_biases[u] += rate_bu * (error - reg_bu * user_biases[u])
            item_biases[i] += rate_bi * (error - reg_bi * item_biases[i])
            for f in range(n_factors):
                x, other, implicit = p[u, f], q[i, f], z[f]
                along = error * other
                p[u, f] = x + rate_p * (along - reg_p * x)
                q[i, f] = other + rate_q * (error * (x + implicit) - reg_q * other)
                way[f] = along / root
                z[f] = keep * implicit + rate_y * along
                shift[f] = keep * shift[f] + rate_y * way[f]
            kept *= keep
            if single:
                _move_one_by_one(items, way, rate_y, reg_y, y)
        if not single:
            for j in items:
                for f in range(n_factors):
                    y[j, f] = kept * y[j, f] + shift[f]
