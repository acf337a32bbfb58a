"""How far neighbours on a map are neighbours in the space it was drawn from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foretaste._typing import Float64
from foretaste.utils.threads import workers

# Items that are asked for their neighbours; each answers with all items in view. So many give a share to about a
# hundredth, and a hundred thousand items still take no more than a second or two.
_MOST_ASKED = 2_000
_PAIRS = 20_000_000
_BLOCK = 1_000_000  # distances at a time


class Faithfulness(NamedTuple):
    """Averages over the items that were asked; NaN where there are too few items.

    Attributes
    ----------
    trustworthiness, continuity : float
        1 where no neighbour is false, or missed; 0.5, more or less, where places have nothing to do with the space.
    neighbors_kept : float
        Share of the neighbours on the map that are neighbours in the space.
    n_asked : int
    """

    trustworthiness: float
    continuity: float
    neighbors_kept: float
    n_asked: int


def faithfulness(space: Float64, points: Float64, k: int, rng: np.random.Generator) -> Faithfulness:
    r"""Trustworthiness, continuity and neighbours kept of a map of points, by Euclid.

    .. math:: T_k = 1 - \frac{2}{n k (2n - 3k - 1)} \sum_i \sum_{j \in U_i} \bigl(r(i, j) - k\bigr)

    where :math:`U_i` are those of the k nearest on the map that are not among the k nearest in the space, and
    :math:`r(i, j)` is the rank of j among the neighbours of i in the space. Continuity is the same with map and space
    exchanged. All items are neighbours; if there are many, only some are asked for theirs.

    Parameters
    ----------
    space : float64 array of shape (n_items, n_factors)
    points : float64 array of shape (n_items, 2)
    k : int
        Less than half the number of items.
    rng : Generator
        Draws who is asked.

    References
    ----------
    J. Venna and S. Kaski (2001). Neighborhood preservation in nonlinear projection methods: an experimental study,
    section 3.
    """
    n = len(space)
    if k < 1:
        return Faithfulness(np.nan, np.nan, np.nan, 0)
    n_asked = min(n, _MOST_ASKED, max(1, _PAIRS // n))
    asked = np.arange(n) if n_asked == n else np.sort(rng.choice(n, n_asked, replace=False))
    false = missed = kept = 0
    size = max(1, _BLOCK // n)
    cloud, flat = _Cloud.of(space), _Cloud.of(points)
    with workers(None):  # so that sums are added in one order
        for start in range(0, n_asked, size):
            block = asked[start : start + size]
            in_space, on_map = cloud.distances(block), flat.distances(block)
            near_in_space = np.argpartition(in_space, k - 1, axis=1)[:, :k]
            near_on_map = np.argpartition(on_map, k - 1, axis=1)[:, :k]
            excess = _ranks(in_space, near_on_map) - k
            false += int(excess[excess > 0].sum())
            kept += int((excess <= 0).sum())
            excess = _ranks(on_map, near_in_space) - k
            missed += int(excess[excess > 0].sum())
    worst = n_asked * k * (2 * n - 3 * k - 1) / 2
    return Faithfulness(1 - false / worst, 1 - missed / worst, kept / (n_asked * k), n_asked)


class _Cloud(NamedTuple):
    """Points around their mean, since small numbers lose less when squares are subtracted, and their squares."""

    points: Float64
    squares: Float64

    @classmethod
    def of(cls, points: Float64) -> _Cloud:
        centred = points - points.mean(axis=0)
        return cls(centred, np.einsum("nk,nk->n", centred, centred))

    def distances(self, block: npt.NDArray[np.int64]) -> Float64:
        """Squared distances of some points from all, a row each; from itself a point is infinitely far."""
        distances: Float64 = self.points[block] @ self.points.T
        distances *= -2
        distances += self.squares
        distances += self.squares[block, None]
        distances[np.arange(block.size), block] = np.inf
        return distances


def _ranks(distances: Float64, chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Which nearest, from 1, some columns are in each row; equals share the lowest rank."""
    ranks = np.empty(chosen.shape, np.int64)
    own = np.take_along_axis(distances, chosen, axis=1)
    for place in range(chosen.shape[1]):
        ranks[:, place] = 1 + np.count_nonzero(distances < own[:, place, None], axis=1)
    return ranks
