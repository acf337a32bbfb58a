"""How alike users are, or items: a similarity of every pair, by the ratings the two have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from foretaste._typing import Float64
from foretaste.kernels.strict.similarities import (
    COSINE,
    MSD,
    PEARSON,
    SHRUNK_COSINE,
    WIDTHS,
    similarities,
    transposed,
)
from foretaste.surprise.trainset import Rows

Lists = Mapping[Any, Iterable[tuple[int, float]]]

NAMES = ("cosine", "msd", "pearson", "pearson_baseline")
_KINDS = dict(zip(NAMES, (COSINE, MSD, PEARSON, SHRUNK_COSINE), strict=True))


def cosine(n_x: int, yr: Lists, min_support: int) -> Float64:
    r"""The cosine of the angle between common ratings.

    .. math:: s_{xz} = \frac{\sum_{y} r_{xy} r_{zy}}{\sqrt{\sum_{y} r_{xy}^2 \cdot \sum_{y} r_{zy}^2}}

    with sums over the y that have rated, or were rated by, both x and z.

    Parameters
    ----------
    n_x : int
        How many users, or items, there are.
    yr : dict of lists
        ``{y: [(x, rating), ...]}``: the ratings by item to compare users, or by user to compare items.
    min_support : int
        Where fewer ratings are common the similarity is 0.

    Returns
    -------
    float64 array of shape (n_x, n_x)
        1 on the diagonal.

    Raises
    ------
    ZeroDivisionError
        All common ratings of two are 0.

    Examples
    --------
    >>> cosine(2, {0: [(0, 3), (1, 4)], 1: [(0, 4), (1, 3)]}, min_support=1).round(2).tolist()
    [[1.0, 0.96], [0.96, 1.0]]
    """
    return matrix("cosine", n_x, _rows(n_x, yr), min_support)


def msd(n_x: int, yr: Lists, min_support: int) -> Float64:
    r"""How small the mean squared difference of common ratings is.

    .. math:: s_{xz} = \frac{1}{\frac{1}{n} \sum_{y} (r_{xy} - r_{zy})^2 + 1}

    Parameters, result and notation as of `cosine`.

    Raises
    ------
    ZeroDivisionError
        Two have nothing in common, and `min_support` lets that pass.

    Examples
    --------
    >>> msd(2, {0: [(0, 3), (1, 4)], 1: [(0, 4), (1, 3)]}, min_support=1).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    return matrix("msd", n_x, _rows(n_x, yr), min_support)


def pearson(n_x: int, yr: Lists, min_support: int) -> Float64:
    r"""Pearson's correlation of common ratings, around the means of those.

    .. math:: s_{xz} = \frac{n \sum_{y} r_{xy} r_{zy} - \sum_{y} r_{xy} \sum_{y} r_{zy}}{
        \sqrt{(n \sum_{y} r_{xy}^2 - (\sum_{y} r_{xy})^2) (n \sum_{y} r_{zy}^2 - (\sum_{y} r_{zy})^2)}}

    and 0 where one of the two has rated everything alike. Parameters, result and notation as of `cosine`.

    Examples
    --------
    >>> pearson(2, {0: [(0, 3), (1, 4)], 1: [(0, 4), (1, 3)]}, min_support=1).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    return matrix("pearson", n_x, _rows(n_x, yr), min_support)


def pearson_baseline(
    n_x: int,
    yr: Lists,
    min_support: int,
    global_mean: float,
    x_biases: npt.ArrayLike,
    y_biases: npt.ArrayLike,
    shrinkage: float = 100,
) -> Float64:
    r"""The cosine of what the baseline leaves of common ratings, shrunk where it rests on few.

    .. math:: s_{xz} = \frac{n - 1}{n - 1 + \lambda} \cdot
        \frac{\sum_{y} e_{xy} e_{zy}}{\sqrt{\sum_{y} e_{xy}^2 \cdot \sum_{y} e_{zy}^2}}, \quad
        e_{xy} = r_{xy} - (\mu + b_y + b_x)

    (Koren 2010, "Factor in the neighbors", section 2.2). The parameters that `cosine` has are as there.

    Parameters
    ----------
    min_support : int
        At least 2 is asked for, since one rating in common counts nothing.
    global_mean : float
        The mu.
    x_biases, y_biases : arrays of shape (n_x,) and (n_y,)
    shrinkage : float
        The lambda.

    Raises
    ------
    ZeroDivisionError
        The baseline leaves nothing of the common ratings of one.

    Examples
    --------
    >>> same = {0: [(0, 3), (1, 3)], 1: [(0, 4), (1, 4)]}
    >>> pearson_baseline(2, same, 1, 3.0, [0.5, 0.5], [0.0, 0.0], shrinkage=1).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    rows = _rows(n_x, yr)
    y_codes = np.fromiter((index(y) for y in yr), np.int64, len(yr))
    row_biases = np.asarray(y_biases, np.float64)[y_codes]
    left = residuals(rows, global_mean, row_biases, np.asarray(x_biases, np.float64))
    return matrix("pearson_baseline", n_x, left, min_support, shrinkage)


def residuals(rows: Rows, global_mean: float, row_biases: Float64, column_biases: Float64) -> Rows:
    """What the baseline leaves of ratings."""
    expected = np.repeat(global_mean + row_biases, np.diff(rows.indptr)) + column_biases[rows.indices]
    return rows._replace(values=rows.values - expected)


def matrix(name: str, n_x: int, rows: Rows, min_support: int, shrinkage: float = 0.0) -> Float64:
    """One of the similarities, from sparse rows of the y; for "pearson_baseline" from what the baseline leaves."""
    kind, support = _KINDS[name], index(min_support)
    if name == "pearson_baseline":
        support = max(2, support)
    by_x = transposed(*rows, n_x)
    by_y = transposed(*by_x, rows.indptr.size - 1)
    similar = np.empty((n_x, n_x))
    sums = np.zeros((n_x, WIDTHS[kind]))
    undefined = similarities(kind, *by_x, *by_y, support, float(shrinkage), sums, similar)
    if undefined >= 0:
        x, z = divmod(undefined, n_x)
        message = (
            f"the {name} similarity of {x} and {z} (inner ids) is a division by 0: {_REASONS[name]}. "
            f"Hint: a larger 'min_support', or another similarity, as 'pearson'."
        )
        raise ZeroDivisionError(message)
    return similar


_REASONS = {
    "cosine": "all their common ratings are 0, or they have none",
    "msd": "they have no ratings in common",
    "pearson_baseline": "the baseline leaves nothing of their common ratings, or 'shrinkage' is negative",
}


def _rows(n_x: int, yr: Lists) -> Rows:
    lists = [list(ratings) for ratings in yr.values()]
    indptr = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(ratings) for ratings in lists], out=indptr[1:])
    columns = np.fromiter((x for x, _ in chain.from_iterable(lists)), np.int64, indptr[-1])
    values = np.fromiter((rating for _, rating in chain.from_iterable(lists)), np.float64, indptr[-1])
    if columns.size and not (columns.min() >= 0 and columns.max() < n_x):
        wrong = columns[(columns < 0) | (columns >= n_x)][0]
        message = f"'yr' must hold inner ids from 0 to n_x - 1 = {n_x - 1}, got {wrong}."
        raise IndexError(message)
    return Rows(indptr, columns.astype(np.int32), values)
