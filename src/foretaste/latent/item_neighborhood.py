"""Who is near an item: by distance, by angle and by dot product, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from foretaste._typing import Float64, Frame, Id, RandomState
from foretaste.data.frames import make_frame
from foretaste.data.vocabulary import Column
from foretaste.exceptions import DataError
from foretaste.latent._nearest import MEASURES, Measure, nearest_codes, nearness
from foretaste.latent._vectors import codes_of, vectors_of
from foretaste.models import Recommender
from foretaste.utils.random import generator
from foretaste.utils.threads import workers
from foretaste.utils.validation import Int, check_parameters

_NAMES: dict[Measure, str] = {"euclidean": "distance", "cosine": "cosine", "dot": "dot"}
# How many times as often as an item of the middle a hub is among the nearest of others.
_HUB = 5


@dataclass(frozen=True, eq=False, repr=False)
class Neighborhood:
    """The items nearest to one, by each of the measures "euclidean", "cosine" and "dot".

    Attributes
    ----------
    item : id
    items : dict of columns of ids
        By measure, the nearest first; never the item itself.
    values : dict of float64 arrays
        By measure: the distance (smaller is nearer), the cosine of the angle, the dot product (larger is nearer).
    length : float
        Of the item's vector, in multiples of the median length of all: the dot product favours the long.
    occurrences : dict of int
        By measure: among the nearest of how many of `n_asked` other items it is.
    expected : float
        Among the nearest of how many it would be if none were favoured.
    n_asked : int
    """

    item: Id
    items: Mapping[Measure, Column]
    values: Mapping[Measure, Float64]
    length: float
    occurrences: Mapping[Measure, int]
    expected: float
    n_asked: int
    _kind: str = field(default="polars")

    def __repr__(self) -> str:
        return f"Neighborhood({self.item!r}, {len(self.items['cosine'])} nearest by {', '.join(MEASURES)})"

    @property
    def overlaps(self) -> dict[tuple[Measure, Measure], float]:
        """For each two measures, the share of the nearest that both name."""
        sets = {measure: set(column) for measure, column in self.items.items()}
        return {
            (one, other): len(sets[one] & sets[other]) / max(len(sets[one]), 1)
            for one, other in combinations(MEASURES, 2)
        }

    @property
    def hub(self) -> dict[Measure, bool]:
        """By measure: whether the item is among the nearest of five times as many items as expected."""
        return {measure: count >= _HUB * self.expected for measure, count in self.occurrences.items()}

    def to_frame(self) -> Frame:
        """The three lists side by side.

        Returns
        -------
        frame with columns rank, by_distance, distance, by_cosine, cosine, by_dot, dot
        """
        columns: dict[str, object] = {"rank": np.arange(1, len(self.items["cosine"]) + 1)}
        for measure, name in _NAMES.items():
            columns |= {f"by_{name}": self.items[measure], name: self.values[measure]}
        return make_frame(columns, self._kind)


def neighborhood(
    model: Recommender, item: Id, n: int = 10, *, n_asked: int = 2000, random_state: RandomState = 0
) -> Neighborhood:
    r"""The n items nearest to one by Euclidean distance, cosine and dot product, side by side.

    With :math:`q_i` the factors of an item, these are :math:`\lVert q_i - q_j \rVert`, :math:`q_i \cdot q_j / \lVert
    q_i \rVert \lVert q_j \rVert` and :math:`q_i \cdot q_j`. They differ by the lengths of vectors, and popularity hides
    in lengths: what many have rated lies further out. The cosine does not see it; the distance holds it against an item
    that its counterpart is longer or shorter; the dot product, by which a model scores items for users, is no distance
    at all: an item need not be its own nearest, and long vectors are near everything. Where the lists agree, the
    likeness does not hang on the choice.

    Some items, hubs, are among the nearest of very many others (see `geometry`). To see whether the item is one, the
    nearest of all items are looked up, or of a sample of `n_asked`.

    Parameters
    ----------
    model : fitted model with factors of items
    item : id
    n : int
        Length of the lists; fewer where the model knows fewer items.
    n_asked : int
        Largest number of items that are asked for their nearest.
    random_state : int, Generator, RandomState or None
        Draws the sample.

    Returns
    -------
    Neighborhood

    Raises
    ------
    UnknownIdError
        The model does not know the item.
    NotFittedError
    UnsupportedError
        The model has no factors of items.
    DataError
        It knows of no other item.

    References
    ----------
    M. Radovanovic, A. Nanopoulos and M. Ivanovic (2010). Hubs in space: popular nearest neighbors in high-dimensional
    data.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> near = neighborhood(model, "bts", n=2)
    >>> near.to_frame().columns
    ['rank', 'by_distance', 'distance', 'by_cosine', 'cosine', 'by_dot', 'dot']
    """
    check_parameters("neighborhood", {"n": n, "n_asked": n_asked}, {"n": Int(1), "n_asked": Int(1)})
    vectors = vectors_of(model, "item", "neighborhood")
    vocabulary = model.item_vocabulary_
    code = int(codes_of(vocabulary, [item], "neighborhood")[0])
    n_others = len(vectors) - 1
    if not n_others:
        message = "neighborhood needs another item beside this one; the model knows one alone."
        raise DataError(message)
    n = min(n, n_others)
    items, values, occurrences = {}, {}, {}
    others = np.delete(np.arange(len(vectors), dtype=np.int32), code)
    asked = others if n_others <= n_asked else np.sort(generator(random_state).choice(others, n_asked, replace=False))
    for measure in MEASURES:
        with workers(None):  # BLAS on one thread: the same bits
            near = nearness(vectors, code, measure)
        order = np.argsort(-near, kind="stable")
        order = order[order != code][:n]
        items[measure] = vocabulary.decode(order)
        values[measure] = -near[order] if measure == "euclidean" else near[order]
        occurrences[measure] = int((nearest_codes(vectors, asked, n, measure) == code).any(axis=1).sum())
    lengths = np.linalg.norm(vectors, axis=1)
    return Neighborhood(
        item=item,
        items=items,
        values=values,
        length=float(lengths[code] / (np.median(lengths) or 1.0)),
        occurrences=occurrences,
        expected=n * asked.size / n_others,
        n_asked=int(asked.size),
        _kind=model.kind_,
    )
