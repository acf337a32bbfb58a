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
    codes = np.arange(len(vectors), dtype=np.int32)
    itself = SparseRows(np.arange(len(vectors) + 1), codes, np.ones(len(vectors), np.float32))
    if metric == "euclidean":
        # |x - y|^2 = |x|^2 - 2 (x.y - |y|^2 / 2)
        squares = (vectors**2).sum(axis=1)
        score = Products(vectors, vectors, column_part=squares / np.float32(-2))
    else:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        directions = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        score = Products(directions, directions)
    found, scores = best_columns(score, query, min(n, len(vocabulary)), hidden=itself)
    if metric == "euclidean":
        scores = np.sqrt(np.maximum(squares[query, None] - 2 * scores, 0))
    return Nearest(vocabulary, found, scores)
