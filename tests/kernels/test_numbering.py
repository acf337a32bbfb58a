import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.numbering import look_up_integers, number_integers


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=20))
def test_number_integers_equals_its_twin_and_fills_the_table(values):
    lowest, table = min(values), np.full(max(values) - min(values) + 1, -1, np.int32)
    ids, codes = number_integers(np.array(values, np.int64), table, lowest)
    expected_ids, expected_codes = naive.number(values)
    assert ids.tolist() == expected_ids
    assert codes.tolist() == expected_codes
    filled = {lowest + place: code for place, code in enumerate(table.tolist()) if code >= 0}
    assert filled == {value: code for code, value in enumerate(expected_ids)}


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=10), st.lists(st.integers(-30, 30), max_size=20))
def test_look_up_integers_finds_what_was_numbered_and_gives_minus_one_else(values, wanted):
    lowest, table = min(values), np.full(max(values) - min(values) + 1, -1, np.int32)
    number_integers(np.array(values, np.int64), table, lowest)
    distinct, _ = naive.number(values)
    expected = [distinct.index(value) if value in distinct else -1 for value in wanted]
    assert look_up_integers(np.array(wanted, np.int64), table, lowest).tolist() == expected


def test_look_up_integers_at_the_ends_of_the_range_of_integers():
    ends = np.array([np.iinfo(np.int64).min, -1, 0, 1, np.iinfo(np.int64).max])
    assert look_up_integers(ends, np.zeros(1, np.int32), 0).tolist() == [-1, -1, 0, -1, -1]
