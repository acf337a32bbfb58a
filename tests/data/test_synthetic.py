"""The made-up catalogue: the same for a seed, whole, and true to what was planted."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.synthetic import FINISHED, SCALE, make_catalogue
from foretaste.exceptions import InvalidParameterError, UnknownIdError


@pytest.fixture(scope="module")
def catalogue():
    return make_catalogue()


def same(one, other):
    frames = ("items", "users", "events", "purchases")
    arrays = ("user_factors", "item_factors", "user_biases", "item_biases", "popularity")
    return (
        one.ratings.to_frame().equals(other.ratings.to_frame())
        and all(getattr(one, name).equals(getattr(other, name)) for name in frames)
        and all(np.array_equal(getattr(one.truth, name), getattr(other.truth, name)) for name in arrays)
        and one.truth.periods.equals(other.truth.periods)
        and one.truth.half_finished.equals(other.truth.half_finished)
    )


def rmse(errors):
    return float(np.sqrt(np.mean(np.square(errors))))


# Seeds --------------------------------------------------------------------------------------------------------------


def test_same_seed_same_bits(catalogue):
    assert same(catalogue, make_catalogue(random_state=0))
    assert not same(make_catalogue(9, 9, random_state=None), make_catalogue(9, 9, random_state=None))


def test_another_seed_gives_another_catalogue(catalogue):
    other = make_catalogue(random_state=1)
    assert not catalogue.items["title"].equals(other.items["title"])
    assert not np.array_equal(catalogue.truth.user_factors, other.truth.user_factors)


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_any_source_of_random_numbers_will_do(kind):
    assert same(make_catalogue(10, 10, random_state=kind(3)), make_catalogue(10, 10, random_state=kind(3)))
    source = kind(3)
    assert not same(make_catalogue(10, 10, random_state=source), make_catalogue(10, 10, random_state=source))


def test_more_users_leave_the_others_alone():
    few, many = make_catalogue(40, 60), make_catalogue(150, 60)
    assert few.items.equals(many.items)
    assert few.users.equals(many.users.head(40))
    assert few.events.equals(many.events.head(few.events.height))
    assert few.purchases.equals(many.purchases.head(few.purchases.height))
    assert few.ratings.to_frame().equals(many.ratings.to_frame().head(few.ratings.n_ratings))


def test_other_goods_leave_the_films_alone():
    few, many = make_catalogue(40, 60, n_goods=3), make_catalogue(40, 60, n_goods=90)
    assert few.items.head(60).equals(many.items.head(60))
    assert few.ratings.to_frame().equals(many.ratings.to_frame())


def test_the_size_of_a_block_does_not_show(monkeypatch):
    whole = make_catalogue(60, 50)
    monkeypatch.setattr("foretaste.data.synthetic._BLOCK", 170)
    assert whole.events.equals(make_catalogue(60, 50).events)


# Form ---------------------------------------------------------------------------------------------------------------


def test_sizes(catalogue):
    films, goods = (catalogue.items.filter(kind=kind) for kind in ("film", "goods"))
    assert (catalogue.users.height, films.height, goods.height) == (600, 400, 40)
    assert catalogue.ratings.n_users == 600
    assert 15_000 < catalogue.ratings.n_ratings < 30_000
    assert catalogue.truth.user_factors.shape == (600, 6)
    assert catalogue.truth.item_factors.shape == (400, 6)
    assert catalogue.truth.rating_table().shape == (600, 400)
    assert len(catalogue.truth.axes) == 6
    counts = f"{catalogue.ratings.n_ratings} ratings, {catalogue.purchases.height} purchases"
    assert repr(catalogue) == f"Catalogue(600 users, 400 films, {counts})"


def test_ratings_are_half_stars_on_the_declared_scale(catalogue):
    ratings = catalogue.ratings
    assert ratings.scale == SCALE == (0.5, 5.0)
    assert set(np.unique(ratings.ratings)) == set(np.arange(0.5, 5.5, 0.5))
    assert 3 < ratings.ratings.mean() < 4


def test_columns(catalogue):
    assert catalogue.items.schema == {
        "item": pl.String,
        "title": pl.String,
        "kind": pl.String,
        "genres": pl.List(pl.String),
        "year": pl.Int64,
        "runtime": pl.Int64,
        "minimum_age": pl.Int64,
        "brand": pl.String,
        "price": pl.Float64,
        "added": pl.Datetime("us"),
        "expires": pl.Datetime("us"),
    }
    assert catalogue.users.columns == ["user", "name", "genres", "joined"]
    assert catalogue.events.columns == ["user", "item", "time", "progress", "kind"]
    assert catalogue.purchases.columns == ["user", "item", "time"]
    films = catalogue.items.head(400)
    assert films.drop("expires").null_count().sum_horizontal().item() == 0
    assert films["genres"].list.len().is_between(1, 3).all()
    assert (films["genres"].list.n_unique() == films["genres"].list.len()).all()
    assert films["year"].is_between(1931, 2025).all()
    assert films["runtime"].is_between(60, 180).all()
    assert (catalogue.items["price"] > 0).all()


def test_schema_does_not_depend_on_the_sizes(catalogue):
    for other in (make_catalogue(1, 1, n_goods=0), make_catalogue(3, 2, n_goods=1, unfinished=0)):
        for name in ("items", "users", "events", "purchases"):
            assert getattr(other, name).schema == getattr(catalogue, name).schema
        assert other.truth.periods.schema == catalogue.truth.periods.schema
        assert other.truth.half_finished.schema == catalogue.truth.half_finished.schema


def test_ids_match_across_frames(catalogue):
    users, items, truth = set(catalogue.users["user"]), set(catalogue.items["item"]), catalogue.truth
    films, goods = (set(catalogue.items.filter(kind=kind)["item"]) for kind in ("film", "goods"))
    assert len(users) == 600
    assert len(items) == 440
    assert list(truth.users) == catalogue.users["user"].to_list()
    assert list(truth.items) == catalogue.items["item"].head(400).to_list()
    assert set(catalogue.ratings.users) <= users
    assert set(catalogue.ratings.items) <= films
    for frame in (catalogue.events, truth.half_finished):
        assert set(frame["user"]) <= users
        assert set(frame["item"]) <= films
    for frame in (catalogue.purchases, truth.periods):
        assert set(frame["user"]) <= users
        assert set(frame["item"]) <= goods


def test_names_are_distinct_and_ids_can_be_typed():
    catalogue = make_catalogue(3000, 1000, n_goods=250, ratings_per_user=1)
    for names, ids in (
        (catalogue.users["name"], catalogue.users["user"]),
        (catalogue.items["title"], catalogue.items["item"]),
    ):
        assert names.is_unique().all()
        assert ids.is_unique().all()
        assert ids.str.contains(r"^[a-z0-9]+(-[a-z0-9]+)*$").all()


def test_nothing_happens_too_early_or_too_late(catalogue):
    for frame in (catalogue.events, catalogue.purchases, catalogue.ratings.to_frame()):
        full = frame.join(catalogue.users, on="user").join(catalogue.items, on="item")
        assert full.height == frame.height
        assert (full["time"] >= full["joined"]).all()
        assert (full["time"] >= full["added"]).all()
        assert (full["time"] < catalogue.now).all()
    assert (catalogue.items["added"] < catalogue.now).all()
    assert (catalogue.items["expires"].drop_nulls() > catalogue.now).all()


def test_some_films_are_new_and_some_leave(catalogue):
    age = (catalogue.now - catalogue.items["added"]).dt.total_days()
    assert (age <= 30).sum() >= 5
    assert 10 < catalogue.items["expires"].count() < 80


# Planted answers ----------------------------------------------------------------------------------------------------


def test_ratings_are_the_truth_and_noise(catalogue):
    frame, truth = catalogue.ratings.to_frame(), catalogue.truth
    errors = frame["rating"].to_numpy() - truth.ratings_of(frame["user"], frame["item"])
    assert rmse(errors) == pytest.approx(truth.best_rmse, rel=0.08)
    assert rmse(errors) <= truth.best_rmse
    assert abs(errors.mean()) < 0.03


def test_without_noise_only_rounding_is_left():
    catalogue = make_catalogue(100, 80, noise=0)
    frame = catalogue.ratings.to_frame()
    errors = frame["rating"].to_numpy() - catalogue.truth.ratings_of(frame["user"], frame["item"])
    assert np.abs(errors).max() <= 0.25 + 1e-9


def test_truth_by_ids(catalogue):
    truth, users, items = catalogue.truth, catalogue.users["user"], catalogue.items["item"].head(400)
    table = truth.rating_table()
    assert table.min() >= SCALE[0]
    assert table.max() <= SCALE[1]
    assert truth.ratings_of([users[3], users[7]], [items[5], items[2]]) == pytest.approx([table[3, 5], table[7, 2]])
    part = truth.rating_table([users[7], users[3]], [items[1], items[0], items[1]])
    assert part == pytest.approx(table[[7, 3]][:, [1, 0, 1]])


def test_unknown_ids_are_named(catalogue):
    truth, user = catalogue.truth, catalogue.users["user"][0]
    with pytest.raises(UnknownIdError, match="1 of 2 item ids are unknown to this catalogue: 'no-such-film'"):
        truth.ratings_of([user, user], [catalogue.items["item"][0], "no-such-film"])
    with pytest.raises(UnknownIdError, match="user ids"):
        truth.rating_table(users=["nobody"])
    with pytest.raises(UnknownIdError, match="item ids"):
        truth.rating_table(items=catalogue.items["item"].tail(1))  # goods are not rated


@pytest.mark.parametrize(
    ("axis", "low", "high"),
    [(0, "Comedy", "Documentary"), (1, "Family", "Horror"), (2, "Romance", "Adventure"), (3, "Drama", "Animation")],
)
def test_an_axis_stands_for_its_genres(catalogue, axis, low, high):
    genres, place = catalogue.items["genres"].head(400), catalogue.truth.item_factors[:, axis]
    for genre, sign in ((low, -1), (high, 1)):
        assert sign * np.corrcoef(place, genres.list.contains(genre).to_numpy())[0, 1] > 0.2


def test_favourite_genres_are_rated_higher(catalogue):
    frame = catalogue.ratings.to_frame().join(catalogue.users, on="user").join(catalogue.items, on="item")
    favourite = frame["genres"].list.set_intersection(frame["genres_right"]).list.len() > 0
    assert frame.filter(favourite)["rating"].mean() > frame.filter(~favourite)["rating"].mean() + 0.3


def test_popularity_is_the_planted_one_and_has_a_long_tail(catalogue):
    truth = catalogue.truth
    counts = np.bincount(truth.items.encode(catalogue.events["item"]), minlength=400)
    ranks = np.argsort(np.argsort(truth.popularity)), np.argsort(np.argsort(counts))
    assert np.corrcoef(*ranks)[0, 1] > 0.8
    assert truth.popularity.sum() == pytest.approx(1)
    assert np.sort(counts)[-80:].sum() > 0.4 * counts.sum()  # a fifth of the films
    active = np.sort(np.bincount(catalogue.ratings.user_codes))
    assert active[-60:].sum() > 0.2 * active.sum()  # a tenth of the people


def test_people_watch_what_they_will_like_unless_told_otherwise():
    def advantage(selection):
        truth = (catalogue := make_catalogue(selection=selection)).truth
        user, item = truth.users.encode(catalogue.events["user"]), truth.items.encode(catalogue.events["item"])
        return np.einsum("nk,nk->n", truth.user_factors[user], truth.item_factors[item]).mean()

    assert advantage(1.0) > 0.25
    assert abs(advantage(0.0)) < 0.05


def test_half_finished_is_what_ends_before_the_mark(catalogue):
    events = catalogue.events
    below = events.filter(pl.col("progress") < FINISHED)
    assert below.select("user", "item", "progress").equals(catalogue.truth.half_finished)
    assert set(below["kind"]) == {"start"}
    assert set(events.filter(pl.col("progress") >= FINISHED)["kind"]) == {"finish"}
    assert events["progress"].is_between(0, 1).all()
    assert below.height / events.height == pytest.approx(0.08, abs=0.02)
    rated = events.filter(pl.col("kind") == "finish").select("user", "item", "time")
    assert rated.equals(catalogue.ratings.to_frame().select("user", "item", "time"))


def test_purchases_keep_their_period(catalogue):
    truth = catalogue.truth
    gap = pl.col("time").diff().over("user", "item").dt.total_seconds() / 86_400
    gaps = catalogue.purchases.with_columns(gap=gap).group_by("user", "item")
    found = gaps.agg(pl.col("gap").mean(), pl.len()).join(truth.periods, on=["user", "item"], how="left")
    # Whoever has no period bought once; whoever has one kept to it from purchase to purchase.
    assert (found.filter(pl.col("period").is_null())["len"] == 1).all()
    assert found.filter(pl.col("period").is_not_null()).height == truth.periods.height
    kept = found.filter(pl.col("period").is_not_null() & (pl.col("len") >= 4))
    assert kept.height > 500
    assert ((kept["gap"] / kept["period"] - 1).abs() <= truth.jitter + 1e-3).all()
    assert (kept["gap"] / kept["period"]).mean() == pytest.approx(1, abs=0.005)
    # Nobody stops in between: the last purchase is less than one gap ago.
    last = catalogue.purchases.group_by("user", "item").agg(pl.col("time").max())
    due = last.join(truth.periods, on=["user", "item"])
    since = (catalogue.now - due["time"]).dt.total_seconds() / 86_400
    assert (since <= due["period"] * (1 + truth.jitter) + 1e-3).all()


# Learning -----------------------------------------------------------------------------------------------------------


def ridge_rows(targets, known, factors, reg):
    """Solve one small ridge regression a row of `targets`, over its known columns."""
    left = np.tensordot(known, factors[:, :, None] * factors[:, None, :], axes=1) + reg * np.eye(factors.shape[1])
    return np.linalg.solve(left, ((targets * known) @ factors)[..., None])[..., 0]


def test_a_few_factors_beat_biases_and_the_truth_reaches_the_floor(catalogue):
    truth, frame = catalogue.truth, catalogue.ratings.to_frame()
    user, item = truth.users.encode(frame["user"]), truth.items.encode(frame["item"])
    rating, rng = frame["rating"].to_numpy().astype(float), np.random.default_rng(0)
    held = rng.random(rating.size) < 0.2
    known, table = np.zeros((600, 400)), np.zeros((600, 400))
    known[user[~held], item[~held]], table[user[~held], item[~held]] = 1, rating[~held]
    mean, of_user, of_item = rating[~held].mean(), np.zeros((600, 1)), np.zeros(400)
    for _ in range(10):
        of_user = (known * (table - mean - of_item)).sum(1, keepdims=True) / (known.sum(1, keepdims=True) + 3)
        of_item = (known * (table - mean - of_user)).sum(0) / (known.sum(0) + 3)
    biases = mean + of_user + of_item
    q = rng.normal(0, 0.1, (400, 6))
    for _ in range(15):
        p = ridge_rows(table - biases, known, q, 2.0)
        q = ridge_rows((table - biases).T, known.T, p, 2.0)
    guesses = (biases, biases + p @ q.T, truth.rating_table())
    by_bias, by_factors, by_truth = (rmse(rating[held] - guess[user[held], item[held]]) for guess in guesses)
    assert by_truth == pytest.approx(truth.best_rmse, rel=0.08)
    assert by_bias > 1.4 * truth.best_rmse
    assert by_factors < 0.85 * by_bias


# Errors and sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_users": 0}, "'n_users' of make_catalogue must be an int in [1, inf), got 0."),
        ({"n_items": 2.5}, "'n_items' of make_catalogue must be an int in [1, inf), got 2.5."),
        ({"n_items": True}, "'n_items' of make_catalogue must be an int in [1, inf), got True."),
        ({"n_goods": -1}, "'n_goods' of make_catalogue must be an int in [0, inf), got -1."),
        ({"n_factors": "6"}, "'n_factors' of make_catalogue must be an int in [1, inf), got '6'."),
        ({"ratings_per_user": 0.5}, "'ratings_per_user' of make_catalogue must be a float in [1, inf), got 0.5."),
        ({"ratings_per_user": float("inf")}, "must be a float in [1, inf), got inf."),
        ({"taste": -1}, "'taste' of make_catalogue must be a float in [0, 3], got -1."),
        ({"noise": float("nan")}, "'noise' of make_catalogue must be a float in [0, 3], got nan."),
        ({"selection": 9}, "'selection' of make_catalogue must be a float in [0, 3], got 9."),
        ({"unfinished": 1.1}, "'unfinished' of make_catalogue must be a float in [0, 1], got 1.1."),
        ({"jitter": 0.6}, "'jitter' of make_catalogue must be a float in [0, 0.5], got 0.6."),
        ({"random_state": -1}, "'random_state' must be None, an int in [0, inf)"),
        ({"random_state": "seed"}, "got 'seed'."),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(InvalidParameterError) as caught:
        make_catalogue(**parameters)
    assert message in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    n_users=st.integers(1, 30),
    n_items=st.integers(1, 30),
    n_goods=st.integers(0, 8),
    n_factors=st.integers(1, 9),
    ratings_per_user=st.floats(1, 100),
    taste=st.floats(0, 3),
    noise=st.floats(0, 3),
    selection=st.floats(0, 3),
    unfinished=st.floats(0, 1),
    jitter=st.floats(0, 0.5),
    random_state=st.integers(0, 2**64),
)
def test_any_size_makes_a_whole_catalogue(n_users, n_items, n_goods, **rest):
    catalogue = make_catalogue(n_users, n_items, n_goods=n_goods, **rest)
    ratings, truth = catalogue.ratings, catalogue.truth
    assert catalogue.users.height == ratings.n_users == n_users
    assert catalogue.items.height == n_items + n_goods
    assert catalogue.items["item"].is_unique().all()
    assert catalogue.events.select("user", "item").is_unique().all()
    assert catalogue.events["user"].value_counts()["count"].max() <= (n_items + 1) // 2
    assert np.isfinite(truth.rating_table()).all()
    assert np.isin(2 * ratings.ratings, np.arange(1, 11)).all()
    assert len(truth.axes) == rest["n_factors"]
    if not n_goods:
        assert catalogue.purchases.is_empty()
