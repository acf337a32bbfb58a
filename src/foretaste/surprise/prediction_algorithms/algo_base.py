"""`AlgoBase`, which every algorithm derives from, and `BatchAlgo` for those that estimate many pairs at once."""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Id
from foretaste.exceptions import DataError, UnsupportedError
from foretaste.surprise.prediction_algorithms.predictions import Prediction, PredictionImpossible
from foretaste.surprise.trainset import Rows, Trainset

if TYPE_CHECKING:
    from foretaste import models


class AlgoBase:
    """What every algorithm derives from, a custom one too.

    A custom algorithm defines ``estimate(self, u, i)`` of inner ids, which gives a rating, or a rating and a
    dictionary of details, or raises `PredictionImpossible`; and ``fit(self, trainset)`` if it learns anything, which
    begins with ``AlgoBase.fit(self, trainset)``. An unknown user or item arrives there as the text "UKN__" and its
    raw id.

    Parameters
    ----------
    bsl_options, sim_options : dict
        For `compute_baselines` and `compute_similarities`. The dictionaries are copied; the caller's stay as they are.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import AlgoBase, Dataset, Reader
    >>> class Three(AlgoBase):
    ...     def estimate(self, u, i):
    ...         return 3.0
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> print(Three().fit(data.build_full_trainset()).predict("an", "bts"))
    user: an         item: bts        r_ui = None   est = 3.00   {'was_impossible': False}
    """

    trainset: Trainset
    sim: Float64

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  whatever a subclass hands on
        self.bsl_options: dict[str, Any] = dict(kwargs.get("bsl_options", {}))
        self.sim_options: dict[str, Any] = dict(kwargs.get("sim_options", {}))
        self.sim_options.setdefault("user_based", True)

    def fit(self, trainset: Trainset) -> Self:
        """Keep the trainset and forget baselines of an earlier one; a subclass goes on from there."""
        self.trainset = trainset
        self.bu: Any = None
        self.bi: Any = None
        return self

    def estimate(self, u: Any, i: Any) -> Any:  # noqa: ANN401  see the class
        """The rating of a pair of inner ids; what a subclass defines."""
        message = f"{type(self).__name__} does not say how it estimates a rating. Hint: define estimate(self, u, i)."
        raise NotImplementedError(message)

    # Predicting -----------------------------------------------------------------------------------------------------

    def predict(
        self, uid: Id, iid: Id, r_ui: float | None = None, clip: bool = True, verbose: bool = False
    ) -> Prediction:
        """The predicted rating of a pair of raw ids.

        Parameters
        ----------
        uid, iid : hashable
            Raw ids, of the type they have in the data: 42 is not "42".
        r_ui : float, optional
            The true rating, which is handed on to the prediction.
        clip : bool
            Keep the prediction within the rating scale.
        verbose : bool
            Print it.
        """
        inner: list[Any] = []
        for raw, to_inner in ((uid, self.trainset.to_inner_uid), (iid, self.trainset.to_inner_iid)):
            try:
                inner.append(to_inner(raw))
            except ValueError:
                inner.append(f"UKN__{raw}")
        details: dict[str, Any] = {}
        try:
            estimated = self.estimate(*inner)
            if isinstance(estimated, tuple):
                estimated, details = estimated
            details["was_impossible"] = False
        except PredictionImpossible as impossible:
            estimated = self.default_prediction()
            details = {"was_impossible": True, "reason": str(impossible)}
        if clip:
            lowest, highest = self.trainset.rating_scale
            # in this order, and so that NaN becomes an end of the scale
            estimated = max(lowest, min(highest, estimated))
        prediction = Prediction(uid, iid, r_ui, estimated, details)
        if verbose:
            print(prediction)
        return prediction

    def default_prediction(self) -> Any:  # noqa: ANN401  a number
        """What stands where `estimate` raises `PredictionImpossible`: the mean of all ratings."""
        return self.trainset.global_mean

    def test(self, testset: Iterable[tuple[Id, Id, float | None]], verbose: bool = False) -> list[Prediction]:
        """The predictions of many (raw user id, raw item id, true rating)."""
        return [self.predict(uid, iid, r_ui, verbose=verbose) for uid, iid, r_ui in testset]

    # Neighbours and baselines ---------------------------------------------------------------------------------------

    def compute_baselines(self) -> tuple[Any, Any]:
        """Biases of users and items, as `bsl_options` says; computed once a fit.

        Raises
        ------
        ValueError
            There is no such method.
        """
        from foretaste.surprise.prediction_algorithms.optimize_baselines import baseline_als, baseline_sgd  # noqa: PLC0415

        if self.bu is None:
            methods = {"als": baseline_als, "sgd": baseline_sgd}
            name = self.bsl_options.get("method", "als")
            if getattr(self, "verbose", False):
                print(f"Estimating biases using {name}...")
            if name not in methods:
                message = f"the method for baselines must be 'als' or 'sgd', got {name!r}."
                raise ValueError(message)
            self.bu, self.bi = methods[name](self)
        return self.bu, self.bi

    def compute_similarities(self) -> Float64:
        """The similarity of every pair of users (or items, where `sim_options` says so).

        Raises
        ------
        NameError
            There is no such similarity.
        """
        # where they are needed, because a custom algorithm needs neither
        from foretaste.surprise import similarities  # noqa: PLC0415

        options, (by_user, by_item) = self.sim_options, self.trainset.rows()
        of_users = options["user_based"]
        name = options.get("name", "msd").lower()
        if name == "pearson_baseline":
            bu, bi = self.compute_baselines()
        verbose = getattr(self, "verbose", False)
        if verbose:
            print(f"Computing the {name} similarity matrix...")
        if name not in similarities.NAMES:
            message = f"'name' in sim_options must be one of {', '.join(similarities.NAMES)}, got {name!r}."
            raise NameError(message)
        n_x, rows = (self.trainset.n_users, by_item) if of_users else (self.trainset.n_items, by_user)
        shrinkage = 0.0
        if name == "pearson_baseline":
            of_x, of_y = (bu, bi) if of_users else (bi, bu)
            rows = similarities.residuals(rows, self.trainset.global_mean, of_y, of_x)
            shrinkage = options.get("shrinkage", 100)
        similar = similarities.matrix(name, n_x, rows, options.get("min_support", 1), shrinkage)
        if verbose:
            print("Done computing similarity matrix.")
        return similar

    def get_neighbors(self, iid: int, k: int) -> list[int]:
        """Inner ids of the k nearest to a user (or an item, where `sim_options` says so), nearest first.

        Takes the similarities that `compute_similarities` has given and the algorithm keeps in `sim`.
        """
        by_user = self.sim_options["user_based"]
        n_x = self.trainset.n_users if by_user else self.trainset.n_items
        # a heap, not a sort: of equally near ones the first, and beside NaN those that it happens to hand out
        return heapq.nlargest(k, [x for x in range(n_x) if x != iid], key=self.sim[iid].tolist().__getitem__)

    # To foretaste ---------------------------------------------------------------------------------------------------

    def to_foretaste(self) -> models.Recommender:
        """The fitted algorithm as a fitted model of foretaste, which can recommend, explain, fold in and be saved.

        What it has learned is handed over, in single precision, where foretaste's model has the same form; else
        foretaste's model is fitted with the same settings.

        Raises
        ------
        UnsupportedError
            foretaste has no such model.
        """
        return self._native()

    def _native(self) -> models.Recommender:
        message = (
            f"{type(self).__name__} has no counterpart among foretaste's models. Hint: its trainset can be learned "
            f"from by any of them, as in foretaste.FunkSVD().fit(algo.trainset.to_interactions())."
        )
        raise UnsupportedError(message)


@dataclass(frozen=True)
class Estimates:
    """Estimated ratings of many pairs.

    Attributes
    ----------
    values : float64 array of shape (n_pairs,)
        Anything where a pair is impossible.
    reasons : int8 array of shape (n_pairs,), optional
        0 for a pair that is possible, else 1 + the place of the reason in `texts`. Without it all are possible.
    texts : tuple of str
    details : dict of arrays of shape (n_pairs,)
        What `Prediction.details` is to hold besides, a column an entry.
    detailed : bool array of shape (n_pairs,), optional
        The pairs that have these entries; without it all possible ones.
    plain : bool array of shape (n_pairs,), optional
        The pairs whose `Prediction.est` is to be Python's float; without it all are numpy's.
    """

    values: Float64
    reasons: npt.NDArray[np.int8] | None = None
    texts: tuple[str, ...] = ()
    details: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    detailed: npt.NDArray[np.bool_] | None = None
    plain: npt.NDArray[np.bool_] | None = None


class BatchAlgo(AlgoBase):
    """An algorithm that estimates all pairs of a test set in one call.

    It defines `_estimates`. A class may define `estimate` beside it, if that gives the same faster for one pair; a
    subclass that changes what a pair gets (by `estimate`, `predict` or `default_prediction`) is asked pair by pair.
    """

    _pairwise: ClassVar = {"estimate", "predict", "default_prediction"}

    def fit(self, trainset: Trainset) -> Self:
        """Keep the trainset; a subclass goes on from there."""
        super().fit(trainset)
        vars(self).pop("_fitted_to", None)
        return self

    @cached_property
    def _fitted_to(self) -> tuple[Rows, Rows]:
        """The ratings by user and by item, looked up once: anew for each pair would take as long as a fit."""
        return self.trainset.rows()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_fitted_to"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # also a file that has them anyway does not get them past the checks of the trainset
        vars(self).update({name: value for name, value in state.items() if name != "_fitted_to"})

    @abstractmethod
    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        """The estimates of pairs of inner ids; -1 is unknown."""

    def estimate(self, u: Any, i: Any) -> Any:  # noqa: ANN401  a rating, or a rating and details
        """The rating of a pair of inner ids; anything that is none stands for an unknown user or item.

        Raises
        ------
        PredictionImpossible
            It cannot be estimated.
        """
        user = u if self.trainset.knows_user(u) else -1
        item = i if self.trainset.knows_item(i) else -1
        found = self._estimates(np.array([user], np.int32), np.array([item], np.int32))
        if found.reasons is not None and found.reasons[0]:
            raise PredictionImpossible(found.texts[found.reasons[0] - 1])
        value = found.values[0] if found.plain is None or not found.plain[0] else float(found.values[0])
        if found.details and (found.detailed is None or found.detailed[0]):
            return value, {name: column.tolist()[0] for name, column in found.details.items()}
        return value

    def test(self, testset: Iterable[tuple[Id, Id, float | None]], verbose: bool = False) -> list[Prediction]:
        """The predictions of many (raw user id, raw item id, true rating)."""
        if not self._at_once():
            return super().test(testset, verbose)
        rows = list(testset)
        users, items = [user for user, _, _ in rows], [item for _, item, _ in rows]
        found = self._estimates(self.trainset.inner_users(users), self.trainset.inner_items(items))
        details = _details(found)
        estimates = self._clipped(found)
        true = (rating for _, _, rating in rows)
        predictions = list(map(Prediction._make, zip(users, items, true, estimates, details, strict=True)))
        if verbose:
            for prediction in predictions:
                print(prediction)
        return predictions

    def _at_once(self) -> bool:
        """Whether nobody has changed what a pair gets since `_estimates` was defined."""
        if self._pairwise & vars(self).keys():
            return False
        for each in type(self).__mro__:
            if "_estimates" in vars(each):
                return True
            if self._pairwise & vars(each).keys():
                return False
        return False

    def _clipped(self, found: Estimates) -> list[Any]:
        """What `predict` makes of each estimate, to the type of the number."""
        values, estimates = found.values, list(found.values)
        if found.plain is not None:
            for place in np.flatnonzero(found.plain).tolist():
                estimates[place] = float(values[place])
        if found.reasons is not None and found.reasons.any():
            values = values.copy()
            for place in np.flatnonzero(found.reasons).tolist():
                estimates[place] = values[place] = self.default_prediction()
        lowest, highest = self.trainset.rating_scale
        inside = values < highest  # not so for NaN
        for place in np.flatnonzero(~inside).tolist():
            estimates[place] = highest
        for place in np.flatnonzero(~(np.where(inside, values, highest) > lowest)).tolist():
            estimates[place] = lowest
        return estimates


def check_shape(algo: AlgoBase, name: str, shape: tuple[int, ...]) -> None:
    """Refuse an attribute that would send a kernel, which does not look, past the end of an array."""
    found = np.shape(getattr(algo, name))
    if found != shape:
        message = (
            f"'{name}' of {type(algo).__name__} must be of shape {shape}, as its trainset is, got {found}. "
            f"Hint: assign an array of that shape, or fit again."
        )
        raise DataError(message)


def check_codes(codes: Codes | npt.NDArray[np.int64], n_codes: int, what: str) -> None:
    """Refuse codes that would send a kernel past the end of an array."""
    if codes.size and not (codes.min() >= 0 and codes.max() < n_codes):
        wrong = codes[(codes < 0) | (codes >= n_codes)][0]
        message = f"{what} must be of 0 to {n_codes - 1}, got {wrong}. Hint: fit again, if the trainset has changed."
        raise DataError(message)


def _details(found: Estimates) -> list[dict[str, Any]]:
    """The details of each prediction, a dictionary of its own."""
    n_pairs = found.values.size
    if found.details:
        columns = zip(*(column.tolist() for column in found.details.values()), strict=True)
        names = (*found.details, "was_impossible")
        details: list[dict[str, Any]] = [dict(zip(names, (*entries, False), strict=True)) for entries in columns]
    else:
        details = [{"was_impossible": False} for _ in range(n_pairs)]
    if found.detailed is not None:
        for place in np.flatnonzero(~found.detailed).tolist():
            details[place] = {"was_impossible": False}
    if found.reasons is not None:
        reasons = found.reasons.tolist()
        for place in np.flatnonzero(found.reasons).tolist():
            details[place] = {"was_impossible": True, "reason": found.texts[reasons[place] - 1]}
    return details
