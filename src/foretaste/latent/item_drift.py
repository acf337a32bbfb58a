"""What moved between two trained models."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from foretaste._typing import Codes, Float64, Frame
from foretaste.data.frames import make_frame
from foretaste.data.vocabulary import Column
from foretaste.exceptions import DataError
from foretaste.latent._nearest import nearest_codes
from foretaste.latent._procrustes import procrustes
from foretaste.latent._vectors import vectors_of
from foretaste.models import Recommender
from foretaste.utils.threads import workers
from foretaste.utils.validation import Int, check_parameters


@dataclass(frozen=True, eq=False, repr=False)
class Drift:
    """How items moved from one space to another, after the two were laid upon each other.

    Attributes
    ----------
    items : column of ids
        Those that both models know, in the order of the new one.
    moved : float64 array of shape (n_items,)
        How far each moved, in units of the spread: the root mean square distance of these items from their mean.
        With nothing in common it would be 1.4; turning one space onto the other takes a little off
        by chance, more of it the more factors and the fewer items.
    kept : float64 array of shape (n_items,)
        Of the items among its nearest in either space, the share that is in both (Jaccard); 1 if they are the same.
    agreement : float
        Procrustes correlation of the two spaces: 1 if they are the same but for turning, shift and scale.
    scale : float
        Spread in the new space by spread in the old one.
    new, gone : columns of ids
        Items that only the new model knows, and only the old one.
    n_neighbors : int
        How many nearest items were compared.
    """

    items: Column
    moved: Float64
    kept: Float64
    agreement: float
    scale: float
    new: Column
    gone: Column
    n_neighbors: int
    _kind: str = field(default="polars")

    def __repr__(self) -> str:
        return (
            f"Drift({len(self.items)} items moved by {np.median(self.moved):.2f} (median), kept "
            f"{np.mean(self.kept):.0%} of their neighbours; {len(self.new)} new, {len(self.gone)} gone)"
        )

    def to_frame(self) -> Frame:
        """The items that both models know, those that moved furthest first.

        Returns
        -------
        frame with columns item, moved, kept
        """
        order = np.argsort(-self.moved, kind="stable")
        columns = {"item": self.items[order], "moved": self.moved[order], "kept": self.kept[order]}
        return make_frame(columns, self._kind)


def drift(old: Recommender, new: Recommender, *, n_neighbors: int = 10) -> Drift:
    r"""What moved between two models: the item space of one laid upon that of the other.

    Two fits of one model differ by a rotation at least, so that their factors cannot be compared as they are. Here X
    and Y, the factors of the items that both know, are measured from their means and divided by their spreads
    :math:`\lVert X \rVert / \sqrt{n}` (of different numbers of factors the shorter are filled up with zeros); then the
    orthogonal matrix is found that brings them nearest to each other, mirror images included. The distance of an item
    from itself is how far it moved; the sum of singular values of :math:`X^\top Y / n` is the agreement :math:`\rho`,
    and the mean of squared distances is :math:`2 (1 - \rho)`.

    Some of it always moves: the seed alone turns what the ratings leave open. How much is the yardstick, and belongs
    beside every figure: ``drift(model, clone(model).set_params(random_state=1).fit(ratings))``. On MovieLens 100K,
    between seeds 0 and 1 and otherwise by default:

    ==========================  =========  ==============  =============
    model                       agreement  moved (median)  kept (mean)
    ==========================  =========  ==============  =============
    ``ALS(50)``                 0.95       0.30            63 %
    ``FunkSVD(50)``             0.88       0.43            34 %
    ``ImplicitALS(32)``         0.99       0.11            81 %
    ==========================  =========  ==============  =============

    Only what exceeds this was moved by new ratings or by other settings. Neighbours need no alignment, so that `kept`
    is the figure to trust where the agreement is low. All pairs of items are compared for it, exactly: a second for
    10,000 items, about a minute for 100,000.

    Parameters
    ----------
    old, new : fitted models with factors of items
        Of any kinds.
    n_neighbors : int
        Nearest items, by distance among those that both know, that are compared.

    Returns
    -------
    Drift

    Raises
    ------
    DataError
        They share fewer than three items.
    NotFittedError
    UnsupportedError
        A model has no factors of items.

    References
    ----------
    P. H. Schönemann (1966). A generalized solution of the orthogonal Procrustes problem.

    Examples
    --------
    >>> import foretaste as ft
    >>> one, other = (ft.ALS(n_factors=2, random_state=seed).fit(ft.datasets.albums()) for seed in (0, 1))
    >>> drift(one, other)
    Drift(5 items moved by 0.00 (median), kept 100% of their neighbours; 0 new, 0 gone)
    """
    check_parameters("drift", {"n_neighbors": n_neighbors}, {"n_neighbors": Int(1)})
    before, after = vectors_of(old, "item", "drift"), vectors_of(new, "item", "drift")
    of_old: Codes = old.item_vocabulary_.encode(new.item_vocabulary_.ids)
    in_new = np.flatnonzero(of_old >= 0)
    if in_new.size < 3:  # noqa: PLR2004  two points can always be laid upon two others
        message = f"drift compares items that both models know, at least 3; these share {in_new.size}."
        raise DataError(message)
    width = max(before.shape[1], after.shape[1])
    source, new_spread = _measured(after[in_new], width)
    target, old_spread = _measured(before[of_old[in_new]], width)
    with workers(None):  # BLAS on one thread: the same bits
        laid = procrustes(source, target).move(source)
    n = min(n_neighbors, in_new.size - 1)
    everybody = np.arange(in_new.size, dtype=np.int32)
    lists = [nearest_codes(points, everybody, n, "euclidean") for points in (target, source)]
    gone = np.setdiff1d(np.arange(len(before)), of_old)
    return Drift(
        items=new.item_vocabulary_.decode(in_new),
        moved=np.linalg.norm(laid - target, axis=1),
        kept=_jaccard(*lists),
        agreement=float((laid * target).sum() / in_new.size),
        scale=new_spread / old_spread if old_spread > 0 else np.nan,
        new=new.item_vocabulary_.decode(np.flatnonzero(of_old < 0)),
        gone=old.item_vocabulary_.decode(gone),
        n_neighbors=n,
        _kind=new.kind_,
    )


def _measured(points: Float64, width: int) -> tuple[Float64, float]:
    """Points from their mean in units of their spread, with zeros up to a width; and the spread."""
    centred = points - points.mean(axis=0)
    spread = float(np.sqrt((centred**2).sum() / len(points)))
    return np.pad(centred / (spread or 1.0), ((0, 0), (0, width - points.shape[1]))), spread


def _jaccard(one: Codes, other: Codes) -> Float64:
    """Row by row, how many of the distinct codes are in both; all are in [0, n)."""
    both = np.sort(np.hstack((one, other)), axis=1)
    shared = (both[:, 1:] == both[:, :-1]).sum(axis=1)
    shares: Float64 = shared / (both.shape[1] - shared)
    return shares
