"""`SVDpp`: factors of a user by how they rate, and by what they rate."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from foretaste._typing import Float32, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.svdpp import implicit_rows, svdpp_pass
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit, penalty_for, random_rows
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.validation import BOOL, Float, Int, OrNone

# First step and penalty of implicit factors, as shares of those of the other factors. Both are small because a rating
# moves, and charges, the implicit factors of everything its user has rated.
_IMPLICIT_RATE = 0.1
_IMPLICIT_REG = 0.03


class SVDpp(FactorModel):
    r"""SVD++: what somebody chose to rate says something about them too, whatever they thought of it.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + q_i \cdot \Big( p_u + |N(u)|^{-1/2} \sum_{j \in N(u)} y_j \Big)

    with N(u) the items u has rated; minimises, with the ratings in units of their standard deviation,

    .. math::

        \sum_{(u,i)} \Big( (r_{ui} - \hat r_{ui})^2
        + \lambda \big( |p_u|^2 + |q_i|^2 + 0.03 \sum_{j \in N(u)} |y_j|^2 \big) \Big)
        + \lambda_b \Big( \sum_u b_u^2 + \sum_i b_i^2 \Big)

    by stochastic gradients, a user's ratings after another's, each row with a step size of its own that shrinks as the
    row learns (see `foretaste.kernels.svdpp.svdpp_pass`). A rating moves the y of all items its user has rated; they
    all move along one direction, so that their sum is all that a rating has to touch, however many there are.

    Every user moves implicit factors that the next one starts from. So there is one order, and no `n_jobs`.

    Parameters
    ----------
    n_factors : int
    n_epochs : int
        Ceiling for the number of passes over the ratings.
    learning_rate : float
        The first step size, without a unit; that of the implicit factors is a tenth of it.
    reg : float or None
        The lambda; without a unit, so that it holds on any rating scale. None: 0.55 / sqrt(ratings a row), at most
        0.1; the value used is in `reg_`.
    reg_biases : float
        The lambda_b, in ratings: a user or item with as many keeps half of what it deviates by.
    tol : float
        Ends when the training RMSE falls by less than this share an epoch; 0 runs exactly `n_epochs`.
    early_stopping : bool
        Hold out `validation_fraction` of the ratings, end when their error no longer falls, then learn from all
        ratings for the best number of epochs.
    validation_fraction : float
    random_state : int, generator or None

    Attributes
    ----------
    global_mean_, user_biases_, item_biases_, item_factors_
        On the scale of the ratings; see `FactorModel`.
    user_factors_ : float32 array of shape (n_users, n_factors)
        All that stands in the brackets above: what a user's ratings and their choice of items say together.
    implicit_factors_ : float32 array of shape (n_items, n_factors)
        The y.
    reg_ : float
        The penalty used.
    history_ : frame
        A row an epoch.

    References
    ----------
    Koren 2008, "Factorization meets the neighborhood: a multifaceted collaborative filtering model", section 4.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.SVDpp(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> model.user_factors_.shape, model.implicit_factors_.shape
    ((4, 2), (5, 2))
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "n_epochs": Int(1),
        "learning_rate": Float(0, open_low=True),
        "reg": OrNone(Float(0)),
        "reg_biases": Float(0),
        "tol": Float(0),
        "early_stopping": BOOL,
        "validation_fraction": Float(0, 0.9, open_low=True),
    }

    _unique_pairs = True

    implicit_factors_: Annotated[Float32, "items", "factors"]
    reg_: float

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 64,
        *,
        n_epochs: int = 1000,
        learning_rate: float = 0.03,
        reg: float | None = None,
        reg_biases: float = 1.5,
        tol: float = 0.002,
        early_stopping: bool = False,
        validation_fraction: float = 0.05,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.reg = reg
        self.reg_biases = reg_biases
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        unit = Unit.of(interactions.require_ratings("SVDpp"), centred=True)
        reg, rng, rows = penalty_for(self.reg, interactions), generator(self.random_state), interactions.by_user()
        n_users, n_items, k = interactions.n_users, interactions.n_items, self.n_factors
        # A small start, which learns the strongest tastes first; and a last row that stands in for a missing rating.
        p, q = random_rows(n_users, k, 0.2, rng), random_rows(n_items + 1, k, 0.2, rng)
        q[-1] = 0
        y = np.zeros((n_items, q.shape[1]), np.float32)
        b_u, b_i = np.zeros(n_users, np.float32), np.zeros(n_items + 1, np.float32)
        squares = (np.ones(n_users, np.float32), np.ones(n_items + 1, np.float32), np.ones(n_items, np.float32))
        # The penalty of a bias is paid in equal parts at each rating.
        counts = np.bincount(rows.indices, minlength=n_items + 1)
        shrinkage = (self.reg_biases / np.maximum(counts, 1)).astype(np.float32)
        settings = (self.learning_rate, _IMPLICIT_RATE * self.learning_rate, reg, _IMPLICIT_REG * reg, self.reg_biases)
        learned = (p, q, y, b_u, b_i, *squares)

        def factors() -> Factors:
            users = np.empty_like(p)
            implicit_rows(rows.indptr, rows.indices, y, users)
            users += p
            return Factors(b_u, b_i[:-1], users[:, :k], q[:-1, :k])

        for _ in training:
            order = rng.permutation(n_users).astype(np.int32)
            loss = svdpp_pass(*rows, *unit, order, *learned, *settings, shrinkage, k)
            rmse = unit.spread * np.sqrt(loss / len(interactions))
            training.report(rmse, lambda u, i: factors().predict(unit, u, i))
        implicit = np.ascontiguousarray(np.float32(np.sqrt(unit.spread)) * y[:, :k])
        return factors().learned(unit) | {"implicit_factors_": implicit, "reg_": reg}

    def _penalty(self) -> Penalty:
        return Penalty(self.reg_ * self.spread_, self.reg_biases, scaled=True)

    def _head_start(self, rows: SparseRows) -> Float32:
        start = np.empty((rows.indptr.size - 1, self.implicit_factors_.shape[1]), np.float32)
        implicit_rows(rows.indptr, rows.indices, self.implicit_factors_, start)
        return start

    def _shares(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        start, *shares, (left_over, rest) = super()._shares(user_code, item_code)
        rated = self.known_.indices[slice(*self.known_.indptr[user_code : user_code + 2])]
        # each item's part in the sum of implicit factors belongs to it as its rating's part in the regression does
        by_choice = self.implicit_factors_[rated].astype(np.float64) @ self.item_factors_[item_code]
        by_choice /= np.sqrt(max(rated.size, 1))
        both = [(name, value + part) for (name, value), part in zip(shares, by_choice.tolist(), strict=True)]
        return [start, *both, (left_over, rest - float(by_choice.sum()))]
