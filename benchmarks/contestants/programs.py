"""A program written for Surprise, run with whichever library of that interface it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import Array, Ratings, Split
from benchmarks.measure import rate


def run(library: ModuleType, split: Split, algorithm: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Fit an algorithm and test it; the table of the arrays is there beforehand, the trainset is prepared from it.

    `predicted` is a hash of every estimate: equal means equal to the last bit.
    """

    def prepare(part: Ratings) -> Any:  # noqa: ANN401  the library's own
        frame = pd.DataFrame({"user": part.users, "item": part.items, "rating": part.ratings})
        return library.Dataset.load_from_df(frame, library.Reader(rating_scale=split.scale)).build_full_trainset()

    digest = hashlib.sha256()

    def predict(fitted: Any, users: Array, items: Array) -> list[float]:  # noqa: ANN401  as above
        pairs = zip(users.tolist(), items.tolist(), np.zeros(users.size), strict=True)
        estimates = [prediction.est for prediction in fitted.test(pairs)]
        digest.update(np.array(estimates, np.float64))
        return estimates

    def fit(trainset: Any) -> Any:  # noqa: ANN401  as above
        return getattr(library, algorithm)(**parameters).fit(trainset)

    return rate(split, prepare, fit, predict)[0] | {"predicted": digest.hexdigest()[:12]}
