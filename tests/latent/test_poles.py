"""Names of ends: the tests behind them, and that there is no name without evidence."""

import math
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom, mannwhitneyu, norm, pearson3, rankdata, skew

import naive_latent as naive
from foretaste.latent._attributes import Attributes
from foretaste.latent._poles import UNNAMED, _Tests, holm, poles_of, rank_sum_p_value


def attributes_of(values, binary):
    names = tuple(f"column={place}" for place in range(values.shape[1]))
    words = tuple(f"word {place}" for place in range(values.shape[1]))
    codes = np.arange(len(values), dtype=np.int32)
    return Attributes(codes, names, words, np.array(binary), values)


def poles(places, values, binary, n_extreme=20, alpha=0.05):
    ids = pl.Series([f"item {place}" for place in range(len(values))])
    names = tuple(f"component {number}" for number in range(1, places.shape[1] + 1))
    return poles_of(names, places, ids, attributes_of(values, binary), n_extreme=n_extreme, alpha=alpha, grain=1e-7)


@given(st.integers(4, 9), st.data())
def test_over_representation_is_the_share_of_draws_with_as_many(n_all, data):
    n_having = data.draw(st.integers(1, n_all - 1))
    n_drawn = data.draw(st.integers(1, n_all - 1))
    items = np.array(data.draw(st.permutations(range(n_all)))[:n_drawn])
    having = (np.arange(n_all) < n_having).astype(float)
    chance = _Tests(attributes_of(having[:, None], [True])).p_values([items])
    expected = naive.overlap_chance(n_all, n_having, n_drawn, int(having[items].sum()))
    assert chance.tolist() == [pytest.approx([expected])]


@given(st.integers(0, 9999))
def test_rank_sums_without_ties_are_those_of_scipy_without_its_correction_for_steps(seed):
    rng = np.random.default_rng(seed)
    values, items = rng.permutation(40).astype(float), rng.permutation(40)[:12]
    others = np.setdiff1d(np.arange(40), items)
    expected = mannwhitneyu(
        values[items], values[others], alternative="greater", method="asymptotic", use_continuity=False
    ).pvalue
    assert rank_sum_p_value(rankdata(values), items) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 9999))
def test_rank_sums_with_ties_have_the_moments_of_all_draws(seed):
    rng = np.random.default_rng(seed)
    ranks, n = rankdata(rng.integers(0, 3, 10)), int(rng.integers(1, 9))
    items = rng.permutation(10)[:n]
    sums = np.array([sum(draw) for draw in combinations(ranks, n)])
    if sums.std() > 0:
        z, g = (ranks[items].sum() - sums.mean()) / sums.std(), skew(sums)
        expected = norm.sf(z) if abs(g) < 1e-6 else pearson3.sf(z, g)
        assert rank_sum_p_value(ranks, items) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_rank_sums_come_near_to_all_draws():
    values, items = [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], np.array([4, 7, 8, 10, 11])
    exact = naive.exact_rank_sum_chance(values, items)
    assert rank_sum_p_value(rankdata(values), items) == pytest.approx(exact, abs=0.02)


def test_a_number_that_hardly_any_item_has_is_no_easy_evidence():
    values, items = np.zeros(1000), np.arange(50)
    values[[0, 1, 2, 3, 4, 5, *range(100, 114)]] = 1  # 6 of 20 among 50 of 1,000
    exact = hypergeom.sf(5, 1000, 20, 50)
    assert rank_sum_p_value(rankdata(values), items) == pytest.approx(exact, rel=0.1)  # a normal one would say 1e-7


def test_rank_sums_of_what_is_all_the_same_or_unknown_are_no_evidence():
    assert rank_sum_p_value(np.ones(10), np.arange(3)) == 1
    assert rank_sum_p_value(np.array([np.nan] * 5 + [1.0, 2.0]), np.arange(3)) == 1


def test_holm_by_hand():
    # 0.01 * 4; 0.02 * 3; 0.03 * 2, not below 0.06; 0.5 * 1
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.5, 0.02])), [0.06, 0.04, 0.5, 0.06])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]


def world(seed=0, n=400):
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(n, 2))
    drama = (places[:, 0] + rng.normal(0, 0.7, n) > 0.8).astype(float)
    year = places[:, 1] + rng.normal(0, 0.7, n)
    nothing = (rng.random(n) < 0.3).astype(float)
    length = np.linalg.norm(places, axis=1)  # what both ends of both coordinates have more of
    return places, np.column_stack((drama, year, nothing, length)), [True, False, True, False]


def test_ends_are_named_by_what_was_put_there_and_by_nothing_else():
    low_first, high_first, low_second, high_second = poles(*world())
    assert (low_first.end, high_first.end, high_second.coordinate) == ("low", "high", "component 2")
    assert high_first.name == "word 0"
    assert (low_second.name, high_second.name) == ("low word 1", "high word 1")
    assert low_first.name == UNNAMED  # few dramas there; but to be few is nothing to be named by


def test_what_both_ends_have_more_of_is_evidence_and_no_name():
    for pole in poles(*world()):
        of_length = [each for each in pole.evidence if each.word == "high word 3"]
        assert of_length
        assert of_length[0].both_ends
        assert "word 3" not in pole.name


def test_extreme_items_come_from_the_outermost_inwards():
    places, values, binary = world()
    low, high = poles(places[:, :1], values, binary, n_extreme=5)
    np.testing.assert_array_equal(low.values, np.sort(places[:, 0])[:5])
    np.testing.assert_array_equal(high.values, np.sort(places[:, 0])[::-1][:5])
    assert high.items[0] == f"item {places[:, 0].argmax()}"


def test_evidence_says_how_much_more():
    places, values, binary = world()
    high = poles(places, values, binary)[1]
    outermost = np.argsort(-places[:, 0])[:20]
    assert high.evidence[0].attribute == "column=0"
    assert high.evidence[0].among == pytest.approx(values[outermost, 0].mean())
    assert high.evidence[0].overall == pytest.approx(values[:, 0].mean())
    assert high.evidence[0].p_value < high.evidence[0].corrected < 0.05


def test_without_anything_in_it_hardly_a_world_gets_a_name():
    named = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = np.column_stack([(rng.random((300, 8)) < 0.2).astype(float), rng.normal(size=(300, 2))])
        found = poles(rng.normal(size=(300, 5)), values, [True] * 8 + [False] * 2)
        named += any(pole.name != UNNAMED for pole in found)
    assert named <= math.ceil(60 * 0.05) + 2


def test_items_in_one_place_are_at_no_end():
    places, values, binary = world()
    places[:, 0] = np.maximum(places[:, 0], 0)  # half of the items lie where the lowest do
    values = values[np.argsort(-values[:, 0], kind="stable")]  # and the order of the catalogue tells the dramas
    low, high = poles(places[:, :1], values, binary)
    assert (low.name, len(low.items), low.evidence) == (UNNAMED, 0, ())
    assert len(high.items) == 20
    for pole in poles(np.full((400, 1), 0.3), values, binary, n_extreme=400):
        assert (pole.name, len(pole.items)) == (UNNAMED, 0)


def test_of_items_in_one_place_all_are_at_an_end_or_none():
    values = np.column_stack([np.arange(12.0)])
    places = np.array([0.0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 7 + 1e-12])
    low, high = poles(places[:, None], values, [False], n_extreme=3)
    assert low.items.to_list() == ["item 0", "item 1"]
    assert high.items.to_list() == ["item 11", "item 10", "item 9"]
