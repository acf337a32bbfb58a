"""`Popularity`: what most people have, now or ever."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import polars as pl

from foretaste._typing import Codes, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.moments import SECONDS_A_DAY, days
from foretaste.exceptions import DataError, DataWarning
from foretaste.models._implicit import ImplicitModel
from foretaste.models._training import Training
from foretaste.utils.validation import Float, OrNone
from foretaste.utils.warn import warn

# After as many half-lives an event counts a millionth of a millionth: of those older nothing is left.
_GONE = 40


class Popularity(ImplicitModel):
    r"""Ranks items by how often they occur: the same list for everybody, less what each has seen.

    .. math:: s_{ui} = \sum_{v \in U_i} w_{vi} \, 2^{-(T - t_{vi}) / h} + m \frac{W_i}{\sum_j W_j}, \qquad
        W_i = \sum_{v \in U_i} w_{vi}

    with :math:`U_i` the users of item i, w the weights (1 where there are none), t the times, T the last of them and h
    the half-life; without one events count alike, however old. Scores order items; they are not ratings.

    Parameters
    ----------
    half_life : float, optional
        The h: an event older by so much counts half. In days where times are dates or datetimes, and in the unit of
        the times where they are numbers: 30 days of unix seconds are 30 * 86400.
    prior : float
        The m: as many events of today are shared out by popularity of all time. It orders what nobody has had of late.

    Attributes
    ----------
    item_counts_ : float64 array of shape (n_items,)
        The sums.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.Popularity().fit([("an", "bts", 1), ("bhavana", "bts", 5), ("an", "sanam", 5)])
    >>> model.recommend("bhavana")["item"].to_list()
    ['sanam']
    """

    _constraints: ClassVar = {"half_life": OrNone(Float(0, open_low=True)), "prior": Float(0)}

    item_counts_: Annotated[Float64, "items"]

    def __init__(self, *, half_life: float | None = None, prior: float = 0.0) -> None:
        self.half_life = half_life
        self.prior = prior

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        items, weights, n_items = interactions.item_codes, interactions.weights, interactions.n_items
        ever = np.bincount(items, weights, n_items).astype(np.float64)
        counts = ever
        if self.half_life is not None:
            fresh = np.exp2(-self._age(interactions, float(self.half_life)))
            counts = np.bincount(items, fresh if weights is None else fresh * weights, n_items).astype(np.float64)
        return {"item_counts_": counts + self.prior * ever / ever.sum() if self.prior else counts}

    def _age(self, interactions: Interactions, half_life: float) -> Float64:
        """How many half-lives before the last event each took place."""
        times, name = interactions.times, f"Popularity(half_life={half_life:g})"
        if times is None:
            message = f"{name} needs times, and these interactions have none. Hint: add a 'time' column."
            raise DataError(message)
        if times.null_count() or (times.dtype.is_float() and not times.is_finite().all()):
            message = f"{name} needs a time in every row, and {times.null_count() or 'some'} rows have none."
            raise DataError(message)
        if times.dtype in (pl.Date, pl.Datetime):
            moments = days(times, name)
        elif times.dtype.is_numeric():
            moments = times.cast(pl.Float64).to_numpy()
        else:
            message = f"{name} needs times that are dates, datetimes or numbers, got {times.dtype}."
            raise DataError(message)
        age: Float64 = (moments.max() - moments) / half_life
        if np.median(age) > _GONE:
            message = (
                f"after {_GONE} half-lives nothing is left of an event, and more than half of them are older: a "
                f"half_life of {half_life:g} is short beside times from {times.min()!s} to {times.max()!s}. "
                f"Hint: it is in days for dates and datetimes, else in the unit of the times, and a day has "
                f"{SECONDS_A_DAY} seconds."
            )
            warn(message, DataWarning)
        return age

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:  # noqa: ARG002  the same for everybody
        return np.where(item_codes < 0, 0.0, self.item_counts_[item_codes])

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:  # noqa: ARG002  the same for everybody
        return [("popularity", float(self.item_counts_[item_code]))]

    def _fold_in(self, rows: SparseRows) -> Learned:  # noqa: ARG002  nothing to learn: only what they have seen counts
        return {}
