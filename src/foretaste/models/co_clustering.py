"""`CoClustering`: users and items in groups, and how each group of users rates each group of items."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Into, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.biases import row_means
from foretaste.kernels.co_clustering import cell_sums, move_rows
from foretaste.models._base import Recommender
from foretaste.models._ranking import Scorer
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.validation import Int


class CoClustering(Recommender):
    r"""Users and items in clusters, and a level for every pair of a cluster of users and a cluster of items.

    With g the cluster of the user and h that of the item,

    .. math:: \hat r_{ui} = C_{gh} + (m_u - A_{gh}) + (m_i - B_{gh})

    where :math:`m_u` and :math:`m_i` are the means of the user's and the item's ratings, and C, A and B the means over
    the ratings in the co-cluster (g, h): of the ratings themselves, of their users' means and of their items' means.
    The clusters are chosen to minimise

    .. math:: \sum_{(u,i)} (r_{ui} - \hat r_{ui})^2

    from a random start: all users move to their best cluster, then all items, then C, A and B are taken anew, until
    nobody moves. No epoch raises the error: each of the three steps makes it as small as it alone can. Where every
    user has rated every item, A and B are the means of the clusters of users and of items, as in the source; where
    ratings are missing, those leave a larger error, which may rise from epoch to epoch.

    A co-cluster without ratings, so also an empty cluster, stands at the mean of all ratings: there the prediction is
    :math:`m_u + m_i - \mu`. Of an unknown user or item, :math:`m_i` or :math:`m_u` is all that is known.

    Parameters
    ----------
    n_user_clusters, n_item_clusters : int
    n_epochs : int
        Ceiling for the rounds.
    random_state : int, generator or None
        Decides the start, and with it where the search ends.

    Attributes
    ----------
    user_clusters_, item_clusters_ : int32 arrays of shape (n_users,) and (n_items,)
        The g and the h, from 0.
    cocluster_means_, cocluster_user_means_, cocluster_item_means_ : float64 arrays, (n_user_clusters, n_item_clusters)
        The C, A and B.
    user_means_, item_means_ : float64 arrays of shape (n_users,) and (n_items,)
    global_mean_ : float

    References
    ----------
    George, Merugu 2005, "A scalable collaborative filtering framework based on co-clustering", section 3.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.CoClustering(n_user_clusters=2, n_item_clusters=2, random_state=0).fit(ft.datasets.albums())
    >>> model.explain("diego", "zhou-shen")["term"].to_list()
    ['co-cluster', 'user against the co-cluster', 'item against the co-cluster']
    """

    _constraints: ClassVar = {"n_user_clusters": Int(1), "n_item_clusters": Int(1), "n_epochs": Int(1)}

    user_clusters_: Annotated[Codes, "users", Into("user clusters")]
    item_clusters_: Annotated[Codes, "items", Into("item clusters")]
    cocluster_means_: Annotated[Float64, "user clusters", "item clusters"]
    cocluster_user_means_: Annotated[Float64, "user clusters", "item clusters"]
    cocluster_item_means_: Annotated[Float64, "user clusters", "item clusters"]
    user_means_: Annotated[Float64, "users"]
    item_means_: Annotated[Float64, "items"]
    global_mean_: float

    def __init__(
        self,
        *,
        n_user_clusters: int = 3,
        n_item_clusters: int = 3,
        n_epochs: int = 100,
        random_state: RandomState = None,
    ) -> None:
        self.n_user_clusters = n_user_clusters
        self.n_item_clusters = n_item_clusters
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        mean = float(interactions.require_ratings("CoClustering").mean(dtype=np.float64))
        by_user, by_item = interactions.by_user(), interactions.by_item()
        m_u, m_i = (row_means(rows.indptr, rows.values, mean) for rows in (by_user, by_item))
        above = m_i - mean  # so that what is left of a rating is small, and its square exact
        rng = generator(self.random_state)
        g = rng.integers(self.n_user_clusters, size=m_u.size, dtype=np.int32)
        h = rng.integers(self.n_item_clusters, size=m_i.size, dtype=np.int32)
        sums = np.empty((self.n_user_clusters, self.n_item_clusters, 4))
        cell_sums(*by_user, m_u, above, g, h, sums)
        theta = _theta(*_averages(sums, mean))

        def predict(u: Codes, i: Codes) -> Float64:
            predicted: Float64 = m_u[u] + above[i] + theta[g[u], h[i]]
            return predicted

        for _ in training:
            moved = move_rows(*by_user, m_u, above, h, theta, g)
            moved += move_rows(*by_item, above, m_u, g, np.ascontiguousarray(theta.T), h)
            squares = cell_sums(*by_user, m_u, above, g, h, sums)
            theta = _theta(*_averages(sums, mean))
            loss = squares - (sums[..., 0] * theta**2).sum()
            training.report(float(np.sqrt(max(loss, 0.0) / len(interactions))), predict)
            if not moved:
                break
        ratings, user_part, item_part = _averages(sums, mean)
        return {
            "user_clusters_": g,
            "item_clusters_": h,
            "cocluster_means_": ratings,
            "cocluster_user_means_": user_part,
            "cocluster_item_means_": item_part + mean,
            "user_means_": m_u,
            "item_means_": m_i,
            "global_mean_": mean,
        }

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        level = self._levels()[self.user_clusters_[user_codes], self.item_clusters_[item_codes]]
        user_means = np.where(user_codes < 0, self.global_mean_, self.user_means_[user_codes])
        item_means = np.where(item_codes < 0, self.global_mean_, self.item_means_[item_codes])
        together = user_means + item_means
        # with one of the two unknown the other's mean is all there is
        predicted: Float64 = together + np.where((user_codes < 0) | (item_codes < 0), -self.global_mean_, level)
        return predicted

    def _levels(self) -> Float64:
        """What a co-cluster adds to the means of user and item."""
        return _theta(self.cocluster_means_, self.cocluster_user_means_, self.cocluster_item_means_)

    def _scorer(self) -> Scorer:
        # a row of scores for each cluster of users, and one more, the last, for somebody unknown
        of_cluster = self._levels()[:, self.item_clusters_] + self.item_means_
        table = np.vstack([of_cluster, self.item_means_]).astype(np.float32)

        def scores(block: Codes) -> Float32:
            unknown = block < 0
            result: Float32 = table[np.where(unknown, -1, self.user_clusters_[block])]
            result += np.where(unknown, 0.0, self.user_means_[block]).astype(np.float32)[:, None]
            return result

        return scores

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        cell = self.user_clusters_[user_code], self.item_clusters_[item_code]
        user_part = self.user_means_[user_code] - self.cocluster_user_means_[cell]
        item_part = self.item_means_[item_code] - self.cocluster_item_means_[cell]
        return [
            ("co-cluster", float(self.cocluster_means_[cell])),
            ("user against the co-cluster", float(user_part)),
            ("item against the co-cluster", float(item_part)),
        ]

    def _fold_in(self, rows: SparseRows) -> Learned:
        means = row_means(rows.indptr, rows.values, self.global_mean_)
        clusters = np.zeros(means.size, np.int32)
        move_rows(*rows, means, self.item_means_, self.item_clusters_, self._levels(), clusters)
        return {"user_means_": means, "user_clusters_": clusters}


def _averages(sums: Float64, mean: float) -> tuple[Float64, Float64, Float64]:
    """C, A, and B less the mean of all ratings, from the sums of `cell_sums`."""
    counts, ratings, user_part, item_part = np.moveaxis(sums, -1, 0)
    filled, divisor = counts > 0, np.maximum(counts, 1)
    return (
        np.where(filled, ratings / divisor, mean),
        np.where(filled, user_part / divisor, mean),
        np.where(filled, item_part / divisor, 0.0),
    )


def _theta(ratings: Float64, user_part: Float64, item_part: Float64) -> Float64:
    """What a co-cluster leaves when the means of its users and items are taken away."""
    return ratings - user_part - item_part
