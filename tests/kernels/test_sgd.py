import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.sgd import LINE, gradient_rows, sgd_tile, stratify


@st.composite
def rated(draw, max_users=6, max_items=8):
    rows, n_items = draw(naive.sparse(max_rows=max_users, max_columns=max_items))
    k = draw(st.integers(1, 4))
    return rows, n_items, k, np.random.default_rng(draw(naive.seeds))


def padded(factors, extra_rows=0):
    """Rows filled with zeros to whole cache lines, and rows of zeros at the end."""
    whole = np.zeros((len(factors) + extra_rows, LINE), np.float32)
    whole[: len(factors), : factors.shape[1]] = factors
    return whole


@given(rated(), st.sampled_from([0.01, 0.05, 0.3]), st.sampled_from([0.0, 0.1]), st.sampled_from([0.0, 1.0]))
def test_sgd_tile_equals_its_twin_over_three_epochs(case, rate, reg, beta):
    rows, n_items, k, rng = case
    n_users = len(rows)
    indptr, indices, values = naive.arrays(rows)
    p, q = rng.normal(0, 0.5, (n_users, k)), rng.normal(0, 0.5, (n_items, k))
    b_u, b_i, g_u, g_i = np.zeros(n_users), np.zeros(n_items), np.ones(n_users), np.ones(n_items)
    arrays = (
        padded(p), padded(q, 1), *(x.astype(np.float32) for x in (b_u, np.zeros(n_items + 1))),
        *(x.astype(np.float32) for x in (g_u, np.ones(n_items + 1))),
    )  # fmt: skip
    shrinkage = [rng.uniform(0, 0.3, n).astype(np.float32) for n in (n_users, n_items + 1)]
    given_ = {"rate": rate, "reg": reg, "shrinkage": shrinkage, "beta": beta}
    for _ in range(3):
        loss = sgd_tile(indptr, indices, values, 1, 0, 0, n_users, *arrays, rate, reg, *shrinkage, beta, k)
        expected = naive.sgd_pass(dict(enumerate(rows)), p, q, b_u, b_i, g_u, g_i, **given_)
        assert loss == pytest.approx(expected, rel=1e-3, abs=1e-4)
    for found, twin in zip(arrays, (p, q, b_u, b_i, g_u, g_i), strict=True):
        np.testing.assert_allclose(found[: len(twin), :k] if twin.ndim > 1 else found[: len(twin)], twin, 1e-3, 1e-4)
    assert not arrays[0][:, k:].any(), "the padding must stay zero"
    assert not arrays[1][:, k:].any(), "the padding must stay zero"
    assert not arrays[1][-1].any(), "the row that stands in for a missing rating must stay zero"


def catalogue(rng, n_users, n_items, share):
    """A random matrix with users and items of very different activity."""
    weight = np.outer(rng.exponential(size=n_users) + 0.1, rng.exponential(size=n_items) + 0.1)
    users, items = np.nonzero(rng.random((n_users, n_items)) < share * weight)
    return users.astype(np.int32), items.astype(np.int32), rng.normal(size=users.size).astype(np.float32)


@pytest.mark.parametrize(("n_users", "n_items", "n_parts"), [(300, 200, 4), (40, 30, 1)])
def test_stratify_cuts_into_tiles_that_hold_every_rating_once(n_users, n_items, n_parts):
    rng = np.random.default_rng(3)
    users, items, values = catalogue(rng, n_users, n_items, 0.8)
    strata = stratify(users, items, values, n_users, n_items, rng)
    assert strata.n_parts == n_parts
    assert sorted(strata.user_labels) == list(range(n_users))
    assert sorted(strata.item_labels) == list(range(n_items))
    rows = np.repeat(np.arange(n_users * n_parts), np.diff(strata.starts))
    found = sorted(zip(rows // n_parts, strata.items, strata.values, strict=True))
    given_ = sorted(zip(strata.user_labels[users], strata.item_labels[items], values, strict=True))
    assert found == given_
    # tiles of one shift share no item: an item belongs to one part only
    parts = {}
    for row, item in zip(rows, strata.items, strict=True):
        parts.setdefault(item, set()).add(row % n_parts)
    assert all(len(of_item) == 1 for of_item in parts.values())
    assert strata.cuts[0] == 0
    assert strata.cuts[-1] == n_users
    assert (np.diff(strata.cuts) >= 0).all()


def test_stratify_cuts_tiles_of_about_equal_weight():
    rng = np.random.default_rng(4)
    users, items, values = catalogue(rng, 300, 200, 0.8)
    strata = stratify(users, items, values, 300, 200, rng)
    per_row = np.diff(strata.starts[strata.cuts * strata.n_parts])
    per_part = np.diff(strata.starts).reshape(-1, strata.n_parts).sum(axis=0)
    for weights in (per_row, per_part):
        assert weights.min() > 0.85 * values.size / strata.n_parts


def test_strata_count_the_ratings_of_users_and_items_by_their_new_labels():
    rng = np.random.default_rng(6)
    users, items, values = catalogue(rng, 300, 200, 0.8)
    strata = stratify(users, items, values, 300, 200, rng)
    assert strata.user_counts()[strata.user_labels[0]] == (users == 0).sum()
    assert strata.item_counts(200)[strata.item_labels[7]] == (items == 7).sum()


def test_a_whole_epoch_through_the_strata_equals_the_twin():
    rng = np.random.default_rng(5)
    n_users, n_items, k = 300, 200, 3
    users, items, values = catalogue(rng, n_users, n_items, 0.8)
    strata = stratify(users, items, values, n_users, n_items, rng)
    n_parts = strata.n_parts
    assert n_parts > 1
    p, q = rng.normal(0, 0.5, (n_users, k)), rng.normal(0, 0.5, (n_items, k))
    twin = [p, q, np.zeros(n_users), np.zeros(n_items), np.ones(n_users), np.ones(n_items)]
    kernel = [padded(p), padded(q, 1)]
    for start in (np.zeros, np.ones):
        kernel += [start(n_users, np.float32), start(n_items + 1, np.float32)]
    shrinkage = [rng.uniform(0, 0.1, n).astype(np.float32) for n in (n_users, n_items + 1)]
    loss = expected = 0.0
    for shift in range(n_parts):
        for row in range(n_parts):
            part, first, last = (row + shift) % n_parts, strata.cuts[row], strata.cuts[row + 1]
            where = (strata.starts, strata.items, strata.values, n_parts, part, first, last)
            loss += sgd_tile(*where, *kernel, 0.05, 0.02, *shrinkage, 1.0, k)
            tile = {}
            for u in range(first, last):
                own = slice(*strata.starts[u * n_parts + part : u * n_parts + part + 2])
                tile[u] = list(zip(strata.items[own].tolist(), strata.values[own].astype(float), strict=True))
            expected += naive.sgd_pass(tile, *twin, rate=0.05, reg=0.02, shrinkage=shrinkage, beta=1.0)
    assert loss == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(kernel[0][:, :k], p, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(kernel[1][:-1, :k], q, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(kernel[2], twin[2], rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(kernel[3][:-1], twin[3], rtol=1e-2, atol=1e-3)


@given(rated())
def test_gradient_rows_is_the_slope_of_the_squared_error(case):
    rows, n_items, k, rng = case
    shapes = ((len(rows), k), (n_items, k), len(rows), n_items)
    p, q, b_r, b_c = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    gradient, bias_gradient = np.full_like(p, np.nan), np.full_like(b_r, np.nan)
    loss = gradient_rows(*naive.arrays(rows), p, q, b_r, b_c, gradient, bias_gradient)
    exact = [x.astype(np.float64) for x in (p, q, b_r, b_c)]
    assert loss == pytest.approx(2 * naive.half_squared_error(rows, *exact), rel=1e-4, abs=1e-4)

    def slope(side, place):
        step, ends = 1e-4, []
        for sign in (1, -1):
            moved = [x.copy() for x in exact]
            moved[side][place] += sign * step
            ends.append(naive.half_squared_error(rows, *moved))
        return (ends[0] - ends[1]) / (2 * step)

    for r in range(len(rows)):
        assert bias_gradient[r] == pytest.approx(-slope(2, r), rel=1e-3, abs=1e-3)
        for f in range(k):
            assert gradient[r, f] == pytest.approx(-slope(0, (r, f)), rel=1e-3, abs=1e-3)
