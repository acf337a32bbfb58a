"""Metrics by their names: what each is computed from, and which way is better."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from foretaste._typing import Codes, Float64
from foretaste.exceptions import InvalidParameterError
from foretaste.metrics import beyond, ranking
from foretaste.metrics._lists import Catalogue, Lists
from foretaste.metrics.accuracy import fcp, mae, mse, rmse

# Of a ranking metric that is named without "@k".
_DEFAULT_K = 10


class Metric(NamedTuple):
    """A metric as a function of ratings, predictions and the users they belong to."""

    name: str
    compute: Callable[[Float64, Float64, Any], float]
    greater_is_better: bool


class RankingMetric(NamedTuple):
    """A metric of recommendations, cut off at rank `k`; None where it looks at the scores of all items.

    `compute` takes the lists of some users and gives a value for each, NaN where a user cannot be judged. Where
    `pooled`, it takes the lists of all users as one array and a catalogue, and gives one value for all of them.
    """

    name: str
    k: int | None
    compute: Callable[..., Any]
    greater_is_better: bool
    pooled: bool


AnyMetric: TypeAlias = Metric | RankingMetric

_METRICS = {
    metric.name: metric
    for metric in (
        Metric("rmse", lambda ratings, predictions, users: rmse(ratings, predictions), greater_is_better=False),  # noqa: ARG005
        Metric("mse", lambda ratings, predictions, users: mse(ratings, predictions), greater_is_better=False),  # noqa: ARG005
        Metric("mae", lambda ratings, predictions, users: mae(ratings, predictions), greater_is_better=False),  # noqa: ARG005
        Metric("fcp", fcp, greater_is_better=True),
    )
}


def _per_user(compute: Callable[[Lists], Float64], *, greater_is_better: bool = True) -> RankingMetric:
    return RankingMetric("", _DEFAULT_K, compute, greater_is_better, pooled=False)


def _pooled(compute: Callable[[Codes, Catalogue], float], *, greater_is_better: bool) -> RankingMetric:
    return RankingMetric("", _DEFAULT_K, compute, greater_is_better, pooled=True)


_RANKING = {
    "precision": _per_user(lambda lists: ranking.precision(lists.hits)),
    "recall": _per_user(lambda lists: ranking.recall(lists.hits, lists.n_relevant)),
    "recall_capped": _per_user(lambda lists: ranking.recall_capped(lists.hits, lists.n_relevant)),
    "hit_rate": _per_user(lambda lists: ranking.hit_rate(lists.hits)),
    "mrr": _per_user(lambda lists: ranking.reciprocal_rank(lists.hits)),
    "map": _per_user(lambda lists: ranking.average_precision(lists.hits, lists.n_relevant)),
    "map_capped": _per_user(lambda lists: ranking.average_precision_capped(lists.hits, lists.n_relevant)),
    "ndcg": _per_user(lambda lists: ranking.ndcg(lists.hits, lists.n_relevant)),
    "graded_ndcg": _per_user(lambda lists: ranking.graded_ndcg(lists.gains, lists.ideal)),
    "auc": _per_user(lambda lists: lists.areas)._replace(k=None),
    "coverage": _pooled(lambda items, known: beyond.coverage(items, known.n_items), greater_is_better=True),
    "gini": _pooled(lambda items, known: beyond.gini(items, known.n_items), greater_is_better=False),
    "novelty": _per_user(lambda lists: beyond.novelty(lists.items, lists.catalogue.shares)),
    "popularity": _per_user(
        lambda lists: beyond.popularity(lists.items, lists.catalogue.shares), greater_is_better=False
    ),
    "popularity_lift": _per_user(
        lambda lists: beyond.popularity_lift(lists.items, lists.catalogue.shares, lists.history),
        greater_is_better=False,
    ),
    "diversity": _per_user(lambda lists: beyond.diversity(lists.items, lists.catalogue.vectors)),
    "calibration": _per_user(
        lambda lists: beyond.calibration(lists.items, lists.history, lists.catalogue.categories),
        greater_is_better=False,
    ),
    "serendipity": _per_user(
        lambda lists: beyond.serendipity(lists.items, lists.hits, lists.history, lists.catalogue.shares)
    ),
}


def get_metric(name: str) -> AnyMetric:
    """The metric of that name; those of rankings take a cut-off behind "@", 10 without one.

    Raises
    ------
    InvalidParameterError
        There is none, or its cut-off is not a whole number from 1 on.

    Examples
    --------
    >>> get_metric("recall@20").k, get_metric("ndcg").k
    (20, 10)
    """
    if name in _METRICS:
        return _METRICS[name]
    base, at, cut_off = str(name).partition("@")
    if base in _METRICS and at:
        message = f"{base!r} takes no cut-off, got {name!r}. Hint: write {base!r}."
        raise InvalidParameterError(message)
    if base not in _RANKING:
        message = (
            f"'metrics' must be among {', '.join(map(repr, _METRICS))}, and with or without a cut-off such as '@10' "
            f"{', '.join(map(repr, _RANKING))}; got {name!r}."
        )
        raise InvalidParameterError(message)
    kind = _RANKING[base]
    if kind.k is None:
        if at:
            message = f"{base!r} looks at the whole ranking and takes no cut-off, got {name!r}. Hint: write {base!r}."
            raise InvalidParameterError(message)
        return kind._replace(name=base)
    if at and not re.fullmatch("[1-9][0-9]{0,8}", cut_off):
        message = f"the cut-off of {base!r} must be a whole number from 1 on, got {name!r}."
        raise InvalidParameterError(message)
    k = int(cut_off) if at else kind.k
    return kind._replace(name=name, k=k)
