"""Measures of what a model predicts and recommends, by name and as scikit-learn scorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from foretaste._typing import Float64, Frame
from foretaste.data.coerce import as_pairs
from foretaste.data.features import ItemFeatures
from foretaste.data.interactions import Interactions
from foretaste.metrics import beyond, ranking
from foretaste.metrics._measure import Measured, measure
from foretaste.metrics._names import AnyMetric, Metric, RankingMetric, get_metric
from foretaste.metrics.accuracy import fcp, mae, mse, rmse


def scorer(
    name: str, *, item_features: ItemFeatures | Frame | None = None
) -> Callable[[Any, Any, npt.ArrayLike], float]:
    """A metric as scikit-learn's `scoring`: greater is better, so that errors come negated.

    A metric of rankings is the mean over the users of the test part; it takes the rows of X for what they wanted, and
    y for how much, where that counts.

    Parameters
    ----------
    name : str
    item_features : ItemFeatures or frame, optional
        As in `evaluate`, for the metrics that need them.

    Examples
    --------
    >>> import foretaste as ft
    >>> pairs, ratings = ft.Interactions.from_frame(ft.datasets.albums()).to_xy()
    >>> ft.metrics.scorer("rmse")(ft.GlobalMean().fit(pairs, ratings), pairs, ratings)
    -1.784...
    >>> model = ft.Popularity().fit([("an", "bts", 1), ("bhavana", "bts", 1), ("bhavana", "sanam", 1)])
    >>> ft.metrics.scorer("ndcg@10")(model, [("an", "sanam")], [1])
    1.0
    """
    metric = get_metric(name)
    sign = 1.0 if metric.greater_is_better else -1.0

    def score(model: Any, X: Any, y: npt.ArrayLike | None = None) -> float:  # noqa: ANN401  scikit-learn's own signature
        users, items = as_pairs(X)
        if isinstance(metric, RankingMetric):
            test = Interactions.from_arrays(users, items, y, duplicates="keep")
            return sign * measure(model, test, [metric], item_features=item_features).means()[metric.name]
        ratings: Float64 = np.asarray(y, np.float64)
        return sign * metric.compute(ratings, model.predict(X), list(users))

    return score


__all__ = [
    "AnyMetric",
    "Measured",
    "Metric",
    "RankingMetric",
    "beyond",
    "fcp",
    "get_metric",
    "mae",
    "measure",
    "mse",
    "ranking",
    "rmse",
    "scorer",
]
