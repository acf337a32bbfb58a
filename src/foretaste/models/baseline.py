"""`Baseline`: the mean, and how far each user and each item lies from it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from foretaste._typing import Learned
from foretaste.data.interactions import Interactions
from foretaste.kernels.biases import bias_rows
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
        by_user, by_item = unit.rows(interactions)
        b_u, b_i = np.zeros(interactions.n_users), np.zeros(interactions.n_items)
        nothing = Factors.zeros(interactions, 0)

        def factors() -> Factors:
            return nothing._replace(user_biases=b_u.astype(np.float32), item_biases=b_i.astype(np.float32))

        for _ in training:
            bias_rows(*by_item, b_u, self.reg_items, b_i)
            loss = bias_rows(*by_user, b_i, self.reg_users, b_u)
            rmse = unit.spread * float(np.sqrt(max(loss, 0.0) / len(interactions)))
            training.report(rmse, lambda u, i: factors().predict(unit, u, i))
        return factors().learned(unit)

    def _penalty(self) -> Penalty:
        return Penalty(0.0, self.reg_users, scaled=False)
