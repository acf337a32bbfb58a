"""Whatever a caller passes for ratings or pairs, as the one form the package works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from foretaste._typing import Id
from foretaste.data.frames import DEFAULT_KIND, frame_column, frame_columns, frame_kind, is_frame
from foretaste.data.interactions import Interactions
from foretaste.exceptions import DataError

_PAIR, _TRIPLE = 2, 3


def as_interactions(data: Any, ratings: npt.ArrayLike | None = None) -> Interactions:  # noqa: ANN401
    """Whatever `fit` takes, as `Interactions`.

    Parameters
    ----------
    data : Interactions, frame, dict of dicts, array or list of rows
        With `ratings`: a frame with `user` and `item`, or rows of two. Without: a frame with `rating` too, rows of
        three, ``{user: {item: rating}}``.
    ratings : array-like of shape (n_ratings,), optional
        scikit-learn's ``y``.
    """
    if isinstance(data, Interactions) and ratings is None:
        return data
    if isinstance(data, Mapping) and not is_frame(data):
        if ratings is not None:
            message = "a dictionary holds its ratings itself. Hint: leave out 'y', or pass a frame of user and item."
            raise DataError(message)
        return Interactions.from_dict(data)
    if is_frame(data) and ratings is None:
        return Interactions.from_frame(data)
    if ratings is None:
        users, items, ratings = _row_columns(data, _TRIPLE, "user, item and rating")
    else:
        users, items = as_pairs(data)
    kind = frame_kind(data) if is_frame(data) else DEFAULT_KIND
    return Interactions.from_arrays(users, items, ratings, kind=kind)


def as_pairs(data: Any) -> tuple[Iterable[Id], Iterable[Id]]:  # noqa: ANN401
    """Whatever `predict` takes, as a column of user ids and one of item ids."""
    if isinstance(data, Interactions):
        return data.users.decode(data.user_codes), data.items.decode(data.item_codes)
    if is_frame(data):
        return frame_column(data, "user"), frame_column(data, "item")
    users, items = _row_columns(data, _PAIR, "user and item")
    return users, items


def as_newcomers(ratings: Any, user: Id) -> Interactions:  # noqa: ANN401
    """Whatever `fold_in` takes, as interactions."""
    if isinstance(ratings, Interactions) or (is_frame(ratings) and "user" in frame_columns(ratings)):
        return as_interactions(ratings)
    if is_frame(ratings):
        items = frame_column(ratings, "item")
        return Interactions.from_arrays([user] * len(items), items, frame_column(ratings, "rating"))
    pairs = list(ratings.items()) if isinstance(ratings, Mapping) else list(ratings)
    return as_interactions([(user, *pair) for pair in pairs])


def _row_columns(data: Any, width: int, names: str) -> list[Any]:  # noqa: ANN401
    if isinstance(data, np.ndarray):
        if data.ndim != _PAIR or data.shape[1] != width:
            message = f"an array of {names} must have {width} columns, got shape {data.shape}."
            raise DataError(message)
        return [data[:, column] for column in range(width)]
    rows = list(data) if isinstance(data, Iterable) and not isinstance(data, str) else [data]
    for place, row in enumerate(rows):
        if not isinstance(row, (tuple, list, np.ndarray)) or len(row) != width:
            message = f"row {place} must hold {names}, got {row!r}."
            raise DataError(message)
    return [[row[column] for row in rows] for column in range(width)]
