"""From bytes to columns: encoding, separator and header are found out, and every row is accounted for.

Text columns come out as strings, without any guess at their types. Polars reads whatever is well formed; a file that
is not goes through a slow walk, row by row, which knows the line of each.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TypeVar

import numpy as np
import polars as pl

from foretaste.data._sources import Source
from foretaste.exceptions import DataError

# What a separator may be, the likeliest first; None is a file whose ending says nothing.
_CANDIDATES: dict[str | None, tuple[str, ...]] = {
    "csv": (",", ";", "\t", "|"),
    "tsv": ("\t",),
    "dat": ("::", "\t", ",", ";", "|"),
    None: ("::", "\t", ",", ";", "|"),
}
_QUOTED_SEPARATORS = (",", ";")
_STAND_INS = "\x1f\x1e\x1d\x1c\x01\x02\x03\x04"
_HEAD_BYTES = 1 << 16
_LINES_SNIFFED = 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out; `text` is UTF-8 with a separator of one byte."""

    name: str
    text: bytes
    separator: str
    quoted: bool
    names: tuple[str, ...]
    header: bool
    skip: int
    """Lines before the first row."""


@dataclass(frozen=True)
class Table:
    """Columns, and where their rows stand in the file.

    Attributes
    ----------
    name : str
        What messages call the file.
    frame : polars.DataFrame
        Strings where the file is text.
    header : bool
        Whether the names are the file's own; otherwise they are "column 1", "column 2" and so on.
    ragged : tuple of (line, reason)
        Rows with too many or too few fields; they are not in the frame.
    unit : {"line", "row"}
        What `lines` counts.
    lines : callable
        Gives the line, from 1, of every row of the frame.
    """

    name: str
    frame: pl.DataFrame
    header: bool
    ragged: tuple[tuple[int, str], ...]
    unit: str
    lines: Callable[[], Sequence[int]]


def read_names(source: Source) -> tuple[list[str], bool]:
    """Names of the columns, and whether they are the file's own."""
    if source.format == "parquet":
        return _from_parquet(source, lambda data: list(pl.read_parquet_schema(data))), True
    layout = find_layout(source)
    return list(layout.names), layout.header


def parse(source: Source) -> Table:
    """The columns of a file.

    Raises
    ------
    DataError
        There is no row, or the bytes are neither text nor Parquet.
    """
    if source.format == "parquet":
        frame = _from_parquet(source, pl.read_parquet)
        table = Table(source.name, frame, True, (), "row", lambda: range(1, frame.height + 1))  # noqa: FBT003
    else:
        table = _parse_text(find_layout(source))
    if not (table.frame.height or table.ragged):
        message = f"{source.name} holds a header and no rows."
        raise DataError(message)
    return table


def is_number(field: str) -> bool:
    """Whether a field reads as a finite number."""
    try:
        return math.isfinite(float(field))
    except ValueError:
        return False


def find_layout(source: Source) -> Layout:
    """Encoding, separator and header of a text file.

    A first line without any number in it is taken as the header.
    """
    text = _utf8(source)
    separator = _separator(_head(text), source.format)
    quoted = separator in _QUOTED_SEPARATORS
    if separator == "::":
        # Polars splits at one byte only; one that occurs nowhere takes the place of the two.
        separator = next((byte for byte in _STAND_INS if byte.encode() not in text), "")
        if not separator:
            message = f"{source.name} is not text: it is full of control characters."
            raise DataError(message)
        text = text.replace(b"::", separator.encode())
    if text.endswith(b"\n\n"):
        text = text.rstrip(b"\n") + b"\n"
    first = Layout(source.name, text, separator, quoted, (), header=False, skip=0)
    start, end, fields = next(_records(first, _head(text).decode(errors="replace")), (0, 0, []))
    if not fields:
        message = f"{source.name} is empty."
        raise DataError(message)
    header = not any(map(is_number, fields))
    names = tuple(
        (field.strip() if header else "") or f"column {number}" for number, field in enumerate(fields, start=1)
    )
    if len(set(names)) < len(names):
        repeated = next(name for place, name in enumerate(names) if name in names[:place])
        message = f"{source.name} line {start}: two columns are called {repeated!r}. Hint: give each its own name."
        raise DataError(message)
    return Layout(source.name, text, separator, quoted, names, header, end if header else start - 1)


def _from_parquet(source: Source, read: Callable[[BytesIO], Result]) -> Result:
    try:
        return read(BytesIO(source.data))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        message = f"{source.name} is not a whole Parquet file: {reason}. Hint: copy or write it again."
        raise DataError(message) from error


def _utf8(source: Source) -> bytes:
    """Text in UTF-8.

    UTF-8 and, by their marks, UTF-16 are read as they are. Anything else counts as Latin-1, in which older sets are
    written, unless a byte speaks against that: 0x80 to 0x9f are no letters there, so that their presence means
    another encoding or damage, and guessing would give wrong ids in silence.
    """
    data = source.data.removeprefix(b"\xef\xbb\xbf")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", errors="replace").encode()
    wrong = re.search(rb"\x00", data) if b"\x00" in data else None
    if not wrong and not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            wrong = re.search(rb"[\x80-\x9f]", data)
            data = data.decode("latin-1").encode() if not wrong else data
    if wrong:
        line = data.count(b"\n", 0, wrong.start()) + 1
        message = (
            f"{source.name} line {line}: byte 0x{wrong.group()[0]:02x} belongs to neither UTF-8 nor Latin-1 text. "
            f"Hint: save the file as UTF-8; if it is no text at all, pass format='parquet'."
        )
        raise DataError(message)
    # Everything below counts on "\n".
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _head(text: bytes) -> bytes:
    """The first lines."""
    if len(text) <= _HEAD_BYTES:
        return text
    return text[: text.rfind(b"\n", 0, _HEAD_BYTES) + 1] or text


def _separator(head: bytes, kind: str | None) -> str:
    """The candidate that occurs equally often, and most often, in each of the first lines."""
    plain = re.sub(r'"[^"]*"', "", head.decode(errors="replace"))
    lines = [line for line in plain.split("\n") if line.strip()][:_LINES_SNIFFED] or [""]
    candidates = _CANDIDATES[kind]
    counts = {candidate: [line.count(candidate) for line in lines] for candidate in candidates}
    even = [candidate for candidate in candidates if min(counts[candidate]) == max(counts[candidate]) > 0]
    if "::" in even:
        return "::"
    if even:
        return max(even, key=lambda candidate: counts[candidate][0])
    return next((candidate for candidate in candidates if counts[candidate][0]), candidates[0])


def _parse_text(layout: Layout) -> Table:
    if layout.quoted and not _is_well_quoted(layout):
        _refuse_open_quote(layout)
        return _walk(layout)
    try:
        frame = pl.read_csv(
            layout.text,
            has_header=False,
            skip_lines=layout.skip,
            separator=layout.separator,
            quote_char='"' if layout.quoted else None,
            schema=dict.fromkeys(layout.names, pl.String),
        )
    except pl.exceptions.PolarsError:
        return _walk(layout)
    if not _is_even(frame, layout):
        return _walk(layout)
    first, last = layout.skip + 1, layout.skip + frame.height
    if layout.quoted and b'"' in layout.text:
        return Table(layout.name, frame, layout.header, (), "line", lambda: [line for line, _ in _rows(layout)])
    return Table(layout.name, frame, layout.header, (), "line", lambda: range(first, last + 1))


def _is_well_quoted(layout: Layout) -> bool:
    """Whether every quote belongs to a field that is quoted as a whole; elsewhere polars may drop characters."""
    separator = re.escape(layout.separator.encode())
    field = re.compile(b'"(?<![^%b\n]")[^"]*(?:""[^"]*)*"(?![^%b\n])' % (separator, separator))
    return layout.text.count(b'"') == sum(found.group().count(b'"') for found in field.finditer(layout.text))


def _is_even(frame: pl.DataFrame, layout: Layout) -> bool:
    """Whether no row is short. Polars refuses rows that are too long, but fills short and blank ones with nulls."""
    if frame.width == 1:
        return False  # a blank line and an empty field look the same
    if not frame.to_series(frame.width - 1).null_count():
        return True
    if layout.quoted and b'"' in layout.text:
        return False
    letters = np.frombuffer(layout.text.removesuffix(b"\n") + b"\n", np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    separators = np.flatnonzero(letters == ord(layout.separator))
    a_line = np.diff(np.searchsorted(separators, ends), prepend=0)
    return bool((a_line[layout.skip :] == frame.width - 1).all())


def _walk(layout: Layout) -> Table:
    """Row by row: slow, and at home in every malformed file."""
    width = len(layout.names)
    lines, rows, ragged = [], [], []
    for line, fields in _rows(layout):
        if len(fields) == width + 1 and not fields[-1]:
            fields.pop()  # a separator at the end of the line is harmless, and polars thinks so too
        if len(fields) == width:
            lines.append(line)
            rows.append(fields)
        else:
            count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            ragged.append((line, f"{count} where {width} {'is' if width == 1 else 'are'} expected"))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(layout.names, pl.String), orient="row")
    return Table(layout.name, frame, layout.header, tuple(ragged), "line", lambda: lines)


def _rows(layout: Layout) -> Iterator[tuple[int, list[str]]]:
    for start, end, fields in _records(layout, layout.text.decode()):
        if end > layout.skip:
            yield start, fields


def _records(layout: Layout, text: str) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and fields of every record that is not blank, the header included."""
    if not layout.quoted:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield number, number, line.split(layout.separator)
        return
    reader = csv.reader(StringIO(text, newline="\n"), delimiter=layout.separator)
    start = 1
    try:
        for fields in reader:
            if fields and (len(fields) > 1 or fields[0].strip()):
                yield start, reader.line_num, fields
            start = reader.line_num + 1
    except csv.Error as error:
        message = f"{layout.name} line {start}: {error}. Hint: a quote may be opened there and never closed."
        raise DataError(message) from error


def _refuse_open_quote(layout: Layout) -> None:
    """An open quote swallows the rest of the file without a sound; a lone quote inside a field is harmless."""
    reader = csv.reader(StringIO(layout.text.decode(), newline="\n"), delimiter=layout.separator, strict=True)
    start = 1
    try:
        for _ in reader:
            start = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            message = f"{layout.name} line {start}: a quote is opened there and never closed."
            raise DataError(message) from error
