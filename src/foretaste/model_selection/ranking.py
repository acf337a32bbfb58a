"""`evaluate`: the lists a fitted model gives, measured in every respect that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foretaste._typing import Frame, Id, RandomState
from foretaste.data.coerce import as_events
from foretaste.data.features import ItemFeatures
from foretaste.data.frames import make_frame
from foretaste.exceptions import InvalidParameterError
from foretaste.metrics import Measured, RankingMetric, get_metric, measure
from foretaste.utils.random import generator
from foretaste.utils.resampling import mean_interval
from foretaste.utils.validation import Constraint, Float, Int, check_parameters


@dataclass(frozen=True)
class RankingReport:
    """What `evaluate` found.

    Attributes
    ----------
    measured : Measured
        The values of each user; `users` is the same as a frame.
    metrics : tuple of str
    kind : str
        Frame library of what it gives.
    """

    measured: Measured
    metrics: tuple[str, ...]
    kind: str

    @property
    def users(self) -> Frame:
        """A row a user: `user`, and each metric that has a value for every user."""
        return make_frame({"user": self.measured.users} | self.measured.values, self.kind)

    @property
    def n_users(self) -> int:
        """How many users were measured."""
        return len(self.measured.users)

    def __getitem__(self, metric: str) -> float:
        """The value of one metric: its mean over users, or the one it has for all lists together."""
        if metric not in self.metrics:
            message = f"{metric!r} was not measured, only {', '.join(map(repr, self.metrics))}."
            raise InvalidParameterError(message)
        return self.measured.means()[metric]

    def to_frame(self, *, level: float = 0.95, n_resamples: int = 1000, random_state: RandomState = 0) -> Frame:
        """One row a metric: metric, value, low, high, n_users.

        Parameters
        ----------
        level : float
            How sure the interval is meant to be.
        n_resamples : int
        random_state : int, Generator or None

        Returns
        -------
        frame
            `value` is the mean over `n_users`, those the metric is defined for. `low` and `high` are a percentile
            bootstrap interval of it: users are drawn again with replacement (Efron 1979, "Bootstrap methods: another
            look at the jackknife"). It says how the mean would differ for other users, not for other training data. It
            is NaN where a metric has one value for all lists together.
        """
        constraints: dict[str, Constraint] = {"level": Float(0, 1, open_low=True), "n_resamples": Int(1)}
        check_parameters("to_frame", {"level": level, "n_resamples": n_resamples}, constraints)
        rng, means = generator(random_state), self.measured.means()
        rows: dict[str, list[Any]] = {name: [] for name in ("metric", "value", "low", "high", "n_users")}
        for name in self.metrics:
            values = self.measured.values.get(name, np.empty(0))
            values = values[~np.isnan(values)]
            low, high = mean_interval(values, level, n_resamples, rng) if values.size else (np.nan, np.nan)
            n_users = self.n_users if name in self.measured.pooled else values.size
            for column, value in zip(rows.values(), (name, means[name], low, high, n_users), strict=True):
                column.append(value)
        return make_frame(rows, self.kind)

    def __repr__(self) -> str:
        counts = {
            "had nothing left to be found and were dropped": self.measured.n_dropped_users,
            "are unknown to the model": self.measured.n_unknown_users,
        }
        told = "".join(f"; {count} users {what}" for what, count in counts.items() if count)
        return f"RankingReport of {self.n_users} users{told}\n{self.to_frame()}"


def evaluate(  # noqa: PLR0913  keyword-only, each with a default
    model: Any,  # noqa: ANN401  see Parameters
    train: Any,  # noqa: ANN401  whatever `fit` takes
    test: Any,  # noqa: ANN401  whatever `fit` takes
    *,
    metrics: Sequence[str] = ("ndcg@10", "recall@20", "coverage@10"),
    known: Any = None,  # noqa: ANN401  whatever `fold_in` takes
    exclude_seen: bool = True,
    items: Iterable[Id] | None = None,
    item_features: ItemFeatures | Frame | None = None,
    n_jobs: int | None = None,
) -> RankingReport:
    """Measure the lists of a fitted model, user by user.

    All items the model knows are ranked, but for those a user has already; nothing is sampled. Each item of a user in
    the test part was wanted. One the model does not know cannot be found and counts as missed. A user without anything
    left to be found says nothing, is dropped, and counted. A user whom the model does not know gets the list that
    `recommend` gives to such users, and is counted. Equal scores stand in the order `recommend` gives them: the item
    that occurs earlier in the training data first.

    Parameters
    ----------
    model : fitted model
        One of foretaste's, or anything with ``recommend(users, n)`` that gives a frame of `user` and `item`, best
        first, or with a column `rank`.
    train, test : frame, Interactions or whatever `fit` takes
        What the model was fitted on, and what it is to find; pairs may repeat, ratings need not be there.
    metrics : sequence of str
    known : Interactions or frame, optional
        What is known of users the training part does not hold, as in `Fold.known`; the model is told by `fold_in`.
    exclude_seen : bool
        Leave out what a user has already, in lists and in the test part.
    items : iterable of ids, optional
        The candidates, as in `recommend`: lists and test part are of these items only.
    item_features : ItemFeatures or frame, optional
        `diversity` takes its cosines of them (without them, of who has the items), `calibration` takes them for
        categories. A frame has a column `item` and numeric columns, which count as they are.
    n_jobs : int, optional

    Returns
    -------
    RankingReport

    Raises
    ------
    InvalidParameterError
        A metric is unknown or not one of rankings.
    DataError
        Nobody has anything left to be found.

    Examples
    --------
    >>> import foretaste as ft
    >>> albums = ft.Interactions.from_frame(ft.datasets.albums())
    >>> fold = next(ft.model_selection.UserHoldout(0.25).folds(albums))
    >>> report = evaluate(ft.Popularity().fit(fold.train), fold.train, fold.test, metrics=["hit_rate@5"])
    >>> report["hit_rate@5"], report.n_users
    (1.0, 3)
    """
    asked = [get_metric(name) for name in metrics]
    of_rankings = [metric for metric in asked if isinstance(metric, RankingMetric)]
    if not asked or len(of_rankings) < len(asked):
        message = f"evaluate measures rankings, with metrics such as 'ndcg@10'; got {list(metrics)!r}. "
        message += "Hint: compare measures ratings, too."
        raise InvalidParameterError(message)
    training, wanted = as_events(train), as_events(test)
    measured = measure(
        model if known is None else model.fold_in(known),
        wanted,
        of_rankings,
        training=training,
        exclude_seen=exclude_seen,
        items=items,
        item_features=item_features,
        n_jobs=n_jobs,
    )
    return RankingReport(measured, tuple(metric.name for metric in of_rankings), training.kind)
