"""Means of rows, and biases of one side given those of the other."""

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel


@kernel
def row_means(indptr: Pointers, values: Float32, otherwise: float) -> Float64:
    """The mean of each row of a sparse matrix, in double precision, and something else for a row without entries."""
    means = np.full(indptr.size - 1, otherwise)
    for row in range(means.size):
        start, stop = indptr[row], indptr[row + 1]
        total = 0.0
        for t in range(start, stop):
            total += values[t]
        if stop > start:
            means[row] = total / (stop - start)
    return means


@kernel
def bias_rows(
    indptr: Pointers, indices: Codes, values: Float32, column_biases: Float64, reg: float, row_biases: Float64
) -> float:
    r"""For every row r the shrunk mean of what its columns leave unexplained; returns the sum of squared errors.

    .. math:: b_r = \frac{\sum_{c \in r} (v_{rc} - b_c)}{\lambda + n_r}

    A row without entries gets 0.

    Parameters
    ----------
    indptr, indices, values : the sparse matrix v, by rows
    column_biases : float64 array of shape (n_columns,)
    row_biases : float64 array of shape (n_rows,), written
    """
    loss = 0.0
    for row in range(indptr.size - 1):
        start, stop = indptr[row], indptr[row + 1]
        total = squares = 0.0
        for t in range(start, stop):
            left = values[t] - column_biases[indices[t]]
            total += left
            squares += left * left
        n = stop - start
        bias = total / (reg + n) if n else 0.0
        row_biases[row] = bias
        loss += squares - 2 * bias * total + n * bias * bias
    return loss
