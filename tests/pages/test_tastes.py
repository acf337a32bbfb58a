from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planted
from foretaste.pages.tastes import _FIRST_STEP, Taste, _numbered, tastes


def tastes_of(liked, *, at=None, model=None, every=1, merge_cost=0.4, min_group=4, n=6, known=None):
    """Numbers and members of the tastes of somebody who liked these items, one a day."""
    model = model or planted.world()[0]
    events = planted.events_of(liked, list(model.item_vocabulary_), every=every)
    visit = planted.visit(model, events, at or planted.START + timedelta(days=every * len(liked) + 1))
    space = visit.stage.space()
    found = tastes(
        visit,
        space,
        space.known if known is None else known,
        merge_cost=merge_cost,
        min_group=min_group,
        n=n,
    )
    items = model.item_vocabulary_
    return {taste.number: {items.decode_one(int(code)) for code in taste.members} for taste in found}


def of(genre, n, first=0):
    items = [item for item in planted.world()[0].item_vocabulary_ if item.startswith(genre)]
    return items[first : first + n]


def test_each_planted_genre_is_a_taste():
    liked = of("rock", 6) + of("jazz", 5) + of("folk", 4) + of("soul", 3)
    found = tastes_of(liked)
    assert sorted(found.values(), key=len) == [set(of("folk", 4)), set(of("jazz", 5)), set(of("rock", 6))]


def test_the_taste_of_most_weight_comes_first_and_only_n_are_kept():
    liked = of("rock", 8) + of("jazz", 5) + of("folk", 6)
    ages = (
        tastes_of(liked, n=2, every=1),  # rock is more, and older by two weeks of a half-life of half a year
        tastes_of(liked, n=2, every=40),  # older by two years
    )
    assert [[min(members).split("-")[0] for members in found.values()] for found in ages] == [
        ["rock", "folk"],
        ["folk", "jazz"],
    ]


def test_a_merge_cost_of_2_makes_one_taste_and_one_of_0_none():
    liked = of("rock", 6) + of("jazz", 6)
    assert list(tastes_of(liked, merge_cost=2.0).values()) == [set(liked)]
    assert tastes_of(liked, merge_cost=0.0) == {}


def test_items_whose_place_is_not_known_are_in_no_taste():
    model, _ = planted.world()
    known = np.ones(len(model.item_vocabulary_), bool)
    known[model.item_vocabulary_.encode_one("rock-0")] = False
    assert list(tastes_of(of("rock", 6), known=known).values()) == [set(of("rock", 6)) - {"rock-0"}]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_fewer_items_than_a_group_are_no_taste(n):
    assert tastes_of(of("rock", n)) == {}


def test_at_most_the_last_500_items_are_looked_at():
    model, _ = planted.world(n_of_each=520)
    items = [item for item in model.item_vocabulary_ if item.startswith("rock")]
    found = tastes_of(items, model=model)
    assert list(found.values()) == [set(items[-500:])]


@settings(max_examples=20)
@given(st.lists(st.sampled_from(planted.GENRES), min_size=8, max_size=90), st.integers(1, 6))
def test_a_taste_keeps_its_number_while_the_history_grows(genres, n_more):
    liked = [
        f"{genre}-{30 * planted.GENRES.index(genre) + genres[:place].count(genre) % 30}"
        for place, genre in enumerate(genres)
    ]
    before, now = (
        {number: min(members).split("-")[0] for number, members in tastes_of(history).items()}
        for history in (liked[:-n_more], liked)
    )
    assert before.items() <= now.items()


def test_numbers_hold_across_the_steps_though_the_order_by_weight_turns():
    rock, jazz = of("rock", 30), of("jazz", 30)
    liked = rock[:5] + jazz[:4] + rock[5:7]
    order = []
    for more in (jazz[4:20], rock[7:30], jazz[20:30]):  # past 16, 32 and 64 events: first the one leads, then the other
        liked = liked + more
        found = tastes_of(liked, every=20)
        order.append(list(found))
        assert found[1] <= set(rock)
        assert found[2] <= set(jazz)
    assert order == [[2, 1], [1, 2], [2, 1]]
    assert len(liked) > 3 * _FIRST_STEP


def test_a_new_taste_takes_a_number_that_nobody_had():
    liked = of("rock", 9) + of("jazz", 9)
    assert set(tastes_of(liked)) == {1, 2}
    found = tastes_of(liked + of("folk", 5))
    assert found[3] == set(of("folk", 5))
    assert found[1] | found[2] == set(liked)


def test_a_number_that_somebody_knows_is_given_away_last():
    def taste(axis, number=0):
        members = np.arange(4, dtype=np.int32)
        return Taste(number, members, np.eye(4, dtype=np.float32)[axis], np.ones(4, np.float32), 1.0, axis)

    before = [taste(0, 1), taste(1, 2)]
    assert [each.number for each in _numbered([taste(1), taste(2)], before, 6)] == [2, 3]
    assert [each.number for each in _numbered([taste(2), taste(3), taste(1)], before, 3)] == [3, 1, 2]


def test_where_all_numbers_are_taken_the_new_one_gets_that_of_the_one_it_displaces():
    liked = of("rock", 9) + of("jazz", 9)
    found = tastes_of(liked + of("folk", 12), n=2, every=40)
    assert set(found) == {1, 2}
    assert found[2] == set(of("jazz", 9))
    assert found[1] == set(of("folk", 12))


def test_weight_is_that_of_the_members_and_the_most_typical_comes_first():
    model, _ = planted.world()
    events = planted.events_of(of("rock", 5), list(model.item_vocabulary_), every=180)
    visit = planted.visit(model, events, planted.START + timedelta(days=1000))
    space = visit.stage.space()
    (taste,) = tastes(visit, space, space.known, merge_cost=0.4, min_group=4, n=6)
    # one every half-life of 180 days: 1 for the last, 1/2 for the one before, and so on
    assert taste.weight == pytest.approx(1 + 1 / 2 + 1 / 4 + 1 / 8 + 1 / 16)
    weights = dict(zip(model.item_vocabulary_.encode(of("rock", 5)).tolist(), 2.0 ** np.arange(-4, 1), strict=True))
    centre = np.sum([weights[code] * space.vectors[code] for code in weights], axis=0)
    centre /= np.linalg.norm(centre)
    np.testing.assert_allclose(taste.centre, centre, rtol=1e-5)
    np.testing.assert_allclose(taste.nearness, space.vectors[taste.members] @ centre, rtol=1e-5)
    typical = sorted(weights, key=lambda code: -weights[code] * float(space.vectors[code] @ centre))
    assert taste.members.tolist() == typical
