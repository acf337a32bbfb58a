"""The measures beside the real ones."""

import contextlib

import numpy as np
import pytest
import surprise as peer
from hypothesis import given
from hypothesis import strategies as st

from foretaste.surprise import Prediction, accuracy

NAMES = ("rmse", "mse", "mae", "fcp")
STARS = st.sampled_from([0.5, 1, 2.5, 3, 4.0, 5.0])
ESTIMATES = st.one_of(STARS, st.floats(-5, 10), st.floats(-5, 10).map(np.float64))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", 3]), st.just("x"), STARS, ESTIMATES, st.none()), max_size=50)


@pytest.mark.parametrize("name", NAMES)
@given(rows=ROWS)
def test_the_numbers_are_the_same_bits(name, rows):
    mine, theirs = getattr(accuracy, name), getattr(peer.accuracy, name)
    expected = None
    with contextlib.suppress(ValueError):
        expected = theirs(rows, verbose=False)
    if expected is None:
        with pytest.raises(ValueError, match=r"."):
            mine(rows, verbose=False)
        return
    found = mine([Prediction(*row) for row in rows], verbose=False)
    assert found == expected
    assert mine(rows, verbose=False) == expected


@pytest.mark.parametrize("name", NAMES)
def test_many_numbers_are_the_same_bits_and_lines(name, capsys):
    rng = np.random.default_rng(5)
    true = rng.integers(1, 6, 20_000).astype(float).tolist()
    users, estimates = rng.integers(0, 500, 20_000).tolist(), rng.normal(3, 1, 20_000)
    rows = [(user, 0, *pair, {}) for user, *pair in zip(users, true, estimates, strict=True)]
    found, expected = getattr(accuracy, name)(rows), getattr(peer.accuracy, name)(rows)
    assert found == expected
    assert type(found) is type(expected)
    mine, theirs = capsys.readouterr().out.splitlines()
    assert mine == theirs


def test_squares_are_powers_and_not_products():
    errors = [error for error in np.random.default_rng(0).normal(0, 3, 20_000).tolist() if error**2 != error * error]
    assert errors  # the last bit of a few
    for error in errors:
        row = [("an", 0, error, 0.0, None)]
        assert accuracy.mse(row, verbose=False) == peer.accuracy.mse(row, verbose=False) == error**2


def test_fcp_counts_as_surprise_does():
    # an has two pairs in order and one not, diego one in order: (3/2) / (3/2 + 1), where the paper has 3/4
    rows = [("an", 0, 5, 3, None), ("an", 0, 4, 2, None), ("an", 0, 1, 2.5, None)]
    rows += [("diego", 0, 5, 3, None), ("diego", 0, 4, 2, None)]
    assert accuracy.fcp(rows, verbose=False) == peer.accuracy.fcp(rows, verbose=False) == pytest.approx(0.6)


def test_equal_predictions_are_discordant():
    assert accuracy.fcp([("an", 0, 5, 3, None), ("an", 0, 4, 3, None)], verbose=False) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_true_rating_that_is_not_there_is_a_type_error(name):
    predictions = [("a", 1, None, 3.0, {}), ("a", 2, 4.0, 3.5, {})]
    for side in (accuracy, peer.accuracy):
        with pytest.raises(TypeError):
            getattr(side, name)(predictions)
