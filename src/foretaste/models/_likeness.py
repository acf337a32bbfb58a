"""Who or what is nearest, among points in a space."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64
from foretaste.data.vocabulary import Vocabulary
from foretaste.models._ranking import best_columns

Metric = Literal["cosine", "euclidean"]


class Nearest(NamedTuple):
    """Those nearest to each of some users or items, a row each, nearest first; code -1 where none is left."""

    vocabulary: Vocabulary
    codes: Codes
    values: Float32 | Float64


def nearest_points(vectors: Float32, vocabulary: Vocabulary, query: Codes, n: int, metric: Metric | None) -> Nearest:
    """The n nearest to each of some points, by the angle between vectors or by the distance (euclidean)."""
    if metric != "euclidean":
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    squares = (vectors**2).sum(axis=1)

    def score(block: Codes) -> Float32:
        scores: Float32 = vectors[block] @ vectors.T
        if metric == "euclidean":  # -|x - y|^2 orders as the distance does
            scores = 2 * scores - squares - squares[block, None]
        scores[np.arange(block.size), block] = -np.inf
        return scores

    codes, scores = best_columns(score, query, min(n, len(vocabulary)))
    return Nearest(vocabulary, codes, np.sqrt(np.maximum(-scores, 0)) if metric == "euclidean" else scores)
