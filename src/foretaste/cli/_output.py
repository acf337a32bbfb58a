"""What the command line prints: tables for people, CSV, JSON or Parquet for programs."""

from __future__ import annotations

import io
import math
import sys
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from foretaste.exceptions import InvalidParameterError
from foretaste.utils.files import write_whole

Format: TypeAlias = Literal["table", "csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "parquet")

_TEXT_WIDTH = 120  # of a table in a file
_UNBOUNDED = 10_000  # wider than any table
_LEAST_TEXT = 12  # of a column of words, below which they are no longer recognised


def console() -> Console:
    """Where results for people go: standard output, without colour or reflow in a pipe."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def notes() -> Console:
    """Where everything else goes, guesses and progress among it: standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def table(frame: pl.DataFrame, title: str | None = None) -> Table:
    """A frame as a table for the eye: numbers to the right, four digits behind the point."""
    drawn = Table(title=title, title_justify="left", title_style="bold")
    for name in frame.columns:
        numeric = frame[name].dtype.is_numeric()
        # Numbers keep their width, on however narrow a screen; words give way, but not until nobody can read them.
        header = name.replace("_", "\n" if numeric else " ")
        drawn.add_column(
            header,
            justify="right" if numeric else "left",
            no_wrap=numeric,
            overflow="fold",
            min_width=_least_width(frame[name]),
        )
    for row in frame.iter_rows():
        drawn.add_row(*(escape(_cell(value)) for value in row))  # a title may hold what rich takes for markup
    return drawn


def fits(frame: pl.DataFrame) -> bool:
    """Whether a frame as a table is no wider than the screen."""
    screen = console()
    unbounded = screen.options.update(width=_UNBOUNDED)
    return screen.measure(table(frame), options=unbounded).minimum <= screen.width


def _least_width(column: pl.Series) -> int | None:
    if column.dtype.is_numeric() or not len(column):
        return None
    return min(_LEAST_TEXT, max(len(_cell(value)) for value in column))


def write(frame: pl.DataFrame, form: Format | None, output: Path | None, title: str | None = None) -> None:
    """Print a frame or write it to a file, in the form asked for: by default what the file's ending says, a table on
    a terminal, CSV in a pipe.

    Raises
    ------
    InvalidParameterError
        Parquet was asked for on a terminal.
    """  # noqa: D205  the default takes a line more
    form = form or _default_form(output)
    if form == "table" and output is None:
        console().print(table(frame, title))
        return
    if form == "parquet" and output is None and sys.stdout.isatty():
        message = "parquet is not for a terminal. Hint: give a file with --output, or pipe it."
        raise InvalidParameterError(message)
    content = _content(frame, form, title)
    if output is not None:
        write_whole(output, content)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _content(frame: pl.DataFrame, form: Format, title: str | None) -> bytes:
    if form == "csv":
        return frame.write_csv().encode()
    if form == "json":
        return (frame.write_json() + "\n").encode()
    if form == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    text = io.StringIO()
    Console(file=text, highlight=False, width=_TEXT_WIDTH).print(table(frame, title))
    return text.getvalue().encode()


def _default_form(output: Path | None) -> Format:
    if output is not None:
        ending = output.suffix.lstrip(".").lower()
        return next((form for form in FORMATS if form == ending), "csv")
    return "table" if sys.stdout.isatty() else "csv"


def _cell(value: Any) -> str:  # noqa: ANN401  whatever a frame holds
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{value:.0e}"  # noqa: PLR2004
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, date) else str(value)
