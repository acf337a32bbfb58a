"""The map of a model's items as one page to walk through: search, colours, neighbours, what an item is made of."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from foretaste._typing import Codes, Float64, Frame
from foretaste.data.frames import frame_column, frame_columns, is_missing
from foretaste.exceptions import DataError, DataWarning, UnsupportedError
from foretaste.latent._vectors import vectors_of
from foretaste.models import Recommender
from foretaste.models._likeness import nearest_points
from foretaste.plotting.figures import COLOURS, OTHER, Plane, largest_groups
from foretaste.plotting.map_packing import STEP, Numbers, Parcel, Room, Tags, deflated, lines_of, room_for, ticks_of
from foretaste.plotting.report import Picture, checked_path, curve_picture, page_environment
from foretaste.utils.files import write_whole
from foretaste.utils.looks import looks
from foretaste.utils.warn import warn

Method = Literal["pca", "umap", "tsne"]

# A column of texts with more values than this, and more than half as many as items, names items and groups none.
_FEW_VALUES = 50
_LONGEST_LABEL = 120
_MOST_SHOWN = 30  # of the list below the map


class NamedAxis(NamedTuple):
    """A direction in the space of the factors that stands for an attribute.

    Attributes
    ----------
    name : str
    score, p : float
        How well the attribute can be read off the factors, and how often chance alone does as well.
    positions : float64 array of shape (n_items,)
        Where each item lies along it.
    """

    name: str
    score: float
    p: float
    positions: Float64

    @property
    def share(self) -> float:
        """The score, where 0 is no better than guessing and 1 is perfect."""
        return self.score

    @property
    def p_words(self) -> str:
        """The p-value as people write it."""
        return "< 0.001" if self.p < 0.001 else f"{self.p:.3f}"  # noqa: PLR2004  the last digit shown


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
    points : float64 array of shape (n_items, 2)
    axes : tuple of NamedAxis
        The most certain first.
    cautions : tuple of str
        How far to trust the picture.
    """

    labels: list[str]
    ids: list[str] | None
    counts: Codes
    attributes: tuple[Numbers | Tags, ...]
    colour: str | None
    points: Float64
    axes: tuple[NamedAxis, ...]
    cautions: tuple[str, ...]


class _Page(NamedTuple):
    """What the template shows."""

    title: str
    lead: str
    model: str
    n_items: str
    counted: str
    cautions: tuple[str, ...]
    axes: tuple[NamedAxis, ...]
    axes_about: str
    score_name: str
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
    plane = Plane.of(model)
    return MapContent(
        labels=known.labels(ids),
        ids=ids if known.label is not None else None,
        counts=np.bincount(model.known_.indices, minlength=len(ids)),
        attributes=attributes,
        colour=first if colour is None else colour,
        points=plane.points,
        axes=(),
        cautions=(),
    )


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
    templates = environment.loader.get_source
    script = "".join(templates(environment, name)[0] for name in ("map_points.js", "map.js"))
    markup = environment.globals["markup"]
    by_count = np.argsort(-content.counts, kind="stable")  # the page's order, so that the first are the best known
    n_items = len(content.labels)
    shown: dict[str, Any] = {
        "script": markup(script),
        "digest": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "looks": markup(looks()),
    }
    template = environment.get_template("map.html")
    parcel = _parcel(content, by_count, _counted(model))
    empty: str = template.render(page=_page(model, content, by_count, title), data="", **shown)
    ids = [content.ids[code] for code in by_count] if content.ids is not None else []
    spent = len(empty.encode()) + len(parcel.to_text())
    room = room_for(n_items, len(content.axes), len(deflated(lines_of(ids))) if ids else 0, spent)
    if room.ids:
        parcel.add_texts("ids", ids)
    vectors = vectors_of(model, "item", "write_map").astype(np.float32)
    rank_of = np.empty(n_items, np.int32)
    rank_of[by_count] = np.arange(n_items)
    everyone = np.arange(n_items, dtype=np.int32)
    for metric, n in (("cosine", room.cosine), ("euclidean", room.euclidean)):
        found = nearest_points(vectors, model.item_vocabulary_, everyone, n, metric) if n else None  # type: ignore[arg-type]  # one of the two
        parcel.about[metric] = 0 if found is None else found.codes.shape[1]
        for rank in range(parcel.about[metric]):
            parcel.add(f"{metric} {rank}", rank_of[found.codes[by_count, rank]])  # type: ignore[union-attr]  # none, no rank
    for place, axis in enumerate(content.axes[: room.axes]):
        parcel.add(f"axis {place}", _levels(axis.positions)[by_count])
    parcel.about["axes"] = [{"name": axis.name} for axis in content.axes[: room.axes]]
    page = _page(model, content, by_count, title, room_words(room, n_items, len(content.axes)))
    text: str = template.render(page=page, data=parcel.to_text(), **shown)
    return text


def _counted(model: Recommender) -> str:
    return "ratings" if model.predicts_ratings else "events"


def _levels(positions: Float64) -> Codes:
    """Standard deviations from the mean in steps, as 1..255 with 128 for the mean."""
    spread = positions.std() or 1.0
    return (128 + np.clip(np.rint((positions - positions.mean()) / spread / STEP), -127, 127)).astype(np.int32)


def _parcel(content: MapContent, order: Codes, counted: str) -> Parcel:
    """What every page carries: points, names, counts, attributes."""
    parcel = Parcel()
    low = content.points.min(axis=0)
    extent = float(np.ptp(content.points, axis=0).max()) or 1.0
    middle = (1 - np.ptp(content.points, axis=0) / extent) / 2
    on_square = (content.points - low) / extent + middle
    for name, across in zip("xy", on_square.T, strict=True):
        parcel.add(name, np.rint(65535 * across[order]))
    parcel.add_texts("labels", (content.labels[code] for code in order))
    parcel.add("counts", content.counts[order])
    for place, attribute in enumerate(content.attributes):
        parcel.add_attribute(f"attribute {place}", _ordered(attribute, order))
    for described, attribute in zip(parcel.about.setdefault("attributes", []), content.attributes, strict=True):
        if isinstance(attribute, Tags):
            described["groups"] = _groups(attribute)
    parcel.about |= {
        "counted": counted,
        "popularity": {"ticks": ticks_of(content.counts)},
        "colour": content.colour,
        "colours": COLOURS,
        "other": OTHER,
        "step": STEP,
    }
    return parcel


def _ordered(attribute: Numbers | Tags, order: Codes) -> Numbers | Tags:
    if isinstance(attribute, Numbers):
        return attribute._replace(values=attribute.values[order])
    sizes = np.diff(attribute.indptr)[order]
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    entries = np.repeat(attribute.indptr[:-1][order] - indptr[:-1], sizes) + np.arange(indptr[-1])
    return attribute._replace(indptr=indptr, indices=attribute.indices[entries])


def _groups(tags: Tags) -> list[dict[str, int]]:
    """The largest groups by the first tag of each item, as on every map: the place of the value, and how many."""
    firsts = tags.indices[tags.indptr[:-1][np.diff(tags.indptr) > 0]]
    sizes = np.bincount(firsts, minlength=len(tags.values))
    named = {tags.values[place]: place for place in np.flatnonzero(sizes).tolist()}
    largest = largest_groups([tags.values[place] for place in firsts.tolist()])
    return [{"value": named[value], "size": int(sizes[named[value]])} for value in largest]


def room_words(room: Any, n_items: int, n_axes: int) -> str:  # noqa: ANN401
    """How much of what could be on the page is."""
    return f"{room} {n_items} {n_axes}"


def _page(
    model: Recommender, content: MapContent, by_count: Codes, title: str | None, room: str = ""
) -> _Page:
    name, n_items = type(model).__name__, f"{len(content.labels):,}"
    counted = _counted(model)
    curve = None
    try:
        curve = curve_picture(model)
    except UnsupportedError:  # it learns without epochs
        pass
    return _Page(
        title=title or f"A map of {n_items} items",
        lead=f"{name} has placed near each other what the same people like; colours and names were added afterwards.",
        model=name,
        n_items=n_items,
        counted=counted,
        cautions=(*content.cautions, room),
        axes=content.axes,
        axes_about="",
        score_name="",
        curve=curve,
        most=[(content.labels[code], f"{content.counts[code]:,}") for code in by_count[:_MOST_SHOWN].tolist()],
    )
