"""`CoClustering`: users and items in clusters, and how each cluster of users rates each cluster of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64
from foretaste.exceptions import DataError
from foretaste.kernels.strict.co_clustering import best_clusters, count_cells
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms._whole import row_means, whole_ratings
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates, check_codes
from foretaste.surprise.trainset import Rows, Trainset
from foretaste.surprise.utils import get_rng

if TYPE_CHECKING:
    from foretaste import models

Integers = npt.NDArray[np.int64]


class CoClustering(BatchAlgo):
    r"""The level of a cluster of users and a cluster of items, moved by how user and item stand in their clusters.

    With g the cluster of the user and h that of the item,

    .. math:: \hat r_{ui} = C_{gh} + (m_u - A_g) + (m_i - B_h)

    where C, A and B are the mean ratings of the co-cluster, of the cluster of users and of that of items, or the mean
    of all ratings where there is none. In each epoch every user moves to the cluster that leaves the smallest sum of
    squared errors, and then every item. An unknown user or item is predicted by the mean of all ratings.

    As in Surprise all of it, but for the mean of all ratings, is learned from ratings without what stands behind the
    point: of half stars only the whole ones count. `foretaste.CoClustering` takes ratings as they are.

    Parameters
    ----------
    n_cltr_u, n_cltr_i : int
        Clusters of users and of items.
    n_epochs : int
    random_state : int, numpy.random.RandomState or None
        Draws the clusters to start from.
    verbose : bool
        Print the number of each epoch.

    Attributes
    ----------
    cltr_u, cltr_i : int arrays of shape (n_users,) and (n_items,)
        The g and the h.
    user_mean, item_mean : float64 arrays of shape (n_users,) and (n_items,)
    avg_cltr_u, avg_cltr_i : float64 arrays of shape (n_cltr_u,) and (n_cltr_i,)
        The A and the B.
    avg_cocltr : float64 array of shape (n_cltr_u, n_cltr_i)
        The C.

    References
    ----------
    George, Merugu 2005, "A scalable collaborative filtering framework based on co-clustering", section 3.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import CoClustering, Dataset, Reader
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> CoClustering(n_cltr_u=2, random_state=0).fit(data.build_full_trainset()).avg_cocltr.shape
    (2, 3)
    """

    cltr_u: Integers
    cltr_i: Integers
    user_mean: Float64
    item_mean: Float64
    avg_cltr_u: Float64
    avg_cltr_i: Float64
    avg_cocltr: Float64

    def __init__(
        self,
        n_cltr_u: int = 3,
        n_cltr_i: int = 3,
        n_epochs: int = 20,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__()
        self.n_cltr_u = n_cltr_u
        self.n_cltr_i = n_cltr_i
        self.n_epochs = n_epochs
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, trainset: Trainset) -> Self:
        """Move users and items between clusters, `n_epochs` times."""
        super().fit(trainset)
        rng = get_rng(self.random_state)
        cltr_u = rng.randint(self.n_cltr_u, size=trainset.n_users).astype(np.int64)
        cltr_i = rng.randint(self.n_cltr_i, size=trainset.n_items).astype(np.int64)
        by_user, by_item = trainset.rows()
        of_users, of_items = (rows._replace(values=whole_ratings(rows.values)) for rows in (by_user, by_item))
        means = np.array(row_means(of_users)), np.array(row_means(of_items))
        for epoch in range(self.n_epochs):
            if self.verbose:
                print(f"Processing epoch {epoch}")
            avg_cltr_u, avg_cltr_i, avg_cocltr = self._averages(of_users, cltr_u, cltr_i)
            levels = (avg_cocltr, avg_cltr_u, avg_cltr_i)
            best_clusters(*of_users, True, *means, cltr_i, *levels, cltr_u)  # noqa: FBT003  kernels take positions
            best_clusters(*of_items, False, *means, cltr_u, *levels, cltr_i)  # noqa: FBT003
        self.avg_cltr_u, self.avg_cltr_i, self.avg_cocltr = self._averages(of_users, cltr_u, cltr_i)
        self.cltr_u, self.cltr_i = cltr_u, cltr_i
        self.user_mean, self.item_mean = means
        return self

    def compute_averages(self, cltr_u: Integers, cltr_i: Integers) -> tuple[Float64, Float64, Float64]:
        """The mean ratings of the clusters of users, of those of items, and of the co-clusters.

        Parameters
        ----------
        cltr_u, cltr_i : int arrays of shape (n_users,) and (n_items,)
            The cluster of each user and of each item.
        """
        by_user, _ = self.trainset.rows()
        return self._averages(by_user._replace(values=whole_ratings(by_user.values)), cltr_u, cltr_i)

    def _averages(self, by_user: Rows, cltr_u: Integers, cltr_i: Integers) -> tuple[Float64, Float64, Float64]:
        shape = self.n_cltr_u, self.n_cltr_i
        n_members = by_user.indptr.size - 1, self.trainset.n_items
        if (cltr_u.size, cltr_i.size) != n_members:
            message = (
                f"'cltr_u' and 'cltr_i' must be the clusters of {n_members[0]} users and {n_members[1]} items, "
                f"got {cltr_u.size} and {cltr_i.size}."
            )
            raise DataError(message)
        check_codes(cltr_u, shape[0], "clusters of users")
        check_codes(cltr_i, shape[1], "clusters of items")
        counts, totals = np.zeros(shape, np.int64), np.zeros(shape)
        count_cells(*by_user, cltr_u, cltr_i, counts, totals)
        mean = self.trainset.global_mean

        def averages(total: Float64, count: Integers) -> Float64:
            found: Float64 = np.where(count > 0, total / np.maximum(count, 1), mean)
            return found

        return averages(totals.sum(1), counts.sum(1)), averages(totals.sum(0), counts.sum(0)), averages(totals, counts)

    def estimate(self, u: Any, i: Any) -> Any:  # noqa: ANN401  as in `BatchAlgo`
        """The rating of a pair of inner ids: what `_estimates` gives, without the arrays."""
        if not (self.trainset.knows_user(u) and self.trainset.knows_item(i)):
            return self.trainset.global_mean
        g, h = self.cltr_u[u], self.cltr_i[i]
        value = self.avg_cocltr[g, h] + self.user_mean[u] - self.avg_cltr_u[g] + self.item_mean[i] - self.avg_cltr_i[h]
        return float(value)

    def _estimates(self, users: Codes, items: Codes) -> Estimates:
        g, h = self.cltr_u[users], self.cltr_i[items]
        # from left to right
        values = (
            self.avg_cocltr[g, h]
            + self.user_mean[users]
            - self.avg_cltr_u[g]
            + self.item_mean[items]
            - self.avg_cltr_i[h]
        )
        known = (users >= 0) & (items >= 0)
        return Estimates(np.where(known, values, self.trainset.global_mean), plain=known)

    def _native(self) -> models.CoClustering:
        from foretaste import models  # noqa: PLC0415  they take seconds to import, and few programs ask for one

        shape = self.avg_cocltr.shape
        return fitted(
            models.CoClustering(
                n_user_clusters=self.n_cltr_u, n_item_clusters=self.n_cltr_i, n_epochs=max(self.n_epochs, 1)
            ),
            self.trainset,
            user_clusters_=self.cltr_u.astype(np.int32),
            item_clusters_=self.cltr_i.astype(np.int32),
            cocluster_means_=self.avg_cocltr,
            cocluster_user_means_=np.broadcast_to(self.avg_cltr_u[:, None], shape).copy(),
            cocluster_item_means_=np.broadcast_to(self.avg_cltr_i, shape).copy(),
            user_means_=self.user_mean,
            item_means_=self.item_mean,
            global_mean_=float(self.trainset.global_mean),
        )
