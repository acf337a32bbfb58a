"""Lists of recommended items beside what users wanted, have and might have found by themselves."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel


@kernel
def mark_gains(items: Codes, indptr: Pointers, indices: Codes, values: Float32, gains: Float32) -> None:
    """Write the value each listed item has in its row of a sparse matrix whose columns ascend; 0 where it has none."""
    for r in range(items.shape[0]):
        for j in range(items.shape[1]):
            item, low, high = items[r, j], indptr[r], indptr[r + 1]
            while low < high:
                middle = (low + high) // 2
                if indices[middle] < item:
                    low = middle + 1
                else:
                    high = middle
            found = low < indptr[r + 1] and indices[low] == item
            gains[r, j] = values[low] if found else np.float32(0)


@kernel
def best_values(indptr: Pointers, values: Float32, best: Float32) -> None:
    """Write the highest values of each sparse row in falling order, zeros behind them; none is below 0."""
    n = best.shape[1]
    for r in range(best.shape[0]):
        row = best[r]
        row[:] = 0
        for t in range(indptr[r], indptr[r + 1]):
            value, place = values[t], n
            while place > 0 and row[place - 1] < value:
                if place < n:
                    row[place] = row[place - 1]
                place -= 1
            if place < n:
                row[place] = value


@kernel
def mark_shared(
    indptr: Pointers, indices: Codes, other_indptr: Pointers, other_indices: Codes, shared: npt.NDArray[np.bool_]
) -> None:
    """Whether each entry of a sparse matrix is an entry of another one with the same rows, too."""
    highest = -1
    for column in indices:
        highest = max(highest, column)
    last_row = np.full(highest + 1, -1, np.int64)
    for r in range(indptr.size - 1):
        for t in range(other_indptr[r], other_indptr[r + 1]):
            if other_indices[t] <= highest:
                last_row[other_indices[t]] = r
        for t in range(indptr[r], indptr[r + 1]):
            shared[t] = last_row[indices[t]] == r


@kernel
def count_rows(indptr: Pointers, indices: Codes, n_columns: int) -> Pointers:
    """In how many rows each column occurs, however often it does in one."""
    counts, last_row = np.zeros(n_columns, np.int64), np.full(n_columns, -1, np.int64)
    for r in range(indptr.size - 1):
        for t in range(indptr[r], indptr[r + 1]):
            column = indices[t]
            if last_row[column] != r:
                last_row[column] = r
                counts[column] += 1
    return counts


@kernel
def area_under_curve(scores: Float32, indptr: Pointers, indices: Codes, areas: Float64) -> None:
    """How often a relevant item is scored above another candidate, ties counting half; NaN without a pair.

    (1 / (n m)) sum over the n relevant i and the m other candidates j of [s_i > s_j] + [s_i = s_j] / 2

    Parameters
    ----------
    scores : float32 array of shape (n_rows, n_columns)
        Minus infinity where an item is no candidate.
    indptr, indices : sparse rows
        The relevant items. A column beyond those of the scores is below every candidate.
    areas : float64 array of shape (n_rows,), written
    """
    n_columns = scores.shape[1]
    wanted = np.full(n_columns, -1, np.int64)
    for r in range(scores.shape[0]):
        n = indptr[r + 1] - indptr[r]
        relevant, n_scored = np.empty(n, np.float32), 0
        for t in range(indptr[r], indptr[r + 1]):
            if indices[t] < n_columns:
                wanted[indices[t]] = r
                relevant[n_scored] = scores[r, indices[t]]
                n_scored += 1
        relevant = np.sort(relevant[:n_scored])
        n_others, twice_won = 0, 0
        for column in range(n_columns):
            score = scores[r, column]
            if score == -np.inf or wanted[column] == r:
                continue
            n_others += 1
            # how many relevant ones lie above, and how many at, the score of this candidate
            twice_won += 2 * n_scored - _below(relevant, score, False) - _below(relevant, score, True)  # noqa: FBT003  Numba has no keyword-only
        areas[r] = twice_won / 2 / (n * n_others) if n > 0 and n_others > 0 else np.nan


@kernel
def _below(ascending: Float32, value: float, or_equal: bool) -> int:
    """How many of some ascending numbers are below a value, or not above it."""
    low, high = 0, ascending.size
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] < value or (or_equal and ascending[middle] == value):
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def mark_leading(
    items: Codes, order: Codes, indptr: Pointers, indices: Codes, n: int, leading: npt.NDArray[np.bool_]
) -> None:
    """Whether each listed item is among the first n of an order of all items that are not in a user's sparse row."""
    last_row, leads = np.full(order.size, -1, np.int64), np.full(order.size, -1, np.int64)
    for r in range(items.shape[0]):
        for t in range(indptr[r], indptr[r + 1]):
            last_row[indices[t]] = r
        place, n_found = 0, 0
        while place < order.size and n_found < n:
            if last_row[order[place]] != r:
                leads[order[place]] = r
                n_found += 1
            place += 1
        for j in range(items.shape[1]):
            leading[r, j] = 0 <= items[r, j] < order.size and leads[items[r, j]] == r


@kernel
def mean_cosine(
    items: Codes, indptr: Pointers, indices: Codes, values: Float64, n_columns: int, cosines: Float64
) -> None:
    """Mean cosine of all pairs of items in a list, by the items' sparse rows; NaN with less than two items.

    With unit vectors x of the m items it is (|sum x|^2 - sum |x|^2) / (m (m - 1)), so that pairs are never looked at.
    An item beyond the rows, or whose row is empty, is like no other.
    """
    total = np.zeros(n_columns, np.float64)
    for r in range(items.shape[0]):
        m, together, alone = 0, 0.0, 0.0
        for item in items[r]:
            if item < 0:
                continue
            m += 1
            length = _length(item, indptr, values)
            if length == 0:
                continue
            alone += 1.0
            for t in range(indptr[item], indptr[item + 1]):
                total[indices[t]] += values[t] / length
        for item in items[r]:  # the square of each sum is taken once, and the sum cleared on the way
            if item < 0 or _length(item, indptr, values) == 0:
                continue
            for t in range(indptr[item], indptr[item + 1]):
                together += total[indices[t]] ** 2
                total[indices[t]] = 0.0
        cosines[r] = (together - alone) / (m * (m - 1)) if m > 1 else np.nan


@kernel
def _length(row: int, indptr: Pointers, values: Float64) -> float:
    """Euclidean length of a sparse row; 0 of one that is not there."""
    square = 0.0
    if row < indptr.size - 1:
        for t in range(indptr[row], indptr[row + 1]):
            square += values[t] ** 2
    return np.sqrt(square)  # type: ignore[no-any-return]  # a float64, which is a float
