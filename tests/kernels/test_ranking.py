import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.ranking import (
    area_under_curve,
    best_values,
    count_rows,
    mark_gains,
    mark_leading,
    mark_shared,
    mean_cosine,
)

N_ITEMS = 7
codes = st.integers(0, N_ITEMS - 1)
row = st.lists(codes, unique=True, max_size=N_ITEMS)
rows = st.lists(row, min_size=1, max_size=4)


def sparse_rows(lists):
    """Rows of item codes as they are, each entry with the value 1."""
    indptr, indices, _ = naive.arrays([[(item, 1.0) for item in each] for each in lists])
    return indptr, indices


def padded(lists, k):
    return np.array([(each + [-1] * k)[:k] for each in lists], np.int32)


@given(st.lists(st.tuples(row, st.dictionaries(codes, st.sampled_from([0.5, 1.0, 3.0]))), min_size=1, max_size=4))
def test_gains_are_those_of_the_listed_items_and_the_best_come_first(users):
    lists, wanted = zip(*users, strict=True)
    table = naive.arrays([sorted(each.items()) for each in wanted])
    items = padded(lists, 4)
    gains, best = np.empty(items.shape, np.float32), np.empty(items.shape, np.float32)
    mark_gains(items, *table, gains)
    best_values(table[0], table[2], best)
    for place, each in enumerate(wanted):
        assert gains[place].tolist() == [each.get(item, 0.0) for item in items[place].tolist()]
        assert best[place].tolist() == (sorted(each.values(), reverse=True) + [0.0] * 4)[:4]


@given(rows.flatmap(lambda one: st.tuples(st.just(one), st.lists(row, min_size=len(one), max_size=len(one)))))
def test_entries_in_both_tables_are_marked(tables):
    one, other = tables
    shared = np.zeros(sum(map(len, one)), np.bool_)
    mark_shared(*sparse_rows(one), *sparse_rows(other), shared)
    assert shared.tolist() == [item in theirs for mine, theirs in zip(one, other, strict=True) for item in mine]


@given(st.lists(st.lists(codes, max_size=9), min_size=1, max_size=4))
def test_each_row_counts_once_for_an_item(lists):
    counts = count_rows(*sparse_rows(lists), N_ITEMS)
    assert counts.tolist() == [sum(item in each for each in lists) for item in range(N_ITEMS)]


scores = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), min_size=N_ITEMS, max_size=N_ITEMS)


@given(st.lists(st.tuples(scores, st.lists(st.integers(0, N_ITEMS + 1), unique=True)), min_size=1, max_size=4))
def test_the_area_is_the_share_of_pairs_in_order(users):
    table, wanted = zip(*users, strict=True)
    # what is wanted is a candidate, or unknown; a code beyond the items is unknown
    wanted = [[i for i in each if i >= N_ITEMS or s[i] > -np.inf] for s, each in zip(table, wanted, strict=True)]
    areas = np.empty(len(users))
    area_under_curve(np.array(table, np.float32), *sparse_rows(wanted), areas)
    for found, each, given_scores in zip(areas, wanted, table, strict=True):
        candidates = {item: score for item, score in enumerate(given_scores) if score > -np.inf}
        assert found == pytest.approx(naive.auc(candidates, each), nan_ok=True)


@given(st.lists(st.tuples(row, row), min_size=1, max_size=4), st.permutations(range(N_ITEMS)), st.integers(1, 8))
def test_leading_items_are_the_first_of_the_order_that_a_user_does_not_have(users, order, n):
    lists, own = zip(*users, strict=True)
    items = padded(lists, 5)
    leading = np.empty(items.shape, np.bool_)
    mark_leading(items, np.array(order, np.int32), *sparse_rows(own), n, leading)
    for place, each in enumerate(own):
        first = [item for item in order if item not in each][:n]
        assert leading[place].tolist() == [item in first for item in items[place].tolist()]


vectors = st.lists(st.lists(st.sampled_from([0.0, 0.0, 1.0, -2.0]), min_size=3, max_size=3), min_size=5, max_size=5)


@given(vectors, rows)
def test_the_mean_cosine_is_that_of_all_pairs(vectors, lists):
    table = [[(c, value) for c, value in enumerate(vector) if value] for vector in vectors]
    indptr, indices, values = naive.arrays(table)
    cosines = np.empty(len(lists))
    mean_cosine(padded(lists, N_ITEMS), indptr, indices, values.astype(np.float64), 3, cosines)
    described = [*vectors, *([[0.0] * 3] * (N_ITEMS - 5))]  # an item beyond the rows is like no other
    for found, each in zip(cosines, lists, strict=True):
        assert 1 - found == pytest.approx(naive.diversity(each, described), nan_ok=True)
