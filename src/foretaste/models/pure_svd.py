"""`PureSVD`: fill the gaps, take the singular value decomposition, keep the largest part."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np

from foretaste._typing import Float32, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.biases import bias_rows
from foretaste.models._decomposition import largest_parts, sparse_product
from foretaste.models._factors import FactorModel, Factors, Penalty, Unit, penalty_for
from foretaste.models._training import Training
from foretaste.models.baseline import Baseline
from foretaste.models.funk_svd import FunkSVD
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OneOf, OrNone

Fill = Literal["baseline", "item_mean", "user_mean", "zero"]

# How many ratings' worth of doubt there is about what a user's ratings add to the fill of the items.
_DOUBT: dict[Fill, float] = {"baseline": 5.0, "item_mean": np.inf, "user_mean": 0.0, "zero": np.inf}
# Singular values below this share of the largest are rounding errors in single precision.
_NOTHING = 1e-6


class Filled(NamedTuple):
    """A rating matrix without gaps: a user's part plus an item's part everywhere, and more where a rating is known."""

    by_user: SparseRows  # rating minus fill
    by_item: SparseRows
    user_fill: Float32
    item_fill: Float32

    def times(self, run: Run, right: Float32) -> Float32:
        """The product with a block of vectors over the items."""
        return _product(run, self.by_user, self.user_fill, self.item_fill, right)

    def transposed_times(self, run: Run, right: Float32) -> Float32:
        """The product of the transpose with a block of vectors over the users."""
        return _product(run, self.by_item, self.item_fill, self.user_fill, right)

    def variance(self, run: Run) -> float:
        """Sum over the columns (items) of their variances."""
        n_users, n_items = self.user_fill.size, self.item_fill.size
        a, c = self.user_fill.astype(np.float64), self.item_fill.astype(np.float64)
        filled = np.repeat(a, np.diff(self.by_user.indptr)) + c[self.by_user.indices]
        known = filled + self.by_user.values
        squares = n_items * (a @ a) + 2 * a.sum() * c.sum() + n_users * (c @ c) + known @ known - filled @ filled
        sums = self.transposed_times(run, np.ones((n_users, 1), np.float32)).astype(np.float64)
        variance = squares / n_users - float((sums**2).sum()) / n_users**2
        return float(variance) if variance > _NOTHING * squares / n_users else 0.0


class PureSVD(FactorModel):
    r"""The singular value decomposition of the rating matrix, its gaps filled: the best approximation of its rank.

    .. math:: F = U S V^T, \qquad \hat r_{ui} = \sum_{f=1}^{k} U_{uf} S_f V_{if}

    F holds the ratings where they are known, and elsewhere what `fill` says. Among all matrices of rank k, the product
    of the k largest parts has the smallest sum of squared errors over *all* entries of F, the filled ones among them.
    With :math:`p_u = U_u \sqrt S` and :math:`q_i = V_i \sqrt S` the prediction is :math:`p_u \cdot q_i`.

    F is never formed: it is a sparse matrix plus one of rank two, and the decomposition asks for nothing but its
    products with a few vectors (randomised subspace iteration).

    Filled entries outnumber the ratings by far, so that the factors tell of the fill as much as of tastes. With
    `refine_epochs` they are a start: stochastic gradient descent goes on from there over the known ratings alone, as in
    `FunkSVD` without biases.

    Parameters
    ----------
    n_factors : int
        The k; the model has fewer where there are fewer users or items.
    fill : {"baseline", "item_mean", "user_mean", "zero"}
        What stands in a gap: the prediction of `Baseline`, the mean of the item, that of the user, or 0.
    n_iter : int
        Passes of subspace iteration: each is a product with F and one with its transpose.
    n_oversamples : int
        Vectors beyond `n_factors` that take part in the iteration.
    refine_epochs : int
        Passes of gradient descent over the known ratings; 0 leaves the decomposition as it is.
    learning_rate : float
        Of the refinement: its first step size, without a unit.
    reg : float or None
        Of the refinement: the penalty for each rating; without a unit, so that it holds on any rating scale. None:
        0.55 / sqrt(ratings a row), at most 0.1; the value used is in `reg_`.
    early_stopping : bool
        Hold out `validation_fraction` of the ratings, refine until their error no longer falls, then decompose and
        refine with all ratings for the best number of epochs, which may be 0.
    validation_fraction : float
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None

    Attributes
    ----------
    singular_values_ : float32 array of shape (n_factors,)
        The S, largest first, on the scale of the ratings.
    explained_variance_ratio_ : float32 array of shape (n_factors,)
        The variance of each column of US over the sum of the variances of the columns (items) of F, as scikit-learn's
        `TruncatedSVD` has it. The mean is not taken off before the decomposition, so that the first part, which is
        mostly mean, may explain little.
    user_fill_, item_fill_ : float32 arrays of shape (n_users,) and (n_items,)
        A gap of F holds their sum.
    user_factors_, item_factors_
        On the scale of the ratings; see `FactorModel`. There is no mean and there are no biases. The largest entry of
        each column of `item_factors_` is positive before the refinement.
    reg_ : float
        The penalty of the refinement.
    fill_ : str
        What the gaps were filled with.
    refined_ : bool
        Whether there was any.
    history_ : frame
        A row for the decomposition, as epoch 0, and one for each epoch of refinement.

    References
    ----------
    Sarwar, Karypis, Konstan, Riedl 2000, "Application of dimensionality reduction in recommender system: a case study"
    (filling with means). Halko, Martinsson, Tropp 2011, "Finding structure with randomness: probabilistic algorithms
    for constructing approximate matrix decompositions", section 4.5. Cremonesi, Koren, Turrin 2010, "Performance of
    recommender algorithms on top-N recommendation tasks" (the name, and ``fill="zero"``).

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.PureSVD(n_factors=2, fill="user_mean", random_state=0).fit(ft.datasets.albums())
    >>> model.singular_values_.astype(float).round(1).tolist()
    [14.4, 6.0]
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "fill": OneOf(("baseline", "item_mean", "user_mean", "zero")),
        "n_iter": Int(1),
        "n_oversamples": Int(0),
        "refine_epochs": Int(0),
        "learning_rate": Float(0, open_low=True),
        "reg": OrNone(Float(0)),
        "early_stopping": BOOL,
        "validation_fraction": Float(0, 0.9, open_low=True),
        "n_jobs": N_JOBS,
    }
    _ceiling: ClassVar[str] = "refine_epochs"
    _unique_pairs = True
    biased: ClassVar[bool] = False

    singular_values_: Annotated[Float32, "factors"]
    explained_variance_ratio_: Annotated[Float32, "factors"]
    user_fill_: Annotated[Float32, "users"]
    item_fill_: Annotated[Float32, "items"]
    reg_: float
    fill_: Fill
    refined_: bool

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 16,
        *,
        fill: Fill = "baseline",
        n_iter: int = 8,
        n_oversamples: int = 16,
        refine_epochs: int = 0,
        learning_rate: float = 0.05,
        reg: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.05,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.fill = fill
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.refine_epochs = refine_epochs
        self.learning_rate = learning_rate
        self.reg = reg
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        unit = Unit.of(interactions.require_ratings("PureSVD"), centred=False)
        item_fill = self._item_fill(interactions)
        filled = self._filled(interactions, item_fill)
        with workers(self.n_jobs) as run:
            left, lengths, right = self._decompose(run, filled)
            variance = filled.variance(run)
        parts = (left * lengths).var(axis=0, dtype=np.float64)
        root = np.sqrt(lengths / np.float32(unit.spread))
        start = Factors.zeros(interactions, 0)._replace(user_factors=left * root, item_factors=right * root)
        reg = penalty_for(self.reg, interactions)
        training.report_start(start.rmse(unit, interactions), lambda u, i: start.predict(unit, u, i))
        factors = self._refine(interactions, unit, reg, training, start) if training.n_epochs else start
        return factors.learned(unit) | {
            "singular_values_": lengths,
            "explained_variance_ratio_": (parts / variance if variance else np.zeros_like(parts)).astype(np.float32),
            "user_fill_": filled.user_fill,
            "item_fill_": item_fill,
            "reg_": reg,
            "fill_": self.fill,
            "refined_": training.n_epochs > 0,
        }

    # The filled matrix ----------------------------------------------------------------------------------------------

    def _item_fill(self, interactions: Interactions) -> Float32:
        """What stands in the gaps of each item, before what the ratings of a user add to it."""
        if self.fill == "baseline":
            baseline = Baseline(n_epochs=20, tol=0).fit(interactions)
            return baseline.item_biases_ + np.float32(baseline.global_mean_)
        mean = np.mean(interactions.values, dtype=np.float64) if self.fill != "zero" else 0.0
        fill = np.zeros(interactions.n_items)
        if self.fill == "item_mean":
            bias_rows(*interactions.by_item(), np.full(interactions.n_users, mean), 0.0, fill)
        return (mean + fill).astype(np.float32)

    def _filled(self, interactions: Interactions, item_fill: Float32) -> Filled:
        by_user, by_item = interactions.by_user(), interactions.by_item()
        user_fill = _user_fill(self.fill, by_user, item_fill)
        return Filled(
            _deviations(by_user, user_fill, item_fill), _deviations(by_item, item_fill, user_fill), user_fill, item_fill
        )

    # The decomposition ----------------------------------------------------------------------------------------------

    def _decompose(self, run: Run, filled: Filled) -> tuple[Float32, Float32, Float32]:
        """The largest singular values and their vectors: U, S, V. That US = FV is what `fold_in` relies on."""
        return largest_parts(
            lambda right: filled.times(run, right),
            lambda right: filled.transposed_times(run, right),
            (filled.user_fill.size, filled.item_fill.size),
            self.n_factors,
            self.n_oversamples,
            self.n_iter,
            self.random_state,
        )

    def _refine(
        self, interactions: Interactions, unit: Unit, reg: float, training: Training, start: Factors
    ) -> Factors:
        descent = FunkSVD(
            start.user_factors.shape[1],
            learning_rate=self.learning_rate,
            biased=False,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        return descent.descend_by_rating(interactions, unit, reg, training, start)

    # After the fit --------------------------------------------------------------------------------------------------

    def _penalty(self) -> Penalty:
        return Penalty(self.reg_ * self.spread_, None, scaled=True)

    def _fold_in(self, rows: SparseRows) -> Learned:
        user_fill = _user_fill(self.fill_, rows, self.item_fill_)
        if self.refined_:
            return super()._fold_in(rows) | {"user_fill_": user_fill}
        known = _deviations(rows, user_fill, self.item_fill_)
        with workers(None) as run:
            # the filled row f gives f V / sqrt(S), as in training
            factors = _product(run, known, user_fill, self.item_fill_, self._inverse())
        return {"user_factors_": factors, "user_biases_": np.zeros(len(factors), np.float32), "user_fill_": user_fill}

    def _inverse(self) -> Float32:
        """V / sqrt(S), by which a filled row becomes the factors of a user; nothing where S is nothing."""
        lengths = self.singular_values_
        return np.divide(
            self.item_factors_, lengths, out=np.zeros_like(self.item_factors_), where=lengths > _NOTHING * lengths[0]
        )

    def _shares(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        if self.refined_:
            return super()._shares(user_code, item_code)
        # The prediction is f V V_i', so that each entry of the filled row f has a share of its own.
        rated = slice(*self.known_.indptr[user_code : user_code + 2])
        items, ratings = self.known_.indices[rated], self.known_.values[rated]
        per_entry = self._inverse().astype(np.float64) @ self.item_factors_[item_code]
        beyond = ratings - self.user_fill_[user_code].astype(np.float64) - self.item_fill_[items]
        shares = (beyond * per_entry[items]).tolist()
        pair = np.array([[user_code], [item_code]], np.int32)
        filled = float(self._predict(*pair)[0]) - sum(shares)
        return [("a row of nothing but fill", filled), *zip(self._rated_names(items, ratings), shares, strict=True)]


def _user_fill(kind: Fill, by_user: SparseRows, item_fill: Float32) -> Float32:
    """What the ratings of each user add to the fill of the items: their mean deviation from it, shrunk."""
    fill = np.zeros(by_user.indptr.size - 1)
    bias_rows(*by_user, item_fill.astype(np.float64), _DOUBT[kind], fill)
    return fill.astype(np.float32)


def _deviations(rows: SparseRows, row_fill: Float32, column_fill: Float32) -> SparseRows:
    """What is known beyond the fill."""
    filled = np.repeat(row_fill, np.diff(rows.indptr)) + column_fill[rows.indices]
    return rows._replace(values=rows.values - filled)


def _product(run: Run, rows: SparseRows, row_fill: Float32, column_fill: Float32, right: Float32) -> Float32:
    """(D + a 1' + 1 c') X for a sparse D by rows, what fills its rows and columns, and a block of vectors."""
    out = sparse_product(run, rows, right)
    sums: Float64 = right.sum(axis=0, dtype=np.float64)
    out += np.outer(row_fill, sums.astype(np.float32))
    out += column_fill @ right
    return out
