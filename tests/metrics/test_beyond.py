"""Each metric against its twin and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import naive
from foretaste.data.interactions import SparseRows
from foretaste.metrics import beyond

N = 6
item = st.integers(0, N - 1)
lists = st.lists(st.lists(item, unique=True, max_size=4), min_size=1, max_size=4)
users = st.lists(
    st.tuples(st.lists(item, unique=True, max_size=4), st.lists(item, unique=True)), min_size=1, max_size=4
)
shares = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), min_size=N, max_size=N)
table = st.lists(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0]), min_size=3, max_size=3), min_size=N, max_size=N)


def codes(lists, k=4):
    return np.array([(listed + [-1] * k)[:k] for listed in lists], np.int32)


def rows(lists):
    return SparseRows(*naive.arrays([[(item, 1.0) for item in each] for each in lists]))


@given(lists)
def test_coverage_and_gini_equal_their_twins(lists):
    assert beyond.coverage(codes(lists), N) == pytest.approx(naive.coverage(lists, N))
    assert beyond.gini(codes(lists), N) == pytest.approx(naive.gini(lists, N), nan_ok=True)


@given(users, shares)
def test_novelty_and_popularity_equal_their_twins(users, shares):
    listed, own = zip(*users, strict=True)
    given_codes, given_shares = codes(listed), np.array(shares)
    assert beyond.novelty(given_codes, given_shares) == pytest.approx(
        [naive.novelty(each, shares) for each in listed], nan_ok=True
    )
    assert beyond.popularity(given_codes, given_shares) == pytest.approx(
        [naive.popularity(each, shares) for each in listed], nan_ok=True
    )
    assert beyond.popularity_lift(given_codes, given_shares, rows(own)) == pytest.approx(
        [naive.popularity_lift(each, shares, have) for each, have in users], nan_ok=True
    )


@given(lists, table)
def test_diversity_equals_its_twin(lists, table):
    found = beyond.diversity(codes(lists), sparse.csr_array(np.array(table)))
    assert found == pytest.approx([naive.diversity(each, table) for each in lists], nan_ok=True)


@given(users, table)
def test_calibration_equals_its_twin(users, table):
    listed, own = zip(*users, strict=True)
    found = beyond.calibration(codes(listed), rows(own), np.array(table))
    assert found == pytest.approx([naive.calibration(each, have, table) for each, have in users], nan_ok=True)
    assert np.nanmin(found, initial=0.0) >= -1e-12


@given(users, shares, st.sets(item))
def test_serendipity_equals_its_twin(users, shares, wanted):
    listed, own = zip(*users, strict=True)
    found = beyond.serendipity(codes(listed), np.isin(codes(listed), list(wanted)), rows(own), np.array(shares))
    assert found == pytest.approx([naive.serendipity(each, wanted, have, shares, 4) for each, have in users])


def test_by_hand():
    shares = np.array([0.5, 0.25, 0.25, 0.125])
    listed, own = codes([[0, 1]], 2), rows([[2, 3]])
    assert beyond.novelty(listed, shares) == pytest.approx([1.5])  # 1 and 2 bits
    assert beyond.popularity(listed, shares) == pytest.approx([0.375])
    assert beyond.popularity_lift(listed, shares, own) == pytest.approx([1.0])  # 0.375 against 0.1875
    assert beyond.coverage(listed, 4) == 0.5
    assert beyond.gini(listed, 4) == pytest.approx(2 / 3)
    # cosines 1, 0, 0 of three pairs
    assert beyond.diversity(codes([[0, 1, 2]], 3), sparse.csr_array([[1, 0], [2, 0], [0, 1]])) == pytest.approx([2 / 3])
    # all of one half against a list of the other half: log2(1 / 0.01)
    assert beyond.calibration(codes([[1]], 1), rows([[0]]), np.eye(2)) == pytest.approx([math.log2(100)])


def test_extremes_of_gini():
    assert beyond.gini(codes([[0, 1], [2, 3]], 2), 4) == pytest.approx(0)
    assert beyond.gini(codes([[0], [0], [0]], 1), 4) == pytest.approx(1)


def test_the_same_mix_is_calibrated_and_order_does_not_matter():
    own, table = rows([[0, 1, 2, 2]]), np.array([[1.0, 0], [0, 1], [1, 1]])
    assert beyond.calibration(codes([[2, 1, 0]], 3), own, table) == pytest.approx([0])
    assert beyond.calibration(codes([[1, 0]], 2), own, table) == beyond.calibration(codes([[0, 1]], 2), own, table)
