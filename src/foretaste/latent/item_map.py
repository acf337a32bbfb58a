"""Items on a plane, users among them, and how far the picture may be believed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from foretaste._typing import Codes, Float64, Frame, Id, RandomState
from foretaste.data.frames import make_frame
from foretaste.data.vocabulary import Column, Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError, UnsupportedError
from foretaste.latent._faithfulness import faithfulness
from foretaste.latent._procrustes import Alignment, procrustes
from foretaste.latent._vectors import Side, codes_of, vectors_of
from foretaste.models import Recommender
from foretaste.utils.extras import load_extra
from foretaste.utils.progress import progress
from foretaste.utils.random import generator
from foretaste.utils.threads import workers
from foretaste.utils.validation import Int, OneOf, OrNone, check_parameters

MapMethod: TypeAlias = Literal["pca", "umap", "tsne"] | tuple[str, str]

_BENT = ("umap", "tsne")
_NAMES = {"umap": "UMAP", "tsne": "t-SNE"}
_FEWEST_SHARED = 3  # fewer points leave open which way round a map lies
_MANY = 5_000  # items that a bent map takes more than a moment for


@dataclass(frozen=True, eq=False)
class ItemMap:
    """Places of items on a plane, from `latent.map`.

    Attributes
    ----------
    ids : polars Series
        The items, in the order of `points`.
    points : float64 array of shape (n_items, 2)
    user_ids : polars Series
        The users asked for; empty if there were none.
    user_points : float64 array of shape (n_users, 2)
        Where `linear`, the end of an arrow that starts at `origin` (see `map`); else a place among the items.
    method : str or tuple of (str, str)
    metric : {"euclidean", "cosine"}
        What is near in the space: short distances, or small angles.
    directions : tuple of (str, str)
        What lies along the horizontal and the vertical.
    shares : tuple of (float, float)
        Share of the variance of the items' vectors along each; NaN for UMAP and t-SNE, whose axes mean nothing.
    origin : float64 array of shape (2,)
        Where the arrows of users start: of the items, the mean (principal components), or where both factors are zero.
    n_neighbors : int
        How many neighbours the next three look at; 0 where there are too few items for any.
    trustworthiness, continuity : float
        From 1 (no false neighbour on the map; no neighbour in the space missed on the map) to about 0.5 (as good as
        places drawn by lot); NaN where there are too few items.
    neighbors_kept : float
        Share of an item's neighbours on the map that are its neighbours in the space.
    n_asked : int
        How many items the last three are averages over.
    """

    ids: Column
    points: Float64
    user_ids: Column
    user_points: Float64
    method: MapMethod
    metric: Literal["euclidean", "cosine"]
    directions: tuple[str, str]
    shares: tuple[float, float]
    origin: Float64
    n_neighbors: int
    trustworthiness: float
    continuity: float
    neighbors_kept: float
    n_asked: int
    kind: str = field(default="polars", repr=False)

    @property
    def linear(self) -> bool:
        """Whether the map is a shadow of the space, so that straight lines stay straight."""
        return self.method not in _BENT

    @property
    def caution(self) -> str:
        """How far the map may be believed, in a sentence or two to print beside it."""
        if np.isnan(self.trustworthiness):
            return "Too few items to say how faithful the map is."
        k, kept = self.n_neighbors, self.neighbors_kept
        near = "by angle" if self.metric == "cosine" else "by distance"
        text = (
            f"Of the {k} nearest on the map, {kept:.0%} are among the {k} nearest in the space ({near}); "
            f"trustworthiness {self.trustworthiness:.2f}."
        )
        return text if self.linear else f"{text} Gaps between groups, and how wide a group is, mean little."

    def to_frame(self, side: Side = "item") -> Frame:
        """The places as a frame.

        Parameters
        ----------
        side : {"item", "user"}

        Returns
        -------
        frame with columns item (or user), x, y
            Of the kind of frame the model was fitted on.
        """
        check_parameters("to_frame", {"side": side}, {"side": OneOf(("item", "user"))})
        ids, points = (self.ids, self.points) if side == "item" else (self.user_ids, self.user_points)
        return make_frame({side: ids, "x": points[:, 0], "y": points[:, 1]}, self.kind)


def map(  # noqa: A001  latent.map is what one looks for
    model: Recommender,
    items: Iterable[Id] | None = None,
    *,
    users: Iterable[Id] | None = None,
    method: MapMethod = "pca",
    metric: Literal["euclidean", "cosine"] | None = None,
    previous: ItemMap | None = None,
    n_neighbors: int = 15,
    random_state: RandomState = 0,
) -> ItemMap:
    r"""Places of items on a plane; near each other are items that the same people like.

    Four ways to flatten the space of the item factors:

    - "pca": the shadow that loses least, along the two directions in which items vary most (Pearson 1901). Quick and
      straight. Each axis points to its longer tail, so that a model whose factors are turned gives the same map.
    - ("factor 1", "factor 2"): two of the factors as they are, counted from 1.
    - "tsne" and "umap": groups of near items stay together, wherever they come to lie (van der Maaten and Hinton 2008;
      McInnes, Healy and Melville 2018). They start from the principal components, or from `previous`, which keeps the
      large picture as far as it can be kept (Kobak and Linderman 2021). Minutes for 100,000 items.

    What a map does not say:

    - A factorisation is unique only up to an invertible matrix. Two factors taken as they are have no meaning by being
      first and second; the principal components depend on how the model shares out lengths between users and items.
    - A plane holds a part of the variance (`shares`), and neighbours on it need not be neighbours in the space
      (`trustworthiness`, `caution`).
    - By t-SNE and UMAP, distances between groups, sizes of groups and how dense they are mean little.
    - Popularity lies in the lengths of vectors: by "euclidean", items with few ratings gather in the middle. By
      "cosine" each vector has length 1 before anything else is done.

    Users. On a straight map a user is an arrow from `origin`: with p the user's vector, q an item's and m the mean,

    .. math:: p \cdot q = p \cdot m + p \cdot (q - m), \qquad
              p \cdot (q - m) = c \, a \cdot (x - o) + \text{what the plane leaves out}

    where a is the arrow, x the item's place and o the origin. Items further along the arrow score higher (biases
    aside); the distance of an item from the arrow's tip says nothing. The one c for all users, without which they would
    often lie far outside, makes arrows reach as far as items, on (root mean square) average over all of the model's
    users. Under "cosine" what is scored is the direction of an item alone. By t-SNE and UMAP, which keep no
    directions, a user stands in the middle of the n_neighbors items, of those on the map, with the highest scores: for
    somebody with two tastes that may be a place where neither is.

    Parameters
    ----------
    model : fitted model with two item factors or more
    items : iterable of ids, optional
        The items to place, which alone decide about the axes; by default all that the model knows.
    users : iterable of ids, optional
        Users to place among them; by default none.
    method : {"pca", "umap", "tsne"} or (str, str)
    metric : {"euclidean", "cosine"}, optional
        What is near in the space. By default "euclidean" on straight maps, and "cosine", by which `similar_items` goes
        too, for UMAP and t-SNE.
    previous : ItemMap, optional
        A map from before: the new one is turned, mirrored and shifted (UMAP and t-SNE: scaled, too) to lie on it as
        nearly as it can, over the items that both have. Pass it when a model has been trained again. Axes are then
        those of the map before, as nearly as the new space has them.
    n_neighbors : int
        Neighbours that UMAP and t-SNE look at (t-SNE: perplexity is twice as many), and that trustworthiness does; of
        fewer items less than half of them, and for UMAP and t-SNE all others.
    random_state : int, Generator, RandomState or None
        For UMAP and t-SNE, and for which of more than 2,000 items trustworthiness asks.

    Returns
    -------
    ItemMap
        The same bits for the same seed.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    UnsupportedError
        It places no items in a space of two dimensions or more, knows fewer than two items (for UMAP three), or no
        users' factors.
    UnknownIdError
        It does not know an item or a user.
    InvalidParameterError
        `method` or `metric` is none of these, or names a factor that is not there or one twice; `previous` is no map.
    DataError
        Fewer than three items are on both this map and `previous`.
    MissingExtraError
        umap-learn is not installed, and `method` is "umap". Hint: the extra `map`.

    References
    ----------
    K. Pearson (1901). On lines and planes of closest fit to systems of points in space.
    L. van der Maaten and G. Hinton (2008). Visualizing data using t-SNE.
    L. McInnes, J. Healy and J. Melville (2018). UMAP: uniform manifold approximation and projection for dimension
    reduction.
    D. Kobak and G. C. Linderman (2021). Initialization is critical for preserving global data structure in both t-SNE
    and UMAP.
    J. Venna and S. Kaski (2001). Neighborhood preservation in nonlinear projection methods: an experimental study.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.FunkSVD(n_factors=3, random_state=0).fit(ft.datasets.albums())
    >>> places = ft.latent.map(model)
    >>> places.points.shape, places.directions
    ((5, 2), ('component 1', 'component 2'))
    >>> again = ft.FunkSVD(n_factors=3, random_state=1).fit(ft.datasets.albums())
    >>> ft.latent.map(again, previous=places).directions
    ('component 1, aligned', 'component 2, aligned')
    """
    check_parameters(
        "latent.map",
        {"n_neighbors": n_neighbors, "metric": metric},
        {"n_neighbors": Int(2), "metric": OrNone(OneOf(("euclidean", "cosine")))},
    )
    vectors = vectors_of(model, "item", "latent.map")
    pair = _factor_pair(method, vectors.shape[1])
    ids, codes = _chosen(model, "item", items)
    _check_size(model, vectors[codes], 3 if method == "umap" else 2)
    user_ids, user_codes = _chosen(model, "user", () if users is None else users)
    bent = method in _BENT
    metric = metric or ("cosine" if bent else "euclidean")
    space = _directions(vectors[codes]) if metric == "cosine" else vectors[codes]
    before = None if previous is None else _Before.of(previous, ids)
    rng = generator(random_state)
    # A bent map of many items takes minutes in one step, and a bar has to be there from its beginning.
    with workers(None), progress("map", 3, at_once=bent and len(space) > _MANY) as advance:
        shadow = _Shadow.of(space, pair)
        advance(f"laying out {len(space):,} items")
        points = shadow.points
        if isinstance(method, str) and bent:
            points = _bent(method, space, points, before, n_neighbors, rng)
        alignment = None if before is None else before.align(points, scaling=bent)
        points = points if alignment is None else alignment.move(points)
        advance("looking at neighbours")
        k = min(n_neighbors, (len(space) - 1) // 2)
        found = faithfulness(space, points, k, rng)
        advance("")
        place: _Place
        if bent:
            place = _Place(
                (f"{_NAMES[str(method)]} 1", f"{_NAMES[str(method)]} 2"), (np.nan, np.nan), points.mean(axis=0)
            )
            user_points = _middles(model, user_codes, codes, points, n_neighbors)
        else:
            place = shadow.placed(space, points, alignment)
            user_points = place.origin + _arrows(model, user_codes, shadow, alignment, points - place.origin)
    return ItemMap(
        ids=ids,
        points=points,
        user_ids=user_ids,
        user_points=user_points,
        method=method,
        metric=metric,
        directions=place.directions,
        shares=place.shares,
        origin=place.origin,
        n_neighbors=k,
        **found._asdict(),
        kind=model.kind_,
    )


# The space, and its shadow --------------------------------------------------------------------------------------------


def _factor_pair(method: object, n_factors: int) -> tuple[int, int] | None:
    """Which two factors a method names, from 0; None for one that has a name of its own."""
    if method in ("pca", *_BENT):
        return None
    known = {f"factor {number}": number - 1 for number in range(1, n_factors + 1)}
    if isinstance(method, (tuple, list)) and len({*method} & {*known}) == len(method) == 2:  # noqa: PLR2004
        return known[method[0]], known[method[1]]
    message = (
        f"'method' of latent.map must be 'pca', 'umap', 'tsne' or two of 'factor 1' to 'factor {n_factors}', "
        f"got {method!r}."
    )
    raise InvalidParameterError(message)


def _chosen(model: Recommender, side: Side, ids: Iterable[Id] | None) -> tuple[Column, Codes]:
    """Those asked for, each once, and their codes; None is all."""
    vocabulary: Vocabulary = getattr(model, f"{side}_vocabulary_")
    if ids is None:
        return vocabulary.ids, np.arange(len(vocabulary), dtype=np.int32)
    asked = Vocabulary.build([ids] if isinstance(ids, str) else ids)[0]
    return asked.ids, codes_of(vocabulary, asked.ids, "latent.map", side)


def _check_size(model: Recommender, space: Float64, fewest: int) -> None:
    n_items, n_factors = space.shape
    if n_items < fewest or n_factors < 2:  # noqa: PLR2004  a plane has two directions
        message = (
            f"a map needs at least {fewest} items with 2 factors each; this {type(model).__name__} has {n_items} items "
            f"and {n_factors} factors. Hint: FunkSVD(n_factors=2) and more draw one."
        )
        raise UnsupportedError(message)


def _directions(vectors: Float64) -> Float64:
    """Vectors brought to length 1; one of length 0 stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions: Float64 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return directions


class _Place(NamedTuple):
    """What a map says of its axes; see `ItemMap`."""

    directions: tuple[str, str]
    shares: tuple[float, float]
    origin: Float64


class _Shadow(NamedTuple):
    """A straight map: points = (vectors - origin) axes.

    Attributes
    ----------
    points : float64 array of shape (n_items, 2)
    axes : float64 array of shape (n_factors, 2)
        Orthonormal columns.
    names : tuple of (str, str)
    """

    points: Float64
    axes: Float64
    names: tuple[str, str]

    @classmethod
    def of(cls, space: Float64, pair: tuple[int, int] | None) -> _Shadow:
        """The two factors named, or the first two principal components, each with its longer tail to the right."""
        if pair is not None:
            return cls(
                space[:, pair], np.eye(space.shape[1])[:, pair], (f"factor {pair[0] + 1}", f"factor {pair[1] + 1}")
            )
        with np.errstate(invalid="ignore"):  # factors that are all equal have no variance to share out
            found = PCA(2, svd_solver="full" if len(space) < space.shape[1] else "covariance_eigh").fit(space)
        axes = found.components_.T
        points = (space - space.mean(axis=0)) @ axes
        sign = np.where((points**3).sum(axis=0) < 0, -1.0, 1.0)
        return cls(points * sign, axes * sign, ("component 1", "component 2"))

    def placed(self, space: Float64, points: Float64, alignment: Alignment | None) -> _Place:
        """What the axes are once the points lie where they do."""
        total = space.var(axis=0).sum()
        first, second = points.var(axis=0) / total if total > 0 else (0.0, 0.0)
        if alignment is None:
            return _Place(self.names, (float(first), float(second)), np.zeros(2))
        names = (f"{self.names[0]}, aligned", f"{self.names[1]}, aligned")
        return _Place(names, (float(first), float(second)), alignment.move(np.zeros(2)))


# Bent maps ------------------------------------------------------------------------------------------------------------


class _Before(NamedTuple):
    """Which items of a new map the one before knows, and where it has them."""

    rows: npt.NDArray[np.intp]
    points: Float64
    method: MapMethod

    @classmethod
    def of(cls, previous: ItemMap, ids: Column) -> _Before:
        """The items of both.

        Raises
        ------
        DataError
            There are fewer than three.
        InvalidParameterError
            It is no map.
        """
        if not isinstance(previous, ItemMap):
            message = (
                f"'previous' of latent.map must be an ItemMap, got {type(previous).__name__}. Hint: give the map "
                f"of the model before, as latent.map made it."
            )
            raise InvalidParameterError(message)
        codes = Vocabulary(previous.ids).encode(ids)
        rows = np.flatnonzero(codes >= 0)
        if rows.size < _FEWEST_SHARED:
            message = (
                f"the new map and the one before have {rows.size} items in common; to lay one on the other takes "
                f"{_FEWEST_SHARED}. Hint: leave 'previous' out."
            )
            raise DataError(message)
        return cls(rows, previous.points[codes[rows]], previous.method)

    def align(self, points: Float64, *, scaling: bool) -> Alignment:
        """How the new map comes to lie on the one before, as wide as it where scaling is wanted.

        The scale that brings points nearest is smaller, the more they have moved: maps of models trained again and
        again would shrink to nothing.
        """
        shared = points[self.rows]
        spread, spread_before = shared.std(axis=0), self.points.std(axis=0)
        ratio = float(np.linalg.norm(spread_before) / np.linalg.norm(spread)) if scaling and spread.any() else 1.0
        return procrustes(shared, self.points)._replace(scale=ratio)


def _bent(
    method: str, space: Float64, start: Float64, before: _Before | None, n_neighbors: int, rng: np.random.Generator
) -> Float64:
    """Places by t-SNE or UMAP, which start from a straight map or, where it has them, the map before."""
    if before is not None:
        start = before.align(start, scaling=True).move(start)
        start[before.rows] = before.points
    if not start.std() > 0:
        start = rng.normal(size=start.shape)
    seed = int(rng.integers(2**31))
    with threadpool_limits(1):  # sums by several threads would be added in another order
        if method == "umap":
            return _by_umap(space, start, n_neighbors, seed)
        return _by_tsne(space, start, n_neighbors, seed, settled=before is not None and before.method == "tsne")


def _by_tsne(space: Float64, start: Float64, n_neighbors: int, seed: int, *, settled: bool) -> Float64:
    from sklearn.manifold import TSNE  # noqa: PLC0415  half a second that other maps need not wait

    start = start - start.mean(axis=0)
    # From nothing, points begin close together and are drawn into groups first. Where groups are there already, this
    # would take them apart again: a third of that force lets items leave a group, and leaves groups where they are.
    start, force = (start, 4.0) if settled else (1e-4 * start / start.std(), 12.0)
    perplexity = min(2 * n_neighbors, (len(space) - 1) / 3)
    layout = TSNE(2, init=start.astype(np.float32), perplexity=perplexity, early_exaggeration=force, random_state=seed)
    return np.asarray(layout.fit_transform(space), np.float64)


def _by_umap(space: Float64, start: Float64, n_neighbors: int, seed: int) -> Float64:
    with warnings.catch_warnings():
        # It tells of a part of its own that needs another package, and that we do not use.
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        umap = load_extra("umap", "map", "method='umap'")
    k = min(n_neighbors, len(space) - 1)
    layout = umap.UMAP(n_neighbors=k, init=start.astype(np.float32), random_state=seed, n_jobs=1)
    return np.asarray(layout.fit_transform(space.astype(np.float32)), np.float64)


# Users ----------------------------------------------------------------------------------------------------------------


def _arrows(
    model: Recommender, user_codes: Codes, shadow: _Shadow, alignment: Alignment | None, items: Float64
) -> Float64:
    """Arrows of users, in a length that is theirs on average and that of these items."""
    if not user_codes.size:
        return np.empty((0, 2))
    arrows = vectors_of(model, "user", "latent.map") @ shadow.axes
    reach, reach_of_items = (float(np.sqrt(np.mean(each**2))) for each in (arrows, items))
    arrows *= reach_of_items / reach if reach > 0 else 1.0
    return arrows[user_codes] if alignment is None else alignment.turn(arrows[user_codes])


def _middles(model: Recommender, user_codes: Codes, item_codes: Codes, points: Float64, n: int) -> Float64:
    """The middle of the places of the n items that score highest for each user, whether known to them or not."""
    if not user_codes.size:
        return np.empty((0, 2))
    mask = np.zeros(len(model.item_vocabulary_), bool)
    mask[item_codes] = True
    row_of = np.zeros(mask.size, np.int64)
    row_of[item_codes] = np.arange(item_codes.size)
    best, _ = model.recommend_codes(user_codes, min(n, item_codes.size), exclude_seen=False, item_mask=mask)
    middles: Float64 = points[row_of[best]].mean(axis=1)
    return middles
