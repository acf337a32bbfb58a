"""Nearest items by distance, angle and dot product."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from foretaste._typing import Codes, Float64
from foretaste.models._likeness import highest_products

Measure: TypeAlias = Literal["euclidean", "cosine", "dot"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


def nearness(vectors: Float64, code: int, measure: Measure) -> Float64:
    """How near every item is to one: more is nearer, so that a distance comes with a minus sign."""
    if measure == "euclidean":
        distances: Float64 = np.linalg.norm(vectors - vectors[code], axis=1)
        return -distances
    if measure == "cosine":
        vectors = directions(vectors)
    products: Float64 = vectors @ vectors[code]
    return products


def directions(vectors: Float64) -> Float64:
    """Vectors of length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def nearest_codes(vectors: Float64, queries: Codes, n: int, measure: Measure) -> Codes:
    """The n items nearest to each of some, itself left out, nearest first; shape (n_queries, n).

    For all items of a large catalogue: in single precision, tile by tile, never all products at once.
    """
    # |x - y|^2 = |x|^2 - 2 (x.y - |y|^2 / 2), where a common shift changes no distance and keeps digits
    shifted = vectors - vectors.mean(axis=0) if measure == "euclidean" else vectors
    points = (directions(vectors) if measure == "cosine" else shifted).astype(np.float32)
    half = (points**2).sum(axis=1) / np.float32(-2) if measure == "euclidean" else None
    return highest_products(points, queries, n, half)[0]
