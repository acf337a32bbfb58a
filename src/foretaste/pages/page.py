"""`Page`, `Row` and `Slot`: what one person is shown at one moment, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from foretaste._typing import Frame, Id
from foretaste.data.frames import DEFAULT_KIND, make_frame, plain_series
from foretaste.exceptions import InvalidParameterError
from foretaste.utils.files import write_whole


@dataclass(frozen=True)
class Slot:
    """One item in its place.

    Attributes
    ----------
    item : hashable
    title : str
    score : float
        What the items of the row are ordered by, before diversity.
    reasons : tuple of (str, float)
        Each signal's share of the score; the shares add up to it.
    sponsored : bool
        Whether it is here because somebody pays; it is always said in words.
    probability : float
        With what probability it was shown, where chance had a part; 1 where it had none.
    """

    item: Id
    title: str
    score: float
    reasons: tuple[tuple[str, float], ...] = ()
    sponsored: bool = False
    probability: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """The slot as plain values."""
        return {
            "item": self.item,
            "title": self.title,
            "score": self.score,
            "reasons": dict(self.reasons),
            "sponsored": self.sponsored,
            "probability": self.probability,
        }


@dataclass(frozen=True)
class Row:
    """One titled list.

    Attributes
    ----------
    kind : str
        What made it, such as "because".
    title : str
    slots : tuple of Slot
    evidence : dict
        What the row is about: the item it is "because" of, the attribute value of a category.
    """

    kind: str
    title: str
    slots: tuple[Slot, ...]
    evidence: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self.slots)

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values."""
        slots = [slot.to_dict() for slot in self.slots]
        return {"kind": self.kind, "title": self.title, "evidence": dict(self.evidence), "slots": slots}


@dataclass(frozen=True)
class Page:
    """Rows for one user at one moment.

    Attributes
    ----------
    user : hashable
    at : datetime
    rows : tuple of Row
    title : str
    kind : str
        Frame library of `to_frame`.
    """

    user: Id
    at: datetime
    rows: tuple[Row, ...]
    title: str = ""
    kind: str = DEFAULT_KIND

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The page as plain values, as JSON can hold them where ids can be."""
        rows = [row.to_dict() for row in self.rows]
        return {"user": self.user, "at": self.at.isoformat(), "title": self.title, "rows": rows}

    def to_frame(self) -> Frame:
        """One row a slot: row and column (from 1), kind, row_title, item, title, score, sponsored, probability."""
        slots = [
            (place, column, row, slot)
            for place, row in enumerate(self.rows, start=1)
            for column, slot in enumerate(row.slots, start=1)
        ]
        columns = {
            "row": pl.Series([place for place, *_ in slots], dtype=pl.Int64),
            "column": pl.Series([column for _, column, *_ in slots], dtype=pl.Int64),
            "kind": pl.Series([row.kind for *_, row, _ in slots], dtype=pl.String),
            "row_title": pl.Series([row.title for *_, row, _ in slots], dtype=pl.String),
            "item": plain_series("item", [slot.item for *_, slot in slots]),
            "title": pl.Series([slot.title for *_, slot in slots], dtype=pl.String),
            "score": pl.Series([slot.score for *_, slot in slots], dtype=pl.Float64),
            "sponsored": pl.Series([slot.sponsored for *_, slot in slots], dtype=pl.Boolean),
            "probability": pl.Series([slot.probability for *_, slot in slots], dtype=pl.Float64),
        }
        return make_frame(columns, self.kind)

    def explain(self, row: int, column: int) -> Frame:
        """Why an item stands where it does: each signal's share of its score; rows and columns count from 1.

        Returns
        -------
        frame with columns term, value
            The values add up to the score of the slot.

        Raises
        ------
        InvalidParameterError
            Nothing stands there.
        """
        if row not in range(1, len(self.rows) + 1) or column not in range(1, len(self.rows[row - 1]) + 1):
            message = f"there is no item in row {row!r}, column {column!r} of the page. Hint: both count from 1."
            raise InvalidParameterError(message)
        reasons = self.rows[row - 1].slots[column - 1].reasons
        names, values = [name for name, _ in reasons], [value for _, value in reasons]
        columns = {"term": pl.Series(names, dtype=pl.String), "value": pl.Series(values, dtype=pl.Float64)}
        return make_frame(columns, self.kind)

    def to_html(self, path: str | Path | None = None) -> str:
        """The page as one HTML text that needs nothing else; written to `path` too, if there is one."""
        from foretaste.pages._html import page_html  # noqa: PLC0415  only who looks at a page pays for its looks

        text = page_html(self)
        if path is not None:
            write_whole(path, text.encode())
        return text
