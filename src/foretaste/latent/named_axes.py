"""Which direction of a space stands for which attribute, and what lies at the ends of its coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretaste._typing import Float64, Frame, Id, Mask, RandomState
from foretaste.data.features import ItemFeatures
from foretaste.data.frames import make_frame
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.latent._attributes import Attributes
from foretaste.latent._coordinates import Coordinates, Rotation
from foretaste.latent._poles import Pole, poles_of
from foretaste.latent._regression import (
    CrossValidation,
    corrected_p_values,
    penalty,
    permutation_p_values,
    permuted_scores,
    standardised,
)
from foretaste.latent._vectors import codes_of, vectors_of
from foretaste.models import Recommender
from foretaste.utils.random import generator
from foretaste.utils.threads import workers
from foretaste.utils.validation import BOOL, Float, Int, OneOf, OrNone, check_parameters

# Items at an end of a coordinate, unless asked otherwise: a twentieth, but enough for a test to see something.
_EXTREME_SHARE, _FEWEST_EXTREME = 20, 20
_SAME = 1e-7  # of the largest factor: what single precision cannot tell apart


@dataclass(frozen=True, eq=False, repr=False)
class NamedAxes:
    """Attributes as directions of a space, and coordinates of the space with names for their ends.

    Attributes
    ----------
    items : Vocabulary
        All items of the model, in its order.
    n_described : int
        How many of them the attributes describe; what is found was found on these.
    attributes : tuple of str
        As `ItemFeatures` calls them: "year", "genres=Comedy"; and "popularity".
    words : tuple of str
        The same for a reader: "year", "Comedy".
    binary : bool array of shape (n_attributes,)
        Whether an item has it or not, rather than how much.
    n_items : int64 array of shape (n_attributes,)
        Items that have it; of a number, for which it is known.
    scores : float64 array of shape (n_attributes,)
        Cross-validated R squared: 1 if places told the attribute exactly, 0 or below if they tell nothing.
    auc : float64 array of shape (n_attributes,)
        Chance that of two items, one with the attribute and one without, the first is placed further along its
        direction (cross-validated, and two of one fold); NaN for numbers.
    p_values, corrected : float64 arrays of shape (n_attributes,)
        By permutation; and corrected for all attributes.
    directions : float64 array of shape (n_attributes, n_factors)
        Of length 1, in the space of the factors; towards more of the attribute.
    positions : float64 array of shape (n_items, n_attributes)
        How far each item lies along each direction from the mean of all items, in units of the factors.
    coordinates : tuple of str
        "component 1" (principal axes), "varimax 1" or "factor 1", and so on.
    basis : float64 array of shape (n_factors, n_coordinates)
        Orthonormal columns: the direction of each coordinate.
    shares : float64 array of shape (n_coordinates,)
        Share of the items' variance along each.
    places : float64 array of shape (n_items, n_coordinates)
        The coordinates of each item, from the mean of all items.
    poles : tuple of Pole
        Two for each coordinate, the low end first.
    alpha : float
        The corrected p-value up to which something counts as found.
    """

    items: Vocabulary
    n_described: int
    attributes: tuple[str, ...]
    words: tuple[str, ...]
    binary: Mask
    n_items: np.ndarray[Any, np.dtype[np.int64]]
    scores: Float64
    auc: Float64
    p_values: Float64
    corrected: Float64
    directions: Float64
    positions: Float64
    coordinates: tuple[str, ...]
    basis: Float64
    shares: Float64
    places: Float64
    poles: tuple[Pole, ...]
    alpha: float
    _kind: str = field(default="polars")

    def __repr__(self) -> str:
        return (
            f"NamedAxes({self.found.sum()} of {len(self.attributes)} attributes found, "
            f"{len(self.coordinates)} coordinates, {self.n_described} items)"
        )

    @property
    def found(self) -> Mask:
        """Of the attributes: whether places tell something of it (score above 0) and chance does not explain that."""
        return (self.corrected <= self.alpha) & (self.scores > 0)

    def to_frame(self) -> Frame:
        """The attributes, the best score first.

        Returns
        -------
        frame with columns attribute, kind ("yes or no" or "number"), n_items, score, auc, p_value, corrected, found
        """
        order = np.argsort(-self.scores, kind="stable")
        columns = {
            "attribute": [self.attributes[place] for place in order],
            "kind": ["yes or no" if self.binary[place] else "number" for place in order],
            "n_items": self.n_items[order],
            "score": self.scores[order],
            "auc": self.auc[order],
            "p_value": self.p_values[order],
            "corrected": self.corrected[order],
            "found": self.found[order],
        }
        return make_frame(columns, self._kind)

    def poles_to_frame(self) -> Frame:
        """The ends of the coordinates, in their order.

        Returns
        -------
        frame with columns coordinate, share, end, name
        """
        shares = dict(zip(self.coordinates, self.shares, strict=True))
        columns = {
            "coordinate": [pole.coordinate for pole in self.poles],
            "share": np.array([shares[pole.coordinate] for pole in self.poles]),
            "end": [pole.end for pole in self.poles],
            "name": [pole.name for pole in self.poles],
        }
        return make_frame(columns, self._kind)

    def extremes_to_frame(self, n: int = 5) -> Frame:
        """The n outermost items at each end.

        Returns
        -------
        frame with columns coordinate, end, name, rank (from 1, the outermost), item, value
        """
        check_parameters("extremes_to_frame", {"n": n}, {"n": Int(1)})
        counts = [min(n, len(pole.items)) for pole in self.poles]
        columns = {
            "coordinate": np.repeat([pole.coordinate for pole in self.poles], counts),
            "end": np.repeat([pole.end for pole in self.poles], counts),
            "name": np.repeat([pole.name for pole in self.poles], counts),
            "rank": np.concatenate([np.arange(1, count + 1) for count in counts]),
            "item": self.items.decode(np.concatenate([self.items.encode(pole.items[:n]) for pole in self.poles])),
            "value": np.concatenate([pole.values[:n] for pole in self.poles]),
        }
        return make_frame(columns, self._kind)

    def along(self, attribute: str, items: Iterable[Id] | None = None) -> Frame:
        """How far items lie along the direction of an attribute.

        Parameters
        ----------
        attribute : str
            As in `attributes`, or as in `words` where that is clear.
        items : ids, optional
            By default all.

        Returns
        -------
        frame with columns item, position (units of the factors), z (standard deviations of all items)
            The furthest first.

        Raises
        ------
        InvalidParameterError
            There is no such attribute.
        UnknownIdError
            The model does not know an item.
        """
        place = self._place(attribute)
        codes = np.arange(len(self.items)) if items is None else codes_of(self.items, items, "along")
        every = self.positions[:, place]
        codes = codes[np.argsort(-every[codes], kind="stable")]
        columns = {
            "item": self.items.decode(codes),
            "position": every[codes],
            "z": every[codes] / (every.std() or 1.0),
        }
        return make_frame(columns, self._kind)

    def _place(self, attribute: str) -> int:
        for names in (self.attributes, self.words):
            if attribute in names:
                return names.index(attribute)
        message = f"'attribute' must be one of {', '.join(map(repr, self.attributes))}, got {attribute!r}."
        raise InvalidParameterError(message)


def axes(  # noqa: PLR0913  keyword-only, each with a default
    model: Recommender,
    attributes: ItemFeatures | Frame,
    *,
    rotation: Rotation = "principal",
    n_coordinates: int | None = 10,
    popularity: bool = True,
    n_permutations: int = 999,
    n_folds: int = 5,
    n_extreme: int | None = None,
    min_items: int = 10,
    alpha: float = 0.05,
    random_state: RandomState = 0,
) -> NamedAxes:
    r"""Which direction of a model's item space stands for which attribute, and what its coordinates are about.

    **Attributes.** Each is regressed on the factors of the items, all at once, by ridge regression:

    .. math:: B = (X^\top X + \lambda I)^{-1} X^\top Y, \qquad \lambda = 0.1 \operatorname{tr}(X^\top X) / k,

    with X the factors of the described items from their mean, of shape (n_described, k), and Y the attributes in
    standard deviations from theirs (yes or no as 1 and 0). A column of B, made a unit vector, is the direction of an
    attribute. Its score is R squared of predictions for items that the regression has not seen. For its p-value the
    rows of Y are dealt to the items at random, `n_permutations` times, whole, so that attributes that go together still
    do; the p-value is the share of arrangements, the true one counted, that score as well. The smallest there can be is
    therefore 1 / (n_permutations + 1). Corrected p-values hold for all attributes together (Westfall and Young's
    step-down maxima): with `alpha` 0.05, chance alone finds one or more among all of them in at most one analysis of
    twenty.

    **Coordinates.** A factorisation is unique only up to an invertible matrix: PA and QA\ :sup:`-T` predict what P and
    Q predict, so that nothing makes the factors as such mean anything, and another seed gives others. Therefore
    principal axes of the item factors are the default: which they are does not depend on how the space is turned, they
    are ordered by what they matter for distances, each points to its longer tail, and those of clearly different
    variance come back in a second fit. Varimax turns the first of these further, until each item is large on few
    coordinates, which are often easier to name. ``rotation=None`` gives the factors as the model has them.

    **Poles.** The outermost items at each end of a coordinate are compared with all described. A name is given for
    evidence only: attributes they have more often than if they were drawn blindly (hypergeometric test), numbers that
    are higher or lower (rank sums), with Holm's correction for all attributes at all ends. What both ends have more of,
    as of popularity, says something of long vectors and nothing of the direction, and names neither.

    A score says that places tell something of an attribute, not that the model uses it, or that it is the cause.

    Parameters
    ----------
    model : fitted model with factors of items
    attributes : ItemFeatures or frame with a column item
        Columns as in `ItemFeatures.from_frame`. Items that only one side knows are left out; what an item lacks in a
        column of categories or tags it does not have; a missing number takes no part in the score.
    rotation : {"principal", "varimax"} or None
    n_coordinates : int or None
        How many are looked at (and turned by varimax), the most important first; None is all.
    popularity : bool
        Whether to ask for popularity too: log(1 + number of users the model met with the item; after `fold_in`, the
        new users alone). A column of that name in `attributes` takes its place.
    n_permutations : int
        199 are enough where p-values down to 0.005 will do. With 999, 1,530 items take less than a second for 20
        attributes and some three seconds for 280 (16 factors).
    n_folds : int
    n_extreme : int, optional
        Items at each end, at most half of those described; by default a twentieth of them, and at least 20, or a
        quarter if they are few. Of items in one place either all belong to an end or none.
    min_items : int
        An attribute that fewer items have, or lack, is left out.
    alpha : float in (0, 1)
    random_state : int, Generator, RandomState or None
        Deals items to folds and attributes to items.

    Returns
    -------
    NamedAxes

    Raises
    ------
    NotFittedError
    UnsupportedError
        The model has no factors of items.
    DataError
        No item of the model is described, too few are, or no attribute is left.
    InvalidParameterError

    References
    ----------
    P. H. Westfall and S. S. Young (1993). Resampling-based multiple testing. B. Phipson and G. K. Smyth (2010).
    Permutation p-values should never be zero. H. F. Kaiser (1958). The varimax criterion for analytic rotation in
    factor analysis. S. Holm (1979). A simple sequentially rejective multiple test procedure.

    Examples
    --------
    >>> import foretaste as ft
    >>> world = ft.synthetic.make_catalogue(300, 200)
    >>> model = ft.ALS(n_factors=8, random_state=0).fit(world.ratings)
    >>> named = axes(model, world.items.select("item", "genres"), n_permutations=199)
    >>> named.to_frame()["attribute"][0]
    'genres=Documentary'
    """
    values: dict[str, Any] = {
        "rotation": rotation,
        "n_coordinates": n_coordinates,
        "popularity": popularity,
        "n_permutations": n_permutations,
        "n_folds": n_folds,
        "n_extreme": n_extreme,
        "min_items": min_items,
        "alpha": alpha,
    }
    check_parameters(
        "axes",
        values,
        {
            "rotation": OneOf(("principal", "varimax", None)),
            "n_coordinates": OrNone(Int(1)),
            "popularity": BOOL,
            "n_permutations": Int(1),
            "n_folds": Int(2),
            "n_extreme": OrNone(Int(1)),
            "min_items": Int(1),
            "alpha": Float(0, 1, open_low=True),
        },
    )
    with workers(None):  # BLAS on one thread: the same bits
        return _named(model, attributes, **values, rng=generator(random_state))


def _named(  # noqa: PLR0913  as `axes` has them
    model: Recommender,
    attributes: ItemFeatures | Frame,
    *,
    rotation: Rotation,
    n_coordinates: int | None,
    popularity: bool,
    n_permutations: int,
    n_folds: int,
    n_extreme: int | None,
    min_items: int,
    alpha: float,
    rng: np.random.Generator,
) -> NamedAxes:
    """What `axes` gives."""
    vectors = vectors_of(model, "item", "axes")
    found = Attributes.of(model, attributes, min_items, popularity=popularity)
    count = found.codes.size
    if count < 2 * n_folds:
        message = f"axes needs at least {2 * n_folds} described items for {n_folds} folds, got {count}."
        raise DataError(message)
    points = vectors[found.codes]
    outcomes, known = standardised(found.values)
    validation = CrossValidation(points, n_folds, rng)
    scores = permuted_scores(validation, outcomes, known, n_permutations, rng)
    coordinates = Coordinates.of(vectors, rotation, n_coordinates)
    places = (vectors - coordinates.centre) @ coordinates.basis
    extreme = n_extreme or min(max(_FEWEST_EXTREME, count // _EXTREME_SHARE), max(count // 4, 1))
    directions = _directions(points, outcomes)
    return NamedAxes(
        items=model.item_vocabulary_,
        n_described=count,
        attributes=found.names,
        words=found.words,
        binary=found.binary,
        n_items=np.where(found.binary, np.nansum(found.values, axis=0), known.sum(axis=0)).round().astype(np.int64),
        scores=scores[0],
        auc=_areas(validation, found),
        p_values=permutation_p_values(scores),
        corrected=corrected_p_values(scores),
        directions=directions,
        positions=(vectors - coordinates.centre) @ directions.T,
        coordinates=coordinates.names,
        basis=coordinates.basis,
        shares=coordinates.shares,
        places=places,
        poles=poles_of(
            coordinates.names,
            places[found.codes],
            model.item_vocabulary_.decode(found.codes),
            found,
            n_extreme=min(extreme, count // 2),
            alpha=alpha,
            grain=_SAME * float(np.abs(vectors).max()),
        ),
        alpha=alpha,
        _kind=model.kind_,
    )


def _directions(points: Float64, outcomes: Float64) -> Float64:
    """A unit vector for each attribute: the coefficients of the regression on all described items."""
    centred = points - points.mean(axis=0)
    gram = centred.T @ centred
    weights = np.linalg.solve(gram + penalty(gram) * np.eye(len(gram)), centred.T @ outcomes).T
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    return weights / np.where(lengths > 0, lengths, 1.0)


def _areas(validation: CrossValidation, found: Attributes) -> Float64:
    """NaN for numbers."""
    areas = np.full(found.binary.size, np.nan)
    areas[found.binary] = validation.areas(found.values[validation.order][:, found.binary])
    return areas
