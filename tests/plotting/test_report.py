"""The page: all its parts, escaped, well-formed, self-contained, and whole or not there."""

import polars as pl
import pytest

import foretaste as ft
from foretaste.exceptions import DataError, MissingExtraError
from foretaste.plotting import Neighbours, Newcomer, Person, Rated, Report, Suggestion, TruthCheck, write_report
from markup import Markup

NASTY = 'Tom & "Jerry\'s" <b>bold</b> {{ 1 + 1 }}'


@pytest.fixture(scope="module")
def report():
    ratings = ft.datasets.albums()
    model = ft.FunkSVD(n_factors=3, random_state=0, n_epochs=5, tol=0).fit(ratings)
    comparison = pl.DataFrame(
        {
            "model": ["FunkSVD", "GlobalMean"],
            "rmse": [0.5, 1.0],
            "rmse_se": [0.1, 0.2],
            "mae": [0.4, 0.8],
            "fit_seconds": [0.25, 0.0001],
            "predict_seconds": [0.5, 0.5],
        }
    )
    reasons = (Rated("Liked", "pop", 5.0), Rated("Disliked", "rock", 1.0))
    suggestion = Suggestion(NASTY, "pop", 4.25, usual=3.0, reasons=reasons, truth=4.75)
    return Report(
        title=NASTY,
        lead="The lead.",
        figures={"ratings": "16", "people": "4"},
        comparison=comparison,
        model=model,
        labels={"bts": NASTY},
        groups={"bts": NASTY},
        person=Person("An", 5, 3.5, (Rated(NASTY, "", 4.5, 2.0),), (suggestion,)),
        neighbours=Neighbours("Sanam", "pop", ((NASTY, "rock", -0.5), ("Ommazh", "", 0.75))),
        newcomer=Newcomer((Rated(NASTY, "pop", 5.0),), (Suggestion("New", "pop", 4.5, usual_rank=77),)),
        truth=TruthCheck(1234, 0.1, 0.2, 0.3),
        things="albums",
        fewest=3,
        notes=("A note at the foot.",),
    )


@pytest.fixture(scope="module")
def text(report, tmp_path_factory):
    return write_report(tmp_path_factory.mktemp("page") / "page.html", report).read_text("utf-8")


def test_every_part_is_on_the_page(text):
    page = Markup(text)
    for name in ("data", "comparison", "learning", "space", "person", "similar", "newcomer", "truth"):
        assert name in page.ids
        assert f"{name}-heading" in page.ids
    for words in (
        "The lead.",
        "RMSE, the root mean squared error",
        "0.5000 ± 0.1000",
        "< 0.001",
        "An has rated 5 albums",
        "others: 2.0 on average",
        "Because you rated Liked  5 and Disliked  only 1 .",
        "3.0 for anybody, +1.2 from your own ratings. The truth, as planted: 4.8.",
        "at least 3 ratings",
        "rank 77",
        "1,234",
        "A note at the foot.",
    ):
        assert " ".join(words.split()) in " ".join(page.words.replace("\xa0", " ").split()), words


def test_the_best_model_is_marked_once(text):
    page = Markup(text)
    assert page.words.count("FunkSVD best") == 1
    assert sum(tag == "tr" and attrs.get("class") == "best" for tag, attrs in page.tags) == 1


def test_truth_is_told_only_where_it_is_known(report, tmp_path):
    from dataclasses import replace  # noqa: PLC0415

    page = Markup(write_report(tmp_path / "page.html", replace(report, truth=None)).read_text("utf-8"))
    assert "truth" not in page.ids
    assert "#truth" not in [attrs.get("href") for _, attrs in page.tags]


def test_titles_are_shown_and_never_obeyed(text):
    assert "<b>" not in text
    page = Markup(text)
    # Page title, heading, liked, suggested, similar, rated by the newcomer, two legends; labels on the map are cut.
    assert page.words.count(NASTY) == 8
    assert "b" not in [tag for tag, _ in page.tags]


def test_tags_are_balanced_and_ids_unique(text):
    page = Markup(text)
    assert page.wrong == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    targets = [attrs["href"][1:] for tag, attrs in page.tags if attrs.get("href", "").startswith("#")]
    assert set(targets) <= set(page.ids)
    labelled = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    assert set(labelled) <= set(page.ids)


def test_nothing_is_fetched_and_nothing_runs(text):
    without_names = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http://" not in without_names
    assert "https://" not in without_names
    assert "@import" not in text
    assert not {"script", "iframe", "img", "object"} & {tag for tag, _ in Markup(text).tags}
    assert "default-src 'none'" in text


def test_pictures_and_tables_can_be_read_without_seeing_them(text):
    page = Markup(text)
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) == 4
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 40 for attrs in pictures)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table") == 3
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert {"header", "main", "nav", "footer", "h1", "h2", "h3"} <= set(tags)
    assert tags.count("h1") == 1


def test_the_same_report_gives_the_same_page(report, text, tmp_path):
    assert write_report(str(tmp_path / "again.html"), report).read_text("utf-8") == text


def test_a_missing_folder_is_named(report, tmp_path):
    with pytest.raises(DataError, match=r"folder .*nowhere does not exist\. Hint"):
        write_report(tmp_path / "nowhere" / "page.html", report)
    with pytest.raises(DataError, match="is a folder"):
        write_report(tmp_path, report)


def test_a_page_that_fails_leaves_the_old_one_alone(report, tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_report(page, report)
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_without_jinja_the_message_names_the_extra(report, tmp_path, monkeypatch):
    def no_jinja(name):
        raise ImportError(name)

    monkeypatch.setattr("foretaste.utils.extras.import_module", no_jinja)
    with pytest.raises(MissingExtraError, match="jinja2 is not installed"):
        write_report(tmp_path / "page.html", report)
    assert not list(tmp_path.iterdir())
