import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_diversity
from foretaste.kernels.diversity import (
    calibrate,
    greedy_map,
    marginal_relevance,
    space_out,
    take_rows,
    value_vectors,
)

weights = st.sampled_from([0.125, 0.3, 0.5, 0.9, 1.0])
lengths = st.integers(1, 12)


def rows_of(sets):
    indptr, indices, _ = naive.arrays([[(value, 1.0) for value in each] for each in sets])
    return indptr, indices


def chosen_by(kernel, n, *given_arrays):
    chosen = np.full(n, -1, np.int32)
    kernel(*given_arrays, chosen)
    return chosen.tolist()


def random_candidates(seed, n=30, d=10):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d))
    return rng.random(n), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(naive_diversity.candidates(), weights, lengths)
def test_marginal_relevance_equals_its_twin(case, weight, n):
    scores, vectors = case
    n = min(n, scores.size)
    alike = naive_diversity.similarities(vectors)
    expected = naive_diversity.greedy(
        scores.size, n, lambda before, i: naive_diversity.relevance_gain(scores, alike, weight, before, i)
    )
    chosen = chosen_by(marginal_relevance, n, scores, vectors, weight)
    # candidates whose gains are the same number computed in two ways may change places
    assert chosen == expected or naive_diversity.is_greedy(
        chosen, scores.size, lambda before, i: naive_diversity.relevance_gain(scores, alike, weight, before, i)
    )
    assert len(set(chosen)) == n


@given(naive_diversity.candidates(), weights, lengths)
def test_greedy_map_chooses_what_maximises_the_determinant(case, weight, n):
    scores, vectors = case
    n = min(n, scores.size)
    alike = naive_diversity.similarities(vectors)

    def gain(before, i):
        return naive_diversity.determinant_gain(scores, alike, weight, before, i)

    chosen = chosen_by(greedy_map, n, scores, vectors, weight)
    n_found = len(naive_diversity.greedy(scores.size, n, gain))
    found, others = chosen[:n_found], chosen[n_found:]
    assert naive_diversity.is_greedy(found, scores.size, gain)
    # the rest have nothing new, and come by score
    assert all(gain(found, i) == -math.inf for i in others)
    left = [i for i in range(scores.size) if i not in found]
    assert others == sorted(left, key=lambda i: (-scores[i], i))[: len(others)]


@given(naive.seeds, weights)
def test_greedy_map_is_the_naive_choice_where_no_two_are_alike(seed, weight):
    scores, vectors = random_candidates(seed)
    alike = naive_diversity.similarities(vectors)
    expected = naive_diversity.greedy(
        scores.size, 8, lambda before, i: naive_diversity.determinant_gain(scores, alike, weight, before, i)
    )
    assert chosen_by(greedy_map, 8, scores, vectors, weight) == expected


@given(naive.seeds, weights)
def test_marginal_relevance_is_the_naive_choice_where_no_two_are_alike(seed, weight):
    scores, vectors = random_candidates(seed)
    alike = naive_diversity.similarities(vectors)
    expected = naive_diversity.greedy(
        scores.size, 8, lambda before, i: naive_diversity.relevance_gain(scores, alike, weight, before, i)
    )
    assert chosen_by(marginal_relevance, 8, scores, vectors, weight) == expected


def test_a_twin_comes_after_everything_that_is_new():
    vectors = np.array([[1.0, 0], [1, 0], [0, 0], [0, 1], [math.sqrt(0.5), math.sqrt(0.5)]])
    scores = np.array([1.0, 0.9, 0.1, 0.0, 0.2])
    # 0 first; 2 is like nothing; 4 (0.1 + 0.5 log 1/2) lies behind 3 (0), and is a mixture of 0 and 3 after it
    assert chosen_by(greedy_map, 5, scores, vectors, 0.5) == [0, 2, 3, 1, 4]


def test_mmr_by_hand():
    vectors = np.array([[1.0, 0], [0.8, 0.6], [0, 1]])
    scores = np.array([1.0, 0.9, 0.4])
    # beside 0: 0.5 * 0.9 - 0.5 * 0.8 = 0.05 against 0.5 * 0.4 - 0 = 0.2
    assert chosen_by(marginal_relevance, 3, scores, vectors, 0.5) == [0, 2, 1]
    # with 0.2: 0.8 * 0.9 - 0.2 * 0.8 = 0.56 against 0.32
    assert chosen_by(marginal_relevance, 3, scores, vectors, 0.2) == [0, 1, 2]


@given(naive_diversity.candidates(), lengths)
def test_with_all_the_weight_mmr_takes_the_farthest_first(case, n):
    scores, vectors = case
    alike = naive_diversity.similarities(vectors)
    chosen = chosen_by(marginal_relevance, min(n, scores.size), scores, vectors, 1.0)
    assert chosen[0] == 0  # nothing is far from nothing
    for place in range(1, len(chosen)):
        before = chosen[:place]
        nearest = {i: max(alike[i, j] for j in before) for i in range(scores.size) if i not in before}
        assert nearest[chosen[place]] <= min(nearest.values()) + 1e-9


def test_among_equals_the_first_is_chosen():
    scores, vectors = np.full(4, 0.5), np.eye(4)
    rows = rows_of([[0]] * 4)
    for weight in (0.3, 1.0):
        assert chosen_by(marginal_relevance, 4, scores, vectors, weight) == [0, 1, 2, 3]
        assert chosen_by(greedy_map, 4, scores, vectors, weight) == [0, 1, 2, 3]
        assert chosen_by(greedy_map, 4, scores, np.ones((4, 1)), weight) == [0, 1, 2, 3]
        assert chosen_by(calibrate, 4, scores, *rows, np.ones(1), weight) == [0, 1, 2, 3]


shares = st.lists(st.sampled_from([0, 0, 1, 2, 5]), min_size=5, max_size=5).filter(any)


@given(naive_diversity.valued(), shares, st.sampled_from([0.0, 0.3, 0.7, 1.0]), lengths)
def test_calibrate_equals_its_twin(case, wanted, weight, n):
    scores, sets = case
    n, wanted = min(n, scores.size), np.array(wanted) / sum(wanted)
    chosen = chosen_by(calibrate, n, scores, *rows_of(sets), wanted, weight)

    def gain(before, i):
        return naive_diversity.calibration_gain(scores, sets, wanted, weight, before, i)

    assert len(set(chosen)) == n
    assert naive_diversity.is_greedy(chosen, scores.size, gain)


def test_with_all_the_weight_the_shares_are_those_wanted():
    sets = [[0]] * 10 + [[1]] * 10
    scores = np.linspace(1, 0, 20)
    chosen = chosen_by(calibrate, 10, scores, *rows_of(sets), np.array([0.7, 0.3]), 1.0)
    assert sum(sets[i] == [0] for i in chosen) == 7
    assert chosen_by(calibrate, 10, scores, *rows_of(sets), np.array([0.7, 0.3]), 0.0) == list(range(10))


@given(naive_diversity.valued(), st.randoms(use_true_random=False), lengths, st.integers(1, 3), st.integers(1, 4))
def test_space_out_equals_its_twin_and_keeps_the_window(case, random, n, most, more):
    scores, sets = case
    order = list(range(scores.size))
    random.shuffle(order)
    slots = np.full(n, -1, np.int32)
    filled = space_out(np.array(order, np.int32), *rows_of(sets), 5, most, most + more, slots)
    placed = slots[:filled].tolist()
    assert placed == naive_diversity.space_out(order, sets, n, most, most + more)
    assert len(set(placed)) == filled
    assert not naive_diversity.breaks_window([sets[i] for i in placed], most, most + more)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([[0], [0], [0], [1], [1], [0]], [0, 1, 3, 4]),  # 2 and 5 wait for a fifth slot between that never comes
        ([[0], [0], [0], [1], [1], [2], [0]], [0, 1, 3, 4, 5, 2, 6]),  # until the first 0 has left the window
        ([[0], [0], [0], [], [], []], [0, 1, 3, 4, 5, 2]),
        ([[0, 1], [1, 2], [1], [0], [2]], [0, 1, 3, 4]),  # each of several values counts
    ],
)
def test_who_does_not_fit_waits_for_the_first_slot_where_it_does(sets, expected):
    slots = np.empty(10, np.int32)
    filled = space_out(np.arange(len(sets), dtype=np.int32), *rows_of(sets), 3, 2, 5, slots)
    assert slots[:filled].tolist() == expected


@given(naive_diversity.valued())
def test_products_of_value_vectors_are_the_cosines_of_sets(case):
    _, sets = case
    vectors = value_vectors(*rows_of(sets), 5)
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            common = len(set(one) & set(other))
            expected = common / math.sqrt(len(one) * len(other)) if common else 0.0
            if i != j:
                assert vectors[i] @ vectors[j] == pytest.approx(expected)


@given(naive.sparse(), st.data())
def test_rows_are_taken_in_the_order_of_their_names(case, data):
    rows, _ = case
    named = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    indptr, indices, _ = naive.arrays(rows)
    starts, taken = take_rows(indptr, indices, np.array(named, np.int32))
    expected = naive.arrays([rows[r] for r in named])
    assert starts.tolist() == expected[0].tolist()
    assert taken.tolist() == expected[1].tolist()
