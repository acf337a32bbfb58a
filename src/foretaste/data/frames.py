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
    return pl.Series(name, column.to_list(), strict=False)


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
