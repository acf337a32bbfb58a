import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.sgd import LINE
from foretaste.kernels.svdpp import implicit_rows, svdpp_pass


def padded(factors, extra_rows=0):
    whole = np.zeros((len(factors) + extra_rows, LINE), np.float32)
    whole[: len(factors), : factors.shape[1]] = factors
    return whole


def long_row(rng, n_users=4, n_items=40):
    """Users of very different length, one of them with everything: what small examples do not reach."""
    rows = [[(i, rng.normal()) for i in rng.permutation(n_items)[:n]] for n in (n_items, 7, 0, 13)[:n_users]]
    return [[(int(i), round(float(value), 2)) for i, value in row] for row in rows], n_items


def compare(rows, n_items, k, rng, *, rate, rate_y, reg, reg_y, mean=0.0, spread=1.0, n_passes=3):
    """Run kernel and twin side by side, in a new order of users each pass."""
    n_users = len(rows)
    indptr, indices, values = naive.arrays([[(i, mean + spread * value) for i, value in row] for row in rows])
    twin = [rng.normal(0, 0.5, (n, k)) for n in (n_users, n_items, n_items)]
    twin += [
        start(n) for start, n in zip((np.zeros,) * 2 + (np.ones,) * 3, (n_users, n_items) * 2 + (n_items,), strict=True)
    ]
    kernel = [padded(twin[0]), padded(twin[1], 1), padded(twin[2])]
    kernel += [start(n, np.float32) for start, n in ((np.zeros, n_users), (np.zeros, n_items + 1), (np.ones, n_users))]
    kernel += [np.ones(n_items + 1, np.float32), np.ones(n_items, np.float32)]
    reg_biases, shrinkage = rng.uniform(0, 1), rng.uniform(0, 0.3, n_items + 1).astype(np.float32)
    for _ in range(n_passes):
        order = rng.permutation(n_users).astype(np.int32)
        settings = (rate, rate_y, reg, reg_y, reg_biases, shrinkage, k)
        loss = svdpp_pass(indptr, indices, values, mean, spread, order, *kernel, *settings)
        users = {int(u): rows[u] for u in order}
        shrunk = {"reg": reg, "reg_y": reg_y, "shrinkage": (reg_biases, shrinkage)}
        expected = naive.svdpp_pass(users, *twin, rate=rate, rate_y=rate_y, **shrunk)
        assert loss == pytest.approx(expected, rel=1e-3, abs=1e-4)
    for found, exact in zip(kernel, twin, strict=True):
        own = found[: len(exact), :k] if exact.ndim > 1 else found[: len(exact)]
        np.testing.assert_allclose(own, exact, 1e-3, 1e-4)
    for factors in kernel[:3]:
        assert not factors[:, k:].any(), "the padding must stay zero"
    assert not kernel[1][-1].any(), "the row that stands in for a missing rating must stay zero"


@st.composite
def rated(draw):
    rows, n_items = draw(naive.sparse(max_rows=6, max_columns=8))
    return rows, n_items, draw(st.integers(1, 4)), np.random.default_rng(draw(naive.seeds))


rates = st.sampled_from([0.01, 0.05, 0.2])


@given(rated(), rates, rates, st.sampled_from([0.0, 0.1]), st.sampled_from([0.0, 0.1]))
def test_a_pass_equals_the_twin_that_moves_every_y_at_every_rating(case, rate, rate_y, reg, reg_y):
    compare(*case, rate=rate, rate_y=rate_y, reg=reg, reg_y=reg_y)


@pytest.mark.parametrize("seed", range(3))
def test_long_rows_stay_with_the_twin(seed):
    rng = np.random.default_rng(seed)
    compare(*long_row(rng), 5, rng, rate=0.05, rate_y=0.02, reg=0.05, reg_y=0.01, mean=3.5, spread=1.25)


def test_one_rating_by_hand():
    # z = y = 1, w = 0.5 + 1, e = 2 - 1 * 1.5 = 0.5; steps 0.1 for p and q, 0.2 for y, no penalty
    p, q, y = (np.zeros((n, LINE), np.float32) for n in (1, 2, 1))
    p[0, 0], q[0, 0], y[0, 0] = 0.5, 1, 1
    b_u, b_i = np.zeros(1, np.float32), np.zeros(2, np.float32)
    g_u, g_i, g_y = np.ones(1, np.float32), np.ones(2, np.float32), np.ones(1, np.float32)
    rows = (*naive.arrays([[(0, 9.0)]]), 5.0, 2.0)  # (9 - 5) / 2 = 2
    state = (p, q, y, b_u, b_i, g_u, g_i, g_y)
    loss = svdpp_pass(*rows, np.zeros(1, np.int32), *state, 0.1, 0.2, 0.0, 0.0, 0.0, np.zeros(2, np.float32), 1)
    assert loss == pytest.approx(0.25)
    assert (p[0, 0], q[0, 0], y[0, 0]) == pytest.approx((0.55, 1.075, 1.1))
    assert (b_u[0], b_i[0]) == pytest.approx((0.05, 0.05))
    assert (g_u[0], g_i[0], g_y[0]) == pytest.approx((1.25, 1 + 0.75**2, 1.25))


def test_users_left_out_of_the_order_stay_as_they_are():
    rng = np.random.default_rng(0)
    rows, n_items = long_row(rng)
    p, q, y = (padded(rng.normal(size=(n, 2))) for n in (4, n_items + 1, n_items))
    before = p.copy()
    biases = (np.zeros(4, np.float32), np.zeros(n_items + 1, np.float32))
    squares = tuple(np.ones(n, np.float32) for n in (4, n_items + 1, n_items))
    settings = (0.05, 0.01, 0.0, 0.0, 0.0, np.zeros(n_items + 1, np.float32), 2)
    svdpp_pass(*naive.arrays(rows), 0.0, 1.0, np.array([1], np.int32), p, q, y, *biases, *squares, *settings)
    assert (p[[0, 2, 3]] == before[[0, 2, 3]]).all()
    assert (p[1, :2] != before[1, :2]).all()


@given(rated())
def test_implicit_rows_are_sums_over_the_root_of_their_number(case):
    rows, n_items, k, rng = case
    y = rng.normal(size=(n_items, k)).astype(np.float32)
    out = np.full((len(rows), k), np.nan, np.float32)
    indptr, indices, _ = naive.arrays(rows)
    implicit_rows(indptr, indices, y, out)
    np.testing.assert_allclose(out, naive.implicit_rows(rows, y.astype(float)), 1e-5, 1e-5)
