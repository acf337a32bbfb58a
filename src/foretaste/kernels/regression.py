"""A linear regression for every row of a sparse matrix on known features, in double precision."""

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel

# Without a penalty the limit of ridge regression is wanted, the least squares solution of smallest norm; this share
# of the mean eigenvalue is small enough for that and large enough for a Cholesky factor in double precision.
_LIMIT = 1e-11


@kernel
def regress_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    features: Float64,
    reg: float,
    intercept: bool,
    coefficients: Float64,
    intercepts: Float64,
) -> None:
    r"""For every row r: the w and b that minimise

    .. math:: \sum_{t \in r} (v_t - b - w \cdot f_{i_t})^2 + \lambda |w|^2

    b is free of the penalty, and 0 when `intercept` is false. A row shorter than the number k of features is solved
    in its dual form, n x n instead of k x k: w = F'(FF' + lambda I)^{-1} v. An empty row gets zeros.

    Parameters
    ----------
    indptr, indices, values : the sparse matrix v, by rows
    features : float64 array of shape (n_columns, k)
    coefficients : float64 array of shape (n_rows, k), written
    intercepts : float64 array of shape (n_rows,), written
    """  # noqa: D400  the formula is the sentence
    k = features.shape[1]
    centre = np.zeros(k)
    for row in range(indptr.size - 1):
        start, n = indptr[row], indptr[row + 1] - indptr[row]
        w = coefficients[row]
        w[:] = 0
        intercepts[row] = 0
        if n == 0:
            continue
        x = np.empty((n, k))
        y = np.empty(n)
        mean = 0.0
        centre[:] = 0
        for t in range(n):
            f, v = features[indices[start + t]], values[start + t]
            y[t] = v
            mean += v / n
            for j in range(k):
                x[t, j] = f[j]
                centre[j] += f[j] / n
        if intercept:
            for t in range(n):
                y[t] -= mean
                for j in range(k):
                    x[t, j] -= centre[j]
        if n < k:
            matrix = np.empty((n, n))  # X X'
            for a in range(n):
                for b in range(a + 1):
                    total = 0.0
                    for j in range(k):
                        total += x[a, j] * x[b, j]
                    matrix[a, b] = total
            _solve(matrix, y, reg)
            for t in range(n):
                for j in range(k):
                    w[j] += x[t, j] * y[t]
        else:
            matrix = np.zeros((k, k))  # X' X
            for t in range(n):
                for a in range(k):
                    w[a] += x[t, a] * y[t]
                    for b in range(a + 1):
                        matrix[a, b] += x[t, a] * x[t, b]
            _solve(matrix, w, reg)
        if intercept:
            intercepts[row] = mean
            for j in range(k):
                intercepts[row] -= w[j] * centre[j]


@kernel
def _solve(matrix: Float64, y: Float64, reg: float) -> None:
    """Overwrite y by (matrix + reg I)^{-1} y; of the matrix the lower half is read, and overwritten by its factor."""
    n = y.size
    trace = 0.0
    for a in range(n):
        trace += matrix[a, a]
    shift = reg if reg > 0 else _LIMIT * trace / n + 1e-300  # a matrix of zeros must stay solvable
    for a in range(n):
        matrix[a, a] += shift
        for b in range(a + 1):
            total = matrix[a, b]
            for c in range(b):
                total -= matrix[a, c] * matrix[b, c]
            matrix[a, b] = np.sqrt(total) if a == b else total / matrix[b, b]
        for c in range(a):
            y[a] -= matrix[a, c] * y[c]
        y[a] /= matrix[a, a]
    for a in range(n - 1, -1, -1):
        y[a] /= matrix[a, a]
        for c in range(a):
            y[c] -= matrix[a, c] * y[a]
