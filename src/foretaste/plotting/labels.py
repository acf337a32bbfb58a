"""Words on paper: how wide they are, and where they find room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from foretaste._typing import Float64
from foretaste.plotting.figures import INK, LABEL_SIZE, load_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOLD = 1.17  # how much wider bold letters are, about
LONGEST = 30  # letters of a label
_GAP = 3.0  # points between a mark and its label


class Box(NamedTuple):
    """A rectangle on the paper, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether the two have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def within(self, other: Box) -> bool:
        """Whether all of it lies in the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


def place_labels(
    ax: Axes,
    points: Float64,
    texts: Iterator[tuple[int, str]],
    n_labels: int,
    taken: Sequence[Box] = (),
    away_from: float = -np.inf,
    **style: Any,  # noqa: ANN401  of matplotlib's text
) -> list[Box]:
    """Label points in the order given, each at the first of four sides that is free; one without room goes without.

    Parameters
    ----------
    ax : Axes
        With everything else in its place.
    points : float64 array of shape (n_points, 2)
    texts : pairs of the row of a point and its label
    n_labels : int
        How many are labelled at most.
    taken : boxes
        Where nothing may be put.
    away_from : float
        Labels of points left of this go to the left first, others to the right.
    style : how the text is set; `size` in points

    Returns
    -------
    list of boxes
        Those taken before, and of each label and its mark.
    """
    scale = 72 / ax.figure.dpi
    size = style.setdefault("size", LABEL_SIZE)
    frame = Box(*(scale * np.asarray(ax.get_window_extent().extents)).tolist())
    on_paper = ax.transData.transform(points) * scale
    boxes, n_placed = [*taken], 0
    for row, text in texts:
        if n_placed == n_labels:
            break
        shown = shortened(text, LONGEST)
        x, y = on_paper[row]
        mark = Box(x - _GAP, y - _GAP, x + _GAP, y + _GAP)
        right, left, *rest = _sides(x, y, *extent(shown, size))
        first = (left, right) if points[row, 0] < away_from else (right, left)
        for offset, alignment, box in (*first, *rest):
            if box.within(frame) and not any(box.meets(other) or mark.meets(other) for other in boxes):
                point = tuple(points[row])
                label = ax.annotate(shown, point, offset, textcoords="offset points", zorder=9, **alignment)
                label.set(color=INK, parse_math=False, **style)
                boxes += [mark, box]
                n_placed += 1
                break
    return boxes


def _sides(x: float, y: float, width: float, height: float) -> Iterator[tuple[tuple[float, float], Any, Box]]:
    """Offset, alignment and box of a text right of a point, left of it, above and below."""
    half, gap = height / 2, _GAP + 2
    yield (gap, 0), {"ha": "left", "va": "center"}, Box(x + gap, y - half, x + gap + width, y + half)
    yield (-gap, 0), {"ha": "right", "va": "center"}, Box(x - gap - width, y - half, x - gap, y + half)
    yield (0, gap), {"ha": "center", "va": "bottom"}, Box(x - width / 2, y + gap, x + width / 2, y + gap + height)
    yield (0, -gap), {"ha": "center", "va": "top"}, Box(x - width / 2, y - gap - height, x + width / 2, y - gap)


def extent(text: str, size: float = LABEL_SIZE) -> tuple[float, float]:
    """Width and height of a line of text in points, a little air around it."""
    if not text.strip():
        return 0.0, 0.0
    path = load_extra("matplotlib.textpath").TextPath((0, 0), text.replace("$", "S"), size=size)
    across = path.vertices[:, 0]  # with the handles of its curves: never too little
    return float(np.ptp(across)) + 2, size * 1.3


def shortened(text: str, letters: int) -> str:
    """A text in one line of so many letters at most, the end left out."""
    text = " ".join(text.split())
    return text if len(text) <= letters else text[: letters - 1].rstrip(" ,") + "…"


def fitted(text: str, width: float, size: float = LABEL_SIZE) -> str:
    """As much of a text as goes into a line of a width in points."""
    text = " ".join(text.split())
    if extent(text, size)[0] <= width:
        return text
    fits, too_many = 1, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if extent(shortened(text, middle), size)[0] <= width:
            fits = middle
        else:
            too_many = middle
    return shortened(text, fits)


def broken(text: str, width: float, size: float = LABEL_SIZE) -> list[str]:
    """A text in lines of at most a width in points, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and extent(longer, size)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def write(ax: Axes, text: str, place: tuple[float, float], **style: Any) -> None:  # noqa: ANN401  of matplotlib's text
    """A text in coordinates of the data, a dollar being a dollar."""
    style = {"size": LABEL_SIZE, "color": INK, "zorder": 9, **style}
    ax.text(*place, text, **style).set_parse_math(False)
