"""What one would write oneself with NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from benchmarks.data import Ratings, Scores
from benchmarks.measure import Stopwatch


def sparse_rows(part: Ratings) -> dict[str, float]:
    watch = Stopwatch()
    with watch("csr"):
        rows = sparse.csr_array(sparse.coo_array((part.ratings, (part.users, part.items))))
    return watch.seconds | {"rows": rows.nnz}


def recommend(scores: Scores, users: Sequence[int], calls: int) -> dict[str, float]:
    """The best ten of one user's scores by `argpartition`, seen items left out."""
    (user,) = users
    seen = scores.seen.indices[scores.seen.indptr[user] : scores.seen.indptr[user + 1]]
    watch = Stopwatch()
    with watch("recommend"):
        for _ in range(calls):
            products = scores.item_factors @ scores.user_factors[user]
            products[seen] = -np.inf
            chosen = np.argpartition(products, -10)[-10:]
            found = chosen[np.argsort(-products[chosen])]
    return {
        "recommend": watch.seconds["recommend"] / calls,
        "agreement": scores.agreement(np.array(users), found[None]),
    }
