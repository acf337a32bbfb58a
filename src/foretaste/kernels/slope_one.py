"""How much higher one item is rated than another, and predictions from that."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel


@kernel
def deviation_rows(
    first: int,
    last: int,
    user_indptr: Pointers,
    user_indices: Codes,
    user_values: Float32 | Float64,
    item_indptr: Pointers,
    item_indices: Codes,
    item_values: Float32 | Float64,
    deviations: Float32 | Float64,
    counts: Float32 | npt.NDArray[np.int64],
) -> None:
    r"""The pairs of an item i from `first` up to `last` and an item j > i: over the users v of both,

    .. math:: c_{ij} = |U_i \cap U_j|, \qquad d_{ij} = \frac{1}{c_{ij}} \sum_{v \in U_i \cap U_j} (r_{vi} - r_{vj})

    written to [i, j], and c and -d to [j, i]. Sums are in double precision, so that those of ratings in halves are
    exact. Two ranges that share no item write different places.

    Parameters
    ----------
    user_indptr, user_indices, user_values : the ratings by user, a row's items in ascending order
    item_indptr, item_indices, item_values : the same ratings by item
    deviations, counts : arrays of shape (n_items, n_items), zero where nothing is written; written
    """  # noqa: D400  the formula is the sentence
    n_items = counts.shape[0]
    totals, common = np.empty(n_items), np.empty(n_items, np.int32)
    for i in range(first, last):
        totals[i + 1 :] = 0
        common[i + 1 :] = 0
        for t in range(item_indptr[i], item_indptr[i + 1]):
            v, rating = item_indices[t], item_values[t]
            stop = user_indptr[v + 1]
            for s in range(_beyond(user_indices, user_indptr[v], stop, i), stop):
                totals[user_indices[s]] += float(rating) - float(user_values[s])
                common[user_indices[s]] += 1
        for j in range(i + 1, n_items):
            if common[j]:
                deviations[i, j] = totals[j] / common[j]
                counts[i, j] = common[j]
    # the other half at the end, column by column, so that what is written lies together
    for j in range(first + 1, n_items):
        for i in range(first, min(j, last)):
            deviations[j, i] = -deviations[i, j]
            counts[j, i] = counts[i, j]


@kernel
def _beyond(codes: Codes, start: int, stop: int, code: int) -> int:
    """The first place in a sorted part of `codes` that holds more than `code`."""
    while start < stop:
        middle = (start + stop) // 2
        if codes[middle] <= code:
            start = middle + 1
        else:
            stop = middle
    return start


@kernel
def slope_one_pairs(
    order: Codes,
    user_codes: Codes,
    item_codes: Codes,
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    user_means: Float64,
    deviations: Float32,
    counts: Float32,
    weighted: bool,
    out: Float64,
) -> None:
    r"""Predictions of the pairs at the places `order`, which is fastest where the same items come together.

    .. math:: \hat r_{ui} = m_u + \frac{\sum_{j \in u} w_{ij} (d_{ij} + s (r_{uj} - m_u))}{\sum_{j \in u} w_{ij}}

    with w = c and s = 1 if `weighted`, else w = [c > 0] and s = 0; m_u alone where all w are 0.

    Parameters
    ----------
    indptr, indices, values : the ratings of each user
    user_means : float64 array of shape (n_users,)
    deviations, counts : float32 arrays of shape (n_items, n_items): the d and the c
    out : float64 array of shape (n_pairs,), written at the places `order`
    """
    cap, share = (np.float32(np.inf), 1.0) if weighted else (np.float32(1), 0.0)
    for place in order:
        u, i = user_codes[place], item_codes[place]
        mean, above, count = user_means[u], deviations[i], counts[i]
        total, weights = 0.0, 0.0
        for t in range(indptr[u], indptr[u + 1]):
            j = indices[t]
            weight = float(min(count[j], cap))
            total += weight * (float(above[j]) + share * (float(values[t]) - mean))
            weights += weight
        out[place] = mean + total / weights if weights > 0 else mean


@kernel
def slope_one_scores(
    user_codes: Codes,
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    user_means: Float64,
    deviations: Float32,
    counts: Float32,
    weighted: bool,
    scores: Float32,
) -> None:
    """As `slope_one_pairs` for every item: a row of `scores` a user of `user_codes`; rows of code -1 are left alone.

    Instead of gathering for each item, it adds up the whole rows of what the user has rated: d_ij is -d_ji.
    """
    cap, share = (np.float32(np.inf), np.float32(1)) if weighted else (np.float32(1), np.float32(0))
    n_items = counts.shape[0]
    weights = np.empty(n_items, np.float32)
    for r in range(user_codes.size):
        u = user_codes[r]
        if u < 0:
            continue
        total, mean = scores[r], user_means[u]
        total[:] = 0
        weights[:] = 0
        for t in range(indptr[u], indptr[u + 1]):
            below, count = deviations[indices[t]], counts[indices[t]]
            offset = share * np.float32(float(values[t]) - mean)
            for i in range(n_items):
                weight = min(count[i], cap)
                total[i] += weight * (offset - below[i])
                weights[i] += weight
        for i in range(n_items):
            total[i] = mean + total[i] / weights[i] if weights[i] > 0 else mean
