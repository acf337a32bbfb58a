"""Text to ids, numbers and times: on purpose, column by column, and never half."""

from __future__ import annotations

import numpy as np
import polars as pl

_ISO_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)
_PLAIN_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?$"


def as_ids(column: pl.Series) -> pl.Series:
    """Whole numbers where every id is written as one, else strings; null where an id is missing.

    Types other than text are left to `Vocabulary`, apart from NaN, which means missing too.
    """
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_float():
        return column.fill_nan(None)
    if column.dtype != pl.String:
        return column
    numbers = _whole_numbers(column)
    if numbers is not None:
        return numbers
    stripped = _stripped(column)
    numbers = _whole_numbers(stripped)
    return stripped if numbers is None else numbers


def as_numbers(column: pl.Series) -> pl.Series:
    """Floats; null where a value is missing or no number."""
    numbers = column.cast(pl.Float64, strict=False)
    if column.dtype == pl.String and numbers.null_count():
        numbers = _stripped(column).cast(pl.Float64, strict=False)
    return numbers


def as_times(column: pl.Series) -> pl.Series:
    """Whole numbers, floats, datetimes or dates where every time is written so, else as it is."""
    if column.dtype != pl.String:
        return column
    column = _stripped(column)
    for kind in (pl.Int64, pl.Float64):
        numbers = column.cast(kind, strict=False)
        if numbers.null_count() == column.null_count():
            return numbers
    written = column.drop_nulls().head(1)
    for iso in _ISO_FORMATS:
        if not written.str.to_datetime(iso, strict=False).null_count():
            times = column.str.to_datetime(iso, strict=False)
            return times if times.null_count() == column.null_count() else column
    dates = column.str.to_date("%Y-%m-%d", strict=False)
    return dates if dates.null_count() == column.null_count() else column


def as_plain(column: pl.Series) -> pl.Series:
    """Whole numbers or floats where every value is plainly written as one ("05201" is not), else as it is."""
    if column.dtype != pl.String:
        return column
    column = _stripped(column)
    if column.null_count() == len(column):
        return column
    numbers = _whole_numbers(column)
    if numbers is not None:
        return numbers
    return column.cast(pl.Float64) if column.str.contains(_PLAIN_NUMBER).all() else column


def _stripped(column: pl.Series) -> pl.Series:
    """Without blanks around the text; null where nothing is left."""
    stripped = column.str.strip_chars()
    if not (stripped.str.len_bytes() == 0).any():
        return stripped
    return pl.select(pl.when(stripped != "").then(stripped)).to_series().alias(column.name)


def _whole_numbers(column: pl.Series) -> pl.Series | None:
    """Int64 if every value prints back to the text it came from; None otherwise."""
    numbers = column.cast(pl.Int64, strict=False)
    if numbers.null_count() > column.null_count():
        return None
    # Of all ways to write a whole number the printed one is the shortest, so that equal length means equal text.
    # Adding up lengths takes a tenth of the time that printing would.
    values = numbers.drop_nulls().to_numpy()
    if not values.size:
        return None
    length, limit = values.size + int((values < 0).sum()), 10
    if values.min() == np.iinfo(np.int64).min:
        return None  # has no absolute value; as text it is as good an id
    sizes = np.abs(values)
    while limit <= sizes.max():
        length += int((sizes >= limit).sum())
        limit *= 10
    return numbers if length == column.str.len_bytes().sum() else None
