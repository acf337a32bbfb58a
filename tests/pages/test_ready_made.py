"""The ready-made pages for a real user each, opened in a browser: drawn, by keyboard, on a telephone, and alone."""

import pytest

import foretaste as ft
from foretaste import pages

FOCUSED = """(card => card && [...document.querySelectorAll(".shelf > li")].indexOf(card))(
    document.activeElement.closest("li"))"""
OPEN = "[...document.querySelectorAll('details[open]')].map(each => each.innerText)"


def model_of(events, name):
    model = ft.ImplicitALS(n_factors=16, n_epochs=4, tol=0, random_state=0)
    return model.fit(events.at_least(4) if name == "ml-100k" else events)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* unknown to the model:foretaste.exceptions.DataWarning")
@pytest.mark.parametrize(
    ("layout", "name", "user", "at", "kinds"),
    [
        ("streaming", "ml-100k", 196, "1998-03-01", {"continue", "top", "because", "category", "discover"}),
        ("shop", "online-retail", 17841, "2011-11-20", {"top", "because", "popular", "sponsored", "buy_again"}),
        ("music", "lastfm-2k", 2, None, {"top", "because", "category", "discover", "popular", "mix"}),
    ],
)
def test_a_ready_made_page_in_a_browser(layout, name, user, at, kinds, need_set, chromium, tmp_path):
    need_set(name)
    events = ft.datasets.load(name)
    composer = pages.Composer(
        model_of(events, name), events, pages.Layout.from_toml(layout), ft.datasets.load_items(name)
    )
    started = dict.fromkeys((50, 56, 172, 181) if layout == "streaming" else (), 0.5)
    page = composer.compose(user, at, pages.Visitor(progress=started))
    assert kinds <= {row.kind for row in page}
    n_cards = sum(len(row) for row in page)
    file = tmp_path / "page.html"
    assert len(page.to_html(file)) < 300_000

    tab = chromium.open(file)
    sizes = tab.run("[...document.querySelectorAll('.cover')].map(each => each.offsetHeight)")
    assert len(sizes) == n_cards
    assert min(sizes) > 100
    assert tab.run("[...document.querySelectorAll('h2')].map(each => each.innerText)") == [row.title for row in page]
    sponsored = sum(slot.sponsored for row in page for slot in row)
    tags = tab.run(
        "[...document.querySelectorAll('.tag')].map(each => each.innerText + (each.offsetHeight > 0 ? '' : ' hidden'))"
    )
    assert sponsored > 0
    assert tags == ["Sponsored"] * sponsored

    # One stop of the tab key a row; arrows within it and between rows.
    tab.press("Tab")
    assert tab.run(FOCUSED) == 0
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key, place in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowDown", len(page.rows[0]))):
        tab.press(key)
        assert tab.run(FOCUSED) == place, key
    tab.press("ArrowUp")
    assert tab.run(FOCUSED) == 1
    tab.press("End")
    assert tab.run(FOCUSED) == len(page.rows[0]) - 1
    tab.wait_for("(box => box.left >= 0 && box.right <= innerWidth)(document.activeElement.getBoundingClientRect())")
    tab.press("Tab")
    assert tab.run(FOCUSED) == len(page.rows[0])

    # Reasons come when they are asked for, and go.
    assert tab.run(OPEN) == []
    tab.press("Enter")
    (told,) = tab.run(OPEN)
    first = page.rows[1].slots[0]
    assert first.title in told
    assert "score" in told
    assert all(reason in told for reason, _ in first.reasons)
    tab.press("Escape")
    assert tab.run(OPEN) == []

    phone = chromium.open(file, width=390, height=844, dark=True)
    assert phone.run("document.documentElement.scrollWidth") == 390
    assert phone.run("getComputedStyle(document.body).backgroundColor") != tab.run(
        "getComputedStyle(document.body).backgroundColor"
    )
    for each in (tab, phone):
        assert each.complaints == []
        assert each.requests == []
