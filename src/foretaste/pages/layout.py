"""`Layout`: how a page is to be made, whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from foretaste.exceptions import InvalidParameterError
from foretaste.pages.rows import RowKind
from foretaste.pages.rules import Rule
from foretaste.pages.stage import Settings
from foretaste.utils.validation import Constraint, Float, Int, OneOf, check_parameters


@dataclass(frozen=True, kw_only=True)
class Layout:
    r"""Rows that may be shown, rules, and how rows are chosen.

    Parameters
    ----------
    row : tuple of RowKind
        What may be on the page.
    rule : tuple of Rule
        What the owner wants of some items.
    title : str
    rows, columns : int
        The size of the page.
    seen : {"hide", "discount", "allow"}
        What happens to items that the visitor has had: they are left out, come back as their last event ages (their
        score is multiplied by :math:`1 - 2^{-a / h}`, h the half-life of the history), or are treated like any other.
    patience_down, patience_right : float
        With what probability somebody who looks at one row, or one slot, looks at the next.
    alike : float
        What it costs a row to be like one above it: so much times the cosine of their centres, as a share of its gain.
    again : float
        What each row of the same kind above costs, as a share of the gain.
    signals : Settings
    """

    row: tuple[RowKind, ...]
    rule: tuple[Rule, ...] = ()
    title: str = ""
    rows: int = 8
    columns: int = 12
    seen: Literal["hide", "discount", "allow"] = "hide"
    patience_down: float = 0.9
    patience_right: float = 0.9
    alike: float = 0.3
    again: float = 0.1
    signals: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        constraints: dict[str, Constraint] = {
            "rows": Int(1),
            "columns": Int(1),
            "seen": OneOf(("hide", "discount", "allow")),
            "patience_down": Float(0, 1),
            "patience_right": Float(0, 1),
            "alike": Float(0, 1),
            "again": Float(0, 1),
        }
        for name, kind, example in (("row", RowKind, "Top()"), ("rule", Rule, "Rule(name='a', where='true')")):
            parts = getattr(self, name)
            if not isinstance(parts, (tuple, list)) or not all(isinstance(part, kind) for part in parts):
                message = f"{name!r} of a page must be a tuple, as in Layout({name}=({example},)), got {parts!r}."
                raise InvalidParameterError(message)
        check_parameters("a page", {name: getattr(self, name) for name in constraints}, constraints)
        if not self.row:
            message = "a page needs at least one row, as in Layout(row=(Top(),))."
            raise InvalidParameterError(message)

    @classmethod
    def from_toml(cls, source: str | Path, page: str | None = None) -> Layout:
        """A layout from a file: the same words as here.

        Parameters
        ----------
        source : str or Path
            A TOML file, or a ready-made layout: "streaming", "shop" or "music". A file of that name goes first.
        page : str, optional
            Which page of the file, where it has several: "home" is that of ``[page.home]``.

        Raises
        ------
        DataError
            There is no such file, or it is no TOML.
        InvalidParameterError
            What it says is no layout; the message names file, line, key and the nearest word that would be.
        """
        from foretaste.pages.config import read_layout  # noqa: PLC0415  it makes layouts, and so knows this class

        return read_layout(source, page)
