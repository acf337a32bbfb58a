import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_events
from foretaste.kernels.event_rows import event_errors, improve_event_blocks, improve_event_rows, solve_event_rows

UNTOUCHED = np.float32(-77)


@st.composite
def problem(draw, max_width=6):
    """Events by rows, features, the Gram matrix of all pairs, a penalty a row and a centre, or none at all."""
    rows, n_columns = draw(naive.sparse(max_columns=11, values=(0.5, 1.0, 3.0)))
    k, rng = draw(st.integers(1, max_width)), np.random.default_rng(draw(naive.seeds))
    features = rng.normal(size=(n_columns, k)).astype(np.float32)
    gram = (rng.uniform(0.05, 1) * features.T @ features).astype(np.float32)
    centre = rng.normal(size=(len(rows) if draw(st.booleans()) else 0, k)).astype(np.float32)
    return rows, features, gram, rng.uniform(0.2, 2, len(rows)).astype(np.float32), centre


def centres(rows, centre):
    return centre.astype(np.float64) if len(centre) else np.zeros((len(rows), centre.shape[1]))


def expected_solutions(rows, features, gram, penalty, centre):
    features, gram = features.astype(np.float64), gram.astype(np.float64)
    each = zip(rows, penalty, centres(rows, centre), strict=True)
    return np.array([naive_events.solve_event_row(row, features, gram, p, c) for row, p, c in each])


@given(problem(), st.data())
def test_solve_event_rows_equals_its_twin_and_writes_no_other_row(case, data):
    rows, *arrays = case
    first = data.draw(st.integers(0, len(rows)))
    last = data.draw(st.integers(first, len(rows)))
    out = np.full((len(rows), arrays[0].shape[1]), UNTOUCHED)
    solve_event_rows(*naive.arrays(rows), *arrays, first, last, out)
    np.testing.assert_allclose(out[first:last], expected_solutions(*case)[first:last], rtol=1e-3, atol=1e-3)
    assert (out[:first] == UNTOUCHED).all()
    assert (out[last:] == UNTOUCHED).all()


@given(problem(), naive.seeds)
def test_many_steps_of_conjugate_gradients_end_at_the_solution(case, seed):
    rows, *arrays = case
    out = np.random.default_rng(seed).normal(size=(len(rows), arrays[0].shape[1])).astype(np.float32)
    improve_event_rows(*naive.arrays(rows), *arrays, 50, 0, len(rows), out)
    np.testing.assert_allclose(out, expected_solutions(*case), rtol=1e-3, atol=1e-3)


@given(problem(), st.integers(1, 6), naive.seeds)
def test_many_rounds_over_subspaces_end_at_the_solution(case, width, seed):
    rows, *arrays = case
    width = min(width, arrays[0].shape[1])
    out = np.random.default_rng(seed).normal(size=(len(rows), arrays[0].shape[1])).astype(np.float32)
    for _ in range(400):
        improve_event_blocks(*naive.arrays(rows), *arrays, width, 0, len(rows), out)
    expected = expected_solutions(*case)
    for row, (events, *own) in enumerate(zip(rows, arrays[2], centres(rows, arrays[3]), strict=True)):
        if events:
            exact = [x.astype(np.float64) for x in arrays[:2]]
            lowest = naive_events.event_objective(events, *exact, *own, expected[row])
            assert naive_events.event_objective(events, *exact, *own, out[row]) <= lowest + 1e-3 * abs(lowest) + 1e-5


@given(problem(), naive.seeds)
def test_one_subspace_of_all_factors_is_the_exact_solution(case, seed):
    rows, *arrays = case
    k = arrays[0].shape[1]
    out = np.random.default_rng(seed).normal(size=(len(rows), k)).astype(np.float32)
    improve_event_blocks(*naive.arrays(rows), *arrays, k, 0, len(rows), out)
    np.testing.assert_allclose(out, expected_solutions(*case), rtol=2e-3, atol=2e-3)


@given(problem(), st.sampled_from(["cg", "blocks"]), naive.seeds)
def test_a_step_never_raises_the_objective(case, kind, seed):
    rows, features, gram, penalty, centre = case
    before = np.random.default_rng(seed).normal(size=(len(rows), features.shape[1])).astype(np.float32)
    after = before.copy()
    matrix = (*naive.arrays(rows), features, gram, penalty, centre)
    if kind == "cg":
        improve_event_rows(*matrix, 1, 0, len(rows), after)
    else:
        improve_event_blocks(*matrix, 1, 0, len(rows), after)
    for row, events in enumerate(rows):
        if events:
            exact = (events, features.astype(np.float64), gram.astype(np.float64), penalty[row])
            exact += (centres(rows, centre)[row],)
            start, end = (naive_events.event_objective(*exact, x[row].astype(np.float64)) for x in (before, after))
            assert end <= start * (1 + 1e-5) + 1e-5


@pytest.mark.parametrize("k", [1, 3, 4, 5, 33])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 9])
def test_any_number_of_events_and_factors_will_do(n, k):
    rng = np.random.default_rng(n + 100 * k)
    rows = [[(c, float(rng.uniform(0.5, 2))) for c in range(n)], [], [(0, 1.0)]]
    features = (rng.normal(size=(10, k)) / np.sqrt(k)).astype(np.float32)
    gram, penalty = (0.3 * features.T @ features).astype(np.float32), np.full(3, 0.5, np.float32)
    centre = (rng.normal(size=(3, k)) / np.sqrt(k)).astype(np.float32)
    expected = expected_solutions(rows, features, gram, penalty, centre)
    matrix = (*naive.arrays(rows), features, gram, penalty, centre)
    found = [np.ones((3, k), np.float32) for _ in range(3)]
    solve_event_rows(*matrix, 0, 3, found[0])
    improve_event_rows(*matrix, 100, 0, 3, found[1])
    for _ in range(300):
        improve_event_blocks(*matrix, min(k, 4), 0, 3, found[2])
    for out in found:
        np.testing.assert_allclose(out, expected, rtol=2e-3, atol=2e-4)


@given(problem(), naive.seeds)
def test_event_errors_is_the_weighted_sum_of_squares(case, seed):
    rows, features, *_ = case
    x = np.random.default_rng(seed).normal(size=(len(rows), features.shape[1])).astype(np.float32)
    expected = sum(w * (1 - features[c].astype(float) @ x[r]) ** 2 for r, row in enumerate(rows) for c, w in row)
    found = event_errors(*naive.arrays(rows), features, x, 0, len(rows))
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
