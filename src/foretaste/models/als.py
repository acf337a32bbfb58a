"""`ALS`: neither factors known, so solve for one side and the other in turn."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from foretaste._typing import Float32, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.ridge import improve_rows, solve_rows
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit, penalty_for
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OneOf, OrNone

# Rows a thread takes at a time; a matter of speed alone, since rows do not depend on each other.
_CHUNK = 256


class ALS(FactorModel):
    r"""Alternating least squares: random item factors, a regression a user, a regression an item, and so on.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i

    minimises, with the ratings in units of their standard deviation,

    .. math::

        \sum_{(u,i)} (r_{ui} - \hat r_{ui})^2
        + \lambda \Big( \sum_u n_u^s |p_u|^2 + \sum_i n_i^s |q_i|^2 \Big)
        + \lambda_b \Big( \sum_u b_u^2 + \sum_i b_i^2 \Big)

    where n counts the ratings of a row and s is 1 with `scale_reg`, else 0. Each half step is the solution of as many
    small ridge regressions as there are rows; it has no step size to tune.

    Parameters
    ----------
    n_factors : int
    n_epochs : int
        Ceiling for the number of epochs (a half step each way).
    reg : float or None
        The lambda; without a unit, so that it holds on any rating scale. None: 0.55 / sqrt(ratings a row), at most
        0.1; the value used is in `reg_`.
    reg_biases : float
        The lambda_b, in ratings: a user or item with as many keeps half of what it deviates by.
    biased : bool
        With mean and biases; without them the plain product of the lecture, :math:`p_u \cdot q_i`.
    scale_reg : bool
        Penalise each row by its number of ratings (Zhou, Wilkinson, Schreiber, Pan 2008, "Large-scale parallel
        collaborative filtering for the Netflix Prize").
    solver : {"cg", "cholesky"}
        Three steps of conjugate gradients from the last epoch's solution, or the exact solution each time.
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
    global_mean_, user_biases_, item_biases_, user_factors_, item_factors_
        On the scale of the ratings; see `FactorModel`.
    reg_ : float
        The penalty used.
    history_ : frame
        A row an epoch.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> model.user_factors_.shape, model.item_factors_.shape
    ((4, 2), (5, 2))
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "n_epochs": Int(1),
        "reg": OrNone(Float(0)),
        "reg_biases": Float(0),
        "biased": BOOL,
        "scale_reg": BOOL,
        "solver": OneOf(("cg", "cholesky")),
        "tol": Float(0),
        "early_stopping": BOOL,
        "validation_fraction": Float(0, 0.9, open_low=True),
        "n_jobs": N_JOBS,
    }

    reg_: float

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 40,
        *,
        n_epochs: int = 100,
        reg: float | None = None,
        reg_biases: float = 1.5,
        biased: bool = True,
        scale_reg: bool = True,
        solver: Literal["cg", "cholesky"] = "cg",
        tol: float = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.05,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.reg = reg
        self.reg_biases = reg_biases
        self.biased = biased
        self.scale_reg = scale_reg
        self.solver = solver
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        unit = Unit.of(interactions.require_ratings("ALS"), centred=self.biased)
        by_user, by_item = unit.rows(interactions)
        # A bias is one more column: the other side has a one there while it serves as the features.
        width = self.n_factors + self.biased
        items = np.zeros((interactions.n_items, width), np.float32)
        drawn = generator(self.random_state).normal(0, 0.5, (interactions.n_items, self.n_factors))
        items[:, : self.n_factors] = drawn / np.sqrt(self.n_factors)
        users = np.zeros((interactions.n_users, width), np.float32)
        factors, reg = Factors.zeros(interactions, 0), penalty_for(self.reg, interactions)
        penalty = np.full(width, 1e-6 if self.scale_reg else max(reg, 1e-6), np.float32)
        penalty_per_rating = np.full(width, reg if self.scale_reg else 0.0, np.float32)
        if self.biased:
            penalty[-1], penalty_per_rating[-1] = max(self.reg_biases, 1e-6), 0
        penalties = (penalty, penalty_per_rating)
        with workers(self.n_jobs) as run:
            for _ in training:
                self._regress(run, by_user, items, penalties, users)
                self._regress(run, by_item, users, penalties, items)
                factors = self._split(users, items)
                training.report(factors.rmse(unit, interactions), lambda u, i: factors.predict(unit, u, i))  # noqa: B023
        return factors.learned(unit) | {"reg_": reg}

    def _regress(
        self, run: Run, rows: SparseRows, others: Float32, penalties: tuple[Float32, Float32], out: Float32
    ) -> None:
        """A half step: every row of `out` becomes the regression of its ratings on the other side's factors."""
        features, offsets = others, np.zeros(len(others), np.float32)
        if self.biased:
            features, offsets = others.copy(), others[:, -1].copy()
            features[:, -1] = 1
        solve = improve_rows if self.solver == "cg" else solve_rows
        chunks = range(0, len(out), _CHUNK)
        fixed: tuple[Any, ...] = (*rows, features, offsets, *penalties)
        run(solve, [(*fixed, first, min(first + _CHUNK, len(out)), out) for first in chunks])

    def _split(self, users: Float32, items: Float32) -> Factors:
        """Factors and biases apart, each contiguous as kernels like them."""
        b_u, b_i = (side[:, -1].copy() if self.biased else np.zeros(len(side), np.float32) for side in (users, items))
        p, q = (np.ascontiguousarray(side[:, : self.n_factors]) for side in (users, items))
        return Factors(b_u, b_i, p, q)

    def _penalty(self) -> Penalty:
        return Penalty(self.reg_ * self.spread_, self.reg_biases if self.biased else None, self.scale_reg)
