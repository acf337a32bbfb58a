"""`SVD`, `SVDpp` and `NMF`: factors of users and items, learned rating after rating."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64
from foretaste.exceptions import UnsupportedError
from foretaste.kernels.strict.nmf import nmf_epoch
from foretaste.kernels.strict.sgd import independent_groups, svd_epoch
from foretaste.kernels.strict.svdpp import (
    rows_with_repeats,
    svdpp_epoch,
    user_with_implicit,
    users_with_implicit,
)
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates, check_codes, check_shape
from foretaste.surprise.prediction_algorithms.predictions import PredictionImpossible
from foretaste.surprise.trainset import Rows, Trainset
from foretaste.surprise.utils import get_rng

if TYPE_CHECKING:
    from foretaste import models
    from foretaste.models._factors import Unit

# Pairs whose factors are put side by side at a time: few enough to stay in the caches.
_CHUNK = 1024

# As many steps of one number of y at most are taken one by one in a fit, to the bit: a fifth of a second.
_ONE_BY_ONE = 200_000_000

_UNKNOWN = "User and item are unknown."


class _Factorization(BatchAlgo):
    """What the three share: a mean and biases, where there are any, and the product of two rows of factors."""

    n_epochs: int
    n_factors: int
    random_state: int | np.random.RandomState | None
    biased: bool = True
    pu: Float64
    qi: Float64
    reg_pu: float
    reg_bu: float

    def fit(self, trainset: Trainset) -> Self:
        """Learn from a trainset."""
        super().fit(trainset)
        self.sgd(trainset)
        return self

    @abstractmethod
    def sgd(self, trainset: Trainset) -> None:
        """The descent of `fit`."""

    def estimate(self, u: Any, i: Any) -> Any:  # noqa: ANN401  as in `BatchAlgo`
        """The rating of a pair of inner ids: what `_estimates` gives, without the arrays.

        Raises
        ------
        PredictionImpossible
            There are no biases, and the user or the item is unknown.
        """
        known_user, known_item = self.trainset.knows_user(u), self.trainset.knows_item(i)
        if not (self.biased or (known_user and known_item)):
            raise PredictionImpossible(_UNKNOWN)
        estimated = self.trainset.global_mean if self.biased else 0.0
        if self.biased and known_user:
            estimated += self.bu[u]
        if self.biased and known_item:
            estimated += self.bi[i]
        if known_user and known_item:
            estimated += np.dot(self.qi[i], self._factors_of(u))
        return estimated

    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        known_user, known_item = users >= 0, items >= 0
        known = known_user & known_item
        values = np.zeros(users.size)
        if self.biased:
            values += self.trainset.global_mean
            values[known_user] += self.bu[users[known_user]]
            values[known_item] += self.bi[items[known_item]]
        values[known] += self._products(users[known], items[known])
        if self.biased or known.all():
            return Estimates(values)
        return Estimates(values, (~known).astype(np.int8), (_UNKNOWN,))

    def _products(self, users: Codes, items: Codes) -> Float64:
        """Dot products of users and items; vecdot does to each pair of rows what np.dot does to one."""
        factors, rows = self._factors_of_all(users)
        products = np.empty(users.size)
        for start in range(0, users.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            with np.errstate(all="ignore"):  # np.dot says nothing of factors that ran away either
                np.vecdot(self.qi[items[chunk]], factors[rows[chunk]], out=products[chunk])
        return products

    def _factors_of(self, user: int) -> Float64:
        """What the factors of items are multiplied with, for one user."""
        factors: Float64 = self.pu[user]
        return factors

    def _factors_of_all(self, users: Codes) -> tuple[Float64, npt.NDArray[np.integer]]:
        """The same for many: factors, and which of their rows each of these users has."""
        return self.pu, users

    def _settings(self) -> dict[str, Any]:
        """Parameters of a native model, as far as they mean the same there.

        A penalty there is in units of the ratings' spread, and that of biases is not for each rating but for each row:
        for one of average length it comes to as much.
        """
        trainset = self.trainset
        settings = {
            "n_factors": self.n_factors,
            "n_epochs": max(self.n_epochs, 1),
            "reg": float(self.reg_pu / self._unit().spread),
            "random_state": self.random_state,
        }
        if self.biased:
            settings["reg_biases"] = float(self.reg_bu * trainset.n_ratings / trainset.n_users)
        return settings

    def _learned(self) -> dict[str, Any]:
        """What every native model of factors has learned."""
        users = np.arange(self.trainset.n_users, dtype=np.int32)
        factors, rows = self._factors_of_all(users)
        spread = self._unit().spread
        return {
            "global_mean_": float(self.trainset.global_mean) if self.biased else 0.0,
            "spread_": spread,
            "user_biases_": self.bu.astype(np.float32),
            "item_biases_": self.bi.astype(np.float32),
            "user_factors_": factors[rows].astype(np.float32),
            "item_factors_": self.qi.astype(np.float32),
            "reg_": float(self.reg_pu / spread),
        }

    def _unit(self) -> Unit:
        from foretaste.models._factors import Unit  # noqa: PLC0415  as above

        return Unit.of(self.trainset.rows()[0].values.astype(np.float32), centred=self.biased)


class SVD(_Factorization):
    r"""Factors and biases by stochastic gradients, the method that became known with the Netflix Prize.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + q_i \cdot p_u

    minimises :math:`\sum (r_{ui} - \hat r_{ui})^2 + \lambda (b_u^2 + b_i^2 + |p_u|^2 + |q_i|^2)` over the ratings by
    steps of

    .. math::

        b_u &\leftarrow b_u + \gamma (e_{ui} - \lambda b_u), \qquad b_i \leftarrow b_i + \gamma (e_{ui} - \lambda b_i)\\
        p_u &\leftarrow p_u + \gamma (e_{ui} q_i - \lambda p_u), \qquad
        q_i \leftarrow q_i + \gamma (e_{ui} p_u - \lambda q_i)

    at each rating, users in the order of their inner ids, with :math:`e_{ui} = r_{ui} - \hat r_{ui}`. Somebody unknown
    has zeros for biases and factors. Without biases an unknown user or item makes a prediction impossible.

    Parameters
    ----------
    n_factors, n_epochs : int
    biased : bool
        With a mean and biases; without, the plain product of factors (probabilistic matrix factorisation).
    init_mean, init_std_dev : float
        Of the normal distribution that factors start from.
    lr_all, reg_all : float
        The gamma and the lambda of everything that has none of its own.
    lr_bu, lr_bi, lr_pu, lr_qi, reg_bu, reg_bi, reg_pu, reg_qi : float, optional
        Those of user biases, item biases, user factors and item factors.
    random_state : int, numpy.random.RandomState or None
        None: the generator behind ``np.random.seed``.
    verbose : bool
        Print each epoch.

    Attributes
    ----------
    pu, qi : float64 arrays of shape (n_users, n_factors) and (n_items, n_factors)
    bu, bi : float64 arrays of shape (n_users,) and (n_items,)

    References
    ----------
    Koren, Bell, Volinsky 2009, "Matrix factorization techniques for recommender systems". Salakhutdinov, Mnih 2008,
    "Probabilistic matrix factorization".

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import SVD, Dataset, Reader
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> SVD(n_factors=2, random_state=0).fit(data.build_full_trainset()).pu.shape
    (4, 2)
    """

    def __init__(
        self,
        n_factors: int = 100,
        n_epochs: int = 20,
        biased: bool = True,
        init_mean: float = 0,
        init_std_dev: float = 0.1,
        lr_all: float = 0.005,
        reg_all: float = 0.02,
        lr_bu: float | None = None,
        lr_bi: float | None = None,
        lr_pu: float | None = None,
        lr_qi: float | None = None,
        reg_bu: float | None = None,
        reg_bi: float | None = None,
        reg_pu: float | None = None,
        reg_qi: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.biased = biased
        self.init_mean = init_mean
        self.init_std_dev = init_std_dev
        self.lr_bu, self.lr_bi, self.lr_pu, self.lr_qi = _each(lr_all, lr_bu, lr_bi, lr_pu, lr_qi)
        self.reg_bu, self.reg_bi, self.reg_pu, self.reg_qi = _each(reg_all, reg_bu, reg_bi, reg_pu, reg_qi)
        self.random_state = random_state
        self.verbose = verbose
        super().__init__()

    def sgd(self, trainset: Trainset) -> None:
        """The descent of `fit`."""
        rng = get_rng(self.random_state)
        n_users, n_items, k = trainset.n_users, trainset.n_items, self.n_factors
        p = rng.normal(self.init_mean, self.init_std_dev, (n_users, k))
        q = rng.normal(self.init_mean, self.init_std_dev, (n_items, k))
        b_u, b_i = np.zeros(n_users), np.zeros(n_items)
        rates = np.array([self.lr_bu, self.lr_bi, self.lr_pu, self.lr_qi], np.float64)
        penalties = np.array([self.reg_bu, self.reg_bi, self.reg_pu, self.reg_qi], np.float64)
        mean = float(trainset.global_mean) if self.biased else 0.0
        groups = independent_groups(*trainset.rows()[0], n_items)
        for epoch in range(self.n_epochs):
            if self.verbose:
                print(f"Processing epoch {epoch}")
            svd_epoch(*groups, mean, bool(self.biased), b_u, b_i, p, q, rates, penalties)
        self.bu, self.bi, self.pu, self.qi = b_u, b_i, p, q

    def _native(self) -> models.FunkSVD:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        return fitted(models.FunkSVD(biased=bool(self.biased), **self._settings()), self.trainset, **self._learned())


class SVDpp(_Factorization):
    r"""SVD++: `SVD`, and what somebody has rated says something about them too, whatever the rating.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + q_i \cdot \Big( p_u + |I_u|^{-1/2} \sum_{j \in I_u} y_j \Big)

    with :math:`I_u` the items that u has rated. The steps are those of `SVD` for biases and user factors; at each
    rating

    .. math::

        q_i \leftarrow q_i + \gamma \Big( e_{ui} \Big(p_u + |I_u|^{-1/2} \sum_{j \in I_u} y_j \Big) - \lambda q_i \Big),
        \qquad y_j \leftarrow y_j + \gamma \big( e_{ui} |I_u|^{-1/2} q_i - \lambda y_j \big)
        \text{ for all } j \in I_u

    The y of a user all move alike. On small sets each moves at each rating, as the formula says, and all numbers are
    Surprise's to the bit. On larger ones they move once a user, by what the single steps add up to, which is many times
    faster; numbers then agree to about 12 digits.

    Parameters
    ----------
    n_factors, n_epochs : int
    init_mean, init_std_dev : float
        Of the normal distribution that factors start from.
    lr_all, reg_all : float
        The gamma and the lambda of everything that has none of its own.
    lr_bu, lr_bi, lr_pu, lr_qi, lr_yj, reg_bu, reg_bi, reg_pu, reg_qi, reg_yj : float, optional
        Those of user biases, item biases, user factors, item factors and implicit factors.
    random_state : int, numpy.random.RandomState or None
        None: the generator behind ``np.random.seed``.
    verbose : bool
        Print each epoch.
    cache_ratings : bool
        Accepted and without effect: the ratings are in arrays in any case.

    Attributes
    ----------
    pu, qi, yj : float64 arrays of shape (n_users, n_factors), and (n_items, n_factors) for the latter two
    bu, bi : float64 arrays of shape (n_users,) and (n_items,)

    References
    ----------
    Koren 2008, "Factorization meets the neighborhood: a multifaceted collaborative filtering model", section 4.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import Dataset, Reader, SVDpp
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> SVDpp(n_factors=2, random_state=0).fit(data.build_full_trainset()).yj.shape
    (5, 2)
    """

    def __init__(
        self,
        n_factors: int = 20,
        n_epochs: int = 20,
        init_mean: float = 0,
        init_std_dev: float = 0.1,
        lr_all: float = 0.007,
        reg_all: float = 0.02,
        lr_bu: float | None = None,
        lr_bi: float | None = None,
        lr_pu: float | None = None,
        lr_qi: float | None = None,
        lr_yj: float | None = None,
        reg_bu: float | None = None,
        reg_bi: float | None = None,
        reg_pu: float | None = None,
        reg_qi: float | None = None,
        reg_yj: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        cache_ratings: bool = False,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.init_mean = init_mean
        self.init_std_dev = init_std_dev
        self.lr_bu, self.lr_bi, self.lr_pu, self.lr_qi, self.lr_yj = _each(lr_all, lr_bu, lr_bi, lr_pu, lr_qi, lr_yj)
        penalties = _each(reg_all, reg_bu, reg_bi, reg_pu, reg_qi, reg_yj)
        self.reg_bu, self.reg_bi, self.reg_pu, self.reg_qi, self.reg_yj = penalties
        self.random_state = random_state
        self.verbose = verbose
        self.cache_ratings = cache_ratings
        super().__init__()

    def sgd(self, trainset: Trainset) -> None:
        """The descent of `fit`."""
        rng = get_rng(self.random_state)
        n_users, n_items, k = trainset.n_users, trainset.n_items, self.n_factors
        p = rng.normal(self.init_mean, self.init_std_dev, (n_users, k))
        q = rng.normal(self.init_mean, self.init_std_dev, (n_items, k))
        y = rng.normal(self.init_mean, self.init_std_dev, (n_items, k))
        b_u, b_i = np.zeros(n_users), np.zeros(n_items)
        rates = np.array([self.lr_bu, self.lr_bi, self.lr_pu, self.lr_qi, self.lr_yj], np.float64)
        penalties = np.array([self.reg_bu, self.reg_bi, self.reg_pu, self.reg_qi, self.reg_yj], np.float64)
        mean, rows = float(trainset.global_mean), self._fitted_to[0]
        one_by_one = rows_with_repeats(rows.indptr, rows.indices, n_items)
        if self.n_epochs * k * float(np.square(np.diff(rows.indptr)).sum()) <= _ONE_BY_ONE:
            one_by_one[:] = True
        for epoch in range(self.n_epochs):
            if self.verbose:
                print(f" processing epoch {epoch}")
            svdpp_epoch(*rows, one_by_one, mean, b_u, b_i, p, q, y, rates, penalties)
        self.bu, self.bi, self.pu, self.qi, self.yj = b_u, b_i, p, q, y

    def _factors_of(self, user: int) -> Float64:
        rated, factors = self._rated(), np.empty(self.pu.shape[1])
        items = rated.indices[rated.indptr[user] : rated.indptr[user + 1]]
        user_with_implicit(items, self.pu[user], self.yj, factors)
        return factors

    def _factors_of_all(self, users: Codes) -> tuple[Float64, npt.NDArray[np.integer]]:
        distinct, rows = np.unique(users, return_inverse=True)
        factors = np.empty((distinct.size, self.pu.shape[1]))
        rated = self._rated()
        check_codes(distinct, min(rated.indptr.size - 1, len(self.pu)), "inner ids of users")
        users_with_implicit(rated.indptr, rated.indices, distinct, self.pu, self.yj, factors)
        return factors, rows

    def _rated(self) -> Rows:
        """What each user has rated, if `yj` has a row for all of it."""
        by_user, by_item = self._fitted_to
        check_shape(self, "yj", (by_item.indptr.size - 1, self.pu.shape[1]))
        return by_user

    def _native(self) -> models.SVDpp:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        implicit = self.yj.astype(np.float32)
        return fitted(models.SVDpp(**self._settings()), self.trainset, implicit_factors_=implicit, **self._learned())


class NMF(_Factorization):
    r"""Factors without negative numbers, by multiplicative updates.

    .. math:: \hat r_{ui} = q_i \cdot p_u

    with, once an epoch, n the number of ratings of a row,

    .. math::

        p_{uf} \leftarrow p_{uf} \frac{\sum_i q_{if} r_{ui}}{\sum_i q_{if} \hat r_{ui} + n_u \lambda_p p_{uf}}, \qquad
        q_{if} \leftarrow q_{if} \frac{\sum_u p_{uf} r_{ui}}{\sum_u p_{uf} \hat r_{ui} + n_i \lambda_q q_{if}}

    Factors that start positive stay so as long as ratings are. An unknown user or item makes a prediction impossible.
    With `biased` the prediction is that of `SVD`, biases take the steps they take there, and factors are still
    positive.

    Parameters
    ----------
    n_factors, n_epochs : int
    biased : bool
        With a mean and biases; closer to the training data, and soon too close.
    reg_pu, reg_qi : float
        The lambda of user factors and item factors.
    reg_bu, reg_bi, lr_bu, lr_bi : float
        Penalties and step sizes of user biases and item biases.
    init_low, init_high : float
        Of the uniform distribution that factors start from.
    random_state : int, numpy.random.RandomState or None
        None: the generator behind ``np.random.seed``.
    verbose : bool
        Print each epoch.

    Attributes
    ----------
    pu, qi : float64 arrays of shape (n_users, n_factors) and (n_items, n_factors)
    bu, bi : float64 arrays of shape (n_users,) and (n_items,)

    Raises
    ------
    ValueError
        `init_low` is negative.

    References
    ----------
    Luo, Zhou, Xia, Zhu 2014, "An efficient non-negative matrix-factorization-based approach to collaborative filtering
    for recommender systems". Lee, Seung 2001, "Algorithms for non-negative matrix factorization".

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import NMF, Dataset, Reader
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> bool((NMF(random_state=0).fit(data.build_full_trainset()).pu >= 0).all())
    True
    """

    def __init__(
        self,
        n_factors: int = 15,
        n_epochs: int = 50,
        biased: bool = False,
        reg_pu: float = 0.06,
        reg_qi: float = 0.06,
        reg_bu: float = 0.02,
        reg_bi: float = 0.02,
        lr_bu: float = 0.005,
        lr_bi: float = 0.005,
        init_low: float = 0,
        init_high: float = 1,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.biased = biased
        self.reg_pu = reg_pu
        self.reg_qi = reg_qi
        self.lr_bu = lr_bu
        self.lr_bi = lr_bi
        self.reg_bu = reg_bu
        self.reg_bi = reg_bi
        self.init_low = init_low
        self.init_high = init_high
        self.random_state = random_state
        self.verbose = verbose
        if init_low < 0:
            message = f"'init_low' of NMF must be at least 0, so that factors start positive; got {init_low}."
            raise ValueError(message)
        super().__init__()

    def sgd(self, trainset: Trainset) -> None:
        """The descent of `fit`.

        Raises
        ------
        ZeroDivisionError
            The sum below the line of a factor is 0, as it can be with zeros for ratings and no penalty.
        """
        rng = get_rng(self.random_state)
        n_users, n_items, k = trainset.n_users, trainset.n_items, self.n_factors
        p = rng.uniform(self.init_low, self.init_high, (n_users, k))
        q = rng.uniform(self.init_low, self.init_high, (n_items, k))
        b_u, b_i = np.zeros(n_users), np.zeros(n_items)
        rates = np.array([self.lr_bu, self.lr_bi], np.float64)
        penalties = np.array([self.reg_bu, self.reg_bi, self.reg_pu, self.reg_qi], np.float64)
        mean, biased = float(trainset.global_mean) if self.biased else 0.0, bool(self.biased)
        rows, by_item = trainset.rows()
        counts = np.diff(by_item.indptr)
        for epoch in range(self.n_epochs):
            if self.verbose:
                print(f"Processing epoch {epoch}")
            if not nmf_epoch(*rows, counts, mean, biased, b_u, b_i, p, q, rates, penalties):
                message = (
                    f"NMF has to divide by 0 in epoch {epoch}, by all that is predicted for a user or an item. "
                    f"Hint: raise 'reg_pu' and 'reg_qi', which are {self.reg_pu} and {self.reg_qi}."
                )
                raise ZeroDivisionError(message)
        self.bu, self.bi, self.pu, self.qi = b_u, b_i, p, q

    def _native(self) -> models.NMF:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        if self.biased or min(self.pu.min(initial=0), self.qi.min(initial=0)) < 0:
            what = "with biases" if self.biased else "with negative factors"
            message = (
                f"NMF {what} has no counterpart among foretaste's models, whose NMF is a sum of products that are at "
                f"least 0. Hint: fit it with biased=False to ratings of at least 0, or take SVD, which has biases."
            )
            raise UnsupportedError(message)
        return fitted(models.NMF(**self._settings()), self.trainset, **self._learned())


def _each(for_all: float, *own: float | None) -> list[float]:
    """For each its own value, where it has one."""
    return [for_all if value is None else value for value in own]
