"""What implicit does in each row."""

from __future__ import annotations

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from benchmarks.data import Scores
from benchmarks.measure import Stopwatch


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
