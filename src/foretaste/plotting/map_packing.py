"""What the page of a map carries, in as few bytes as it takes: columns of small numbers, deflated together."""

from __future__ import annotations

import json
import math
import zlib
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64

# Bytes of a page of 100,000 items, pictures and program included: what a telephone fetches in a second or two.
LIMIT = 3_000_000
# Of one item's position along one axis, deflated: normal values in steps of a tenth have 5.4 bits of information.
_AXIS_BYTES = 0.75
# Positions are kept as one byte, in steps of so many standard deviations.
STEP = 0.1
# A column of numbers with more values than this is kept by the nearest of as many of its quantiles.
_MOST_VALUES = 4_096
# What is worth most comes first: (part, how many of it in all).
_WORTH = (
    ("cosine", 3),
    ("axes", 6),
    ("ids", 1),
    ("euclidean", 3),
    ("axes", 24),
    ("cosine", 10),
    ("euclidean", 10),
)


class Room(NamedTuple):
    """How much of what could be left out a page has room for.

    Attributes
    ----------
    cosine, euclidean : int
        Neighbours an item, by angle and by distance.
    axes : int
        Named axes along which the position of every item is kept.
    ids : int
        1 if items keep their ids beside their labels.
    """

    cosine: int
    euclidean: int
    axes: int
    ids: int


def room_for(n_items: int, n_axes: int, ids: int, spent: int, limit: int = LIMIT) -> Room:
    """What fits on a page that has a number of bytes without it.

    A neighbour is one of n items and takes log2(n) bits, and with what packing costs one bit more; a position takes
    six. Base64 makes four bytes of three. Room is given to three neighbours by cosine, six axes, ids, three neighbours
    by distance, the other axes (24 at most), and then to ten neighbours of each kind, until there is none.

    Parameters
    ----------
    n_items, n_axes : int
        How many there are.
    ids : int
        Bytes of all ids, deflated; 0 where the labels are the ids.
    spent : int
        Bytes of the page with points, titles and attributes.
    limit : int
        Bytes of the whole.

    Examples
    --------
    >>> room_for(1_682, 20, 3_000, 150_000)
    Room(cosine=10, euclidean=10, axes=20, ids=1)
    >>> room_for(100_000, 20, 320_000, 1_600_000)
    Room(cosine=3, euclidean=0, axes=5, ids=0)
    """
    left = 0.75 * (limit - spent)
    neighbour = n_items * (math.log2(max(n_items, 2)) + 1) / 8
    cost = {"cosine": neighbour, "euclidean": neighbour, "axes": n_items * _AXIS_BYTES, "ids": ids or 1.0}
    there = {"cosine": n_items - 1, "euclidean": n_items - 1, "axes": n_axes, "ids": int(ids > 0)}
    kept = dict.fromkeys(cost, 0)
    for part, most in _WORTH:
        more = max(0, min(most, there[part], kept[part] + int(left // cost[part])) - kept[part])
        kept[part] += more
        left -= more * cost[part]
    return Room(**kept)


class Numbers(NamedTuple):
    """An attribute of numbers; NaN where an item has none."""

    name: str
    values: Float64

    def in_order(self, order: Codes) -> Numbers:
        """Of items in another order."""
        return self._replace(values=self.values[order])


class Tags(NamedTuple):
    """An attribute of texts, some or none an item.

    Attributes
    ----------
    name : str
    values : tuple of str
        Those that occur.
    indptr, indices : int arrays
        Item i has the values at ``indices[indptr[i] : indptr[i + 1]]``.
    """

    name: str
    values: tuple[str, ...]
    indptr: Codes
    indices: Codes

    def in_order(self, order: Codes) -> Tags:
        """Of items in another order."""
        sizes = np.diff(self.indptr)[order]
        indptr = np.concatenate([[0], np.cumsum(sizes)])
        entries = np.repeat(self.indptr[:-1][order] - indptr[:-1], sizes) + np.arange(indptr[-1])
        return self._replace(indptr=indptr, indices=self.indices[entries])


class Parcel:
    """Columns under names, and whatever JSON can hold about them; as text for a page.

    The bytes, once inflated: four with the length of a description in JSON, the description, the columns. A column of w
    bytes a number is written as w columns of bytes, the lowest first, so that what is alike stands together.
    """

    def __init__(self) -> None:
        self.about: dict[str, Any] = {}
        self._columns: dict[str, dict[str, int]] = {}
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, name: str, numbers: npt.ArrayLike) -> None:
        """A column of whole numbers from 0 on."""
        column = np.asarray(numbers, np.uint32)
        width = max(1, (int(column.max(initial=0)).bit_length() + 7) // 8)
        planes = np.ascontiguousarray(column.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :width].T)
        self._append(name, planes.tobytes(), len(column), width)

    def add_texts(self, name: str, texts: Iterable[str]) -> None:
        """A column of texts, each on a line."""
        self._append(name, lines_of(texts), 0, 0)

    def _append(self, name: str, content: bytes, n: int, width: int) -> None:
        self._columns[name] = {"at": self._length, "length": len(content), "n": n, "width": width}
        self._parts.append(content)
        self._length += len(content)

    def add_attribute(self, name: str, attribute: Numbers | Tags) -> dict[str, Any]:
        """The columns of an attribute, and what describes it."""
        described: dict[str, Any] = {"name": attribute.name, "column": name}
        if isinstance(attribute, Tags):
            described |= {"kind": "tags", "values": attribute.values}
            self.add(name, attribute.indices)
            self.add(f"{name} sizes", np.diff(attribute.indptr))
        else:
            described |= {"kind": "number", "ticks": ticks_of(attribute.values)}
            codes, described["values"] = _steps(attribute.values)
            self.add(name, codes)
        return described

    def to_text(self) -> str:
        """All of it, deflated, in base64."""
        description = json.dumps(self.about | {"columns": self._columns}, ensure_ascii=False, allow_nan=False).encode()
        content = b"".join([len(description).to_bytes(4, "little"), description, *self._parts])
        return b64encode(deflated(content)).decode()


def lines_of(texts: Iterable[str]) -> bytes:
    """Texts with a line each, whatever white space they hold."""
    return "\n".join(" ".join(text.split()) for text in texts).encode()


def deflated(content: bytes) -> bytes:
    """As small as the browser's own means can undo."""
    return zlib.compress(content, 9)


def _steps(values: Float64) -> tuple[Codes, list[float]]:
    """The values that occur, in their order, and which of them each one is, from 1 on; 0 where there is none."""
    known = np.isfinite(values)
    found = np.unique(values[known])
    if found.size > _MOST_VALUES:
        found = np.unique(np.quantile(values[known], np.linspace(0, 1, _MOST_VALUES), method="nearest"))
    codes = np.zeros(len(values), np.int32)
    between = (found[1:] + found[:-1]) / 2
    codes[known] = 1 + np.searchsorted(between, values[known])
    return codes, [int(value) if value.is_integer() else float(f"{value:.9g}") for value in found.tolist()]


def ticks_of(values: npt.ArrayLike) -> list[float]:
    """Where colours begin, change and end: five quantiles, or fewer where values repeat; no outlier takes all."""
    column = np.asarray(values, np.float64)
    known = column[np.isfinite(column)]
    if not known.size:
        return [0.0, 1.0]
    ticks = np.unique(np.quantile(known, (0.02, 0.25, 0.5, 0.75, 0.98), method="nearest"))
    if ticks.size == 1:
        ticks = np.array([known.min(), known.max()])
    return [float(tick) for tick in ticks] if ticks[0] < ticks[-1] else [float(ticks[0]), float(ticks[0]) + 1]
