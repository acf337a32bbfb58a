import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.numbering import look_up_integers, number_integers


def numbered(values, cut=0):
    """Ids, codes, table and its lowest value; the values up to `cut` first, then the rest."""
    lowest, table = min(values), np.full(max(values) - min(values) + 1, -1, np.int32)
    column, ids, codes = np.array(values, np.int64), np.zeros(len(values), np.int64), np.zeros(len(values), np.int32)
    n_ids = number_integers(column[:cut], table, lowest, ids, 0, codes[:cut])
    n_ids = number_integers(column[cut:], table, lowest, ids, n_ids, codes[cut:])
    return ids[:n_ids].tolist(), codes.tolist(), table, lowest


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=20), st.integers(0, 20))
def test_number_integers_in_two_pieces_equals_its_twin_and_fills_the_table(values, cut):
    ids, codes, table, lowest = numbered(values, cut)
    expected_ids, expected_codes = naive.number(values)
    assert ids == expected_ids
    assert codes == expected_codes
    filled = {lowest + place: code for place, code in enumerate(table.tolist()) if code >= 0}
    assert filled == {value: code for code, value in enumerate(expected_ids)}


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=10), st.lists(st.integers(-30, 30), max_size=20))
def test_look_up_integers_finds_what_was_numbered_and_gives_minus_one_else(values, wanted):
    distinct, _, table, lowest = numbered(values)
    expected = [distinct.index(value) if value in distinct else -1 for value in wanted]
    assert look_up_integers(np.array(wanted, np.int64), table, lowest).tolist() == expected


def test_look_up_integers_at_the_ends_of_the_range_of_integers():
    ends = np.array([np.iinfo(np.int64).min, -1, 0, 1, np.iinfo(np.int64).max])
    assert look_up_integers(ends, np.zeros(1, np.int32), 0).tolist() == [-1, -1, 0, -1, -1]


def test_look_up_integers_in_tables_at_the_ends_of_the_range_of_integers():
    info = np.iinfo(np.int64)
    values = np.array([info.min, info.min + 1, info.min + 2, 0, info.max - 2, info.max - 1, info.max])
    table = np.array([5, 7], np.int32)
    assert look_up_integers(values, table, int(info.max) - 1).tolist() == [-1, -1, -1, -1, -1, 5, 7]
    assert look_up_integers(values, table, int(info.min)).tolist() == [5, 7, -1, -1, -1, -1, -1]
