"""What all pictures share, and the learning curve.

Drawn with matplotlib's objects, never through pyplot: nothing global is changed, and no window opens.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste._typing import Float64
from foretaste.data.frames import frame_column
from foretaste.exceptions import UnsupportedError
from foretaste.models import Recommender
from foretaste.utils import extras

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Text and lines; `to_svg` puts `currentColor` in its place, so that they take the colour of the text around them.
INK = "#26242d"
OTHER = "#8d8a98"
# Each colour stands out from white and from near black. Colours alone do not tell eight groups apart for everybody, so
# that each group has a shape of its own too.
COLOURS = ("#2f6fe0", "#d4551c", "#1fa287", "#a82c77", "#a68cf5", "#adb02a", "#35a9dc", "#80503f")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")

FONT_SIZE = 9.0
LABEL_SIZE = 7.5
NARROW = 4.0  # inches; axes that are narrower get smaller marks and broken lines


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


def largest_groups(groups: list[str]) -> list[str]:
    """At most eight groups, the largest first; equals in the order of the alphabet."""
    sizes = Counter(group for group in groups if group != "other")
    return sorted(sizes, key=lambda group: (-sizes[group], group))[: len(COLOURS)]


def dress(ax: Axes, *, grid: bool = True) -> None:
    """The quiet look that all pictures share."""
    ax.patch.set_alpha(0)
    ax.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=INK, alpha=0.5, linewidth=0.8)
    ax.tick_params(colors=INK, labelsize=FONT_SIZE - 1, length=3, width=0.6)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=INK, size=FONT_SIZE)
    if grid:
        ax.grid(visible=True, axis="y", color=INK, alpha=0.12, linewidth=0.8)
        ax.set_axisbelow(True)


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
            name, (last, values[-1]), (5, 0), textcoords="offset points", color=INK, size=FONT_SIZE, va="center"
        )
    if not np.isnan(curve["valid"]).all():
        best = int(np.nanargmin(curve["valid"]))
        place = (float(epochs[best]), float(curve["valid"][best]))
        ax.plot(*place, marker="o", color=COLOURS[1], markersize=7)
        between = "\n" if ax.get_window_extent().width < NARROW * ax.figure.dpi else " "
        text = f"lowest: {place[1]:.3f}{between}after {place[0]:.0f} epochs"
        ax.annotate(text, place, (0, 9), textcoords="offset points", color=INK, size=FONT_SIZE, ha="right")
    ax.set_xlim(float(epochs[0]) - 0.5, float(last) + 0.5 + 0.16 * len(epochs))  # room for the names of the lines
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="RMSE" if model.measure == "rmse" else model.measure)
    dress(ax)
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
