"""The map of a model's items as one page to walk through: search, colours, neighbours, what an item is made of."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from foretaste._typing import Codes, Float64, Frame, Id
from foretaste.exceptions import UnsupportedError
from foretaste.latent._vectors import vectors_of
from foretaste.latent.item_map import MapMethod
from foretaste.models import Recommender
from foretaste.models._likeness import Metric, nearest_points
from foretaste.plotting.figures import COLOURS, OTHER, history_arrays, largest_groups
from foretaste.plotting.map_content import Coordinate, MapContent, NamedAxis, content_of
from foretaste.plotting.map_packing import STEP, Parcel, Room, Tags, deflated, lines_of, room_for, ticks_of
from foretaste.plotting.report import Picture, checked_path, curve_picture, page_environment
from foretaste.utils.files import write_whole
from foretaste.utils.looks import looks

_SCRIPTS = ("map_points.js", "map_data.js", "map_search.js", "map.js")
_WORDS = 1_000  # bytes of what is said at the end, when it is clear what fits
_MOST_SHOWN = 30  # of the list below the map


class _Page(NamedTuple):
    """What the template shows."""

    title: str
    model: str
    n_items: str
    counted: str
    cautions: list[str]
    axes: tuple[NamedAxis, ...]
    best: float
    coordinates: tuple[Coordinate, ...]
    curve: Picture | None
    most: list[tuple[str, str]]


def write_map(  # noqa: PLR0913  keyword-only, each with a default
    path: str | Path,
    model: Recommender,
    items: Frame | None = None,
    *,
    method: MapMethod = "pca",
    colour: str | None = None,
    label: str | None = None,
    users: Iterable[Id] = (),
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
    method : {"pca", "umap", "tsne"} or (str, str)
        How the factors become places on a plane; see `latent.map`.
    colour : str, optional
        The column that colours the map at first; by default the first one of texts, then of numbers.
    label : str, optional
        The column that says what an item is called; by default `title`, where there is one, else the id.
    users : iterable of ids, optional
        People for whom the page can be coloured by what the model predicts; by default none.
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
    UnknownIdError
        It does not know one of the users.
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
    content = content_of(
        model, items, method=method, colour=colour, label=label, users=users, random_state=random_state
    )
    write_whole(path, render_map(model, content, title=title).encode())
    return path


# The page -------------------------------------------------------------------------------------------------------------


def render_map(model: Recommender, content: MapContent, *, title: str | None = None) -> str:
    """The page as text; see `write_map`."""
    environment = page_environment()
    script = "".join(environment.loader.get_source(environment, name)[0] for name in _SCRIPTS)
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
    _add_neighbours(parcel, model, best_first, "cosine", room.cosine)
    _add_neighbours(parcel, model, best_first, "euclidean", room.euclidean)
    for place, axis in enumerate(found[: room.axes]):
        parcel.add(f"axis {place}", _levels(axis.positions)[best_first])
    parcel.about["axes"] = [{"name": axis.name} for axis in found[: room.axes]]
    return rendered(parcel.to_text(), [*page.cautions, *_kept(room, len(found))])


def _page(model: Recommender, content: MapContent, best_first: Codes, title: str | None) -> _Page:
    n_items = f"{len(content.labels):,}"
    places = content.places
    cautions = [places.caution]
    if places.linear:
        shares = [
            f"{name} ({share:.0%} of the variance)"
            for name, share in zip(places.directions, places.shares, strict=True)
        ]
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
        best=max((axis.score for axis in content.axes), default=1.0) or 1.0,
        coordinates=content.coordinates,
        curve=_curve(model),
        most=[(content.labels[code], f"{content.counts[code]:,}") for code in best_first[:_MOST_SHOWN].tolist()],
    )


def _curve(model: Recommender) -> Picture | None:
    """The learning curve, if there is more of it than a point."""
    try:
        return curve_picture(model) if history_arrays(model)["epoch"].size > 1 else None
    except UnsupportedError:  # it learns without epochs
        return None


def _kept(room: Room, n_found: int) -> list[str]:
    """How much of each item the page holds."""
    by_distance = f" and the {room.euclidean} nearest by distance" if room.euclidean else ""
    text = f"The page holds the {room.cosine} nearest of each item by angle{by_distance}"
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
    people = [
        parcel.add_attribute(f"person {place}", each.in_order(order)) for place, each in enumerate(content.people)
    ]
    parcel.about |= {
        "attributes": described,
        "people": people,
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
    steps = np.clip(np.rint((positions - positions.mean()) / spread / STEP), -127, 127)
    levels: Codes = steps.astype(np.int32) + np.int32(128)
    return levels
