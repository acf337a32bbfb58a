"""The baseline: how far users and items lie from the mean, each sum in the order of the data."""

import numpy as np

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import strict_kernel


@strict_kernel
def bias_rows(
    indptr: Pointers, columns: Codes, values: Float64, mean: float, column_biases: Float64, reg: float, biases: Float64
) -> None:
    r"""For every row r the shrunk sum of what the mean and its columns leave unexplained.

    .. math:: b_r = \frac{\sum_{c \in r} (v_{rc} - \mu - b_c)}{\lambda + n_r}

    Parameters
    ----------
    indptr, columns, values : the sparse matrix v, by rows
    column_biases : float64 array of shape (n_columns,)
    biases : float64 array of shape (n_rows,), written
    """
    for r in range(indptr.size - 1):
        begin, end = np.uint64(indptr[r]), np.uint64(indptr[r + 1])
        left = 0.0
        for t in range(begin, end):
            left += values[t] - mean - column_biases[np.uint64(columns[t])]
        biases[r] = left / (reg + np.float64(end - begin))


@strict_kernel
def bias_steps(
    indptr: Pointers,
    columns: Codes,
    values: Float64,
    mean: float,
    learning_rate: float,
    reg: float,
    row_biases: Float64,
    column_biases: Float64,
) -> None:
    r"""One step of gradient descent for each rating, row by row.

    .. math:: b_r \mathrel{+}= \gamma (e - \lambda b_r), \quad b_c \mathrel{+}= \gamma (e - \lambda b_c),
        \quad e = v_{rc} - ((\mu + b_r) + b_c)

    Parameters
    ----------
    indptr, columns, values : the sparse matrix v, by rows
    row_biases, column_biases : float64 arrays, changed
    """
    for r in range(indptr.size - 1):
        bias = row_biases[r]
        for t in range(np.uint64(indptr[r]), np.uint64(indptr[r + 1])):
            c = np.uint64(columns[t])
            error = values[t] - (mean + bias + column_biases[c])
            bias += learning_rate * (error - reg * bias)
            column_biases[c] += learning_rate * (error - reg * column_biases[c])
        row_biases[r] = bias
