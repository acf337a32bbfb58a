import copy
import datetime as dt
import pickle
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste import Vocabulary
from foretaste.data.vocabulary import as_column
from foretaste.exceptions import DataError

IDS = (
    st.lists(st.integers(-10, 10))
    | st.lists(st.integers(-(2**63), 2**63 - 1))
    | st.lists(st.text(max_size=3))
    | st.lists(st.integers(-(2**70), 2**70))
    | st.lists(st.tuples(st.integers(0, 2), st.text(max_size=1)))
    | st.lists(st.uuids() | st.text(max_size=1) | st.integers(0, 3))
)


# Building, encoding, decoding --------------------------------------------------------------------------------------


@given(IDS)
def test_codes_count_from_zero_in_order_of_first_appearance(values):
    vocabulary, codes = Vocabulary.build(values)
    expected_ids, expected_codes = naive.number(values)
    assert list(vocabulary) == expected_ids
    assert codes.tolist() == expected_codes
    assert codes.dtype == np.int32
    assert len(vocabulary) == len(expected_ids)


@given(IDS, IDS)
def test_encode_finds_what_is_known_and_gives_minus_one_else(known, wanted):
    vocabulary, _ = Vocabulary.build(known)
    ids = list(vocabulary)
    expected = [ids.index(value) if value in ids else -1 for value in wanted]
    assert vocabulary.encode(wanted).tolist() == expected
    assert [vocabulary.encode_one(value) for value in wanted] == expected
    assert [value in vocabulary for value in wanted] == [code >= 0 for code in expected]
    assert Vocabulary(ids).encode(wanted).tolist() == expected, "built from its ids alone it must be the same"


@given(st.lists(st.sampled_from("abcdefgh"), max_size=12))
def test_strings_are_found_alike_few_at_a_time_and_many(wanted):
    vocabulary = Vocabulary("cadb")
    expected = ["cadb".find(value) for value in wanted]
    assert vocabulary.encode(wanted).tolist() == expected
    many = [*wanted, *["d"] * 100]
    assert vocabulary.encode(many).tolist() == [*expected, *[2] * 100]


@given(IDS)
def test_decode_undoes_encode(values):
    vocabulary, codes = Vocabulary.build(values)
    assert vocabulary.decode(codes).to_list() == values
    assert [vocabulary.decode_one(int(code)) for code in codes] == values


@pytest.mark.parametrize("far", [10**7, 10**15, 2**62])
def test_integers_far_apart_are_looked_up_like_close_ones(far):
    vocabulary, codes = Vocabulary.build([far, -far, 0, far])
    assert codes.tolist() == [0, 1, 2, 0]
    assert vocabulary.encode([0, 1, -far, far - 1]).tolist() == [2, -1, 1, -1]


def test_the_ends_of_the_range_of_integers_are_ids_like_any_other():
    ends = [-(2**63), 2**63 - 1, 0]
    vocabulary, codes = Vocabulary.build(ends)
    assert codes.tolist() == [0, 1, 2]
    assert vocabulary.encode([*reversed(ends), 1]).tolist() == [2, 1, 0, -1]


@pytest.mark.parametrize("ends", [[2**63 - 1, 2**63 - 2], [-(2**63), 1 - 2**63]], ids=["highest", "lowest"])
def test_ids_close_together_at_an_end_of_the_range_of_integers_are_found(ends):
    vocabulary, codes = Vocabulary.build(ends)
    assert codes.tolist() == [0, 1]
    for found in (vocabulary, Vocabulary(ends)):
        assert found.encode([*ends, 0, -ends[1], 5]).tolist() == [0, 1, -1, -1, -1]


@pytest.mark.parametrize("values", [["a", "b"], [1, 2], [10**15, 1], [(1,), (2,)]], ids=str)
def test_codes_can_be_written_to(values):
    # else kernels would be compiled for arrays of two kinds
    vocabulary, codes = Vocabulary.build(values)
    assert codes.flags.writeable
    assert vocabulary.encode(values[:1]).flags.writeable


def test_strings_are_compared_exactly():
    values = ["a", "A", "a ", "", "ä", "a\u0308", "1"]
    assert Vocabulary.build(values)[1].tolist() == list(range(7))
    assert Vocabulary(values).encode([1, "1"]).tolist() == [-1, 6]


# Where ids come from -----------------------------------------------------------------------------------------------

WHOLE = [3, 1, 2]


@pytest.mark.parametrize(
    "values",
    [
        WHOLE,
        tuple(WHOLE),
        iter(WHOLE),
        np.array(WHOLE, np.int8),
        np.array(WHOLE, np.uint64),
        np.array(WHOLE, np.float32),
        np.array(WHOLE, object),
        [np.int32(value) for value in WHOLE],
        [np.int64(3), 1, np.uint8(2)],
        pl.Series(WHOLE),
        pl.Series(WHOLE, dtype=pl.UInt16),
        pl.Series([3.0, 1.0, 2.0]),
        pl.Series(WHOLE, dtype=pl.Decimal(10, 0)),
    ],
    ids=lambda values: f"{type(values).__name__} {getattr(values, 'dtype', '')}",
)
def test_whole_numbers_of_any_make_are_integers(values):
    column = as_column(values)
    assert column.dtype == pl.Int64
    assert column.to_list() == WHOLE


@pytest.mark.parametrize(
    "values",
    [
        ["x", "y"],
        np.array(["x", "y"]),
        np.array(["x", "y"], object),
        [np.str_("x"), "y"],
        pl.Series(["x", "y"]),
        pl.Series(["x", "y"], dtype=pl.Categorical),
        pl.Series(["x", "y"], dtype=pl.Enum(["y", "x"])),
    ],
    ids=lambda values: f"{type(values).__name__} {getattr(values, 'dtype', '')}",
)
def test_strings_of_any_make_are_strings(values):
    vocabulary, codes = Vocabulary.build(values)
    assert list(vocabulary) == ["x", "y"]
    assert [type(value) for value in vocabulary] == [str, str]
    assert codes.tolist() == [0, 1]
    assert vocabulary.kind == "str"
    assert Vocabulary(["x", "y"]).encode(values).tolist() == [0, 1]


def test_floats_that_are_no_whole_numbers_stay_floats():
    vocabulary, codes = Vocabulary.build(np.array([0.5, 2.0, 0.5]))
    assert list(vocabulary) == [0.5, 2.0]
    assert codes.tolist() == [0, 1, 0]
    assert vocabulary.kind == "float"


def test_whole_numbers_as_floats_find_the_integers_they_stand_for():
    assert Vocabulary([1, 2]).encode([2.0, 1.0, 1.5]).tolist() == [1, 0, -1]
    assert Vocabulary([1, 2]).encode(np.array([2.0, 3.0])).tolist() == [1, -1]
    assert Vocabulary([1, 2]).encode_one(2.0) == 1


def test_numbers_beyond_64_bits_are_ids_too():
    huge = [2**64, -(2**70), 5]
    vocabulary, codes = Vocabulary.build(huge)
    assert list(vocabulary) == huge
    assert codes.tolist() == [0, 1, 2]
    assert vocabulary.kind == "int"
    unsigned = pl.Series([2**63, 2**64 - 1], dtype=pl.UInt64)
    assert list(Vocabulary.build(unsigned)[0]) == [2**63, 2**64 - 1]
    assert Vocabulary([1, 2]).encode([2**70]).tolist() == [-1]


@pytest.mark.parametrize(
    "values",
    [
        [True, False],
        [uuid.UUID(int=1), uuid.UUID(int=2)],
        [dt.date(2024, 1, 1), dt.date(2024, 1, 2)],
        [dt.datetime(2024, 1, 1, 1), dt.datetime(2024, 1, 1, 2)],  # noqa: DTZ001
        [(1, 2), (1, 3)],
        [b"x", b"y"],
        [Decimal("0.1"), Decimal("0.2")],
        [frozenset({1}), frozenset({2})],
    ],
    ids=lambda values: type(values[0]).__name__,
)
def test_any_other_hashable_is_kept_as_it_is(values):
    vocabulary, codes = Vocabulary.build([*values, values[0]])
    assert list(vocabulary) == values
    assert codes.tolist() == [0, 1, 0]
    assert vocabulary.kind == type(values[0]).__name__
    assert vocabulary.encode(["x", values[1]]).tolist() == [-1, 1]


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([True, False]),
        pl.Series([dt.date(2024, 1, 1), dt.date(2024, 1, 2)]),
        pl.Series([dt.timedelta(1), dt.timedelta(2)]),
        pl.Series([b"x", b"y"]),
        pl.Series([[1, 2], [1, 3]]),
        pl.Series([{"a": 1}, {"a": 2}]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_columns_of_other_types_are_ids_or_refused_with_a_reason(series):
    try:
        vocabulary, codes = Vocabulary.build(series)
    except DataError as error:
        assert "hashable" in str(error)  # noqa: PT017  either is fine, a crash is not
        return
    assert codes.tolist() == [0, 1]
    assert vocabulary.encode(series).tolist() == [0, 1]


def test_ids_of_mixed_kinds_live_side_by_side():
    vocabulary, codes = Vocabulary.build(["1", 1, (1,), "1"])
    assert codes.tolist() == [0, 1, 2, 0]
    assert vocabulary.kind == "int or str or tuple"
    assert vocabulary.encode([1, "1"]).tolist() == [1, 0]
    assert vocabulary.encode(np.array([1])).tolist() == [1]
    assert vocabulary.encode(pl.Series(["1"])).tolist() == [0]


def test_pandas_columns_serve_as_they_are():
    assert list(Vocabulary.build(pd.Series([1, 2]))[0]) == [1, 2]
    assert list(Vocabulary.build(pd.Series(["x", "y"]))[0]) == ["x", "y"]
    assert list(Vocabulary.build(pd.Series(["x", "y"], dtype="category"))[0]) == ["x", "y"]


# What cannot be an id ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (["a", None], 1),
        ([None, 1], 0),
        ([1.5, float("nan")], 1),
        (np.array([1.0, np.nan]), 1),
        (pl.Series(["a", None]), 1),
        (pl.Series([None, 3]), 0),
        (pl.Series([1.0, float("nan")]), 1),
        (np.array(["2024-01-01", "NaT"], "datetime64[us]"), 1),
    ],
    ids=str,
)
def test_a_missing_id_is_named_by_its_row(values, row):
    with pytest.raises(DataError) as caught:
        Vocabulary.build(values)
    assert str(caught.value) == f"an id is missing in row {row} (1 in all). Hint: drop such rows first."


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, np.array([1])], ids=repr)
def test_what_cannot_be_hashed_cannot_be_an_id(value):
    message = f"an id must be hashable, got {type(value).__name__}:"
    with pytest.raises(DataError, match=message):
        Vocabulary.build(["a", value])
    with pytest.raises(DataError, match=r"^an id must be hashable"):
        Vocabulary(["a"]).encode_one(value)


# The rest ----------------------------------------------------------------------------------------------------------


def test_no_ids_at_all():
    vocabulary, codes = Vocabulary.build([])
    assert len(vocabulary) == 0
    assert codes.tolist() == []
    assert vocabulary.encode(["a"]).tolist() == [-1]
    assert Vocabulary(["a"]).encode([]).tolist() == []
    assert Vocabulary([1]).encode([]).tolist() == []


def test_repr_shows_the_first_ids():
    assert repr(Vocabulary(["a"])) == "Vocabulary(1 str ids: 'a')"
    assert repr(Vocabulary([1, 2, 3, 4])) == "Vocabulary(4 int ids: 1, 2, 3, ...)"


@given(IDS)
def test_what_is_written_to_arrays_is_read_back(values):
    vocabulary, _ = Vocabulary.build(values)
    found = Vocabulary.from_arrays(vocabulary.to_arrays())
    assert list(found) == list(vocabulary)
    assert found.encode(values).tolist() == vocabulary.encode(values).tolist()


def kept(vocabulary):
    """Bytes of what a vocabulary holds beside its ids."""
    table = vars(vocabulary).get("_table")
    return table[1].nbytes if table else 0


def test_no_table_is_kept_that_is_long_for_the_number_of_ids():
    rows = np.tile([0, 2_000_000], 200_000)  # few enough numbers apart for so many rows, too many for two ids
    vocabulary, codes = Vocabulary.build(rows)
    assert codes[:3].tolist() == [0, 1, 0]
    assert kept(vocabulary) == 0
    assert vocabulary.encode([2_000_000, 0, 1]).tolist() == [1, 0, -1]
    assert kept(vocabulary) == 0
    close, _ = Vocabulary.build([5, 7])
    assert 0 < kept(close) <= 4_000_000, "where it is short it is kept"


@pytest.mark.parametrize("values", [[3, 500_000], ["x", "y"], [uuid.UUID(int=1), uuid.UUID(int=2)], [1, "1"]], ids=str)
def test_pickled_and_copied_it_is_the_same_without_what_lookups_made_of_it(values):
    vocabulary, _ = Vocabulary.build(values)
    assert vocabulary.encode_one(values[1]) == 1
    written = pickle.dumps(vocabulary)
    assert len(written) < 5_000
    for found in (pickle.loads(written), copy.copy(vocabulary), copy.deepcopy(vocabulary)):  # noqa: S301  our own
        assert list(found) == values
        assert found.kind == vocabulary.kind
        assert found.encode(values[::-1]).tolist() == [1, 0]


def test_what_cannot_be_written_says_so():
    with pytest.raises(DataError, match=r"^ids of type frozenset cannot be written to a file, e\.g\. frozenset"):
        Vocabulary([frozenset({1})]).to_arrays()
