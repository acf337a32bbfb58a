"""What LightFM does in each row: its fork lightfm-next, which installs; the compiled part is that of LightFM 1.17."""

from __future__ import annotations

import numpy as np
from lightfm import LightFM
from scipy import sparse

from benchmarks.data import Array, Events
from benchmarks.measure import Stopwatch, order


def events(
    events: Events,
    *,
    n_factors: int,
    n_epochs: int,
    learning_rate: float,
    max_sampled: int,
    penalty: float = 0.0,
    identity: bool = True,
) -> dict[str, float]:
    """Fit with the loss WARP and steps by AdaGrad.

    Items are described by their tags, where there are any, each at 1 / sqrt(their number), and those of the training
    part by themselves too with `identity`; new items are not there while it learns, and none is drawn. LightFM scores
    pair by pair, so its lists come from a matrix product in NumPy.
    """
    watch = Stopwatch()
    with watch("prepare"):
        known, columns = np.unique(events.items, return_inverse=True)
        ones = np.ones(columns.size, np.float32)
        matrix = sparse.coo_matrix((ones, (events.users, columns)), shape=(int(events.users.max()) + 1, known.size))
        features = _features(events, known, identity=identity)
    model = LightFM(
        no_components=n_factors,
        loss="warp",
        learning_schedule="adagrad",
        learning_rate=learning_rate,
        max_sampled=max_sampled,
        item_alpha=penalty,
        user_alpha=penalty,
        random_state=0,
    )
    with watch("fit"):
        model.fit(matrix, item_features=features[known], epochs=n_epochs, num_threads=1)
    biases, items = model.get_item_representations(features[events.candidates])
    _, users = model.get_user_representations()
    with watch("recommend"):
        found = events.best(lambda block: users[block] @ items.T + biases)
    return order(watch, events, found) | {"an epoch": watch.seconds["fit"] / n_epochs}


def _features(events: Events, known: Array, *, identity: bool) -> sparse.csr_matrix:
    """What each item of all is made of: itself if the training part holds it, and its tags."""
    n_items = max(len(events.tags), int(max(known[-1], events.candidates[-1])) + 1)
    parts = []
    if identity:
        itself = np.ones(known.size, np.float32)
        parts.append(sparse.coo_matrix((itself, (known, np.arange(known.size))), shape=(n_items, known.size)))
    if events.tags:
        names = sorted({tag for tags in events.tags for tag in tags})
        code_of = {tag: code for code, tag in enumerate(names)}
        entries = [(i, code_of[tag], len(tags) ** -0.5) for i, tags in enumerate(events.tags) for tag in tags]
        rows, codes, shares = (np.array(column) for column in zip(*entries, strict=True))
        shape = (n_items, len(names))
        parts.append(sparse.coo_matrix((shares.astype(np.float32), (rows, codes)), shape=shape))
    return sparse.hstack(parts).tocsr()
