import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste import pages
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.stage import Settings
from foretaste.pages.visit import Visit, Visitor

SECONDS = 86_400


def shop():
    """Ten customers: toothpaste every 60 days, milk every 6, a kettle once, and 20 things bought once by somebody."""
    rows = []
    for customer in range(10):
        rows += [(customer, "toothpaste", 3 + customer + 60 * n) for n in range(6)]
        rows += [(customer, "milk", 2 + 6 * n) for n in range(50)]
        rows += [(customer, "kettle", 30 + customer), (customer, f"thing {2 * customer}", 40)]
        rows += [(customer, f"thing {2 * customer + 1}", 41)]
    users, items, days = zip(*rows, strict=True)
    frame = pl.DataFrame({"user": users, "item": items, "time": np.array(days) * float(SECONDS)})
    return ft.Interactions.from_frame(frame, duplicates="keep")


@pytest.fixture(scope="module")
def composer():
    purchases = shop()
    layout = pages.Layout(row=(pages.BuyAgain(min_items=1),), columns=5)
    return pages.Composer(ft.Popularity().fit(purchases), purchases, layout)


def items_at(composer, user, day, **visitor):
    page = composer.compose(user, at=day * SECONDS, visitor=Visitor(**visitor))
    return [slot.item for row in page for slot in row]


def due(composer, user, day):
    visit = Visit(composer.stage, user, pages.composer.moment(day * SECONDS), Visitor(), seen="hide")
    return dict(zip(composer.stage.catalogue.items, visit.due.tolist(), strict=True))


def test_toothpaste_is_there_after_two_months_and_not_the_day_after(composer):
    last = 3 + 60 * 5  # of customer 0
    assert "toothpaste" not in items_at(composer, 0, last + 1)
    assert "toothpaste" not in items_at(composer, 0, last + 30)
    assert "toothpaste" in items_at(composer, 0, last + 60)
    assert due(composer, 0, last + 1)["toothpaste"] < 0.1 * due(composer, 0, last + 50)["toothpaste"]


def test_long_overdue_is_less_likely_than_due(composer):
    last = 3 + 60 * 5
    chances = [due(composer, 0, last + age)["toothpaste"] for age in (55, 200)]
    assert chances[1] < 0.5 * chances[0]


def test_what_was_never_bought_is_not_due(composer):
    chances = due(composer, 0, 360)
    assert all(chances[f"thing {n}"] == 0 for n in range(2, 20))
    assert all(0 <= chance <= 1 for chance in chances.values())


def test_a_stranger_has_no_such_row_and_nothing_due(composer):
    assert len(composer.compose("nobody")) == 0
    assert not any(due(composer, "nobody", 360).values())


def test_what_is_blocked_is_not_there(composer):
    assert "toothpaste" not in items_at(composer, 0, 3 + 60 * 6, blocked=["toothpaste"])


def test_the_row_shows_what_was_seen_although_seen_items_are_hidden(composer):
    assert composer.layout.seen == "hide"
    assert items_at(composer, 0, 3 + 60 * 6)


def test_reasons_are_the_probability(composer):
    page = composer.compose(0, at=363 * SECONDS)
    chances = due(composer, 0, 363)
    for slot in page.rows[0]:
        assert slot.reasons == (("due", slot.score),)
        assert slot.score == pytest.approx(chances[slot.item])
        assert slot.score >= pages.BuyAgain().floor


def test_a_page_of_an_earlier_day_knows_nothing_of_what_came_after(composer):
    purchases = shop().to_frame()
    earlier = ft.Interactions.from_frame(purchases.filter(pl.col("time") < 200 * SECONDS), duplicates="keep")
    cut = pages.Composer(composer.stage.model, earlier, composer.layout)
    assert due(cut, 0, 200) == due(composer, 0, 200)


def test_events_without_times_make_nothing_due():
    albums = ft.Interactions.from_frame(ft.datasets.albums())
    layout = pages.Layout(row=(pages.BuyAgain(min_items=1), pages.Top(min_items=1)))
    composer = pages.Composer(ft.Popularity().fit(albums), albums, layout)
    assert [row.kind for row in composer.compose("an", at="2026-01-01")] in ([], ["top"])


def test_the_title_may_say_how_soon():
    purchases = shop()
    layout = pages.Layout(
        row=(pages.BuyAgain(title="Within {days} days", min_items=1),), signals=Settings(repeat_horizon="1w")
    )
    page = pages.Composer(ft.Popularity().fit(purchases), purchases, layout).compose(0, at=363 * SECONDS)
    assert page.rows[0].title == "Within 7 days"
    assert page.rows[0].evidence == {"days": 7.0}


def test_a_category_lends_its_rhythm_to_what_few_have_bought():
    rows = [(user, f"tea {user % 3}", 10 * n) for user in range(9) for n in range(8)]
    rows += [(user, f"lamp {user}", 5) for user in range(9)] + [(0, "tea new", 75), (0, "lamp new", 75)]
    users, items, days = zip(*rows, strict=True)
    frame = pl.DataFrame({"user": users, "item": items, "time": np.array(days) * float(SECONDS)})
    purchases = ft.Interactions.from_frame(frame, duplicates="keep")
    goods = pl.DataFrame({"item": sorted(set(items))}).with_columns(kind=pl.col("item").str.split(" ").list.first())
    layout = pages.Layout(row=(pages.BuyAgain(),), signals=Settings(repeat_by="kind"))
    model = ft.Popularity().fit(purchases)
    chances = due(pages.Composer(model, purchases, layout, goods), 0, 84)
    assert chances["tea new"] > 2 * chances["lamp new"]
    alike = due(pages.Composer(model, purchases, pages.Layout(row=(pages.BuyAgain(),)), goods), 0, 84)
    assert alike["tea new"] == pytest.approx(alike["lamp new"], rel=0.05)


@pytest.mark.parametrize("options", [{"ripe": -0.1}, {"ripe": True}, {"floor": 1.5}, {"floor": "0.1"}])
def test_shares_outside_their_range_are_refused(options):
    (name,) = options
    with pytest.raises(InvalidParameterError, match=f"'{name}' of a row of kind 'buy_again' must be a number in"):
        pages.BuyAgain(**options)


def test_an_unknown_timing_is_refused():
    with pytest.raises(InvalidParameterError, match="Did you mean 'log-normal'"):
        Settings(repeat_timing="log-normel")


def test_where_the_events_end_nobody_has_stopped_buying(composer):
    learned = composer.stage.repeats(5000.0)
    assert learned is composer.stage.repeats(6000.0)
    last = float(np.floor(composer.stage.log.days[-1]))
    np.testing.assert_array_equal(learned.demand, composer.stage.repeats(last + 1).demand)
