"""Coordinates to look at a space by: its principal axes, turned further by varimax, or its factors as they are."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from foretaste._typing import Float64

Rotation: TypeAlias = Literal["principal", "varimax"] | None

_VARIMAX_ROUNDS = 500
_VARIMAX_TOLERANCE = 1e-9  # of each entry of the rotation


class Coordinates(NamedTuple):
    """Coordinates of a space.

    Attributes
    ----------
    names : tuple of str
        "component 1", "varimax 1" or "factor 1" and so on.
    centre : float64 array of shape (n_factors,)
        Where they are all 0: the mean of the items.
    basis : float64 array of shape (n_factors, n_coordinates)
        Orthonormal columns: the direction of each.
    shares : float64 array of shape (n_coordinates,)
        Share of the items' variance along each.
    """

    names: tuple[str, ...]
    centre: Float64
    basis: Float64
    shares: Float64

    @classmethod
    def of(cls, points: Float64, rotation: Rotation, n_coordinates: int | None) -> Coordinates:
        """The coordinates of some points, by default as many as they have factors."""
        n_factors = points.shape[1]
        count = min(n_factors, n_coordinates or n_factors)
        centre = points.mean(axis=0)
        centred = points - centre
        if rotation is None:
            basis, word = np.eye(n_factors)[:, :count], "factor"
        elif rotation == "principal":
            basis, word = principal_axes(centred)[:, :count], "component"
        else:
            leading = principal_axes(centred)[:, :count]
            basis, word = _ordered(centred, leading @ varimax(centred @ leading)), "varimax"
        variances, total = ((centred @ basis) ** 2).sum(axis=0), (centred**2).sum()
        names = tuple(f"{word} {number}" for number in range(1, count + 1))
        return cls(names, centre, basis, variances / (total if total > 0 else 1.0))


def principal_axes(centred: Float64) -> Float64:
    """Orthonormal columns, the direction of largest variance first, each towards its longer tail."""
    return _ordered(centred, np.linalg.eigh(centred.T @ centred)[1])


def _ordered(centred: Float64, axes: Float64) -> Float64:
    """Columns by the variance of the points along them; turned so that the sum of cubes is not negative."""
    places = centred @ axes
    order = np.argsort(-(places**2).sum(axis=0), kind="stable")
    signs = np.where((places**3).sum(axis=0) < 0, -1.0, 1.0)
    ordered: Float64 = (axes * signs)[:, order]
    return ordered


def varimax(loadings: Float64) -> Float64:
    r"""The rotation after which each item is large on few coordinates and small on the others.

    It looks for the maximum of the summed variances of squared coordinates,

    .. math:: V(R) = \sum_j \operatorname{var}_i\!\left(\ell_{ij}^2\right), \qquad L = A R, \quad R^\top R = I,

    from R = I by :math:`R \leftarrow U V^\top` with :math:`U \Sigma V^\top` the singular value decomposition of
    :math:`A^\top (L^{\circ 3} - L \operatorname{diag}(\overline{\ell_j^2}))`, until it stands still. It is a maximum
    among its neighbours, not for certain the highest. The rows are taken as they are, without Kaiser's division by
    their lengths, by which items that hardly anybody rated would weigh as much as any.

    Parameters
    ----------
    loadings : float64 array of shape (n, k)

    Returns
    -------
    float64 array of shape (k, k)
        R, orthogonal.

    References
    ----------
    H. F. Kaiser (1958). The varimax criterion for analytic rotation in factor analysis.
    """
    rotation = np.eye(loadings.shape[1])
    for _ in range(_VARIMAX_ROUNDS):
        before, turned = rotation, loadings @ rotation
        gradient = loadings.T @ (turned**3 - turned * (turned**2).mean(axis=0))
        left, _, right = np.linalg.svd(gradient)
        rotation = left @ right
        if np.abs(rotation - before).max() <= _VARIMAX_TOLERANCE:
            break
    return rotation
