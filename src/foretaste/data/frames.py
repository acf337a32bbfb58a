"""Data frames in and out, of whatever kind the caller uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl

from foretaste._typing import Frame
from foretaste.exceptions import DataError

DEFAULT_KIND = "polars"

_GAPS = ("NAType", "NaTType")  # pandas's own; pandas need not be installed


def is_frame(data: object) -> bool:
    """Whether `data` is a data frame (polars, pandas, pyarrow, ...), eager or lazy."""
    return nw.dependencies.is_into_dataframe(data) or isinstance(data, pl.LazyFrame)


def frame_kind(frame: Frame) -> str:
    """Name of the library a frame comes from, as `make_frame` takes it."""
    kind: str = nw.from_native(frame).implementation.value
    return kind


def frame_columns(frame: Frame) -> list[str]:
    """Names of a frame's columns."""
    return list(nw.from_native(frame).collect_schema().names())


def frame_column(frame: Frame, name: str) -> pl.Series:
    """One column of any frame as a polars Series.

    Raises
    ------
    DataError
        The frame has no such column.
    """
    wrapped = nw.from_native(frame)
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect()
    if name not in wrapped.columns:
        message = (
            f"no column {name!r} in the frame; it has {', '.join(map(repr, wrapped.columns))}. "
            f"Hint: Interactions.from_frame(frame, user=..., item=..., rating=...) takes other names."
        )
        raise DataError(message)
    column = wrapped[name]
    native = column.to_native()
    if isinstance(native, pl.Series):
        return native
    if column.dtype.is_numeric() and column.null_count() == 0:
        return pl.Series(name, column.to_numpy())
    return plain_series(name, column.to_list())


def plain_series(name: str, values: Iterable[Any]) -> pl.Series:
    """Python objects as a column: of one type where they are, Object where they are mixed; a missing one is null."""
    plain = [None if is_missing(value) else value for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if any(issubclass(kind, (list, tuple, dict, set, np.ndarray, pl.Series)) for kind in kinds):
        return pl.Series(name, plain, dtype=pl.Object)
    if len(kinds) <= 1 or kinds <= {int, float}:
        try:
            return pl.Series(name, plain, dtype=pl.Float64 if len(kinds) > 1 else None)
        except (TypeError, OverflowError):
            pass  # a type polars does not know, or a number beyond 64 bits: an object like any other
    return pl.Series(name, plain, dtype=pl.Object)


def is_missing(value: object) -> bool:
    """Whether a value stands for none: None, NaN, or what pandas writes for a gap."""
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ in _GAPS  # noqa: PLR0124


def make_frame(columns: Mapping[str, Any], kind: str = DEFAULT_KIND) -> Frame:
    """A frame of the wanted kind from columns of equal length (polars Series, arrays or lists)."""
    if kind == "polars":
        return pl.DataFrame(dict(columns))
    plain = {name: _plain(column) for name, column in columns.items()}
    return nw.from_dict(plain, backend=kind).to_native()  # type: ignore[arg-type]  # a name read from a frame itself


def _plain(column: Iterable[Any]) -> Any:  # noqa: ANN401  an array or a list, as the target library likes best
    if isinstance(column, pl.Series):
        return column.to_numpy() if column.dtype.is_numeric() else column.to_list()
    return column if isinstance(column, np.ndarray) else list(column)
