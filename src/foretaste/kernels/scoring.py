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
def hide(scores: Float32, rows: Codes, indptr: Pointers, indices: Codes) -> None:
    """Set to minus infinity, in row r of the scores, the columns in row `rows[r]` of a sparse matrix (-1: none)."""
    for r in range(rows.size):
        if rows[r] < 0:
            continue
        for t in range(indptr[rows[r]], indptr[rows[r] + 1]):
            scores[r, indices[t]] = -np.inf


@kernel
def top_n(scores: Float32, codes: Codes, best: Float32) -> None:
    """The n highest scores of every row and their columns, highest first; among equals the first column.

    A column at minus infinity is never chosen: where fewer than n are left, `codes` ends in -1.

    Parameters
    ----------
    scores : float32 array of shape (n_rows, n_columns)
    codes : int32 array of shape (n_rows, n), written
    best : float32 array of shape (n_rows, n), written
    """
    n = codes.shape[1]
    for r in range(scores.shape[0]):
        row, code, value = scores[r], codes[r], best[r]
        code[:] = -1
        value[:] = -np.inf
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
                    value[place], code[place] = score, column
                    lowest = value[n - 1]
