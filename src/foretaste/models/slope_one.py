"""`SlopeOne`: how much higher one item is rated than another, on average."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned, Pointers
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import DataError
from foretaste.kernels.biases import row_means
from foretaste.kernels.slope_one import deviation_rows, slope_one_pairs, slope_one_scores
from foretaste.kernels.sorting import group_by_code, sparse_rows
from foretaste.models._base import Recommender
from foretaste.models._ranking import Scorer
from foretaste.models._training import Training
from foretaste.utils.threads import workers
from foretaste.utils.validation import BOOL, N_JOBS

# Items compared with all others in one piece of work: the unit that threads share out.
_CHUNK = 64
# The largest pair of tables, in bytes: what a common computer can hold beside everything else.
_MOST = 4 * 2**30


class SlopeOne(Recommender):
    r"""What a user gave to other items, moved by how much higher or lower people rate this one.

    The deviation of item i from item j is the mean over the users of both, :math:`c_{ij}` of them,

    .. math:: d_{ij} = \frac{1}{c_{ij}} \sum_{v \in U_i \cap U_j} (r_{vi} - r_{vj})

    Each item j that the user has rated makes a prediction :math:`r_{uj} + d_{ij}`, and what counts is their mean,
    weighted by how many users stand behind each:

    .. math:: \hat r_{ui} = \frac{\sum_{j \in I_u} c_{ij} (d_{ij} + r_{uj})}{\sum_{j \in I_u} c_{ij}}

    With ``weighted=False`` every deviation counts the same, and the user's own mean :math:`m_u` stands for the ratings:

    .. math:: \hat r_{ui} = m_u + \frac{1}{|J|} \sum_{j \in J} d_{ij}, \qquad J = \{j \in I_u : c_{ij} > 0\}

    An item that shares no user with what somebody has rated is predicted by their mean; somebody unknown gets the
    item's mean.

    Two tables of items by items are kept, 8 bytes a pair: 0.1 GiB for 3,700 items, and at most 4 GiB, 23,170 items.

    Parameters
    ----------
    weighted : bool
    n_jobs : int, optional
        Threads to learn with; -1 for all cores. The result does not depend on it.

    Attributes
    ----------
    deviations_ : float32 array of shape (n_items, n_items)
        The d; 0 for two items without a common user.
    counts_ : float32 array of shape (n_items, n_items)
        The c; 0 on the diagonal.
    user_means_, item_means_ : float64 arrays of shape (n_users,) and (n_items,)
    global_mean_ : float
    weighted_ : bool
        Which of the two forms was learned.

    References
    ----------
    Lemire, Maclachlan 2005, "Slope One predictors for online rating-based collaborative filtering", sections 3.2, 3.3.

    Examples
    --------
    Two people rate y two and four stars higher than x, so that is what others are taken to do.

    >>> import foretaste as ft
    >>> model = ft.SlopeOne().fit({"an": {"x": 1, "y": 3}, "bo": {"x": 1, "y": 5}, "cy": {"x": 2}})
    >>> model.predict([("cy", "y")])
    array([5.])
    """

    _unique_pairs = True
    _constraints: ClassVar = {"weighted": BOOL, "n_jobs": N_JOBS}

    deviations_: Annotated[Float32, "items", "items"]
    counts_: Annotated[Float32, "items", "items"]
    user_means_: Annotated[Float64, "users"]
    item_means_: Annotated[Float64, "items"]
    global_mean_: float
    weighted_: bool

    def __init__(self, *, weighted: bool = True, n_jobs: int | None = None) -> None:
        self.weighted = weighted
        self.n_jobs = n_jobs

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        ratings = interactions.require_ratings("SlopeOne")
        n_items = interactions.n_items
        _check_size(n_items)
        by_item = interactions.by_item()
        # collected item by item, so that within each user's row items ascend
        item_codes = by_item.row_codes()
        by_user = SparseRows(*sparse_rows(by_item.indices, interactions.n_users, item_codes, by_item.values))
        deviations, counts = (np.zeros((n_items, n_items), np.float32) for _ in range(2))
        chunks = [(first, min(first + _CHUNK, n_items)) for first in range(0, n_items, _CHUNK)]
        with workers(self.n_jobs) as run:
            run(deviation_rows, [(*chunk, *by_user, *by_item, deviations, counts) for chunk in chunks])
        mean = float(ratings.mean(dtype=np.float64))
        return {
            "deviations_": deviations,
            "counts_": counts,
            "user_means_": row_means(by_user.indptr, by_user.values, mean),
            "item_means_": row_means(by_item.indptr, by_item.values, mean),
            "global_mean_": mean,
            "weighted_": bool(self.weighted),
        }

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        predicted = self._without_company(user_codes, item_codes)
        known = np.flatnonzero((user_codes >= 0) & (item_codes >= 0)).astype(np.int32)
        _, by_item = group_by_code(item_codes[known], len(self.item_vocabulary_))
        slope_one_pairs(known[by_item], user_codes, item_codes, *self._tables(), predicted)
        return predicted

    def _without_company(self, user_codes: Codes, item_codes: Codes) -> Float64:
        """The mean of whichever is known: the user, else the item, else all ratings."""
        item_means = np.where(item_codes < 0, self.global_mean_, self.item_means_[item_codes])
        means: Float64 = np.where(user_codes < 0, item_means, self.user_means_[user_codes])
        return means

    def _tables(self) -> tuple[Pointers, Codes, Float32, Float64, Float32, Float32, bool]:
        """What the kernels predict from."""
        return (*self.known_, self.user_means_, self.deviations_, self.counts_, self.weighted_)

    def _scorer(self) -> Scorer:
        item_means = self.item_means_.astype(np.float32)

        def scores(block: Codes) -> Float32:
            result = np.empty((block.size, item_means.size), np.float32)
            result[block < 0] = item_means
            slope_one_scores(block, *self._tables(), result)
            return result

        return scores

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        rated = slice(*self.known_.indptr[user_code : user_code + 2])
        items, ratings = self.known_.indices[rated], self.known_.values[rated]
        mean, counts = float(self.user_means_[user_code]), self.counts_[item_code, items].astype(np.float64)
        moved = self.deviations_[item_code, items].astype(np.float64)
        weights = counts if self.weighted_ else np.minimum(counts, 1.0)
        if self.weighted_:
            moved += ratings - mean
        shares = weights * moved / max(weights.sum(), 1.0)
        names = [f"rated {self.item_vocabulary_.decode_one(int(i))} {r:g}" for i, r in zip(items, ratings, strict=True)]
        return [("user mean", mean), *zip(names, map(float, shares), strict=True)]

    def _fold_in(self, rows: SparseRows) -> Learned:
        return {"user_means_": row_means(rows.indptr, rows.values, self.global_mean_)}


def _check_size(n_items: int) -> None:
    """Raise where the tables would be too large, before anything is allocated."""
    needed = 2 * np.dtype(np.float32).itemsize * n_items**2
    if needed > _MOST:
        most = int((_MOST / needed) ** 0.5 * n_items)
        message = (
            f"SlopeOne compares every item with every other: for {n_items:,} items that takes {needed / 2**30:.1f} GiB "
            f"of memory, and it takes up to {_MOST / 2**30:g} GiB ({most:,} items). Hint: leave out items of few "
            f"ratings, or choose a model that grows with the ratings alone, such as Baseline, ALS or FunkSVD."
        )
        raise DataError(message)
