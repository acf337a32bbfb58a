"""`Baseline`: the mean, and how far each user and each item lies from it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from foretaste._typing import Codes, Float64, Learned
from foretaste.data.interactions import Interactions
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit
from foretaste.models._training import Training
from foretaste.utils.validation import Float, Int


class Baseline(FactorModel):
    r"""The mean, and how far each user and each item lies from it.

    .. math:: \hat r_{ui} = \mu + b_u + b_i

    with the biases that minimise

    .. math:: \sum_{(u,i)} (r_{ui} - \mu - b_u - b_i)^2 + \lambda_u \sum_u b_u^2 + \lambda_i \sum_i b_i^2

    found by solving for the items and the users in turn until neither moves (Koren 2010, "Factor in the neighbors",
    section 2.1).

    Parameters
    ----------
    reg_users, reg_items : float
        The penalties, in ratings: a user with `reg_users` ratings keeps half of what they deviate by.
    n_epochs : int
        Ceiling for the number of turns.
    tol : float
        Ends when the training RMSE falls by less than this share a turn.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.Baseline().fit(ft.datasets.albums())
    >>> model.explain("diego", "bts")["term"].to_list()
    ['global mean', 'user bias', 'item bias']
    """

    _constraints: ClassVar = {"reg_users": Float(0), "reg_items": Float(0), "n_epochs": Int(1), "tol": Float(0)}

    def __init__(
        self, *, reg_users: float = 5.0, reg_items: float = 5.0, n_epochs: int = 50, tol: float = 1e-6
    ) -> None:
        self.reg_users = reg_users
        self.reg_items = reg_items
        self.n_epochs = n_epochs
        self.tol = tol

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        unit = Unit.of(interactions.require_ratings("Baseline"), centred=True)
        measured = unit.measure(interactions.values).astype(np.float64)
        users, items = interactions.user_codes, interactions.item_codes
        factors = Factors.zeros(interactions, 0)
        b_u, b_i = np.zeros(interactions.n_users), np.zeros(interactions.n_items)
        per_user = self.reg_users + np.bincount(users, minlength=b_u.size)
        per_item = self.reg_items + np.bincount(items, minlength=b_i.size)
        for _ in training:
            b_i = _sums(items, measured - b_u[users], b_i.size) / per_item
            b_u = _sums(users, measured - b_i[items], b_u.size) / per_user
            factors = factors._replace(user_biases=b_u.astype(np.float32), item_biases=b_i.astype(np.float32))
            training.report(factors.rmse(unit, interactions), lambda u, i: factors.predict(unit, u, i))  # noqa: B023
        return factors.learned(unit)

    def _penalty(self) -> Penalty:
        return Penalty(0.0, self.reg_users, scaled=False)


def _sums(codes: Codes, values: Float64, n_codes: int) -> Float64:
    """Sum of the values of each code."""
    return np.bincount(codes, values, n_codes).astype(np.float64)
