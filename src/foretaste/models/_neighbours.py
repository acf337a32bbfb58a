"""The search for neighbours, and what those say of a pair."""

from __future__ import annotations

import threading
from typing import Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import UnsupportedError
from foretaste.kernels.biases import bias_rows
from foretaste.kernels.neighbours import COSINE, MSD, PEARSON, WHOLE_COSINE, deviations, similar_rows
from foretaste.kernels.sorting import group_by_code
from foretaste.models._training import Training
from foretaste.models.baseline import Baseline
from foretaste.utils.progress import progress
from foretaste.utils.threads import Run, workers

Similarity = Literal["cosine", "msd", "pearson", "cosine_baseline", "pearson_baseline"]
Centring = Literal["none", "mean", "zscore", "baseline"]

_KINDS = {
    "cosine": COSINE,
    "msd": MSD,
    "pearson": PEARSON,
    "cosine_baseline": WHOLE_COSINE,
    "pearson_baseline": COSINE,
}
SIMILARITIES, CENTRINGS = tuple(_KINDS), ("none", "mean", "zscore", "baseline")

# Turns of the baseline: its biases stand still to four digits after half as many.
_TURNS = 10
_BASELINE = Baseline(n_epochs=_TURNS, tol=0)
# Queries a thread takes at a time, and pairs: a matter of speed alone, since none depends on another.
_QUERIES, _PAIRS = 64, 8192
# A residual of this share of its rating is no residual: single precision has rounded the rating by about as much.
_ROUNDING = 1e-6


class Biases(NamedTuple):
    """The baseline: mean + b_u + b_i."""

    mean: float
    users: Float32
    items: Float32

    @classmethod
    def of(cls, interactions: Interactions) -> Biases:
        """Those that `Baseline` learns with its default penalties."""
        learned = _BASELINE._fit(interactions, Training("Baseline", _TURNS))  # noqa: SLF001  one package
        return cls(learned["global_mean_"], learned["user_biases_"], learned["item_biases_"])

    def of_users(self, rows: SparseRows) -> Float32:
        """Biases of other users, from their ratings."""
        biases = np.zeros(rows.indptr.size - 1)
        measured = (rows.values - np.float64(self.mean)).astype(np.float32)
        bias_rows(rows.indptr, rows.indices, measured, self.items.astype(np.float64), _BASELINE.reg_users, biases)
        return biases.astype(np.float32)


def moments(rows: SparseRows, mean: float, spread: float) -> tuple[Float32, Float32]:
    """How far the mean of each row lies from that of all, and its standard deviation: without any, that of all."""
    counts = np.diff(rows.indptr)
    owner = np.repeat(np.arange(counts.size), counts)
    left = rows.values - np.float64(mean)
    means = np.bincount(owner, left, counts.size) / np.maximum(counts, 1)
    squares = np.bincount(owner, (left - means[owner]) ** 2, counts.size) / np.maximum(counts, 1)
    spreads = np.sqrt(squares)
    spreads[spreads <= 1e-6 * spread] = spread  # rounding errors around a mean are no spread
    return means.astype(np.float32), spreads.astype(np.float32)


class Finder(NamedTuple):
    """How neighbours are found: the settings of a model."""

    name: str
    similarity: str
    min_support: int
    shrinkage: float
    n_kept: int
    n_jobs: int | None
    scale: tuple[float, float]

    def measured(self, rows: SparseRows, mean: float, row_biases: Float32, column_biases: Float32) -> SparseRows:
        """Ratings as the similarity compares them."""
        if self.similarity.endswith("_baseline"):
            expected = mean + np.repeat(row_biases, np.diff(rows.indptr)).astype(np.float64)
            expected += column_biases[rows.indices]
            values = rows.values - expected
            values[np.abs(values) <= _ROUNDING * np.abs(rows.values)] = 0  # what rounding leaves of nothing
            return rows._replace(values=values.astype(np.float32))
        if self.similarity != "msd":
            return rows
        # in quarters of the scale from its lower end: as stars on a scale of 1 to 5
        lowest, highest = self.scale
        quarter = (highest - lowest) / 4 or 1.0
        return rows._replace(values=((rows.values - np.float64(lowest)) / quarter).astype(np.float32))

    def find(self, queries: SparseRows, columns: SparseRows, n_rows: int, *, own: bool) -> SparseRows:
        """The rows nearest to each query, best first; `columns` are measured, too, and `own` if query q is row q."""
        lengths = row_lengths(columns.indices, columns.values, n_rows)
        n_queries = queries.indptr.size - 1
        owner = queries.row_codes()
        query_lengths = row_lengths(owner, queries.values, n_queries)
        # one common rating is no correlation; with a shrinkage it counts for nothing anyway
        support = max(self.min_support, 2) if self.similarity == "pearson_baseline" else self.min_support
        support = min(support, columns.indptr.size)  # no two rows share more columns than there are
        settings = (_KINDS[self.similarity], support, float(self.shrinkage))
        search = Search(self.name, *settings, self.n_kept, self.n_jobs)
        return search.find(queries, query_lengths, columns, lengths, own=own)


class Search(NamedTuple):
    """How the most similar rows are looked for; see `kernels.neighbours.similar_rows`. The name is the model's."""

    name: str
    kind: int
    min_support: int
    shrinkage: float
    n_kept: int
    n_jobs: int | None

    def find(
        self, queries: SparseRows, query_lengths: Float32, columns: SparseRows, lengths: Float32, *, own: bool
    ) -> SparseRows:
        """The rows most similar to each query, best first; `own` if query q is row q, which is then left out."""
        n_queries = queries.indptr.size - 1
        width = max(1, min(self.n_kept, lengths.size))
        firsts = range(0, n_queries, _QUERIES)
        fixed = (*queries, query_lengths, *columns, lengths, self.kind, self.min_support, self.shrinkage, own)

        def search(first: int) -> tuple[Pointers, Codes, Float32]:
            last = min(first + _QUERIES, n_queries)
            codes, values = np.empty((last - first, width), np.int32), np.empty((last - first, width), np.float32)
            counts = np.empty(last - first, np.int64)
            similar_rows(*fixed, first, last, codes, values, counts)
            kept = np.arange(width) < counts[:, None]
            with lock:
                advance("")
            return counts, codes[kept], values[kept]

        lock = threading.Lock()
        with progress(f"Neighbours of {self.name}", len(firsts)) as advance, workers(self.n_jobs) as run:
            found = run(search, [(first,) for first in firsts])
        counts, codes, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return SparseRows(np.concatenate([[0], np.cumsum(counts)]), codes, values)


def nearest_kept(neighbors: SparseRows, query: Codes, n: int) -> tuple[Codes, Float64]:
    """The first n neighbours of some rows and their similarities; code -1 where there are no more."""
    starts, stops = neighbors.indptr[query], neighbors.indptr[query + 1]
    width = int(min(n, max((stops - starts).max(initial=0), 1)))
    places = starts[:, None] + np.arange(width)
    there = places < stops[:, None]
    places = np.where(there, places, 0)
    codes = np.full(places.shape, -1, np.int32)
    values = np.zeros(places.shape)
    codes[there], values[there] = neighbors.indices[places[there]], neighbors.values[places[there]]
    return codes, values


def refuse_metric(name: str, similarity: str, metric: str | None) -> None:
    """Raise unless no metric is asked of a model that keeps neighbours."""
    if metric is not None:
        message = (
            f"{name} keeps the neighbours of its own similarity, {similarity!r}, and no points to measure between; "
            f"got metric={metric!r}. Hint: leave 'metric' out, or fit with another 'similarity'."
        )
        raise UnsupportedError(message)


class Asked(NamedTuple):
    """How a pair is predicted: the settings of a model."""

    n_neighbors: int
    min_neighbors: int
    damping: float


class Direction(NamedTuple):
    """One direction of looking: rows have neighbours, and columns hold what those gave.

    For users as rows, `given` are the ratings of each item; for items as rows, the ratings by each user. `row_centres`
    and `row_spreads` are those of the neighbours, who need not be the rows themselves.
    """

    neighbors: SparseRows
    given: SparseRows
    column_centres: Float64
    row_centres: Float32
    row_spreads: Float32

    def deviations(self, rows: Codes, columns: Codes, asked: Asked, run: Run) -> Float64:
        """What the neighbours say of pairs of known codes, in their own units; see `kernels.neighbours.deviations`."""
        if not rows.size:
            return np.empty(0)
        n_columns = self.given.indptr.size - 1
        starts, order = group_by_code(columns, n_columns)
        found = np.empty(rows.size)
        cuts = np.unique(np.searchsorted(starts, range(0, rows.size, _PAIRS), side="right") - 1)
        ends = [*cuts[1:], n_columns]
        fixed = (starts, rows[order], *self.given, self.column_centres, self.row_centres, self.row_spreads)
        most = self.row_centres.size  # more neighbours than there are rows cannot be asked for
        counts = (min(asked.n_neighbors, most), min(asked.min_neighbors, most + 1))
        settings = (*self.neighbors, *counts, float(asked.damping))
        run(deviations, [(*fixed, *settings, *ends_of, found) for ends_of in zip(cuts, ends, strict=True)])
        result = np.empty(rows.size)
        result[order] = found
        return result

    def heard(self, row: int, column: int, asked: Asked) -> tuple[Codes, Float32, Float32, Float64]:
        """The neighbours a prediction rests on: their codes, what they gave, their similarities and their shares."""
        own = slice(*self.neighbors.indptr[row : row + 2])
        codes, similarities = self.neighbors.indices[own], self.neighbors.values[own]
        theirs = slice(*self.given.indptr[column : column + 2])
        members, ratings = self.given.indices[theirs], self.given.values[theirs]
        chosen = np.flatnonzero(np.isin(codes, members))[: asked.n_neighbors]
        if chosen.size < asked.min_neighbors:
            chosen = chosen[:0]
        codes, similarities = codes[chosen], similarities[chosen]
        order = np.argsort(members)
        given = ratings[order[np.searchsorted(members, codes, sorter=order)]]
        values = (given - self.column_centres[column] - self.row_centres[codes]) / self.row_spreads[codes]
        return codes, given, similarities, similarities * values / (similarities.sum() + asked.damping)


def row_lengths(owner: Codes, values: Float32, n_rows: int) -> Float32:
    """The root of the sum of squares of each row, from the row of each entry."""
    return np.sqrt(np.bincount(owner, values.astype(np.float64) ** 2, n_rows)).astype(np.float32)
