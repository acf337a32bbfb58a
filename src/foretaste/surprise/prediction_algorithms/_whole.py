"""Ratings as whole numbers, which is how two of the algorithms take them, and means as NumPy adds them up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from foretaste._typing import Float64
from foretaste.surprise.trainset import Rows

_FOUR_BYTES = 2**31


def whole_ratings(values: Float64) -> Float64:
    """Ratings without what stands behind the point: 3.5 is taken as 3, and -2.5 as -2.

    Surprise keeps these ratings in C integers; to come to the same results they have to be cut off here too.

    Raises
    ------
    ValueError
        A rating is NaN.
    OverflowError
        A rating does not fit into four bytes.
    """
    cut = np.trunc(values) + 0.0  # + 0: what is left of -0.5 is 0, not -0
    if np.isnan(cut).any():
        message = "ratings are taken as whole numbers here, and one is NaN. Hint: leave out the rows without a rating."
        raise ValueError(message)
    beyond = (cut >= _FOUR_BYTES) | (cut < -_FOUR_BYTES)
    if beyond.any():
        message = (
            f"ratings are taken as whole numbers of four bytes here, and one is {values[beyond][0]:g}. "
            f"Hint: state ratings in a larger unit."
        )
        raise OverflowError(message)
    return cut


def row_means(rows: Rows) -> list[np.float64]:
    """The mean of each row, to the bit that of `numpy.mean`."""
    return [np.float64(rows.values[first:last].mean()) for first, last in pairwise(rows.indptr.tolist())]
