"""Singular values of a matrix that is known by its products alone, and such products of a sparse one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from foretaste._typing import Float32, RandomState
from foretaste.data.interactions import SparseRows
from foretaste.kernels.products import multiply_rows
from foretaste.utils.random import generator
from foretaste.utils.threads import Run

Product: TypeAlias = Callable[[Float32], Float32]
"""From a block of vectors, a column each, to their products with a matrix."""

# Rows a thread takes at a time; a matter of speed alone, since rows do not depend on each other.
_CHUNK = 256


def sparse_product(run: Run, rows: SparseRows, right: Float32) -> Float32:
    """The product of a sparse matrix and a block of vectors."""
    out = np.empty((rows.indptr.size - 1, right.shape[1]), np.float32)
    chunks = range(0, len(out), _CHUNK)
    run(multiply_rows, [(*rows, right, first, min(first + _CHUNK, len(out)), out) for first in chunks])
    return out


def largest_parts(
    times: Product,
    transposed_times: Product,
    shape: tuple[int, int],
    n_parts: int,
    n_oversamples: int,
    n_iter: int,
    random_state: RandomState,
) -> tuple[Float32, Float32, Float32]:
    """The largest singular values of a matrix F and their vectors: U, S, V.

    A block Z of vectors over the columns is multiplied by F'F again and again, its columns made orthonormal at each
    product; it turns to where F is longest. The singular value decomposition of the small block FZ = U S W' then gives
    V = ZW. So US = FV holds to rounding.
    """
    k, width = min(n_parts, *shape), min(n_parts + n_oversamples, *shape)
    drawn = generator(random_state).normal(size=(shape[1], width)).astype(np.float32)
    basis: Float32 = np.linalg.qr(drawn)[0]
    for _ in range(n_iter):
        images = np.linalg.qr(times(basis))[0]
        basis = np.linalg.qr(transposed_times(images))[0]
    left, lengths, turn = np.linalg.svd(times(basis), full_matrices=False)
    right = basis @ turn[:k].T
    # A pair of vectors may change its sign; this one is as good as the other and always the same.
    signs = np.sign(right[np.abs(right).argmax(axis=0), np.arange(k)])
    return left[:, :k] * signs, lengths[:k].copy(), right * signs
