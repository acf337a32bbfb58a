"""Ratings summed up by cluster, and clusters chosen by squared error."""

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel

# A row moves only to a cluster whose error is smaller by more than this share: what rounding decides is left alone.
_ROUNDING = 1e-9


@kernel
def cell_sums(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    row_offsets: Float64,
    column_offsets: Float64,
    row_clusters: Codes,
    column_clusters: Codes,
    sums: Float64,
) -> float:
    """For each cell (g, h), the ratings of rows in cluster g and columns in cluster h: how many, and three sums.

    Returns the sum over all ratings of (rating - row offset - column offset)^2.

    Parameters
    ----------
    indptr, indices, values : the ratings by row
    row_offsets, column_offsets : float64 arrays of shape (n_rows,) and (n_columns,)
    row_clusters, column_clusters : int32 arrays of shape (n_rows,) and (n_columns,)
    sums : float64 array of shape (n_row_clusters, n_column_clusters, 4), written
        The count, and the sums of the ratings, of the offsets of their rows and of the offsets of their columns.
    """
    sums[:] = 0
    squares = 0.0
    for row in range(indptr.size - 1):
        offset, cells = row_offsets[row], sums[row_clusters[row]]
        for t in range(indptr[row], indptr[row + 1]):
            column = indices[t]
            cell = cells[column_clusters[column]]
            rating, column_offset = float(values[t]), column_offsets[column]
            cell[0] += 1
            cell[1] += rating
            cell[2] += offset
            cell[3] += column_offset
            squares += (rating - offset - column_offset) ** 2
    return squares


@kernel
def move_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    row_offsets: Float64,
    column_offsets: Float64,
    column_clusters: Codes,
    levels: Float64,
    row_clusters: Codes,
) -> int:
    r"""Moves every row r to the cluster g of least squared error; returns how many rows have moved.

    .. math:: \sum_{c \in r} (v_{rc} - a_r - b_c - \theta_{g h(c)})^2
              = \text{const} + \sum_h (n_{rh} \theta_{gh}^2 - 2 s_{rh} \theta_{gh})

    with n the number of entries of the row in columns of cluster h, and s the sum of v - a - b over them: these take
    one pass over the row, whatever the number of clusters. Among equals a row stays, else the first is taken.

    Parameters
    ----------
    indptr, indices, values : the ratings by row
    row_offsets, column_offsets : float64 arrays of shape (n_rows,) and (n_columns,): the a and the b
    column_clusters : int32 array of shape (n_columns,): the h
    levels : float64 array of shape (n_row_clusters, n_column_clusters): the theta
    row_clusters : int32 array of shape (n_rows,), read and written
    """
    n_clusters, n_column_clusters = levels.shape
    sums, counts = np.empty(n_column_clusters), np.empty(n_column_clusters)
    moved = 0
    for row in range(indptr.size - 1):
        sums[:] = 0
        counts[:] = 0
        squares, offset = 0.0, row_offsets[row]
        for t in range(indptr[row], indptr[row + 1]):
            column = indices[t]
            left = float(values[t]) - offset - column_offsets[column]
            sums[column_clusters[column]] += left
            counts[column_clusters[column]] += 1
            squares += left * left
        best = own = row_clusters[row]
        least = np.inf
        for step in range(n_clusters + 1):
            g = own if step == 0 else step - 1  # the present cluster first
            error = squares
            for h in range(n_column_clusters):
                error += (counts[h] * levels[g, h] - 2 * sums[h]) * levels[g, h]
            if error < least - _ROUNDING * squares:
                best, least = g, error
        moved += best != own
        row_clusters[row] = best
    return moved
