from itertools import product
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels import sgd
from foretaste.kernels.sgd import LINE, gradient_rows, sgd_tile, stratify
from foretaste.utils.threads import workers


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
        loss = sgd_tile(indptr, indices, values, 0, 0, 0, n_users, *arrays, rate, reg, *shrinkage, beta, k)
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


def serial(function, arguments):
    return [function(*args) for args in arguments]


def unpacked(strata):
    """{(block, part, user): [(item, value)]}, by new labels."""
    found = {}
    for a, b in product(range(strata.n_parts), repeat=2):
        for u in range(*strata.user_cuts[a : a + 2]):
            row = strata.first_row(a, b) + u
            own = slice(*strata.starts[row : row + 2])
            items = (strata.items[own] + strata.item_cuts[b]).tolist()
            found[a, b, u] = list(zip(items, strata.values[own].tolist(), strict=True))
    return found


def check(strata, users, items, values, n_users, n_items):
    """Every rating in the one tile its labels say, those of a user in the order of the data."""
    assert sorted(strata.user_labels) == list(range(n_users))
    assert sorted(strata.item_labels) == list(range(n_items))
    for cuts, n in ((strata.user_cuts, n_users), (strata.item_cuts, n_items)):
        assert (cuts[0], cuts[-1]) == (0, n)
        assert (np.diff(cuts) >= 0).all()
    given_ = {}
    for user, item, value in zip(users, items, values.tolist(), strict=True):
        u, i = strata.user_labels[user], strata.item_labels[item]
        a = np.searchsorted(strata.user_cuts, u, side="right") - 1
        b = np.searchsorted(strata.item_cuts, i, side="right") - 1
        given_.setdefault((a, b, u), []).append((i, value))
    assert {place: ratings for place, ratings in unpacked(strata).items() if ratings} == given_
    assert strata.user_counts[strata.user_labels].tolist() == np.bincount(users, minlength=n_users).tolist()
    assert strata.item_counts[strata.item_labels].tolist() == np.bincount(items, minlength=n_items).tolist()


@given(naive.sparse(), st.integers(1, 5), naive.seeds, st.booleans())
def test_stratify_puts_every_rating_into_its_tile(case, n_parts, seed, ordered):
    rows, n_items = case
    indptr, items, values = naive.arrays(rows)
    if not items.size:
        return
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(indptr))
    order = np.arange(users.size) if ordered else rng.permutation(users.size)
    columns = users[order], items[order], values[order]
    with mock.patch.object(sgd, "_PARTS", ((0, n_parts),)):
        strata = stratify(*columns, len(rows), n_items, rng, serial)
    assert strata.n_parts == n_parts
    check(strata, *columns, len(rows), n_items)


@pytest.mark.parametrize(
    ("n_users", "n_items", "n_ratings", "n_parts", "item_type"),
    [
        (300, 200, 30_000, 4, np.uint16),
        (40, 30, 1_000, 1, np.uint16),
        (1, 25_000, 25_000, 4, np.uint16),
        (25_000, 1, 25_000, 4, np.uint16),
        (50, 2**16, 2_000, 1, np.uint16),
        (50, 2**16 + 1, 2_000, 1, np.int32),
        (50, 200_000, 20_000, 4, np.uint16),
        (50, 300_000, 20_000, 4, np.int32),
    ],
)
def test_stratify_chooses_parts_by_the_ratings_and_the_width_of_items_by_the_parts(
    n_users, n_items, n_ratings, n_parts, item_type
):
    rng = np.random.default_rng(3)
    pairs = rng.choice(n_users * n_items, n_ratings, replace=False)
    users, items = (codes.astype(np.int32) for codes in np.divmod(pairs, n_items))
    values = rng.normal(size=n_ratings).astype(np.float32)
    strata = stratify(users, items, values, n_users, n_items, rng, serial)
    assert strata.n_parts == n_parts
    assert strata.items.dtype == item_type
    check(strata, users, items, values, n_users, n_items)


def test_many_ratings_are_cut_finer():
    assert [next(parts for least, parts in sgd._PARTS if n >= least) for n in (1, 10**6, 10**8)] == [1, 4, 8]


def test_stratify_cuts_tiles_of_about_equal_weight():
    rng = np.random.default_rng(4)
    users, items, values = catalogue(rng, 300, 200, 0.8)
    strata = stratify(users, items, values, 300, 200, rng, serial)
    weights = np.zeros((4, 4))
    for (a, b, _), ratings in unpacked(strata).items():
        weights[a, b] += len(ratings)
    for side in (0, 1):
        assert weights.sum(axis=side).min() > 0.85 * values.size / 4


def test_strata_are_the_same_for_any_number_of_threads():
    users, items, values = catalogue(np.random.default_rng(4), 300, 200, 0.8)

    def cut(n_jobs):
        with workers(n_jobs) as run:
            return stratify(users, items, values, 300, 200, np.random.default_rng(5), run)

    for one, three in zip(cut(1), cut(3), strict=True):
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("n_items", [200, 300_000], ids=["two bytes", "four bytes"])
def test_a_whole_epoch_through_the_strata_equals_the_twin(n_items):
    rng = np.random.default_rng(5)
    n_users, k = 300, 3
    users, items, values = catalogue(rng, n_users, 200, 0.8)
    strata = stratify(users, items, values, n_users, n_items, rng, serial)
    n_parts = strata.n_parts
    assert n_parts > 1
    p, q = rng.normal(0, 0.5, (n_users, k)), rng.normal(0, 0.5, (n_items, k))
    twin = [p, q, np.zeros(n_users), np.zeros(n_items), np.ones(n_users), np.ones(n_items)]
    kernel = [padded(p), padded(q, 1)]
    for start in (np.zeros, np.ones):
        kernel += [start(n_users, np.float32), start(n_items + 1, np.float32)]
    shrinkage = [rng.uniform(0, 0.1, n).astype(np.float32) for n in (n_users, n_items + 1)]
    loss = expected = 0.0
    ratings = unpacked(strata)
    for shift in range(n_parts):
        for block in range(n_parts):
            part, ends = (block + shift) % n_parts, strata.user_cuts[block : block + 2]
            where = (strata.first_row(block, part), strata.item_cuts[part], *ends)
            loss += sgd_tile(
                strata.starts, strata.items, strata.values, *where, *kernel, 0.05, 0.02, *shrinkage, 1.0, k
            )
            tile = {u: ratings[block, part, u] for u in range(*ends)}
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
