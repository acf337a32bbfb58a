"""What myFM does in each row."""

from __future__ import annotations

import numpy as np
from myfm import MyFMRegressor
from scipy import sparse

from benchmarks.data import Array, Ratings, Split
from benchmarks.measure import rate


def ratings(split: Split, n_factors: int, n_samples: int, burn_in: int) -> dict[str, float]:
    """Sample a factorisation machine of the two ids, a column each in one sparse table, in groups of their own.

    Making the table of ids is part of `prepare`; a table is faster here than its relation blocks.
    """
    user_ids, item_ids = (np.unique(ids) for ids in (split.train.users, split.train.items))

    def table(users: Array, items: Array) -> sparse.csr_matrix:
        return sparse.hstack([_columns(user_ids, users), _columns(item_ids, items)]).tocsr()

    def prepare(part: Ratings) -> tuple[sparse.csr_matrix, Array]:
        return table(part.users, part.items), part.ratings.astype(np.float64)

    def fit(prepared: tuple[sparse.csr_matrix, Array]) -> MyFMRegressor:
        model = MyFMRegressor(rank=n_factors, random_seed=0)
        sizes = [user_ids.size, item_ids.size]
        return model.fit(*prepared, n_iter=burn_in + n_samples, n_kept_samples=n_samples, group_shapes=sizes)

    return rate(split, prepare, fit, lambda model, users, items: model.predict(table(users, items)))[0]


def _columns(known: Array, ids: Array) -> sparse.csr_matrix:
    """A row for each id, with a one in its column; none of an unknown id."""
    places = np.minimum(np.searchsorted(known, ids), known.size - 1)
    rows = np.flatnonzero(known[places] == ids)
    return sparse.csr_matrix((np.ones(rows.size), (rows, places[rows])), (ids.size, known.size))
