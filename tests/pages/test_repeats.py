import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import foretaste as ft
import naive_repeats as naive
from foretaste.pages import BuyAgain
from foretaste.pages.crowd import Log
from foretaste.pages.repeats import Pairs, Pooled, Purchases, RepeatPurchases

SECONDS = 86_400
N_ITEMS = 3
CATEGORIES = [["a"], ["a", "b"], []]
SHARES = sparse.csr_array(np.array([[1, 0], [0.5, 0.5], [0, 0]]))
TIMINGS = ["log-normal", "poisson-gamma"]
events_of = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(0, 60, width=32)), min_size=1)


def log_of(events):
    users, items, days = zip(*events, strict=True)
    interactions = ft.Interactions.from_arrays(
        np.array(users), np.array(items), times=np.array(days) * SECONDS + 0.5, duplicates="keep"
    )
    return Log.of(interactions, ft.Vocabulary(range(N_ITEMS)))


def learned_from(events, day, **options):
    return RepeatPurchases(Purchases.of(log_of(events)), day, N_ITEMS, **options)


def regular(period, n_purchases, user=0, item=0, start=0.0):
    return [(user, item, start + period * number) for number in range(n_purchases)]


# Against the twin ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("categories", [None, SHARES], ids=["all alike", "categories"])
@given(events=events_of, day=st.integers(1, 70), shrinkage=st.sampled_from([0.5, 10.0]))
def test_what_is_learned_equals_the_twin(timing, categories, events, day, shrinkage):
    fast = learned_from(
        events, day, categories=categories, timing=timing, shrinkage=shrinkage, window=10.0, demand_shrinkage=2.0
    )
    names = CATEGORIES if categories is not None else [[]] * N_ITEMS
    slow = naive.learn(events, day, N_ITEMS, names, timing, shrinkage, 10.0, 2.0)
    for name in ("share", "weight", "log_gap", "within", "between", "shape", "rate", "demand", "n_repeats"):
        np.testing.assert_allclose(getattr(fast, name), slow[name], rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("timing", TIMINGS)
@given(events=events_of, later=st.floats(0, 90), horizon=st.floats(0.1, 60))
def test_probabilities_equal_the_twin(timing, events, later, horizon):
    fast = learned_from(events, 40, timing=timing, window=10.0)
    slow = naive.learn(events, 40, N_ITEMS, [[]] * N_ITEMS, timing, 10.0, 10.0, 20.0)
    own = [(item, day) for user, item, day in events if user == 0]
    items, days = np.array([item for item, _ in own], np.int32), np.array([day for _, day in own], np.float64)
    pairs = Pairs.of_user(items, days)
    now = float(np.floor(days.max(initial=0))) + later
    found = fast.probability(pairs, now, horizon)
    assert ((found >= 0) & (found <= 1)).all()
    bought = naive.purchase_days([(0, item, day) for item, day in own], 1e9)
    expected = [naive.probability(slow, item, bought[0, item], now, horizon) for item in pairs.items]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
    over = [naive.elapsed(slow, item, bought[0, item], now) for item in pairs.items]
    np.testing.assert_allclose(fast.elapsed(pairs, now), over, rtol=1e-6, atol=1e-12)


@given(events=events_of, day=st.integers(0, 70))
def test_purchases_of_everybody_and_of_one_are_the_same_pairs(events, day):
    pairs, _ = Purchases.of(log_of(events)).at(day)
    found = sorted(zip(*(column.tolist() for column in pairs), strict=True))
    expected = []
    for user in range(4):
        own = [(item, when) for other, item, when in events if other == user and np.floor(when) < day]
        items, days = np.array([item for item, _ in own], np.int32), np.array([when for _, when in own], np.float64)
        expected += zip(*(column.tolist() for column in Pairs.of_user(items, days)), strict=True)
    np.testing.assert_allclose(found, sorted(expected))


# Known answers -------------------------------------------------------------------------------------------------------


def test_what_is_bought_twice_in_a_day_is_bought_once():
    pairs = Pairs.of_user(np.array([2, 0, 0, 0], np.int32), np.array([9.1, 3.5, 3.9, 10.0]))
    assert pairs.items.tolist() == [0, 2]
    assert pairs.times.tolist() == [2, 1]
    assert (pairs.first.tolist(), pairs.last.tolist()) == ([3, 9], [10, 9])
    np.testing.assert_allclose(pairs.log_gaps, [np.log(7), 0])


def test_shares_by_hand():
    # item 0: bought by three, twice by one; item 1: by one, once
    learned = learned_from([*regular(10, 2), (1, 0, 0.0), (2, 0, 0.0), (0, 1, 0.0)], 30, shrinkage=2.0)
    np.testing.assert_allclose(learned.share, [(1 + 2 / 4) / (3 + 2), (0 + 2 / 4) / (1 + 2), 1 / 4])
    # of four pairs one came to a second purchase, and none of these to a third: (1 + 1) / (4 + 2), (0 + 1) / (1 + 2)
    assert learned.weight == 100


def test_a_category_stands_between_an_item_and_everybody():
    events = [*regular(10, 2), (1, 0, 0.0), (2, 2, 0.0), (3, 2, 0.0)]
    alone, helped = (learned_from(events, 30, categories=kinds, shrinkage=2.0) for kinds in (None, SHARES))
    everybody = 1 / 4
    assert alone.share[1] == everybody
    inside = (1 + 2 * everybody) / (2 + 2)  # of "a", which holds item 0 whole, and nothing is known of "b"
    np.testing.assert_allclose(helped.share[1], (inside + everybody) / 2)
    assert helped.share[2] == alone.share[2]


def test_without_values_means_are_zero():
    assert Pooled(2, None, 3.0).means(np.zeros(0, np.int32), np.zeros(0)).tolist() == [0, 0]


def test_nothing_is_expected_of_those_who_never_bought_a_thing_again():
    learned = learned_from([(0, 0, 1.0), (1, 0, 2.0), (0, 1, 3.0)], 30)
    pairs = Pairs.of_user(np.array([0, 1], np.int32), np.array([1.0, 3.0]))
    assert learned.probability(pairs, 40, 14).tolist() == [0, 0]
    assert learned.elapsed(pairs, 40).tolist() == [0, 0]


@pytest.mark.parametrize("timing", TIMINGS)
def test_toothpaste_comes_at_two_months_and_not_the_day_after(timing):
    events = [event for user in range(10) for event in regular(60, 6, user)]
    learned = learned_from(events, 301, timing=timing)
    pairs = Pairs.of_user(np.zeros(6, np.int32), np.arange(6) * 60.0)
    chance = {age: float(learned.probability(pairs, 300.0 + age, 7)[0]) for age in (1, 20, 60)}
    assert chance[1] < chance[20] < chance[60]
    if timing == "log-normal":  # in the other the last purchase moves one term of a long sum
        assert chance[1] < 0.001 * chance[60]


@pytest.mark.parametrize("timing", TIMINGS)
def test_more_purchases_of_the_same_rhythm_are_more_probable_to_go_on(timing):
    events = [event for user in range(4) for event in regular(20, 2 + user, user)] + [(0, 1, 5.0), (1, 2, 5.0)]
    learned = learned_from(events, 90, timing=timing)
    chances = [
        learned.probability(Pairs.of_user(np.zeros(n, np.int32), 100 - 20.0 * np.arange(n)), 115.0, 7)[0]
        for n in (2, 3, 5)
    ]
    assert chances[0] < chances[1] < chances[2]


def test_what_is_bought_again_less_these_days_is_less_probable():
    events = [event for user in range(4) for event in regular(10, 8, user, item=0)]  # ends at day 70
    events += [event for user in range(4) for event in regular(10, 10, user, item=1)]
    learned = learned_from(events, 100, demand_shrinkage=2.0)
    assert learned.demand[0] < 0.7 * learned.demand[1]


# Renewals whose period is known --------------------------------------------------------------------------------------


def renewals(spread, *, n_users=40, n_days=730, seed=0):
    """Purchases with gaps around a period of each pair's own, off by `spread` (as a share); and the periods."""
    rng, n_items = np.random.default_rng(seed), 20
    usual = np.exp(rng.uniform(np.log(10), np.log(90), n_items))
    events, periods = [], {}
    for user in range(n_users):
        for item in rng.choice(n_items, 5, replace=False):
            period = periods[user, item] = usual[item] * np.exp(0.3 * rng.normal())
            day = rng.uniform(0, period)
            while day < n_days:
                events.append((user, item, day))
                day += period * np.exp(spread * rng.normal() - spread**2 / 2)
    return events, periods


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("spread", [0.1, 0.2, 0.3])
def test_an_item_surfaces_within_a_fifth_of_its_true_period(spread, timing):
    events, periods = renewals(spread)
    users, items, days = (np.array(column) for column in zip(*events, strict=True))
    interactions = ft.Interactions.from_arrays(users, items, times=days * SECONDS, duplicates="keep")
    log = Log.of(interactions, ft.Vocabulary(range(20)))
    learned = RepeatPurchases(Purchases.of(log), 731.0, 20, timing=timing)
    row, (pairs, numbers) = BuyAgain(), Purchases.of(log).at(731.0)
    ages = np.arange(0, 240, 0.5)
    shown = np.array(
        [
            (learned.elapsed(pairs, pairs.last + age) >= row.ripe)
            & (learned.probability(pairs, pairs.last + age, 14) >= row.floor)
            for age in ages
        ]
    )
    order = np.lexsort((items, users))
    owners = dict.fromkeys(zip(log.users.encode(users[order]).tolist(), items[order].tolist(), strict=True))
    period = np.array([periods[log.users.decode_one(user), item] for user, item in sorted(owners)])[numbers]
    regulars = pairs.times >= 4
    assert regulars.sum() > 150
    assert not shown[ages <= 1][:, regulars].any()
    first = np.where(shown.any(axis=0), ages[shown.argmax(axis=0)], np.inf)
    assert np.mean(np.abs(first / period - 1)[regulars] <= 0.2) >= 0.9
