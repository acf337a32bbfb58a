import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.ridge import improve_rows, solve_rows, solve_rows_nonnegative

UNTOUCHED = np.float32(-77)


@st.composite
def problem(draw, max_width=5):
    """A sparse matrix, and features, offsets and penalties for it."""
    rows, n_columns = draw(naive.sparse(max_columns=11))
    k, rng = draw(st.integers(1, max_width)), np.random.default_rng(draw(naive.seeds))
    features = rng.normal(size=(n_columns, k)).astype(np.float32)
    if draw(st.booleans()):
        features[:, -1] = 1  # the column of a bias
    offsets = rng.normal(size=n_columns).astype(np.float32)
    penalty, penalty_per_rating = rng.uniform(0.2, 2, (2, k)).astype(np.float32)
    kept = draw(st.sampled_from([(1, 0), (0, 1), (1, 1)]))  # a penalty a row, a rating, or both
    return rows, features, offsets, kept[0] * penalty, kept[1] * penalty_per_rating


def expected_solutions(rows, *arrays):
    exact = [x.astype(np.float64) for x in arrays]
    return np.array([naive.solve_row(row, *exact) for row in rows])


@given(problem())
def test_solve_rows_equals_its_twin(case):
    rows, *arrays = case
    out = np.full((len(rows), arrays[0].shape[1]), UNTOUCHED)
    solve_rows(*naive.arrays(rows), *arrays, 0, len(rows), out)
    np.testing.assert_allclose(out, expected_solutions(*case), rtol=1e-3, atol=1e-3)


@given(problem(), st.data())
def test_solve_rows_writes_no_row_outside_its_range(case, data):
    rows, *arrays = case
    first = data.draw(st.integers(0, len(rows)))
    last = data.draw(st.integers(first, len(rows)))
    out = np.full((len(rows), arrays[0].shape[1]), UNTOUCHED)
    solve_rows(*naive.arrays(rows), *arrays, first, last, out)
    expected = expected_solutions(*case)
    np.testing.assert_allclose(out[first:last], expected[first:last], rtol=1e-3, atol=1e-3)
    assert (out[:first] == UNTOUCHED).all()
    assert (out[last:] == UNTOUCHED).all()


@pytest.mark.parametrize("solve", [solve_rows, improve_rows])
def test_an_empty_row_becomes_zeros(solve):
    out = np.full((3, 2), UNTOUCHED)
    features, nothing = np.ones((4, 2), np.float32), np.zeros(4, np.float32)
    penalties = np.ones((2, 2), np.float32)
    solve(*naive.arrays([[], [(0, 1.0)], []]), features, nothing, *penalties, 0, 3, out)
    assert out[[0, 2]].tolist() == [[0, 0], [0, 0]]
    assert (out[1] > 0).all()


@pytest.mark.parametrize(("penalties", "solution"), [((2, 0), 6 / 5), ((0, 2), 6 / 9), ((1, 2), 6 / 10)])
def test_solve_rows_by_hand(penalties, solution):
    # (2 - x)^2 + (2 - x)^2 + (2 - x)^2 + (l + 3 k) x^2: 3 (2 - x) = (l + 3 k) x
    out = np.empty((1, 1), np.float32)
    row = naive.arrays([[(0, 2.0), (1, 2.0), (2, 2.0)]])
    features, offsets = np.ones((3, 1), np.float32), np.zeros(3, np.float32)
    solve_rows(*row, features, offsets, *np.array(penalties, np.float32)[:, None], 0, 1, out)
    assert out[0, 0] == pytest.approx(solution, rel=1e-6)


@given(problem(), naive.seeds)
def test_improve_rows_never_leaves_the_objective_higher_than_it_was(case, seed):
    rows, *arrays = case
    start = np.random.default_rng(seed).normal(size=(len(rows), arrays[0].shape[1])).astype(np.float32)
    out = start.copy()
    improve_rows(*naive.arrays(rows), *arrays, 0, len(rows), out)
    exact = [x.astype(np.float64) for x in arrays]
    for row, x_before, x_after in zip(rows, start.astype(np.float64), out.astype(np.float64), strict=True):
        before = naive.ridge_objective(row, *exact, x_before)
        after = naive.ridge_objective(row, *exact, x_after)
        assert after <= before * (1 + 1e-5) + 1e-5


@given(problem(max_width=3), naive.seeds)
def test_improve_rows_solves_up_to_three_unknowns_in_one_call(case, seed):
    # conjugate gradients end after as many steps as there are unknowns
    rows, *arrays = case
    out = np.random.default_rng(seed).normal(size=(len(rows), arrays[0].shape[1])).astype(np.float32)
    improve_rows(*naive.arrays(rows), *arrays, 0, len(rows), out)
    np.testing.assert_allclose(out, expected_solutions(*case), rtol=5e-3, atol=5e-3)


@given(problem(max_width=8))
def test_improve_rows_called_again_and_again_ends_at_the_solution(case):
    rows, *arrays = case
    out = np.zeros((len(rows), arrays[0].shape[1]), np.float32)
    for _ in range(30):
        improve_rows(*naive.arrays(rows), *arrays, 0, len(rows), out)
    np.testing.assert_allclose(out, expected_solutions(*case), rtol=1e-3, atol=1e-3)


@given(problem(), st.data())
def test_improve_rows_writes_no_row_outside_its_range(case, data):
    rows, *arrays = case
    first = data.draw(st.integers(0, len(rows)))
    last = data.draw(st.integers(first, len(rows)))
    out = np.full((len(rows), arrays[0].shape[1]), UNTOUCHED)
    improve_rows(*naive.arrays(rows), *arrays, first, last, out)
    assert (out[:first] == UNTOUCHED).all()
    assert (out[last:] == UNTOUCHED).all()
    assert (out[first:last] != UNTOUCHED).all()


def start_for(rows, width, seed):
    """Where coordinate descent may begin: anywhere that is not negative, zeros among them."""
    return np.maximum(np.random.default_rng(seed).normal(size=(len(rows), width)), 0).astype(np.float32)


@given(problem(max_width=4), naive.seeds)
def test_solve_rows_nonnegative_equals_its_twin(case, seed):
    rows, *arrays = case
    out = start_for(rows, arrays[0].shape[1], seed)
    solve_rows_nonnegative(*naive.arrays(rows), *arrays, 2000, 0, len(rows), out)
    assert (out >= 0).all()
    exact = [x.astype(np.float64) for x in arrays]
    expected = np.array([naive.solve_row_nonnegative(row, *exact) for row in rows])
    np.testing.assert_allclose(out, expected, rtol=2e-3, atol=2e-3)


@given(problem(), naive.seeds, st.integers(1, 3))
def test_solve_rows_nonnegative_never_leaves_the_objective_higher_than_it_was(case, seed, n_sweeps):
    rows, *arrays = case
    start = start_for(rows, arrays[0].shape[1], seed)
    out = start.copy()
    solve_rows_nonnegative(*naive.arrays(rows), *arrays, n_sweeps, 0, len(rows), out)
    exact = [x.astype(np.float64) for x in arrays]
    for row, x_before, x_after in zip(rows, start.astype(np.float64), out.astype(np.float64), strict=True):
        before = naive.ridge_objective(row, *exact, x_before)
        assert naive.ridge_objective(row, *exact, x_after) <= before * (1 + 1e-5) + 1e-5


@given(problem(), st.data())
def test_solve_rows_nonnegative_writes_no_row_outside_its_range(case, data):
    rows, *arrays = case
    first = data.draw(st.integers(0, len(rows)))
    last = data.draw(st.integers(first, len(rows)))
    out = np.full((len(rows), arrays[0].shape[1]), UNTOUCHED)
    solve_rows_nonnegative(*naive.arrays(rows), *arrays, 3, first, last, out)
    assert (out[:first] == UNTOUCHED).all()
    assert (out[last:] == UNTOUCHED).all()
    assert (out[first:last] >= 0).all()


def test_a_coordinate_at_zero_can_leave_it_and_one_that_would_be_negative_stays():
    # (1 - x - y)^2 + (3 - x + y)^2 + x^2 + y^2 is lowest at x = 4/3, y = -2/3; with y >= 0 at x = 4/3, y = 0
    row = naive.arrays([[(0, 1.0), (1, 3.0)]])
    features = np.array([[1, 1], [1, -1]], np.float32)
    rest = (np.zeros(2, np.float32), np.ones(2, np.float32), np.zeros(2, np.float32))
    out = np.zeros((1, 2), np.float32)
    solve_rows_nonnegative(*row, features, *rest, 1, 0, 1, out)
    assert out[0].tolist() == [pytest.approx(4 / 3), 0]
