"""What the coordinates of a space are about, and which attributes its places tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from foretaste._typing import Float64, Id
from foretaste.exceptions import InvalidParameterError
from foretaste.latent import NamedAxes, Pole
from foretaste.latent._poles import UNNAMED
from foretaste.plotting.figures import COLOURS, FONT_SIZE, INK, OTHER, dress, new_axes
from foretaste.plotting.labels import BOLD, LONGEST, extent, fitted, shortened, write
from foretaste.utils.validation import Int, OneOf, check_parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Show = Literal["coordinates", "attributes"]

_LOW, _HIGH = COLOURS[1], COLOURS[0]
_BINS = 80
_LINE = 12.0  # points from one line of text to the next
_HILL = 22.0  # points, the most items on one place


def plot_axes(
    named: NamedAxes,
    *,
    show: Show = "coordinates",
    n: int | None = None,
    n_items: int = 3,
    labels: Mapping[Id, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what `latent.axes` has found: what lies at the ends of each coordinate, or how well each attribute shows.

    "coordinates": a line for each, with the items heaped on it where they lie. At each end stand its name and, in small
    print, its outermost items. An end is "unnamed" where no attribute is more frequent there than chance allows. A
    coordinate is one of many ways to lay axes through the space; its direction means something, its sign does not.

    "attributes": a dot for each, at its cross-validated R squared: 1 if places told it exactly, 0 if they tell nothing.
    The dot is full where that is found, after correction for all attributes, and hollow where chance would do.

    Parameters
    ----------
    named : NamedAxes
    show : {"coordinates", "attributes"}
    n : int, optional
        How many, the first coordinates (by default 5) or the best attributes (by default 25).
    n_items : int
        Items at each end of a coordinate.
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
    InvalidParameterError
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> import foretaste as ft
    >>> world = ft.synthetic.make_catalogue(300, 200)
    >>> model = ft.ALS(n_factors=8, random_state=0).fit(world.ratings)
    >>> named = ft.latent.axes(model, world.items.select("item", "genres"), n_permutations=199)
    >>> drawn = plot_axes(named, show="attributes", n=3)
    >>> [label.get_text() for label in drawn.get_yticklabels()][0]
    'Documentary'
    """
    check_parameters(
        "plot_axes",
        {"show": show, "n": 1 if n is None else n, "n_items": n_items},
        {"show": OneOf(("coordinates", "attributes")), "n": Int(1), "n_items": Int(0)},
    )
    if not isinstance(named, NamedAxes):
        message = (
            f"plot_axes draws what latent.axes has found, NamedAxes, got {type(named).__name__}. "
            f"Hint: plot_axes(latent.axes(model, attributes))."
        )
        raise InvalidParameterError(message)
    if show == "attributes":
        return _draw_attributes(named, 25 if n is None else n, ax)
    return _draw_coordinates(named, 5 if n is None else n, n_items, labels or {}, ax)


def _draw_coordinates(named: NamedAxes, n: int, n_items: int, labels: Mapping[Id, str], ax: Axes | None) -> Axes:
    n = min(n, len(named.coordinates))
    height = 1.6 * _LINE + _HILL + _LINE * n_items + 16  # points for each
    ax = new_axes(height=n * height / 72) if ax is None else ax
    ax.set(xlim=(0, 1), ylim=(-n * height, 0), xticks=[], yticks=[])  # upwards in points, if the figure is ours
    ax.patch.set_alpha(0)
    ax.spines[:].set_visible(False)
    ax.figure.figure.draw_without_rendering()
    width = ax.get_window_extent().width * 72 / ax.figure.dpi
    for row in range(n):
        top = -row * height
        heading = f"{named.coordinates[row]} ({named.shares[row]:.0%})"
        write(ax, heading, (0.5, top - _LINE), ha="center", alpha=0.8)
        room = (width - extent(heading)[0]) / 2 - 8
        line = top - 1.6 * _LINE - _HILL
        _draw_heap(ax, named.places[:, row], line)
        for pole, side in zip(named.poles[2 * row : 2 * row + 2], ("left", "right"), strict=True):
            _write_name(ax, pole, side, top - _LINE, room)
            for place, item in enumerate(pole.items[:n_items]):
                text = fitted(str(labels.get(item, item)), 0.46 * width)
                write(ax, text, (0 if side == "left" else 1, line - 5 - place * _LINE), ha=side, va="top")
    return ax


def _write_name(ax: Axes, pole: Pole, side: str, height: float, room: float) -> None:
    place = 0.0 if side == "left" else 1.0
    quiet = pole.name == UNNAMED
    style = {"alpha": 0.7, "style": "italic"} if quiet else {"weight": "bold"}
    write(ax, fitted(pole.name, room / BOLD, FONT_SIZE), (place, height), ha=side, size=FONT_SIZE, **style)


def _draw_heap(ax: Axes, places: Float64, line: float) -> None:
    """How many items lie where along a line from the lowest to the highest."""
    counts, edges = np.histogram(places, _BINS)
    low, high = edges[0], edges[-1]
    middles = ((edges[:-1] + edges[1:]) / 2 - low) / (high - low)
    heights = _HILL * counts / max(counts.max(), 1)
    ax.fill_between(middles, line, line + heights, color=OTHER, alpha=0.35, linewidth=0)
    ax.plot([0, 1], [line, line], color=INK, alpha=0.6, linewidth=0.8)
    for place, colour in ((0, _LOW), (1, _HIGH)):
        ax.plot(place, line, marker="<" if place == 0 else ">", color=colour, markersize=6, clip_on=False)
    zero = -low / (high - low)
    ax.plot([zero, zero], [line - 2, line + 2], color=INK, alpha=0.6, linewidth=0.8)


def _draw_attributes(named: NamedAxes, n: int, ax: Axes | None) -> Axes:
    order = np.argsort(-named.scores, kind="stable")[:n]
    ax = new_axes(height=0.24 * order.size + 0.6) if ax is None else ax
    rows = np.arange(order.size)
    scores, found = named.scores[order], named.found[order]
    ax.hlines(rows, 0, scores, color=INK, alpha=0.25, linewidth=1)
    ax.axvline(0, color=INK, alpha=0.5, linewidth=0.8)
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 6, "color": COLOURS[0]}
    hollow = {**style, "color": OTHER, "markerfacecolor": "none"}
    handles = [
        *ax.plot(scores[found], rows[found], label=f"found (corrected p up to {named.alpha:g})", **style),
        *ax.plot(scores[~found], rows[~found], label="chance would do", **hollow),
    ]
    ax.set_yticks(rows, [shortened(named.words[place], LONGEST) for place in order])
    ax.set(ylim=(order.size - 0.5, -0.5), xlabel="R² on items left out (cross-validated)")
    lowest, highest = min(float(scores.min()), 0.0), max(float(scores.max()), 0.05)
    ax.set_xlim(lowest - 0.03 * (highest - lowest), highest + 0.03 * (highest - lowest))
    dress(ax, grid=False)
    ax.tick_params(axis="y", length=0, labelsize=FONT_SIZE)
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    for row, place in enumerate(order.tolist()):
        area = "" if np.isnan(named.auc[place]) else f" · AUC {named.auc[place]:.2f}"
        text = f"p {_p_value(float(named.corrected[place]))}{area}"
        write(ax, text, (1.01, row), transform=ax.get_yaxis_transform(), va="center", alpha=0.8)
    shown = [handle for handle, some in zip(handles, (found, ~found), strict=True) if some.any()]
    ax.legend(handles=shown, loc="best", frameon=False, fontsize=FONT_SIZE - 0.5, labelcolor=INK)
    return ax


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"  # noqa: PLR2004  the last digit shown
