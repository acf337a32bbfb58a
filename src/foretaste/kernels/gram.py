"""Gram matrices of sparse matrices, and what linear models of items learn from them."""

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel
from foretaste.kernels.ridge import solve_symmetric

_TILE = 64


@kernel
def gram_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    row_indptr: Pointers,
    row_indices: Codes,
    row_values: Float32,
    first: int,
    last: int,
    out: Float32,
) -> None:
    r"""Rows [first, last) of the lower triangle of the Gram matrix of a sparse matrix v.

    .. math:: G_{ij} = \sum_r v_{ri} v_{rj}, \qquad j \le i

    Parameters
    ----------
    indptr, indices, values : the sparse matrix v, by columns
    row_indptr, row_indices, row_values : the same by rows, columns ascending
    out : float32 array of shape (n_columns, n_columns), written in [first, last) from the left to the diagonal
    """
    for i in range(first, last):
        row = out[i]
        row[: i + 1] = 0
        for t in range(indptr[i], indptr[i + 1]):
            v = values[t]
            for s in range(row_indptr[indices[t]], row_indptr[indices[t] + 1]):
                j = row_indices[s]
                if j > i:
                    break
                row[j] += v * row_values[s]


@kernel
def weights_of_inverse(matrix: Float32, scale: Float32) -> None:
    r"""From the lower triangle of a symmetric P, in place, to B with nothing on its diagonal.

    .. math:: B_{ij} = -P_{ij} c_j, \qquad B_{jj} = 0

    Parameters
    ----------
    matrix : float32 array of shape (n, n), written
    scale : float32 array of shape (n,), the c
    """
    n, zero = matrix.shape[0], np.float32(0)
    for top in range(0, n, _TILE):  # tile by tile: the mirrored side is written down columns
        for left in range(0, top + 1, _TILE):
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, i)):
                    p = matrix[i, j]
                    matrix[i, j] = -p * scale[j]
                    matrix[j, i] = -p * scale[i]
    for i in range(n):
        matrix[i, i] = zero


@kernel
def strongest_products(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    row_indptr: Pointers,
    row_indices: Codes,
    row_values: Float32,
    diagonal: Float32,
    first: int,
    last: int,
    codes: Codes,
    products: Float32,
    counts: Codes,
) -> None:
    r"""Of rows [first, last) of a Gram matrix the entries of highest cosine, highest first.

    The cosine of columns i and j is :math:`G_{ij} / \sqrt{G_{ii} G_{jj}}`; among equals the first column. The diagonal
    is none of them.

    Parameters
    ----------
    indptr, indices, values, row_indptr, row_indices, row_values
        As in `gram_rows`.
    diagonal : float32 array of shape (n_columns,)
        The G_ii.
    codes, products : int32 and float32 arrays of shape (last - first, width), written
        Columns j and G_ij.
    counts : int32 array of shape (last - first,), written
        How many there are.
    """
    n, width = diagonal.size, codes.shape[1]
    row = np.zeros(n, np.float32)
    heap, score = np.empty(n, np.int32), np.zeros(n, np.float32)
    for i in range(first, last):
        n_found = 0
        for t in range(indptr[i], indptr[i + 1]):
            v = values[t]
            for s in range(row_indptr[indices[t]], row_indptr[indices[t] + 1]):
                j = row_indices[s]
                if row[j] == 0:
                    heap[n_found] = j
                    n_found += 1
                row[j] += v * row_values[s]
        for c in range(n_found):
            j = heap[c]
            score[j] = -np.inf if j == i else row[j] / np.sqrt(diagonal[j])
        kept = min(width, n_found - (row[i] > 0))
        for parent in range(n_found // 2 - 1, -1, -1):
            _sift(heap, score, parent, n_found)
        left = n_found
        for place in range(kept):  # the root of the heap is the highest that is left
            codes[i - first, place], products[i - first, place] = heap[0], row[heap[0]]
            left -= 1
            heap[0], heap[left] = heap[left], heap[0]
            _sift(heap, score, 0, left)
        counts[i - first] = kept
        for c in range(n_found):
            row[heap[c]] = 0


@kernel
def _sift(heap: Codes, score: Float32, parent: int, size: int) -> None:
    """Move what stands at `parent` down a heap to where nothing below is higher, or as high and an earlier column."""
    moved = heap[parent]
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        if child + 1 < size and _above(heap[child + 1], heap[child], score):
            child += 1
        if not _above(heap[child], moved, score):
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = moved


@kernel
def _above(one: int, other: int, score: Float32) -> bool:
    return bool(score[one] > score[other] or (score[one] == score[other] and one < other))


@kernel
def neighbourhood_weights(
    indptr: Pointers,
    indices: Codes,
    products: Float32,
    diagonal: Float32,
    penalty: Float32,
    relaxation: float,
    width: int,
    first: int,
    last: int,
    codes: Codes,
    weights: Float32,
) -> None:
    r"""For every i in [first, last): the weights of a ridge regression of column i on its strongest neighbours.

    .. math:: b = c \, (G_{KK} + \mathrm{diag}(\gamma_K))^{-1} G_{Ki}, \qquad
        c = \max\{\gamma_i P_{ii}, 1 - \xi\}, \quad P_{ii}^{-1} = G_{ii} + \gamma_i - G_{iK} b / c

    K are the first `width` entries of row i. An entry of G that neither of its two rows has kept counts as 0, and where
    that would take a pivot of the elimination below the smallest gamma, the pivot is that.

    Parameters
    ----------
    indptr, indices, products : rows of G, the strongest entries first, without the diagonal
    diagonal, penalty : float32 arrays of shape (n,), the G_ii and gamma
    relaxation : float, the xi
    codes, weights : int32 and float32 arrays of shape (last - first, width), written as far as row i has entries
        Columns in ascending order, and b.
    """
    n = diagonal.size
    place = np.full(n, -1, np.int32)
    gram, right = np.empty((width, width), np.float32), np.empty(width, np.float32)
    chosen = np.zeros(n, np.bool_)
    lowest = penalty[0]
    for j in range(n):
        lowest = min(lowest, penalty[j])
    for i in range(first, last):
        size = min(width, indptr[i + 1] - indptr[i])
        if not size:
            continue
        own, solution = codes[i - first], weights[i - first]
        leftmost, rightmost = n, 0
        for t in range(indptr[i], indptr[i] + size):
            chosen[indices[t]] = True
            leftmost, rightmost = min(leftmost, indices[t]), max(rightmost, indices[t])
        a = 0
        for j in range(leftmost, rightmost + 1):
            if chosen[j]:
                own[a], place[j], chosen[j] = j, a, False
                a += 1
        for t in range(indptr[i], indptr[i] + size):
            right[place[indices[t]]] = products[t]
        for a in range(size):
            gram[a, : a + 1] = 0
        for a in range(size):
            j = own[a]
            gram[a, a] = diagonal[j] + penalty[j]
            for t in range(indptr[j], indptr[j + 1]):
                b = place[indices[t]]
                if b >= 0:  # kept by either row, it stands in the lower triangle
                    gram[max(a, b), min(a, b)] = products[t]
        solve_symmetric(gram[:size, :size], right[:size], lowest, solution[:size])
        explained = np.float32(0)
        for t in range(indptr[i], indptr[i] + size):
            explained += solution[place[indices[t]]] * products[t]
        rest = max(diagonal[i] + penalty[i] - explained, penalty[i])
        factor = np.float32(max(penalty[i] / rest, 1 - relaxation))
        for a in range(size):
            solution[a] *= factor
            place[own[a]] = -1


@kernel
def score_sparse(
    users: Codes,
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    weight_indptr: Pointers,
    weight_indices: Codes,
    weights: Float32,
    typical: Float32,
    out: Float32,
) -> None:
    """Scores of every item for some users: their rows of v times a sparse matrix b; `typical` for an unknown one (-1).

    Parameters
    ----------
    indptr, indices, values : the sparse matrix v, by users
    weight_indptr, weight_indices, weights : the sparse matrix b, by rows
    out : float32 array of shape (n_users, n_items), written
    """
    for r in range(users.size):
        row = out[r]
        if users[r] < 0:
            row[:] = typical
            continue
        row[:] = 0
        for t in range(indptr[users[r]], indptr[users[r] + 1]):
            v = values[t]
            for s in range(weight_indptr[indices[t]], weight_indptr[indices[t] + 1]):
                row[weight_indices[s]] += v * weights[s]
