"""`compare`: several models on the same folds, in one table."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import KFold

from foretaste._typing import Float64, Frame, Id
from foretaste.data.coerce import as_interactions
from foretaste.data.frames import make_frame
from foretaste.data.interactions import Interactions
from foretaste.exceptions import InvalidParameterError, UnknownIdWarning
from foretaste.metrics import Metric, get_metric
from foretaste.utils.progress import progress

# Rows of the fit that only loads compiled kernels, so that the timed ones measure learning.
_WARM_UP_ROWS = 50


class Model(Protocol):
    """What is compared: a scikit-learn estimator of ratings."""

    predicts_ratings: bool

    def fit(self, X: Any, y: Any = None) -> Any:  # noqa: ANN401
        """Learn."""
        ...

    def predict(self, X: Any) -> Float64:  # noqa: ANN401
        """Predict."""
        ...


class Fold(NamedTuple):
    """A part to learn from and a part to be tested on."""

    name: str
    train: Interactions
    test: Interactions


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    folds : polars DataFrame
        A row a model and fold: model, fold, each metric, fit_seconds, predict_seconds.
    metrics : tuple of str
    n_ratings, n_unknown : int
        Test ratings over all folds, and those whose user or item the training part does not hold.
    test_share : float
        Test ratings per training rating, for the significance.
    kind : str
        Frame library of `to_frame`.
    """

    folds: pl.DataFrame
    metrics: tuple[str, ...]
    n_ratings: int
    n_unknown: int
    test_share: float
    kind: str

    def to_frame(self) -> Frame:
        """One row a model, best first by the first metric.

        Columns: model; each metric's mean over the folds and its standard error (`rmse`, `rmse_se`, ...); `p_value`
        that the difference to the best model in the first metric is chance; mean seconds to fit and to predict. A
        metric a model cannot be judged by is NaN.
        """
        names = self.folds["model"].unique(maintain_order=True).to_list()
        table: dict[str, list[Any]] = {"model": names}
        for metric in self.metrics:
            values = [self._values(name, metric) for name in names]
            table[metric] = [float(value.mean()) for value in values]
            table[f"{metric}_se"] = [_standard_error(value) for value in values]
        table["p_value"] = self._p_values(names)
        for column in ("fit_seconds", "predict_seconds"):
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

    def _p_values(self, names: Sequence[str]) -> list[float]:
        """Holm-corrected p-values of the difference to the best; NaN for the best itself and where undefined."""
        metric = get_metric(self.metrics[0])
        values = [self._values(name, metric.name) for name in names]
        means = np.array([value.mean() for value in values])
        p_values = np.full(len(names), np.nan)
        if np.isnan(means).all():
            return list(p_values)
        best = int(np.nanargmax(means) if metric.greater_is_better else np.nanargmin(means))
        for other, value in enumerate(values):
            if other != best and not np.isnan(means[other]):
                p_values[other] = _corrected_t_test(value - values[best], self.test_share)
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
) -> Comparison:
    """Fit and test several models on the same folds.

    Each test part is predicted as a user would meet it: clipped to the scale, unknown users and items by fallback.
    Seconds are wall-clock and do not hold the loading of compiled code.

    Parameters
    ----------
    models : list of estimators, or dict from name to estimator
    data : frame, Interactions, or None
        The ratings; None where `cv` holds folds.
    metrics : sequence of str
        Names of metrics; the first one ranks the table and is tested for significance.
    cv : int, scikit-learn splitter, or iterable of (name, train, test)
        A number of random folds of the rows, an object with `split`, or folds made elsewhere as `Interactions`.
    random_state : int or None
        Seed of the random folds.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidParameterError
        No models, an unknown metric, or an unusable `cv`.

    Notes
    -----
    Significance is the corrected resampled t-test on the folds, which allows for their overlapping training parts
    (Nadeau, Bengio 2003, "Inference for the generalization error"), with Holm's correction for the number of models.

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
    folds = list(_folds(data, cv, random_state))
    if not folds:
        message = "'cv' must hold at least one fold, got none."
        raise InvalidParameterError(message)
    rows, n_unknown = [], 0
    with progress("Comparing", len(named) * len(folds)) as advance:
        for fold in folds:
            pairs, ratings = fold.test.to_xy()
            users = fold.test.users.decode(fold.test.user_codes)
            known = (fold.train.users.encode(users) >= 0) & (
                fold.train.items.encode(fold.test.items.decode(fold.test.item_codes)) >= 0
            )
            n_unknown += int((~known).sum())
            for name, model in named.items():
                rows.append(
                    {"model": name, "fold": fold.name} | _run(model, fold.train, pairs, ratings, users, measured)
                )
                advance(name)
    return Comparison(
        folds=pl.DataFrame(rows),
        metrics=tuple(metric.name for metric in measured),
        n_ratings=sum(len(fold.test) for fold in folds),
        n_unknown=n_unknown,
        test_share=float(np.mean([len(fold.test) / len(fold.train) for fold in folds])),
        kind=folds[0].train.kind,
    )


def _folds(data: Any, cv: Any, random_state: int | None) -> Iterable[Fold]:  # noqa: ANN401
    if isinstance(cv, Iterable) and not isinstance(cv, str):
        for fold in cv:
            if not (isinstance(fold, tuple) and list(map(type, fold)) == [str, Interactions, Interactions]):
                message = f"'cv' must hold folds of (name, train, test), the last two Interactions; got {fold!r}."
                raise InvalidParameterError(message)
            yield Fold(*fold)
        return
    interactions = as_interactions(data)
    if isinstance(cv, int) and not isinstance(cv, bool):
        if not 2 <= cv <= len(interactions):  # noqa: PLR2004  one part to learn from, one to test on
            message = f"'cv' must be an int in [2, {len(interactions)}], the number of ratings; got {cv}."
            raise InvalidParameterError(message)
        cv = KFold(cv, shuffle=True, random_state=random_state)
    if not hasattr(cv, "split"):
        message = f"'cv' must be an int, a splitter with 'split', or folds of (name, train, test); got {cv!r}."
        raise InvalidParameterError(message)
    pairs, ratings = interactions.to_xy()
    for number, (train, test) in enumerate(cv.split(pairs, ratings), start=1):
        yield Fold(str(number), interactions.select(train), interactions.select(test))


def _run(
    model: Model, train: Interactions, pairs: Frame, ratings: Float64, users: Iterable[Id], metrics: Sequence[Metric]
) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clone(model).fit(train.select(np.arange(min(len(train), _WARM_UP_ROWS)))).predict(pairs[:1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownIdWarning)  # counted once for all models, in the comparison
        started = time.perf_counter()
        fitted = clone(model).fit(train)
        between = time.perf_counter()
        predictions = fitted.predict(pairs)
        ended = time.perf_counter()
    judged = getattr(model, "predicts_ratings", True)
    measures = {
        metric.name: metric.compute(ratings, predictions, users) if judged else float("nan") for metric in metrics
    }
    return measures | {"fit_seconds": between - started, "predict_seconds": ended - between}


def _short(model: Model) -> str:
    """The model as it would be written, in one line."""
    return " ".join(repr(model).split())


def _standard_error(values: Float64) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("nan")


def _corrected_t_test(differences: npt.NDArray[np.float64], test_share: float) -> float:
    """Two-sided p-value of a zero mean, the variance enlarged for training parts that overlap."""
    n = differences.size
    spread = differences.std(ddof=1) * np.sqrt(1 / n + test_share) if n > 1 else 0.0
    if spread == 0:
        return float("nan") if n == 1 else float(differences.mean() == 0)
    return float(2 * stats.t.sf(abs(differences.mean()) / spread, n - 1))
