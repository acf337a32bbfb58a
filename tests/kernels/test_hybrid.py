import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_events
from foretaste.kernels.hybrid import (
    BPR,
    LOGISTIC,
    SQUARED,
    WARP,
    contains,
    drawn,
    find_mistakes,
    find_warp,
    learn_users,
    move_columns,
    set_steps,
)

LOSSES = {"bpr": BPR, "logistic": LOGISTIC, "squared": SQUARED}
EVERY_LOSS = LOSSES | {"warp": WARP}
N_USERS, N_ITEMS = 5, 9


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**31 - 1))
def test_a_draw_is_that_of_splitmix(state, n):
    assert drawn(np.uint64(state), n) == naive_events.drawn(state, n) < n


def test_the_first_outputs_of_splitmix_are_the_published_ones():
    # seed 1234567, the test vector of the reference implementation
    step, outputs = 0x9E3779B97F4A7C15, [6457827717110365317, 3203168211198807973, 9817491932198370423]
    for n, output in enumerate(outputs, 1):
        assert naive_events.drawn(1234567 + n * step, 2**32) == output >> 32


@given(st.lists(st.integers(0, 12), unique=True), st.integers(-1, 13))
def test_a_row_contains_what_is_in_it(codes, code):
    row = np.array([code - 1, code, *sorted(codes), code], np.int32)
    assert contains(row, 2, 2 + len(codes), code) == (code in codes)


def attributes(rng, n_rows, n_attributes, itself):
    """Rows of attributes with values: their own alone, or a few and shared."""
    if itself:
        return [[(row, 1.0)] for row in range(n_rows)], n_rows
    rows = [rng.choice(n_attributes, rng.integers(0, 4), replace=False) for _ in range(n_rows)]
    return [[(int(a), float(np.round(rng.uniform(-1, 2), 2))) for a in sorted(row)] for row in rows], n_attributes


def sums(rows, vectors):
    return np.array([sum((x * vectors[a] for a, x in row), np.zeros(vectors.shape[1:])) for row in rows])


@given(
    st.sampled_from(["warp", *LOSSES]),
    st.booleans(),
    st.integers(1, 20),
    st.sampled_from([0.0, 0.3, 30.0]),
    naive.seeds,
)
def test_a_batch_is_learned_from_as_in_the_slow_twin(loss, itself, k, reg, random_state):
    rng = np.random.default_rng(random_state)
    user_rows, n_v = attributes(rng, N_USERS, 4, itself)
    item_rows, n_y = attributes(rng, N_ITEMS, 6, itself)
    seen = [sorted(rng.choice(N_ITEMS, rng.integers(1, N_ITEMS), replace=False).tolist()) for _ in range(N_USERS)]
    pairs = [(u, i, float(np.float32(rng.uniform(0.5, 2)))) for u, own in enumerate(seen) for i in own]
    order = rng.permutation(len(pairs)).astype(np.int32)
    seed, rate, by_trial = int(rng.integers(2**63)), 0.1, np.array([2.0, 1.5, 1.0, 0.75, 0.5], np.float32)

    v, y = (rng.normal(0, 1, (n, k)).astype(np.float32) for n in (n_v, n_y))
    beta = rng.normal(0, 0.5, n_y).astype(np.float32)
    twin_users = (user_rows, v.astype(float), np.ones(n_v))
    twin_items = (item_rows, y.astype(float), np.ones(n_y), beta.astype(float), np.ones(n_y))
    if itself:
        p, q, b = v, y, beta
        exact_p, exact_q, exact_b = twin_users[1], twin_items[1], twin_items[3]
    else:
        exact_p, exact_q, exact_b = sums(user_rows, v), sums(item_rows, y), sums(item_rows, beta[:, None])[:, 0]
        p, q, b = (np.ascontiguousarray(each, np.float32) for each in (exact_p, exact_q, exact_b))
    events = [pairs[t] for t in order]
    expected, expected_loss = naive_events.find_mistakes(loss, events, seed, exact_p, exact_q, exact_b, seen, by_trial)

    users, items = (np.array(column, np.int32) for column in list(zip(*events, strict=True))[:2])
    weights = np.array([w for *_, w in events], np.float32)
    known = naive.arrays([[(i, 1.0) for i in own] for own in seen])[:2]
    n = len(pairs)
    negatives, ups, downs = np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.float32)
    sizes = np.empty(n, np.float32), np.empty(n, np.float32)
    found = (negatives, ups, downs)
    total = 0.0
    for first, last in ((0, n // 2), (n // 2, n)):  # pieces side by side give what the whole would
        events_of = (users, items, weights, first, last, np.uint64(seed))
        find, which = (find_warp, ()) if loss == "warp" else (find_mistakes, (LOSSES[loss],))
        total += find(*which, *events_of, p, q, b, *known, by_trial, k, *found, *sizes)
    assert total == pytest.approx(expected_loss, rel=1e-4, abs=1e-5)
    for t, mistake in enumerate(expected):
        assert negatives[t] == (-1 if mistake is None else mistake[0])
        if mistake is not None:
            assert (ups[t], downs[t]) == pytest.approx(mistake[1:], rel=1e-4, abs=1e-5)

    naive_events.learn_from_mistakes(events, expected, exact_p, exact_q, twin_users, twin_items, rate=rate, reg=reg)
    by_user, by_item = naive.arrays(user_rows), naive.arrays(item_rows)
    squares = [np.ones(size, np.float32) for size in (n_v, n_y, n_y)]
    steps = np.empty(n * 12, np.float32)
    set_steps(users, items, 0, n, *found, *sizes, *by_user, *by_item, *squares, beta, rate, reg, steps)
    for column in range(0, k, 8):
        columns = (column, min(column + 8, k))
        rows = (*by_user[:2], *by_item[:2])
        move_columns(users, items, 0, n, *found, steps, p, q, *rows, v, y, *columns, reg)
    kernel = (v, squares[0], y, squares[1], beta, squares[2])
    for array, exact in zip(kernel, (*twin_users[1:], *twin_items[1:]), strict=True):
        np.testing.assert_allclose(array, exact, 2e-3, 2e-4)


def test_a_warp_step_worked_out_by_hand():
    # one user with item 0; of the items 0 and 1 the draws come to 1 sooner or later, whose score 0.5 is within 1 of 0.2
    p, q = np.array([[1.0]], np.float32), np.array([[0.2], [0.5]], np.float32)
    known = np.array([0, 1]), np.array([0], np.int32)
    zero = np.zeros(1, np.int32)
    negatives, up, down = np.zeros(1, np.int32), np.zeros(1, np.float32), np.zeros(1, np.float32)
    events = (zero, zero, np.full(1, 2.0, np.float32), 0, 1)
    levels, sizes = np.full(64, 3.0, np.float32), (np.zeros(1, np.float32), np.zeros(1, np.float32))
    loss = find_warp(
        *events, np.uint64(7), p, q, np.zeros(2, np.float32), *known, levels, 1, negatives, up, down, *sizes
    )
    assert (loss, negatives[0], up[0], down[0]) == (3, 1, 6, -6)
    q[1] = -0.9  # more than 1 below
    assert (
        find_warp(*events, np.uint64(7), p, q, np.zeros(2, np.float32), *known, levels, 1, negatives, up, down, *sizes)
        == 0
    )
    assert negatives[0] == -1


@given(
    st.sampled_from([*EVERY_LOSS]),
    st.integers(1, 20),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.3, 30.0]),
    naive.seeds,
)
def test_a_new_user_is_learned_as_in_the_slow_twin(loss, k, n_epochs, reg, random_state):
    rng = np.random.default_rng(random_state)
    q, b = rng.normal(0, 1, (N_ITEMS, k)).astype(np.float32), rng.normal(0, 0.5, N_ITEMS).astype(np.float32)
    start = rng.normal(0, 1, (N_USERS, k)).astype(np.float32)
    seen = [sorted(rng.choice(N_ITEMS, rng.integers(1, N_ITEMS), replace=False).tolist()) for _ in range(N_USERS)]
    seen[2] = []  # somebody without anything
    rows = [[(i, float(np.float32(rng.uniform(0.5, 2)))) for i in own] for own in seen]
    by_trial, rate = np.array([2.0, 1.5, 1.0, 0.75, 0.5], np.float32), 0.1
    indptr, indices, weights = naive.arrays(rows)
    p = start.copy()
    arguments = (q, b, by_trial, n_epochs, rate, reg)
    learn_users(EVERY_LOSS[loss], indptr, indices, weights, 1, N_USERS, *arguments, p)
    assert (p[0] == start[0]).all()  # not of this piece
    for user in range(1, N_USERS):
        twin = (q.astype(float), b.astype(float), by_trial, n_epochs, start[user].astype(float))
        expected = naive_events.learn_user(loss, dict(rows[user]), *twin, rate=rate, reg=reg)
        np.testing.assert_allclose(p[user], expected, 1e-3, 1e-4)
    alone = start[3:4].copy()
    own = slice(indptr[3], indptr[4])
    one = (np.array([0, len(rows[3])]), indices[own].copy(), weights[own].copy())
    learn_users(EVERY_LOSS[loss], *one, 0, 1, *arguments, alone)
    assert (alone[0] == p[3]).all()  # the others make no difference


def test_a_new_user_s_step_worked_out_by_hand():
    # item 0 is theirs, item 1 comes within 1 of it: p moves by 0.1 / sqrt(1 + 4) * (2 q_0 - 2 q_1), both q of size 1
    q, p = np.array([[1.0, 0], [0, 1.0]], np.float32), np.zeros((1, 2), np.float32)
    row = np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32)
    learn_users(WARP, *row, 0, 1, q, np.zeros(2, np.float32), np.full(64, 2.0, np.float32), 1, 0.1, 0.0, p)
    np.testing.assert_allclose(p, [[0.2 / 5**0.5, -0.2 / 5**0.5]], 1e-6)
