import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_mixes
from foretaste.kernels.linkage import average_linkage


def groups(apart, most):
    labels = average_linkage(np.array(apart, np.float32), np.float32(most))
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


def on_a_line(*places):
    return np.abs(np.subtract.outer(places, places)).astype(np.float32)


@given(st.integers(1, 14), naive.seeds, st.floats(0, 1.2))
def test_it_equals_its_twin(n, seed, most):
    apart = np.random.default_rng(seed).uniform(0, 1, (n, n))
    apart = np.triu(apart, 1) + np.triu(apart, 1).T
    assert groups(apart, most) == naive_mixes.average_linkage(apart.astype(np.float32), most)


@given(st.integers(2, 60), naive.seeds, st.floats(0.05, 1))
def test_the_order_of_the_things_changes_nothing(n, seed, most):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    apart, order = 1 - vectors @ vectors.T, rng.permutation(n)
    found = {frozenset(order[list(group)].tolist()) for group in groups(apart[np.ix_(order, order)], most)}
    assert found == groups(apart, most)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0.5, [{0}, {1}, {2}, {3}, {4}]),
        (1, [{0, 1}, {2, 3}, {4}]),
        (4.9, [{0, 1}, {2, 3}, {4}]),  # from 0 and 1 to 5 and 6 it is 5, 6, 4 and 5: 5 on average
        (5, [{0, 1, 2, 3}, {4}]),
        (16.9, [{0, 1, 2, 3}, {4}]),  # from these to 20 it is 20, 19, 15 and 14: 17 on average
        (17, [{0, 1, 2, 3, 4}]),
    ],
)
def test_five_places_on_a_line(most, expected):
    assert groups(on_a_line(0, 1, 5, 6, 20), most) == set(map(frozenset, expected))


def test_equal_things_are_one_group_and_the_chain_ends():
    assert groups(np.zeros((40, 40)), 0) == {frozenset(range(40))}
    assert groups(np.ones((40, 40)) - np.eye(40), 0.5) == {frozenset([thing]) for thing in range(40)}


def test_groups_count_from_their_first_members():
    apart = on_a_line(9, 0, 9.1, 0.1, 5)
    assert average_linkage(apart, np.float32(1)).tolist() == [0, 1, 0, 1, 2]


def test_nothing_is_in_no_group():
    assert average_linkage(np.zeros((0, 0), np.float32), np.float32(1)).tolist() == []
