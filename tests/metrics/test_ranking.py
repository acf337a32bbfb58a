"""Each metric against its twin, by hand, and what must hold of all of them."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

import naive
from foretaste.exceptions import DataError
from foretaste.metrics import ranking

# name -> (a function of hits and number wanted, its twin)
BINARY = {
    "precision": (lambda hits, _: ranking.precision(hits), naive.precision),
    "recall": (ranking.recall, naive.recall),
    "recall_capped": (ranking.recall_capped, naive.recall_capped),
    "hit_rate": (lambda hits, _: ranking.hit_rate(hits), naive.hit_rate),
    "reciprocal_rank": (lambda hits, _: ranking.reciprocal_rank(hits), naive.mrr),
    "average_precision": (ranking.average_precision, naive.map_),
    "average_precision_capped": (ranking.average_precision_capped, naive.map_capped),
    "ndcg": (ranking.ndcg, naive.ndcg),
}
# Where a list of hits alone reaches 1 whatever the number wanted; the others need k >= n.
REACH_ONE = ["precision", "recall_capped", "hit_rate", "reciprocal_rank", "average_precision_capped", "ndcg"]

binary = pytest.mark.parametrize("name", BINARY)
item = st.integers(0, 9)
users = st.lists(
    st.tuples(
        st.lists(item, unique=True, min_size=6, max_size=6),
        st.dictionaries(item, st.sampled_from([0.0, 1.0, 2.5, 5.0]), min_size=1),
    ),
    min_size=1,
    max_size=4,
)


def hits_of(users, k):
    return [[item in wanted for item in listed[:k]] for listed, wanted in users], [len(wanted) for _, wanted in users]


@binary
@given(users, st.integers(1, 6))
def test_a_metric_equals_its_twin(name, users, k):
    compute, twin = BINARY[name]
    assert compute(*hits_of(users, k)) == pytest.approx([twin(listed, wanted, k) for listed, wanted in users])


@given(users, st.integers(1, 6))
def test_graded_ndcg_equals_its_twin_and_scikit_learn(users, k):
    gains = [[wanted.get(item, 0.0) for item in listed[:k]] for listed, wanted in users]
    ideal = [(sorted(wanted.values(), reverse=True) + [0.0] * k)[:k] for _, wanted in users]
    found = ranking.graded_ndcg(gains, ideal)
    assert found == pytest.approx([naive.graded_ndcg(listed, wanted, k) for listed, wanted in users], nan_ok=True)
    for value, (listed, wanted) in zip(found, users, strict=True):
        if not math.isnan(value):
            order = listed + [item for item in range(10) if item not in listed]
            truth, scores = [wanted.get(item, 0.0) for item in order], [-place for place in range(10)]
            assert value == pytest.approx(ndcg_score([truth], [scores], k=k))


@given(users, st.integers(1, 6))
def test_graded_ndcg_of_equal_gains_is_ndcg(users, k):
    hits, counts = hits_of(users, k)
    ideal = [[float(rank < count) for rank in range(k)] for count in counts]
    assert ranking.graded_ndcg(hits, ideal) == pytest.approx(ranking.ndcg(hits, counts))


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 1.5, 9.0]), st.booleans()), min_size=2, max_size=9))
def test_auc_equals_scikit_learn(candidates):
    scores, relevant = zip(*candidates, strict=True)
    found = ranking.auc([scores], [relevant])[0]
    if len(set(relevant)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(roc_auc_score(relevant, scores))
        assert ranking.auc([np.negative(scores)], [relevant])[0] == pytest.approx(1 - found)


def test_by_hand():
    # at ranks 1 to 5 the second and the fifth hit; four were wanted
    hits, n = [[0, 1, 0, 0, 1]], [4]
    by_hand = {
        "precision": 2 / 5,
        "recall": 2 / 4,
        "recall_capped": 2 / 4,
        "hit_rate": 1,
        "reciprocal_rank": 1 / 2,
        "average_precision": (1 / 2 + 2 / 5) / 4,
        "average_precision_capped": (1 / 2 + 2 / 5) / 4,
        "ndcg": (1 / math.log2(3) + 1 / math.log2(6)) / (1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)),
    }
    assert by_hand.keys() == BINARY.keys()
    for name, expected in by_hand.items():
        assert BINARY[name][0](hits, n) == pytest.approx([expected])
    # cut off at 3, where only three of the four could be: one hit
    short = {"recall": 1 / 4, "recall_capped": 1 / 3, "average_precision": 1 / 8, "average_precision_capped": 1 / 6}
    for name, expected in short.items():
        assert BINARY[name][0](np.array(hits)[:, :3], n) == pytest.approx([expected])
    assert ranking.ndcg([[0, 1, 0]], n) == pytest.approx([(1 / math.log2(3)) / (1 + 1 / math.log2(3) + 1 / 2)])


@binary
@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 5))
def test_a_metric_lies_between_0_and_1(name, hits, missed):
    assume(any(hits) or missed)
    value = BINARY[name][0]([hits], [sum(hits) + missed])[0]
    assert 0 <= value <= 1
    assert (value == 0) == (not any(hits))


@binary
@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 5), st.data())
def test_a_hit_more_or_one_further_up_never_lowers_a_metric(name, hits, missed, data):
    compute, n = BINARY[name][0], sum(hits) + missed + 1
    before = compute([hits], [n])[0]
    place = data.draw(st.integers(0, len(hits) - 1))
    if not hits[place]:
        more = [*hits[:place], True, *hits[place + 1 :]]
        assert compute([more], [n])[0] >= before - 1e-12
    if place and hits[place] and not hits[place - 1]:
        up = [*hits[: place - 1], True, False, *hits[place + 1 :]]
        assert compute([up], [n])[0] >= before - 1e-12


@binary
@pytest.mark.parametrize(("k", "n"), [(1, 1), (3, 3), (5, 2), (2, 5)])
def test_a_perfect_list_has_1_wherever_the_definition_lets_it(name, k, n):
    hits = [[rank < n for rank in range(k)]]
    value = BINARY[name][0](hits, [n])[0]
    if name == "precision":
        assert value == min(k, n) / k
    elif name in REACH_ONE or k >= n:
        assert value == pytest.approx(1)
    else:
        assert value == pytest.approx(k / n)


@binary
def test_users_do_not_touch_each_other(name):
    compute = BINARY[name][0]
    hits, n = np.random.default_rng(0).random((6, 4)) < 0.5, np.arange(4, 10)
    order = [3, 0, 5, 1, 4, 2]
    np.testing.assert_array_equal(compute(hits, n)[order], compute(hits[order], n[order]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ranking.precision([1, 0]), r"a row a user and a column a rank are needed, got .* shape \(2,\)"),
        (lambda: ranking.precision(np.empty((2, 0))), "a row a user and a column a rank"),
        (lambda: ranking.recall([[1, 0]], [0]), "'n_relevant' must hold a number of at least 1 for each of 1 users"),
        (lambda: ranking.ndcg([[1, 0]], [1, 2]), "'n_relevant' must hold"),
        (lambda: ranking.graded_ndcg([[1.0]], [[1.0, 0.0]]), "gains and ideal gains must have the same shape"),
        (lambda: ranking.auc([[1.0]], [[True, False]]), "scores and relevance must be tables of the same shape"),
    ],
)
def test_what_cannot_be_measured_says_so(call, message):
    with pytest.raises(DataError, match=message):
        call()
