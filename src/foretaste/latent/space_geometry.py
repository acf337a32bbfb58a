"""What high dimensions do to a space: distances that are all alike, hubs, and what helps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import ndtr

from foretaste._typing import Float64, Frame, RandomState
from foretaste.data.frames import make_frame
from foretaste.data.vocabulary import Column
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.latent._nearest import directions
from foretaste.latent._vectors import vectors_of
from foretaste.models import Recommender
from foretaste.utils.random import generator
from foretaste.utils.threads import workers
from foretaste.utils.validation import Int, check_parameters

SpaceMeasure: TypeAlias = Literal["euclidean", "cosine", "dot", "mutual proximity", "local scaling"]

_N_HUBS = 10
_DOUBTFUL = 1e-8  # of the squares that are subtracted from each other


@dataclass(frozen=True, eq=False)
class SpaceRow:
    """One measure of nearness in one space.

    Attributes
    ----------
    model : str
    n_factors : int
    measure : str
    contrast : float
        Median over items of (farthest - nearest) / nearest distance; NaN for all but "euclidean" and "cosine": the dot
        product is no distance, and the remedies stretch what is near at will.
    variation : float
        Standard deviation of all distances by their mean; NaN in the same places.
    hubness : float
        Skewness of how often items are among the nearest of others: 0 if none is favoured.
    largest_hub : float
        The most favoured item is among the nearest of so many times as many items as expected.
    orphans : float
        Share of items that are among the nearest of none.
    dimension : float
        Intrinsic dimension, items in one place counting as one; NaN in the same places.
    hubs : column of ids
        The most favoured items, the worst first.
    occurrences : int64 array
        Among the nearest of how many they are.
    """

    model: str
    n_factors: int
    measure: SpaceMeasure
    contrast: float
    variation: float
    hubness: float
    largest_hub: float
    orphans: float
    dimension: float
    hubs: Column
    occurrences: np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, eq=False, repr=False)
class Geometry:
    """What the spaces of one or several models are like.

    Attributes
    ----------
    rows : tuple of SpaceRow
        For each model, number of factors and measure.
    n_items : dict of int
        By model, how many items were looked at.
    n_neighbors : int
        How many nearest are meant.
    """

    rows: tuple[SpaceRow, ...]
    n_items: Mapping[str, int]
    n_neighbors: int
    _kind: str = field(default="polars")

    def __repr__(self) -> str:
        return f"Geometry({len(self.rows)} rows, {self.n_neighbors} nearest)"

    def to_frame(self) -> Frame:
        """One row for each model, number of factors and measure.

        Returns
        -------
        frame with columns model, n_factors, measure, contrast, variation, hubness, largest_hub, orphans, dimension
        """
        texts = {name: [getattr(row, name) for row in self.rows] for name in ("model", "n_factors", "measure")}
        numbers = ("contrast", "variation", "hubness", "largest_hub", "orphans", "dimension")
        return make_frame(
            texts | {name: np.array([getattr(row, name) for row in self.rows]) for name in numbers}, self._kind
        )

    def hubs_to_frame(self) -> Frame:
        """The most favoured items of each row.

        Returns
        -------
        frame with columns model, n_factors, measure, rank, item, occurrences
        """
        counts = [len(row.hubs) for row in self.rows]
        columns: dict[str, object] = {
            name: [getattr(row, name) for row, count in zip(self.rows, counts, strict=True) for _ in range(count)]
            for name in ("model", "n_factors", "measure")
        }
        columns |= {
            "rank": np.concatenate([np.arange(1, count + 1) for count in counts]),
            "item": [item for row in self.rows for item in row.hubs],
            "occurrences": np.concatenate([row.occurrences for row in self.rows]),
        }
        return make_frame(columns, self._kind)


def geometry(
    models: Recommender | Iterable[Recommender] | Mapping[str, Recommender],
    *,
    n_factors: Iterable[int] | None = None,
    n_neighbors: int = 10,
    n_sample: int = 2000,
    random_state: RandomState = 0,
) -> Geometry:
    r"""What high dimensions do to the item space of a model, and what helps, by number of factors.

    **Distances become alike.** In many dimensions the farthest item is hardly farther than the nearest (Beyer et al.,
    1999), measured by the contrast :math:`(d_\max - d_\min) / d_\min` of an item (the median over items is given) and
    by the variation, the standard deviation of all distances by their mean; with independent normal coordinates about
    :math:`1 / \sqrt{2 k}`.

    **Hubs appear.** With :math:`N_i` the number of items that have item i among their k nearest, whose mean is k,
    hubness is the skewness :math:`\overline{(N - k)^3} / \operatorname{sd}(N)^3` (Radovanovic et al., 2010): a few
    items are everybody's neighbour, and many, orphans, are nobody's. It grows with the number of items as well as with
    dimension, so that figures compare within one table.

    **Intrinsic dimension** is how many numbers would tell the items apart, whatever the number of factors: with
    :math:`\mu_i` the distance of the second nearest by that of the nearest, :math:`\hat d = (n - 1) / \sum_i \ln \mu_i`
    (TwoNN, Facco et al., 2017, by maximum likelihood). A sample is a coarser look than the whole, and sees fewer of the
    smallest dimensions.

    The measures are the Euclidean distance; the cosine (as the distance of directions, :math:`\sqrt{2 - 2 \cos}`); the
    dot product, by which long vectors are near everything; and two remedies for hubs, which start from the Euclidean
    distance: mutual proximity (Schnitzer et al., 2012), by which two items are near if each is near as the other's
    distances go,

    .. math:: 1 - \Pr(D_x > d_{xy}) \Pr(D_y > d_{xy}), \qquad D_x \sim \mathcal N(\bar d_x, \operatorname{sd}_x^2),

    and local scaling (Zelnik-Manor and Perona, 2004), :math:`1 - e^{-d_{xy}^2 / \sigma_x \sigma_y}` with :math:`\sigma`
    the distance of the k-th nearest. Fewer hubs are not yet better neighbours.

    Parameters
    ----------
    models : fitted model, several, or several by name
    n_factors : ints, optional
        Leading factors to look at: the space cut down to its so many main directions (singular vectors, uncentred, so
        that dot products are kept as well as can be). By default powers of two and all for one model, all for several.
    n_neighbors : int
        k: how many nearest make a neighbour.
    n_sample : int
        Largest number of items looked at; all pairs of these are compared.
    random_state : int, Generator, RandomState or None
        Draws the sample.

    Returns
    -------
    Geometry

    Raises
    ------
    DataError
        A model knows fewer than n_neighbors + 2 items, or there is no model.
    NotFittedError
    UnsupportedError
        A model has no factors of items.
    InvalidParameterError

    References
    ----------
    K. Beyer, J. Goldstein, R. Ramakrishnan and U. Shaft (1999). When is "nearest neighbor" meaningful? M. Radovanovic,
    A. Nanopoulos and M. Ivanovic (2010). Hubs in space, section 3. D. Schnitzer, A. Flexer, M. Schedl and G. Widmer
    (2012). Local and global scaling reduce hubs in space, section 3.2. E. Facco, M. d'Errico, A. Rodriguez and A. Laio
    (2017). Estimating the intrinsic dimension of datasets by a minimal neighborhood information. L. Zelnik-Manor and
    P. Perona (2004). Self-tuning spectral clustering.

    Examples
    --------
    >>> import foretaste as ft
    >>> world = ft.synthetic.make_catalogue(300, 200)
    >>> model = ft.ALS(n_factors=16, random_state=0).fit(world.ratings)
    >>> geometry(model).to_frame().filter(measure="euclidean")["n_factors"].to_list()
    [2, 4, 8, 16]
    """
    check_parameters(
        "geometry", {"n_neighbors": n_neighbors, "n_sample": n_sample}, {"n_neighbors": Int(1), "n_sample": Int(3)}
    )
    named, alone = _by_name(models)
    wanted = None if n_factors is None else _wanted(n_factors)
    rng = generator(random_state)
    rows, counts = [], {}
    for name, model in named.items():
        vectors = vectors_of(model, "item", "geometry")
        codes = np.arange(len(vectors))
        if len(vectors) > n_sample:
            codes = np.sort(rng.choice(codes, n_sample, replace=False))
        if codes.size < n_neighbors + 2:
            message = f"geometry asks for {n_neighbors} nearest of each item, and {name} has {codes.size} items."
            raise DataError(message)
        counts[name] = codes.size
        ids = model.item_vocabulary_.decode(codes)
        k = vectors.shape[1]
        with workers(None):  # BLAS on one thread: the same bits
            turned = vectors[codes] @ _main_directions(vectors)
        sizes = sorted({min(size, k) for size in wanted}) if wanted else [k]
        if alone and wanted is None:
            sizes = sorted({2**power for power in range(1, 31) if 2**power < k} | {k})
        with workers(None):
            for size in sizes:
                rows += _rows(name, turned[:, :size], ids, n_neighbors)
    kind = next(iter(named.values())).kind_
    return Geometry(tuple(rows), counts, n_neighbors, kind)


def _by_name(
    models: Recommender | Iterable[Recommender] | Mapping[str, Recommender],
) -> tuple[dict[str, Recommender], bool]:
    """Models by name, and whether one was given by itself; a name that comes again gets a number."""
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    else:
        alone = hasattr(models, "get_params") or not isinstance(models, Iterable)
        several: list[Recommender] = [models] if alone else list(models)  # type: ignore[list-item]
        named = {}
        for model in several:
            base = type(model).__name__
            number = 1 + sum(name.partition(" ")[0] == base for name in named)
            named[base if number == 1 else f"{base} {number}"] = model
        if alone:
            return named, True
    if not named:
        message = "geometry needs a model; it was given none."
        raise DataError(message)
    return named, False


def _wanted(n_factors: Iterable[int]) -> list[int]:
    sizes = list(n_factors)
    if not sizes or not all(Int(1).allows(size) for size in sizes):
        message = f"'n_factors' of geometry must be a list of ints in [1, inf), got {sizes!r}."
        raise InvalidParameterError(message)
    return sizes


def _main_directions(vectors: Float64) -> Float64:
    """Orthonormal columns: directions in which the vectors are long, measured from zero, the longest first."""
    axes: Float64 = np.linalg.eigh(vectors.T @ vectors)[1]
    return axes[:, ::-1]


def _rows(name: str, points: Float64, ids: Column, n_neighbors: int) -> list[SpaceRow]:
    """One row a measure."""
    far = euclidean(points)
    made: dict[SpaceMeasure, Callable[[], Float64]] = {  # one table of all pairs after the other, never all at once
        "euclidean": lambda: far,
        "cosine": lambda: euclidean(directions(points)),
        "dot": lambda: -(points @ points.T),
        "mutual proximity": lambda: mutual_proximity(far),
        "local scaling": lambda: local_scaling(far, n_neighbors),
    }
    rows = []
    for measure, make in made.items():
        table, in_space = make(), measure in ("euclidean", "cosine")
        contrast, variation = concentration(table) if in_space else (np.nan, np.nan)
        counts = occurrences(table, n_neighbors)
        worst = np.argsort(-counts, kind="stable")[:_N_HUBS]
        rows.append(
            SpaceRow(
                model=name,
                n_factors=points.shape[1],
                measure=measure,
                contrast=contrast,
                variation=variation,
                hubness=skewness(counts),
                largest_hub=float(counts.max() / n_neighbors),
                orphans=float((counts == 0).mean()),
                dimension=two_nn(table) if in_space else np.nan,
                hubs=ids[worst],
                occurrences=counts[worst],
            )
        )
    return rows


# Tables of all pairs, and what is read off them ----------------------------------------------------------------------


def euclidean(points: Float64) -> Float64:
    """Distances of all pairs, 0 from each to itself."""
    centred = points - points.mean(axis=0)  # a common shift changes no distance and keeps digits
    squares = (centred**2).sum(axis=1)
    sums = squares[:, None] + squares
    table = sums - 2 * (centred @ centred.T)
    np.fill_diagonal(table, 0)
    # Where nearly nothing is left, it is rounding: items in one place would seem to lie apart, and far from evenly.
    doubtful = table < _DOUBTFUL * sums
    for row in np.flatnonzero(doubtful.any(axis=1)):
        columns = np.flatnonzero(doubtful[row])
        table[row, columns] = ((centred[row] - centred[columns]) ** 2).sum(axis=1)
    distances: Float64 = np.sqrt(np.maximum(table, 0, out=table), out=table)
    return distances


def mutual_proximity(far: Float64) -> Float64:
    """1 - Pr(D_x > d) Pr(D_y > d) of all pairs, with D_x normal, of the mean and spread of the distances from x."""
    n = len(far)
    means = far.sum(axis=1) / (n - 1)
    spreads = np.sqrt(np.maximum((far**2).sum(axis=1) / (n - 1) - means**2, 0))
    beyond = ndtr((means[:, None] - far) / np.where(spreads > 0, spreads, 1.0)[:, None])
    table: Float64 = 1 - beyond * beyond.T
    return table


def local_scaling(far: Float64, n_neighbors: int) -> Float64:
    """1 - exp(-d^2 / (s_x s_y)) of all pairs, with s the distance of the k-th nearest."""
    scales = np.partition(far, n_neighbors, axis=1)[:, n_neighbors]  # the first is the item itself
    with np.errstate(over="ignore"):  # infinitely far, where the nearest lie in one place
        return -np.expm1(-(far**2) / np.maximum(np.outer(scales, scales), np.finfo(float).tiny))


def concentration(table: Float64) -> tuple[float, float]:
    """Median of (farthest - nearest) / nearest of an item, and standard deviation of all distances by their mean."""
    n = len(table)
    others = table[~np.eye(n, dtype=np.bool_)].reshape(n, n - 1)
    nearest, farthest = others.min(axis=1), others.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # items in one place
        contrasts = (farthest - nearest) / nearest
    mean = float(others.mean())
    return float(np.median(contrasts)), float(others.std() / mean) if mean > 0 else np.nan


def occurrences(table: Float64, n_neighbors: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Among the nearest of how many others each item is."""
    table = table.copy()
    np.fill_diagonal(table, np.inf)
    nearest = np.argpartition(table, n_neighbors - 1, axis=1)[:, :n_neighbors]
    return np.bincount(nearest.ravel(), minlength=len(table))


def skewness(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Third moment about the mean by the cube of the standard deviation; 0 where all are equal."""
    deviations = values - values.mean()
    spread = float(np.sqrt((deviations**2).mean()))
    return float((deviations**3).mean() / spread**3) if spread > 0 else 0.0


def two_nn(table: Float64) -> float:
    """Intrinsic dimension from the ratio of the distances of the two nearest; items in one place count as one."""
    first = ~np.triu(table == 0, 1).any(axis=0)
    table = table[np.ix_(first, first)]
    if len(table) < 3:  # noqa: PLR2004  there are no two others
        return np.nan
    near, next_near = np.sort(np.partition(table, 2, axis=1)[:, :3], axis=1)[:, 1:].T  # the item itself comes first
    total = float(np.log(next_near / near).sum())
    return (len(table) - 1) / total if total > 0 else np.nan
