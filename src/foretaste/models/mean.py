"""`GlobalMean` and `Random`: what any model must beat."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from foretaste._typing import Codes, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import UnsupportedError
from foretaste.models._base import Recommender
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit
from foretaste.models._training import Training
from foretaste.utils.random import generator


class GlobalMean(FactorModel):
    r"""Predicts the mean of all ratings, for everybody and everything.

    .. math:: \hat r_{ui} = \mu

    The smallest model there is: its RMSE is the standard deviation of the ratings.

    Examples
    --------
    >>> import foretaste as ft
    >>> ft.GlobalMean().fit({"an": {"ommazh": 5, "bts": 1}}).predict([("an", "bts")])
    array([3.])
    """

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        unit = Unit.of(interactions.require_ratings("GlobalMean"), centred=True)
        return Factors.zeros(interactions, 0).learned(unit)

    def _penalty(self) -> Penalty:
        return Penalty(0.0, None, scaled=False)


class Random(Recommender):
    r"""Draws every rating from the normal distribution of the training ratings.

    .. math:: \hat r_{ui} \sim N(\mu, \sigma^2)

    The idea of Surprise's NormalPredictor. A pair always gets the same draw, so that predictions do not depend on
    the order or company in which they are asked for.

    Parameters
    ----------
    random_state : int, generator or None

    Attributes
    ----------
    global_mean_, spread_ : float
        Mean and standard deviation of the ratings.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.Random(random_state=0).fit(ft.datasets.albums())
    >>> model.predict([("an", "bts")]) == model.predict([("an", "bts")])
    array([ True])
    """

    global_mean_: float
    spread_: float
    key_: int

    def __init__(self, *, random_state: RandomState = None) -> None:
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        ratings = interactions.require_ratings("Random").astype(np.float64)
        key = int(generator(self.random_state).integers(2**63))
        return {"global_mean_": float(ratings.mean()), "spread_": float(ratings.std()), "key_": key}

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        # A counter-based generator (splitmix64, Steele, Lea, Flood 2014): the pair itself is the counter.
        pair = user_codes.astype(np.uint64) * np.uint64(len(self.item_vocabulary_) + 1) + item_codes.astype(np.uint64)
        bits = (pair + np.uint64(self.key_)) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        bits ^= bits >> np.uint64(31)
        uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
        drawn: Float64 = self.global_mean_ + self.spread_ * ndtri(uniform)
        return drawn

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        drawn = self._predict(np.array([user_code], np.int32), np.array([item_code], np.int32))[0]
        return [("global mean", self.global_mean_), ("chance", float(drawn) - self.global_mean_)]

    def _fold_in(self, rows: SparseRows) -> Learned:  # noqa: ARG002  whatever they are
        message = "Random learns nothing about users, so there is no new one to fold in."
        raise UnsupportedError(message)
