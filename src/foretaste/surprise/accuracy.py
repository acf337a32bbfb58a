"""How far predictions are from the true ratings: rmse, mse, mae and fcp of what an algorithm's `test` gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from foretaste._typing import Float64
from foretaste.kernels.concordance import ordered_pairs
from foretaste.kernels.sorting import group_by_code
from foretaste.surprise.trainset import numbered

Predictions = Sequence[tuple[Any, Any, Any, Any, Any]]


def rmse(predictions: Predictions, verbose: bool = True) -> Any:  # noqa: ANN401  numpy's float64
    r"""Root mean squared error, :math:`\sqrt{\frac1n \sum (r - \hat r)^2}`.

    Parameters
    ----------
    predictions : list of Prediction
        Or of any tuples (user, item, true rating, estimate, details).
    verbose : bool
        Print it.

    Raises
    ------
    ValueError
        There are no predictions.
    TypeError
        A true rating is None.

    Examples
    --------
    >>> rmse([("an", "bts", 1, 3.5, {}), ("an", "sanam", 4, 3.5, {})])
    RMSE: 1.8028
    np.float64(1.8027756377319946)
    """
    return _told("RMSE: ", np.sqrt(_mean_square(predictions)), verbose)


def mse(predictions: Predictions, verbose: bool = True) -> Any:  # noqa: ANN401  as above
    r"""Mean squared error, :math:`\frac1n \sum (r - \hat r)^2`; otherwise as `rmse`."""
    return _told("MSE: ", _mean_square(predictions), verbose)


def mae(predictions: Predictions, verbose: bool = True) -> Any:  # noqa: ANN401  as above
    r"""Mean absolute error, :math:`\frac1n \sum |r - \hat r|`; otherwise as `rmse`."""
    return _told("MAE:  ", np.mean(np.abs(_errors(predictions))), verbose)


def fcp(predictions: Predictions, verbose: bool = True) -> Any:  # noqa: ANN401  as above
    r"""Fraction of concordant pairs, :math:`n_c / (n_c + n_d)`, as Surprise computes it; otherwise as `rmse`.

    Of two items that a user rated differently, the better one is predicted higher (concordant) or not (discordant).
    :math:`n_c` is the mean over the users who have any concordant pair, :math:`n_d` over those who have any discordant
    one, and a tie counts as discordant. The paper (Koren, Sill 2013, "Collaborative filtering on ordinal user
    feedback", section 4.2) means both over the same users: that is `foretaste.metrics.fcp`.

    Raises
    ------
    ValueError
        There are no predictions, or no user has two different ratings.
    """
    true, estimates = _columns(predictions)
    users, codes = numbered(user for user, _, _, _, _ in predictions)
    indptr, order = group_by_code(codes, len(users))
    concordant, discordant = np.empty(len(users)), np.empty(len(users))
    ordered_pairs(indptr, true[order], estimates[order], concordant, discordant)
    kept, lost = (counts[counts > 0].mean() if counts.any() else 0.0 for counts in (concordant, discordant))
    if not kept + lost:
        message = "fcp is not defined for these predictions. Hint: does any user have two different ratings?"
        raise ValueError(message)
    return _told("FCP:  ", np.float64(kept / (kept + lost)), verbose)


def _columns(predictions: Predictions) -> tuple[Float64, Float64]:
    """True ratings and estimates."""
    if not len(predictions):
        message = "there are no predictions to measure."
        raise ValueError(message)
    _, _, true, estimates, _ = zip(*predictions, strict=True)
    if None in true:  # which numpy would take for a NaN
        message = "a true rating is None, so there is nothing to measure by. Hint: leave such predictions out."
        raise TypeError(message)
    return np.fromiter(true, np.float64, len(true)), np.fromiter(estimates, np.float64, len(estimates))


def _errors(predictions: Predictions) -> Float64:
    true, estimates = _columns(predictions)
    return true - estimates


def _mean_square(predictions: Predictions) -> Any:  # noqa: ANN401  numpy's float64
    # pow, not a product: the two differ in the last bit of one number in a thousand
    return np.mean(list(map(pow, _errors(predictions).tolist(), repeat(2.0))))


def _told(name: str, value: Any, verbose: bool) -> Any:  # noqa: ANN401  as above
    if verbose:
        print(f"{name}{value:1.4f}")
    return value
