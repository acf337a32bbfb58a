"""Maps of items: where they are put, how far that may be believed, and that it stays."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness

import foretaste as ft
from foretaste.exceptions import (
    DataError,
    InvalidParameterError,
    MissingExtraError,
    NotFittedError,
    UnknownIdError,
    UnsupportedError,
)
from foretaste.latent import item_map as module
from foretaste.latent._faithfulness import faithfulness


@pytest.fixture(scope="module")
def catalogue():
    return ft.synthetic.make_catalogue(150, 90, ratings_per_user=30)


@pytest.fixture(scope="module")
def model(catalogue):
    return ft.FunkSVD(n_factors=6, random_state=0).fit(catalogue.ratings)


@pytest.fixture(scope="module")
def again(catalogue):
    return ft.FunkSVD(n_factors=6, random_state=1).fit(catalogue.ratings)


def displacement(first, second):
    """How far items moved, in units of the first map's spread."""
    codes = ft.Vocabulary(first.ids).encode(second.ids)
    moved = np.linalg.norm(second.points[codes >= 0] - first.points[codes[codes >= 0]], axis=1)
    return moved.mean() / np.sqrt(first.points.var(axis=0).sum())


# Faithfulness ---------------------------------------------------------------------------------------------------------


def naive_faithfulness(space, points, k):
    """Trustworthiness, continuity and neighbours kept, by plain loops over ranks."""

    def nearest(place, cloud):
        others = [other for other in range(len(cloud)) if other != place]
        return sorted(others, key=lambda other: sum((cloud[place] - cloud[other]) ** 2))

    n = len(space)
    false = missed = kept = 0
    for place in range(n):
        in_space, on_map = nearest(place, space), nearest(place, points)
        false += sum(in_space.index(other) + 1 - k for other in on_map[:k] if other not in in_space[:k])
        missed += sum(on_map.index(other) + 1 - k for other in in_space[:k] if other not in on_map[:k])
        kept += len(set(in_space[:k]) & set(on_map[:k]))
    share = 2 / (n * k * (2 * n - 3 * k - 1))
    return 1 - share * false, 1 - share * missed, kept / (n * k)


@given(st.integers(0, 999), st.integers(5, 30), st.integers(1, 5))
def test_faithfulness_is_what_plain_loops_find(seed, n, k):
    rng = np.random.default_rng(seed)
    space, k = rng.normal(size=(n, 4)), min(k, (n - 1) // 2)
    points = space[:, :2] + rng.normal(size=(n, 2))
    found = faithfulness(space, points, k, rng)
    np.testing.assert_allclose(found[:3], naive_faithfulness(space, points, k))
    assert found.trustworthiness == pytest.approx(trustworthiness(space, points, n_neighbors=k))
    assert found.continuity == pytest.approx(trustworthiness(points, space, n_neighbors=k))


def test_a_map_without_loss_is_believed_and_one_by_lot_is_not():
    rng = np.random.default_rng(0)
    space = rng.normal(size=(400, 2))
    assert faithfulness(space, 3 * space[:, ::-1] + 1, 15, rng)[:3] == (1, 1, 1)
    by_lot = faithfulness(space, rng.permutation(space), 15, rng)
    assert by_lot.trustworthiness == pytest.approx(0.5, abs=0.03)
    assert by_lot.continuity == pytest.approx(0.5, abs=0.03)
    assert by_lot.neighbors_kept == pytest.approx(15 / 399, abs=0.02)


def test_some_of_many_items_answer_for_all(monkeypatch):
    rng = np.random.default_rng(0)
    space = rng.normal(size=(900, 5))
    points = space[:, :2]
    whole = faithfulness(space, points, 10, rng)
    monkeypatch.setattr("foretaste.latent._faithfulness._MOST_ASKED", 300)
    part = faithfulness(space, points, 10, np.random.default_rng(1))
    assert (whole.n_asked, part.n_asked) == (900, 300)
    np.testing.assert_allclose(part[:3], whole[:3], atol=0.02)
    assert part == faithfulness(space, points, 10, np.random.default_rng(1))


# Straight maps --------------------------------------------------------------------------------------------------------


def test_principal_components_hold_as_much_as_a_plane_can(model):
    places = ft.latent.map(model)
    centred = model.item_factors_.astype(float) - model.item_factors_.astype(float).mean(axis=0)
    values = np.sort(np.linalg.eigvalsh(centred.T @ centred))[::-1]
    np.testing.assert_allclose(places.shares, values[:2] / values.sum(), rtol=1e-6)
    np.testing.assert_allclose((places.points**2).sum(axis=0), values[:2], rtol=1e-6)
    assert places.directions == ("component 1", "component 2")
    assert places.metric == "euclidean"


def test_a_model_whose_factors_are_turned_gives_the_same_map(model):
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    turned = ft.FunkSVD(n_factors=6)
    turned.__dict__.update(vars(model))
    turned.item_factors_ = (model.item_factors_ @ rotation).astype(np.float32)
    turned.user_factors_ = (model.user_factors_ @ rotation).astype(np.float32)
    users = model.user_vocabulary_.ids
    one, other = (ft.latent.map(each, users=users) for each in (model, turned))
    np.testing.assert_allclose(one.points, other.points, atol=1e-5)
    np.testing.assert_allclose(one.user_points, other.user_points, atol=1e-5)


def test_two_factors_are_shown_as_they_are(model):
    places = ft.latent.map(model, method=("factor 3", "factor 1"))
    factors = model.item_factors_.astype(float)
    np.testing.assert_array_equal(places.points, factors[:, [2, 0]])
    variances = factors.var(axis=0)
    np.testing.assert_allclose(places.shares, variances[[2, 0]] / variances.sum())
    assert places.directions == ("factor 3", "factor 1")


def test_by_cosine_the_length_of_a_vector_does_not_count(model):
    longer = ft.FunkSVD(n_factors=6)
    longer.__dict__.update(vars(model))
    longer.item_factors_ = model.item_factors_ * np.linspace(1, 9, len(model.item_factors_), dtype=np.float32)[:, None]
    one, other = (ft.latent.map(each, metric="cosine") for each in (model, longer))
    np.testing.assert_allclose(one.points, other.points, atol=1e-5)
    assert np.linalg.norm(one.points, axis=1).max() <= 2


def test_equal_items_have_no_variance_to_share():
    fitted = ft.ALS(n_factors=3, random_state=0).fit(ft.datasets.albums())
    fitted.item_factors_ = np.ones_like(fitted.item_factors_)
    places = ft.latent.map(fitted)
    assert places.shares == (0, 0)
    assert np.isfinite(ft.latent.map(fitted, method="tsne").points).all()


def test_items_may_be_chosen_and_are_placed_once(model):
    ids = model.item_vocabulary_.ids.to_list()[:20]
    places = ft.latent.map(model, [*ids[::-1], ids[0]])
    assert places.ids.to_list() == ids[::-1]
    assert places.n_neighbors == 9
    np.testing.assert_allclose(places.points.mean(axis=0), 0, atol=1e-12)


def test_frames_are_of_the_kind_the_model_was_fitted_on(catalogue):
    fitted = ft.FunkSVD(n_factors=2, random_state=0).fit(catalogue.ratings.to_frame().to_pandas())
    users = fitted.user_vocabulary_.ids.to_list()[:3]
    places = ft.latent.map(fitted, users=users)
    assert type(places.to_frame()).__module__.startswith("pandas")
    assert list(places.to_frame().columns) == ["item", "x", "y"]
    assert places.to_frame("user")["user"].tolist() == users


# Users ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pca", ("factor 1", "factor 2")])
def test_in_two_dimensions_the_arrow_of_a_user_tells_the_scores_of_items(catalogue, method):
    fitted = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(catalogue.ratings)
    users = catalogue.ratings.users.ids
    places = ft.latent.map(fitted, users=users, method=method, previous=None)
    by_arrow = (places.user_points - places.origin) @ (places.points - places.origin).T
    scores = fitted.score_codes(np.arange(len(users), dtype=np.int32), exclude_seen=False)
    for row, expected in zip(by_arrow, scores, strict=True):
        assert np.corrcoef(row, expected)[0, 1] == pytest.approx(1, abs=1e-4)
    reach = [np.sqrt(((each - places.origin) ** 2).mean()) for each in (places.user_points, places.points)]
    assert reach[0] == pytest.approx(reach[1])


def test_a_user_does_not_move_because_others_are_asked_for(model):
    users = model.user_vocabulary_.ids.to_list()
    alone, together = ft.latent.map(model, users=users[3:4]), ft.latent.map(model, users=users)
    np.testing.assert_array_equal(alone.user_points[0], together.user_points[3])


def test_arrows_turn_with_the_map(model, again):
    users, before = model.user_vocabulary_.ids, ft.latent.map(again)
    free, aligned = ft.latent.map(model, users=users), ft.latent.map(model, users=users, previous=before)
    products = [(each.user_points - each.origin) @ (each.points - each.origin).T for each in (free, aligned)]
    np.testing.assert_allclose(*products, atol=1e-10)


def test_on_a_bent_map_a_user_stands_amid_the_items_that_score_highest(model):
    users = model.user_vocabulary_.ids.to_list()[5:8]
    some = model.item_vocabulary_.ids.to_list()[10:80]
    places = ft.latent.map(model, some, users=users, method="tsne", n_neighbors=4)
    listed = model.recommend(users, 4, exclude_seen=False, items=some)
    for user, point in zip(users, places.user_points, strict=True):
        best = listed.filter(pl.col("user") == user)["item"].to_list()
        expected = places.to_frame().filter(pl.col("item").is_in(best)).select(pl.mean("x", "y")).row(0)
        np.testing.assert_allclose(point, expected)


# The same map again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pca", "tsne", ("factor 1", "factor 2")])
def test_the_same_seed_gives_the_same_bits(model, method):
    one, other = (ft.latent.map(model, method=method, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    assert one.trustworthiness == other.trustworthiness


def test_a_model_trained_again_lies_on_the_map_before(model, again):
    before = ft.latent.map(model, method=("factor 1", "factor 2"))
    free = ft.latent.map(again, method=("factor 1", "factor 2"))
    aligned = ft.latent.map(again, previous=before)
    assert displacement(before, aligned) < 0.8 * displacement(before, free)
    before = ft.latent.map(model)
    aligned = ft.latent.map(again, previous=before)
    mirrored = ft.latent.map(again)
    mirrored.points[:] *= [-1, 1]
    assert displacement(before, aligned) < 0.35
    assert displacement(before, aligned) < 0.3 * displacement(before, mirrored)


def test_alignment_keeps_what_the_plane_holds(model, again):
    free, aligned = ft.latent.map(again), ft.latent.map(again, previous=ft.latent.map(model))
    assert sum(aligned.shares) == pytest.approx(sum(free.shares))
    assert aligned.trustworthiness == pytest.approx(free.trustworthiness)
    assert aligned.directions == ("component 1, aligned", "component 2, aligned")


def test_bent_maps_stay_where_they_were_and_do_not_shrink(model, again):
    before = ft.latent.map(model, method="tsne")
    free, aligned = ft.latent.map(again, method="tsne"), ft.latent.map(again, method="tsne", previous=before)
    assert displacement(before, aligned) < 0.8 * displacement(before, free)
    assert aligned.points.std() == pytest.approx(before.points.std(), rel=0.01)


def test_items_may_come_and_go(model, again):
    ids = model.item_vocabulary_.ids.to_list()
    before = ft.latent.map(model, ids[:70])
    after = ft.latent.map(again, ids[20:], previous=before)
    assert after.ids.to_list() == ids[20:]
    assert displacement(before, after) < 0.4
    with pytest.raises(DataError, match="have 2 items in common; to lay one on the other takes 3"):
        ft.latent.map(again, ids[68:], previous=before)


def test_a_map_on_itself_stays(model):
    before = ft.latent.map(model)
    np.testing.assert_allclose(ft.latent.map(model, previous=before).points, before.points, atol=1e-9)


# UMAP -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("umap")  # compiled once, by one worker
def test_umap_gives_the_same_bits_and_keeps_neighbours(model, again):
    users = model.user_vocabulary_.ids[:2]
    one, other = (ft.latent.map(model, method="umap", users=users) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    assert one.user_points.shape == (2, 2)
    assert one.metric == "cosine"
    assert one.directions == ("UMAP 1", "UMAP 2")
    assert np.isnan(one.shares).all()
    by_shadow = ft.latent.map(model, metric="cosine")
    assert one.neighbors_kept > by_shadow.neighbors_kept
    aligned = ft.latent.map(again, method="umap", previous=one)
    assert displacement(one, aligned) < displacement(one, ft.latent.map(again, method="umap"))


def test_without_umap_the_message_names_the_extra(model, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("foretaste.utils.extras.import_module", missing)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'foretaste[map]'")):
        ft.latent.map(model, method="umap")


# Words and errors -----------------------------------------------------------------------------------------------------


def test_the_caution_says_how_far_to_believe(model):
    places = ft.latent.map(model)
    assert places.caution == (
        f"Of the 15 nearest on the map, {places.neighbors_kept:.0%} are among the 15 nearest in the space "
        f"(by distance); trustworthiness {places.trustworthiness:.2f}."
    )
    bent = ft.latent.map(model, method="tsne")
    assert "(by angle)" in bent.caution
    assert bent.caution.endswith("Gaps between groups, and how wide a group is, mean little.")
    few = ft.latent.map(model, model.item_vocabulary_.ids[:2])
    assert few.caution == "Too few items to say how faithful the map is."
    assert few.n_neighbors == few.n_asked == 0


def test_long_work_shows_a_bar_at_once(model, monkeypatch):
    asked = []
    real = module.progress
    monkeypatch.setattr(module, "progress", lambda *args, at_once: asked.append(at_once) or real(*args))
    ft.latent.map(model, method="tsne")
    monkeypatch.setattr(module, "_MANY", 80)
    ft.latent.map(model)
    ft.latent.map(model, method="tsne")
    assert asked == [False, False, True]


@pytest.mark.parametrize(
    "method",
    ["isomap", ("factor 1", "factor 7"), ("factor 0", "factor 1"), "factor 1", ("factor 1",), ("factor 1", "factor 1")],
)
def test_another_method_is_an_error(model, method):
    with pytest.raises(InvalidParameterError, match=r"or two of 'factor 1' to 'factor 6', got"):
        ft.latent.map(model, method=method)


def test_unknown_ids_are_an_error(model):
    with pytest.raises(UnknownIdError, match="1 of 2 item ids are unknown to this model: 'zz'"):
        ft.latent.map(model, [model.item_vocabulary_.decode_one(0), "zz"])
    with pytest.raises(UnknownIdError, match="1 of 1 user ids are unknown to this model: 7"):
        ft.latent.map(model, users=[7])


def test_what_cannot_be_mapped_says_so():
    albums = ft.datasets.albums()
    with pytest.raises(NotFittedError, match=r"Call 'fit' before 'latent.map'"):
        ft.latent.map(ft.ALS())
    with pytest.raises(UnsupportedError, match="and Baseline has none"):
        ft.latent.map(ft.Baseline().fit(albums))
    model = ft.ALS(n_factors=2, random_state=0).fit(albums)
    with pytest.raises(UnsupportedError, match="at least 3 items with 2 factors each; this ALS has 2 items"):
        ft.latent.map(model, model.item_vocabulary_.ids[:2], method="umap")
    with pytest.raises(InvalidParameterError, match=r"'previous' of latent\.map must be an ItemMap, got ALS"):
        ft.latent.map(model, previous=model)
    with pytest.raises(UnsupportedError, match="this FunkSVD has 5 items and 1 factors"):
        ft.latent.map(ft.FunkSVD(n_factors=1, random_state=0).fit(albums))
    with pytest.raises(
        InvalidParameterError, match=r"'metric' of latent\.map must be one of 'euclidean', 'cosine' or None"
    ):
        ft.latent.map(ft.ALS(n_factors=2).fit(albums), metric="dot")
