"""What all factor models share: a mean, biases, and a dot product of factors."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64, Frame, Id, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import UnsupportedError
from foretaste.kernels.ridge import solve_rows
from foretaste.kernels.scoring import score_pairs
from foretaste.kernels.sgd import LINE
from foretaste.models._base import Recommender, Side
from foretaste.models._ranking import Products, Scorer
from foretaste.utils.pieces import mean_and_spread, pieces
from foretaste.utils.validation import OneOf, check_parameters


class Unit(NamedTuple):
    """Ratings measured from their mean, in units of their standard deviation.

    Steps, penalties and starting values that are stated in these units hold on any scale: a model fitted on
    a * rating + b predicts a * prediction + b. A model without a mean (`centred` false) measures from 0, in the same
    units; for it the same holds for a * rating.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, ratings: Float32, *, centred: bool) -> Unit:
        """The unit of some ratings; ratings that are all equal are their own unit."""
        mean, spread = mean_and_spread(ratings)
        if spread <= 1e-6 * abs(mean):  # rounding errors around a mean are no spread
            spread = abs(mean) or 1.0
        return cls(mean if centred else 0.0, spread)

    def measure(self, ratings: Float32, out: Float32 | None = None) -> Float32:
        """Ratings in this unit, written into `out` (which may be `ratings`) where it is given."""
        measured = np.empty_like(ratings) if out is None else out
        for piece in pieces(ratings.size):
            measured[piece] = (ratings[piece] - np.float64(self.mean)) / self.spread
        return measured

    def rows(self, interactions: Interactions) -> tuple[SparseRows, SparseRows]:
        """The ratings by user and by item, in this unit."""
        by_user, by_item = interactions.by_user(), interactions.by_item()
        return (
            by_user._replace(values=self.measure(by_user.values)),
            by_item._replace(values=self.measure(by_item.values)),
        )


def penalty_for(reg: float | None, interactions: Interactions) -> float:
    """`reg`, or where it is None a value by the amount of data: 0.55 / sqrt(ratings a row), at most 0.1.

    The best penalty falls as rows grow longer. The rule goes through the best values on validation parts of
    MovieLens 100K (0.1 at 30 ratings a row), 1M (0.055 at 90), latest-small and MovieTweetings (0.1 below 10).
    """
    if reg is not None:
        return float(reg)
    return min(0.1, 0.55 / math.sqrt(len(interactions) / (interactions.n_users + interactions.n_items)))


class Factors(NamedTuple):
    """Biases and factors in a `Unit`: measured rating = b_u + b_i + p_u . q_i."""

    user_biases: Float32
    item_biases: Float32
    user_factors: Float32
    item_factors: Float32

    @classmethod
    def zeros(cls, interactions: Interactions, n_factors: int) -> Factors:
        """Biases and factors of nothing."""
        n_users, n_items = interactions.n_users, interactions.n_items
        shapes = (n_users, n_items, (n_users, n_factors), (n_items, n_factors))
        return cls(*(np.zeros(shape, np.float32) for shape in shapes))

    def predict(self, unit: Unit, user_codes: Codes, item_codes: Codes) -> Float64:
        """Predictions in the ratings' own scale."""
        measured = np.empty(user_codes.size)
        nobody = np.zeros(self.user_factors.shape[1], np.float32)
        score_pairs(user_codes, item_codes, 0.0, *self, nobody, nobody, measured)
        return unit.mean + unit.spread * measured

    def moved(self, way: Factors, step: float) -> Factors:
        """These plus `step` times `way`."""
        return Factors._make(x + np.float32(step) * y for x, y in zip(self, way, strict=True))

    def rmse(self, unit: Unit, interactions: Interactions) -> float:
        """Root mean squared error, unclipped, on the scale of the ratings."""
        predicted = self.predict(unit, interactions.user_codes, interactions.item_codes)
        return float(np.sqrt(np.mean((predicted - interactions.values) ** 2)))

    def learned(self, unit: Unit) -> Learned:
        """The learned attributes of a `FactorModel`, on the scale of the ratings: the root of the spread goes to
        each of the two factors, whose product then carries the whole.
        """  # noqa: D205
        root = np.float32(np.sqrt(unit.spread))
        spread = np.float32(unit.spread)
        return {
            "global_mean_": unit.mean,
            "spread_": unit.spread,
            "user_biases_": spread * self.user_biases,
            "item_biases_": spread * self.item_biases,
            "user_factors_": np.ascontiguousarray(root * self.user_factors),
            "item_factors_": np.ascontiguousarray(root * self.item_factors),
        }


def random_rows(n_rows: int, n_factors: int, length: float, rng: np.random.Generator) -> Float32:
    """Normal factors of about this length, padded with zeros to whole cache lines; zeros stay so in every update."""
    rows = np.zeros((n_rows, -(-n_factors // LINE) * LINE), np.float32)
    for piece in pieces(n_rows):
        rows[piece, :n_factors] = rng.normal(0, length / np.sqrt(n_factors), (piece.stop - piece.start, n_factors))
    return rows


class Penalty(NamedTuple):
    """What a new user's regression is penalised with, on the scale of the ratings."""

    factors: float
    bias: float | None  # in ratings; None: the model has no user biases
    scaled: bool  # whether that of the factors is meant for each rating of the user


class FactorModel(Recommender):
    r"""A model that predicts :math:`\mu + b_u + b_i + p_u \cdot q_i`.

    Attributes
    ----------
    global_mean_ : float
        The mu; 0 for a model without biases.
    user_biases_, item_biases_ : float32 arrays of shape (n_users,) and (n_items,)
    user_factors_, item_factors_ : float32 arrays of shape (n_users, n_factors) and (n_items, n_factors)
    """

    global_mean_: float
    spread_: float
    user_biases_: Annotated[Float32, "users"]
    item_biases_: Annotated[Float32, "items"]
    user_factors_: Annotated[Float32, "users", "factors"]
    item_factors_: Annotated[Float32, "items", "factors"]

    @abstractmethod
    def _penalty(self) -> Penalty:
        """The penalty of the user side, on the scale of the ratings."""

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        predicted = np.empty(user_codes.size)
        factors = (self.user_biases_, self.item_biases_, self.user_factors_, self.item_factors_)
        typical = (self._typical("user"), self._typical("item"))
        score_pairs(user_codes, item_codes, self.global_mean_, *factors, *typical, predicted)
        return predicted

    def _typical(self, side: Side) -> Float32:
        """The factors of somebody unknown: nothing on top of a mean and biases, else the average of those known."""
        factors: Float32 = getattr(self, f"{side}_factors_")
        with_mean = getattr(self, "biased", True)
        return np.zeros(factors.shape[1], np.float32) if with_mean else factors.mean(axis=0)

    def _scorer(self) -> Scorer:
        # Parts are passes over all scores, which models without biases need not pay for.
        biased = self.item_biases_.any() or self.user_biases_.any()
        parts: dict[str, Any] = {"row_part": self.user_biases_, "column_part": self.item_biases_} if biased else {}
        factors = (self.user_factors_, self.item_factors_)
        return Products(*factors, **parts, mean=self.global_mean_, unknown=lambda: self._typical("user"))

    def _vectors(self, side: Side) -> Float32:
        factors: Float32 = getattr(self, f"{side}_factors_")
        return factors if factors.shape[1] else super()._vectors(side)

    def _factor_names(self) -> list[str]:
        return [f"factor {f + 1}" for f in range(self.item_factors_.shape[1])]

    # Reasons --------------------------------------------------------------------------------------------------------

    def explain(self, user: Id, item: Id, *, by: Literal["factors", "history"] = "factors") -> Frame:
        """Where the number comes from, term by term; the terms add up to the score.

        Parameters
        ----------
        user, item : hashable
        by : {"factors", "history"}
            The mean, the biases and each factor's product; or the share of each of the user's own ratings. The
            latter follows from p_u being a regression on those ratings, linear in them (Hu, Koren, Volinsky 2008,
            section 5); what training left between that regression and p_u is a term of its own.

        Returns
        -------
        frame with columns term, value
            In the units of the rating. Where the sum leaves the scale, a last term brings it back.

        Raises
        ------
        UnknownIdError
            The model does not know the user or the item.
        """
        self._check_fitted("explain")
        check_parameters("explain", {"by": by}, {"by": OneOf(("factors", "history"))})
        pair = self._pair(user, item)
        return self._explained(self._terms(*pair) if by == "factors" else self._shares(*pair))

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        products = self.user_factors_[user_code].astype(np.float64) * self.item_factors_[item_code]
        return [
            ("global mean", self.global_mean_),
            ("user bias", float(self.user_biases_[user_code])),
            ("item bias", float(self.item_biases_[item_code])),
            *zip(self._factor_names(), map(float, products), strict=True),
        ]

    def _shares(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        rated = slice(*self.known_.indptr[user_code : user_code + 2])
        items, ratings = self.known_.indices[rated], self.known_.values[rated]
        own = SparseRows(np.array([0, items.size], np.int64), items, ratings)
        features, penalty, penalty_per_rating = self._user_regression(np.append(items, np.int32(item_code)))
        free = self._free(user_code)
        features = features[:, free].astype(np.float64)
        rows = features[:-1]
        matrix = rows.T @ rows + np.diag((penalty + items.size * penalty_per_rating)[free])
        # x = (F'F + diag)^-1 F' v is the user; its product with the item is a sum over the user's ratings v
        per_rating = rows @ np.linalg.solve(matrix, features[-1])
        shares = per_rating * (self._unexplained(own, self._head_start(own)) - self.item_biases_[items])
        start = self.global_mean_ + float(self.item_biases_[item_code])
        pair = np.array([[user_code], [item_code]], np.int32)
        rest = float(self._predict(*pair)[0]) - start - float(shares.sum())
        return [
            ("global mean and item bias", start),
            *zip(self._rated_names(items, ratings), map(float, shares), strict=True),
            ("left over from training", rest),
        ]

    def _rated_names(self, items: Codes, ratings: Float32) -> list[str]:
        """What the share of each of a user's ratings is called."""
        return [f"rated {self.item_vocabulary_.decode_one(int(i))} {r:g}" for i, r in zip(items, ratings, strict=True)]

    def _free(self, user_code: int) -> slice | npt.NDArray[np.bool_]:  # noqa: ARG002  what others look at
        """Which of what a user is regressed on had a say in the outcome."""
        return slice(None)

    # New users ------------------------------------------------------------------------------------------------------

    def _user_regression(self, items: Codes) -> tuple[Float32, Float32, Float32]:
        """What a user is regressed on, the factors of some items and a one for the bias, and the penalties of each."""
        factors, bias, scaled = self._penalty()
        n_factors = self.item_factors_.shape[1]
        # A penalty of exactly nothing would leave a user of few ratings without a unique answer.
        penalty = np.full(n_factors + 1, max(0.0 if scaled else factors, 1e-6 * self.spread_), np.float32)
        penalty_per_rating = np.full(n_factors + 1, factors if scaled else 0.0, np.float32)
        penalty_per_rating[-1], penalty[-1] = 0, max(bias or 0.0, 1e-6)
        features = np.column_stack([self.item_factors_[items], np.ones(items.size, np.float32)])
        used = n_factors if bias is None else n_factors + 1
        return np.ascontiguousarray(features[:, :used]), penalty[:used], penalty_per_rating[:used]

    def _head_start(self, rows: SparseRows) -> Float32:
        """Factors that users have by which items they rated, whatever the ratings: none, in most models."""
        return np.zeros((rows.indptr.size - 1, self.item_factors_.shape[1]), np.float32)

    def _unexplained(self, rows: SparseRows, start: Float32) -> Float32:
        """What the mean and these factors of users leave of their ratings."""
        predicted = np.empty(rows.indices.size)
        users = rows.row_codes()
        biases = (np.zeros(len(start), np.float32), np.zeros_like(self.item_biases_))
        factors = (start, self.item_factors_)
        nobody = np.zeros(start.shape[1], np.float32)
        score_pairs(users, rows.indices, self.global_mean_, *biases, *factors, nobody, nobody, predicted)
        return (rows.values - predicted).astype(np.float32)

    def _fold_in(self, rows: SparseRows) -> Learned:
        items, places = np.unique(rows.indices, return_inverse=True)  # a few of many
        features, penalty, penalty_per_rating = self._user_regression(items)
        if not features.shape[1]:
            message = f"{type(self).__name__} learns nothing about users, so there is no new one to fold in."
            raise UnsupportedError(message)
        n_users, n_factors = rows.indptr.size - 1, self.item_factors_.shape[1]
        solved = np.zeros((n_users, features.shape[1]), np.float32)
        start = self._head_start(rows)
        rest = SparseRows(rows.indptr, places.astype(np.int32), self._unexplained(rows, start))
        solve_rows(*rest, features, self.item_biases_[items], penalty, penalty_per_rating, 0, n_users, solved)
        biases: Any = solved[:, n_factors] if features.shape[1] > n_factors else np.zeros(n_users, np.float32)
        return {
            "user_factors_": start + solved[:, :n_factors],
            "user_biases_": np.ascontiguousarray(biases),
        }
