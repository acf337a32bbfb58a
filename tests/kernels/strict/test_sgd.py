import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foretaste.kernels.strict.sgd import LANES, independent_groups, svd_epoch


@st.composite
def ratings(draw, max_users=40, max_items=12):
    """Rows of items, some empty, some with an item twice; more users than are looked at side by side."""
    n_items = draw(st.integers(1, max_items))
    rows = draw(st.lists(st.lists(st.integers(0, n_items - 1), max_size=8), min_size=1, max_size=max_users))
    indptr = np.cumsum([0, *map(len, rows)])
    indices = np.array([item for row in rows for item in row], np.int32)
    return indptr, indices, np.arange(indices.size, dtype=np.float64), n_items


def places(codes, code):
    return [t for t, each in enumerate(codes) if each == code]


@given(ratings())
def test_a_group_shares_neither_user_nor_item(data):
    users, items, _, sizes = independent_groups(*data)
    assert sizes.sum() == users.size
    assert ((sizes >= 1) & (sizes <= LANES)).all()
    first = 0
    for size in sizes:
        assert len(set(users[first : first + size])) == len(set(items[first : first + size])) == size
        first += size


@given(ratings())
def test_groups_hold_every_rating_and_keep_the_order_of_each_user_and_item(data):
    indptr, indices, values, n_items = data
    users, items, placed, _ = independent_groups(*data)
    # values number the ratings in their order
    assert sorted(placed) == list(values)
    of_users = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    assert (users == of_users[placed.astype(int)]).all()
    assert (items == indices[placed.astype(int)]).all()
    for user in range(indptr.size - 1):
        assert (np.diff(placed[places(users, user)]) > 0).all()
    for item in range(n_items):
        assert (np.diff(placed[places(items, item)]) > 0).all()


def test_users_with_nothing_in_common_fill_every_group():
    n_users, n_each = 8, 5
    indices = np.arange(n_users * n_each, dtype=np.int32)
    indptr = np.arange(n_users + 1) * n_each
    *_, sizes = independent_groups(indptr, indices, np.ones(indices.size), indices.size)
    assert (sizes == LANES).all()


@given(ratings(), st.integers(0, 5), st.booleans(), st.integers(0, 2**32 - 1))
def test_an_epoch_is_that_of_one_rating_after_another_to_the_bit(data, n_factors, biased, seed):
    indptr, indices, values, n_items = data
    rng, n_users = np.random.default_rng(seed), indptr.size - 1
    rates, penalties, mean = rng.uniform(0, 0.1, 4), rng.uniform(0, 0.5, 4), rng.normal()
    values = values % 5 - 2.5
    kernel = [rng.normal(size=shape) for shape in (n_users, n_items, (n_users, n_factors), (n_items, n_factors))]
    b_u, b_i, p, q = (array.tolist() for array in kernel)
    for _ in range(2):
        svd_epoch(*independent_groups(indptr, indices, values, n_items), mean, biased, *kernel, rates, penalties)
        for u in range(n_users):
            for t in range(indptr[u], indptr[u + 1]):
                i, dot = indices[t], 0.0
                for x, y in zip(p[u], q[i], strict=True):
                    dot += y * x
                error = values[t] - (mean + b_u[u] + b_i[i] + dot)
                if biased:
                    b_u[u] += rates[0] * (error - penalties[0] * b_u[u])
                    b_i[i] += rates[1] * (error - penalties[1] * b_i[i])
                for f in range(n_factors):
                    x, y = p[u][f], q[i][f]
                    p[u][f] += rates[2] * (error * y - penalties[2] * x)
                    q[i][f] += rates[3] * (error * x - penalties[3] * y)
    for fast, slow in zip(kernel, (b_u, b_i, p, q), strict=True):
        assert (fast == np.reshape(slow, fast.shape)).all()
