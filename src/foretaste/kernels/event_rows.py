"""Many small ridge regressions of events, each over all columns: half steps of alternating least squares."""

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel
from foretaste.kernels.ridge import solve_symmetric


@kernel
def _add_event_products(columns: Codes, weights: Float32, features: Float32, begin: int, gram: Float32) -> None:
    """Add sum w f f' to the lower triangle of `gram`; f are columns `begin`, `begin` + 1, ... of the features."""
    k, n = gram.shape[0], columns.size
    whole = n // 4 * 4
    for t in range(0, whole, 4):  # four rows of F a pass, as in `ridge.py`
        f0, f1 = features[columns[t], begin : begin + k], features[columns[t + 1], begin : begin + k]
        f2, f3 = features[columns[t + 2], begin : begin + k], features[columns[t + 3], begin : begin + k]
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        for a in range(k):
            x0, x1, x2, x3 = w0 * f0[a], w1 * f1[a], w2 * f2[a], w3 * f3[a]
            gram_row = gram[a]
            for b in range(a + 1):
                gram_row[b] += x0 * f0[b] + x1 * f1[b] + x2 * f2[b] + x3 * f3[b]
    for t in range(whole, n):
        f, w = features[columns[t], begin : begin + k], weights[t]
        for a in range(k):
            x = w * f[a]
            gram_row = gram[a]
            for b in range(a + 1):
                gram_row[b] += x * f[b]


@kernel
def _put_centre(centre: Float32, row: int, out: Float32) -> None:
    """Write the centre of a row: zeros where no centres are given."""
    if centre.shape[0]:
        out[:] = centre[row]
    else:
        out[:] = 0


@kernel
def _add_pull(centre: Float32, row: int, penalty: np.float32, out: Float32) -> None:
    """Add the penalty times the centre of a row, where centres are given."""
    if centre.shape[0]:
        own = centre[row]
        for a in range(out.size):
            out[a] += penalty * own[a]


@kernel
def solve_event_rows(
    indptr: Pointers,
    indices: Codes,
    weights: Float32,
    features: Float32,
    gram: Float32,
    penalty: Float32,
    centre: Float32,
    first: int,
    last: int,
    out: Float32,
) -> None:
    r"""For every row r in [first, last): the exact minimiser over x of

    .. math:: \sum_{t \in r} w_t (1 - f_{i_t} \cdot x)^2 + x^\top G x + \lambda_r |x - c_r|^2

    where G is the Gram matrix of all features times the weight of a pair without an event (Hu, Koren, Volinsky 2008,
    "Collaborative filtering for implicit feedback datasets"), and c the centre that a row is drawn to. An empty row,
    of which no event says anything, gets its centre.

    Parameters
    ----------
    indptr, indices, weights : the sparse matrix w, by rows
    features : float32 array of shape (n_columns, k), the f
    gram : float32 array of shape (k, k), the G
    penalty : float32 array of shape (n_rows,), the lambda
    centre : float32 array of shape (n_rows, k), the c, or of shape (0, k) where all are 0
    out : float32 array of shape (n_rows, k), written in [first, last) only
    """  # noqa: D400  the formula is the sentence
    k = features.shape[1]
    own = np.empty((k, k), np.float32)
    right = np.empty(k, np.float32)
    for row in range(first, last):
        start, stop = indptr[row], indptr[row + 1]
        if start == stop:
            _put_centre(centre, row, out[row])
            continue
        own[:] = gram
        right[:] = 0
        _add_pull(centre, row, penalty[row], right)
        for a in range(k):
            own[a, a] += penalty[row]
        for t in range(start, stop):
            f, w = features[indices[t]], weights[t]
            for a in range(k):
                right[a] += w * f[a]
        _add_event_products(indices[start:stop], weights[start:stop], features, 0, own)
        solve_symmetric(own, right, penalty[row], out[row])


@kernel
def improve_event_rows(
    indptr: Pointers,
    indices: Codes,
    weights: Float32,
    features: Float32,
    gram: Float32,
    penalty: Float32,
    centre: Float32,
    n_steps: int,
    first: int,
    last: int,
    out: Float32,
) -> None:
    """At most `n_steps` of conjugate gradients from where `out` stands towards the minimiser of `solve_event_rows`.

    Fewer where the residual has shrunk to a hundred-thousandth of the right side. Costs O(nnz k + n k^2) a step, where
    the exact solution costs O(nnz k^2 + n k^3). Arguments otherwise as in `solve_event_rows`.
    """
    k = features.shape[1]
    zero, one, small = np.float32(0), np.float32(1), np.float32(1e-10)
    residual = np.empty(k, np.float32)
    direction = np.empty(k, np.float32)
    image = np.empty(k, np.float32)  # -(F'WF + G + penalty) direction
    for row in range(first, last):
        start, stop = indptr[row], indptr[row + 1]
        columns, own, x = indices[start:stop], weights[start:stop], out[row]
        if start == stop:
            _put_centre(centre, row, x)
            continue
        _take_away(gram, penalty[row], x, residual)
        _add_pull(centre, row, penalty[row], residual)
        _add_event_errors(columns, own, one, features, x, residual)
        square = zero
        for a in range(k):
            direction[a] = residual[a]
            square += residual[a] * residual[a]
        enough = small * max(square, one * (stop - start))
        for _ in range(n_steps):
            if square <= enough:
                break
            _take_away(gram, penalty[row], direction, image)
            _add_event_errors(columns, own, zero, features, direction, image)
            curvature = zero
            for a in range(k):
                curvature -= direction[a] * image[a]
            step = square / curvature
            previous = square
            square = zero
            for a in range(k):
                x[a] += step * direction[a]
                residual[a] += step * image[a]
                square += residual[a] * residual[a]
            turn = square / previous
            for a in range(k):
                direction[a] = residual[a] + turn * direction[a]


@kernel
def _take_away(gram: Float32, penalty: np.float32, x: Float32, out: Float32) -> None:
    """Write -(G + penalty) x; four rows of the symmetric G a pass over `out`."""
    k = x.size
    for a in range(k):
        out[a] = -penalty * x[a]
    whole = k // 4 * 4
    for c in range(0, whole, 4):
        g0, g1, g2, g3 = gram[c], gram[c + 1], gram[c + 2], gram[c + 3]
        x0, x1, x2, x3 = x[c], x[c + 1], x[c + 2], x[c + 3]
        for a in range(k):
            out[a] -= x0 * g0[a] + x1 * g1[a] + x2 * g2[a] + x3 * g3[a]
    for c in range(whole, k):
        g, y = gram[c], x[c]
        for a in range(k):
            out[a] -= y * g[a]


@kernel
def _add_event_errors(
    columns: Codes, weights: Float32, target: np.float32, features: Float32, x: Float32, out: Float32
) -> None:
    """Add sum w (target - f . x) f to `out`; four rows of F a pass over x and out."""
    k, zero = x.size, np.float32(0)
    whole = columns.size // 4 * 4
    for t in range(0, whole, 4):
        f0, f1 = features[columns[t]], features[columns[t + 1]]
        f2, f3 = features[columns[t + 2]], features[columns[t + 3]]
        e0 = e1 = e2 = e3 = zero
        for a in range(k):
            e0 -= f0[a] * x[a]
            e1 -= f1[a] * x[a]
            e2 -= f2[a] * x[a]
            e3 -= f3[a] * x[a]
        e0, e1 = weights[t] * (e0 + target), weights[t + 1] * (e1 + target)
        e2, e3 = weights[t + 2] * (e2 + target), weights[t + 3] * (e3 + target)
        for a in range(k):
            out[a] += e0 * f0[a] + e1 * f1[a] + e2 * f2[a] + e3 * f3[a]
    for t in range(whole, columns.size):
        f = features[columns[t]]
        error = zero
        for a in range(k):
            error -= f[a] * x[a]
        error = weights[t] * (error + target)
        for a in range(k):
            out[a] += error * f[a]


@kernel
def improve_event_blocks(
    indptr: Pointers,
    indices: Codes,
    weights: Float32,
    features: Float32,
    gram: Float32,
    penalty: Float32,
    centre: Float32,
    width: int,
    first: int,
    last: int,
    out: Float32,
) -> None:
    r"""One exact step for each block of `width` coordinates, from `out` towards the minimiser of `solve_event_rows`.

    .. math:: x_\pi \leftarrow x_\pi + \Big(\sum_t w_t f_\pi f_\pi^\top + G_{\pi\pi} + \lambda\Big)^{-1}
        \Big(\sum_t w_t (1 - f_{i_t} \cdot x) f_\pi - (G x)_\pi - \lambda (x - c)_\pi\Big)

    for the blocks in turn, with the scores f . x kept up to date (Rendle, Krichene, Zhang, Koren 2021, "iALS++:
    speeding up matrix factorization with subspace optimization"). Costs O(nnz k width + n k width^2). Arguments
    otherwise as in `solve_event_rows`.
    """
    k, zero, one = features.shape[1], np.float32(0), np.float32(1)
    longest = 0
    for row in range(first, last):
        longest = max(longest, indptr[row + 1] - indptr[row])
    errors = np.empty(longest, np.float32)
    own, right = np.empty((width, width), np.float32), np.empty(width, np.float32)
    step = np.empty(width, np.float32)
    for row in range(first, last):
        start, n = indptr[row], indptr[row + 1] - indptr[row]
        x = out[row]
        if n == 0:
            _put_centre(centre, row, x)
            continue
        columns, w = indices[start : start + n], weights[start : start + n]
        for t in range(n):
            f, score = features[columns[t]], zero
            for a in range(k):
                score += f[a] * x[a]
            errors[t] = one - score
        for begin in range(0, k, width):
            size = min(width, k - begin)
            block, aim, move = own[:size, :size], right[:size], step[:size]
            for a in range(size):
                gram_row = gram[begin + a]
                total = -penalty[row] * x[begin + a]
                for c in range(k):
                    total -= gram_row[c] * x[c]
                aim[a] = total
                for b in range(a + 1):
                    block[a, b] = gram_row[begin + b]
                block[a, a] += penalty[row]
            _add_pull(centre[:, begin : begin + size], row, penalty[row], aim)
            _add_event_products(columns, w, features, begin, block)
            for t in range(n):
                f, e = features[columns[t], begin : begin + size], w[t] * errors[t]
                for a in range(size):
                    aim[a] += e * f[a]
            solve_symmetric(block, aim, penalty[row], move)
            for a in range(size):
                x[begin + a] += move[a]
            for t in range(n):
                f, change = features[columns[t], begin : begin + size], zero
                for a in range(size):
                    change += f[a] * move[a]
                errors[t] -= change


@kernel
def event_errors(
    indptr: Pointers, indices: Codes, weights: Float32, features: Float32, x: Float32, first: int, last: int
) -> float:
    r"""The sum of w (1 - f . x)^2 over the events of rows [first, last)."""
    k, total = features.shape[1], 0.0
    for row in range(first, last):
        own = x[row]
        for t in range(indptr[row], indptr[row + 1]):
            f, error = features[indices[t]], np.float32(1)
            for a in range(k):
                error -= f[a] * own[a]
            total += np.float64(weights[t] * error * error)
    return total
