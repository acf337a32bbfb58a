"""What the page of a map tells of a model's items: names, attributes, places, and the axes that attributes name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from foretaste import latent
from foretaste._typing import Codes, Float64, Frame, Id
from foretaste.data.frames import frame_column, frame_columns, is_missing
from foretaste.exceptions import DataError, DataWarning, UnknownIdError
from foretaste.latent._vectors import vectors_of
from foretaste.latent.item_map import MapMethod
from foretaste.models import Recommender
from foretaste.plotting.map_packing import Numbers, Tags
from foretaste.utils.warn import warn

# A column of texts with more values than this, and more than half as many as items, names items and groups none.
_FEW_VALUES = 50
_MOST_TAGS = 255  # of an item: their number is one byte
_LONGEST_LABEL = 120
# Values of texts whose direction is looked for: those that most items have, and at least as many as `latent.axes` asks.
_MOST_DIRECTIONS, _FEWEST_ITEMS = 60, 10
# Arrangements for p-values; fewer where there are more items times directions than this: half a minute of work.
_PERMUTATIONS, _PERMUTATIONS_OF_MANY, _MANY = 999, 199, 400_000
_COORDINATES, _OUTERMOST = 5, 4  # shown, and items at each end of one


class NamedAxis(NamedTuple):
    """A direction in the space of the factors that stands for an attribute.

    Attributes
    ----------
    name : str
    n_items : int
        How many have it.
    score : float
        Cross-validated R squared: how much of the attribute can be read off the factors.
    auc : float
        Chance that of two items, one with it and one without, the first lies further along; NaN for numbers.
    p : float
        How often chance alone does as well with any of the attributes.
    found : bool
    positions : float64 array of shape (n_items,)
        Where each item lies along it.
    """

    name: str
    n_items: int
    score: float
    auc: float
    p: float
    found: bool
    positions: Float64

    @property
    def score_words(self) -> str:
        """The score with two digits; hardly less than nothing is nothing."""
        return f"{round(self.score, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


class Coordinate(NamedTuple):
    """A principal axis of the items: its share of the variance, a name for each end, and items that lie there."""

    name: str
    share: float
    low: str
    low_items: tuple[str, ...]
    high: str
    high_items: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MapContent:
    """What is known of the items, each in the order of the model's codes.

    Attributes
    ----------
    labels : list of str
    ids : list of str or None
        None where the labels are the ids.
    counts : int array
        How many ratings or events each item has.
    attributes : tuple of Numbers and Tags
    people : tuple of Numbers
        What some users would think of each item.
    colour : str or None
        The attribute that colours the map at first; None for the counts.
    places : ItemMap
    axes : tuple of NamedAxis
        Those that are found first, and the best first.
    coordinates : tuple of Coordinate
    """

    labels: list[str]
    ids: list[str] | None
    counts: Codes
    attributes: tuple[Numbers | Tags, ...]
    people: tuple[Numbers, ...]
    colour: str | None
    places: latent.ItemMap
    axes: tuple[NamedAxis, ...] = ()
    coordinates: tuple[Coordinate, ...] = ()


def content_of(
    model: Recommender,
    items: Frame | None,
    *,
    method: MapMethod,
    colour: str | None,
    label: str | None,
    users: Iterable[Id],
    random_state: int,
) -> MapContent:
    """What the page tells of a model's items; see `write_map`."""
    vectors_of(model, "item", "write_map")
    ids = [str(item) for item in model.item_vocabulary_.ids.to_list()]
    known = _Known.of(model, items, label)
    attributes = known.attributes()
    names = [attribute.name for attribute in attributes]
    if colour is not None and colour not in names:
        shown = ", ".join(map(repr, names)) or "none"
        message = f"the map cannot be coloured by {colour!r}: the attributes are {shown}. Hint: 'items' brings them."
        raise DataError(message)
    first = next((each.name for each in attributes if isinstance(each, Tags)), names[0] if names else None)
    labels, counts = known.labels(ids), np.bincount(model.known_.indices, minlength=len(ids)).astype(np.int32)
    axes, coordinates = _axes(model, known.described_by(names), attributes, labels, counts, random_state)
    return MapContent(
        labels=labels,
        ids=ids if known.label is not None else None,
        counts=counts,
        attributes=attributes,
        people=_people(model, list(users)),
        colour=first if colour is None else colour,
        places=latent.map(model, method=method, random_state=random_state),
        axes=axes,
        coordinates=coordinates,
    )


def _people(model: Recommender, users: list[Id]) -> tuple[Numbers, ...]:
    """What some users would think of every item."""
    codes = model.user_vocabulary_.encode(users)
    if (codes < 0).any():
        unknown = [user for user, code in zip(users, codes.tolist(), strict=True) if code < 0]
        message = f"write_map: the model does not know the user {unknown[0]!r}."
        raise UnknownIdError(message)
    word = "predicted for" if model.predicts_ratings else "score for"
    scores = (model.score_codes(codes[[place]], exclude_seen=False)[0] for place in range(len(users)))
    return tuple(Numbers(f"{word} {user}", found.astype(np.float64)) for user, found in zip(users, scores, strict=True))


def _directions(attributes: tuple[Numbers | Tags, ...]) -> tuple[int, int]:
    """How many items have to have a value for its direction to be looked for, and how many directions that makes."""
    sizes = [np.bincount(each.indices, minlength=len(each.values)) for each in attributes if isinstance(each, Tags)]
    largest = np.sort(np.concatenate([*sizes, np.zeros(_MOST_DIRECTIONS + 1, np.int64)]))[::-1]
    min_items = max(_FEWEST_ITEMS, int(largest[_MOST_DIRECTIONS]) + 1)
    n_numbers = sum(isinstance(each, Numbers) for each in attributes)
    return min_items, n_numbers + int((largest >= min_items).sum())


def _axes(
    model: Recommender,
    frame: pl.DataFrame | None,
    attributes: tuple[Numbers | Tags, ...],
    labels: list[str],
    counts: Codes,
    random_state: int,
) -> tuple[tuple[NamedAxis, ...], tuple[Coordinate, ...]]:
    """What the attributes say of directions; nothing where they are too few."""
    if frame is None:
        return (), ()
    min_items, n_directions = _directions(attributes)
    try:
        named = latent.axes(
            model,
            frame,
            n_coordinates=_COORDINATES,
            min_items=min_items,
            n_permutations=_PERMUTATIONS if len(labels) * n_directions <= _MANY else _PERMUTATIONS_OF_MANY,
            random_state=random_state,
        )
    except DataError:  # too few items have or lack any of them
        return (), ()
    best = np.lexsort((-named.scores, ~named.found)).tolist()
    axes = (
        NamedAxis(
            named.words[place],
            int(named.n_items[place]),
            float(named.scores[place]),
            float(named.auc[place]),
            float(named.corrected[place]),
            bool(named.found[place]),
            named.positions[:, place],
        )
        for place in best
    )
    ends = {(pole.coordinate, pole.end): pole for pole in named.poles}
    outermost = {}
    for key, pole in ends.items():
        codes = named.items.encode(pole.items)
        best_known = codes[np.argsort(-counts[codes], kind="stable")[:_OUTERMOST]]
        outermost[key] = tuple(labels[code] for code in best_known.tolist())
    coordinates = (
        Coordinate(
            name,
            float(share),
            ends[name, "low"].name,
            outermost[name, "low"],
            ends[name, "high"].name,
            outermost[name, "high"],
        )
        for name, share in zip(named.coordinates, named.shares, strict=True)
    )
    return tuple(axes), tuple(coordinates)


class _Known(NamedTuple):
    """A frame of items, and which of the model's items its rows are."""

    frame: Frame | None
    codes: Codes
    n_items: int
    label: str | None

    @classmethod
    def of(cls, model: Recommender, frame: Frame | None, label: str | None) -> _Known:
        n_items = len(model.item_vocabulary_)
        if frame is None:
            if label is not None:
                message = f"write_map cannot name items by the column {label!r} without 'items'."
                raise DataError(message)
            return cls(None, np.zeros(0, np.int32), n_items, None)
        names = frame_columns(frame)
        for wanted in ("item", *([] if label is None else [label])):
            if wanted not in names:
                message = f"write_map found no column {wanted!r} in 'items'; it has {', '.join(map(repr, names))}."
                raise DataError(message)
        codes = model.item_vocabulary_.encode(frame_column(frame, "item"))
        seen = codes[codes >= 0]
        if seen.size > np.unique(seen).size:
            message = f"write_map found {seen.size - np.unique(seen).size} items described more than once in 'items'."
            raise DataError(message)
        if seen.size < codes.size:
            warn(f"{codes.size - seen.size} of {codes.size} items are unknown to the model: left out.", DataWarning)
        return cls(frame, codes, n_items, label or ("title" if "title" in names else None))

    def described_by(self, names: list[str]) -> pl.DataFrame | None:
        """Some of the columns; None where there are none."""
        if self.frame is None or not names:
            return None
        columns = [_column(self.frame, name).alias(name) for name in names]
        return pl.DataFrame([frame_column(self.frame, "item").alias("item"), *columns])

    def labels(self, ids: list[str]) -> list[str]:
        """What the items are called; one without a label is called by its id."""
        labels = list(ids)
        if self.frame is not None and self.label is not None:
            for code, text in zip(self.codes.tolist(), frame_column(self.frame, self.label).to_list(), strict=True):
                if code >= 0 and not is_missing(text) and str(text).strip():
                    labels[code] = str(text)
        return [text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…" for text in labels]

    def attributes(self) -> tuple[Numbers | Tags, ...]:
        """The columns that items can be coloured by."""
        if self.frame is None:
            return ()
        found: list[Numbers | Tags] = []
        left_out = []
        for name in frame_columns(self.frame):
            if name in ("item", self.label):
                continue
            column = _column(self.frame, name)
            if column.dtype.is_numeric():
                values = np.full(self.n_items, np.nan)
                values[self.codes[self.codes >= 0]] = column.cast(pl.Float64).to_numpy()[self.codes >= 0]
                found.append(Numbers(name, np.where(np.isfinite(values), values, np.nan)))
                continue
            tags = self._tags(name, column)
            if len(tags.values) > max(_FEW_VALUES, tags.indices.size / 2):
                left_out.append(repr(name))
            elif tags.values:
                found.append(tags)
        if left_out:
            text = f"not on the map: {', '.join(left_out)}, of which hardly any two items share a value."
            warn(text, DataWarning)
        return tuple(found)

    def _tags(self, name: str, column: pl.Series) -> Tags:
        of_items: list[list[str]] = [[] for _ in range(self.n_items)]
        for code, value in zip(self.codes.tolist(), column.to_list(), strict=True):
            if code >= 0:
                of_items[code] = list(dict.fromkeys(_texts(value)))[:_MOST_TAGS]
        values = {value: place for place, value in enumerate(sorted({tag for tags in of_items for tag in tags}))}
        indptr = np.concatenate([[0], np.cumsum([len(tags) for tags in of_items])])
        indices = np.array([values[tag] for tags in of_items for tag in tags], np.int32)
        return Tags(name, tuple(values), indptr, indices)


def _column(frame: Frame, name: str) -> pl.Series:
    """A column; dates as years with a fraction."""
    column = frame_column(frame, name)
    if column.dtype in (pl.Date, pl.Datetime):
        return column.dt.year() + (column.dt.ordinal_day() - 1) / 365.25
    return column


def _texts(value: Any) -> list[str]:  # noqa: ANN401  whatever a frame holds
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    texts = [str(each).strip() for each in (value if several else [value]) if not is_missing(each)]
    return [text for text in texts if text]
