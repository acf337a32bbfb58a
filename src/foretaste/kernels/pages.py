"""What composing a page does with every item, or with every candidate of every row."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32
from foretaste.kernels._compile import kernel

Mask = npt.NDArray[np.bool_]

# Scores looked at together for one that is high enough.
_STRIP = 64


@kernel
def add_signal(base: Float32, weight: float, signal: Float32, worth: Float32, scores: Float32) -> None:
    """Write (base + weight * signal) * worth, for each item.

    Parameters
    ----------
    scores : float32 array of shape (n_items,), written
    """
    factor = np.float32(weight)
    for i in range(scores.size):
        scores[i] = (base[i] + factor * signal[i]) * worth[i]


@kernel
def reaching(scores: Float32, allowed: Mask, border: float, codes: Codes) -> int:
    """How many of the scores allowed are at least `border`, and in ascending order which.

    Parameters
    ----------
    codes : int32 array of shape (n_items,), written
        The first so many.
    """
    found, lowest = 0, np.float32(border)
    for start in range(0, scores.size, _STRIP):
        stop = min(start + _STRIP, scores.size)
        high = 0
        for i in range(start, stop):  # a vectorised look, which mostly finds nothing
            high += scores[i] >= lowest
        if not high:
            continue
        for i in range(start, stop):
            if scores[i] >= lowest and allowed[i]:
                codes[found] = i
                found += 1
    return found


@kernel
def looked_at(candidates: Codes, appeal: Float32, kept: Mask, shown: Mask, looks: Float32, sums: Float32) -> None:
    """Write how much each row adds by what it still has to show: sum_k looks[k] * appeal of its k-th item.

    Parameters
    ----------
    candidates : int32 array of shape (n_rows, n_candidates)
        Best first; -1 at the end is none.
    appeal : float32 array of shape (n_items,)
    kept : bool array of shape (n_rows,)
        Whether a row shows what is shown already.
    shown : bool array of shape (n_items,)
    looks : float32 array of shape (n_columns,)
    sums : float32 array of shape (n_rows,), written
    """
    for r in range(candidates.shape[0]):
        total, column = np.float32(0), 0
        for item in candidates[r]:
            if item < 0 or column == looks.size:
                break
            if kept[r] or not shown[item]:
                total += looks[column] * appeal[item]
                column += 1
        sums[r] = total
