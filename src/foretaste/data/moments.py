"""Times as numbers: days since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl

from foretaste._typing import Float64
from foretaste.data._columns import as_times
from foretaste.exceptions import DataError

SECONDS_A_DAY = 86_400
_MICROSECONDS_A_DAY = SECONDS_A_DAY * 1e6


def days(times: pl.Series, name: str) -> Float64:
    """Dates, datetimes, texts as ISO 8601 has them, or unix seconds as days since 1970; NaN where there is none.

    Raises
    ------
    DataError
        They are something else; `name` says whose they are.
    """
    times = as_times(times)
    if times.dtype in (pl.Date, pl.Datetime):
        exact = times.cast(pl.Datetime("us")) if times.dtype == pl.Date else times
        moments = exact.dt.epoch("us").cast(pl.Float64) / _MICROSECONDS_A_DAY
    elif times.dtype.is_numeric():
        moments = times.cast(pl.Float64) / SECONDS_A_DAY
    elif times.dtype == pl.Null:
        moments = times.cast(pl.Float64)
    else:
        message = f"{name} must hold dates, datetimes or unix seconds, and holds {times.dtype}."
        raise DataError(message)
    return moments.fill_null(np.nan).to_numpy()


def moment(at: Any) -> datetime:  # noqa: ANN401  see Parameters
    """One point in time.

    Parameters
    ----------
    at : datetime, date, str or number
        A text as ISO 8601 has it, ``"1998-04-23"`` or ``"1998-04-23T20:15"``; a number is unix seconds. Without a zone
        it is meant as the times of the data are.

    Raises
    ------
    DataError
        It is none of these.
    """
    try:
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        elif isinstance(at, date) and not isinstance(at, datetime):
            at = datetime(at.year, at.month, at.day)  # noqa: DTZ001  as the data are
        elif isinstance(at, (int, float, np.integer, np.floating)) and not isinstance(at, bool):
            at = datetime.fromtimestamp(float(at), UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError) as error:
        message = f"'at' must be a date, a datetime, an ISO text or unix seconds, got {at!r}."
        raise DataError(message) from error
    if not isinstance(at, datetime):
        message = f"'at' must be a date, a datetime, an ISO text or unix seconds, got {at!r}."
        raise DataError(message)
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


def day_of(at: datetime) -> float:
    """A moment in days since 1970."""
    return (at - datetime(1970, 1, 1)).total_seconds() / SECONDS_A_DAY  # noqa: DTZ001  as the data are
