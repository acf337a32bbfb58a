"""`tune`: the settings a model does best with, on validation parts of the data."""

from __future__ import annotations

import json
import math
import time
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from foretaste._typing import Frame
from foretaste.data.coerce import as_events, as_interactions
from foretaste.data.frames import make_frame
from foretaste.exceptions import (
    DataError,
    DivergenceError,
    ForetasteWarning,
    InvalidParameterError,
)
from foretaste.metrics import AnyMetric, Metric, get_metric
from foretaste.model_selection._spaces import Space, default_space
from foretaste.model_selection.splits import Fold, RandomHoldout, UserHoldout
from foretaste.model_selection.validation import make_folds, measure_fold
from foretaste.utils.extras import load_extra
from foretaste.utils.progress import progress
from foretaste.utils.validation import Constraint, Int, check_parameters

_STUDY = "foretaste"  # its name within the file
_SHARE = 0.1  # of the data, for validation
# A training of more than twice as many epochs is looked at after these, on the first fold, and ends where it does worse
# there than half of those before. The others begin anew, which costs less than what is saved.
_FIRST_EPOCHS = 5
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Tuning:
    """What `tune` found.

    Attributes
    ----------
    best_model : model
        With the best parameters, fitted on all of the data.
    best_parameters : dict
        Those of the space; empty where nothing did better than the model as it was given.
    best_value : float
        The metric with them, its mean over the validation parts. The best of many figures flatters a little: for an
        honest one, measure on data that `tune` has not seen.
    metric : str
    trials : tuple of dict
        What `to_frame` shows.
    kind : str
        Frame library of `to_frame`.
    """

    best_model: Any
    best_parameters: dict[str, Any]
    best_value: float
    metric: str
    trials: tuple[dict[str, Any], ...]
    kind: str

    def to_frame(self) -> Frame:
        """One row a trial, in order: trial, state, the metric, seconds, and each parameter.

        `state` is "complete", "pruned" (ended early, for it did worse than others on the first validation parts, or
        after five epochs on the first; the metric is the one it had then) or "failed" (training ran away, or the
        metric is not defined).
        """
        return make_frame({name: _column([trial[name] for trial in self.trials]) for name in self.trials[0]}, self.kind)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.best_parameters.items())
        best = f"{self.metric} {self.best_value:.4f} with {settings or 'the model as it was given'}"
        return f"Tuning of {type(self.best_model).__name__} in {len(self.trials)} trials: {best}\n{self.to_frame()}"


def tune(  # noqa: PLR0913  keyword-only, each with a default
    model: Any,  # noqa: ANN401  an estimator
    data: Any,  # noqa: ANN401  whatever `fit` takes
    space: Space | None = None,
    *,
    metric: str | None = None,
    trials: int = 30,
    cv: Any = None,  # noqa: ANN401  see Parameters
    random_state: int = 0,
    study: str | Path | None = None,
    item_features: Frame | None = None,
) -> Tuning:
    """Look for the parameters a model does best with.

    The first trial is the model as it is given, so that the result does no worse on the validation parts. The next ten
    are drawn at random; after them each is drawn where trials did well so far, by a tree-structured Parzen estimator
    (Bergstra, Bardenet, Bengio, Kégl 2011, "Algorithms for hyper-parameter optimization", section 4), as Optuna has it.
    With several validation parts a trial ends once the mean over the parts it has seen is worse than the median of
    earlier trials at that point. The best parameters are then fitted on all of the data.

    Parameters
    ----------
    model : model
        Its other parameters stay. It is cloned, never fitted; a `random_state` of None becomes that of `tune`.
    data : frame, Interactions or whatever `fit` takes
        The training data; validation parts are taken from it. Test data does not belong here.
    space : dict, optional
        What to vary, from parameter to ``(low, high)``, ends included: whole numbers where both are, else real ones;
        to ``(low, high, "log")``, evenly by ratio; or to a list of choices. `default_space` without it.
    metric : str, optional
        Without it "rmse", or "ndcg@10" for a model that only orders items.
    trials : int
        How many in all, with those the study holds already.
    cv : int, splitter or folds, optional
        As in `compare`. Without it one validation part: a tenth of all rows, or, for a metric of lists, of each
        user's.
    random_state : int
        Decides the validation part, what is tried, and the model where it has no seed of its own.
    study : path, optional
        A file that keeps every trial as it ends; `tune` with the same arguments goes on from there, to the same end.
    item_features : frame, optional
        As in `evaluate`, for metrics that need it.

    Returns
    -------
    Tuning

    Raises
    ------
    InvalidParameterError
        The space names something else than a parameter or allows what the model does not; the metric cannot judge the
        model; the study is of another search.
    DivergenceError
        No trial gave a value.
    MissingExtraError
        Optuna is not installed.

    Examples
    --------
    >>> import foretaste as ft
    >>> found = ft.tune(ft.Baseline(), ft.datasets.albums(), {"reg_users": (0.1, 10.0, "log")}, trials=3, cv=2)
    >>> len(found.to_frame()), sorted(found.best_parameters) in ([], ["reg_users"])
    (3, True)
    """
    constraints: dict[str, Constraint] = {"trials": Int(1), "random_state": Int(0)}
    check_parameters("tune", {"trials": trials, "random_state": random_state}, constraints)
    measured = _metric_for(model, metric)
    model = clone(model)
    known = model.get_params(deep=False)
    if "random_state" in known and known["random_state"] is None:
        model.set_params(random_state=random_state)
    chosen = dict(default_space(model) if space is None else space)
    _check_space(model, chosen)
    of_ratings = isinstance(measured, Metric)
    interactions = as_interactions(data) if of_ratings else as_events(data)
    if cv is None:
        cv = (RandomHoldout if of_ratings else UserHoldout)(_SHARE, random_state=random_state)
    folds = list(make_folds(interactions, cv, random_state))
    if not folds:
        message = "'cv' must hold at least one fold, got none."
        raise InvalidParameterError(message)

    search = {
        "model": _plain(model),
        "space": repr(sorted(chosen.items())),
        "metric": measured.name,
        "random_state": str(random_state),
        "data or cv": _checksum(folds),
    }
    with _quiet_optuna() as optuna:
        kept = _open(optuna, study, measured, search)
        with progress("Tuning", trials) as advance:
            n_done = len(_done(kept))
            for _ in range(min(n_done, trials)):
                advance("")
            for number in range(n_done, trials):
                # Drawn by the number of the trial alone, so that a study that goes on is one that never stopped.
                seed = np.random.SeedSequence([random_state, number]).generate_state(1)[0]
                kept.sampler = optuna.samplers.TPESampler(seed=int(seed) % _LARGEST_SEED, multivariate=False)
                _run_trial(optuna, kept, model, chosen if number else {}, folds, measured, item_features)
                advance("")
        done = _done(kept)
    shown = tuple(_row(trial, number, model, chosen, measured.name) for number, trial in enumerate(done, start=1))
    whole = [(row[measured.name], trial.params) for row, trial in zip(shown, done, strict=True) if _is_whole(row)]
    if not whole:
        message = f"no trial of {type(model).__name__} gave a {measured.name}. Hint: narrow the space, or look at 'cv'."
        raise DivergenceError(message)
    value, best = (max if measured.greater_is_better else min)(whole, key=lambda each: each[0])
    fitted = clone(model).set_params(**best).fit(interactions)
    return Tuning(fitted, dict(best), value, measured.name, shown, interactions.kind)


# What is asked for ----------------------------------------------------------------------------------------------------


def _metric_for(model: Any, name: str | None) -> AnyMetric:  # noqa: ANN401
    predicts_ratings = getattr(model, "predicts_ratings", True)
    metric = get_metric(name if name is not None else "rmse" if predicts_ratings else "ndcg@10")
    if isinstance(metric, Metric) and not predicts_ratings:
        message = f"{type(model).__name__} orders items and predicts no ratings, so that {name!r} cannot judge it. "
        message += "Hint: take a metric of lists, such as 'ndcg@10'."
        raise InvalidParameterError(message)
    return metric


def _check_space(model: Any, space: Space) -> None:  # noqa: ANN401
    name, known = type(model).__name__, model.get_params(deep=False)
    if not space:
        message = "'space' must hold at least one parameter, got none. Hint: leave it out for a default."
        raise InvalidParameterError(message)
    for parameter, values in space.items():
        if parameter not in known:
            message = f"{parameter!r} of 'space' is no parameter of {name}. Hint: choose among {', '.join(known)}."
            raise InvalidParameterError(message)
        if not (_is_choice(values) or _is_range(values)):
            message = (
                f"{parameter!r} of 'space' must be (low, high) with low < high, (low, high, 'log') with low > 0, or a "
                f"list of choices (numbers, words, True, False or None), got {values!r}."
            )
            raise InvalidParameterError(message)
        if hasattr(model, "check_parameters"):
            for value in values if isinstance(values, list) else values[:2]:
                clone(model).set_params(**{parameter: value}).check_parameters()


def _is_choice(values: object) -> bool:
    return isinstance(values, list) and bool(values) and all(_is_scalar(value) for value in values)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _is_range(values: object) -> bool:
    if not isinstance(values, tuple) or len(values) not in (2, 3) or values[2:] not in ((), ("log",)):
        return False
    ends = values[:2]
    if not all(isinstance(end, Real) and not isinstance(end, bool) and math.isfinite(end) for end in ends):
        return False
    return bool(ends[0] < ends[1] and (len(values) == 2 or ends[0] > 0))  # noqa: PLR2004


def _plain(model: Any) -> str:  # noqa: ANN401
    """A model's class and its parameters that are plain values, as text."""
    plain = {name: value for name, value in model.get_params(deep=False).items() if _is_scalar(value)}
    return f"{type(model).__name__} {json.dumps(plain, sort_keys=True)}"


def _checksum(folds: Sequence[Fold]) -> str:
    """A short text that is another one if the rows of a fold are."""
    found = 0
    for fold in folds:
        for part in (fold.train, fold.test, fold.known):
            if part is not None:
                for array in (part.user_codes, part.item_codes, part.ratings, part.weights):
                    found = zlib.crc32(b"" if array is None else np.ascontiguousarray(array).tobytes(), found)
    return f"{found:08x}"


# The study ------------------------------------------------------------------------------------------------------------


@contextmanager
def _quiet_optuna() -> Iterator[Any]:
    """Optuna, silent for as long as it is used here: what there is to say stands in the result."""
    optuna = load_extra("optuna", "tune", "tune")
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def _open(optuna: Any, path: str | Path | None, metric: AnyMetric, search: dict[str, str]) -> Any:  # noqa: ANN401
    """The study of a file, or a new one.

    The file is Optuna's journal: a line an event, only ever added to, so that whatever stops the process costs no
    more than the trial it was in; it needs no database.
    """
    storage = None
    if path is not None:
        path = Path(path)
        if not path.parent.is_dir():
            message = f"'{path}' cannot be written: there is no folder '{path.parent}'."
            raise DataError(message)
        if path.is_file():
            _check_journal(path)
        backend = optuna.storages.journal.JournalFileBackend(str(path))
        storage = optuna.storages.JournalStorage(backend)
    study = optuna.create_study(
        storage=storage,
        study_name=_STUDY,
        direction="maximize" if metric.greater_is_better else "minimize",
        pruner=optuna.pruners.MedianPruner(),
        load_if_exists=True,
    )
    before = study.user_attrs.get("search", search)
    other = [name for name, told in search.items() if before.get(name) != told]
    if other:
        message = f"'{path}' holds a study of another search: another {', '.join(other)}. Hint: take another file."
        raise InvalidParameterError(message)
    study.set_user_attr("search", search)
    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # the process stopped in it; it is done again
    return study


def _check_journal(path: Path) -> None:
    """Raise if a file does not begin as a journal does."""
    with path.open("rb") as file:
        first = file.readline()
    try:
        is_journal = not first or "op_code" in json.loads(first)
    except (ValueError, TypeError):
        is_journal = False
    if not is_journal:
        message = f"'{path}' is no study of tune, and is left as it is. Hint: name a file that does not exist yet."
        raise DataError(message)


def _done(study: Any) -> list[Any]:  # noqa: ANN401
    """The trials that came to an end by themselves, however they did."""
    return [trial for trial in study.get_trials(deepcopy=False) if "seconds" in trial.user_attrs]


def _run_trial(
    optuna: Any,  # noqa: ANN401
    study: Any,  # noqa: ANN401
    model: Any,  # noqa: ANN401
    space: Space,
    folds: Sequence[Fold],
    metric: AnyMetric,
    item_features: Frame | None,
) -> None:
    """Fit and measure one more set of parameters, fold by fold, and write down how it went."""
    started = time.perf_counter()
    trial, state = study.ask(), optuna.trial.TrialState.COMPLETE
    candidate = clone(model).set_params(**{name: _draw(trial, name, values) for name, values in space.items()})
    looks, whole, value = _looks(candidate, folds), [], math.nan
    for step, (learner, fold) in enumerate(looks):
        measured = _measured(learner, fold, metric, item_features)
        if learner is candidate:
            whole.append(measured)
        value = float(np.mean(whole)) if whole else measured
        if math.isnan(value):
            state = optuna.trial.TrialState.FAIL
            break
        trial.report(value, step)
        if step + 1 < len(looks) and trial.should_prune():
            state = optuna.trial.TrialState.PRUNED
            break
    trial.set_user_attr("value", value)
    trial.set_user_attr("seconds", time.perf_counter() - started)
    study.tell(trial, value if state == optuna.trial.TrialState.COMPLETE else None, state=state)


def _looks(candidate: Any, folds: Sequence[Fold]) -> list[tuple[Any, Fold]]:  # noqa: ANN401
    """What is fitted, one after the other: a few of many epochs on the first fold, then every fold whole."""
    n_epochs = candidate.get_params(deep=False).get("n_epochs", 0)
    short = [clone(candidate).set_params(n_epochs=_FIRST_EPOCHS)] if n_epochs > 2 * _FIRST_EPOCHS else []
    return [*((learner, folds[0]) for learner in short), *((candidate, fold) for fold in folds)]


def _measured(learner: Any, fold: Fold, metric: AnyMetric, item_features: Frame | None) -> float:  # noqa: ANN401
    """The metric on one fold; NaN where training ran away."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ForetasteWarning)  # the last fit, on everything, tells what it has to
            found, _ = measure_fold(learner, fold, [metric], item_features)
    except DivergenceError:
        return math.nan
    return found[metric.name]


def _draw(trial: Any, name: str, values: Any) -> Any:  # noqa: ANN401
    if isinstance(values, list):
        return trial.suggest_categorical(name, values)
    low, high = values[:2]
    whole = isinstance(low, Integral) and isinstance(high, Integral)
    return (trial.suggest_int if whole else trial.suggest_float)(name, low, high, log=len(values) == 3)  # noqa: PLR2004


# The result -----------------------------------------------------------------------------------------------------------


def _row(trial: Any, number: int, model: Any, space: Space, metric: str) -> dict[str, Any]:  # noqa: ANN401
    state = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(trial.state.name, "failed")
    told = {"trial": number, "state": state, metric: trial.user_attrs["value"], "seconds": trial.user_attrs["seconds"]}
    return told | {name: trial.params.get(name, getattr(model, name)) for name in space}


def _is_whole(row: dict[str, Any]) -> bool:
    return bool(row["state"] == "complete")


def _column(values: list[Any]) -> list[Any]:
    """Values of one kind, as a column needs them: as text where they are words and something else."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 and not kinds <= {int, float}:
        return [None if value is None else str(value) for value in values]
    return [float(value) if value is not None else None for value in values] if kinds == {int, float} else values
