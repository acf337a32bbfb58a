"""Neighbours: what those most similar to a user gave the item, or what the user gave the items most similar to it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64
from foretaste.kernels.sorting import group_by_code
from foretaste.kernels.strict.neighbours import opinions
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms.algo_base import (
    AlgoBase,
    BatchAlgo,
    Estimates,
    check_codes,
    check_shape,
)
from foretaste.surprise.prediction_algorithms.optimize_baselines import baseline_estimates
from foretaste.surprise.trainset import Lists, Rows, Trainset

if TYPE_CHECKING:
    from foretaste import models

_UNKNOWN, _TOO_FEW = "User and/or item is unknown.", "Not enough neighbors."


class SymmetricAlgo(AlgoBase):
    """What works on users and on items alike: x are the ones that are compared, y the others.

    Parameters
    ----------
    sim_options : dict
        ``name``, ``user_based``, ``min_support`` and ``shrinkage``; x are users where ``user_based`` is true.
    verbose : bool
        Say what is computed.

    Attributes
    ----------
    n_x, n_y : int
        How many there are of each.
    xr, yr : dict of lists
        ``{inner id: [(inner id of the other kind, rating), ...]}``, made when they are first asked for.
    """

    def __init__(
        self,
        sim_options: Mapping[str, Any] = {},
        verbose: bool = True,
        **kwargs: Any,  # noqa: ANN401  for `AlgoBase`
    ) -> None:
        super().__init__(sim_options=sim_options, **kwargs)
        self.verbose = verbose

    def fit(self, trainset: Trainset) -> Self:
        """Keep the trainset, seen from the side that `sim_options` says."""
        super().fit(trainset)
        self.n_x, self.n_y = self.switch(trainset.n_users, trainset.n_items)
        for name in ("xr", "yr"):  # those of an earlier trainset
            vars(self).pop(name, None)
        return self

    def switch(self, u_stuff: Any, i_stuff: Any) -> tuple[Any, Any]:  # noqa: ANN401  whatever there is of both
        """Something of users and something of items, that of x first."""
        return (u_stuff, i_stuff) if self.sim_options["user_based"] else (i_stuff, u_stuff)

    @cached_property
    def xr(self) -> Lists:
        """The ratings of each x."""
        return self.trainset.ur if self.sim_options["user_based"] else self.trainset.ir

    @cached_property
    def yr(self) -> Lists:
        """The ratings of each y."""
        return self.trainset.ir if self.sim_options["user_based"] else self.trainset.ur


class _Centres(NamedTuple):
    """What a rating is measured from, and in which unit: (r - (a_x + b_y)) / s_x."""

    of_x: Float64
    of_y: Float64
    spreads: Float64


class _Neighbours(SymmetricAlgo, BatchAlgo):
    """What the four share: settings, the similarities, and asking the neighbours."""

    _centring: ClassVar[str]
    # what is learned of each x (0) or of each y (1), one number each
    _measures: ClassVar[Mapping[str, int]] = {}

    def __init__(
        self,
        k: int = 40,
        min_k: int = 1,
        sim_options: Mapping[str, Any] = {},
        verbose: bool = True,
        **kwargs: Any,  # noqa: ANN401  for `AlgoBase`
    ) -> None:
        super().__init__(sim_options=sim_options, verbose=verbose, **kwargs)
        self.k = k
        self.min_k = min_k

    def fit(self, trainset: Trainset) -> Self:
        """Compute the similarities, and what ratings are measured from."""
        super().fit(trainset)
        self._measure(self.switch(*self._fitted_to)[0])
        self.sim = self.compute_similarities()
        return self

    def _measure(self, of_x: Rows) -> None:
        """Learn what ratings are measured from; `of_x` are those of each x."""

    def _centres(self, n_x: int, n_y: int) -> _Centres:
        return _Centres(np.zeros(n_x), np.zeros(n_y), np.ones(n_x))

    def _heard(self, x: Codes, y: Codes) -> tuple[Float64, Codes]:
        """What the neighbours say of pairs of known inner ids, and how many they are."""
        of_x: Rows
        of_y: Rows
        of_x, of_y = self.switch(*self._fitted_to)
        sizes = n_x, n_y = of_x.indptr.size - 1, of_y.indptr.size - 1
        check_codes(x, n_x, "inner ids")
        check_codes(y, n_y, "inner ids")
        check_shape(self, "sim", (n_x, n_x))
        for name, axis in self._measures.items():
            check_shape(self, name, (sizes[axis],))
        heard, counts = np.empty(x.size), np.empty(x.size, np.int32)
        unordered = np.empty(x.size, np.bool_)
        centres, similar = self._centres(n_x, n_y), np.ascontiguousarray(self.sim, np.float64)
        starts, order = group_by_code(x, n_x)
        fixed = (starts, order, y, similar, *of_y, centres.of_x, centres.spreads, centres.of_y)
        opinions(*fixed, self.k, self.min_k, heard, counts, unordered)
        for place in np.flatnonzero(unordered).tolist():
            heard[place], counts[place] = self._heard_in_disorder(int(x[place]), int(y[place]), of_y, centres)
        return heard, counts

    def _heard_in_disorder(self, x: int, y: int, of_y: Rows, centres: _Centres) -> tuple[float, int]:
        """The same of a pair for which a similarity is not a number: those that a heap happens to hand out."""
        indptr, members, ratings = of_y
        theirs = slice(indptr[y], indptr[y + 1])
        similar = self.sim[x, members[theirs]].tolist()
        entries = zip(similar, members[theirs].tolist(), ratings[theirs].tolist(), strict=True)
        total = weight = 0.0
        n = 0
        for similarity, neighbour, rating in heapq.nlargest(self.k, list(entries), key=lambda entry: entry[0]):
            if similarity > 0:
                centre = centres.of_x[neighbour] + centres.of_y[y]
                total += float(np.divide(similarity * (rating - centre), centres.spreads[neighbour]))
                weight += similarity
                n += 1
        return (total / weight if n and n >= self.min_k else 0.0), n

    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        known = (users >= 0) & (items >= 0)
        x, y = self.switch(users[known], items[known])
        heard, counts = self._heard(x, y)
        values, actual_k = np.zeros(users.size), np.zeros(users.size, np.int64)
        values[known], actual_k[known] = self._combined(x, heard), counts
        reasons = self._reasons(known, actual_k)
        return Estimates(values, reasons, (_UNKNOWN, _TOO_FEW), {"actual_k": actual_k})

    def _combined(self, x: Codes, heard: Float64) -> Float64:
        """Estimates of pairs from what their neighbours say."""
        raise NotImplementedError

    def _reasons(self, known: npt.NDArray[np.bool_], actual_k: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:  # noqa: ARG002  what one of them looks at
        return (~known).astype(np.int8)

    def _native(self) -> models.Recommender:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        options = self.sim_options
        by_user, name = bool(options["user_based"]), options.get("name", "msd").lower()
        model = (models.UserKNN if by_user else models.ItemKNN)(
            similarity=name,
            centring=self._centring,  # type: ignore[arg-type]  # a word of each class
            n_neighbors=self.k,
            min_neighbors=max(1, self.min_k),
            n_kept=max(1, self.n_x),
            min_support=max(1, options.get("min_support", 1)),
            shrinkage=float(options.get("shrinkage", 100)) if name == "pearson_baseline" else 0.0,
            damping=0.0,
        )
        model.check_parameters()
        interactions = self.trainset.to_interactions()
        learned, biases = model._learn_baseline(interactions)  # noqa: SLF001  as its own `_fit` begins
        if self.bu is not None:
            biases = biases._replace(users=self.bu.astype(np.float32), items=self.bi.astype(np.float32))
            learned |= {"user_biases_": biases.users, "item_biases_": biases.items}
        learn = model._learn_users if isinstance(model, models.UserKNN) else model._learn_items  # noqa: SLF001  as it ends
        return fitted(model, self.trainset, **learned, **learn(interactions, biases, learned["spread_"]))


class KNNBasic(_Neighbours):
    r"""The mean of what the neighbours gave, weighted by similarity.

    .. math:: \hat r_{ui} = \frac{\sum_{v \in N} s_{uv} r_{vi}}{\sum_{v \in N} s_{uv}} \quad\text{or}\quad
        \hat r_{ui} = \frac{\sum_{j \in N} s_{ij} r_{uj}}{\sum_{j \in N} s_{ij}}

    where N are those of similarity above 0 among the k most similar to u who rated i (of users) or to i among what u
    rated (of items). Impossible where the user or the item is unknown, or N has fewer than `min_k` members, or none.

    `to_foretaste` gives a `foretaste.UserKNN` or `foretaste.ItemKNN` of the same settings. Of a known user and a known
    item it says the same in single precision, but for this: of a pair that was rated it leaves the rating itself out,
    where here x is its own neighbour; among neighbours of equal similarity it takes those of lowest code, where here
    the first in the ratings of y come first; it rounds "msd" and "pearson" to a millionth, and measures "msd" in
    quarters of the rating scale, so that the two agree on a scale as long as that of 1 to 5. Where there are too few
    neighbours it predicts the mean, too, and where the user or the item is unknown, the baseline.

    Parameters
    ----------
    k : int
        At most so many are asked.
    min_k : int
        Fewer are not.
    sim_options : dict
        ``name`` ("msd", "cosine", "pearson" or "pearson_baseline"), ``user_based`` (True), ``min_support`` (1),
        ``shrinkage`` (100, for "pearson_baseline").
    verbose : bool
        Say what is computed.
    **kwargs
        ``bsl_options``, for "pearson_baseline".

    Attributes
    ----------
    sim : float64 array of shape (n_x, n_x)
    n_x, n_y, xr, yr
        As of `SymmetricAlgo`.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import Dataset, KNNBasic, Reader
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> algo = KNNBasic(k=3, verbose=False).fit(data.build_full_trainset())
    >>> algo.predict("diego", "zhou-shen").details
    {'actual_k': 3, 'was_impossible': False}
    """

    _centring = "none"

    def _combined(self, x: Codes, heard: Float64) -> Float64:  # noqa: ARG002  as the others
        return heard

    def _reasons(self, known: npt.NDArray[np.bool_], actual_k: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        # a mean of nobody is none, even where min_k is 0
        return np.where(known, np.where(actual_k < max(1, self.min_k), 2, 0), 1).astype(np.int8)


class KNNWithMeans(_Neighbours):
    r"""What the neighbours gave, each measured from their own mean.

    .. math:: \hat r_{ui} = \mu_u + \frac{\sum_{v \in N} s_{uv} (r_{vi} - \mu_v)}{\sum_{v \in N} s_{uv}}

    or the same of items; N, parameters and `to_foretaste` as of `KNNBasic`. Where N has fewer than `min_k` members the
    mean stands alone. Impossible where the user or the item is unknown.

    Attributes
    ----------
    sim : float64 array of shape (n_x, n_x)
    means : float64 array of shape (n_x,)
    n_x, n_y, xr, yr
        As of `SymmetricAlgo`.
    """

    _centring = "mean"
    _measures: ClassVar = {"means": 0}

    def _measure(self, of_x: Rows) -> None:
        self.means = _each(np.mean, of_x)

    def _centres(self, n_x: int, n_y: int) -> _Centres:
        return super()._centres(n_x, n_y)._replace(of_x=self.means)

    def _combined(self, x: Codes, heard: Float64) -> Float64:
        return self.means[x] + heard


class KNNWithZScore(_Neighbours):
    r"""What the neighbours gave, each measured from their own mean in their own standard deviations.

    .. math:: \hat r_{ui} = \mu_u + \sigma_u \frac{\sum_{v \in N} s_{uv} (r_{vi} - \mu_v) / \sigma_v}{
        \sum_{v \in N} s_{uv}}

    or the same of items; N, parameters and `to_foretaste` as of `KNNBasic`. Where N has fewer than `min_k` members the
    mean stands alone. Impossible where the user or the item is unknown.

    Attributes
    ----------
    sim : float64 array of shape (n_x, n_x)
    means, sigmas : float64 arrays of shape (n_x,)
        A standard deviation of 0 is replaced by `overall_sigma`.
    overall_sigma : float
        That of all ratings.
    n_x, n_y, xr, yr
        As of `SymmetricAlgo`.
    """

    _centring = "zscore"
    _measures: ClassVar = {"means": 0, "sigmas": 0}

    def _measure(self, of_x: Rows) -> None:
        self.means = _each(np.mean, of_x)
        self.overall_sigma = np.std(self.trainset.rows()[0].values)
        self.sigmas = _each(np.std, of_x)
        self.sigmas[(self.sigmas == 0) & (np.diff(of_x.indptr) > 0)] = self.overall_sigma

    def _centres(self, n_x: int, n_y: int) -> _Centres:
        return super()._centres(n_x, n_y)._replace(of_x=self.means, spreads=self.sigmas)

    def _combined(self, x: Codes, heard: Float64) -> Float64:
        return self.means[x] + heard * self.sigmas[x]


class KNNBaseline(_Neighbours):
    r"""What the neighbours gave, each measured from the baseline.

    .. math:: \hat r_{ui} = b_{ui} + \frac{\sum_{v \in N} s_{uv} (r_{vi} - b_{vi})}{\sum_{v \in N} s_{uv}}, \quad
        b_{ui} = \mu + b_u + b_i

    or the same of items (Koren 2010, "Factor in the neighbors", section 2.2); N, parameters and `to_foretaste` as of
    `KNNBasic`, and `bsl_options` as of `BaselineOnly`. Where N has fewer than `min_k` members, or the user or the item
    is unknown, the baseline stands alone. The similarity that goes well with it is "pearson_baseline".

    Attributes
    ----------
    sim : float64 array of shape (n_x, n_x)
    bu, bi, bx, by : float64 arrays
        Biases of users and items, and the same of x and y.
    n_x, n_y, xr, yr
        As of `SymmetricAlgo`.
    """

    _centring = "baseline"
    _measures: ClassVar = {"bx": 0, "by": 1}

    def __init__(
        self,
        k: int = 40,
        min_k: int = 1,
        sim_options: Mapping[str, Any] = {},
        bsl_options: Mapping[str, Any] = {},
        verbose: bool = True,
        **kwargs: Any,  # noqa: ANN401  for `AlgoBase`
    ) -> None:
        super().__init__(k, min_k, sim_options, verbose, bsl_options=bsl_options, **kwargs)

    def _measure(self, of_x: Rows) -> None:  # noqa: ARG002  as the others
        self.bu, self.bi = self.compute_baselines()
        self.bx, self.by = self.switch(self.bu, self.bi)

    def _centres(self, n_x: int, n_y: int) -> _Centres:
        centres = super()._centres(n_x, n_y)
        return centres._replace(of_x=self.trainset.global_mean + self.bx, of_y=self.by)

    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        values = baseline_estimates(self, users, items)
        known = (users >= 0) & (items >= 0)
        actual_k = np.zeros(users.size, np.int64)
        heard, actual_k[known] = self._heard(*self.switch(users[known], items[known]))
        values[known] += heard
        return Estimates(values, details={"actual_k": actual_k}, detailed=known)


def _each(figure: Any, rows: Rows) -> Float64:  # noqa: ANN401  a function of an array
    """A figure of the ratings of each row, 0 for one without; taken row by row, as NumPy adds up."""
    figures = np.zeros(rows.indptr.size - 1)
    ends = rows.indptr.tolist()
    for row, (first, last) in enumerate(pairwise(ends)):
        if last > first:
            figures[row] = figure(rows.values[first:last])
    return figures
