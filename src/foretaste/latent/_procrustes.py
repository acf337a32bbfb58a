"""How one cloud of points is turned, shifted and, if wanted, scaled onto another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foretaste._typing import Float64


class Alignment(NamedTuple):
    """A way from one space to another that keeps angles and the ratios of distances.

    Attributes
    ----------
    rotation : float64 array of shape (n_dimensions, n_dimensions)
        Orthogonal; it may mirror.
    scale : float
        What distances are multiplied by; 1 unless scaling was asked for.
    centre, target_centre : float64 arrays of shape (n_dimensions,)
        The mean of the points it was found on, and where it comes to lie.
    """

    rotation: Float64
    scale: float
    centre: Float64
    target_centre: Float64

    def move(self, points: Float64) -> Float64:
        """Points of the first space in the second: scale (x - centre) rotation + target centre."""
        moved: Float64 = self.scale * (points - self.centre) @ self.rotation + self.target_centre
        return moved

    def turn(self, directions: Float64) -> Float64:
        """Directions of the first space in the second: turned alone, neither shifted nor scaled."""
        turned: Float64 = directions @ self.rotation
        return turned


def procrustes(source: Float64, target: Float64, *, scaling: bool = False) -> Alignment:
    r"""The alignment that brings points as near as it can to others, row by row.

    .. math:: \min_{R^\top R = I,\, s,\, t} \sum_i \lVert s (x_i - \bar x) R + t - y_i \rVert^2

    With :math:`U \Sigma V^\top` the singular value decomposition of :math:`(X - \bar x)^\top (Y - \bar y)`, the answer
    is :math:`R = U V^\top`, :math:`t = \bar y` and :math:`s = \operatorname{tr} \Sigma / \lVert X - \bar x \rVert^2`,
    or 1 without scaling. Mirror images are allowed, since a factorisation has no handedness.

    Parameters
    ----------
    source, target : float64 arrays of shape (n_points, n_dimensions)
        Rows belong together. At least one.
    scaling : bool
        Whether distances may shrink or grow. Note that a best scale tends to 0 where the two have nothing in common.

    Returns
    -------
    Alignment

    References
    ----------
    P. H. Schönemann (1966). A generalized solution of the orthogonal Procrustes problem. P. H. Schönemann and
    R. M. Carroll (1970). Fitting one matrix to another under choice of a central dilation and a rigid motion.
    """
    centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    centred = source - centre
    left, values, right = np.linalg.svd(centred.T @ (target - target_centre))
    size = float((centred**2).sum())
    scale = float(values.sum()) / size if scaling and size > 0 else 1.0
    return Alignment(left @ right, scale, centre, target_centre)
