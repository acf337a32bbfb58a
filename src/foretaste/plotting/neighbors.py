"""The nearest of an item by three measures, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from foretaste import latent
from foretaste._typing import Id
from foretaste.models import Recommender
from foretaste.plotting.figures import COLOURS, FONT_SIZE, LABEL_SIZE, NARROW, new_axes
from foretaste.plotting.labels import BOLD, broken, extent, fitted, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADINGS = {"euclidean": "by distance", "cosine": "by angle", "dot": "by dot product"}
_MARKS = {3: (COLOURS[0], "o"), 2: (COLOURS[2], "^")}  # by how many of the lists an item is in
_ROW = 15.0  # points
_MARK = 0.024  # of the width, before a name
_COLUMN = 0.27  # of the width; the rest is for the lines between


def plot_neighbors(
    model: Recommender,
    item: Id,
    *,
    n: int = 10,
    labels: Mapping[Id, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the items nearest to one by distance, angle and dot product, with lines between those in several lists.

    Level lines say that the measures agree. What only one of them names owes its place to the measure: by the dot
    product often to a long vector, such as well-known items have, for it is no distance. See `latent.neighborhood`.

    Parameters
    ----------
    model : fitted model with factors of items
    item : id
    n : int
        Length of the lists.
    labels : dict from item to text, optional
        What to call an item; by default its id.
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new figure, as high as it needs to be.

    Returns
    -------
    matplotlib Axes
        Its `figure` is what to save or to show.

    Raises
    ------
    UnknownIdError
        The model does not know the item.
    NotFittedError
    UnsupportedError
        The model has no factors of items.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> drawn = plot_neighbors(model, "bts", n=2)
    >>> drawn.texts[0].get_text()
    'nearest to bts'
    """
    near = latent.neighborhood(model, item, n)
    lists = {measure: column.to_list() for measure, column in near.items.items()}
    n, names = len(lists["cosine"]), labels or {}
    top = 3 * _ROW
    ax = new_axes(height=(top + (n + 2.5) * _ROW) / 72) if ax is None else ax
    ax.set(xlim=(0, 1), ylim=(-(n + 2) * _ROW, top), xticks=[], yticks=[])
    ax.patch.set_alpha(0)
    ax.spines[:].set_visible(False)
    ax.figure.figure.draw_without_rendering()
    width = ax.get_window_extent().width * 72 / ax.figure.dpi
    title = f"nearest to {names.get(item, item)}"
    write(ax, fitted(title, width / BOLD, FONT_SIZE + 1), (0, top - 2), va="top", size=FONT_SIZE + 1, weight="bold")
    lefts = [column * (1 - _COLUMN) / 2 for column in range(3)]
    ends: dict[Id, list[tuple[float, float, float]]] = {}
    for left, (measure, ids) in zip(lefts, lists.items(), strict=True):
        write(ax, _HEADINGS[measure], (left + _MARK, 0.55 * _ROW), va="center", size=LABEL_SIZE + 0.5, alpha=0.8)
        for row, (each, value) in enumerate(zip(ids, near.values[measure].tolist(), strict=True)):
            count = sum(each in others for others in lists.values())
            height = -(row + 0.5) * _ROW
            number = f"{value:.2f}" if width > NARROW * 72 else ""
            room = (_COLUMN - _MARK) * width - extent(number)[0] - (8 if number else 0)
            text = fitted(str(names.get(each, each)), room)
            write(ax, text, (left + _MARK, height), va="center")
            if count in _MARKS:
                colour, shape = _MARKS[count]
                ax.plot(left + _MARK / 3, height, marker=shape, color=colour, markersize=4, clip_on=False)
            write(ax, number, (left + _COLUMN, height), va="center", ha="right", alpha=0.6)
            ends.setdefault(each, []).append((left, left + _COLUMN, height))
    for found in ends.values():
        for (_, right, start), (left, _, end) in pairwise(found):
            far = left - right > _COLUMN  # from the first list to the last, behind the one between
            style: dict[str, Any] = {"linestyle": ":", "alpha": 0.35} if far else {"alpha": 0.7}
            ax.plot([right + 0.012, left - 0.012], [start, end], color=_MARKS[len(found)][0], linewidth=1, **style)
    shared = sum(len(found) == len(lists) for found in ends.values())
    text = f"{shared} of {n} are in all three lists (round marks, blue); those with triangles are in two."
    if any(near.hub.values()):
        text += " This item is a hub: it is among the nearest of unusually many."
    write(ax, "\n".join(broken(text, width)), (0, -(n + 0.4) * _ROW), va="top", alpha=0.8)
    return ax
