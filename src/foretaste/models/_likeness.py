"""Who or what is nearest, among points in a space."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64
from foretaste.data.interactions import SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.models._ranking import Products, best_columns

Metric = Literal["cosine", "euclidean"]


class Nearest(NamedTuple):
    """Those nearest to each of some users or items, a row each, nearest first; code -1 where none is left."""

    vocabulary: Vocabulary
    codes: Codes
    values: Float32 | Float64


def nearest_points(vectors: Float32, vocabulary: Vocabulary, query: Codes, n: int, metric: Metric | None) -> Nearest:
    """The n nearest to each of some points, by the angle between vectors or by the distance (euclidean)."""
    n = min(n, len(vocabulary))
    if metric == "euclidean":
        # |x - y|^2 = |x|^2 - 2 (x.y - |y|^2 / 2)
        squares = (vectors**2).sum(axis=1)
        found, scores = highest_products(vectors, query, n, column_part=squares / np.float32(-2))
        scores = np.sqrt(np.maximum(squares[query, None] - 2 * scores, 0))
    else:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        directions = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        found, scores = highest_products(directions, query, n)
    return Nearest(vocabulary, found, scores)


def highest_products(
    vectors: Float32, query: Codes, n: int, column_part: Float32 | None = None
) -> tuple[Codes, Float32]:
    """For some of the vectors the n others whose product with it, plus a part of their own, is highest."""
    n_vectors = len(vectors)
    itself = SparseRows(np.arange(n_vectors + 1), np.arange(n_vectors, dtype=np.int32), np.ones(n_vectors, np.float32))
    return best_columns(Products(vectors, vectors, column_part=column_part), query, n, hidden=itself)
