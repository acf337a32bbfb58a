"""`compare`: several models on the same folds, in one table."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import KFold

from foretaste._typing import Float64, Frame
from foretaste.data.coerce import as_events, as_interactions
from foretaste.data.features import ItemFeatures
from foretaste.data.frames import make_frame, plain_series
from foretaste.data.interactions import Interactions
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import InvalidParameterError, UnknownIdWarning
from foretaste.metrics import AnyMetric, Measured, Metric, RankingMetric, get_metric, measure
from foretaste.model_selection.splits import Fold, Splitter
from foretaste.utils.progress import progress

# Rows of the fit that only loads compiled kernels, so that the timed ones measure learning.
_WARM_UP_ROWS = 50


class Model(Protocol):
    """What is compared: a scikit-learn estimator of ratings; for rankings one that `evaluate` takes."""

    predicts_ratings: bool

    def fit(self, X: Any, y: Any = None) -> Any:  # noqa: ANN401
        """Learn."""
        ...

    def predict(self, X: Any) -> Float64:  # noqa: ANN401
        """Predict."""
        ...


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    folds : polars DataFrame
        A row a model and fold: model, fold, each metric, fit_seconds, and predict_seconds (of ratings) or
        recommend_seconds (of lists) or both.
    metrics : tuple of str
    n_ratings, n_unknown : int
        Test ratings over all folds, and those whose user or item the training part does not hold.
    test_share : float
        Test ratings per training rating, for the significance.
    kind : str
        Frame library of `to_frame`.
    users : polars DataFrame or None
        Where rankings were measured, a row a model, fold and user: model, fold, user, each metric that has a value for
        every user.
    n_dropped_users : int
        Users of test parts who had nothing left to be found, over all folds.
    dropped : dict from str to int
        What the splitter left out or could not test, over all folds.
    """

    folds: pl.DataFrame
    metrics: tuple[str, ...]
    n_ratings: int
    n_unknown: int
    test_share: float
    kind: str
    users: pl.DataFrame | None = None
    n_dropped_users: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def to_frame(self) -> Frame:
        """One row a model, best first by the first metric.

        Columns: model; each metric's mean over the folds and its standard error (`rmse`, `rmse_se`, ...), over users
        for a metric that has a value for every user, else over folds; `p_value` that the difference to the best model
        in the first metric is chance; mean seconds to fit, and to predict or recommend. A metric a model cannot be
        judged by is NaN.
        """
        names = self.folds["model"].unique(maintain_order=True).to_list()
        table: dict[str, list[Any]] = {"model": names}
        for metric in self.metrics:
            values = [self._values(name, metric) for name in names]
            table[metric] = [float(value.mean()) for value in values]
            if self._is_by_user(metric):
                values = list(self._user_values(names, metric))
            table[f"{metric}_se"] = [_standard_error(value) for value in values]
        table["p_value"] = self._p_values(names)
        for column in (name for name in self.folds.columns if name.endswith("_seconds")):
            table[column] = [float(self._values(name, column).mean()) for name in names]
        frame = pl.DataFrame(table)
        order = (
            frame[self.metrics[0]]
            .fill_nan(None)
            .arg_sort(descending=get_metric(self.metrics[0]).greater_is_better, nulls_last=True)
        )
        frame = frame[order]
        return make_frame({name: frame[name] for name in frame.columns}, self.kind)

    def __repr__(self) -> str:
        return f"Comparison of {self.folds['model'].n_unique()} models on {self._n_folds} folds\n{self.to_frame()}"

    @property
    def _n_folds(self) -> int:
        return int(self.folds["fold"].n_unique())

    def _values(self, name: str, column: str) -> Float64:
        return self.folds.filter(pl.col("model") == name)[column].to_numpy()

    def _is_by_user(self, metric: str) -> bool:
        return self.users is not None and metric in self.users.columns

    def _user_values(self, names: Sequence[str], metric: str) -> Float64:
        """A row a model and a column a user: the mean over the folds the user has a value in; NaN without any."""
        users = cast("pl.DataFrame", self.users)
        vocabulary, codes = Vocabulary.build(users["user"])
        place = {name: row for row, name in enumerate(names)}
        rows, values = np.array([place[name] for name in users["model"]]), users[metric].to_numpy()
        known = ~np.isnan(values)
        cells, shape = rows[known] * len(vocabulary) + codes[known], (len(names), len(vocabulary))
        total, count = (np.bincount(cells, weights, np.prod(shape)) for weights in (values[known], None))
        means: Float64 = np.divide(total, count, out=np.full(total.size, np.nan), where=count > 0).reshape(shape)
        return means

    def _p_values(self, names: Sequence[str]) -> list[float]:
        """Holm-corrected p-values of the difference to the best; NaN for the best itself and where undefined."""
        metric = get_metric(self.metrics[0])
        by_user = self._is_by_user(metric.name)
        means = np.array([self._values(name, metric.name).mean() for name in names])
        p_values = np.full(len(names), np.nan)
        if np.isnan(means).all():
            return list(p_values)
        best = int(np.nanargmax(means) if metric.greater_is_better else np.nanargmin(means))
        values = (
            self._user_values(names, metric.name)
            if by_user
            else np.array([self._values(name, metric.name) for name in names])
        )
        for other, value in enumerate(values):
            if other != best and not np.isnan(means[other]):
                differences = value - values[best]
                # users are drawn independently; folds share most of what they learn from
                p_values[other] = _t_test(differences[~np.isnan(differences)], 0.0 if by_user else self.test_share)
        tested = np.flatnonzero(~np.isnan(p_values))
        order = tested[np.argsort(p_values[tested])]
        corrected = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(order.size, 0, -1)), 1.0)
        p_values[order] = corrected
        return list(p_values)


def compare(
    models: Sequence[Model] | Mapping[str, Model],
    data: Any,  # noqa: ANN401  whatever `fit` takes
    *,
    metrics: Sequence[str] = ("rmse", "mae"),
    cv: Any = 5,  # noqa: ANN401  see Parameters
    random_state: int | None = 0,
    item_features: ItemFeatures | Frame | None = None,
) -> Comparison:
    """Fit and test several models on the same folds.

    Each test part is predicted as a user would meet it: clipped to the scale, unknown users and items by fallback.
    Metrics of ratings judge models that predict ratings; those of rankings judge every model, as in `evaluate`.
    Seconds are wall-clock and do not hold the loading of compiled code.

    Parameters
    ----------
    models : list of estimators, or dict from name to estimator
    data : frame, Interactions, or None
        The ratings; None where `cv` holds folds.
    metrics : sequence of str
        Names of metrics; the first one ranks the table and is tested for significance.
    cv : int, splitter, or iterable of folds
        A number of random folds of the rows; a `Splitter` such as ``UserHoldout(0.2)`` or any object with
        scikit-learn's `split`; or folds made elsewhere: `Fold` or (name, train, test), the parts as `Interactions`.
    random_state : int or None
        Seed of the random folds.
    item_features : ItemFeatures or frame, optional
        As in `evaluate`.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidParameterError
        No models, an unknown metric, or an unusable `cv`.

    Notes
    -----
    Significance of a metric that has a value for every user is the paired t-test over users, each with the mean of
    their folds (Urbano, Lima, Hanjalic 2019, "Statistical significance testing in information retrieval", find none
    better); it speaks of other users, not of other training data. For all other metrics it is the corrected resampled
    t-test on the folds, which allows for their overlapping training parts (Nadeau, Bengio 2003, "Inference for the
    generalization error"). Both are followed by Holm's correction for the number of models.

    Examples
    --------
    >>> import foretaste as ft
    >>> comparison = ft.compare([ft.GlobalMean(), ft.Baseline()], ft.datasets.albums(), cv=2)
    >>> comparison.to_frame().columns[:3]
    ['model', 'rmse', 'rmse_se']
    """
    named = models if isinstance(models, Mapping) else {_short(model): model for model in models}
    if len(named) < len(models) or not named:
        message = f"compare needs at least one model, each different; got {list(models)!r}."
        raise InvalidParameterError(message)
    measured = [get_metric(name) for name in metrics]
    if not measured:
        message = "'metrics' must name at least one metric, got none."
        raise InvalidParameterError(message)
    if data is not None:
        of_ratings = any(isinstance(metric, Metric) for metric in measured)
        data = as_interactions(data) if of_ratings else as_events(data)
    folds = list(make_folds(data, cv, random_state))
    if not folds:
        message = "'cv' must hold at least one fold, got none."
        raise InvalidParameterError(message)
    rows: list[dict[str, Any]] = []
    measurements: list[tuple[str, str, Measured]] = []
    with progress("Comparing", len(named) * len(folds)) as advance:
        for fold in folds:
            for name, model in named.items():
                warm_up(model, fold, measured, item_features)
                found, rankings = measure_fold(model, fold, measured, item_features)
                rows.append({"model": name, "fold": fold.name} | found)
                if rankings is not None:
                    measurements.append((name, fold.name, rankings))
                advance(name)
    first_of_each = measurements[:: len(named)]
    return Comparison(
        folds=pl.DataFrame(rows),
        metrics=tuple(metric.name for metric in measured),
        n_ratings=sum(len(fold.test) for fold in folds),
        n_unknown=sum(map(_count_unknown, folds)),
        test_share=float(np.mean([len(fold.test) / len(fold.train) for fold in folds])),
        kind=folds[0].train.kind,
        users=_by_user(measurements) if measurements else None,
        n_dropped_users=sum(rankings.n_dropped_users for *_, rankings in first_of_each),
        dropped=dict(sum((Counter(fold.dropped) for fold in folds), Counter())),
    )


def _by_user(measurements: Sequence[tuple[str, str, Measured]]) -> pl.DataFrame:
    """A row a model, fold and user."""
    ids = [measured.users for *_, measured in measurements]
    users = plain_series("user", chain.from_iterable(ids))
    lengths = [len(column) for column in ids]
    names, folds = (
        pl.Series(column, words).gather(np.repeat(np.arange(len(lengths)), lengths))
        for column, words in (
            ("model", [name for name, *_ in measurements]),
            ("fold", [fold for _, fold, _ in measurements]),
        )
    )
    columns = [
        pl.Series(metric, np.concatenate([measured.values[metric] for *_, measured in measurements]))
        for metric in measurements[0][2].values
    ]
    return pl.DataFrame([names, folds, users, *columns])


def _count_unknown(fold: Fold) -> int:
    """Test rows whose user or item no part shows to the model."""
    shown = [fold.train, fold.known] if fold.known is not None else [fold.train]
    known_users = np.any([part.users.encode(fold.test.users) >= 0 for part in shown], axis=0)
    known_items = fold.train.items.encode(fold.test.items) >= 0
    return int((~(known_users[fold.test.user_codes] & known_items[fold.test.item_codes])).sum())


def make_folds(data: Any, cv: Any, random_state: int | None) -> Iterable[Fold]:  # noqa: ANN401
    """The folds that `cv` of `compare` stands for."""
    if isinstance(cv, Iterable) and not isinstance(cv, str):
        for fold in cv:
            if isinstance(fold, Fold):
                yield fold
                continue
            if not (isinstance(fold, tuple) and list(map(type, fold)) == [str, Interactions, Interactions]):
                message = f"'cv' must hold folds of (name, train, test), the last two Interactions; got {fold!r}."
                raise InvalidParameterError(message)
            yield Fold(*fold)
        return
    interactions = as_interactions(data)
    if isinstance(cv, Splitter):
        yield from cv.folds(interactions)
        return
    if isinstance(cv, int) and not isinstance(cv, bool):
        if not 2 <= cv <= len(interactions):  # noqa: PLR2004  one part to learn from, one to test on
            message = f"'cv' must be an int in [2, {len(interactions)}], the number of ratings; got {cv}."
            raise InvalidParameterError(message)
        cv = KFold(cv, shuffle=True, random_state=random_state)
    if not hasattr(cv, "split"):
        message = f"'cv' must be an int, a splitter with 'split', or folds of (name, train, test); got {cv!r}."
        raise InvalidParameterError(message)
    for number, (train, test) in enumerate(cv.split(interactions.to_frame(), interactions.values), start=1):
        yield Fold(str(number), interactions.select(train), interactions.select(test))


def warm_up(model: Model, fold: Fold, metrics: Sequence[AnyMetric], item_features: ItemFeatures | Frame | None) -> None:
    """Load the compiled kernels that `measure_fold` will need, on a few rows."""
    of_rankings = [metric for metric in metrics if isinstance(metric, RankingMetric)]
    few = fold.train.select(np.arange(min(len(fold.train), _WARM_UP_ROWS)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warm = clone(model).fit(few)
        if len(of_rankings) < len(metrics):
            warm.predict(few.to_xy()[0][:1])
        if of_rankings:
            measure(warm, few, of_rankings, training=few, exclude_seen=False, item_features=item_features)


def measure_fold(
    model: Model, fold: Fold, metrics: Sequence[AnyMetric], item_features: ItemFeatures | Frame | None
) -> tuple[dict[str, float], Measured | None]:
    """A model's metrics and seconds on a fold, and what rankings were measured of each user."""
    of_ratings = [metric for metric in metrics if isinstance(metric, Metric)]
    of_rankings = [metric for metric in metrics if isinstance(metric, RankingMetric)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownIdWarning)  # counted once for all models, in the comparison
        started = time.perf_counter()
        fitted = clone(model).fit(fold.train)
        found = {metric.name: float("nan") for metric in metrics}
        seconds = {"fit_seconds": time.perf_counter() - started}
        if fold.known is not None:
            fitted = fitted.fold_in(fold.known)
        if of_ratings:
            pairs, ratings = fold.test.to_xy(times=True)
            started = time.perf_counter()
            predictions = fitted.predict(pairs)
            seconds["predict_seconds"] = time.perf_counter() - started
            if getattr(model, "predicts_ratings", True):
                users = fold.test.users.decode(fold.test.user_codes)
                found |= {metric.name: metric.compute(ratings, predictions, users) for metric in of_ratings}
        if not of_rankings:
            return found | seconds, None
        measured = measure(fitted, fold.test, of_rankings, training=fold.train, item_features=item_features)
        return found | measured.means() | seconds | {"recommend_seconds": measured.recommend_seconds}, measured


def _short(model: Model) -> str:
    """The model as it would be written, in one line."""
    return " ".join(repr(model).split())


def _standard_error(values: Float64) -> float:
    values = values[~np.isnan(values)]
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("nan")


def _t_test(differences: npt.NDArray[np.float64], test_share: float) -> float:
    """Two-sided p-value of a zero mean, the variance enlarged where training parts overlap: by test rows a row."""
    n = differences.size
    spread = differences.std(ddof=1) * np.sqrt(1 / n + test_share) if n > 1 else 0.0
    if spread == 0:
        return float("nan") if n <= 1 else float(differences.mean() == 0)
    return float(2 * stats.t.sf(abs(differences.mean()) / spread, n - 1))
