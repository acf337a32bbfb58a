"""Products of a sparse matrix with a block of vectors."""

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel


@kernel
def multiply_rows(
    indptr: Pointers, indices: Codes, values: Float32, right: Float32, first: int, last: int, out: Float32
) -> None:
    r"""Rows [first, last) of the product of a sparse matrix v, by rows, and the block of vectors x.

    .. math:: y_r = \sum_{t \in r} v_t \, x_{i_t}

    Parameters
    ----------
    indptr, indices, values : the sparse matrix v
    right : float32 array of shape (n_columns, width), the x
    out : float32 array of shape (n_rows, width), the y, written in [first, last) only
    """
    width, zero = right.shape[1], np.float32(0)
    for row in range(first, last):
        y = out[row]
        for f in range(width):
            y[f] = zero
        start, stop = indptr[row], indptr[row + 1]
        whole = start + (stop - start) // 4 * 4
        for t in range(start, whole, 4):  # four entries a pass over y
            x0, x1, x2, x3 = right[indices[t]], right[indices[t + 1]], right[indices[t + 2]], right[indices[t + 3]]
            v0, v1, v2, v3 = values[t], values[t + 1], values[t + 2], values[t + 3]
            for f in range(width):
                y[f] += v0 * x0[f] + v1 * x1[f] + v2 * x2[f] + v3 * x3[f]
        for t in range(whole, stop):
            x, v = right[indices[t]], values[t]
            for f in range(width):
                y[f] += v * x[f]
