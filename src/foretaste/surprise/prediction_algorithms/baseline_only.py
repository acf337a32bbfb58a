"""`BaselineOnly`: the mean, and how far the user and the item lie from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foretaste._typing import Codes
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates
from foretaste.surprise.prediction_algorithms.optimize_baselines import baseline_estimates
from foretaste.surprise.trainset import Trainset

if TYPE_CHECKING:
    from foretaste import models


class BaselineOnly(BatchAlgo):
    r"""The mean, and how far the user and the item lie from it.

    .. math:: \hat r_{ui} = \mu + b_u + b_i

    with 0 for the bias of somebody unknown (Koren 2010, "Factor in the neighbors", section 2.1). `to_foretaste` gives
    a `foretaste.Baseline` with these biases, that predicts the same in single precision, for unknown ids too. Its
    `fold_in` takes ``reg_u``, or foretaste's default where the biases are by gradient descent.

    Parameters
    ----------
    bsl_options : dict
        ``method``: "als", with ``n_epochs`` (10), ``reg_u`` (15) and ``reg_i`` (10), or "sgd", with ``n_epochs`` (20),
        ``reg`` (0.02) and ``learning_rate`` (0.005).
    verbose : bool
        Say what is computed.

    Attributes
    ----------
    bu, bi : float64 arrays of shape (n_users,) and (n_items,)

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import BaselineOnly, Dataset, Reader
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> algo = BaselineOnly(verbose=False).fit(data.build_full_trainset())
    >>> bool(algo.predict("nobody", "nothing").est == algo.trainset.global_mean)
    True
    """

    def __init__(self, bsl_options: Mapping[str, Any] = {}, verbose: bool = True) -> None:
        super().__init__(bsl_options=bsl_options)
        self.verbose = verbose

    def fit(self, trainset: Trainset) -> Self:
        """Compute the biases."""
        super().fit(trainset)
        self.compute_baselines()
        return self

    def estimate(self, u: Any, i: Any) -> Any:  # noqa: ANN401  as in `BatchAlgo`
        """The rating of a pair of inner ids: what `_estimates` gives, without the arrays."""
        estimated = self.trainset.global_mean
        if self.trainset.knows_user(u):
            estimated += self.bu[u]
        if self.trainset.knows_item(i):
            estimated += self.bi[i]
        return estimated

    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        return Estimates(baseline_estimates(self, users, items))

    def _native(self) -> models.Recommender:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        options, model = self.bsl_options, models.Baseline()
        if options.get("method", "als") == "als":
            model.set_params(reg_users=float(options.get("reg_u", 15)), reg_items=float(options.get("reg_i", 10)))
        ratings = self.trainset.rows()[0].values
        return fitted(
            model,
            self.trainset,
            global_mean_=float(self.trainset.global_mean),
            spread_=float(ratings.std()) or 1.0,
            user_biases_=self.bu.astype(np.float32),
            item_biases_=self.bi.astype(np.float32),
            user_factors_=np.zeros((self.trainset.n_users, 0), np.float32),
            item_factors_=np.zeros((self.trainset.n_items, 0), np.float32),
        )
