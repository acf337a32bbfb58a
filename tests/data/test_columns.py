from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data._columns import as_ids, as_numbers, as_times

MORNING = datetime(2010, 12, 1, 8, 26)  # noqa: DTZ001  files seldom name a time zone


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (["1", "2", "10"], "int"),
        (["-1", "0", "9223372036854775807"], "int"),
        ([" 1", "2 "], "int"),
        (["007", "1"], "str"),
        (["+1", "1"], "str"),
        (["-0", "1"], "str"),
        (["1.0", "2"], "str"),
        (["9223372036854775808", "1"], "str"),
        (["-9223372036854775808", "1"], "str"),
        (["1", "x"], "str"),
    ],
)
def test_ids_are_whole_numbers_only_if_all_are_written_as_such(written, kind):
    ids = as_ids(pl.Series(written))
    assert ids.dtype == {"int": pl.Int64, "str": pl.String}[kind]
    assert [str(value) for value in ids] == [value.strip() for value in written]


@given(st.lists(st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(["007", "+5", "-0", "1e3", " 4"])))
def test_whole_numbers_print_back_to_their_text(written):
    ids = as_ids(pl.Series(written, dtype=pl.String))
    assert [str(value) for value in ids] == [value.strip() for value in written]
    if ids.dtype == pl.String and written:
        plain = [value.strip() for value in written]
        assert any(value in ("007", "+5", "-0", "1e3", str(-(2**63))) for value in plain)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["3", "20"], [3, 20]),
        (["1.5", "2"], [1.5, 2.0]),
        (["3", ""], [3, None]),
        (["2010-12-01 08:26:00", "2010-12-01 08:26:00.5"], [MORNING, MORNING.replace(microsecond=500_000)]),
        (["2010-12-01T08:26"], [MORNING]),
        (["2010-12-01T08:26:00Z", "2010-12-01T09:26:00+01:00"], [MORNING.replace(tzinfo=UTC)] * 2),
        (["2010-12-01", "2010-12-02"], [date(2010, 12, 1), date(2010, 12, 2)]),
        (["01/12/2010", "02/12/2010"], ["01/12/2010", "02/12/2010"]),
        (["2010-12-01", "later"], ["2010-12-01", "later"]),
    ],
)
def test_times(written, expected):
    assert as_times(pl.Series(written)).to_list() == expected


def test_numbers_are_null_where_there_is_none():
    assert as_numbers(pl.Series(["1.5", " 2 ", "five", "", None])).to_list() == [1.5, 2.0, None, None, None]


def test_missing_ids_are_null():
    assert as_ids(pl.Series(["1", None, " "])).to_list() == [1, None, None]
    assert as_ids(pl.Series([1.0, float("nan")])).to_list() == [1.0, None]
