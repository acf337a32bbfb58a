"""Directions of attributes: planted ones are found and named, shuffled ones are not."""

import pkgutil

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste import latent
from foretaste.exceptions import DataError, InvalidParameterError, NotFittedError, UnknownIdError, UnsupportedError

FACTORIES = {
    "ALS": lambda: ft.ALS(n_factors=12, random_state=0),
    "FunkSVD": lambda: ft.FunkSVD(n_factors=12, random_state=0),
}


@pytest.fixture(scope="module")
def catalogue():
    return ft.synthetic.make_catalogue(random_state=0)


@pytest.fixture(scope="module", params=FACTORIES)
def model(request, catalogue):
    return FACTORIES[request.param]().fit(catalogue.ratings)


@pytest.fixture(scope="module")
def described(catalogue):
    return catalogue.items.filter(pl.col("kind") == "film").select("item", "genres", "year")


@pytest.fixture(scope="module")
def named(model, described):
    return latent.axes(model, described, n_coordinates=4)


def test_planted_axes_are_found_and_called_right(catalogue, model):
    truth = catalogue.truth
    frame = pl.DataFrame(
        {
            "item": truth.items.ids,
            **{high: truth.item_factors[:, place] for place, (_, high) in enumerate(truth.axes[:4])},
        }
    )
    found = latent.axes(model, frame, popularity=False)
    assert found.attributes == ("serious", "dark", "epic", "fantastic")
    assert found.found.all()
    assert (found.corrected < 0.01).all()
    places = truth.item_factors[truth.items.encode(found.items.ids), :4]
    alike = np.corrcoef(found.positions.T, places.T)[:4, 4:]
    assert (alike.argmax(axis=1) == np.arange(4)).all()
    assert (np.diag(alike) > 0.6).all()


def test_every_planted_genre_is_found(named):
    table = named.to_frame()
    genres = table.filter(pl.col("attribute").str.starts_with("genres="))
    assert genres["found"].all()
    assert (genres["corrected"] < 0.01).all()
    assert genres["auc"].min() > 0.65
    year = table.filter(pl.col("attribute") == "year")
    assert not year["found"][0]  # the catalogue gives it no part in taste


def test_ends_of_coordinates_are_named_by_genres_that_lie_there(named, catalogue):
    truth = catalogue.truth
    genres_of = dict(catalogue.items.select("item", "genres").iter_rows())
    places = truth.item_factors[truth.items.encode(named.items.ids), :4]
    mean_of = {
        genre: np.mean([place for item, place in zip(named.items, places, strict=True) if genre in genres_of[item]], 0)
        for genre in ("Documentary", "Adventure", "Thriller", "Science fiction", "Horror", "Comedy")
    }
    n_checked = 0
    for pole in named.poles:
        column = named.coordinates.index(pole.coordinate)
        alike = np.corrcoef(named.places[:, column], places.T)[0, 1:]
        axis = np.abs(alike).argmax()
        sign = np.sign(alike[axis]) * (1 if pole.end == "high" else -1)
        for word in pole.name.split(", "):
            if word in mean_of:
                assert sign * mean_of[word][axis] > 0, (pole, axis)
                n_checked += 1
    assert n_checked >= 3


def test_a_shuffled_attribute_is_not_found(catalogue, described):
    model = FACTORIES["ALS"]().fit(catalogue.ratings)
    findings = {"corrected": 0, "plain": 0}
    for seed in range(20):
        shuffled = described.with_columns(pl.col("genres").shuffle(seed))
        found = latent.axes(
            model, shuffled.drop("year"), popularity=False, n_permutations=199, n_coordinates=1, random_state=seed
        )
        findings["corrected"] += bool((found.corrected <= 0.05).any())
        findings["plain"] += bool((found.p_values <= 0.05).any())
    assert findings["corrected"] <= 1
    assert findings["plain"] >= 4  # ten questions at 5 % each: the test would see a correction that does nothing


def test_directions_are_unit_vectors_and_positions_projections(named, model):
    np.testing.assert_allclose(np.linalg.norm(named.directions, axis=1), 1)
    factors = model.item_factors_.astype(np.float64)
    np.testing.assert_allclose(named.positions, (factors - factors.mean(axis=0)) @ named.directions.T, atol=1e-9)
    np.testing.assert_allclose(named.places, (factors - factors.mean(axis=0)) @ named.basis, atol=1e-9)
    assert named.shares.sum() <= 1 + 1e-9


def test_items_along_an_attribute(named, described):
    table = named.along("Documentary")
    assert table["position"].is_sorted(descending=True)
    assert table["z"].std(ddof=0) == pytest.approx(1)
    genres = dict(described.select("item", "genres").iter_rows())
    tops = [("Documentary" in genres[item]) for item in table["item"]]
    assert np.mean(tops[:30]) > 3 * np.mean(tops)
    some = table["item"].to_list()[5:8]
    assert named.along("genres=Documentary", some[::-1])["item"].to_list() == some
    with pytest.raises(InvalidParameterError, match="'attribute' must be one of"):
        named.along("Docu")
    with pytest.raises(UnknownIdError, match="1 of 1 item ids"):
        named.along("Documentary", ["nowhere"])


def test_frames_of_the_ends(named):
    ends = named.poles_to_frame()
    assert ends.columns == ["coordinate", "share", "end", "name"]
    assert ends["coordinate"].to_list() == [name for name in named.coordinates for _ in range(2)]
    outermost = named.extremes_to_frame(3)
    assert outermost["rank"].to_list() == [1, 2, 3] * 8
    assert outermost["item"].to_list()[:3] == named.poles[0].items[:3].to_list()


def test_the_same_seed_gives_the_same_bits(model, described):
    once, twice = (latent.axes(model, described, n_permutations=49, random_state=5) for _ in range(2))
    for name in ("scores", "p_values", "corrected", "directions", "places"):
        np.testing.assert_array_equal(getattr(once, name), getattr(twice, name))


def test_varimax_turns_the_same_plane(model, described):
    principal = latent.axes(model, described, n_permutations=9, n_coordinates=3)
    turned = latent.axes(model, described, n_permutations=9, n_coordinates=3, rotation="varimax")
    assert turned.coordinates == ("varimax 1", "varimax 2", "varimax 3")
    rotation = principal.basis.T @ turned.basis
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert (np.diff(turned.shares) <= 0).all()


def test_a_space_without_any_spread_names_nothing(catalogue, described):
    model = FACTORIES["ALS"]().fit(catalogue.ratings)
    model.item_factors_ = np.full_like(model.item_factors_, 0.1)  # the first of a catalogue are often its best known
    for rotation in ("principal", "varimax", None):
        found = latent.axes(model, described, n_permutations=19, rotation=rotation)
        assert not found.found.any()
        assert (found.auc[found.binary] == 0.5).all()
        assert {pole.name for pole in found.poles} == {"unnamed"}
        assert found.extremes_to_frame().height == 0


def test_no_item_is_at_both_ends(model, described):
    found = latent.axes(model, described, n_permutations=9, n_extreme=10_000)
    for low, high in zip(found.poles[::2], found.poles[1::2], strict=True):
        assert not {*low.items} & {*high.items}


def test_popularity_is_the_number_of_users(catalogue, model, described):
    found = latent.axes(model, described.select("item", "year"), n_permutations=9)
    assert found.attributes == ("year", "popularity")
    own = described.select("item", popularity=pl.Series(np.arange(described.height) % 7))
    assert latent.axes(model, own, n_permutations=9).attributes == ("popularity",)


def test_what_hardly_any_item_has_is_left_out(model, described):
    rare = described.select("item", pl.Series("tag", ["rare"] * 9 + ["often"] * 91 + [None] * (described.height - 100)))
    found = latent.axes(model, rare, popularity=False, n_permutations=9)
    assert found.attributes == ("tag=often",)
    assert found.words == ("often",)
    with pytest.raises(DataError, match="fewer than 200"):
        latent.axes(model, rare, popularity=False, min_items=200)


def test_true_and_false_is_yes_or_no_and_gaps_are_counted(model, described):
    height = described.height
    frame = described.select(
        "item",
        flag=pl.Series(np.arange(height) % 3 == 0),
        length=pl.Series([None if place % 5 == 0 else float(place % 11) for place in range(height)]),
    )
    found = latent.axes(model, frame, popularity=False, n_permutations=9)
    assert found.binary.tolist() == [True, False]
    encoded = frame["item"].is_in(found.items.ids.to_list())
    assert found.n_items.tolist() == [frame["flag"].filter(encoded).sum(), frame["length"].filter(encoded).count()]


def test_items_that_only_one_side_knows_are_left_out(model, described):
    part = described.head(200)
    more = pl.concat([part, part.head(5).with_columns(pl.col("item") + " again")])
    found, plain = (latent.axes(model, frame, n_permutations=9) for frame in (more, part))
    assert found.n_described == plain.n_described == part["item"].is_in(model.item_vocabulary_.ids.to_list()).sum()
    assert found.positions.shape[0] == len(model.item_vocabulary_)
    np.testing.assert_allclose(found.scores, plain.scores)


def test_frames_are_of_the_kind_the_model_was_fitted_on(catalogue, described):
    model = ft.ALS(n_factors=4, random_state=0).fit(catalogue.ratings.to_frame().to_pandas())
    found = latent.axes(model, described.to_pandas(), n_permutations=9)
    assert type(found.to_frame()).__module__.startswith("pandas")
    assert type(found.along("year")).__module__.startswith("pandas")


def test_mistakes_are_told(catalogue, described):
    with pytest.raises(NotFittedError, match="Call 'fit' before 'axes'"):
        latent.axes(ft.ALS(), described)
    with pytest.raises(UnsupportedError, match="axes looks at factors of items"):
        latent.axes(ft.Baseline().fit(catalogue.ratings), described)
    model = ft.ALS(n_factors=3, random_state=0).fit(catalogue.ratings)
    with pytest.raises(DataError, match="found none of the 395 items"):
        latent.axes(model, described.with_columns(item=pl.Series(range(described.height))))
    with pytest.raises(DataError, match="at least 20 described items"):
        latent.axes(model, described.head(15), n_folds=10, min_items=1)
    with pytest.raises(InvalidParameterError, match="'rotation' of axes must be one of"):
        latent.axes(model, described, rotation="quartimax")


def test_no_module_is_called_as_a_function():
    modules = {module.name for module in pkgutil.iter_modules(latent.__path__)}
    assert not modules & set(latent.__all__)
