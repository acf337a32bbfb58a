"""`foretaste page`: both lines as people write them, what is said on the way, and never a traceback."""

import json
import sys
from pathlib import Path

import polars as pl
import pytest

import foretaste as ft
import foretaste.pages
from foretaste import cli

CONFIG = """\
[page.home]
title = "Albums"
columns = 2
[[page.home.row]]
kind = "top"
min_items = 1
[[page.home.row]]
kind = "popular"
title = "For everybody"
min_items = 1
where = "year > 2000"
"""

ITEMS = """\
itemId,Title,year,style
ommazh,Ommazh,2021,lo-fi|indie
melt-banana,Melt-Banana,1998,noise
bts,BTS,2019,pop
zhou-shen,Zhou Shen,2020,pop|voice
sanam,Sanam,2018,pop
"""


@pytest.fixture
def run(capfdbinary, monkeypatch, tmp_path):
    """A function that runs a command line in a folder with a model, events, items and a configuration."""
    monkeypatch.chdir(tmp_path)
    albums = ft.datasets.albums()
    ft.ImplicitItemKNN().fit(albums).save("model.ft")
    albums.with_columns(time=pl.lit("2021-05-01")).write_csv("events.csv")
    Path("items.csv").write_text(ITEMS, encoding="utf-8")
    Path("home.toml").write_text(CONFIG, encoding="utf-8")

    def run(*arguments):
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main(["page", *map(str, arguments)])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return left.value.code, out.decode(), err.decode()

    return run


BASE = ("model.ft", "--user", "diego", "--config", "home.toml", "--items", "items.csv")


def test_a_page_is_written_as_html(run):
    status, out, err = run(*BASE, "--events", "events.csv", "-o", "page.html")
    assert (status, out) == (0, ""), err
    text = Path("page.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "Zhou Shen" in text
    assert "events.csv: taking user = 'user'" in err
    assert "but not when" not in err


@pytest.mark.parametrize("first", [(), ("compose",)])
def test_the_usual_command_needs_no_name_and_options_may_come_first(run, first):
    arguments = [*first, "--user", "diego", "--config", "home.toml", "--items", "items.csv", "model.ft"]
    status, out, err = run(*arguments, "--format", "csv")
    assert status == 0, err
    frame = pl.read_csv(out.encode())
    assert frame.columns == ["row", "column", "row_title", "item", "title", "score", "sponsored", "probability"]
    assert frame["title"].to_list() == ["Melt-Banana", "Zhou Shen"]
    assert "Made from what the model knows: who had what, but not when." in err


def test_the_page_is_that_of_the_library(run):
    status, out, err = run(*BASE, "--events", "events.csv", "--at", "2021-06-01", "--format", "json")
    assert status == 0, err
    composed = json.loads(out)
    items = pl.DataFrame(
        {"item": ["ommazh", "bts", "zhou-shen", "sanam", "melt-banana"], "year": [2021, 2019, 2020, 2018, 1998]}
    )
    layout = ft.pages.Layout.from_toml("home.toml")
    events = ft.datasets.albums().with_columns(time=pl.lit("2021-05-01").str.to_date())
    page = ft.pages.Composer(ft.load("model.ft"), events, layout, items).compose("diego", "2021-06-01")
    expected = page.to_dict()
    assert composed["at"] == expected["at"] == "2021-06-01T00:00:00"
    assert [[slot["item"] for slot in row["slots"]] for row in composed["rows"]] == [
        [slot["item"] for slot in row["slots"]] for row in expected["rows"]
    ]
    assert composed["title"] == "Albums"


def test_somebody_unknown_gets_a_page_for_anybody(run):
    status, out, err = run(
        "model.ft", "--user", "eve", "--config", "home.toml", "--items", "items.csv", "--format", "csv"
    )
    assert status == 0, err
    assert "Nobody knows user 'eve'; this is a page for anybody." in err
    assert pl.read_csv(out.encode()).height > 1


def test_texts_with_bars_are_lists(run):
    Path("home.toml").write_text(
        CONFIG + '[[page.home.rule]]\nname = "x"\nwhere = "\'voice\' = any(style)"\nhide = true\n'
    )
    status, out, err = run(*BASE, "--format", "csv")
    assert status == 0, err
    assert "zhou-shen" not in out


def test_age_is_for_items_with_a_least_one(run):
    pl.read_csv("items.csv").with_columns(min_age=18).write_csv("items.csv")
    assert "zhou-shen" not in run(*BASE, "--format", "csv")[1]
    assert "zhou-shen" in run(*BASE, "--format", "csv", "--age", "18")[1]


def test_dates_of_a_csv_are_understood(run):
    pl.read_csv("items.csv").with_columns(available_until=pl.lit("2021-05-20")).write_csv("items.csv")
    arguments = (*BASE, "--events", "events.csv", "--format", "csv")
    assert "zhou-shen" in run(*arguments, "--at", "2021-05-19")[1]
    assert "zhou-shen" not in run(*arguments, "--at", "2021-05-21")[1]


def test_check_says_that_a_file_is_sound(run):
    status, out, err = run("check", "home.toml")
    assert (status, err) == (0, "")
    assert out == "home.toml: page 'home' is sound: 8 rows of 2 among top, popular; rules: 0.\n"
    assert run("check", "home.toml", "--items", "items.csv")[0] == 0
    assert run("check", "streaming")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "bad.toml"), "InvalidParameterError: bad.toml line 5 (page.home.row.kind): the kind of row 'topp'"),
        (("check", "cut.toml"), "DataError: cut.toml line 1: "),
        (("check", "none.toml"), "DataError: there is no file 'none.toml'. Hint: name a TOML file, or one of"),
        (("check", "home.toml", "--page", "film"), "home.toml line 1 (page): the page 'film' is unknown."),
        (
            ("check", "home.toml", "--items", "other.csv"),
            "home.toml line 11 (page.home.row.where): where = 'year > 2000'",
        ),
        (("check", "home.toml", "--items", "bad.toml"), "DataError: "),
        (("model.ft", "--user", "diego", "--config", "bad.toml"), "bad.toml line 5 (page.home.row.kind)"),
        (("model.ft", "--user", "diego", "--config", "home.toml"), "home.toml line 11 (page.home.row.where)"),
        (("model.ft", "--user", "diego"), "Missing option '--config'"),
        (("none.ft", "--user", "diego", "--config", "home.toml"), "ModelFileError: no model file at 'none.ft'."),
        ((*BASE, "--at", "soon"), "DataError: 'at' must be a date"),
        ((*BASE, "--events", "none.csv"), "DataError: none.csv: there is no such file."),
        ((*BASE, "-o", "no/page.html"), "DataError: 'no/page.html' cannot be written"),
        ((*BASE, "--format", "pdf"), "Invalid value for '--format'"),
    ],
)
def test_bad_input_gets_a_sentence_and_status_2(run, arguments, words):
    Path("bad.toml").write_text(CONFIG.replace('"top"', '"topp"'))
    Path("cut.toml").write_text('[page.home\ntitle = "x"\n')
    Path("other.csv").write_text("item,name\nbts,Proof\n")
    status, out, err = run(*arguments)
    assert status == 2
    assert words in err
    assert "Traceback" not in err + out


def test_help_names_both_commands(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "compose" in out
    assert "check" in out
