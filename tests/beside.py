"""Surprise and `foretaste.surprise` side by side: the same ratings and the same questions for both."""

import numpy as np
import pandas as pd
import surprise as peer
from hypothesis import strategies as st

import foretaste as ft
from foretaste import surprise as ours

SIDES = (peer, ours)


@st.composite
def ratings(draw, values=(-2.5, -1.0, 0.0, 0.5, 1.0, 2.5, 3.0, 4.5, 5.0), max_size=30):
    """Rows of user, item and rating: among them one row, a pair that occurs again, halves and what is negative."""
    row = st.tuples(st.integers(0, 5), st.sampled_from("abcdefg"), st.sampled_from(values))
    return draw(st.lists(row, min_size=1, max_size=max_size))


def dataset(side, rows, scale=(-3, 5)):
    frame = pd.DataFrame(rows, columns=["user", "item", "rating"])
    return side.Dataset.load_from_df(frame, side.Reader(rating_scale=scale))


def real_rows(n_rows):
    """Rows of a real set, every user and item of a part of it."""
    frame = ft.datasets.load("ml-100k").to_frame().select("user", "item", "rating").head(n_rows)
    return list(frame.iter_rows())


def fitted(rows, algorithm, **parameters):
    """Two algorithms of one name, each fitted to the same rows."""
    return [getattr(side, algorithm)(**parameters).fit(dataset(side, rows).build_full_trainset()) for side in SIDES]


def pairs(rows):
    """Every pair of a user and an item, of which some are unknown."""
    users, items = ({row[place]: None for row in rows} for place in (0, 1))
    return [(user, item, 3.0) for user in [*list(users)[:12], "nobody"] for item in [*list(items)[:40], "nothing"]]


def same(found, expected):
    """Whether two sides gave the same: numbers to the bit, NaN where NaN is."""
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[name], expected[name]) for name in expected)
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, np.ndarray):
        return found.dtype == expected.dtype and np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")
    return bool(found == expected) or (found != found and expected != expected)  # noqa: PLR0124  NaN
