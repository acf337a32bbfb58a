"""What one would write oneself with NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.decomposition import TruncatedSVD

from benchmarks.data import Array, Baskets, Candidates, Events, Ratings, Scores, Split, best_by_determinants
from benchmarks.measure import Stopwatch, median_seconds, order, rate


def sparse_rows(part: Ratings) -> dict[str, float]:
    watch = Stopwatch()
    with watch("csr"):
        rows = sparse.csr_array(sparse.coo_array((part.ratings, (part.users, part.items))))
    return watch.seconds | {"rows": rows.nnz}


def ease(events: Events, penalty: float) -> dict[str, float]:
    """EASE in the few lines of its paper, in double precision."""
    matrix = events.matrix()
    watch = Stopwatch()
    with watch("fit"):
        gram = (matrix.T @ matrix).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += penalty
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0)
    with watch("recommend"):
        found = events.best(lambda users: (matrix[users] @ weights)[:, events.candidates])
    return order(watch, events, found)


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


def read(scores: Scores, calls: int) -> dict[str, float]:
    """The scalar product of all item factors with themselves, which reads them once and does little else."""
    whole = scores.item_factors.ravel()
    watch = Stopwatch()
    with watch("recommend"):
        for _ in range(calls):
            whole @ whole
    return {"recommend": watch.seconds["recommend"] / calls}


def dense_svd(split: Split, solver: str, n_factors: int) -> dict[str, float]:
    """The whole matrix in memory, each gap filled with the mean of its user, and a truncated decomposition of it."""

    def prepare(part: Ratings) -> tuple[Array, Array, Array]:
        users, rows = np.unique(part.users, return_inverse=True)
        items, columns = np.unique(part.items, return_inverse=True)
        means = np.bincount(rows, part.ratings) / np.bincount(rows)
        matrix = np.repeat(means.astype(np.float32)[:, None], items.size, axis=1)
        matrix[rows, columns] = part.ratings
        return users, items, matrix

    def fit(prepared: tuple[Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        users, items, matrix = prepared
        if solver == "arpack":
            left, lengths, right = svds(matrix, k=n_factors, v0=np.ones(min(matrix.shape), np.float32))
            return users, items, left * lengths, right.T
        decomposition = TruncatedSVD(n_factors, random_state=0)
        return users, items, decomposition.fit_transform(matrix), decomposition.components_.T

    def predict(fitted: tuple[Array, Array, Array, Array], users: Array, items: Array) -> Array:
        predicted = np.empty(users.size)
        known_users, known_items, left, right = fitted
        rows, columns = np.searchsorted(known_users, users), np.searchsorted(known_items, items)
        columns = np.minimum(columns, known_items.size - 1)
        known = known_items[columns] == items
        predicted[known] = (left[rows[known]] * right[columns[known]]).sum(axis=1)
        # an item that nobody rated is as far from the user as all items are on average
        predicted[~known] = left[rows[~known]] @ right.mean(axis=0)
        return predicted

    return rate(split, prepare, fit, predict)[0]


def by_tags(events: Events, *, personal: bool) -> dict[str, float]:
    """Rank new items by their tags: by how often a tag's known items occur on average, or by the user's own share.

    An item's score is the mean over its tags, and 0 without any.
    """
    names = sorted({tag for tags in events.tags for tag in tags})
    code_of = {tag: code for code, tag in enumerate(names)}
    entries = [(item, code_of[tag]) for item, tags in enumerate(events.tags) for tag in tags]
    shape = (len(events.tags), len(names))
    table = sparse.csr_array((np.ones(len(entries)), tuple(np.array(entries).T)), shape)
    mean = sparse.csr_array(sparse.diags_array(1 / np.maximum(table.sum(axis=1), 1)) @ table)
    own, chosen = events.matrix(), mean[events.candidates].T
    watch = Stopwatch()
    with watch("fit"):
        counts = np.bincount(events.items, minlength=shape[0])
        rate = (table.T @ counts) / np.maximum(table.T @ (counts > 0), 1)
        profiles = own @ mean[: own.shape[1]]

    def score(users: Array) -> Array:
        return (profiles[users] @ chosen).toarray() if personal else np.tile(rate @ chosen, (users.size, 1))

    with watch("recommend"):
        found = events.best(score)
    return order(watch, events, found)


def greedy_map(candidates: Candidates, calls: int) -> dict[str, float]:
    """A row of Cholesky's factor for each place, in the few lines of the paper that has it."""
    weight, chosen = candidates.weight, np.empty(candidates.n_slots, np.int64)

    def choose() -> None:
        cosines = candidates.vectors @ candidates.vectors.T
        rows, left = np.zeros((chosen.size, len(cosines))), np.diagonal(cosines).copy()
        for place in range(chosen.size):
            gains = (1 - weight) * candidates.scores + weight * np.log(np.maximum(left, 1e-300))
            gains[chosen[:place]] = -np.inf
            best = chosen[place] = np.argmax(gains)
            rows[place] = (cosines[best] - rows[:place, best] @ rows[:place]) / np.sqrt(left[best])
            left -= rows[place] ** 2

    return {"a list": median_seconds(choose, calls), "agreement": candidates.agreement(chosen)}


def greedy_determinants(candidates: Candidates) -> dict[str, float]:
    """Every determinant there is to choose from, at every place."""
    watch = Stopwatch()
    with watch("a list"):
        chosen = best_by_determinants(candidates.scores, candidates.vectors, candidates.weight, candidates.n_slots)
    return watch.seconds | {"agreement": candidates.agreement(chosen)}


def own_items(baskets: Baskets, by: str, ties: str) -> dict[str, float]:
    """A customer's own items by how often they were bought, or how recently; then by another of these figures."""
    watch = Stopwatch()
    everybody = np.bincount(baskets.items)
    order = np.argsort(baskets.users, kind="stable")
    starts = np.searchsorted(baskets.users[order], np.arange(baskets.users.max() + 2))

    def found(user: int, _day: int) -> Array:
        own = order[starts[user] : starts[user + 1]]
        items, times = np.unique(baskets.items[own], return_counts=True)
        latest = np.zeros(items.size, int)
        np.maximum.at(latest, np.searchsorted(items, baskets.items[own]), baskets.days[own])
        figures = {"times": times, "latest": latest, "everybody": everybody[items]}
        return items[np.lexsort((-figures[ties], -figures[by]))]

    with watch("lists"):
        figures = baskets.accuracy(found)
    return watch.seconds | figures
