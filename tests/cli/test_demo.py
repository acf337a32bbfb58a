"""`foretaste demo`: the parts of its page, and what it prints, on a tiny catalogue."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner

import foretaste as ft
from foretaste.cli.demo import compare, demo, gather, load_world
from foretaste.data import synthetic
from foretaste.exceptions import DataError, MissingExtraError
from foretaste.plotting.report import render_report

module = sys.modules["foretaste.cli.demo"]  # the package has a command of that name


@pytest.fixture(scope="module")
def make_small():
    real = synthetic.make_catalogue

    def make(random_state=0):
        return real(80, 60, ratings_per_user=20, random_state=random_state)

    return make


@pytest.fixture
def _small(monkeypatch, make_small):
    monkeypatch.setattr(synthetic, "make_catalogue", make_small)


@pytest.fixture(scope="module")
def world(make_small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "make_catalogue", make_small)
        return load_world("catalogue")


@pytest.fixture(scope="module")
def model(world):
    return ft.FunkSVD(early_stopping=True, random_state=0).fit(world.ratings)


@pytest.fixture(scope="module")
def report(world, model):
    return gather(world, model, compare(world.ratings))


def test_the_person_gets_what_they_have_not_rated(world, report):
    user = next(user for user, name in world.names.items() if name == report.person.name)
    row = world.ratings.users.encode_one(user)
    rated = {
        world.titles[item]
        for item in world.ratings.items.decode(world.ratings.item_codes[world.ratings.user_codes == row])
    }
    assert report.person.n_ratings == len(rated)
    assert {thing.title for thing in report.person.liked} <= rated
    assert not {thing.title for thing in report.person.suggestions} & rated
    assert [thing.rating for thing in report.person.liked] == sorted(
        (thing.rating for thing in report.person.liked), reverse=True
    )


def test_reasons_are_the_strongest_shares_of_the_score(world, model, report):
    user = next(user for user, name in world.names.items() if name == report.person.name)
    item_of = {title: item for item, title in world.titles.items()}
    for thing in report.person.suggestions:
        assert thing.reasons
        terms = model.explain(user, item_of[thing.title], by="history")
        value = dict(terms.iter_rows())
        shares = [value[f"rated {item_of[reason.title]} {reason.rating:g}"] for reason in thing.reasons]
        assert shares == sorted(shares, reverse=True)
        others = [share for term, share in value.items() if term.startswith("rated ")]
        assert max(others) == shares[0] > 0
        assert thing.usual == terms["value"][0]


def test_the_newcomer_loves_one_genre_and_not_the_other(world, report):
    low, high = world.ratings.scale
    loved = [set(thing.kind.split(", ")) for thing in report.newcomer.ratings if thing.rating == high]
    disliked = [set(thing.kind.split(", ")) for thing in report.newcomer.ratings if thing.rating == low]
    assert len(loved) == len(disliked) == 3
    assert set.intersection(*loved)
    assert set.intersection(*disliked)
    assert not set.intersection(*loved) & set.union(*disliked)
    rated = {thing.title for thing in report.newcomer.ratings}
    assert not rated & {thing.title for thing in report.newcomer.suggestions}
    assert all(thing.usual_rank >= 1 for thing in report.newcomer.suggestions)


def test_similar_items_do_not_hold_the_item_itself(report):
    titles = [title for title, _, _ in report.neighbours.nearest]
    assert report.neighbours.title not in titles
    cosines = [cosine for _, _, cosine in report.neighbours.nearest]
    assert cosines == sorted(cosines, reverse=True)


def test_the_distance_from_the_truth_is_that_of_unrated_pairs(world, model, report):
    ratings = world.ratings
    unrated = np.ones((ratings.n_users, ratings.n_items), bool)
    unrated[ratings.user_codes, ratings.item_codes] = False
    right = world.truth.rating_table(ratings.users.ids, ratings.items.ids)
    predicted = np.array([model.predict([(user, item) for item in ratings.items.ids]) for user in ratings.users.ids])
    expected = np.sqrt(np.mean((predicted - right)[unrated] ** 2))
    assert report.truth.model == pytest.approx(expected)
    assert report.truth.n_pairs == unrated.sum()
    assert report.truth.noise < report.truth.mean


def test_the_page_can_be_drawn_from_the_parts(report):
    page = render_report(report)
    assert report.person.suggestions[0].title in page.replace("&#39;", "'")
    assert "made up" in page


@pytest.mark.usefixtures("_small")
def test_prints_every_step_and_writes_the_page(tmp_path):
    page = tmp_path / "page.html"
    result = CliRunner().invoke(demo, ["-o", str(page)], env={"COLUMNS": "100"}, catch_exceptions=False)
    assert result.exit_code == 0
    for heading in (
        "The data (a made-up catalogue)",
        "Four models on the same three folds",
        "FunkSVD learns from everything",
        "because you rated",
        "What is like",
        "A newcomer",
        "How near to the truth",
        str(page),
    ):
        assert heading in result.stdout, heading
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.usefixtures("_small")
def test_numbers_survive_a_narrow_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(demo, env={"COLUMNS": "50"}, catch_exceptions=False)
    newcomer = result.stdout.partition("A newcomer")[2].partition("How near")[0]
    assert newcomer.count("5.00 │") + newcomer.count("0.50 │") >= 6
    assert (tmp_path / "foretaste-demo.html").is_file()


def test_a_missing_folder_is_told_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "load_world", None)  # it is not called
    with pytest.raises(DataError, match="does not exist"):
        CliRunner().invoke(demo, ["-o", str(tmp_path / "no" / "page.html")], catch_exceptions=False)


@pytest.mark.usefixtures("_small")
def test_without_the_extra_everything_but_the_page(tmp_path, monkeypatch):
    def missing(*_):
        message = "jinja2 is not installed. Hint: pip install 'foretaste[plot]'."
        raise MissingExtraError(message)

    monkeypatch.setattr(module.pages, "write_report", missing)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(demo, catch_exceptions=False)
    assert result.exit_code == 0
    assert "A newcomer" in result.stdout
    assert "No page was written" in result.stderr
    with pytest.raises(MissingExtraError):
        CliRunner().invoke(demo, ["-o", "page.html"], catch_exceptions=False)


def test_movielens_brings_titles_genres_and_its_terms(need_set):
    need_set("ml-100k")
    world = load_world("ml-100k")
    assert world.titles[50] == "Star Wars (1977)"
    assert "Sci-Fi" in world.kind(50)
    assert world.truth is None
    assert any("Terms" in note for note in world.notes)
    assert not any("://" in note for note in world.notes)
