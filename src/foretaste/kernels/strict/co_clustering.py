"""Clusters of users and items: what a co-cluster holds, and which cluster suits a row best."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel

Integers = npt.NDArray[np.int64]


@strict_kernel
def count_cells(
    indptr: Pointers,
    indices: Codes,
    ratings: Float64,
    row_clusters: Integers,
    column_clusters: Integers,
    counts: Integers,
    totals: Float64,
) -> None:
    """How many ratings fall into each co-cluster, and what they add up to.

    Parameters
    ----------
    indptr, indices, ratings : sparse rows of whole numbers, whose sums are exact
    counts, totals : int64 and float64 arrays of shape (row clusters, column clusters), zero at first; written
    """
    for row in range(indptr.size - 1):
        for t in range(indptr[row], indptr[row + 1]):
            g, h = row_clusters[row], column_clusters[indices[t]]
            counts[g, h] += 1
            totals[g, h] += ratings[t]


@strict_kernel
def best_clusters(
    indptr: Pointers,
    indices: Codes,
    ratings: Float64,
    by_user: bool,
    user_means: Float64,
    item_means: Float64,
    column_clusters: Integers,
    levels: Float64,
    user_levels: Float64,
    item_levels: Float64,
    row_clusters: Integers,
) -> None:
    r"""Move every row to the cluster that leaves the smallest error, the first of several that are equally good.

    .. math:: \sum_{(u,i)} \bigl(r_{ui} - (C_{gh} + m_u - A_g + m_i - B_h)\bigr)^2

    over the ratings of the row in their order, where the five terms are added up from left to right.

    Parameters
    ----------
    indptr, indices, ratings : sparse rows of whole numbers
    by_user : whether the rows are users and the columns items, or the other way round
    column_clusters : int64 array, the clusters of the columns
    levels, user_levels, item_levels : the C, A and B
    row_clusters : int64 array of shape (n_rows,), written
    """
    errors = np.empty(levels.shape[0] if by_user else levels.shape[1])
    for row in range(indptr.size - 1):
        errors[:] = 0
        for t in range(indptr[row], indptr[row + 1]):
            column, rating = indices[t], ratings[t]
            user, item = (row, column) if by_user else (column, row)
            m_u, m_i = user_means[user], item_means[item]
            other = column_clusters[column]
            for own in range(errors.size):
                g, h = (own, other) if by_user else (other, own)
                left = rating - (levels[g, h] + m_u - user_levels[g] + m_i - item_levels[h])
                errors[own] += left * left
        row_clusters[row] = np.argmin(errors)
