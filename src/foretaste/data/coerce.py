"""Whatever a caller passes for ratings or pairs, as the one form the package works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
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
        With `ratings`: a frame with `user`, `item` and perhaps `time`, or rows of two. Without: a frame with `rating`
        too, rows of three, ``{user: {item: rating}}``.
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
    return Interactions.from_arrays(users, items, ratings, times=times_of(data), kind=kind)


def times_of(pairs: Any) -> Any:  # noqa: ANN401  as `predict` takes them, and a column of whatever kind the frame is
    """The times of pairs that have some: of Interactions, or a frame with a column `time`."""
    if isinstance(pairs, Interactions):
        return pairs.times
    return frame_column(pairs, "time") if is_frame(pairs) and "time" in frame_columns(pairs) else None


def as_events(data: Any, ratings: npt.ArrayLike | None = None) -> Interactions:  # noqa: ANN401  as `fit` takes it
    """Whatever `fit` takes of a model that learns from events, as `Interactions`; a pair may occur again.

    As `as_interactions`, and besides rows of (user, item) and ``{user: [item, ...]}``.
    """
    if isinstance(data, Interactions) and ratings is None:
        return data
    if is_frame(data) and ratings is None:
        return Interactions.from_frame(data, duplicates="keep")
    if isinstance(data, Mapping):
        if ratings is not None or all(isinstance(own, Mapping) for own in data.values()):
            return as_interactions(data, ratings)
        data = [(user, item) for user, items in data.items() for item in _ids(items)]
    if not isinstance(data, np.ndarray) and not is_frame(data):
        data = list(data)
    kind = frame_kind(data) if is_frame(data) else DEFAULT_KIND
    if ratings is None and len(data) > 0 and len(_ids(data[0])) != _PAIR:
        users, items, ratings = _row_columns(data, _TRIPLE, "user, item and rating, or user and item,")
    else:
        users, items = as_pairs(data)
    return Interactions.from_arrays(users, items, ratings, kind=kind, duplicates="keep")


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


def as_new_events(events: Any, user: Id) -> Interactions:  # noqa: ANN401  as `fold_in` takes it
    """Whatever `fold_in` takes of a model that learns from events, as interactions.

    A list of ids is an event each. In a dictionary, or a list of pairs whose second is a number, the numbers are
    weights.
    """
    if isinstance(events, Interactions) or (is_frame(events) and "user" in frame_columns(events)):
        return as_events(events)
    if is_frame(events):
        items = frame_column(events, "item")
        counts = frame_column(events, "weight") if "weight" in frame_columns(events) else None
        return Interactions.from_arrays([user] * len(items), items, weights=counts, duplicates="keep")
    entries = list(events.items()) if isinstance(events, Mapping) else _ids(events)
    weights: list[float] | None = None
    if isinstance(events, Mapping) or (entries and all(_is_weighted(entry) for entry in entries)):
        weights = [weight for _, weight in entries]
        entries = [item for item, _ in entries]
    return Interactions.from_arrays([user] * len(entries), entries, weights=weights, duplicates="keep")


def _ids(ids: Any) -> list[Id]:  # noqa: ANN401  whatever a caller gives; checked here
    """Many ids as a list; a text is one id, not its letters."""
    return [ids] if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable) else list(ids)


def _is_weighted(entry: object) -> bool:
    """Whether an entry of a list is an id with a weight."""
    return (
        isinstance(entry, (tuple, list))
        and len(entry) == _PAIR
        and isinstance(entry[1], Real)
        and not isinstance(entry[1], bool)
    )


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
