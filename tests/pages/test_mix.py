import hashlib
import itertools
import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foretaste as ft
import naive_mixes
import planted
from foretaste import pages
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.mix import _merged, gumbels, in_turn, telling
from foretaste.pages.tastes import tastes
from foretaste.pages.visit import Visit, Visitor

MORNING = planted.START + timedelta(days=30, hours=8)


def liked_of(**counts):
    """So many items of each genre, the genres in turns."""
    model, _ = planted.world()
    items = [[item for item in model.item_vocabulary_ if item.startswith(genre)][:n] for genre, n in counts.items()]
    return [each[turn] for turn in range(max(counts.values())) for each in items if turn < len(each)]


def visit_of(liked, at=MORNING, *, every=0.1, frame=None, **arguments):
    model, items = planted.world()
    events = planted.events_of(liked, list(model.item_vocabulary_), every=every)
    return planted.visit(model, events, at, frame=items if frame is None else frame, **arguments)


def drafts_of(visit, allowed=None, **parameters):
    mix = pages.Mix(attribute="genres", **parameters)
    return mix.drafts(visit, visit.eligible if allowed is None else allowed)


def lists_of(visit, **parameters):
    """The items of each mix by its number."""
    items = visit.stage.catalogue.items
    return {
        draft.evidence["number"]: [items.decode_one(int(code)) for code in draft.codes]
        for draft in drafts_of(visit, **parameters)
    }


LIKED = liked_of(rock=12, jazz=9, folk=6, soul=2)


def test_each_mix_is_of_one_planted_genre_and_says_so():
    visit = visit_of(LIKED)
    drafts = drafts_of(visit)
    assert [draft.title for draft in drafts] == ["Mix 1: rock", "Mix 2: jazz", "Mix 3: folk"]
    assert [draft.evidence for draft in drafts] == [
        {"number": 1, "tags": ["rock"]},
        {"number": 2, "tags": ["jazz"]},
        {"number": 3, "tags": ["folk"]},
    ]
    for items, genre in zip(lists_of(visit).values(), ("rock", "jazz", "folk"), strict=True):
        assert {item.split("-")[0] for item in items} == {genre}


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(list(planted.world()[0].item_vocabulary_)), unique=True, max_size=60),
    st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    st.sampled_from([0.0, 0.15, 1.0]),
    st.integers(1, 40),
    st.lists(st.sampled_from(list(planted.world()[0].item_vocabulary_)), max_size=20),
)
def test_what_holds_of_every_mix(liked, familiar, chance, size, blocked):
    visit = visit_of(liked, visitor=Visitor(blocked=blocked))
    drafts = drafts_of(visit, familiar=familiar, chance=chance, size=size, min_items=1)
    codes = [code for draft in drafts for code in draft.codes.tolist()]
    assert len(codes) == len(set(codes))  # an item is in one mix only
    assert visit.eligible[codes].all()
    for draft in drafts:
        assert draft.codes.size <= size
        had = visit.seen[draft.codes]
        assert had.all() if familiar == 1 else not had.any() if familiar == 0 else True
        # in proportion as far as there are both
        both = min(np.flatnonzero(had).max(initial=-1), np.flatnonzero(~had).max(initial=-1)) + 1
        shares = np.abs(np.cumsum(had[:both]) - familiar * np.arange(1, both + 1))
        assert shares.max(initial=0) <= 0.5 + 1e-9
        for part in (had, ~had):
            assert (np.diff(draft.scores[part]) <= 1e-5).all()
        if chance:
            assert ((draft.probabilities > 0) & (draft.probabilities <= 1)).all()
        else:
            assert draft.probabilities is None


def test_what_was_had_and_not_liked_is_in_no_mix():
    model, items = planted.world()
    frame = pl.DataFrame(
        {"user": "an", "item": LIKED, "rating": [1.0 if place % 4 == 0 else 5.0 for place in range(len(LIKED))]}
    )
    others = pl.DataFrame({"user": "bo", "item": list(model.item_vocabulary_), "rating": 3.0})
    events = ft.Interactions.from_frame(pl.concat([frame, others]))
    visit = planted.visit(model, events, MORNING, frame=items)
    shown = {item for items in lists_of(visit).values() for item in items}
    assert len(shown & set(frame.filter(rating=5)["item"])) > 10
    assert not shown & set(frame.filter(rating=1)["item"])


def test_what_only_the_visitor_had_makes_no_mix_unless_likeness_is_of_content():
    model, items = planted.world()
    others = [item for item in model.item_vocabulary_ if not item.startswith("jazz")]
    events = planted.events_of(liked_of(rock=6, jazz=6), others, every=0.1)
    titles = [draft.title for draft in drafts_of(planted.visit(model, events, MORNING, frame=items))]
    assert titles == ["Mix 1: rock"]
    by_content = pages.Settings(space="content", attributes=("genres",))
    visit = planted.visit(model, events, MORNING, frame=items, settings=by_content)
    assert sorted(draft.title for draft in drafts_of(visit)) == ["Mix 1: rock", "Mix 2: jazz"]


def test_the_list_is_the_same_all_day_and_another_tomorrow():
    now = lists_of(visit_of(LIKED))
    assert now == lists_of(visit_of(LIKED, MORNING.replace(hour=23, minute=59)))
    tomorrow = lists_of(visit_of(LIKED, MORNING + timedelta(days=1)))
    assert now.keys() == tomorrow.keys()
    for number, items in now.items():
        assert items[:12] != tomorrow[number][:12]


def test_without_chance_tomorrow_is_like_today():
    now, tomorrow = (lists_of(visit_of(LIKED, at), chance=0) for at in (MORNING, MORNING + timedelta(days=1)))
    assert now == tomorrow


def test_events_of_the_day_itself_change_nothing_until_the_next():
    evening = MORNING.replace(hour=20)
    more = LIKED + liked_of(soul=12)[2:]
    every = 0.1

    def at(moment):
        before = [item for place, item in enumerate(more) if place < len(LIKED)]
        model, items = planted.world()
        own = [("an", item, planted.START + timedelta(days=every * place)) for place, item in enumerate(before)]
        own += [
            ("an", item, MORNING + timedelta(hours=1, minutes=place)) for place, item in enumerate(more[len(LIKED) :])
        ]
        own += [("bo", item, planted.START - timedelta(days=9)) for item in model.item_vocabulary_]
        users, ids, times = zip(*own, strict=True)
        frame = pl.DataFrame({"user": users, "item": ids, "time": times})
        return lists_of(planted.visit(model, ft.Interactions.from_frame(frame, rating=None), moment, frame=items))

    assert at(evening) == at(MORNING)
    assert sorted(at(MORNING + timedelta(days=1))) == [1, 2, 3, 4]


def test_on_the_first_day_it_is_made_of_what_there_is():
    first_day = planted.START + timedelta(hours=23)
    visit = visit_of(LIKED, first_day, every=0.01)
    assert visit.morning is visit
    assert len(lists_of(visit)) == 3


def test_a_group_under_min_group_and_a_stranger_have_no_mix():
    assert drafts_of(visit_of(liked_of(rock=3, jazz=3))) == []
    assert len(drafts_of(visit_of(liked_of(rock=4, jazz=3)))) == 1
    assert len(drafts_of(visit_of(liked_of(rock=4, jazz=3)), min_group=3)) == 2
    assert drafts_of(visit_of(LIKED, user="nobody")) == []


def test_nothing_that_may_not_be_shown_is_named_in_a_title():
    visit = visit_of(LIKED)
    title = "{number}: {examples}"
    (draft, *_) = drafts_of(visit, title=title)
    first = draft.title.removeprefix("1: ").split(",")[0]
    blocked = visit_of(LIKED, visitor=Visitor(blocked=[first.lower()]))
    assert first not in drafts_of(blocked, title=title)[0].title
    assert drafts_of(blocked, title=title)[0].title.endswith(" and more")


def test_where_no_value_stands_out_the_title_names_examples():
    frame = planted.world()[1].with_columns(genres=pl.lit(["music"]))
    for draft in drafts_of(visit_of(LIKED, frame=frame)):
        genre = visit_of(LIKED).stage.catalogue.titles[draft.codes[0]].split("-")[0]
        assert draft.title.startswith(f"Mix {draft.evidence['number']}: {genre}-")
        assert draft.title.endswith(" and more")
        assert draft.evidence["tags"] == []


def test_terms_are_the_blend_and_chance_and_similarity_is_with_the_mix():
    visit = visit_of(LIKED)
    space = visit.stage.space()
    found = tastes(visit.morning, space, space.known, merge_cost=0.4, min_group=4, n=6)
    centres = {taste.number: taste.centre for taste in found}
    blend = pages.Blend(predicted=1, similarity=0.5)
    for draft in drafts_of(visit, blend=blend):
        assert list(draft.terms) == ["predicted", "similarity", "chance"]
        np.testing.assert_allclose(draft.terms["predicted"], visit.signal("predicted")[draft.codes])
        cosines = space.vectors[draft.codes] @ centres[draft.evidence["number"]]
        np.testing.assert_allclose(draft.terms["similarity"], 0.5 * cosines, rtol=1e-4)
        luck = gumbels(f"an {draft.evidence['number']} {MORNING.date()}", draft.codes)
        np.testing.assert_allclose(draft.terms["chance"], 0.15 * luck, rtol=1e-5)


def test_what_is_farther_from_the_centre_than_most_members_is_in_no_mix():
    visit = visit_of(LIKED)
    space = visit.stage.space()
    drafts = {draft.evidence["number"]: draft.codes for draft in drafts_of(visit)}
    found = tastes(visit.morning, space, space.known, merge_cost=0.4, min_group=4, n=6)
    for taste in found:
        border = np.percentile(taste.nearness, 20, method="lower") - 1e-6
        near = np.flatnonzero(space.to(taste.centre) >= border)
        assert near.size < 30
        assert set(drafts[taste.number].tolist()) == set(near.tolist())


def test_a_page_shows_what_was_had_in_mixes_alone_and_no_item_twice():
    model, items = planted.world()
    layout = pages.Layout(row=(pages.Mix(attribute="genres"), pages.Top()), columns=8)
    composer = pages.Composer(model, planted.events_of(LIKED, list(model.item_vocabulary_), every=0.1), layout, items)
    page = composer.compose("an", MORNING)
    assert sorted(row.kind for row in page) == ["mix", "mix", "mix", "top"]
    shown = [slot.item for row in page for slot in row]
    assert len(shown) == len(set(shown))
    assert page.rows == composer.compose("an", MORNING.replace(hour=12)).rows
    for row in page:
        had = {slot.item for slot in row} & set(LIKED)
        assert bool(had) == (row.kind == "mix")
        assert any(slot.probability < 1 for slot in row) == (row.kind == "mix")


def test_drawing_follows_the_probabilities():
    codes, logits = np.arange(4, dtype=np.int32), np.log([0.4, 0.3, 0.2, 0.1])
    orders = np.array([np.argsort(-(logits + gumbels(f"an 1 {day}", codes))) for day in range(6000)])
    first = np.bincount(orders[:, 0], minlength=4) / len(orders)
    np.testing.assert_allclose(first, [0.4, 0.3, 0.2, 0.1], atol=0.02)
    of_those = orders[orders[:, 0] == 0]  # after the first is gone the others have 3/6, 2/6 and 1/6
    second = np.bincount(of_those[:, 1], minlength=4) / len(of_those)
    np.testing.assert_allclose(second, [0, 3 / 6, 2 / 6, 1 / 6], atol=0.03)


def test_luck_is_the_items_own_and_that_of_gumbel():
    codes = np.arange(100_000, dtype=np.int32)
    luck = gumbels("an 1 2026-01-31", codes)
    np.testing.assert_array_equal(gumbels("an 1 2026-01-31", codes[[7, 99]]), luck[[7, 99]])
    assert luck.mean() == pytest.approx(0.5772, abs=0.02)  # Euler's constant
    assert luck.var() == pytest.approx(np.pi**2 / 6, abs=0.03)
    others = [gumbels(seed, codes) for seed in ("an 2 2026-01-31", "bo 1 2026-01-31", "an 1 2026-02-01")]
    assert np.abs(np.corrcoef([luck, luck[np.arange(-1, 99_999)], *others])[0, 1:]).max() < 0.02


def test_luck_is_the_same_on_every_machine():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]  # of the seed 1234567
    assert [naive_mixes.split_mix(1234567, place) for place in range(3)] == published
    seed = int.from_bytes(hashlib.blake2b(b"an 1 2026-01-31", digest_size=8).digest(), "little")
    places = [0, 1, 77, 99_999]
    uniform = [((naive_mixes.split_mix(seed, place) >> 11) + 0.5) / 2**53 for place in places]
    expected = [-math.log(-math.log(number)) for number in uniform]
    np.testing.assert_allclose(gumbels("an 1 2026-01-31", np.array(places, np.int32)), expected, rtol=1e-12)


@given(st.lists(st.floats(-40, 40), max_size=30))
def test_the_chance_in_turn_equals_its_twin(logits):
    np.testing.assert_allclose(in_turn(np.array(logits)), naive_mixes.chances_in_turn(logits), rtol=1e-9)


def test_seven_of_ten_are_of_the_first_list():
    is_first = np.arange(40) < 20
    order = _merged(is_first, 0.7)
    assert is_first[order][:10].tolist() == [True, False, True, True, False, True, True, True, False, True]
    assert is_first[order][:20].sum() == 14
    assert order[is_first[order]].tolist() == list(range(20))


def test_tags_are_those_frequent_here_and_twice_as_frequent_as_elsewhere():
    values = [["rock", "indie rock", "seen live"]] * 6 + [["rock", "live"]] * 2 + [["jazz", "seen live"]] * 8
    frame = pl.DataFrame({"item": range(16), "tags": values})
    attribute = Catalogue(ft.Vocabulary(range(16)), frame).attribute("tags")
    first, rest = np.arange(8, dtype=np.int32), np.arange(8, 16, dtype=np.int32)
    others = [(attribute.counts(rest), 8)]
    # "indie rock" holds "rock"; "live" stands on a quarter, and within "seen live", which is more frequent elsewhere
    assert telling(attribute, attribute.counts(first), 8, others) == ("rock", "live")
    assert telling(attribute, attribute.counts(rest), 8, [(attribute.counts(first), 8)]) == ("jazz",)
    everybody = (attribute.counts(np.arange(16, dtype=np.int32)), 16)
    assert telling(attribute, attribute.counts(first), 8, [*others, everybody]) == ("rock", "live")
    assert telling(attribute, attribute.counts(first), 8, [(attribute.counts(first), 8)]) == ()


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("familiar", 1.1), ("chance", -1), ("reach", 0), ("size", 0), ("merge_cost", 2.1), ("min_group", 1)],
)
def test_parameters_out_of_range_are_refused(parameter, value):
    with pytest.raises(InvalidParameterError, match=f"'{parameter}' of a row of kind 'mix' must be"):
        pages.Mix(**{parameter: value})


def test_an_attribute_that_is_not_there_is_named():
    visit = visit_of(LIKED)
    with pytest.raises(InvalidParameterError, match="'genre' that the items do not have"):
        pages.Mix(attribute="genre").drafts(visit, visit.eligible)


@pytest.mark.slow
def test_mixes_of_listeners_are_apart_and_their_tags_tell_which_is_which(need_set):
    need_set("lastfm-2k")
    plays = ft.datasets.load_lastfm()
    artists = ft.datasets.load_lastfm_items().with_columns(pl.col("tags").list.head(5))
    mix = pages.Mix(attribute="tags", space="events")
    layout = pages.Layout(row=(mix,), signals=pages.Settings(attributes=("tags",)))
    stage = pages.Composer(ft.Popularity().fit(plays), plays, layout, artists).stage
    tags, content = stage.catalogue.attribute("tags"), stage.space("content")
    apart, telling_tags = [], []
    for user in list(plays.users.ids)[::20]:
        visit = Visit(stage, user, MORNING, Visitor(), seen="hide")
        drafts = mix.drafts(visit, visit.eligible)
        if len(drafts) < 2:
            continue
        rows = [draft.codes[:12] for draft in drafts]
        inside = np.mean([content.between(row, row)[~np.eye(row.size, dtype=bool)].mean() for row in rows])
        across = np.mean([content.between(one, other).mean() for one, other in itertools.combinations(rows, 2)])
        apart.append(inside > across)
        for row, draft in zip(rows, drafts, strict=True):
            rest = np.concatenate([other for other in rows if other is not row])
            shares = [tags.counts(codes) / codes.size for codes in (row, rest)]
            places = [tags.values.index(tag) for tag in draft.evidence["tags"]]
            telling_tags += [shares[0][place] >= 2 * shares[1][place] for place in places]
    assert len(apart) > 30
    assert len(telling_tags) > 100
    assert np.mean(apart) > 0.95
    assert np.mean(telling_tags) > 0.85
