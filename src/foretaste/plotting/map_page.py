"""The map of a model's items as one page to walk through: search, colours, neighbours, what an item is made of."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from foretaste import latent
from foretaste._typing import Codes, Float64, Frame
from foretaste.data.frames import frame_column, frame_columns, is_missing
from foretaste.exceptions import DataError, DataWarning, UnsupportedError
from foretaste.latent._vectors import vectors_of
from foretaste.models import Recommender
from foretaste.models._likeness import Metric, nearest_points
from foretaste.plotting.figures import COLOURS, OTHER, largest_groups
from foretaste.plotting.map_packing import STEP, Numbers, Parcel, Room, Tags, deflated, lines_of, room_for, ticks_of
from foretaste.plotting.report import Picture, checked_path, curve_picture, page_environment
from foretaste.utils.files import write_whole
from foretaste.utils.looks import looks
from foretaste.utils.warn import warn

Method: TypeAlias = Literal["pca", "umap", "tsne"]

# A column of texts with more values than this, and more than half as many as items, names items and groups none.
_FEW_VALUES = 50
_LONGEST_LABEL = 120
_WORDS = 1_000  # bytes of what is said at the end, when it is clear what fits
_MOST_SHOWN = 30  # of the list below the map
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


class Coordinate(NamedTuple):
    """A principal axis of the items: its share of the variance, and for both ends a name and the outermost items."""

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
    colour: str | None
    places: latent.ItemMap
    axes: tuple[NamedAxis, ...] = ()
    coordinates: tuple[Coordinate, ...] = ()


class _Page(NamedTuple):
    """What the template shows."""

    title: str
    model: str
    n_items: str
    counted: str
    cautions: list[str]
    axes: tuple[NamedAxis, ...]
    coordinates: tuple[Coordinate, ...]
    curve: Picture | None
    most: list[tuple[str, str]]


def write_map(  # noqa: PLR0913  keyword-only, each with a default
    path: str | Path,
    model: Recommender,
    items: Frame | None = None,
    *,
    method: Method = "pca",
    colour: str | None = None,
    label: str | None = None,
    title: str | None = None,
    random_state: int = 0,
) -> Path:
    """Write the map of a model's items as one page, which loads nothing and runs in any browser of today.

    The page draws up to 100,000 items and more, by WebGL; finds them by name; colours them by any attribute; and shows,
    for the one chosen, its neighbours by angle and by distance and where it lies along the axes that attributes name.
    Below stand how far to trust the map, the named axes, and the learning curve of a model that learns in epochs.

    A page of up to 100,000 items stays below 3 MB: it keeps ten neighbours of either kind where there is room, and
    fewer where there is not; it says how many.

    Parameters
    ----------
    path : str or Path
        Where to; a file of that name is replaced.
    model : fitted model with item factors
    items : frame, optional
        What is known of the items: a column `item`, and further ones to colour by. Lists of texts are tags, of which an
        item has the colour of the first. Columns of texts that hardly any two items share are left out.
    method : {"pca", "umap", "tsne"}
        How the factors become places on a plane; see `latent.map`.
    colour : str, optional
        The column that colours the map at first; by default the first one of texts, then of numbers.
    label : str, optional
        The column that says what an item is called; by default `title`, where there is one, else the id.
    title : str, optional
        The heading of the page.
    random_state : int
        Seed of the places and of the tests.

    Returns
    -------
    Path
        Where it is now, in full.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    UnsupportedError
        The model places no items in a space of two dimensions or more.
    DataError
        `items` lacks a column or tells of an item twice, or the file cannot be written.
    MissingExtraError
        matplotlib or jinja2 is not installed, or umap-learn, which "umap" needs.

    Examples
    --------
    >>> import tempfile
    >>> import foretaste as ft
    >>> model = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(f"{folder}/map.html", model).name
    'map.html'
    """
    path = checked_path(path)
    content = content_of(model, items, method=method, colour=colour, label=label, random_state=random_state)
    write_whole(path, render_map(model, content, title=title).encode())
    return path


# What is known --------------------------------------------------------------------------------------------------------


def content_of(  # noqa: PLR0913  keyword-only, each asked for once
    model: Recommender,
    items: Frame | None,
    *,
    method: Method,
    colour: str | None,
    label: str | None,
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
    labels = known.labels(ids)
    axes, coordinates = _axes(model, known, labels, names, random_state)
    return MapContent(
        labels=labels,
        ids=ids if known.label is not None else None,
        counts=np.bincount(model.known_.indices, minlength=len(ids)),
        attributes=attributes,
        colour=first if colour is None else colour,
        places=latent.map(model, method=method, random_state=random_state),
        axes=axes,
        coordinates=coordinates,
    )


def _axes(
    model: Recommender, known: _Known, labels: list[str], names: list[str], random_state: int
) -> tuple[tuple[NamedAxis, ...], tuple[Coordinate, ...]]:
    """What the attributes say of directions; nothing where they are too few."""
    if known.frame is None or not names:
        return (), ()
    frame = pl.DataFrame([frame_column(known.frame, name) for name in ("item", *names)])
    try:
        named = latent.axes(model, frame, n_coordinates=_COORDINATES, random_state=random_state)
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
    outermost = {
        key: tuple(labels[code] for code in named.items.encode(pole.items[:_OUTERMOST]).tolist())
        for key, pole in ends.items()
    }
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
        found, left_out = [], []
        for name in frame_columns(self.frame):
            if name in ("item", self.label):
                continue
            column = frame_column(self.frame, name)
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
                of_items[code] = list(dict.fromkeys(_texts(value)))[:255]
        values = {value: place for place, value in enumerate(sorted({tag for tags in of_items for tag in tags}))}
        indptr = np.concatenate([[0], np.cumsum([len(tags) for tags in of_items])])
        indices = np.array([values[tag] for tags in of_items for tag in tags], np.int32)
        return Tags(name, tuple(values), indptr, indices)


def _texts(value: Any) -> list[str]:  # noqa: ANN401  whatever a frame holds
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    texts = [str(each).strip() for each in (value if several else [value]) if not is_missing(each)]
    return [text for text in texts if text]


# The page -------------------------------------------------------------------------------------------------------------


def render_map(model: Recommender, content: MapContent, *, title: str | None = None) -> str:
    """The page as text; see `write_map`."""
    environment = page_environment()
    script = "".join(environment.loader.get_source(environment, name)[0] for name in ("map_points.js", "map.js"))
    markup, template = environment.globals["markup"], environment.get_template("map.html")
    best_first = np.argsort(-content.counts, kind="stable").astype(np.int32)  # the order of items on the page
    page = _page(model, content, best_first, title)

    def rendered(data: str, sentences: list[str]) -> str:
        text: str = template.render(
            page=page._replace(cautions=sentences),
            data=data,
            script=markup(script),
            digest=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            looks=markup(looks()),
        )
        return text

    parcel = _parcel(content, best_first, page.counted)
    ids = [content.ids[code] for code in best_first] if content.ids is not None else []
    found = [axis for axis in content.axes if axis.found]
    spent = len(rendered(parcel.to_text(), page.cautions).encode()) + _WORDS
    room = room_for(len(best_first), len(found), len(deflated(lines_of(ids))) if ids else 0, spent)
    if room.ids:
        parcel.add_texts("ids", ids)
    for metric, n in (("cosine", room.cosine), ("euclidean", room.euclidean)):
        _add_neighbours(parcel, model, best_first, metric, n)
    for place, axis in enumerate(found[: room.axes]):
        parcel.add(f"axis {place}", _levels(axis.positions)[best_first])
    parcel.about["axes"] = [{"name": axis.name} for axis in found[: room.axes]]
    return rendered(parcel.to_text(), [*page.cautions, *_kept(room, len(found))])


def _page(model: Recommender, content: MapContent, best_first: Codes, title: str | None) -> _Page:
    n_items = f"{len(content.labels):,}"
    places = content.places
    try:
        curve = curve_picture(model)
    except UnsupportedError:  # it learns without epochs
        curve = None
    cautions = [places.caution]
    if places.linear:
        shares = [f"{name} ({share:.0%} of the variance)" for name, share in zip(places.directions, places.shares, strict=True)]
        cautions.append(f"To the right lies {shares[0]}, and upwards {shares[1]}; all else is not to be seen.")
    cautions.append(
        "The neighbours listed beside the map are those in the whole space of the factors. Where lines lead far away, "
        "the map has pulled apart what belongs together."
    )
    return _Page(
        title=title or f"A map of {n_items} items",
        model=type(model).__name__,
        n_items=n_items,
        counted="ratings" if model.predicts_ratings else "events",
        cautions=cautions,
        axes=content.axes,
        coordinates=content.coordinates,
        curve=curve,
        most=[(content.labels[code], f"{content.counts[code]:,}") for code in best_first[:_MOST_SHOWN].tolist()],
    )


def _kept(room: Room, n_found: int) -> list[str]:
    """How much of each item the page holds."""
    text = f"The page holds the {room.cosine} nearest of each item by angle and the {room.euclidean} nearest by distance"
    if room.axes < n_found:
        text += f", and where it lies along {room.axes} of the {n_found} named axes; more would not fit into 3 MB"
    return [f"{text}."]


def _parcel(content: MapContent, order: Codes, counted: str) -> Parcel:
    """What every page carries: points, names, counts, attributes."""
    parcel = Parcel()
    points = content.places.points
    low, extents = points.min(axis=0), np.ptp(points, axis=0)
    extent = float(extents.max()) or 1.0
    on_square = (points - low) / extent + (1 - extents / extent) / 2
    for name, across in zip("xy", on_square.T, strict=True):
        parcel.add(name, np.rint(65535 * across[order]))
    parcel.add_texts("labels", (content.labels[code] for code in order))
    parcel.add("counts", content.counts[order])
    described = [
        parcel.add_attribute(f"attribute {place}", attribute.in_order(order))
        | ({"groups": _groups(attribute)} if isinstance(attribute, Tags) else {})
        for place, attribute in enumerate(content.attributes)
    ]
    parcel.about |= {
        "attributes": described,
        "counted": counted,
        "popularity": {"ticks": ticks_of(content.counts)},
        "colour": content.colour,
        "colours": COLOURS,
        "other": OTHER,
        "step": STEP,
    }
    return parcel


def _groups(tags: Tags) -> list[dict[str, int]]:
    """The largest groups by the first tag of each item, as on every map: the place of the value, and how many."""
    firsts = tags.indices[tags.indptr[:-1][np.diff(tags.indptr) > 0]]
    sizes = np.bincount(firsts, minlength=len(tags.values))
    places = {value: place for place, value in enumerate(tags.values)}
    largest = [places[value] for value in largest_groups([tags.values[place] for place in firsts.tolist()])]
    return [{"value": place, "size": int(sizes[place])} for place in largest]


def _add_neighbours(parcel: Parcel, model: Recommender, order: Codes, metric: Metric, n: int) -> None:
    """For each rank a column of who has it, by places in the page's order."""
    parcel.about[metric] = n
    if not n:
        return
    vectors = vectors_of(model, "item", "write_map").astype(np.float32)
    found = nearest_points(vectors, model.item_vocabulary_, order, n, metric).codes
    place_of = np.empty(len(order), np.int32)
    place_of[order] = np.arange(len(order))
    for rank, column in enumerate(place_of[found].T):
        parcel.add(f"{metric} {rank}", column)


def _levels(positions: Float64) -> Codes:
    """Standard deviations from the mean in steps, as 1..255 with 128 for the mean."""
    spread = positions.std() or 1.0
    return (128 + np.clip(np.rint((positions - positions.mean()) / spread / STEP), -127, 127)).astype(np.int32)
