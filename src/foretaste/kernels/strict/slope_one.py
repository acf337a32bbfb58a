"""Predictions from mean differences between items, each sum in the order of the user's ratings."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel

Integers = npt.NDArray[np.int64]


@strict_kernel
def slope_one_estimates(
    order: Codes,
    users: Codes,
    items: Codes,
    indptr: Pointers,
    indices: Codes,
    deviations: Float64,
    counts: Integers,
    out: Float64,
) -> None:
    r"""Predictions of the pairs at the places `order` of `out`, where the means of the users stand at first.

    It is fastest where the same items come together in `order`.

    .. math:: \hat r_{ui} = m_u + \frac{1}{|J|} \sum_{j \in J} d_{ij}, \qquad J = \{j \in I_u : c_{ij} > 0\}

    The sum runs over the user's ratings from the first to the last; where J is empty the mean is left as it is.

    Parameters
    ----------
    indptr, indices : the items that each user has rated
    deviations, counts : float64 and int64 arrays of shape (n_items, n_items): the d and the c
    out : float64 array of shape (n_pairs,)
        Written at the places `order`: the predictions instead of the means.
    """
    for place in order:
        user = users[place]
        above, count = deviations[items[place]], counts[items[place]]
        total, n_relevant = 0.0, 0
        for t in range(indptr[user], indptr[user + 1]):
            j = indices[t]
            if count[j] > 0:
                total += above[j]
                n_relevant += 1
        if n_relevant:
            out[place] += total / n_relevant
