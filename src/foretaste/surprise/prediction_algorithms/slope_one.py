"""`SlopeOne`: how much higher one item is rated than another, on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64
from foretaste.kernels.slope_one import deviation_rows
from foretaste.kernels.sorting import group_by_code
from foretaste.kernels.strict.slope_one import slope_one_estimates
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms._whole import row_means, whole_ratings
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates, check_codes, check_shape
from foretaste.surprise.trainset import Rows, Trainset

if TYPE_CHECKING:
    from foretaste import models

Integers = npt.NDArray[np.int64]

# Items compared with all others before their half of the table is copied to the other: its lines are then still near.
_CHUNK = 64


class SlopeOne(BatchAlgo):
    r"""The user's mean, moved by how much higher or lower the item is rated than others that the user has rated.

    .. math:: \hat r_{ui} = m_u + \frac{1}{|J|} \sum_{j \in J} d_{ij}, \qquad J = \{j \in I_u : c_{ij} > 0\}

    with :math:`c_{ij}` the number of users of both items and :math:`d_{ij}` the mean of their :math:`r_{vi} - r_{vj}`.

    As in Surprise the d are those of ratings without what stands behind the point, so that of half stars only the whole
    ones count; `foretaste.SlopeOne` takes ratings as they are.

    Attributes
    ----------
    freq : int64 array of shape (n_items, n_items)
        The c.
    dev : float64 array of shape (n_items, n_items)
        The d; NaN for two items without a common user.
    user_mean : list of float
        The m.

    References
    ----------
    Lemire, Maclachlan 2005, "Slope One predictors for online rating-based collaborative filtering", section 3.2.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import Dataset, Reader, SlopeOne
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> SlopeOne().fit(data.build_full_trainset()).predict("diego", "zhou-shen").details
    {'was_impossible': False}
    """

    freq: Integers
    dev: Float64
    user_mean: list[np.float64]

    def __init__(self) -> None:
        super().__init__()

    def fit(self, trainset: Trainset) -> Self:
        """Compare every item with every other."""
        super().fit(trainset)
        by_user, _ = self._fitted_to
        self.freq, self.dev = _differences(by_user, trainset.n_items)
        self.user_mean = row_means(by_user)
        return self

    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        by_user, of_items = self._fitted_to
        n_items = of_items.indptr.size - 1
        possible = (users >= 0) & (items >= 0)
        places = np.flatnonzero(possible).astype(np.int32)
        check_codes(users[places], by_user.indptr.size - 1, "inner ids of users")
        check_codes(items[places], n_items, "inner ids of items")
        check_shape(self, "dev", (n_items, n_items))
        check_shape(self, "freq", (n_items, n_items))
        values = np.zeros(users.size)
        values[places] = [self.user_mean[user] for user in users[places].tolist()]
        _, order = group_by_code(items[places], n_items)
        rated = by_user.indptr, by_user.indices
        slope_one_estimates(places[order], users, items, *rated, self.dev, self.freq, values)
        return Estimates(values, (~possible).astype(np.int8), ("User and/or item is unknown.",))

    def _native(self) -> models.SlopeOne:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        return fitted(
            models.SlopeOne(weighted=False),
            self.trainset,
            deviations_=np.where(self.freq, self.dev, 0).astype(np.float32),
            # with the diagonal: here the item itself is among those that the user has rated
            counts_=self.freq.astype(np.float32),
            user_means_=np.array(self.user_mean),
            item_means_=np.array(row_means(self.trainset.rows()[1])),
            global_mean_=float(self.trainset.global_mean),
            weighted_=False,
        )


def _differences(by_user: Rows, n_items: int) -> tuple[Integers, Float64]:
    """The counts and the mean differences of all pairs of items.

    Sums of whole numbers are exact, in whatever order, so the kernel of `foretaste.SlopeOne` gives the same bits.
    """
    users = np.repeat(np.arange(by_user.indptr.size - 1, dtype=np.int32), np.diff(by_user.indptr))
    indptr, order = group_by_code(by_user.indices, n_items)
    sorted_items, ratings = by_user.indices[order], whole_ratings(by_user.values)[order]
    by_item = Rows(indptr, users[order], ratings)
    ends, back = group_by_code(by_item.indices, by_user.indptr.size - 1)
    ascending = Rows(ends, sorted_items[back], ratings[back])  # within each user's row items ascend
    dev, freq = np.zeros((n_items, n_items)), np.zeros((n_items, n_items), np.int64)
    for first in range(0, n_items, _CHUNK):
        deviation_rows(first, min(first + _CHUNK, n_items), *ascending, *by_item, dev, freq)
    freq[np.diag_indices(n_items)] = _pairs_with_itself(sorted_items, by_item.indices, n_items)
    for row, count in zip(dev, freq, strict=True):  # row by row, as a mask of the whole table takes memory too
        row[count == 0] = np.nan
    return freq, dev


def _pairs_with_itself(items: Codes, users: Codes, n_items: int) -> Integers:
    """For each item the pairs of its ratings by one user: as many as users, unless some have rated it repeatedly."""
    firsts = np.flatnonzero(np.diff(items, prepend=-1).astype(bool) | np.diff(users, prepend=-1).astype(bool))
    times = np.diff(firsts, append=items.size)
    return np.bincount(items[firsts], times**2, n_items).astype(np.int64)
