"""`ContentRegression`: the factors of one side are known, so each row of the other is a linear regression."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import polars as pl

from foretaste._typing import Codes, Float64, Frame, Id, Learned
from foretaste.data.frames import frame_column, frame_columns, is_frame
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError
from foretaste.kernels.regression import regress_rows
from foretaste.models._base import Side
from foretaste.models._factors import FactorModel, Penalty, Unit
from foretaste.models._training import Training
from foretaste.utils.validation import BOOL, Float
from foretaste.utils.warn import warn


class ContentRegression(FactorModel):
    r"""Content-based filtering: one linear regression a user on the known features of items, or the mirror image.

    With `item_features` :math:`f_i`, each user's coefficients minimise

    .. math:: \sum_{i \in I_u} (r_{ui} - b_u - w_u \cdot f_i)^2 + \lambda |w_u|^2

    With `user_features` :math:`f_u`, each item's coefficients minimise the same with the roles exchanged: what users
    say of themselves is known, and what the items have of it is learned. The intercept is free of the penalty. With
    ``reg=0`` it is plain least squares, of smallest norm where the ratings do not decide.

    An item (user) with features and without any rating is predicted like any other. One without features is taken to
    be average in each, and counted in a `DataWarning`.

    Parameters
    ----------
    item_features, user_features : frame
        One of the two: a column `item` (`user`) of ids, and any number of numeric columns.
    reg : float
        The lambda, in units of squared features.
    fit_intercept : bool

    Attributes
    ----------
    coef_ : float64 array of shape (n_users or n_items, n_features)
        The w, a row for each user (item), in the order of the vocabulary.
    intercept_ : float64 array of shape (n_users or n_items,)
        The b.
    feature_names_ : tuple of str
    feature_means_ : float64 array of shape (n_features,)

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.ContentRegression(item_features=ft.datasets.album_features(), reg=0.1).fit(ft.datasets.albums())
    >>> model.recommend("diego", n=1)["item"].to_list()
    ['zhou-shen']
    """

    _constraints: ClassVar = {"reg": Float(0), "fit_intercept": BOOL}

    coef_: Annotated[Float64, "regressed", "factors"]
    intercept_: Annotated[Float64, "regressed"]
    feature_names_: Annotated[tuple[str, ...], "factors"]
    feature_means_: Annotated[Float64, "factors"]

    def __init__(
        self,
        *,
        item_features: Frame | None = None,
        user_features: Frame | None = None,
        reg: float = 1.0,
        fit_intercept: bool = True,
    ) -> None:
        self.item_features = item_features
        self.user_features = user_features
        self.reg = reg
        self.fit_intercept = fit_intercept

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        ratings = interactions.require_ratings("ContentRegression")
        known: Side = "item" if self.user_features is None else "user"
        learned_side: Side = "user" if known == "item" else "item"
        rated = interactions.items if known == "item" else interactions.users
        ids, names, table = self._table(known)
        vocabulary, features = _aligned(rated, ids, table, known)
        rows = interactions.by_user() if known == "item" else interactions.by_item()

        n_rows = rows.indptr.size - 1
        coef, intercept = np.zeros((n_rows, len(names))), np.zeros(n_rows)
        regress_rows(*rows, features, float(self.reg), self.fit_intercept, coef, intercept)

        centre, unit = features.mean(axis=0), Unit.of(ratings, centred=True)
        return {
            "feature_names_": tuple(names),
            "feature_means_": centre,
            "global_mean_": unit.mean,
            "spread_": unit.spread,
            f"{known}_vocabulary_": vocabulary,
            f"{known}_factors_": (features - centre).astype(np.float32),
            f"{known}_biases_": np.zeros(len(vocabulary), np.float32),
            **_around_the_average(learned_side, coef, intercept, centre, unit.mean),
        }

    def _table(self, known: Side) -> tuple[pl.Series, list[str], Float64]:
        """Ids, names and values of the known features."""
        frame = self.item_features if known == "item" else self.user_features
        if not is_frame(frame) or (self.item_features is not None and self.user_features is not None):
            message = (
                "ContentRegression needs a frame as 'item_features' or as 'user_features', and only one of the two; "
                f"got {type(self.item_features).__name__} and {type(self.user_features).__name__}."
            )
            raise InvalidParameterError(message)
        ids = frame_column(frame, known)
        names = [name for name in frame_columns(frame) if name != known]
        columns = [frame_column(frame, name) for name in names]
        for name, column in zip(names, columns, strict=True):
            if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
                message = (
                    f"feature {name!r} of ContentRegression must be numeric, got {column.dtype}. "
                    f"Hint: turn categories into columns of 0 and 1 first, e.g. with frame.to_dummies()."
                )
                raise DataError(message)
        if not names:
            message = f"'{known}_features' of ContentRegression has no column besides {known!r}."
            raise DataError(message)
        values = [column.cast(pl.Float64).fill_null(np.nan).to_numpy() for column in columns]
        return ids, names, np.column_stack(values)

    def _fold_in(self, rows: SparseRows) -> Learned:
        if self.user_features is not None:
            return super()._fold_in(rows)  # what the newcomer would have said in the survey, by their ratings
        features = self.item_factors_ + self.feature_means_
        n_users = rows.indptr.size - 1
        coef, intercept = np.zeros((n_users, features.shape[1])), np.zeros(n_users)
        regress_rows(*rows, features, float(self.reg), self.fit_intercept, coef, intercept)
        return _around_the_average("user", coef, intercept, self.feature_means_, self.global_mean_)

    def _factor_names(self) -> list[str]:
        return list(self.feature_names_)

    def _penalty(self) -> Penalty:
        free_bias = self.fit_intercept and self.user_features is None
        return Penalty(self.reg, 0.0 if free_bias else None, scaled=False)


def _around_the_average(side: Side, coef: Float64, intercept: Float64, centre: Float64, mean: float) -> Learned:
    """A regression as factors: the same prediction around the average item, where what is unknown drops out."""
    return {
        "coef_": coef,
        "intercept_": intercept,
        f"{side}_factors_": coef.astype(np.float32),
        f"{side}_biases_": (intercept + coef @ centre - mean).astype(np.float32),
    }


def _aligned(rated: Vocabulary, ids: pl.Series, table: Float64, known: Side) -> tuple[Vocabulary, Float64]:
    """Ids that are rated and those that have features, and a row of features for each; a gap is the column's mean."""
    described, codes = Vocabulary.build(ids)
    if len(described) < codes.size:
        message = f"'{known}_features' describes {codes.size - len(described)} {known}s more than once."
        raise DataError(message)
    new = [value for value, code in zip(described, rated.encode(described), strict=True) if code < 0]
    every: list[Id] = [*rated, *new]
    place: Codes = described.encode(every)
    features = np.where((place >= 0)[:, None], table[place], np.nan)
    gaps = ~np.isfinite(features)
    if gaps.all(axis=0).any():
        message = f"a feature has no value for any {known} of the model."
        raise DataError(message)
    if gaps.any():
        message = (
            f"{int(gaps.any(axis=1).sum())} of {len(every)} {known}s lack a feature and are taken to be average in it."
        )
        warn(message, DataWarning)
    means = np.nanmean(np.where(gaps, np.nan, features), axis=0)
    return Vocabulary(every), np.ascontiguousarray(np.where(gaps, means, features))
