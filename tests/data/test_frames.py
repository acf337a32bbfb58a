import datetime as dt
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from foretaste.data.frames import frame_column, frame_columns, frame_kind, is_frame, make_frame
from foretaste.exceptions import DataError

COLUMNS = {"user": ["a", "b"], "rating": [1.5, 2.0]}
FRAMES = {"polars": pl.DataFrame(COLUMNS), "pandas": pd.DataFrame(COLUMNS), "pyarrow": pa.table(COLUMNS)}
every_kind = pytest.mark.parametrize("kind", FRAMES)


@every_kind
def test_a_frame_is_known_by_its_library(kind):
    assert is_frame(FRAMES[kind])
    assert frame_kind(FRAMES[kind]) == kind
    assert frame_columns(FRAMES[kind]) == ["user", "rating"]


def test_a_lazy_frame_is_a_frame():
    lazy = FRAMES["polars"].lazy()
    assert is_frame(lazy)
    assert frame_kind(lazy) == "polars"
    assert frame_columns(lazy) == ["user", "rating"]
    assert frame_column(lazy, "user").to_list() == ["a", "b"]


@pytest.mark.parametrize("other", [None, 3, "text", COLUMNS, [1], np.ones((2, 2)), pl.Series([1]), pd.Series([1])])
def test_other_things_are_no_frames(other):
    assert not is_frame(other)


@every_kind
def test_columns_come_out_as_series(kind):
    users, ratings = (frame_column(FRAMES[kind], name) for name in COLUMNS)
    assert isinstance(users, pl.Series)
    assert users.to_list() == ["a", "b"]
    assert ratings.to_list() == [1.5, 2.0]
    assert ratings.dtype == pl.Float64


@every_kind
def test_a_column_that_is_not_there_is_named_with_those_that_are(kind):
    with pytest.raises(DataError) as caught:
        frame_column(FRAMES[kind], "item")
    assert str(caught.value) == (
        "no column 'item' in the frame; it has 'user', 'rating'. "
        "Hint: Interactions.from_frame(frame, user=..., item=..., rating=...) takes other names."
    )


@pytest.mark.parametrize(
    ("series", "values"),
    [
        (pd.Series([1, 2], dtype="Int64"), [1, 2]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series([1.0, np.nan]), [1.0, None]),
        (pd.Series(["a", "b"], dtype=object), ["a", "b"]),
        (pd.Series(["a", None], dtype=object), ["a", None]),
        (pd.Series(["a", "b"], dtype="string[python]"), ["a", "b"]),
        (pd.Series(["b", "a"], dtype="category"), ["b", "a"]),
        (pd.Series([True, False]), [True, False]),
        (pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"])), [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)]),  # noqa: DTZ001
        (pd.Series([uuid.UUID(int=1), uuid.UUID(int=2)]), [uuid.UUID(int=1), uuid.UUID(int=2)]),
        (pd.Series(["a", 1]), ["a", 1]),
        (pd.Series([(1, 2), (1, 3)]), [(1, 2), (1, 3)]),
        (pd.Series([2**70, 1]), [2**70, 1]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)
def test_pandas_columns_of_any_type_keep_their_values(series, values):
    column = frame_column(pd.DataFrame({"x": series}), "x")
    found = [None if value is pd.NA or value != value else value for value in column]  # noqa: PLR0124  NaN
    assert found == values
    assert [isinstance(value, str) for value in found] == [isinstance(value, str) for value in values]


@every_kind
def test_a_frame_is_made_in_the_library_asked_for(kind):
    columns = {
        "user": pl.Series(["a", "b"]),
        "score": np.array([0.5, 1.0]),
        "rank": np.array([1, 2]),
        "term": ["x", "y"],
    }
    made = make_frame(columns, kind)
    assert type(made) is type(FRAMES[kind])
    assert frame_columns(made) == list(columns)
    assert [frame_column(made, name).to_list() for name in columns] == [["a", "b"], [0.5, 1.0], [1, 2], ["x", "y"]]


@every_kind
def test_an_empty_frame_keeps_its_columns(kind):
    made = make_frame({"user": pl.Series([], dtype=pl.String), "rank": np.array([], np.int64)}, kind)
    assert frame_columns(made) == ["user", "rank"]
    assert len(frame_column(made, "user")) == 0
