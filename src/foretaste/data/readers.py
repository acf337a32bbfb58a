"""Files of ratings, plays or purchases: found out, read, checked row by row."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl

from foretaste._typing import DuplicatePolicy
from foretaste.data._columns import as_ids, as_numbers, as_plain, as_times
from foretaste.data._sources import Format, read_source
from foretaste.data._tables import Table, parse, read_names
from foretaste.data.interactions import Interactions
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError

ErrorPolicy: TypeAlias = Literal["raise", "skip"]

# Names of columns, in lower case and without anything but letters; the first that a file has is taken.
_ALIASES: dict[str, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "uid", "customer", "customerid", "member", "memberid", "listener", "reader"),
        *("reviewer", "reviewerid", "visitor", "visitorid"),
    ),
    "item": (
        *("item", "itemid", "iid", "movie", "movieid", "film", "product", "productid", "artist", "artistid"),
        *("album", "albumid", "track", "trackid", "song", "songid", "book", "bookid", "isbn", "asin"),
        *("article", "articleid", "stockcode", "sku"),
    ),
    "rating": ("rating", "ratings", "score", "stars", "bookrating"),
    "time": ("time", "timestamp", "date", "datetime", "unixtime", "unixreviewtime", "invoicedate", "createdat"),
    "weight": ("weight", "count", "playcount", "plays", "listens", "quantity"),
}
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Columns:
    """Which column of a file is what; None where there is none.

    The columns of a file without a header are called "column 1", "column 2" and so on.
    """

    user: str
    item: str
    rating: str | None = None
    time: str | None = None
    weight: str | None = None


def read_interactions(  # noqa: PLR0913  one argument a column, and the policies
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    format: Format | None = None,  # noqa: A002  the word for it
    scale: tuple[float, float] | None = None,
    duplicates: DuplicatePolicy = "error",
    on_error: ErrorPolicy = "raise",
) -> Interactions:
    """Ratings, plays or purchases from a file, one row each.

    CSV (also with ``;``), TSV, ``::``-separated text (``.dat``) and Parquet are read, also inside ``.gz`` or a ``.zip``
    that holds one table. The ending decides, and the content where the ending is unknown. Text is UTF-8, UTF-16 or
    Latin-1. Quotes are understood between commas and semicolons; elsewhere a quote is a character like any other.

    Ids become whole numbers where every one is written as such, and strings otherwise: "007" keeps its zeros, and
    makes strings of its whole column. Blanks around a field do not count. Times become whole numbers, floats or
    datetimes (ISO 8601), in this order, and stay strings where neither fits; a missing time is null.

    Parameters
    ----------
    path : str or Path
    user, item, rating, time, weight : str, optional
        Names of columns. Those not given are guessed as `guess_columns` does.
    format : {"csv", "tsv", "dat", "parquet"}, optional
        What the file is, whatever its ending says.
    scale : (lowest, highest), optional
        Possible ratings; a rating outside makes a bad row. By default what the data hold.
    duplicates : {"error", "last", "mean", "keep"}
        What to do with a pair of user and item that occurs more than once, as in `Interactions.from_arrays`.
    on_error : {"raise", "skip"}
        What to do with bad rows: an id or a number is missing, a word stands for a number, a number is not finite, a
        rating is outside the scale, or the row has too many or too few fields. Refuse the file, or leave them out and
        give one `DataWarning` with their number.

    Raises
    ------
    DataError
        The file cannot be used; the message names the file, the line, the value and what to do.
    InvalidParameterError
        An unknown format or policy.
    """
    if on_error not in ("raise", "skip"):
        message = f"'on_error' must be 'raise' or 'skip', got {on_error!r}."
        raise InvalidParameterError(message)
    table = parse(read_source(path, format))
    columns = _choose(table.name, table.frame.columns, table.header, [user, item, rating, time, weight])
    return table_interactions(table, columns, scale=scale, duplicates=duplicates, on_error=on_error)


def guess_columns(
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    format: Format | None = None,  # noqa: A002  the word for it
) -> Columns:
    """Which columns `read_interactions` takes with the same arguments.

    A first line without any number is a header, and columns are found in it by their usual names, in upper or lower
    case: user, userId, customer_id; item, movieId, product; rating, score, stars; time, timestamp, date; weight,
    count, plays and the like. In a file without a header the order is user, item, rating, time.

    Raises
    ------
    DataError
        The file cannot be used, has no such column, or none that looks like users or items.
    """
    source = read_source(path, format)
    names, header = read_names(source)
    return _choose(source.name, names, header, [user, item, rating, time, weight])


def read_table(path: str | Path, *, format: Format | None = None) -> pl.DataFrame:  # noqa: A002  the word for it
    """Any table as a frame: pairs to predict, titles of items.

    A column becomes whole numbers or floats where every value is plainly written as one, and stays text otherwise.
    Formats and errors are those of `read_interactions`.
    """
    table = parse(read_source(path, format))
    if table.ragged:
        line, reason = table.ragged[0]
        message = f"{table.name} {table.unit} {line}: {reason} ({len(table.ragged)} such rows)."
        raise DataError(message)
    return table.frame.select(as_plain(column) for column in table.frame)


def table_interactions(
    table: Table,
    columns: Columns,
    *,
    scale: tuple[float, float] | None = None,
    duplicates: DuplicatePolicy = "error",
    on_error: ErrorPolicy = "raise",
) -> Interactions:
    """The rows of a table, checked and converted."""
    chosen = {role: table.frame[name] for role, name in asdict(columns).items() if name is not None}
    ids = {role: as_ids(chosen[role]) for role in ("user", "item")}
    numbers = {role: as_numbers(chosen[role]) for role in ("rating", "weight") if role in chosen}
    # Ends of a scale that are not in order are refused below; they must not make every row a bad one here.
    bounds = scale if scale is not None and scale[0] < scale[1] else None
    wrong = {role: column.is_null() for role, column in ids.items()}
    wrong |= {role: _wrong_numbers(column, bounds if role == "rating" else None) for role, column in numbers.items()}
    bad = np.logical_or.reduce([mask.to_numpy() for mask in wrong.values()])
    if bad.any() or table.ragged:
        _report(table, chosen, wrong, bad, scale, on_error)
        good = pl.Series(~bad)
        # A word among the ids of a bad row must not make strings of the rest.
        ids = {role: as_ids(chosen[role].filter(good)) for role in ids}
        numbers = {role: column.filter(good) for role, column in numbers.items()}
        chosen = {role: column.filter(good) for role, column in chosen.items()}
    try:
        return Interactions.from_arrays(
            ids["user"],
            ids["item"],
            numbers.get("rating"),
            times=as_times(chosen["time"]) if "time" in chosen else None,
            weights=numbers.get("weight"),
            scale=scale,
            duplicates=duplicates,
        )
    except InvalidParameterError:
        raise
    except DataError as error:
        message = f"{table.name}: {error}"
        raise DataError(message) from error


def _choose(name: str, present: Sequence[str], header: bool, wanted: list[str | None]) -> Columns:  # noqa: FBT001
    """The caller's choice of columns, and a guess at those left open."""
    listed = ", ".join(map(repr, present))
    for column in wanted:
        if column is not None and column not in present:
            called = "the columns are" if header else "the first line gives no names, so that the columns are called"
            message = f"{name}: no column {column!r}; {called} {listed}."
            raise DataError(message)
    roles = dict(zip(_ALIASES, wanted, strict=True))
    free = [column for column in present if column not in wanted]
    if header:
        plain = {re.sub("[^a-z]", "", column.lower()): column for column in reversed(free)}
        guesses = {role: next((plain[a] for a in aliases if a in plain), None) for role, aliases in _ALIASES.items()}
    else:
        open_roles = [role for role in ("user", "item", "rating", "time") if roles[role] is None]
        guesses = dict(zip(open_roles, free, strict=False))
    roles = {role: guesses.get(role) if column is None else column for role, column in roles.items()}
    for role in ("user", "item"):
        if roles[role] is None:
            message = (
                f"{name}: no column looks like {role}s; the columns are {listed}. "
                f"Hint: name it with {role}=... (--{role}-column on the command line)."
            )
            raise DataError(message)
    return Columns(**roles)  # type: ignore[arg-type]  # user and item are not None here


def _wrong_numbers(column: pl.Series, scale: tuple[float, float] | None) -> pl.Series:
    # NaN is neither above nor below anything, hence the question whether all is well, and its negation.
    well = column.is_finite() & (column.abs() <= _LARGEST)
    if scale is not None:
        well &= (column >= scale[0]) & (column <= scale[1])
    return ~well.fill_null(value=False)


def _report(
    table: Table,
    chosen: dict[str, pl.Series],
    wrong: dict[str, pl.Series],
    bad: np.ndarray[Any, np.dtype[np.bool_]],
    scale: tuple[float, float] | None,
    on_error: ErrorPolicy,
) -> None:
    """Raise or warn, with the first bad row as the example."""
    first = list(table.ragged[:1])
    if bad.any():
        row = int(bad.argmax())
        role = next(role for role, mask in wrong.items() if mask[row])
        first.append((table.lines()[row], _reason(role, chosen[role][row], scale)))
    line, reason = min(first)
    count, total = int(bad.sum()) + len(table.ragged), bad.size + len(table.ragged)
    where = f"{table.name} {table.unit} {line}: {reason}."
    if count == total:
        message = f"{where} Hint: all {total} rows are bad; is this the right column, and the right file?"
        raise DataError(message)
    if on_error == "raise":
        share = f"{count} of {total} rows {'is' if count == 1 else 'are'} bad"
        message = f'{where} Hint: {share}; pass on_error="skip" to drop and count them.'
        raise DataError(message)
    message = f"{count} of {total} rows were left out; the first: {where}"
    warnings.warn(message, DataWarning, stacklevel=4)


def _reason(role: str, value: Any, scale: tuple[float, float] | None) -> str:  # noqa: ANN401  anything a file may hold
    if role in ("user", "item"):
        return f"the {role} id is missing"
    if value is None or value != value or not str(value).strip():  # noqa: PLR0124  NaN alone differs from itself
        return f"the {role} is missing"
    fault = "is not a number"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return f"{role} {value!r} {fault}"
    if not np.isfinite(number):
        fault = "is not a finite number"
    elif abs(number) > _LARGEST:
        fault = f"is beyond the range of float32, {_LARGEST:.2g}"
    elif scale is not None and not scale[0] <= number <= scale[1]:
        fault = f"is outside the scale {scale[0]:g} to {scale[1]:g}"
    return f"{role} {value!r} {fault}"
