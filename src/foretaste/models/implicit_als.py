"""`ImplicitALS`: factors of events, each user and item a ridge regression over all pairs, with an event or without."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.ridge import event_errors, improve_event_blocks, improve_event_rows, solve_event_rows
from foretaste.kernels.scoring import score_pairs
from foretaste.kernels.sorting import transpose_rows
from foretaste.models._base import Side
from foretaste.models._implicit import ImplicitModel
from foretaste.models._ranking import Products, Scorer
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf

# Rows a thread takes at a time; a matter of speed alone, since rows do not depend on each other.
_CHUNK = 256
# Steps of conjugate gradients in a half step, and at most in the last one, which goes to the end.
_STEPS, _LAST_STEPS = 3, 100
# Coordinates of a subspace.
_WIDTH = 32
# From as many factors on an exact solution costs more than training.
_MANY_FACTORS = 128

Solver = Literal["auto", "cg", "cholesky", "subspace"]


class ImplicitALS(ImplicitModel):
    r"""Alternating least squares on events: what somebody has scores 1, anything else 0, with less weight.

    .. math:: s_{ui} = p_u \cdot q_i

    minimises over all pairs, with and without events,

    .. math::

        \sum_{(u,i) \in S} w_{ui} (1 - s_{ui})^2 + \alpha \sum_{u,i} s_{ui}^2
        + \sum_u \lambda_u |p_u|^2 + \sum_i \lambda_i |q_i|^2, \qquad
        \lambda_u = \lambda \Big(\sum_i w_{ui} + \alpha n_\text{items}\Big)^\nu

    and likewise for items (Hu, Koren, Volinsky 2008, "Collaborative filtering for implicit feedback datasets"; the
    penalty: Rendle, Krichene, Zhang, Koren 2022, "Revisiting the performance of iALS on item recommendation
    benchmarks"). w is the weight of a pair's events in units of the mean weight of a pair, so that settings hold for
    clicks, plays and minutes alike; without weights and repetitions it is 1. All pairs are in the sum at the price of
    those with events, by way of the Gram matrix of the other side's factors.

    Parameters
    ----------
    n_factors : int
    n_epochs : int
        Ceiling for the number of epochs (a half step each way).
    reg : float
        The lambda.
    alpha : float
        The weight of a pair without an event. It decides as much as the penalty does: raise it where the catalogue is
        small or dense.
    reg_exponent : float
        The nu: 1 penalises by how many events a row has (and could have), 0 all rows alike. The smaller it is, the
        larger a number lambda is.
    solver : {"auto", "cg", "cholesky", "subspace"}
        Three steps of conjugate gradients from the last epoch's solution; the exact solution each time; or an exact
        solution for one block of factors after the other (Rendle, Krichene, Zhang, Koren 2021, "iALS++"). "auto" is
        "cg".
    tol : float
        Ends when the training loss falls by less than this share an epoch; 0 runs exactly `n_epochs`.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None

    Attributes
    ----------
    user_factors_, item_factors_ : float32 arrays of shape (n_users, n_factors) and (n_items, n_factors)
        The p and q. The p are the exact solution for the q, as `fold_in` would find it.
    gram_of_items_ : float32 array of shape (n_factors, n_factors)
        Q'Q, which stands for all items without an event: with it a new user costs what their own events do.
    mean_weight_ : float
        The unit of weights.
    history_ : frame
        A row an epoch; `train_loss` is the sum above, a unit of weight: 1 for a model that scores everything 0.

    Examples
    --------
    >>> import foretaste as ft
    >>> liked = ft.Interactions.from_frame(ft.datasets.albums()).at_least(4)
    >>> model = ft.ImplicitALS(n_factors=2, n_epochs=10, tol=0, random_state=0).fit(liked)
    >>> model.user_factors_.shape[1], model.history_.columns
    (2, ['epoch', 'train_loss', 'valid_loss', 'seconds'])
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "n_epochs": Int(1),
        "reg": Float(0, open_low=True),
        "alpha": Float(0, open_low=True),
        "reg_exponent": Float(0, 2),
        "solver": OneOf(("auto", "cg", "cholesky", "subspace")),
        "tol": Float(0),
        "n_jobs": N_JOBS,
    }

    user_factors_: Annotated[Float32, "users", "factors"]
    item_factors_: Annotated[Float32, "items", "factors"]
    gram_of_items_: Annotated[Float32, "factors", "factors"]
    mean_weight_: float

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 64,
        *,
        n_epochs: int = 100,
        reg: float = 0.4,
        alpha: float = 0.3,
        reg_exponent: float = 0.5,
        solver: Solver = "auto",
        tol: float = 1e-3,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.reg = reg
        self.alpha = alpha
        self.reg_exponent = reg_exponent
        self.solver = solver
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        by_user = self._events(interactions)
        mean_weight = float(by_user.values.mean(dtype=np.float64))
        by_user = by_user._replace(values=by_user.values / np.float32(mean_weight))
        by_item = SparseRows(*transpose_rows(*by_user, interactions.n_items))
        # Products of two such rows are small beside 1, whatever the number of factors.
        rng, length = generator(self.random_state), 0.1 / np.sqrt(self.n_factors)
        users, items = (
            rng.normal(0, length, (n, self.n_factors)).astype(np.float32)
            for n in (interactions.n_users, interactions.n_items)
        )
        user_penalty = self._penalty(by_user, interactions.n_items)
        item_penalty = self._penalty(by_item, interactions.n_users)
        total = float(by_user.values.sum(dtype=np.float64))
        solver: Solver = "cg" if self.solver == "auto" else self.solver
        with workers(self.n_jobs) as run:
            for _ in training:
                self._regress(run, solver, by_user, items, user_penalty, users)
                self._regress(run, solver, by_item, users, item_penalty, items)
                loss = self._loss(run, by_item, users, items, user_penalty, item_penalty)
                training.report(loss / total)
            last: Solver = "cholesky" if self.n_factors < _MANY_FACTORS else "cg"
            self._regress(run, last, by_user, items, user_penalty, users, _LAST_STEPS)
            gram = items.T @ items
        return {"user_factors_": users, "item_factors_": items, "gram_of_items_": gram, "mean_weight_": mean_weight}

    def _penalty(self, rows: SparseRows, n_others: int) -> Float32:
        """The lambda of each row."""
        n_rows = rows.indptr.size - 1
        sums = np.bincount(rows.row_codes(), rows.values, n_rows)
        penalty: Float32 = (self.reg * (sums + self.alpha * n_others) ** self.reg_exponent).astype(np.float32)
        return penalty

    def _regress(
        self,
        run: Run,
        solver: Solver,
        rows: SparseRows,
        others: Float32,
        penalty: Float32,
        out: Float32,
        steps: int = _STEPS,
    ) -> None:
        """A half step: every row of `out` becomes the regression of its events on the other side's factors."""
        gram = np.float32(self.alpha) * (others.T @ others)
        kernels: dict[Solver, tuple[Any, tuple[int, ...]]] = {
            "cg": (improve_event_rows, (steps,)),
            "cholesky": (solve_event_rows, ()),
            "subspace": (improve_event_blocks, (min(_WIDTH, self.n_factors),)),
        }
        solve, settings = kernels[solver]
        fixed: tuple[Any, ...] = (*rows, others, gram, penalty, *settings)
        run(solve, [(*fixed, *chunk, out) for chunk in _chunks(len(out))])

    def _loss(
        self,
        run: Run,
        by_item: SparseRows,
        users: Float32,
        items: Float32,
        user_penalty: Float32,
        item_penalty: Float32,
    ) -> float:
        """The sum that is minimised."""
        observed = run(event_errors, [(*by_item, users, items, *chunk) for chunk in _chunks(len(items))])
        grams = [(side.T @ side).astype(np.float64) for side in (users, items)]
        everything = self.alpha * float((grams[0] * grams[1]).sum())
        lengths = [
            float(penalty @ np.einsum("nf,nf->n", side, side, dtype=np.float64))
            for penalty, side in ((user_penalty.astype(np.float64), users), (item_penalty.astype(np.float64), items))
        ]
        return sum(observed) + everything + sum(lengths)

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        predicted = np.empty(user_codes.size)
        nothing = (np.zeros(len(self.user_factors_), np.float32), np.zeros(len(self.item_factors_), np.float32))
        typical = (self.user_factors_.mean(axis=0), self.item_factors_.mean(axis=0))
        score_pairs(user_codes, item_codes, 0.0, *nothing, self.user_factors_, self.item_factors_, *typical, predicted)
        return predicted

    def _scorer(self) -> Scorer:
        return Products(self.user_factors_, self.item_factors_, unknown=lambda: self.user_factors_.mean(axis=0))

    def _vectors(self, side: Side) -> Float32:
        factors: Float32 = getattr(self, f"{side}_factors_")
        return factors

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        own = slice(*self.known_.indptr[user_code : user_code + 2])
        items, weights = self.known_.indices[own], self.known_.values[own] / np.float32(self.mean_weight_)
        rows, item = self.item_factors_[items].astype(np.float64), self.item_factors_[item_code].astype(np.float64)
        one = SparseRows(np.array([0, items.size], np.int64), items, weights)
        matrix = rows.T @ (weights[:, None] * rows) + self.alpha * self.gram_of_items_.astype(np.float64)
        matrix += float(self._penalty(one, len(self.item_factors_))[0]) * np.eye(item.size)
        # p = A^-1 Q'w is the user; its product with the item is a sum over the user's events
        shares = weights * (rows @ np.linalg.solve(matrix, item))
        rest = float(self._predict(np.array([user_code], np.int32), np.array([item_code], np.int32))[0]) - shares.sum()
        names = [f"has {self.item_vocabulary_.decode_one(int(i))}" for i in items]
        return [*zip(names, map(float, shares), strict=True), ("rounding", float(rest))]

    def _fold_in(self, rows: SparseRows) -> Learned:
        rows = rows._replace(values=rows.values / np.float32(self.mean_weight_))
        n_users, n_factors = rows.indptr.size - 1, self.item_factors_.shape[1]
        users = np.zeros((n_users, n_factors), np.float32)
        gram = np.float32(self.alpha) * self.gram_of_items_
        penalty = self._penalty(rows, len(self.item_factors_))
        solve_event_rows(*rows, self.item_factors_, gram, penalty, 0, n_users, users)
        return {"user_factors_": users}


def _chunks(n: int) -> list[tuple[int, int]]:
    return [(first, min(first + _CHUNK, n)) for first in range(0, n, _CHUNK)]
