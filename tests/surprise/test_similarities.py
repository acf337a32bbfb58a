import numpy as np
import pytest
import surprise as peer
from hypothesis import given
from hypothesis import strategies as st
from surprise import similarities as theirs

from foretaste.surprise import similarities as ours

N_X = 6
PLAIN = ("cosine", "msd", "pearson")
stars = st.sampled_from([0.5, 1.0, 2.0, 3.5, 5.0])
# sums of these depend on their order, and squares of them are not exact
uneven = st.sampled_from([-2.7, 0.1, 1.1, 2.3, 4.9])


def lists(ratings):
    """What each y holds: x may occur twice, and the keys come in any order."""
    each = st.lists(st.tuples(st.integers(0, N_X - 1), ratings), max_size=8)
    return st.dictionaries(st.integers(0, 5), each, max_size=6)


def either(function, *args, **kwargs):
    """A matrix, or that it was a division by 0."""
    try:
        return np.asarray(function(*args, **kwargs))
    except ZeroDivisionError:
        return "division by 0"


@pytest.mark.parametrize("name", PLAIN)
@given(yr=lists(stars) | lists(uneven), min_support=st.integers(0, 3))
def test_matrices_are_theirs_to_the_last_bit(name, yr, min_support):
    expected = either(getattr(theirs, name), N_X, yr, min_support)
    np.testing.assert_array_equal(either(getattr(ours, name), N_X, yr, min_support=min_support), expected)


@given(
    yr=lists(stars) | lists(uneven),
    min_support=st.integers(0, 3),
    shrinkage=st.sampled_from([-1.0, 0, 100, 2.5]),
    seed=st.integers(0, 5),
)
def test_matrices_around_a_baseline_are_theirs_to_the_last_bit(yr, min_support, shrinkage, seed):
    rng = np.random.default_rng(seed)
    arguments = (N_X, yr, min_support, 3.1, rng.normal(size=N_X), rng.normal(size=6), shrinkage)
    expected = either(theirs.pearson_baseline, *arguments)
    np.testing.assert_array_equal(either(ours.pearson_baseline, *arguments), expected)


@pytest.mark.parametrize("name", PLAIN)
def test_more_rows_than_a_square_is_wide(name):
    rng = np.random.default_rng(0)
    yr = {y: list(zip(rng.integers(0, 90, 60).tolist(), rng.normal(3, 1, 60).tolist(), strict=True)) for y in range(40)}
    np.testing.assert_array_equal(getattr(ours, name)(90, yr, 2), getattr(theirs, name)(90, yr, 2))


def test_a_correlation_that_is_not_a_number_stays_none():
    # rounding makes the variance of equal ratings negative
    yr = {y: [(0, 0.7), (1, 0.1 * y)] for y in range(7)}
    expected = theirs.pearson(2, yr, 1)
    assert np.isnan(expected[0, 1])
    np.testing.assert_array_equal(ours.pearson(2, yr, 1), expected)


def test_a_division_by_zero_is_explained():
    with pytest.raises(ZeroDivisionError, match=r"cosine similarity of 0 and 2 .* ratings are 0, .*Hint: .*'pearson'"):
        ours.cosine(3, {0: [(0, 0.0), (2, 0.0)], 1: [(0, 1.0), (1, 2.0)]}, 1)


def test_ids_beyond_n_x_are_named():
    with pytest.raises(IndexError, match=r"'yr' must hold inner ids from 0 to n_x - 1 = 2, got 5"):
        ours.msd(3, {0: [(0, 1.0), (5, 1.0)]}, 1)


def test_nothing_to_compare():
    assert ours.msd(0, {}, 1).shape == (0, 0)
    np.testing.assert_array_equal(ours.msd(2, {}, 1), theirs.msd(2, {}, 1))


def test_the_names_are_theirs():
    assert all(callable(getattr(peer.similarities, name)) for name in ours.NAMES)
