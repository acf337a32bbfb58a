"""Cross-validation: an algorithm fitted and measured fold by fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from foretaste._typing import Float64
from foretaste.surprise import accuracy
from foretaste.surprise.dataset import Dataset
from foretaste.surprise.model_selection.split import Testset, get_cv
from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.prediction_algorithms.predictions import Prediction
from foretaste.surprise.trainset import Trainset

DEFAULT_MEASURES = ("rmse", "mae")

Scores = dict[str, Float64]
Numbers = Sequence[float] | Float64


class Outcome(NamedTuple):
    """What `fit_and_score` finds on one fold."""

    test_measures: dict[str, float]
    train_measures: dict[str, float]
    fit_time: float
    test_time: float


def cross_validate(
    algo: AlgoBase,
    data: Dataset,
    measures: Iterable[str] = DEFAULT_MEASURES,
    cv: Any = None,  # noqa: ANN401  see below
    return_train_measures: bool = False,
    n_jobs: int = 1,
    pre_dispatch: int | str | None = "2*n_jobs",
    verbose: bool = False,
) -> dict[str, Any]:
    """The accuracy of an algorithm on each of several folds.

    Parameters
    ----------
    algo : AlgoBase
    data : Dataset
    measures : list of str
        Names of functions in `accuracy`, in upper or lower case.
    cv : None, int or iterator
        The folds; None is 5, and an int as many, of `KFold`.
    return_train_measures : bool
        Also measure how well each trainset itself is predicted.
    n_jobs : int
        Folds at a time, each in a process of its own; -1 for all cores. The results do not depend on it if `algo` has
        an int for its `random_state`.
    pre_dispatch : int, str or None
        How many folds are made ahead, as joblib takes it.
    verbose : bool
        Print the results as a table.

    Returns
    -------
    dict
        ``test_rmse`` and the like, ``train_rmse`` and the like if asked for: float64 arrays, an entry a fold;
        ``fit_time`` and ``test_time``: tuples of seconds.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import Dataset, Reader, SlopeOne
    >>> from foretaste.surprise.model_selection import KFold, cross_validate
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> sorted(cross_validate(SlopeOne(), data, cv=KFold(2, random_state=0)))
    ['fit_time', 'test_mae', 'test_rmse', 'test_time']
    """
    names = measure_names(measures)
    outcomes = Parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch)(
        delayed(fit_and_score)(algo, trainset, testset, names, return_train_measures)
        for trainset, testset in get_cv(cv).split(data)
    )
    test, train, fit_times, test_times = gathered(outcomes, names)
    if verbose:
        print_summary(algo, names, test, train, fit_times, test_times, len(fit_times))
    results: dict[str, Any] = {}
    for name in names:
        results[f"test_{name}"] = test[name]
        if train:
            results[f"train_{name}"] = train[name]
    return results | {"fit_time": fit_times, "test_time": test_times}


def fit_and_score(
    algo: AlgoBase,
    trainset: Trainset,
    testset: Testset,
    measures: Iterable[str],
    return_train_measures: bool = False,
) -> Outcome:
    """Fit an algorithm to one part and measure it on another.

    Parameters
    ----------
    algo : AlgoBase
    trainset : Trainset
    testset : list of (raw user id, raw item id, rating)
    measures : list of str
        Names of functions in `accuracy`.
    return_train_measures : bool
        Also measure how well the trainset itself is predicted.

    Returns
    -------
    tuple
        The measures of the testset by name; those of the trainset, or nothing; seconds to fit; seconds to test.
    """
    return fit_and_test(algo, trainset, testset, measures, return_train_measures)[0]


def fit_and_test(
    algo: AlgoBase,
    trainset: Trainset,
    testset: Testset,
    measures: Iterable[str],
    return_train_measures: bool = False,
) -> tuple[Outcome, list[Prediction]]:
    """As `fit_and_score`, and the predictions of the testset."""
    names = measure_names(measures)
    started = time.time()
    algo.fit(trainset)
    fitted = time.time()
    predictions = algo.test(testset)
    tested = time.time()
    of_training = _measured(algo.test(trainset.build_testset()), names) if return_train_measures else {}
    return Outcome(_measured(predictions, names), of_training, fitted - started, tested - fitted), predictions


def measure_names(measures: Iterable[str]) -> list[str]:
    """The names of measures in lower case.

    Raises
    ------
    AttributeError
        There is no such function in `accuracy`.
    """
    names = [measure.lower() for measure in measures]
    for name in names:
        if not hasattr(accuracy, name):
            message = f"there is no measure {name!r} in surprise.accuracy. Hint: choose among rmse, mse, mae and fcp."
            raise AttributeError(message)
    return names


def gathered(
    outcomes: Iterable[Outcome], measures: Sequence[str]
) -> tuple[Scores, Scores, tuple[float, ...], tuple[float, ...]]:
    """What was found, by measure: on the testsets, on the trainsets; and the seconds, an entry a fold each."""
    of_tests, of_trainings, fit_times, test_times = zip(*outcomes, strict=True)
    test = {name: np.asarray([scores[name] for scores in of_tests]) for name in measures}
    train = {name: np.asarray([scores[name] for scores in of_trainings]) for name in measures if of_trainings[0]}
    return test, train, fit_times, test_times


def print_summary(
    algo: AlgoBase,
    measures: Iterable[str],
    test_measures: Mapping[str, Numbers],
    train_measures: Mapping[str, Numbers],
    fit_times: Numbers,
    test_times: Numbers,
    n_splits: int,
) -> None:
    """Print what `cross_validate` has found: a row a measure, a column a fold, their mean and standard deviation.

    Parameters
    ----------
    algo : AlgoBase
    measures : list of str
    test_measures, train_measures : dict
        A number a fold, by measure; the second may be empty.
    fit_times, test_times : list of float
        Seconds, a number a fold.
    n_splits : int
        Number of folds.
    """
    names = ", ".join(measure.upper() for measure in measures)
    print(f"Evaluating {names} of algorithm {type(algo).__name__} on {n_splits} split(s).")
    print()
    rows = [["", *(f"Fold {fold}" for fold in range(1, n_splits + 1)), "Mean", "Std"]]
    for part, measured in (("testset", test_measures), ("trainset", train_measures)):
        rows += [_row(f"{name.upper()} ({part})", scores, "1.4f") for name, scores in measured.items()]
    rows += [_row("Fit time", fit_times, ".2f"), _row("Test time", test_times, ".2f")]
    print("\n".join(f"{label:<18}" + "".join(f"{cell:<8}" for cell in cells) for label, *cells in rows))


def _row(label: str, values: Numbers, form: str) -> list[str]:
    return [label, *(format(value, form) for value in (*values, np.mean(values), np.std(values)))]


def _measured(predictions: list[Prediction], names: Iterable[str]) -> dict[str, float]:
    measures: dict[str, Callable[..., float]] = {name: getattr(accuracy, name) for name in names}
    return {name: measure(predictions, verbose=False) for name, measure in measures.items()}
