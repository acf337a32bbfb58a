"""How far predicted ratings are from given ones."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from foretaste._typing import Float64, Id
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError
from foretaste.kernels.concordance import concordant_pairs
from foretaste.kernels.sorting import group_by_code


def mse(ratings: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    r"""Mean squared error, :math:`\frac1n \sum (r - \hat r)^2`.

    Raises
    ------
    DataError
        There are no pairs, or their lengths differ, or one is not finite. The same holds for the other metrics here.

    Examples
    --------
    >>> mse([5, 3], [4, 3])
    0.5
    """
    given, predicted = _checked(ratings, predictions)
    return float(np.mean((given - predicted) ** 2))


def rmse(ratings: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    r"""Root mean squared error, :math:`\sqrt{\frac1n \sum (r - \hat r)^2}`.

    Examples
    --------
    >>> rmse([5, 3], [4, 2])
    1.0
    """
    return float(np.sqrt(mse(ratings, predictions)))


def mae(ratings: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    r"""Mean absolute error, :math:`\frac1n \sum |r - \hat r|`.

    Examples
    --------
    >>> mae([5, 3], [4, 3])
    0.5
    """
    given, predicted = _checked(ratings, predictions)
    return float(np.mean(np.abs(given - predicted)))


def fcp(ratings: npt.ArrayLike, predictions: npt.ArrayLike, users: Iterable[Id]) -> float:
    r"""Fraction of concordant pairs: how often, of two items a user rated differently, the better is predicted higher.

    .. math:: \mathrm{FCP} = \frac{n_c}{n_c + n_d}, \qquad
        n_c = \frac1{|U|} \sum_u |\{(i, j) : r_{ui} > r_{uj},\ \hat r_{ui} > \hat r_{uj}\}|

    and n_d the same with the prediction reversed; equal predictions count half to each side. Both averages are over
    the same users, those with at least two different ratings (Koren, Sill 2013, "Collaborative filtering on ordinal
    user feedback", section 4.2; Surprise averages the two over different users and counts ties as discordant).

    Raises
    ------
    DataError
        No user has two different ratings.

    Examples
    --------
    >>> fcp([5, 3, 1], [4.5, 4.0, 4.2], ["an", "an", "an"])
    0.6666666666666666
    """
    given, predicted = _checked(ratings, predictions)
    vocabulary, codes = Vocabulary.build(users)
    if codes.size != given.size:
        message = f"fcp needs a user for each rating, got {codes.size} users and {given.size} ratings."
        raise DataError(message)
    indptr, order = group_by_code(codes, len(vocabulary))
    concordant, discordant = concordant_pairs(indptr, given[order], predicted[order])
    if concordant + discordant == 0:
        message = "fcp is undefined: no user has two different ratings."
        raise DataError(message)
    return float(concordant / (concordant + discordant))


def _checked(ratings: npt.ArrayLike, predictions: npt.ArrayLike) -> tuple[Float64, Float64]:
    given, predicted = np.asarray(ratings, np.float64), np.asarray(predictions, np.float64)
    if given.shape != predicted.shape or given.ndim != 1 or not given.size:
        message = (
            f"a metric needs as many predictions as ratings, and at least one; got {given.shape}, {predicted.shape}."
        )
        raise DataError(message)
    if not (np.isfinite(given).all() and np.isfinite(predicted).all()):
        message = "ratings and predictions must be finite numbers. Hint: drop pairs that were predicted as NaN first."
        raise DataError(message)
    return given, predicted
