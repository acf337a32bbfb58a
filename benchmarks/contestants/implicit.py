"""What implicit does in each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from implicit import nearest_neighbours
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from benchmarks.data import Events, Scores
from benchmarks.measure import Stopwatch, order


def recommend(scores: Scores) -> dict[str, float]:
    """Recommend with given factors to everybody; ids are positions."""
    model = AlternatingLeastSquares(factors=scores.user_factors.shape[1], num_threads=1, random_state=0)
    model.user_factors, model.item_factors = scores.user_factors, scores.item_factors
    users, seen = np.arange(len(scores.user_factors)), csr_matrix(scores.seen)
    watch = Stopwatch()
    with watch("recommend"):
        found, _ = model.recommend(users, seen, N=10, filter_already_liked_items=True)
    return watch.seconds | {
        "users a second": users.size / watch.seconds["recommend"],
        "agreement": scores.agreement(users, found),
    }


def events(events: Events, n_factors: int, penalty: float, alpha: float, n_epochs: int) -> dict[str, float]:
    """Alternating least squares by conjugate gradients in float32; positions are taken as they are."""
    watch = Stopwatch()
    with watch("prepare"):
        matrix = csr_matrix(events.matrix())
    model = AlternatingLeastSquares(
        factors=n_factors,
        regularization=penalty,
        alpha=alpha,
        iterations=n_epochs,
        dtype=np.float32,
        use_cg=True,
        num_threads=1,
        random_state=0,
    )
    with watch("fit"):
        model.fit(matrix, show_progress=False)
    users = events.asked()
    with watch("recommend"):
        found, _ = model.recommend(users, matrix[users], N=20, filter_already_liked_items=True)
    return order(watch, events, found)


def neighbors(events: Events, algorithm: str, **settings: Any) -> dict[str, float]:  # noqa: ANN401  the algorithm's own
    """Neighbours of items; positions are taken as they are."""
    watch = Stopwatch()
    with watch("prepare"):
        matrix = csr_matrix(events.matrix())
    model = getattr(nearest_neighbours, algorithm)(num_threads=1, **settings)
    with watch("fit"):
        model.fit(matrix, show_progress=False)
    users = events.asked()
    with watch("recommend"):
        found, _ = model.recommend(users, matrix[users], N=20, filter_already_liked_items=True)
    return order(watch, events, found)
