"""The page as HTML: everything on it, nothing obeyed, nothing fetched, light."""

import re
from dataclasses import replace
from datetime import datetime

import pytest

from foretaste.pages import Page, Row, Slot
from foretaste.pages._html import initials
from markup import Markup

NASTY = 'Tom & "Jerry\'s" <b>bold</b> $heading {{ 1 }}'


@pytest.fixture
def page():
    slots = (
        Slot("a", "The Godfather: Part II (1974)", 1.25, (("predicted", 0.75), ("popularity", 0.5))),
        Slot("b", NASTY, 0.5, (("predicted", 1.0), ("like what you had", -0.5)), sponsored=True, probability=0.25),
    )
    rows = (
        Row("because", "Because you <b>liked</b> Alien & more <b>", slots, {"anchor": 3, "title": "Alien & more"}),
        Row("mix", "A <b>mix", slots[:1], {"tags": ["<b>jazz", "soul", "funk", "disco"], "size": 4}),
        Row("top", "Nothing left", ()),
    )
    return Page(NASTY, datetime(1998, 3, 1, 20, 15), rows, "Good evening")  # noqa: DTZ001  as the data are


def test_all_that_is_known_stands_on_the_page(page):
    words = Markup(page.to_html()).words
    for told in (
        "Good evening",
        "as of 1998-03-01 20:15 : 3 rows, 3 items.",
        "Because you <b>liked</b> Alien & more <b>",
        "A <b>mix tags: <b>jazz, soul, funk",
        "predicted 0.75 popularity 0.50 score 1.25",
        "Sponsored predicted 1.00 like what you had \u22120.50 score 0.50 probability 0.25",
    ):
        assert told in words, (told, words)
    assert words.count("Sponsored") == 1
    assert "Nothing left" not in words


def test_what_a_row_rests_on_is_marked_in_its_title(page):
    assert ">Because you &lt;b&gt;liked&lt;/b&gt; <em>Alien &amp; more</em> &lt;b&gt;</h2>" in page.to_html()


def test_bars_are_in_proportion(page):
    assert re.findall(r"--w:(\d+%)", page.to_html()) == ["100%", "67%", "100%", "50%", "100%", "67%"]


def test_titles_are_shown_and_never_obeyed(page):
    text = page.to_html()
    assert "<b>" not in text
    read = Markup(text)
    assert read.words.count(NASTY) == 2
    assert read.wrong == []
    assert read.open == []


def test_nothing_is_fetched_and_only_our_script_runs(page):
    text = page.to_html()
    assert "://" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert text.count("<script>") == 1
    assert not {"img", "iframe", "object"} & {tag for tag, _ in Markup(text).tags}


def test_rows_and_cards_can_be_read_without_seeing_them(page):
    tags = Markup(page.to_html()).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids)) == 2
    labelled = [attrs["aria-labelledby"] for _, attrs in tags if "aria-labelledby" in attrs]
    assert set(labelled) == set(ids)
    names = [tag for tag, _ in tags]
    assert [names.count(tag) for tag in ("h1", "h2", "section", "ol", "details", "summary")] == [1, 2, 2, 2, 3, 3]
    assert {"header", "main", "footer", "time"} <= set(names)
    assert all(attrs.get("aria-hidden") == "true" for _, attrs in tags if attrs.get("class") in ("cover", "turn"))


def test_the_same_page_gives_the_same_text_and_an_item_the_same_cover_in_every_row(page):
    text = page.to_html()
    assert text == page.to_html()
    covers = re.findall(r'style="(--a:[^"]*)"', text)
    assert covers[0] == covers[2] != covers[1]


def test_a_page_without_rows_says_so_and_one_without_a_title_is_named_after_its_user(page):
    text = Markup(replace(page, rows=(), title="", user=196).to_html()).words
    assert "For 196" in text
    assert "There is nothing that could be shown." in text
    assert "As of 1998-03-01 20:15 : 0 rows, 0 items." in text


def test_a_full_page_is_light(page):
    reasons = tuple((name, 0.123) for name in ("predicted", "similarity", "popularity", "freshness", "rules"))
    slots = tuple(
        Slot(number, f"Quite a long title of item number {number} (1998)", 0.6, reasons) for number in range(20)
    )
    full = replace(page, rows=tuple(Row("top", f"Row {number}", slots) for number in range(12)))
    assert len(full.to_html().encode()) < 300_000


def test_the_file_is_what_is_returned(page, tmp_path):
    path = tmp_path / "page.html"
    assert page.to_html(path) == path.read_text("utf-8")


@pytest.mark.parametrize(
    ("title", "letters"),
    [
        ("Star Wars (1977)", "SW"),
        ("Postino, Il (1994)", "PI"),
        ("Grand Day Out, A (1992)", "GD"),
        ("2001: A Space Odyssey", "SO"),
        ("Schindler's List", "SL"),
        ("1984", "19"),
        ("The The", "TT"),
        ("Αθήνα", "Αθ"),
        ("東京物語", "東京"),
        ("!?", "·"),
        ("", "·"),
    ],
)
def test_initials_are_of_words_that_say_something(title, letters):
    assert initials(title) == letters
