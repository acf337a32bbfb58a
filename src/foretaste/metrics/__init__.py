"""Measures of what a model predicts, by name and as scikit-learn scorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from foretaste._typing import Float64, Id
from foretaste.data.coerce import as_pairs
from foretaste.exceptions import InvalidParameterError
from foretaste.metrics.accuracy import fcp, mae, mse, rmse


class Metric(NamedTuple):
    """A metric as a function of ratings, predictions and the users they belong to."""

    name: str
    compute: Callable[[Float64, Float64, Any], float]
    greater_is_better: bool


_METRICS = {
    metric.name: metric
    for metric in (
        Metric("rmse", lambda ratings, predictions, users: rmse(ratings, predictions), greater_is_better=False),  # noqa: ARG005
        Metric("mse", lambda ratings, predictions, users: mse(ratings, predictions), greater_is_better=False),  # noqa: ARG005
        Metric("mae", lambda ratings, predictions, users: mae(ratings, predictions), greater_is_better=False),  # noqa: ARG005
        Metric("fcp", fcp, greater_is_better=True),
    )
}


def get_metric(name: str) -> Metric:
    """The metric of that name.

    Raises
    ------
    InvalidParameterError
        There is none.
    """
    if name not in _METRICS:
        message = f"'metrics' must be among {', '.join(map(repr, _METRICS))}, got {name!r}."
        raise InvalidParameterError(message)
    return _METRICS[name]


def scorer(name: str) -> Callable[[Any, Any, npt.ArrayLike], float]:
    """A metric as scikit-learn's `scoring`: greater is better, so that errors come negated.

    Examples
    --------
    >>> import foretaste as ft
    >>> pairs, ratings = ft.Interactions.from_frame(ft.datasets.albums()).to_xy()
    >>> ft.metrics.scorer("rmse")(ft.GlobalMean().fit(pairs, ratings), pairs, ratings)
    -1.784...
    """
    metric = get_metric(name)
    sign = 1.0 if metric.greater_is_better else -1.0

    def score(model: Any, X: Any, y: npt.ArrayLike) -> float:  # noqa: ANN401  scikit-learn's own signature
        users: Id = list(as_pairs(X)[0])
        return sign * metric.compute(np.asarray(y, np.float64), model.predict(X), users)

    return score


__all__ = ["Metric", "fcp", "get_metric", "mae", "mse", "rmse", "scorer"]
