"""`NormalPredictor`: ratings drawn at random."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foretaste._typing import Codes
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates
from foretaste.surprise.trainset import Trainset

if TYPE_CHECKING:
    from foretaste import models


class NormalPredictor(BatchAlgo):
    r"""Draws every rating from the normal distribution of the training ratings.

    .. math:: \hat r_{ui} \sim N(\mu, \sigma^2)

    with the mean and the standard deviation of the ratings (not that of a sample: divided by n). It draws from the
    generator behind ``np.random.seed``, anew whenever it is asked.

    Attributes
    ----------
    sigma : float
    """

    def __init__(self) -> None:
        super().__init__()

    def fit(self, trainset: Trainset) -> Self:
        """Take the mean and the standard deviation of the ratings."""
        super().fit(trainset)
        errors = trainset.rows()[0].values - trainset.global_mean
        # pow and one by one, to the last bit of what the formula says in plain Python
        squares = np.fromiter(map(pow, errors.tolist(), repeat(2.0)), np.float64, errors.size)
        self.sigma = np.sqrt(np.add.accumulate(squares)[-1] / trainset.n_ratings)
        return self

    def estimate(self, *_: Any) -> float:  # noqa: ANN401  whoever asks
        """A draw."""
        drawn: float = np.random.normal(self.trainset.global_mean, self.sigma)
        return drawn

    def _estimates(self, users: Codes, items: Codes) -> Estimates:  # noqa: ARG002  whatever the items are
        drawn = np.random.normal(self.trainset.global_mean, self.sigma, users.size)
        return Estimates(drawn, plain=np.ones(users.size, np.bool_))

    def _native(self) -> models.Recommender:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        mean, spread = float(self.trainset.global_mean), float(self.sigma)
        return fitted(models.Random(random_state=0), self.trainset, global_mean_=mean, spread_=spread, key_=0)
