"""`NMF`: factors without negative numbers, so that they only ever add up."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from foretaste._typing import Float32, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import DataError
from foretaste.kernels.ridge import solve_rows_nonnegative
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit, penalty_for
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OrNone

# Rows a thread takes at a time; a matter of speed alone, since rows do not depend on each other.
_CHUNK = 256
# Rounds of coordinate descent a half step: more would polish what the next half step changes anyway.
_SWEEPS = 4
# Rounds for somebody new, who is met only once; they end by themselves long before.
_SWEEPS_TO_THE_END = 1000


class NMF(FactorModel):
    r"""Non-negative matrix factorisation of the known ratings.

    .. math:: \hat r_{ui} = p_u \cdot q_i, \qquad p_u \ge 0, \; q_i \ge 0

    minimises, with the ratings in units of their standard deviation,

    .. math:: \sum_{(u,i)} (r_{ui} - p_u \cdot q_i)^2 + \lambda \Big( \sum_u n_u |p_u|^2 + \sum_i n_i |q_i|^2 \Big)

    where n counts the ratings of a row. Nothing is ever taken away: a rating is a sum of parts, each a taste of the
    user times how much of it the item has. So a factor can be read: its highest items are what it is about. Gaps stay
    gaps.

    The two sides are solved for in turn, each row by coordinate descent on its own small regression under the
    constraint. It needs no step size, leaves zeros as easily as it finds them, and on MovieLens gets further in
    ten epochs than multiplicative updates (Lee, Seung 2001) in two hundred.

    Parameters
    ----------
    n_factors : int
    n_epochs : int
        Ceiling for the number of epochs (a half step each way).
    reg : float or None
        The lambda; without a unit, so that it holds on any rating scale. None: 0.55 / sqrt(ratings a row), at most
        0.1; the value used is in `reg_`.
    tol : float
        Ends when the training RMSE falls by less than this share an epoch; 0 runs exactly `n_epochs`.
    early_stopping : bool
        Hold out `validation_fraction` of the ratings, end when their error no longer falls, then learn from all
        ratings for the best number of epochs.
    validation_fraction : float
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None

    Attributes
    ----------
    user_factors_, item_factors_ : float32 arrays
        At least 0, on the scale of the ratings; see `FactorModel`. There is no mean and there are no biases.
    reg_ : float
        The penalty used.
    history_ : frame
        A row an epoch.

    References
    ----------
    Zhang, Wang, Ford, Makedon 2006, "Learning from incomplete ratings using non-negative matrix factorization". Luo,
    Zhou, Xia, Zhu 2014, "An efficient non-negative matrix-factorization-based approach to collaborative filtering for
    recommender systems" (the penalty for each rating). Hsieh, Dhillon 2011, "Fast coordinate descent methods with
    variable selection for non-negative matrix factorization".

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.NMF(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> bool((model.user_factors_ >= 0).all() and (model.item_factors_ >= 0).all())
    True
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "n_epochs": Int(1),
        "reg": OrNone(Float(0)),
        "tol": Float(0),
        "early_stopping": BOOL,
        "validation_fraction": Float(0, 0.9, open_low=True),
        "n_jobs": N_JOBS,
    }
    biased: ClassVar[bool] = False

    reg_: float

    def __init__(
        self,
        n_factors: int = 16,
        *,
        n_epochs: int = 200,
        reg: float | None = None,
        tol: float = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.05,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.reg = reg
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        lowest = float(interactions.require_ratings("NMF").min())
        if lowest < 0:
            message = (
                f"NMF needs ratings of at least 0, as sums of products of non-negative numbers are; the lowest is "
                f"{lowest:g}. Hint: subtract the low end of the scale from all ratings, or use FunkSVD or ALS."
            )
            raise DataError(message)
        unit = Unit.of(interactions.values, centred=False)
        by_user, by_item = unit.rows(interactions)
        # Users and items start where their products are about the mean rating.
        typical = float(np.sqrt(by_user.values.mean(dtype=np.float64) / self.n_factors))
        rng = generator(self.random_state)
        q = rng.uniform(0, 2 * typical, (interactions.n_items, self.n_factors)).astype(np.float32)
        p = np.full((interactions.n_users, self.n_factors), typical, np.float32)
        factors, reg = Factors.zeros(interactions, self.n_factors), penalty_for(self.reg, interactions)
        with workers(self.n_jobs) as run:
            for _ in training:
                self._regress(run, by_user, q, reg, p)
                self._regress(run, by_item, p, reg, q)
                factors = factors._replace(user_factors=p, item_factors=q)
                training.report(factors.rmse(unit, interactions), lambda u, i: factors.predict(unit, u, i))  # noqa: B023
        return factors.learned(unit) | {"reg_": reg}

    def _regress(self, run: Run, rows: SparseRows, others: Float32, reg: float, out: Float32) -> None:
        """A half step: every row of `out` moves to the non-negative regression of its ratings on the other side."""
        penalty, penalty_per_rating = np.full((2, self.n_factors), [[1e-6], [reg]], np.float32)
        fixed = (*rows, others, np.zeros(len(others), np.float32), penalty, penalty_per_rating, _SWEEPS)
        chunks = range(0, len(out), _CHUNK)
        run(solve_rows_nonnegative, [(*fixed, first, min(first + _CHUNK, len(out)), out) for first in chunks])
        # who has no ratings here, because they are held out, is taken for somebody unknown
        silent = np.diff(rows.indptr) == 0
        if silent.any():
            out[silent] = out[~silent].mean(axis=0)

    def _penalty(self) -> Penalty:
        return Penalty(self.reg_ * self.spread_, None, scaled=True)

    def _fold_in(self, rows: SparseRows) -> Learned:
        n_users = rows.indptr.size - 1
        factors = np.zeros((n_users, self.item_factors_.shape[1]), np.float32)
        offsets, penalties = np.zeros(len(self.item_factors_), np.float32), self._user_regression(rows.indices)[1:]
        solve_rows_nonnegative(*rows, self.item_factors_, offsets, *penalties, _SWEEPS_TO_THE_END, 0, n_users, factors)
        return {"user_factors_": factors, "user_biases_": np.zeros(n_users, np.float32)}

    def _free(self, user_code: int) -> npt.NDArray[np.bool_]:
        # Where the constraint does not hold a factor at 0, the regression is linear in the ratings as any other.
        free: npt.NDArray[np.bool_] = self.user_factors_[user_code] > 0
        return free
