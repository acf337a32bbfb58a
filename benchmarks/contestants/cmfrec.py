"""What cmfrec does in each row."""

from __future__ import annotations

import numpy as np
from cmfrec import CMF
from scipy.sparse import coo_matrix

from benchmarks.data import Array, Ratings, Split
from benchmarks.measure import rate


def ratings(split: Split, penalty: float) -> dict[str, float]:
    """Fit collective matrix factorisation without side information, by conjugate gradients in float32.

    cmfrec takes positions; making them of ids is part of `prepare`.
    """
    user_ids, item_ids = (np.unique(ids) for ids in (split.train.users, split.train.items))

    def prepare(part: Ratings) -> coo_matrix:
        places = np.unique(part.users, return_inverse=True)[1], np.unique(part.items, return_inverse=True)[1]
        return coo_matrix((part.ratings.astype(np.float32), places))

    def fit(matrix: coo_matrix) -> CMF:
        model = CMF(
            k=40,
            lambda_=penalty,
            scale_lam=True,
            method="als",
            use_cg=True,
            use_float=True,
            nthreads=1,
            random_state=0,
            verbose=False,
        )
        return model.fit(matrix)

    def predict(model: CMF, users: Array, items: Array) -> Array:
        user_codes, item_codes = np.searchsorted(user_ids, users), np.searchsorted(item_ids, items)
        item_codes = np.minimum(item_codes, item_ids.size - 1)
        known = item_ids[item_codes] == items
        predicted = np.full(users.size, model.glob_mean_)
        predicted[known] = model.predict(user_codes[known], item_codes[known])
        return predicted

    return rate(split, prepare, fit, predict)[0]
