"""Scores of pairs, and the best items of rows of scores."""

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.kernels._compile import kernel

# Scores looked at together for one that is among the best.
_STRIP = 64


@kernel
def score_pairs(
    user_codes: Codes,
    item_codes: Codes,
    global_mean: float,
    user_biases: Float32,
    item_biases: Float32,
    user_factors: Float32,
    item_factors: Float32,
    typical_user: Float32,
    typical_item: Float32,
    out: Float64,
) -> None:
    """Scores global_mean + b_u + b_i + p_u . q_i; somebody unknown (code -1) has no bias and the typical factors."""
    n_factors = user_factors.shape[1]
    for t in range(user_codes.size):
        u, i = user_codes[t], item_codes[t]
        p = user_factors[u] if u >= 0 else typical_user
        q = item_factors[i] if i >= 0 else typical_item
        dot = np.float32(0)
        for f in range(n_factors):
            dot += p[f] * q[f]
        score = float(global_mean) + float(dot)
        if u >= 0:
            score += float(user_biases[u])
        if i >= 0:
            score += float(item_biases[i])
        out[t] = score


@kernel
def entries_by_tile(
    rows: Codes, indptr: Pointers, indices: Codes, shift: int, n_tiles: int
) -> tuple[Pointers, Codes, Codes]:
    """The entries of some rows of a sparse matrix, tile by tile of 2^`shift` columns; a row of -1 has none.

    Linear in entries and tiles, in whatever order the columns of a row stand.

    Returns
    -------
    starts : int64 array of shape (n_tiles + 1,)
    places, columns : int32 arrays
        Of each entry the position in `rows`, and the column, counted from the first of its tile.
    """
    starts = np.zeros(n_tiles + 1, np.int64)
    for row in rows:
        if row >= 0:
            for t in range(indptr[row], indptr[row + 1]):
                starts[(indices[t] >> shift) + 1] += 1
    for tile in range(n_tiles):
        starts[tile + 1] += starts[tile]
    end = starts[:-1].copy()
    places, columns = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    for r in range(rows.size):
        if rows[r] >= 0:
            for t in range(indptr[rows[r]], indptr[rows[r] + 1]):
                tile = indices[t] >> shift
                places[end[tile]], columns[end[tile]] = r, indices[t] - (tile << shift)
                end[tile] += 1
    return starts, places, columns


@kernel
def hide(scores: Float32, places: Codes, columns: Codes) -> None:
    """Set scores to minus infinity at these rows and columns."""
    for t in range(places.size):
        scores[places[t], columns[t]] = -np.inf


@kernel
def top_n(scores: Float32, first: int, codes: Codes, best: Float32) -> None:
    """Add the scores of more columns to the n best of every row, highest first; among equals the first column.

    Lists begin with codes of -1 and scores of minus infinity. Columns come in ascending order, as many at a time as one
    likes. One at minus infinity is never chosen: where there are fewer than n others, `codes` ends in -1.

    Parameters
    ----------
    scores : float32 array of shape (n_rows, n_columns)
    first : int
        The first of these columns among all.
    codes : int32 array of shape (n_rows, n), changed
    best : float32 array of shape (n_rows, n), changed
    """
    n = codes.shape[1]
    for r in range(scores.shape[0]):
        row, code, value = scores[r], codes[r], best[r]
        lowest = value[n - 1]
        for start in range(0, row.size, _STRIP):
            stop = min(start + _STRIP, row.size)
            higher = 0
            for column in range(start, stop):  # a vectorised look, which mostly finds nothing
                higher += row[column] > lowest
            if not higher:
                continue
            for column in range(start, stop):
                score = row[column]
                if score > lowest:
                    # shift the lower ones down: rare after the first few columns, so insertion beats a heap
                    place = n - 1
                    while place > 0 and value[place - 1] < score:
                        value[place], code[place] = value[place - 1], code[place - 1]
                        place -= 1
                    value[place], code[place] = score, first + column
                    lowest = value[n - 1]
