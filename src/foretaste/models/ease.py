"""`EASE`: every item predicted from all others by one ridge regression."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from scipy.linalg import lapack

from foretaste._typing import Codes, Float32, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import DataError, UnsupportedError
from foretaste.kernels.gram import (
    gram_rows,
    neighbourhood_weights,
    score_sparse,
    strongest_products,
    weights_of_inverse,
)
from foretaste.kernels.products import multiply_rows
from foretaste.kernels.sorting import transpose_rows
from foretaste.models._base import Side
from foretaste.models._implicit import RowScored
from foretaste.models._likeness import Metric, Nearest
from foretaste.models._ranking import Scorer, best_columns
from foretaste.models._training import Training
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import N_JOBS, Float, Int

# Rows a thread takes at a time; a matter of speed alone.
_CHUNK = 64
# Entries of a row of the Gram matrix that the sparse form keeps, so that submatrices can be put together from them.
_KEPT = 1000
# What a share of dropped events may be at most: at 1 nothing would be left.
_MOST_DROPPED = 0.99


class EASE(RowScored):
    r"""Embarrassingly shallow autoencoder: an item's score is a weighted sum of what the user has.

    .. math:: s_{ui} = \sum_j x_{uj} B_{ji}, \qquad B_{ii} = 0

    where x are the events and B the weights of items that predict the events best, by ridge regression, while no item
    may predict itself. With :math:`G = X^\top X` they have a closed form, which holds four models:

    .. math::

        \gamma_j = \lambda + \tfrac{p}{1 - p} G_{jj}, \quad P = (G + \mathrm{diag}\,\gamma)^{-1}, \quad
        B_{ij} = -P_{ij} \max\Big\{\gamma_j, \frac{1 - \xi}{P_{jj}}\Big\}

    - p = 0 and xi = 0: EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data");
    - p > 0: EDLAE, as if a share p of the events were dropped at random (Steck 2020, "Autoencoders that don't overfit
      towards the identity");
    - xi > 0: RLAE, or RDLAE with both, in which an item may be predicted by itself while it learns (Moon, Kim, Lee
      2023, "It's enough: relaxing diagonal constraints in linear autoencoders for recommendation"); xi = 1 is plain
      ridge regression whose diagonal is then left out.

    What somebody active or something popular says may be held back while B is learned: from
    :math:`E^{-a} X D^{-c}` in place of X, with the sums E and D of the events of users and items. The scores are of
    plain events again: B is then :math:`D^{-c} B' D^{c}` of the B' that was learned (Park, Yoon, Kim, Lee 2025, "Why
    is normalization necessary for linear recommenders?").

    Up to `max_dense_items` all of G is inverted in single precision, in place: it takes 4 n^2 bytes for n items, 1.6 GB
    for 20,000, and time as n^3. Above that each item is regressed on its `n_neighbors` strongest neighbours only, by
    the cosine of their columns: at most 8 (1000 + 2 `n_neighbors`) bytes an item while it learns, and 8 `n_neighbors`
    afterwards.

    Parameters
    ----------
    reg : float
        The lambda, in events: an item with as many is trusted half. Events with weights are measured in units of the
        root of their mean square.
    dropout : float
        The p.
    relaxation : float
        The xi.
    user_exponent, item_exponent : float
        The a and c: how far active users and popular items are held back. 0 is EASE.
    max_dense_items : int
    n_neighbors : int
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it. The inverse is made by one.

    Attributes
    ----------
    item_weights_ : float32 array of shape (n_items, n_items), or SparseRows
        The B: row j is what having item j adds to the score of each other.
    typical_scores_ : float32 array of shape (n_items,)
        The mean scores of all users, by which somebody unknown is served.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.EASE(reg=1).fit([("an", "bts"), ("an", "sanam"), ("bo", "bts"), ("bo", "sanam"), ("cy", "ommazh")])
    >>> model.fold_in(["bts"]).recommend(n=1)["item"].to_list()
    ['sanam']
    """

    _constraints: ClassVar = {
        "reg": Float(0, open_low=True),
        "dropout": Float(0, _MOST_DROPPED),
        "relaxation": Float(0, 1),
        "user_exponent": Float(0, 1),
        "item_exponent": Float(0, 1),
        "max_dense_items": Int(0),
        "n_neighbors": Int(1),
        "n_jobs": N_JOBS,
    }

    item_weights_: Annotated[Float32 | SparseRows, "items", "items"]
    typical_scores_: Annotated[Float32, "items"]

    def __init__(
        self,
        *,
        reg: float = 500.0,
        dropout: float = 0.0,
        relaxation: float = 0.0,
        user_exponent: float = 0.0,
        item_exponent: float = 0.0,
        max_dense_items: int = 20_000,
        n_neighbors: int = 300,
        n_jobs: int | None = None,
    ) -> None:
        self.reg = reg
        self.dropout = dropout
        self.relaxation = relaxation
        self.user_exponent = user_exponent
        self.item_exponent = item_exponent
        self.max_dense_items = max_dense_items
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        events, n_items = self._events(interactions), interactions.n_items
        by_user, scales = self._held_back(events, n_items)
        by_item = SparseRows(*transpose_rows(*by_user, n_items))
        squares = by_item.values.astype(np.float64) ** 2
        diagonal = np.bincount(by_item.row_codes(), squares, n_items)
        # reg and dropout both act on the diagonal alone
        penalty = self.reg * squares.mean() + self.dropout / (1 - self.dropout) * diagonal
        parts = (by_item, by_user, diagonal.astype(np.float32), penalty.astype(np.float32))
        with workers(self.n_jobs) as run:
            weights = self._dense(run, *parts) if n_items <= self.max_dense_items else self._sparse(run, *parts)
        _unscale(weights, scales)
        means = np.bincount(events.indices, events.values, n_items) / interactions.n_users
        everything = SparseRows(np.array([0, n_items], np.int64), np.arange(n_items, dtype=np.int32), _single(means))
        scores = np.empty((1, n_items), np.float32)
        _score(np.zeros(1, np.int32), everything, weights, np.zeros(n_items, np.float32), scores)
        return {"item_weights_": weights, "typical_scores_": scores[0]}

    def _held_back(self, events: SparseRows, n_items: int) -> tuple[SparseRows, Float32]:
        """What is learned from, and what each item's column was divided by."""
        users, items = events.row_codes(), events.indices
        by_user = np.bincount(users, events.values, events.indptr.size - 1) ** self.user_exponent
        by_item = np.bincount(items, events.values, n_items) ** self.item_exponent
        by_item[by_item == 0] = 1  # an item without events has no column
        values = (events.values / (by_user[users] * by_item[items])).astype(np.float32)
        return events._replace(values=values), by_item.astype(np.float32)

    def _dense(
        self, run: Run, by_item: SparseRows, by_user: SparseRows, diagonal: Float32, penalty: Float32
    ) -> Float32:
        """All of B, in the memory of G."""
        n = diagonal.size
        matrix = np.empty((n, n), np.float32)
        run(gram_rows, [(*by_item, *by_user, *chunk, matrix) for chunk in _chunks(n)])
        matrix[np.diag_indices(n)] += penalty
        # Rows as columns, its lower triangle is what LAPACK calls the upper one: no copy is made.
        _, fault = lapack.spotrf(matrix.T, lower=0, clean=0, overwrite_a=1)
        if not fault:
            _, fault = lapack.spotri(matrix.T, lower=0, overwrite_c=1)
        inverse = matrix.diagonal().copy()
        if fault or not (inverse > 0).all():
            message = f"{type(self).__name__} cannot invert what it learned in single precision. Hint: raise 'reg'."
            raise DataError(message)
        weights_of_inverse(matrix, np.maximum(penalty, np.float32(1 - self.relaxation) / inverse))
        return matrix

    def _sparse(
        self, run: Run, by_item: SparseRows, by_user: SparseRows, diagonal: Float32, penalty: Float32
    ) -> SparseRows:
        """B of each item's strongest neighbours alone."""
        n = diagonal.size
        width = min(max(_KEPT, self.n_neighbors), n)

        def strongest(first: int, last: int) -> SparseRows:
            codes, products = np.empty((last - first, width), np.int32), np.empty((last - first, width), np.float32)
            counts = np.empty(last - first, np.int32)
            strongest_products(*by_item, *by_user, diagonal, first, last, codes, products, counts)
            return _packed(codes, products, counts)

        gram = SparseRows.stacked(run(strongest, _chunks(n)))
        width = min(self.n_neighbors, n)

        def regress(first: int, last: int) -> SparseRows:
            codes, weights = np.empty((last - first, width), np.int32), np.empty((last - first, width), np.float32)
            neighbourhood_weights(*gram, diagonal, penalty, float(self.relaxation), width, first, last, codes, weights)
            return _packed(codes, weights, np.minimum(np.diff(gram.indptr[first : last + 1]), width))

        by_target = SparseRows.stacked(run(regress, _chunks(n)))
        return SparseRows(*transpose_rows(*by_target, n))

    def _scorer(self) -> Scorer:
        n_items = len(self.item_vocabulary_)

        def scores(block: Codes) -> Float32:
            out = np.empty((block.size, n_items), np.float32)
            _score(block, self.known_, self.item_weights_, self.typical_scores_, out)
            return out

        return scores

    def _nearest(self, side: Side, query: Codes, n: int, metric: Metric | None) -> Nearest:
        name = type(self).__name__
        if side == "user":
            return super()._nearest(side, query, n, metric)
        if metric is not None:
            message = (
                f"{name} knows items by how they predict each other, and measures no {metric}; got metric={metric!r}. "
                f"Hint: leave out 'metric'."
            )
            raise UnsupportedError(message)
        ahead = self.item_weights_
        back = (
            ahead.T
            if isinstance(ahead, np.ndarray)
            else SparseRows(*transpose_rows(*ahead, len(self.item_vocabulary_)))
        )

        def score(block: Codes) -> Float32:
            # the partial correlation: the root of what each says of the other
            one, other = _rows_of(ahead, block), _rows_of(back, block)
            alike: Float32 = np.sign(one) * np.sqrt(np.maximum(one * other, 0))
            alike[np.arange(block.size), block] = -np.inf
            return alike

        codes, values = best_columns(score, query, min(n, len(self.item_vocabulary_)))
        return Nearest(self.item_vocabulary_, np.where(values > 0, codes, np.int32(-1)), values)

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        own = slice(*self.known_.indptr[user_code : user_code + 2])
        items, events = self.known_.indices[own], self.known_.values[own]
        column = np.array([_rows_of(self.item_weights_, items[j : j + 1])[0, item_code] for j in range(items.size)])
        return [
            (f"has {self.item_vocabulary_.decode_one(int(item))}", float(event) * float(weight))
            for item, event, weight in zip(items, events, column, strict=True)
        ]

    def _fold_in(self, rows: SparseRows) -> Learned:  # noqa: ARG002  nothing to learn: scores look at what they have
        return {}


def _single(values: Float64) -> Float32:
    return values.astype(np.float32)


def _unscale(weights: Float32 | SparseRows, scales: Float32) -> None:
    """Turn weights between scaled columns into those between columns as they were, in place."""
    if isinstance(weights, np.ndarray):
        weights *= scales
        weights /= scales[:, None]
    else:
        weights.values[:] *= scales[weights.indices] / scales[weights.row_codes()]


def _chunks(n: int) -> list[tuple[int, int]]:
    return [(first, min(first + _CHUNK, n)) for first in range(0, n, _CHUNK)]


def _packed(codes: Codes, values: Float32, counts: Codes) -> SparseRows:
    """Rows of unequal length without the places that are not filled."""
    filled = np.arange(codes.shape[1]) < counts[:, None]
    return SparseRows(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), codes[filled], values[filled])


def _rows_of(weights: Float32 | SparseRows, rows: Codes) -> Float32:
    """Some rows of a matrix in either form, as an array."""
    if isinstance(weights, np.ndarray):
        return weights[rows]
    out = np.zeros((rows.size, weights.indptr.size - 1), np.float32)
    for place, row in enumerate(rows):
        own = slice(*weights.indptr[row : row + 2])
        out[place, weights.indices[own]] = weights.values[own]
    return out


def _score(users: Codes, rows: SparseRows, weights: Float32 | SparseRows, typical: Float32, out: Float32) -> None:
    """Scores of every item for some users; `typical` for one unknown."""
    if not isinstance(weights, np.ndarray):
        score_sparse(users, *rows, *weights, typical, out)
        return
    for place, user in enumerate(users):
        if user < 0:
            out[place] = typical
        else:
            own = slice(*rows.indptr[user : user + 2])
            indptr = np.array([0, own.stop - own.start], np.int64)
            multiply_rows(indptr, rows.indices[own], rows.values[own], weights, 0, 1, out[place : place + 1])
