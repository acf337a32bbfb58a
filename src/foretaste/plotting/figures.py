"""Pictures of a model: its learning curve, and the map of its items.

Drawn with matplotlib's objects, never through pyplot: nothing global is changed, and no window opens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA

from foretaste._typing import Float64, Id
from foretaste.data.frames import frame_column
from foretaste.exceptions import NotFittedError, UnsupportedError
from foretaste.models import Recommender
from foretaste.utils import extras
from foretaste.utils.validation import Int, check_parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Text and lines; `to_svg` puts `currentColor` in its place, so that they take the colour of the text around them.
INK = "#26242d"
OTHER = "#8d8a98"
# Each colour stands out from white and from near black. Colours alone do not tell eight groups apart for everybody, so
# that each group has a shape of its own too.
COLOURS = ("#2f6fe0", "#d4551c", "#1fa287", "#a82c77", "#a68cf5", "#adb02a", "#35a9dc", "#80503f")
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
_SIZES = (2.0, 3.2, 4.6, 6.2)  # points across, from hardly rated to most rated

_FONT_SIZE = 9.0
_LABEL_SIZE = 7.5
_LONGEST_LABEL = 30
_NARROW = 4.0  # inches; axes that are narrower get smaller marks and broken lines
_GAP = 3.0  # points between a mark and its label


def load_extra(module: str) -> Any:  # noqa: ANN401  a module
    """A module of the extra `plot`.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    return extras.load_extra(module, "plot", "drawing")


def new_axes(width: float = 7.6, height: float = 4.0) -> Axes:
    """The axes of a new figure without background; its size is in inches."""
    figure = load_extra("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes: Axes = figure.add_subplot()
    return axes


# The learning curve -------------------------------------------------------------------------------------------------


def plot_history(model: Recommender, *, ax: Axes | None = None) -> Axes:
    """Draw the learning curve: RMSE by epoch on the ratings learned from and, with early stopping, on those held out.

    Parameters
    ----------
    model : fitted model that learns in epochs
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new figure.

    Returns
    -------
    matplotlib Axes
        Its `figure` is what to save or to show.

    Raises
    ------
    UnsupportedError
        The model learns without epochs.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())
    >>> plot_history(model).get_xlabel()
    'epoch'
    """
    curve = history_arrays(model)
    ticker = load_extra("matplotlib.ticker")
    ax = new_axes(height=3.4) if ax is None else ax
    epochs, last = curve["epoch"], curve["epoch"][-1]
    lines = [("training", curve["train"], COLOURS[0]), ("validation", curve["valid"], COLOURS[1])]
    for name, values, colour in lines:
        if np.isnan(values).all():
            continue
        ax.plot(epochs, values, color=colour, linewidth=2, marker="o" if len(epochs) == 1 else None)
        ax.annotate(
            name, (last, values[-1]), (5, 0), textcoords="offset points", color=INK, size=_FONT_SIZE, va="center"
        )
    if not np.isnan(curve["valid"]).all():
        best = int(np.nanargmin(curve["valid"]))
        place = (float(epochs[best]), float(curve["valid"][best]))
        ax.plot(*place, marker="o", color=COLOURS[1], markersize=7)
        between = "\n" if ax.get_window_extent().width < _NARROW * ax.figure.dpi else " "
        text = f"lowest: {place[1]:.3f}{between}after {place[0]:.0f} epochs"
        ax.annotate(text, place, (0, 9), textcoords="offset points", color=INK, size=_FONT_SIZE, ha="right")
    ax.set_xlim(float(epochs[0]) - 0.5, float(last) + 0.5 + 0.16 * len(epochs))  # room for the names of the lines
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="RMSE" if model.measure == "rmse" else model.measure)
    _dress(ax)
    return ax


def history_arrays(model: Recommender) -> dict[str, Float64]:
    """Columns of a model's history as arrays: epoch, train, valid.

    Raises
    ------
    UnsupportedError
        It has no rows.
    """
    frame = model.history_
    names = {"epoch": "epoch", "train": f"train_{model.measure}", "valid": f"valid_{model.measure}"}
    curve = {name: frame_column(frame, column).to_numpy() for name, column in names.items()}
    if not curve["epoch"].size:
        message = f"{type(model).__name__} learns without epochs, so it has no learning curve. Hint: FunkSVD has one."
        raise UnsupportedError(message)
    return curve


# The map ------------------------------------------------------------------------------------------------------------


class Plane(NamedTuple):
    """Items on a plane.

    Attributes
    ----------
    points : float64 array of shape (n_items, 2)
    axes : tuple of str
        What each direction is.
    shares : tuple of float
        Share of the variance of the item factors along each direction.
    """

    points: Float64
    axes: tuple[str, str]
    shares: tuple[float, float]

    @classmethod
    def of(cls, model: Recommender) -> Plane:
        """The item factors of a model: as they are if there are two, else their first two principal components.

        Raises
        ------
        NotFittedError
            The model is not fitted.
        UnsupportedError
            It has fewer than two factors, or fewer than two items.
        """
        name = type(model).__name__
        if not hasattr(model, "item_vocabulary_"):
            message = f"This {name} is not fitted yet. Call 'fit' before 'plot_map'."
            raise NotFittedError(message)
        factors = np.asarray(getattr(model, "item_factors_", np.empty((0, 0))), np.float64)
        n_items, n_factors = factors.shape
        if n_factors < 2 or n_items < 2:  # noqa: PLR2004  a plane has two directions
            message = (
                f"a map needs at least 2 items with 2 factors each; this {name} has {n_items} items and {n_factors} "
                f"factors. Hint: FunkSVD(n_factors=2) and more draw one."
            )
            raise UnsupportedError(message)
        if n_factors == 2:  # noqa: PLR2004
            variances = factors.var(axis=0)
            return cls(factors, ("factor 1", "factor 2"), _shares(variances, variances.sum()))
        found = PCA(2, svd_solver="full")
        with np.errstate(invalid="ignore"):  # factors that are all equal have no variance to share out
            points = found.fit_transform(factors)
        total = factors.var(axis=0, ddof=1).sum()
        directions = ("component 1", "component 2")
        return cls(points, directions, _shares(found.explained_variance_, total))


def _shares(variances: Float64, total: float) -> tuple[float, float]:
    first, second = (variances / total if total > 0 else np.zeros(2))[:2]
    return float(first), float(second)


def plot_map(
    model: Recommender,
    *,
    labels: Mapping[Id, str] | None = None,
    groups: Mapping[Id, str] | None = None,
    n_labels: int = 20,
    ax: Axes | None = None,
) -> Axes:
    """Draw the items where the model has put them; near each other are items that the same people like.

    Two factors are the axes themselves. More are turned so that the items spread most along the first axis and next
    along the second (principal components); the share of the variance on each axis says how much the map shows.
    Larger marks are items with more ratings. The most-rated items bear labels, as far as they find room without
    covering each other.

    Parameters
    ----------
    model : fitted model with item factors
    labels : dict from item to text, optional
        What to call an item; by default its id.
    groups : dict from item to text, optional
        What an item belongs to. The eight largest groups have a colour and a shape each, the rest are "other".
    n_labels : int
        How many items are labelled at most.
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
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(ft.datasets.albums())
    >>> sorted(text.get_text() for text in plot_map(model, n_labels=2).texts)
    ['ommazh', 'sanam']
    """
    check_parameters("plot_map", {"n_labels": n_labels}, {"n_labels": Int(0)})
    plane = Plane.of(model)
    ax = new_axes(height=5.6) if ax is None else ax
    items = model.item_vocabulary_.ids.to_list()
    counts = np.bincount(model.known_.indices, minlength=len(items))
    for line in (ax.axhline, ax.axvline):
        line(0, color=INK, alpha=0.25, linewidth=0.8, zorder=0)
    _draw_points(ax, plane.points, counts, None if groups is None else [groups.get(item, "other") for item in items])
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.06)
    for side, direction, share in zip("xy", plane.axes, plane.shares, strict=True):
        ax.set(**{f"{side}label": f"{direction} ({share:.0%} of variance)"})
    _dress(ax, grid=False)
    # Where things are on the paper is known only now that everything else is in its place.
    ax.figure.figure.draw_without_rendering()  # `figure` of a subfigure is the whole
    by_count = np.argsort(-counts, kind="stable")
    texts = ((code, str((labels or {}).get(items[code], items[code]))) for code in by_count.tolist())
    _place_labels(ax, plane.points, texts, n_labels)
    return ax


def largest_groups(groups: list[str]) -> list[str]:
    """At most eight groups, the largest first; equals in the order of the alphabet."""
    sizes = Counter(group for group in groups if group != "other")
    return sorted(sizes, key=lambda group: (-sizes[group], group))[: len(COLOURS)]


def _draw_points(ax: Axes, points: Float64, counts: Any, groups: list[str] | None) -> None:  # noqa: ANN401  integers
    shown = [] if groups is None else largest_groups(groups)
    group_of = np.array(["items"] * len(points) if groups is None else groups, dtype=object)
    group_of[~np.isin(group_of, shown)] = "other" if shown else "items"
    # Roots, since a few items have most of the ratings.
    size = np.minimum(len(_SIZES) * np.sqrt(counts / max(counts.max(), 1)), len(_SIZES) - 1).astype(int)
    styles = {name: (COLOURS[place], _SHAPES[place]) for place, name in enumerate(shown)}
    styles |= {"other": (OTHER, "o")} if shown else {"items": (COLOURS[0], "o")}
    width = ax.get_window_extent().width / ax.figure.dpi
    shrink = 1.0 if width >= _NARROW else 0.75
    for step, across in enumerate(_SIZES):  # small ones first, so that well-known items lie on top
        for name, (colour, shape) in styles.items():
            chosen = points[(size == step) & (group_of == name)]
            style = {
                "color": colour,
                "marker": shape,
                "markersize": shrink * across,
                "markeredgewidth": 0,
                "alpha": 0.8,
            }
            ax.plot(*chosen.T, linestyle="none", zorder=2 + step, **style)  # type: ignore[arg-type]
    if shown:
        _draw_legend(ax, {name: style for name, style in styles.items() if (group_of == name).any()}, width)


def _draw_legend(ax: Axes, styles: Mapping[str, tuple[str, str]], width: float) -> None:
    """Colour and shape of each group above axes of a width in inches, in as many columns as it has room for."""
    line = load_extra("matplotlib.lines").Line2D
    handles = [
        line([], [], color=colour, marker=shape, markersize=5.5, linestyle="none", label=name)
        for name, (colour, shape) in styles.items()
    ]
    widest = max(_extent(name)[0] for name in styles) * _FONT_SIZE / _LABEL_SIZE + 16  # points, with its mark
    legend = ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=max(1, int(72 * width / widest)),
        frameon=False,
        fontsize=_FONT_SIZE - 0.5,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=1.0,
        borderaxespad=0.2,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a dollar is a dollar


class _Box(NamedTuple):
    """A rectangle on the paper, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def within(self, other: _Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


def _place_labels(ax: Axes, points: Float64, texts: Iterator[tuple[int, str]], n_labels: int) -> None:
    """Label points in the order given, each at the first of four sides that is free; one without room goes without."""
    scale = 72 / ax.figure.dpi
    frame = _Box(*(scale * np.asarray(ax.get_window_extent().extents)).tolist())
    on_paper = ax.transData.transform(points) * scale
    taken: list[_Box] = []
    for code, text in texts:
        if len(taken) >= 2 * n_labels:  # a box for the mark and one for its label
            return
        shown = text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1].rstrip(" ,") + "…"
        x, y = on_paper[code]
        mark = _Box(x - _GAP, y - _GAP, x + _GAP, y + _GAP)
        for offset, alignment, box in _sides(x, y, *_extent(shown)):
            if box.within(frame) and not any(box.meets(other) or mark.meets(other) for other in taken):
                point = tuple(points[code])
                label = ax.annotate(shown, point, offset, textcoords="offset points", zorder=9, **alignment)
                label.set(size=_LABEL_SIZE, color=INK, parse_math=False)
                taken += [mark, box]
                break


def _sides(x: float, y: float, width: float, height: float) -> Iterator[tuple[tuple[float, float], Any, _Box]]:
    """Offset, alignment and box of a text right of a point, left of it, above and below."""
    half, gap = height / 2, _GAP + 2
    yield (gap, 0), {"ha": "left", "va": "center"}, _Box(x + gap, y - half, x + gap + width, y + half)
    yield (-gap, 0), {"ha": "right", "va": "center"}, _Box(x - gap - width, y - half, x - gap, y + half)
    yield (0, gap), {"ha": "center", "va": "bottom"}, _Box(x - width / 2, y + gap, x + width / 2, y + gap + height)
    yield (0, -gap), {"ha": "center", "va": "top"}, _Box(x - width / 2, y - gap - height, x + width / 2, y - gap)


def _extent(text: str) -> tuple[float, float]:
    """Width and height of a label in points, a little air around it."""
    if not text.strip():
        return 0.0, 0.0
    path = load_extra("matplotlib.textpath").TextPath((0, 0), text.replace("$", "S"), size=_LABEL_SIZE)
    across = path.vertices[:, 0]  # with the handles of its curves: never too little
    return float(np.ptp(across)) + 2, _LABEL_SIZE * 1.3


def _dress(ax: Axes, *, grid: bool = True) -> None:
    """The quiet look that all pictures share."""
    ax.patch.set_alpha(0)
    ax.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=INK, alpha=0.5, linewidth=0.8)
    ax.tick_params(colors=INK, labelsize=_FONT_SIZE - 1, length=3, width=0.6)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=INK, size=_FONT_SIZE)
    if grid:
        ax.grid(visible=True, axis="y", color=INK, alpha=0.12, linewidth=0.8)
        ax.set_axisbelow(True)
