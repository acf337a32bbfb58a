"""`ImplicitALS`: factors of events, each user and item a ridge regression over all pairs, with an event or without."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Frame, Id, Learned, RandomState
from foretaste.data.features import Features, ItemFeatures, UserFeatures
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.kernels.event_rows import event_errors, improve_event_blocks, improve_event_rows, solve_event_rows
from foretaste.kernels.scoring import score_pairs
from foretaste.kernels.sorting import transpose_rows
from foretaste.models._base import Side
from foretaste.models._described import DescribedModel, no_features
from foretaste.models._feature_ridge import FeatureRidge
from foretaste.models._ranking import Products, Scorer
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf, check_parameters

# Rows a thread takes at a time; a matter of speed alone, since rows do not depend on each other.
_CHUNK = 256
# Steps of conjugate gradients in a half step, and at most in the last one, which goes to the end.
_STEPS, _LAST_STEPS = 3, 100
# Coordinates of a subspace.
_WIDTH = 32
# From as many factors on an exact solution costs more than training.
_MANY_FACTORS = 128

Solver = Literal["auto", "cg", "cholesky", "subspace"]


class _Half(NamedTuple):
    """One side: its events and, of each row, factors and penalty; and what its features say of them."""

    rows: SparseRows
    factors: Float32
    penalty: Float32
    ridge: FeatureRidge

    def learned(self, side: Side) -> Learned:
        """What a model keeps of it."""
        return {f"{side}_factors_": self.factors, f"vectors_of_{side}_features_": self.ridge.vectors}


class ImplicitALS(DescribedModel):
    r"""Alternating least squares on events: what somebody has scores 1, anything else 0, with less weight.

    .. math:: s_{ui} = p_u \cdot q_i

    minimises over all pairs, with and without events,

    .. math::

        \sum_{(u,i) \in S} w_{ui} (1 - s_{ui})^2 + \alpha \sum_{u,i} s_{ui}^2
        + \sum_u \lambda_u |p_u - A f_u|^2 + \sum_i \lambda_i |q_i - B g_i|^2
        + \kappa (\bar\lambda_\text{u} |A|^2 + \bar\lambda_\text{i} |B|^2), \qquad
        \lambda_u = \lambda \Big(\sum_i w_{ui} + \alpha n_\text{items}\Big)^\nu

    and likewise for items (Hu, Koren, Volinsky 2008, "Collaborative filtering for implicit feedback datasets"; the
    penalty: Rendle, Krichene, Zhang, Koren 2022, "Revisiting the performance of iALS on item recommendation
    benchmarks"). w is the weight of a pair's events in units of the mean weight of a pair, so that settings hold for
    clicks, plays and minutes alike; without weights and repetitions it is 1. All pairs are in the sum at the price of
    those with events, by way of the Gram matrix of the other side's factors.

    f and g are features of users and items, where there are any. What they say, A f and B g, is what the penalties draw
    factors to, in place of 0: somebody of few events leans on it, and who has features only has it for factors. A and B
    are regressions of the factors on the features, made again after each half step.

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
    item_features, user_features : ItemFeatures, UserFeatures or frame, optional
        A frame is read as `ItemFeatures.from_frame` reads it. Items that have features and no event are recommended
        like all others. Users and items of the training data without features are counted in one `DataWarning`.
    feature_reg : float
        The kappa, in items (users) of mean penalty: a feature that as many have is trusted half. The default did well
        on items held out from the training parts of MovieLens 1M, where 0.1 to 3 are alike, and of Last.fm.
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
        The p and q. The p are the exact solution for the q, as `fold_in` would find it. Those with features and
        without events follow the ids of the training data.
    user_features_, item_features_ : SparseRows
        The f and g.
    user_feature_names_, item_feature_names_ : tuples of str
    vectors_of_user_features_, vectors_of_item_features_ : float32 arrays of shape (n_features, n_factors)
        The A and B, a row a feature.
    gram_of_items_ : float32 array of shape (n_factors, n_factors)
        Q'Q of the items with events, which stands for those a user has none of: with it a new user costs what their own
        events do.
    mean_weight_ : float
        The unit of weights.
    n_trained_items_ : int
        How many items have events: those that a user is a regression on.
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
        "feature_reg": Float(0, open_low=True),
        "solver": OneOf(("auto", "cg", "cholesky", "subspace")),
        "tol": Float(0),
        "n_jobs": N_JOBS,
    }

    gram_of_items_: Annotated[Float32, "factors", "factors"]
    mean_weight_: float
    n_trained_items_: int

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 64,
        *,
        n_epochs: int = 100,
        reg: float = 0.4,
        alpha: float = 0.3,
        reg_exponent: float = 0.5,
        item_features: ItemFeatures | Frame | None = None,
        user_features: UserFeatures | Frame | None = None,
        feature_reg: float = 0.3,
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
        self.item_features = item_features
        self.user_features = user_features
        self.feature_reg = feature_reg
        self.solver = solver
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state

    # Learning -------------------------------------------------------------------------------------------------------

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        by_user = self._events(interactions)
        mean_weight = float(by_user.values.mean(dtype=np.float64))
        by_user = by_user._replace(values=by_user.values / np.float32(mean_weight))
        by_item = SparseRows(*transpose_rows(*by_user, interactions.n_items))
        described = self._both_described(interactions, "are drawn to 0")
        rng = generator(self.random_state)
        users = self._half(by_user, interactions.users, described["user"], interactions.n_items, rng)
        items = self._half(by_item, interactions.items, described["item"], interactions.n_users, rng)
        total = float(by_user.values.sum(dtype=np.float64))
        solver: Solver = "cg" if self.solver == "auto" else self.solver
        with workers(self.n_jobs) as run:
            for _ in training:
                for half, other in ((users, items), (items, users)):
                    self._regress(run, solver, half, other.factors)
                    half.ridge.regress(run, half.factors)
                training.report(self._loss(run, users, items) / total)
            last: Solver = "cholesky" if self.n_factors < _MANY_FACTORS else "cg"
            self._regress(run, last, users, items.factors, _LAST_STEPS)
            gram = items.factors.T @ items.factors
        return {
            **self._with_described("user", interactions.users, described["user"], users.learned("user")),
            **self._with_described("item", interactions.items, described["item"], items.learned("item")),
            "gram_of_items_": gram,
            "mean_weight_": mean_weight,
            "n_trained_items_": interactions.n_items,
        }

    def _half(
        self, rows: SparseRows, ids: Vocabulary, features: Features | None, n_others: int, rng: np.random.Generator
    ) -> _Half:
        """One side before the first epoch."""
        # Products of two such rows are small beside 1, whatever the number of factors.
        factors = rng.normal(0, 0.1 / np.sqrt(self.n_factors), (len(ids), self.n_factors)).astype(np.float32)
        penalty = self._penalty(rows, n_others)
        of_rows = no_features(len(ids)) if features is None else features.of(ids)
        n_features = 0 if features is None else len(features.names)
        ridge = FeatureRidge(of_rows, n_features, self.n_factors, penalty, self.feature_reg)
        return _Half(rows, factors, penalty, ridge)

    def _penalty(self, rows: SparseRows, n_others: int) -> Float32:
        """The lambda of each row."""
        n_rows = rows.indptr.size - 1
        sums = np.bincount(rows.row_codes(), rows.values, n_rows)
        penalty: Float32 = (self.reg * (sums + self.alpha * n_others) ** self.reg_exponent).astype(np.float32)
        return penalty

    def _regress(self, run: Run, solver: Solver, half: _Half, others: Float32, steps: int = _STEPS) -> None:
        """A half step: every row becomes the regression of its events on the other side's factors."""
        gram = np.float32(self.alpha) * (others.T @ others)
        kernels: dict[Solver, tuple[Any, tuple[int, ...]]] = {
            "cg": (improve_event_rows, (steps,)),
            "cholesky": (solve_event_rows, ()),
            "subspace": (improve_event_blocks, (min(_WIDTH, self.n_factors),)),
        }
        solve, settings = kernels[solver]
        fixed: tuple[Any, ...] = (*half.rows, others, gram, half.penalty, half.ridge.expected(run), *settings)
        run(solve, [(*fixed, *chunk, half.factors) for chunk in _chunks(len(half.factors))])

    def _loss(self, run: Run, users: _Half, items: _Half) -> float:
        """The sum that is minimised."""
        pairs = (*items.rows, users.factors, items.factors)
        observed = run(event_errors, [(*pairs, *chunk) for chunk in _chunks(len(items.factors))])
        grams = [(half.factors.T @ half.factors).astype(np.float64) for half in (users, items)]
        everything = self.alpha * float((grams[0] * grams[1]).sum())
        penalties = []
        for half in (users, items):
            expected = half.ridge.expected(run)
            away = half.factors - expected if len(expected) else half.factors
            lengths = np.einsum("nf,nf->n", away, away, dtype=np.float64)
            penalties.append(float(half.penalty.astype(np.float64) @ lengths) + half.ridge.loss())
        return sum(observed) + everything + sum(penalties)

    # Scores ---------------------------------------------------------------------------------------------------------

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        predicted = np.empty(user_codes.size)
        nothing = (np.zeros(len(self.user_factors_), np.float32), np.zeros(len(self.item_factors_), np.float32))
        typical = (self.user_factors_.mean(axis=0), self.item_factors_.mean(axis=0))
        score_pairs(user_codes, item_codes, 0.0, *nothing, self.user_factors_, self.item_factors_, *typical, predicted)
        return predicted

    def _scorer(self) -> Scorer:
        return Products(self.user_factors_, self.item_factors_, unknown=lambda: self.user_factors_.mean(axis=0))

    # Reasons --------------------------------------------------------------------------------------------------------

    def explain(self, user: Id, item: Id, *, side: Side = "user") -> Frame:
        """Where the score comes from, term by term; the terms add up to the score.

        Parameters
        ----------
        user, item : hashable
        side : {"user", "item"}
            What each item that the user has adds, and each feature of the user, as the user's factors are a regression
            on both; or what each feature of the item adds.

        Returns
        -------
        frame with columns term, value

        Raises
        ------
        UnknownIdError
            The model does not know the user or the item.
        """
        self._check_fitted("explain")
        check_parameters("explain", {"side": side}, {"side": OneOf(("user", "item"))})
        user_code, item_code = self._pair(user, item)
        if side == "user":
            return self._explained(self._terms(user_code, item_code))
        terms = self._feature_terms("item", item_code, self.user_factors_[user_code].astype(np.float64))
        return self._explained([*terms, ("the item itself", self._rest(user_code, item_code, terms))])

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        own = slice(*self.known_.indptr[user_code : user_code + 2])
        items, weights = self.known_.indices[own], self.known_.values[own] / np.float32(self.mean_weight_)
        terms, pull = [], self.item_factors_[item_code].astype(np.float64)
        if items.size:  # somebody without events has what the features say
            rows = self.item_factors_[items].astype(np.float64)
            one = SparseRows(np.array([0, items.size], np.int64), items, weights)
            penalty = float(self._penalty(one, self.n_trained_items_)[0])
            matrix = rows.T @ (weights[:, None] * rows) + self.alpha * self.gram_of_items_.astype(np.float64)
            # p = M^-1 (Q'w + lambda A f) is the user; its product with the item is a sum over events and features
            solved = np.linalg.solve(matrix + penalty * np.eye(pull.size), pull)
            names = [f"has {self.item_vocabulary_.decode_one(int(i))}" for i in items]
            terms, pull = list(zip(names, map(float, weights * (rows @ solved)), strict=True)), penalty * solved
        terms += self._feature_terms("user", user_code, pull)
        return [*terms, ("rounding", self._rest(user_code, item_code, terms))]

    def _rest(self, user_code: int, item_code: int, terms: list[tuple[str, float]]) -> float:
        """What these terms leave of the score."""
        score = self._predict(np.array([user_code], np.int32), np.array([item_code], np.int32))[0]
        return float(score) - sum(value for _, value in terms)

    # New users ------------------------------------------------------------------------------------------------------

    def _fold_in(self, rows: SparseRows, expected: Float32 | None = None) -> Learned:
        rows = rows._replace(values=rows.values / np.float32(self.mean_weight_))
        n_users, n_factors = rows.indptr.size - 1, self.item_factors_.shape[1]
        users = np.zeros((n_users, n_factors), np.float32)
        centre = np.zeros((0, n_factors), np.float32) if expected is None else expected
        gram = np.float32(self.alpha) * self.gram_of_items_
        penalty = self._penalty(rows, self.n_trained_items_)
        solve_event_rows(*rows, self.item_factors_, gram, penalty, centre, 0, n_users, users)
        return {"user_factors_": users}


def _chunks(n: int) -> list[tuple[int, int]]:
    return [(first, min(first + _CHUNK, n)) for first in range(0, n, _CHUNK)]
