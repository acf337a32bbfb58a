"""`FunkSVD`: gradient descent over all factors, a rating at a time or all at once."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from foretaste._typing import Float32, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.sgd import gradient_rows, sgd_tile, stratify
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit, penalty_for, random_rows
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OneOf, OrNone


class FunkSVD(FactorModel):
    r"""Matrix factorisation by gradient descent, as Simon Funk did it for the Netflix Prize.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i

    minimises, with the ratings in units of their standard deviation,

    .. math::

        \sum_{(u,i)} (r_{ui} - \hat r_{ui})^2 + \lambda (|p_u|^2 + |q_i|^2)
        + \lambda_b \Big( \sum_u b_u^2 + \sum_i b_i^2 \Big)

    With ``solver="sgd"`` it goes through the ratings one by one, each row with a step size of its own that shrinks as
    the row learns (see `foretaste.kernels.sgd.sgd_tile`). With ``solver="gd"`` it moves all factors at once along the
    whole gradient, the step halved whenever the loss would rise: slower, and simpler to follow.

    It is not a singular value decomposition, in spite of its name: gaps stay gaps, and the factors are not orthogonal.

    Parameters
    ----------
    n_factors : int
    n_epochs : int
        Ceiling for the number of passes over the ratings.
    learning_rate : float or None
        The first step size, without a unit. None: 0.05 for "sgd", 0.5 for "gd".
    reg : float or None
        The lambda; without a unit, so that it holds on any rating scale. None: 0.55 / sqrt(ratings a row), at most
        0.1; the value used is in `reg_`.
    reg_biases : float
        The lambda_b, in ratings: a user or item with as many keeps half of what it deviates by.
    biased : bool
        With mean and biases, on top of the baseline; without them the plain product of factors.
    solver : {"sgd", "gd"}
    tol : float or None
        Ends when the training RMSE falls by less than this share an epoch; 0 runs exactly `n_epochs`. None: 0.002 for
        "sgd", 0.0002 for "gd".
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

    References
    ----------
    Funk 2006, "Netflix update: try this at home". Koren, Bell, Volinsky 2009, "Matrix factorization techniques for
    recommender systems". Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale matrix factorization with distributed
    stochastic gradient descent" (the strata that let threads share the work).

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())
    >>> model.recommend("diego", n=1)["item"].to_list()
    ['zhou-shen']
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "n_epochs": Int(1),
        "learning_rate": OrNone(Float(0, open_low=True)),
        "reg": OrNone(Float(0)),
        "reg_biases": Float(0),
        "biased": BOOL,
        "solver": OneOf(("sgd", "gd")),
        "tol": OrNone(Float(0)),
        "early_stopping": BOOL,
        "validation_fraction": Float(0, 0.9, open_low=True),
        "n_jobs": N_JOBS,
    }

    reg_: float

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 64,
        *,
        n_epochs: int = 500,
        learning_rate: float | None = None,
        reg: float | None = None,
        reg_biases: float = 1.5,
        biased: bool = True,
        solver: Literal["sgd", "gd"] = "sgd",
        tol: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.05,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.reg = reg
        self.reg_biases = reg_biases
        self.biased = biased
        self.solver = solver
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        unit = Unit.of(interactions.require_ratings("FunkSVD"), centred=self.biased)
        descend = self.descend_by_rating if self.solver == "sgd" else self._descend_at_once
        reg = penalty_for(self.reg, interactions)
        return descend(interactions, unit, reg, training).learned(unit) | {"reg_": reg}

    def descend_by_rating(
        self, interactions: Interactions, unit: Unit, reg: float, training: Training, start: Factors | None = None
    ) -> Factors:
        """Stochastic descent, from random factors or from those given (biases start at 0); changes nothing on self."""
        rng = generator(self.random_state)
        n_users, n_items = interactions.n_users, interactions.n_items
        with workers(self.n_jobs) as run:
            columns = (interactions.user_codes, interactions.item_codes, interactions.values)
            strata = stratify(*columns, n_users, n_items, rng, run)
        unit.measure(strata.values, out=strata.values)
        p, q = (self._start(n, rng) for n in (n_users, n_items))
        if start is not None:
            p[strata.user_labels, : self.n_factors] = start.user_factors
            q[strata.item_labels, : self.n_factors] = start.item_factors
        q = np.concatenate([q, np.zeros_like(q[:1])])  # the row that stands in for a missing rating
        b_u, b_i = np.zeros(len(p), np.float32), np.zeros(len(q), np.float32)
        squares_u, squares_i = np.ones(len(p), np.float32), np.ones(len(q), np.float32)
        # The penalty of a bias is paid in equal parts at each rating.
        shrinkage_u = np.float32(self.reg_biases) / np.maximum(strata.user_counts, 1)
        shrinkage_i = np.float32(self.reg_biases) / np.maximum(np.append(strata.item_counts, 1), 1)
        shrinkage = (shrinkage_u.astype(np.float32), shrinkage_i.astype(np.float32))
        settings = (self.learning_rate or 0.05, reg, *shrinkage, float(self.biased), self.n_factors)

        def tile(row: int, part: int) -> tuple[object, ...]:
            place = (strata.first_row(row, part), strata.item_cuts[part], *strata.user_cuts[row : row + 2])
            return strata.starts, strata.items, strata.values, *place, p, q, b_u, b_i, squares_u, squares_i, *settings

        def ordered() -> Factors:
            user_rows, item_rows = strata.user_labels, strata.item_labels
            k = self.n_factors
            return Factors(b_u[user_rows], b_i[item_rows], p[user_rows, :k], q[item_rows, :k])

        n_parts = strata.n_parts
        with workers(self.n_jobs) as run:
            for _ in training:
                loss = 0.0
                for shift in rng.permutation(n_parts):  # the tiles of one shift share no user and no item
                    loss += sum(run(sgd_tile, [tile(row, (row + shift) % n_parts) for row in range(n_parts)]))
                rmse = unit.spread * np.sqrt(loss / len(interactions))
                training.report(rmse, lambda u, i: ordered().predict(unit, u, i))
        return ordered()

    def _descend_at_once(self, interactions: Interactions, unit: Unit, reg: float, training: Training) -> Factors:
        rng = generator(self.random_state)
        k, rate = self.n_factors, self.learning_rate or 0.5
        by_user, by_item = unit.rows(interactions)
        p, q = (self._start(n, rng)[:, :k].copy() for n in (interactions.n_users, interactions.n_items))
        now = Factors.zeros(interactions, k)._replace(user_factors=p, item_factors=q)
        gradient, loss = self._gradient(by_user, by_item, now, reg)
        for _ in training:
            while True:
                with np.errstate(over="ignore", invalid="ignore"):  # a step far too long is undone below
                    step = now.moved(gradient, rate)
                    new_gradient, new_loss = self._gradient(by_user, by_item, step, reg)
                if new_loss <= loss or rate < 1e-8:  # noqa: PLR2004  no step is small enough: this is the bottom
                    break
                rate /= 2
            now, gradient, loss = step, new_gradient, new_loss
            rate *= 1.1
            training.report(now.rmse(unit, interactions), lambda u, i: now.predict(unit, u, i))  # noqa: B023
        return now

    def _gradient(self, by_user: SparseRows, by_item: SparseRows, now: Factors, reg: float) -> tuple[Factors, float]:
        """The way down from here, each row's divided by its number of ratings, and the loss."""
        sides = (
            (by_user, now.user_factors, now.item_factors, now.user_biases, now.item_biases),
            (by_item, now.item_factors, now.user_factors, now.item_biases, now.user_biases),
        )
        down, loss = [], 0.0
        for rows, own, other, own_biases, other_biases in sides:
            factors, biases = np.empty_like(own), np.empty_like(own_biases)
            squares = gradient_rows(*rows, own, other, own_biases, other_biases, factors, biases)
            counts = np.diff(rows.indptr).astype(np.float32)
            shrink = np.float32(reg) * counts
            penalties = float(shrink @ (own**2).sum(axis=1)) + self.reg_biases * float((own_biases**2).sum())
            loss += squares / 2 + penalties  # the squares come once from each side
            share = 1 / np.maximum(counts, 1)
            # A bias of few ratings is pulled back harder than one of many: its step is shortened by that.
            bias_way = (biases - self.reg_biases * own_biases) / (counts + self.reg_biases) * self.biased
            way = (factors - shrink[:, None] * own) * share[:, None]
            down.append((bias_way.astype(np.float32), way.astype(np.float32)))
        (b_u, p), (b_i, q) = down
        return Factors(b_u, b_i, p, q), loss

    def _start(self, n_rows: int, rng: np.random.Generator) -> Float32:
        """Random factors in rows of whole cache lines.

        Stochastic steps on top of a baseline do best from a small start, which learns the strongest tastes first;
        without a baseline, or with whole gradients, so small a start would take long to leave.
        """
        length = 0.2 if self.biased and self.solver == "sgd" else 0.5
        return random_rows(n_rows, self.n_factors, length, rng)

    def _tolerance(self) -> float:
        if self.tol is not None:
            return self.tol
        return 2e-3 if self.solver == "sgd" else 2e-4

    def _penalty(self) -> Penalty:
        return Penalty(self.reg_ * self.spread_, self.reg_biases if self.biased else None, scaled=True)
