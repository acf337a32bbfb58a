"""Many small ridge regressions over the rows of a sparse matrix of ratings: half steps of alternating least squares."""

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel


@kernel
def _normal_equations(
    columns: Codes,
    values: Float32,
    features: Float32,
    offsets: Float32,
    penalty: Float32,
    penalty_per_rating: Float32,
    gram: Float32,
    right: Float32,
) -> None:
    """What one row's regression solves, gram x = right: the lower triangle of F'F + diag(penalty), and F'(v - o)."""
    k, n = features.shape[1], columns.size
    gram[:] = 0
    right[:] = 0
    whole = n // 4 * 4
    for t in range(0, whole, 4):  # four rows of F a pass: the triangle is read and written once for them
        i0, i1, i2, i3 = columns[t], columns[t + 1], columns[t + 2], columns[t + 3]
        f0, f1, f2, f3 = features[i0], features[i1], features[i2], features[i3]
        v0, v1 = values[t] - offsets[i0], values[t + 1] - offsets[i1]
        v2, v3 = values[t + 2] - offsets[i2], values[t + 3] - offsets[i3]
        for a in range(k):
            x0, x1, x2, x3 = f0[a], f1[a], f2[a], f3[a]
            gram_row = gram[a]
            for b in range(a + 1):
                gram_row[b] += x0 * f0[b] + x1 * f1[b] + x2 * f2[b] + x3 * f3[b]
            right[a] += x0 * v0 + x1 * v1 + x2 * v2 + x3 * v3
    for t in range(whole, n):
        f = features[columns[t]]
        v = values[t] - offsets[columns[t]]
        for a in range(k):
            x = f[a]
            gram_row = gram[a]
            for b in range(a + 1):
                gram_row[b] += x * f[b]
            right[a] += x * v
    for a in range(k):
        gram[a, a] += penalty[a] + np.float32(n) * penalty_per_rating[a]


@kernel
def solve_symmetric(gram: Float32, right: Float32, lowest: np.float32, solution: Float32) -> None:
    """The solution of gram x = right by gram = L L', row by row; then L y = right and L' x = y.

    Only the lower triangle of `gram` is read; it is overwritten by L. A pivot, the square of what stands on the
    diagonal of L, is `lowest` at least.
    """
    k = right.size
    for a in range(k):
        row_a = gram[a]
        for b in range(a):
            row_b = gram[b]
            total = row_a[b]
            for c in range(b):
                total -= row_a[c] * row_b[c]
            row_a[b] = total / row_b[b]
        total = row_a[a]
        for c in range(a):
            total -= row_a[c] * row_a[c]
        row_a[a] = np.sqrt(max(total, lowest))
    for a in range(k):
        total = right[a]
        row_a = gram[a]
        for c in range(a):
            total -= row_a[c] * solution[c]
        solution[a] = total / row_a[a]
    for a in range(k - 1, -1, -1):
        x = solution[a] / gram[a, a]
        solution[a] = x
        row_a = gram[a]
        for c in range(a):
            solution[c] -= row_a[c] * x


@kernel
def solve_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    features: Float32,
    offsets: Float32,
    penalty: Float32,
    penalty_per_rating: Float32,
    first: int,
    last: int,
    out: Float32,
) -> None:
    r"""For every row r in [first, last): the exact minimiser over x of

    .. math:: \sum_{t \in r} (v_t - o_{i_t} - f_{i_t} \cdot x)^2 + \sum_j (\lambda_j + n_r \kappa_j) x_j^2

    with n_r the length of the row. An empty row gets zeros.

    Parameters
    ----------
    indptr, indices, values : the sparse matrix v, by rows
    features : float32 array of shape (n_columns, k), the f
    offsets : float32 array of shape (n_columns,), the o
    penalty, penalty_per_rating : float32 arrays of shape (k,), the lambda and kappa; positive together
    out : float32 array of shape (n_rows, k), written in [first, last) only
    """  # noqa: D400  the formula is the sentence
    k = features.shape[1]
    gram = np.empty((k, k), np.float32)
    right = np.empty(k, np.float32)
    for row in range(first, last):
        start, stop = indptr[row], indptr[row + 1]
        n = stop - start
        if n == 0:
            out[row] = 0
            continue
        _normal_equations(
            indices[start:stop], values[start:stop], features, offsets, penalty, penalty_per_rating, gram, right
        )
        solve_symmetric(gram, right, np.float32(0), out[row])


@kernel
def solve_rows_nonnegative(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    features: Float32,
    offsets: Float32,
    penalty: Float32,
    penalty_per_rating: Float32,
    n_sweeps: int,
    first: int,
    last: int,
    out: Float32,
) -> None:
    r"""The minimiser of `solve_rows` over x without negative entries, by coordinate descent from where `out` stands.

    .. math:: x_a \leftarrow \max\Big(0,\; x_a - \frac{(G x - h)_a}{G_{aa}}\Big), \qquad a = 1 \dots k

    with G and h the Gram matrix and the right side of the row's regression: each step is the exact minimum along its
    axis (Hsieh, Dhillon 2011, "Fast coordinate descent methods with variable selection for non-negative matrix
    factorization"). At most `n_sweeps` rounds; fewer where a round moves nothing any more. Arguments otherwise as in
    `solve_rows`; an empty row gets zeros.
    """
    k = features.shape[1]
    zero, small = np.float32(0), np.float32(1e-5)
    gram = np.empty((k, k), np.float32)
    right = np.empty(k, np.float32)
    slope = np.empty(k, np.float32)  # gram x - right
    inverse = np.empty(k, np.float32)
    for row in range(first, last):
        start, stop = indptr[row], indptr[row + 1]
        x = out[row]
        if start == stop:
            x[:] = 0
            continue
        _normal_equations(
            indices[start:stop], values[start:stop], features, offsets, penalty, penalty_per_rating, gram, right
        )
        for a in range(k):
            for b in range(a):
                gram[b, a] = gram[a, b]
        for a in range(k):
            gram_row = gram[a]
            total = -right[a]
            for b in range(k):
                total += gram_row[b] * x[b]
            slope[a] = total
            inverse[a] = np.float32(1) / gram_row[a]
        for _ in range(n_sweeps):
            longest = furthest = zero
            for a in range(k):
                gram_row = gram[a]
                moved = max(zero, x[a] - slope[a] * inverse[a])
                step = moved - x[a]
                longest, furthest = max(longest, moved), max(furthest, abs(step))
                if step == zero:
                    continue
                x[a] = moved
                for b in range(k):
                    slope[b] += step * gram_row[b]
            if furthest <= small * longest:
                break


@kernel
def improve_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    features: Float32,
    offsets: Float32,
    penalty: Float32,
    penalty_per_rating: Float32,
    first: int,
    last: int,
    out: Float32,
) -> None:
    """Three steps of conjugate gradients from where `out` stands towards the minimiser of `solve_rows`.

    Costs O(nnz k) where the exact solution costs O(nnz k^2); between two half steps of an alternation the rows are
    near their solution already (Takacs, Pilaszy, Tikk 2011, "Applications of the conjugate gradient method for
    implicit feedback collaborative filtering"). Arguments as in `solve_rows`.
    """
    k = features.shape[1]
    zero = np.float32(0)
    residual = np.empty(k, np.float32)
    direction = np.empty(k, np.float32)
    image = np.empty(k, np.float32)  # -(F'F + diag(penalty)) direction
    longest = 0
    for row in range(first, last):
        longest = max(longest, indptr[row + 1] - indptr[row])
    target = np.empty(longest, np.float32)
    nothing = np.zeros(longest, np.float32)
    for row in range(first, last):
        start, n = indptr[row], indptr[row + 1] - indptr[row]
        columns, x = indices[start : start + n], out[row]
        if n == 0:
            x[:] = 0
            continue
        count = np.float32(n)
        for t in range(n):
            target[t] = values[start + t] - offsets[columns[t]]
        for a in range(k):
            residual[a] = -(penalty[a] + count * penalty_per_rating[a]) * x[a]
        _add_errors(columns, target, features, x, residual)
        square = zero
        for a in range(k):
            direction[a] = residual[a]
            square += residual[a] * residual[a]
        for _ in range(3):
            if square < 1e-12:  # noqa: PLR2004  solved, to float32
                break
            for a in range(k):
                image[a] = -(penalty[a] + count * penalty_per_rating[a]) * direction[a]
            _add_errors(columns, nothing, features, direction, image)
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
def _add_errors(columns: Codes, target: Float32, features: Float32, x: Float32, out: Float32) -> None:
    """Add F'(target - F x) to `out`, F being the features of the columns; four of its rows a pass over x and out."""
    k = x.size
    zero = np.float32(0)
    whole = columns.size // 4 * 4
    for t in range(0, whole, 4):
        f0, f1, f2, f3 = (
            features[columns[t]],
            features[columns[t + 1]],
            features[columns[t + 2]],
            features[columns[t + 3]],
        )
        e0 = e1 = e2 = e3 = zero
        for a in range(k):
            e0 -= f0[a] * x[a]
            e1 -= f1[a] * x[a]
            e2 -= f2[a] * x[a]
            e3 -= f3[a] * x[a]
        e0, e1, e2, e3 = e0 + target[t], e1 + target[t + 1], e2 + target[t + 2], e3 + target[t + 3]
        for a in range(k):
            out[a] += e0 * f0[a] + e1 * f1[a] + e2 * f2[a] + e3 * f3[a]
    for t in range(whole, columns.size):
        f = features[columns[t]]
        error = zero
        for a in range(k):
            error -= f[a] * x[a]
        error += target[t]
        for a in range(k):
            out[a] += error * f[a]
