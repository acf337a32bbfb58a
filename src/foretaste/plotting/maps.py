"""The map of a model's items, and users among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste import latent
from foretaste._typing import Float64, Id
from foretaste.exceptions import InvalidParameterError
from foretaste.latent import ItemMap
from foretaste.models import Recommender
from foretaste.plotting.figures import (
    COLOURS,
    FONT_SIZE,
    INK,
    LABEL_SIZE,
    NARROW,
    OTHER,
    SHAPES,
    dress,
    largest_groups,
    load_extra,
    new_axes,
)
from foretaste.plotting.labels import broken, extent, place_labels, shortened
from foretaste.utils.validation import BOOL, Int, check_parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from foretaste.latent.item_map import MapMethod

_SIZES = (2.0, 3.2, 4.6, 6.2)  # points across, from hardly rated to most rated
_FEW = 300  # of more items the marks are paler, so that labels among them can be read
_LONGEST_GROUP = 48  # letters of its name in the legend
_MOST_NAMED = 8  # users with an arrow and a name each; of more the places are marked


def map_of(model: Recommender, method: MapMethod | None = None, users: Iterable[Id] | None = None) -> ItemMap:
    """The map that `plot_map` draws: by default two factors as they are, and of more the principal components."""
    factors = getattr(model, "item_factors_", None)
    if method is None:
        two = factors is not None and factors.shape[1] == 2  # noqa: PLR2004
        method = ("factor 1", "factor 2") if two else "pca"
    return latent.map(model, method=method, users=users)


def plot_map(  # noqa: PLR0913  keyword-only, each with a default
    model: Recommender,
    *,
    places: ItemMap | None = None,
    method: MapMethod | None = None,
    users: Iterable[Id] | None = None,
    labels: Mapping[Id, str] | None = None,
    groups: Mapping[Id, str] | None = None,
    n_labels: int = 20,
    caution: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the items where `latent.map` puts them; near each other are items that the same people like.

    Two factors are the axes themselves. More are turned so that the items spread most along the first axis and next
    along the second (principal components); the share of the variance on each axis says how much the map shows.
    Larger marks are items with more ratings. The most-rated items bear labels, as far as they find room without
    covering each other. In small print stands how many of the neighbours in the picture are neighbours in the space:
    do not read more out of it.

    Users, where the map has them, are arrows on a straight map: items further along an arrow score higher, and how
    near an item lies to the tip says nothing. On a map by t-SNE or UMAP they are rings in the middle of their best
    items. Up to eight bear their names.

    Parameters
    ----------
    model : fitted model with item factors
    places : ItemMap, optional
        Places from `latent.map`; by default found here.
    method : {"pca", "umap", "tsne"} or (str, str), optional
        How to find them; by default two factors as they are, and of more the principal components.
    users : iterable of ids, optional
        Users to place among the items.
    labels : dict from item to text, optional
        What to call an item; by default its id.
    groups : dict from item to text, optional
        What an item belongs to. The eight largest groups have a colour and a shape each, the rest are "other".
    n_labels : int
        How many items are labelled at most.
    caution : bool
        Whether to print how far the map may be believed.
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new figure.

    Returns
    -------
    matplotlib Axes
        Its `figure` is what to save or to show.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    UnsupportedError
        The model places no items in a space of two dimensions or more.
    InvalidParameterError
        There are places already, and a method or users to find places for.
    MissingExtraError
        matplotlib is not installed, or for UMAP umap-learn.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())
    >>> sorted(text.get_text() for text in plot_map(model, n_labels=2).texts)
    ['ommazh', 'sanam']
    """
    check_parameters("plot_map", {"n_labels": n_labels, "caution": caution}, {"n_labels": Int(0), "caution": BOOL})
    if places is not None and not (method is None and users is None):
        message = "plot_map takes 'places', or 'method' and 'users' to find them by; got both. Hint: leave one out."
        raise InvalidParameterError(message)
    places = map_of(model, method, users) if places is None else places
    ax = new_axes(height=5.6) if ax is None else ax
    items = places.ids.to_list()
    counts = np.append(np.bincount(model.known_.indices, minlength=len(model.item_vocabulary_)), 0)
    counts = counts[model.item_vocabulary_.encode(places.ids)]  # of an item gone since, none
    if places.linear:
        for line, at in ((ax.axvline, places.origin[0]), (ax.axhline, places.origin[1])):
            line(at, color=INK, alpha=0.25, linewidth=0.8, zorder=0)
    _draw_points(ax, places.points, counts, None if groups is None else [groups.get(item, "other") for item in items])
    _draw_users(ax, places)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.06)
    for side, direction, share in zip("xy", places.directions, places.shares, strict=True):
        ax.set(**{f"{side}label": direction if np.isnan(share) else f"{direction} ({share:.0%} of variance)"})
    dress(ax, grid=False)
    if not places.linear:  # their numbers mean nothing
        ax.set(xticks=[], yticks=[])
    if caution:
        _print_small(ax, places.caution, below=32 if places.linear else 20)
    # Where things are on the paper is known only now that everything else is in its place.
    ax.figure.figure.draw_without_rendering()  # `figure` of a subfigure is the whole
    named = enumerate(map(str, places.user_ids if len(places.user_ids) <= _MOST_NAMED else ()))
    style: dict[str, Any] = {"size": FONT_SIZE, "weight": "bold"}
    taken = place_labels(ax, places.user_points, named, _MOST_NAMED, away_from=places.origin[0], **style)
    by_count = np.argsort(-counts, kind="stable")
    texts = ((row, str((labels or {}).get(items[row], items[row]))) for row in by_count.tolist())
    place_labels(ax, places.points, texts, n_labels, taken)
    return ax


def _draw_users(ax: Axes, places: ItemMap) -> None:
    tips = places.user_points
    few = len(tips) <= _MOST_NAMED
    ring: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": INK}
    if few and places.linear:
        arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
        for tip in tips:
            ax.annotate("", tuple(tip), tuple(places.origin), arrowprops=arrow, zorder=7)
        ring = {}  # their ends are drawn, but count for the size of the picture
    ax.plot(*tips.T, linestyle="none", markersize=7 if few else 2.5, alpha=1 if few else 0.4, zorder=7, **ring)


def _print_small(ax: Axes, text: str, below: float) -> None:
    """A text under the axes, so many points below their lower edge, in lines of their width."""
    figure = ax.figure.figure
    figure.draw_without_rendering()
    width = ax.get_window_extent().width * 72 / figure.dpi
    anchored = load_extra("matplotlib.offsetbox").AnchoredText
    transforms = load_extra("matplotlib.transforms")
    small = anchored(
        "\n".join(broken(text, width)),
        loc="upper left",
        prop={"size": LABEL_SIZE, "color": INK, "alpha": 0.8},
        frameon=False,
        borderpad=0,
        pad=0,
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + transforms.ScaledTranslation(0, -below / 72, figure.dpi_scale_trans),
    )
    ax.add_artist(small)


def _draw_points(ax: Axes, points: Float64, counts: Any, groups: list[str] | None) -> None:  # noqa: ANN401  integers
    shown = [] if groups is None else largest_groups(groups)
    group_of = np.array(["items"] * len(points) if groups is None else groups, dtype=object)
    group_of[~np.isin(group_of, shown)] = "other" if shown else "items"
    # Roots, since a few items have most of the ratings.
    size = np.minimum(len(_SIZES) * np.sqrt(counts / max(counts.max(), 1)), len(_SIZES) - 1).astype(int)
    styles = {name: (COLOURS[place], SHAPES[place]) for place, name in enumerate(shown)}
    styles |= {"other": (OTHER, "o")} if shown else {"items": (COLOURS[0], "o")}
    width = ax.get_window_extent().width / ax.figure.dpi
    shrink = 1.0 if width >= NARROW else 0.75
    for step, across in enumerate(_SIZES):  # small ones first, so that well-known items lie on top
        for name, (colour, shape) in styles.items():
            chosen = points[(size == step) & (group_of == name)]
            style = {
                "color": colour,
                "marker": shape,
                "markersize": shrink * across,
                "markeredgewidth": 0,
                "alpha": 0.8 if len(points) <= _FEW else 0.5,
            }
            ax.plot(*chosen.T, linestyle="none", zorder=2 + step, **style)  # type: ignore[arg-type]
    if shown:
        _draw_legend(ax, {name: style for name, style in styles.items() if (group_of == name).any()}, width)


def _draw_legend(ax: Axes, styles: Mapping[str, tuple[str, str]], width: float) -> None:
    """Colour and shape of each group above axes of a width in inches, in as many columns as it has room for."""
    line = load_extra("matplotlib.lines").Line2D
    handles = [
        line(
            [],
            [],
            color=colour,
            marker=shape,
            markersize=5.5,
            linestyle="none",
            label=shortened(name, _LONGEST_GROUP),
        )
        for name, (colour, shape) in styles.items()
    ]
    widest = max(extent(handle.get_label(), FONT_SIZE)[0] for handle in handles) + 16  # points, with its mark
    legend = ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=max(1, int(72 * width / widest)),
        frameon=False,
        fontsize=FONT_SIZE - 0.5,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=1.0,
        borderaxespad=0.2,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a dollar is a dollar
