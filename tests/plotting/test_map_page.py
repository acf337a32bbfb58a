"""The page of a map: what it carries, how much fits, that it obeys no title, and that people can walk through it."""

import hashlib
import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import image

import foretaste as ft
from foretaste.data import synthetic
from foretaste.exceptions import (
    DataError,
    DataWarning,
    InvalidParameterError,
    MissingExtraError,
    NotFittedError,
    UnknownIdError,
    UnsupportedError,
)
from foretaste.plotting import map_page, write_map
from foretaste.plotting.figures import COLOURS
from foretaste.plotting.map_content import _directions, content_of
from foretaste.plotting.map_packing import LIMIT, STEP, Numbers, Parcel, Tags, room_for
from markup import Markup

NASTY = '</script><img src=x onerror=alert(1)> & "it\'s" {{ 1 }}'


class Carried:
    """What a page carries, read as its script reads it."""

    def __init__(self, text):
        packed = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', text)[1]
        content = zlib.decompress(b64decode(packed))
        length = int.from_bytes(content[:4], "little")
        self.about, self.bytes = json.loads(content[4 : 4 + length]), content[4 + length :]

    def numbers(self, name):
        at, n, width = (self.about["columns"][name][key] for key in ("at", "n", "width"))
        planes = np.frombuffer(self.bytes, np.uint8, n * width, at).reshape(width, n)
        return (planes.astype(np.int64) << (8 * np.arange(width)[:, None])).sum(axis=0)

    def texts(self, name):
        column = self.about["columns"][name]
        return self.bytes[column["at"] : column["at"] + column["length"]].decode().split("\n")

    def values(self, place):
        """Of an attribute: numbers, or lists of texts."""
        spec = self.about["attributes"][place]
        codes = self.numbers(spec["column"])
        if spec["kind"] == "number":
            return np.array([np.nan, *spec["values"]])[codes]
        ends = np.cumsum(self.numbers(f"{spec['column']} sizes"))
        return [[spec["values"][code] for code in row] for row in np.split(codes, ends[:-1])]


@pytest.fixture(scope="module")
def made():
    """A made-up catalogue, a model of it, and what is known of its items."""
    catalogue = synthetic.make_catalogue(random_state=0)
    model = ft.FunkSVD(n_factors=6, random_state=0, n_epochs=8, tol=0).fit(catalogue.ratings)
    known = catalogue.items.filter(pl.col("item").is_in(model.item_vocabulary_.ids.to_list()))
    items = known.with_columns(
        title=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(NASTY)).otherwise(pl.col("title"))
    )
    return model, items


@pytest.fixture(scope="module")
def page(made, tmp_path_factory):
    model, items = made
    return write_map(tmp_path_factory.mktemp("map") / "map.html", model, items, users=[model.user_vocabulary_.ids[0]])


@pytest.fixture(scope="module")
def text(page):
    return page.read_text("utf-8")


# What it carries -----------------------------------------------------------------------------------------------------


def test_items_stand_in_the_order_of_their_ratings(made, text):
    model, items = made
    carried, titles = Carried(text), dict(items.select("item", "title").iter_rows())
    ids = carried.texts("ids")
    counts = np.bincount(model.known_.indices, minlength=len(ids))
    code_of = {str(item): code for code, item in enumerate(model.item_vocabulary_.ids)}
    codes = [code_of[item] for item in ids]
    assert sorted(codes) == list(range(len(ids)))
    assert carried.numbers("counts").tolist() == counts[codes].tolist() == sorted(counts, reverse=True)
    by_text = {str(item): title for item, title in titles.items()}
    assert carried.texts("labels") == [by_text[item] for item in ids]


def test_places_are_those_of_the_map(made, text):
    model, _ = made
    carried = Carried(text)
    order = np.argsort(-np.bincount(model.known_.indices), kind="stable")
    points = ft.latent.map(model).points[order]
    shown = np.column_stack([carried.numbers(name) for name in "xy"]) / 65535
    scale = np.ptp(points, axis=0).max()
    np.testing.assert_allclose(
        (shown - shown.mean(axis=0)) * scale, points - points.mean(axis=0), atol=2 * scale / 65535
    )


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_those_of_similar_items(made, text, metric):
    model, _ = made
    carried = Carried(text)
    ids = carried.texts("ids")
    assert carried.about[metric] == 10
    for place in (0, 17, len(ids) - 1):
        item = model.item_vocabulary_.ids[[str(each) for each in model.item_vocabulary_.ids].index(ids[place])]
        near = model.similar_items([item], 10, metric=metric)["similar_item"].to_list()
        assert [ids[carried.numbers(f"{metric} {rank}")[place]] for rank in range(10)] == [str(each) for each in near]


def test_attributes_come_back(made, text):
    _, items = made
    carried = Carried(text)
    ids = carried.texts("ids")
    rows = {str(row["item"]): row for row in items.iter_rows(named=True)}
    names = [spec["name"] for spec in carried.about["attributes"]]
    assert names == [name for name in items.columns if name not in ("item", "title")]
    for place, name in enumerate(names):
        for item, value in zip(ids, carried.values(place), strict=True):
            known = rows[item][name]
            if isinstance(known, datetime):
                known = known.year + (known.timetuple().tm_yday - 1) / 365.25
            if known is None:
                assert np.isnan(value) if isinstance(value, float) else value == []
            elif isinstance(known, (int, float)):
                assert value == pytest.approx(known, rel=1e-5)
            else:
                assert value == (known if isinstance(known, list) else [known])


def test_positions_along_named_axes_are_in_standard_deviations(made, text):
    model, items = made
    carried = Carried(text)
    named = ft.latent.axes(model, items.drop("title"), n_coordinates=5)
    assert named.found.any()
    ids = carried.texts("ids")
    place_of = {item: place for place, item in enumerate(ids)}
    for place, axis in enumerate(carried.about["axes"]):
        along = named.along(axis["name"])
        shown = (carried.numbers(f"axis {place}") - 128) * STEP
        for item, z in along.select("item", "z").iter_rows():
            assert shown[place_of[str(item)]] == pytest.approx(np.clip(z, -12.7, 12.7), abs=STEP / 2 + 1e-9)
    assert len(carried.about["axes"]) == min(24, named.found.sum())


def test_a_person_sees_what_the_model_predicts_for_them(made, text):
    model, _ = made
    carried, user = Carried(text), model.user_vocabulary_.ids[0]
    (spec,) = carried.about["people"]
    assert spec["name"] == f"predicted for {user}"
    shown = np.array(spec["values"])[carried.numbers(spec["column"]) - 1]
    item_of = {str(item): item for item in model.item_vocabulary_.ids}
    predicted = model.predict([(user, item_of[item]) for item in carried.texts("ids")], clip=False)
    np.testing.assert_allclose(shown, predicted, atol=1e-4)


def test_groups_are_the_eight_largest_by_the_first_value():
    rows = [["b", "a"], ["a"], ["b"], [], *([str(number)] for number in range(9))]
    values = sorted({value for row in rows for value in row})
    codes = [values.index(value) for row in rows for value in row]
    tags = Tags("kind", tuple(values), np.cumsum([0, *map(len, rows)]), np.array(codes, np.int32))
    groups = [(tags.values[each["value"]], each["size"]) for each in map_page._groups(tags)]
    assert groups == [("b", 2), ("0", 1), ("1", 1), ("2", 1), ("3", 1), ("4", 1), ("5", 1), ("6", 1)]


def test_the_same_input_gives_the_same_bytes(made, page, tmp_path):
    model, items = made
    again = write_map(str(tmp_path / "again.html"), model, items, users=[model.user_vocabulary_.ids[0]])
    assert again.read_bytes() == page.read_bytes()


def test_other_frames_do_as_well(made, tmp_path):
    model, items = made
    plain = items.select("item", "title", pl.selectors.numeric().exclude("item"))
    first = write_map(tmp_path / "a.html", model, plain).read_text("utf-8")
    assert write_map(tmp_path / "b.html", model, plain.to_pandas()).read_text("utf-8") == first


def test_without_items_ids_are_the_names(made, tmp_path):
    model, _ = made
    carried = Carried(write_map(tmp_path / "map.html", model).read_text("utf-8"))
    assert set(carried.texts("labels")) == {str(item) for item in model.item_vocabulary_.ids}
    assert "ids" not in carried.about["columns"]
    assert carried.about["colour"] is None
    assert carried.about["attributes"] == carried.about["axes"] == []


def test_directions_are_looked_for_of_the_values_that_most_items_have():
    def tags(*sizes):
        indices = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
        return Tags("kind", tuple(map(str, range(len(sizes)))), np.arange(indices.size + 1), indices)

    numbers = Numbers("year", np.zeros(3))
    assert _directions((numbers,)) == (10, 1)
    assert _directions((tags(5, 10, 30), numbers)) == (10, 3)
    assert _directions((tags(*range(1, 101)), tags(200))) == (42, 60)  # 200, and 42 to 100
    assert _directions((tags(*[50] * 61),)) == (51, 0)  # none can be told from the rest


@pytest.mark.parametrize("model", [ft.PureSVD(n_factors=2), ft.SpectralFilter(n_factors=2)])
def test_a_model_without_epochs_has_no_curve(model, tmp_path):
    albums = ft.datasets.albums()
    model.fit(albums if model.predicts_ratings else albums.select("user", "item"))
    text = write_map(tmp_path / "map.html", model).read_text("utf-8")
    assert "learning-heading" not in text
    assert Carried(text).about["cosine"] == 4


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(0, 5)), min_size=1, max_size=50))
def test_numbers_come_back(values):
    column = np.array([np.nan if value is None else value for value in values], np.float64)
    parcel = Parcel()
    parcel.about["attributes"] = [parcel.add_attribute("a", Numbers("a", column))]
    carried = Carried(f'<script type="text/plain" id="data">{parcel.to_text()}</script>')
    np.testing.assert_allclose(carried.values(0), column, rtol=1e-8)
    ticks = carried.about["attributes"][0]["ticks"]
    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 5


# How much fits -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.integers(0, 60), st.integers(0, 10**6), st.integers(0, 2 * LIMIT))
def test_what_fits_fits_and_more_room_holds_no_less_of_worth(n_items, n_axes, ids, spent):
    room = room_for(n_items, n_axes, ids, spent)
    bits = (room.cosine + room.euclidean) * (np.log2(max(n_items, 2)) + 1) + room.axes * 6
    assert room == (0, 0, 0, 0) or spent + (n_items * bits / 8 + room.ids * ids) * 4 / 3 <= LIMIT + 1
    assert max(room.cosine, room.euclidean) <= min(10, n_items - 1)
    assert room.axes <= min(24, n_axes)
    assert by_worth(room_for(n_items, n_axes, ids, spent // 2)) >= by_worth(room)


def by_worth(room):
    """What is worth most first, so that more of that outweighs all that follows."""
    first = (min(room.cosine, 3), min(room.axes, 6), room.ids, min(room.euclidean, 3))
    return (*first, room.axes, room.cosine, room.euclidean)


def test_a_hundred_thousand_items_stay_below_the_limit(made, monkeypatch):
    model, items = made
    content = content_of(model, items, method="pca", colour=None, label=None, users=(), random_state=0)
    n, rng = 100_000, np.random.default_rng(0)
    letters = rng.choice(list("etaoin shrdlu"), (n, 15))  # hardly less random than a title can be
    tags = Tags("kind", tuple(map(str, range(19))), np.arange(n + 1), rng.integers(0, 19, n).astype(np.int32))
    many = replace(
        content,
        labels=["".join(row) for row in letters],
        ids=[str(number) for number in rng.permutation(10 * n)[:n]],
        counts=np.sort(rng.zipf(1.5, n) % 10_000)[::-1].astype(np.int32),
        attributes=(tags,),
        colour="kind",
        places=replace(content.places, points=rng.normal(size=(n, 2))),
        axes=tuple(axis._replace(positions=rng.normal(size=n), found=True) for axis in content.axes),
    )
    asked = {}

    def at_random(_vectors, _vocabulary, query, n_near, metric):
        asked[metric] = n_near
        return type("Found", (), {"codes": rng.integers(0, n, (query.size, n_near))})

    monkeypatch.setattr(map_page, "nearest_points", at_random)
    text = map_page.render_map(model, many)
    assert 0.85 * LIMIT < len(text.encode()) <= LIMIT
    assert asked["cosine"] >= 3
    assert f"holds the {asked['cosine']} nearest of each item by angle" in Markup(text).words


# What it obeys -------------------------------------------------------------------------------------------------------


def test_titles_are_shown_and_never_obeyed(text):
    assert "onerror=alert(1)>" not in text
    read = Markup(text)
    assert "img" not in [tag for tag, _ in read.tags]
    assert [tag for tag, _ in read.tags].count("script") == 2
    assert read.wrong == []
    assert read.open == []


def test_nothing_is_fetched_and_only_our_script_runs(text):
    without_names = text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace('"http://www.w3.org/2000/svg"', "")
    assert "://" not in without_names
    assert "@import" not in text
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[-1]
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text


def test_parts_have_names_for_those_who_do_not_see_them(text):
    tags = Markup(text).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for reference in ("aria-labelledby", "aria-controls"):
        assert {attrs[reference] for _, attrs in tags if reference in attrs} <= set(ids)
    stage = next(attrs for _, attrs in tags if attrs.get("id") == "stage")
    assert "arrow keys move it" in stage["aria-label"]
    assert stage["tabindex"] == "0"
    assert next(attrs for _, attrs in tags if attrs.get("id") == "told")["role"] == "status"
    assert [tag for tag, _ in tags].count("h1") == 1
    assert all("scope" in attrs for tag, attrs in tags if tag == "th")
    assert sum("data-item" in attrs for _, attrs in tags) == 30


def test_the_page_tells_how_far_to_trust_it(made, text):
    model, _ = made
    words = Markup(text).words
    places = ft.latent.map(model)
    assert places.caution in words
    assert f"component 1 ({places.shares[0]:.0%} of the variance)" in words
    assert "holds the 10 nearest of each item by angle and the 10 nearest by distance." in words


# What cannot be done -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"colour": "taste"}, DataError, r"cannot be coloured by 'taste': the attributes are '"),
        ({"label": "name"}, DataError, r"found no column 'name' in 'items'; it has 'item', 'title'"),
        ({"users": ["nobody"]}, UnknownIdError, "does not know the user 'nobody'"),
        ({"method": "flat"}, InvalidParameterError, "'method'"),
    ],
)
def test_mistakes_are_told(made, tmp_path, changes, error, words):
    model, items = made
    with pytest.raises(error, match=words):
        write_map(tmp_path / "map.html", model, items, **changes)
    assert not list(tmp_path.iterdir())


def test_frames_that_do_not_fit_are_told(made, tmp_path):
    model, items = made
    path = tmp_path / "map.html"
    with pytest.raises(DataError, match="no column 'item'"):
        write_map(path, model, items.rename({"item": "film"}))
    with pytest.raises(DataError, match="1 items described more than once"):
        write_map(path, model, pl.concat([items, items[:1]]))
    with pytest.raises(DataError, match="by the column 'title' without 'items'"):
        write_map(path, model, label="title")
    few = items.select("item", "title")
    with pytest.warns(DataWarning, match=r"^2 of \d+ items are unknown to the model: left out"):
        write_map(path, model, pl.concat([few, few[:2].with_columns(item="new " + pl.col("item"))]))
    with pytest.warns(DataWarning, match="not on the map: 'link', of which hardly any two items share a value"):
        write_map(path, model, few.with_columns(link=pl.format("page {}", "item")))
    assert Carried(path.read_text("utf-8")).about["attributes"] == []


def test_models_without_a_space_are_told(tmp_path):
    albums = ft.datasets.albums()
    with pytest.raises(UnsupportedError, match="Baseline has none"):
        write_map(tmp_path / "map.html", ft.Baseline().fit(albums))
    with pytest.raises(UnsupportedError, match="2 "):
        write_map(tmp_path / "map.html", ft.FunkSVD(n_factors=1, random_state=0).fit(albums))
    with pytest.raises(NotFittedError, match="before 'write_map'"):
        write_map(tmp_path / "map.html", ft.ALS())
    assert not list(tmp_path.iterdir())


def test_a_page_that_fails_leaves_the_old_one_alone(made, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="does not exist"):
        write_map(tmp_path / "nowhere" / "map.html", made[0])
    page = tmp_path / "map.html"
    page.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_map(page, *made)
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]


def test_without_jinja_the_message_names_the_extra(made, tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr("foretaste.utils.extras.import_module", absent)
    with pytest.raises(MissingExtraError, match="jinja2 is not installed"):
        write_map(tmp_path / "map.html", *made)


# In a browser --------------------------------------------------------------------------------------------------------

DRAWN = "performance.getEntriesByName('map drawn').length > 0"
HEADING = "document.querySelector('#panel h2').innerText"
NEAR = """[...document.querySelectorAll('#panel ol')].map(
    list => [...list.querySelectorAll('button')].map(each => each.innerText))"""
BOX = "(b => [b.left, b.top, b.width, b.height])(document.querySelector('#stage').getBoundingClientRect())"


def complaints(tab):
    """All but the driver's, which finds reading pictures without a graphics card slow."""
    return [each for each in tab.complaints if "GL Driver Message" not in each]


def points_drawn(tab, path):
    """For each colour of a group how many pixels of the map are as good as in it."""
    tab.picture(path)
    left, top, width, height = (int(each) for each in tab.run(BOX))
    seen = (255 * image.imread(path)[top : top + height, left : left + width, :3]).round()
    wanted = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in COLOURS]
    return [int((np.abs(seen - colour).max(axis=2) < 40).sum()) for colour in wanted]


def search(tab, words):
    tab.run("document.querySelector('#search').focus()")
    tab.type(words)


@pytest.mark.slow
def test_films_in_a_browser(need_set, chromium, tmp_path):
    need_set("ml-100k")
    model = ft.FunkSVD(n_factors=20, random_state=0).fit(ft.datasets.load("ml-100k"))
    items = ft.datasets.load_items("ml-100k")
    file = write_map(tmp_path / "map.html", model, items)
    assert file.stat().st_size < 300_000

    tab = chromium.open(file)
    tab.wait_for(DRAWN)
    assert tab.run("document.querySelector('.group').childNodes[1].data") == "Drama"
    assert min(points_drawn(tab, tmp_path / "day.png")) > 20
    assert tab.run("document.querySelectorAll('#axes-heading, #learning-heading, #learning-heading ~ p').length") == 3
    assert "Children's" in tab.run("document.querySelector('table').innerText")

    search(tab, "star wars")
    offered = "[...document.querySelectorAll('#options li')].map(e => e.firstChild.data)"
    assert tab.run(offered) == ["Star Wars (1977)"]
    tab.press("Enter")
    assert tab.run(HEADING) == "Star Wars (1977)"
    near = model.similar_items([50], 10, metric="cosine")["similar_item"].to_list()
    titles = dict(items.select("item", "title").iter_rows())
    assert tab.run(NEAR)[0] == [titles[item] for item in near]
    assert (
        "The Empire Strikes Back" in " ".join(tab.run(NEAR)[0]) or "Empire Strikes Back, The (1980)" in tab.run(NEAR)[0]
    )
    assert tab.run("document.querySelector('#told').innerText").startswith("Star Wars (1977), 583 ratings. Nearest: ")
    assert "Sci-Fi" in tab.run("document.querySelector('.made').innerText")

    # It now lies in the middle of the map; the mouse finds it there, and a neighbour by its button.
    left, top, width, height = tab.run(BOX)
    tab.run("new Promise(done => setTimeout(done, 600))")
    tab.point(left + width / 2, top + height / 2)
    assert tab.run("document.querySelector('#tip').innerText").startswith("Star Wars (1977)\n583 ratings")
    tab.run("document.querySelector('#panel li button').click()")
    assert tab.run(HEADING) == titles[near[0]]
    tab.point(left + width / 2, top + height / 2, click=True)
    assert tab.run(HEADING) == "Star Wars (1977)"

    phone = chromium.open(file, width=390, height=844, dark=True)
    phone.wait_for(DRAWN)
    assert phone.run("document.documentElement.scrollWidth") == 390
    assert sum(points_drawn(phone, tmp_path / "phone.png")) > 500
    for each in (tab, phone):
        assert complaints(each) == []
        assert each.requests == []


def test_the_keyboard_is_enough(made, page, text, chromium):
    carried = Carried(text)
    tab = chromium.open(page)
    tab.wait_for(DRAWN)
    tab.run("document.querySelector('#stage').focus()")
    for key in ("+", "ArrowLeft", "0"):
        tab.press(key)
    tab.press("Enter")
    chosen = tab.run(HEADING)
    assert chosen in carried.texts("labels")
    tab.press("Escape")
    assert tab.run(HEADING) == "Choose an item"

    # A title that would do harm is found, shown and announced as what it is: a text.
    search(tab, "onerror=alert")
    tab.press("ArrowDown")
    assert tab.run("document.querySelector('#search').getAttribute('aria-activedescendant')") == "option-0"
    assert tab.run("document.querySelector('#option-0').ariaSelected") == "true"
    tab.press("Enter")
    assert tab.run(HEADING) == NASTY
    assert NASTY in tab.run("document.querySelector('#told').innerText")
    assert tab.run("document.querySelectorAll('img').length") == 0
    search(tab, "no such thing anywhere")
    assert tab.run("document.querySelector('#options').innerText") == "Nothing is called that."
    tab.press("Escape")
    assert tab.run("document.querySelector('#options').hidden")
    assert complaints(tab) == []


def test_every_colouring_has_a_legend(page, text, chromium):
    carried = Carried(text)
    tab = chromium.open(page, dark=True)
    tab.wait_for(DRAWN)
    names = tab.run("[...document.querySelectorAll('#colour option')].map(e => e.text)")
    about = carried.about
    assert names == [
        *(each["name"] for each in about["attributes"]),
        "ratings",
        about["people"][0]["name"],
        *(each["name"] for each in about["axes"]),
    ]
    choose = (
        "(s => {{ s.selectedIndex = {}; s.dispatchEvent(new Event('change')); }})(document.querySelector('#colour'))"
    )
    for place in range(len(names)):
        tab.run(choose.format(place))
        assert tab.run("document.querySelector('#legend').innerText.trim().length") > 5, names[place]
    place = next(place for place, each in enumerate(about["attributes"]) if each["kind"] == "tags")
    tab.run(choose.format(place))
    tab.run("document.querySelector('.group').click()")
    assert tab.run("document.querySelector('.group').ariaPressed") == "true"
    assert tab.run("document.querySelector('#told').innerText").startswith("Only ")
    assert complaints(tab) == []


def test_two_fingers_zoom_and_one_moves(page, chromium):
    tab = chromium.open(page, width=390, height=844)
    tab.wait_for(DRAWN)
    left, top, width, height = tab.run(BOX)
    x, y = left + width / 2, top + height / 2
    labels = "document.querySelector('#marks').toDataURL()"
    first = tab.run(labels)
    tab.touch([(x, y)], [(x + 30, y)], [(x + 60, y)])
    tab.wait_for(f"{labels} !== {json.dumps(first)}")
    second = tab.run(labels)
    tab.touch([(x - 20, y), (x + 20, y)], [(x - 60, y), (x + 60, y)], [(x - 90, y), (x + 90, y)])
    tab.wait_for(f"{labels} !== {json.dumps(second)}")
    assert tab.run(HEADING) == "Choose an item"  # neither was a tap
    assert tab.run("scrollY") == 0
    assert complaints(tab) == []


def test_without_webgl_points_are_drawn_all_the_same(page, chromium, tmp_path):
    before = """const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function(kind, ...more) {
            return kind === "webgl" ? null : get.call(this, kind, ...more); };"""
    tab = chromium.open(page, before=before)
    tab.wait_for(DRAWN)
    assert "draws without WebGL" in tab.run("document.querySelector('#sorry').innerText")
    tab.run("document.querySelector('#stage').focus()")
    for _ in range(6):  # until marks are large enough for their shapes
        tab.press("+")
    tab.run("new Promise(done => setTimeout(done, 300))")
    assert sum(points_drawn(tab, tmp_path / "plain.png")) > 1000
    assert complaints(tab) == []


def test_a_browser_that_cannot_unpack_says_so_and_keeps_the_list(page, chromium):
    tab = chromium.open(page, before="delete globalThis.DecompressionStream")
    tab.wait_for("!document.querySelector('#sorry').hidden")
    assert "A newer one can" in tab.run("document.querySelector('#sorry').innerText")
    assert tab.run("document.querySelectorAll('.most li').length") == 30
    assert tab.run("document.querySelector('#stage').offsetHeight") == 0
    assert complaints(tab) == []
