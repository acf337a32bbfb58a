"""What cornac does in each row."""

from __future__ import annotations

import numpy as np
from cornac.data import Dataset
from cornac.models import BPR, MF

from benchmarks.data import Array, Events, Ratings, Split
from benchmarks.measure import Stopwatch, order, rate


def ratings(split: Split, penalty: float, learning_rate: float) -> dict[str, float]:
    """Fit biased matrix factorisation for exactly 20 epochs; test pairs are predicted one by one, as cornac does."""

    def prepare(part: Ratings) -> Dataset:
        return Dataset.from_uir(zip(part.users.tolist(), part.items.tolist(), part.ratings.tolist(), strict=True))

    def fit(dataset: Dataset) -> MF:
        model = MF(
            k=100,
            max_iter=20,
            learning_rate=learning_rate,
            lambda_reg=penalty,
            early_stop=False,
            num_threads=1,
            seed=0,
            verbose=False,
        )
        return model.fit(dataset)

    def predict(model: MF, users: Array, items: Array) -> list[float]:
        user_codes = [model.uid_map.get(user, -1) for user in users.tolist()]
        item_codes = [model.iid_map.get(item, -1) for item in items.tolist()]
        return [_rate(model, user, item) for user, item in zip(user_codes, item_codes, strict=True)]

    return rate(split, prepare, fit, predict)[0]


def events(events: Events, learning_rate: float, penalty: float, n_epochs: int) -> dict[str, float]:
    """Fit BPR with 64 factors; its lists come from a matrix product in NumPy, since cornac makes them one by one."""
    watch = Stopwatch()
    with watch("prepare"):
        dataset = Dataset.from_uir(
            [(user, item, 1.0) for user, item in zip(events.users, events.items, strict=True)], seed=0
        )
    model = BPR(
        k=64, max_iter=n_epochs, learning_rate=learning_rate, lambda_reg=penalty, num_threads=1, seed=0, verbose=False
    )
    with watch("fit"):
        model.fit(dataset)
    columns = np.array([model.iid_map.get(item, -1) for item in events.candidates.tolist()])

    def score(users: Array) -> Array:
        rows = [model.uid_map[user] for user in users.tolist()]
        scores = model.u_factors[rows] @ model.i_factors[columns].T + model.i_biases[columns]
        scores[:, columns < 0] = -np.inf
        return scores

    with watch("recommend"):
        found = events.best(score)
    return order(watch, events, found)


def _rate(model: MF, user: int, item: int) -> float:
    """A rating; the mean where the item is new."""
    return float(np.ravel(model.rate(user, item))[0]) if item >= 0 else model.global_mean
