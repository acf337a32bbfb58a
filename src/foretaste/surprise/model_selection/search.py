"""The search for the parameters under which an algorithm predicts best."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from foretaste._typing import Float64, Id
from foretaste.surprise.dataset import DatasetAutoFolds, DatasetUserFolds
from foretaste.surprise.model_selection.split import Testset, get_cv
from foretaste.surprise.model_selection.validation import (
    DEFAULT_MEASURES,
    fit_and_score,
    gathered,
    measure_names,
)
from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.prediction_algorithms.predictions import Prediction
from foretaste.surprise.utils import get_rng

Params = dict[str, Any]

# Parameters that are dictionaries: in a grid each of their entries has a list of values.
_OPTIONS = ("sim_options", "bsl_options")
# Of these measures the largest value is the best.
_LARGEST = ("fcp",)


class BaseSearchCV(ABC):
    """What both searches do: every combination of parameters on every fold, and then the best.

    Parameters
    ----------
    algo_class : class of AlgoBase
    measures : list of str
        Names of functions in `accuracy`, in upper or lower case; the smallest value is the best, of fcp the largest.
    cv : None, int or iterator
        The folds; None is 5, and an int as many, of `KFold`.
    refit : bool or str
        Fit the best by this measure, or by the first (True), to all ratings at the end, so that `predict` and `test`
        can be used.
    return_train_measures : bool
        Also measure how well each trainset itself is predicted.
    n_jobs : int
        Fits at a time, each in a process of its own; -1 for all cores.
    pre_dispatch : int, str or None
        How many fits are handed out ahead, as joblib takes it.
    joblib_verbose : int
        How much joblib tells.

    Attributes
    ----------
    best_estimator, best_params, best_score, best_index : dict
        By measure: the best algorithm (fitted if it is that of `refit`), its parameters, its mean over the folds and
        its place in the lists of `cv_results`.
    cv_results : dict of arrays and lists
        An entry a combination of parameters: for each measure and fold ``split0_test_rmse`` and the like, the means,
        standard deviations and ranks over the folds, seconds, and the parameters.
    param_combinations : list of dict

    Raises
    ------
    ValueError
        `refit` is a measure that is not among `measures`.
    """

    param_combinations: Sequence[Params]

    @abstractmethod
    def __init__(
        self,
        algo_class: type[AlgoBase],
        measures: Iterable[str] = DEFAULT_MEASURES,
        cv: Any = None,  # noqa: ANN401  see the class
        refit: bool | str = False,
        return_train_measures: bool = False,
        n_jobs: int = 1,
        pre_dispatch: int | str | None = "2*n_jobs",
        joblib_verbose: int = 0,
    ) -> None:
        self.algo_class = algo_class
        self.measures = [measure.lower() for measure in measures]
        self.cv = cv
        self.refit = self._refit_measure(refit)
        self.return_train_measures = return_train_measures
        self.n_jobs = n_jobs
        self.pre_dispatch = pre_dispatch
        self.joblib_verbose = joblib_verbose

    def _refit_measure(self, refit: bool | str) -> str | Literal[False]:
        if not isinstance(refit, str):
            return self.measures[0] if refit is True else False
        if refit.lower() not in self.measures:
            message = f"refit must be True, False or one of the measures {', '.join(self.measures)}, got {refit!r}."
            raise ValueError(message)
        return refit.lower()

    def fit(self, data: DatasetAutoFolds | DatasetUserFolds) -> None:
        """Try every combination of parameters on the same folds of `data`.

        Raises
        ------
        ValueError
            `refit` is asked for, and the folds of `data` are predefined, so that there is no whole to fit to.
        """
        if self.refit and isinstance(data, DatasetUserFolds):
            message = "refit cannot be used with the predefined folds of load_from_folds. Hint: set refit=False."
            raise ValueError(message)
        names = measure_names(self.measures)
        folds = list(get_cv(self.cv).split(data))
        outcomes = Parallel(n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch, verbose=self.joblib_verbose)(
            delayed(fit_and_score)(self.algo_class(**params), *fold, names, self.return_train_measures)
            for params, fold in product(self.param_combinations, folds)
        )
        test, train, fit_times, test_times = gathered(outcomes, names)
        shape = (len(self.param_combinations), len(folds))
        results: dict[str, Any] = {}
        for name in names:
            results |= _measured(name, test[name].reshape(shape), train[name].reshape(shape) if train else None)
        for kind, seconds in (("fit", fit_times), ("test", test_times)):
            table = np.array(seconds).reshape(shape)
            results |= {f"mean_{kind}_time": table.mean(axis=1), f"std_{kind}_time": table.std(axis=1)}
        results["params"] = self.param_combinations
        for parameter in self.param_combinations[0]:
            results[f"param_{parameter}"] = [params[parameter] for params in self.param_combinations]

        means = {name: results[f"mean_test_{name}"] for name in names}
        self.best_index = {name: mean.argmax() if name in _LARGEST else mean.argmin() for name, mean in means.items()}
        self.best_params = {name: self.param_combinations[best] for name, best in self.best_index.items()}
        self.best_score = {name: means[name][best] for name, best in self.best_index.items()}
        self.best_estimator = {name: self.algo_class(**params) for name, params in self.best_params.items()}
        self.cv_results = results
        if self.refit and not isinstance(data, DatasetUserFolds):
            self.best_estimator[self.refit].fit(data.build_full_trainset())

    def test(self, testset: Testset, verbose: bool = False) -> list[Prediction]:
        """The best algorithm's predictions of many (raw user id, raw item id, true rating)."""
        return self._refitted("test").test(testset, verbose)

    def predict(
        self,
        uid: Id,
        iid: Id,
        r_ui: float | None = None,
        clip: bool = True,
        verbose: bool = False,
    ) -> Prediction:
        """The best algorithm's prediction of a pair of raw ids; see `AlgoBase.predict`."""
        return self._refitted("predict").predict(uid, iid, r_ui, clip, verbose)

    def _refitted(self, method: str) -> AlgoBase:
        if not self.refit:
            message = f"{method} needs the best algorithm fitted to all ratings, and refit is False. Hint: refit=True."
            raise ValueError(message)
        return self.best_estimator[self.refit]


class GridSearchCV(BaseSearchCV):
    """Every combination of the values in a grid.

    Parameters
    ----------
    algo_class : class of AlgoBase
    param_grid : dict of lists
        The values of each parameter; `sim_options` and `bsl_options` are dictionaries of lists themselves.
    measures, cv, refit, return_train_measures, n_jobs, pre_dispatch, joblib_verbose
        As those of `BaseSearchCV`, which also says what is found.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import CoClustering, Dataset, Reader
    >>> from foretaste.surprise.model_selection import GridSearchCV, KFold
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> grid = {"n_cltr_u": [1, 2], "n_cltr_i": [1, 2], "random_state": [0]}
    >>> search = GridSearchCV(CoClustering, grid, measures=["rmse"], cv=KFold(2, random_state=0))
    >>> search.fit(data)
    >>> len(search.param_combinations), search.cv_results["mean_test_rmse"].shape
    (4, (4,))
    """

    def __init__(
        self,
        algo_class: type[AlgoBase],
        param_grid: Mapping[str, Any],
        measures: Iterable[str] = DEFAULT_MEASURES,
        cv: Any = None,  # noqa: ANN401  see `BaseSearchCV`
        refit: bool | str = False,
        return_train_measures: bool = False,
        n_jobs: int = 1,
        pre_dispatch: int | str | None = "2*n_jobs",
        joblib_verbose: int = 0,
    ) -> None:
        super().__init__(algo_class, measures, cv, refit, return_train_measures, n_jobs, pre_dispatch, joblib_verbose)
        self.param_grid = _with_options(param_grid)
        self.param_combinations = _combinations(self.param_grid)


class RandomizedSearchCV(BaseSearchCV):
    """Combinations of parameters drawn at random.

    Parameters
    ----------
    algo_class : class of AlgoBase
    param_distributions : dict
        For each parameter a list of values, or a distribution of `scipy.stats`; `sim_options` and `bsl_options` are
        dictionaries of lists. If all are lists, no combination is drawn twice.
    n_iter : int
        How many combinations.
    measures, cv, refit, return_train_measures, n_jobs, pre_dispatch, joblib_verbose
        As those of `BaseSearchCV`, which also says what is found.
    random_state : int, numpy.random.RandomState or None
        Draws the combinations.

    Raises
    ------
    ValueError
        All are lists, and there are fewer combinations than `n_iter`.
    """

    def __init__(
        self,
        algo_class: type[AlgoBase],
        param_distributions: Mapping[str, Any],
        n_iter: int = 10,
        measures: Iterable[str] = DEFAULT_MEASURES,
        cv: Any = None,  # noqa: ANN401  see `BaseSearchCV`
        refit: bool | str = False,
        return_train_measures: bool = False,
        n_jobs: int = 1,
        pre_dispatch: int | str | None = "2*n_jobs",
        random_state: int | np.random.RandomState | None = None,
        joblib_verbose: int = 0,
    ) -> None:
        super().__init__(algo_class, measures, cv, refit, return_train_measures, n_jobs, pre_dispatch, joblib_verbose)
        self.n_iter = n_iter
        self.random_state = random_state
        self.param_distributions = _with_options(param_distributions)
        self.param_combinations = _drawn(self.param_distributions, n_iter, get_rng(random_state))


def _with_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """A grid in which options, dictionaries of lists, have become lists of dictionaries."""
    return {name: _combinations(values) if name in _OPTIONS else values for name, values in params.items()}


def _combinations(grid: Mapping[str, Iterable[Any]]) -> list[Params]:
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def _drawn(distributions: Mapping[str, Any], n_iter: int, rng: np.random.RandomState) -> Any:  # noqa: ANN401  list or array
    if not any(hasattr(values, "rvs") for values in distributions.values()):
        all_combinations = _combinations(distributions)
        if n_iter > len(all_combinations):
            message = (
                f"n_iter must be at most the number of combinations, {len(all_combinations)}, got {n_iter}. "
                f"Hint: GridSearchCV tries all of them."
            )
            raise ValueError(message)
        # an array, as in Surprise
        return rng.choice(np.array(all_combinations), n_iter, replace=False)
    # sorted, so that the draws do not depend on the order in which parameters are written
    by_name = sorted(distributions.items())
    return [{name: _one(values, rng) for name, values in by_name} for _ in range(n_iter)]


def _one(values: Any, rng: np.random.RandomState) -> Any:  # noqa: ANN401  a distribution or a list
    return values.rvs(random_state=rng) if hasattr(values, "rvs") else values[rng.randint(len(values))]


def _measured(name: str, test: Float64, train: Float64 | None) -> dict[str, npt.NDArray[Any]]:
    """The entries of `cv_results` for one measure, from tables of a row a combination and a column a fold."""
    tables = {"test": test} if train is None else {"test": test, "train": train}
    results: dict[str, Any] = {
        f"split{fold}_{part}_{name}": table[:, fold] for fold in range(test.shape[1]) for part, table in tables.items()
    }
    for part, table in tables.items():
        results |= {f"mean_{part}_{name}": table.mean(axis=1), f"std_{part}_{name}": table.std(axis=1)}
    order = results[f"mean_test_{name}"].argsort()
    ranks = np.empty_like(order)
    ranks[order] = np.arange(order.size, 0, -1) if name in _LARGEST else np.arange(1, order.size + 1)
    results[f"rank_test_{name}"] = ranks
    return results
