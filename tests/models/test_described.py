"""What holds for every model that looks at features of users and items."""

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

import foretaste as ft
from contract import learned, tastes
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError, UnsupportedError
from foretaste.models import MODELS
from foretaste.models._described import DescribedModel

SETTINGS = {"HybridMF": {"n_epochs": 60}, "ImplicitALS": {"n_epochs": 20, "tol": 0}}
every_described_model = pytest.mark.parametrize("name", SETTINGS)


def make(name, **settings):
    return MODELS[name](**{"n_factors": 4, "random_state": 0} | SETTINGS[name] | settings)


def test_every_such_model_is_among_these():
    assert set(SETTINGS) == {name for name, model in MODELS.items() if issubclass(model, DescribedModel)}


@every_described_model
def test_items_that_have_only_features_are_recommended_to_those_of_their_taste(name):
    rows, frame = tastes()
    fitted = make(name, item_features=frame).fit(rows)
    assert list(fitted.item_vocabulary_)[-4:] == [20, 21, 22, 23]
    found = fitted.recommend(n=2, items=[20, 21, 22, 23])
    assert (found["item"] % 2 == found["user"] % 2).all()


@every_described_model
def test_items_added_later_are_those_that_were_described_from_the_start(name):
    rows, frame = tastes()
    features = ft.ItemFeatures.from_frame(frame)
    whole = make(name, item_features=features).fit(rows)
    first = features.transform(frame.head(20))
    later = make(name, item_features=first).fit(rows)
    assert len(later.item_vocabulary_) == 20
    before = learned(later)
    grown = later.with_items(frame)
    assert learned(later) == before
    assert learned(grown) == learned(whole)
    assert learned(later.with_items(features)) == learned(whole)
    assert grown.explain(0, 22)["value"].sum() == pytest.approx(grown.predict([(0, 22)])[0])


@every_described_model
def test_users_with_features_alone(name):
    rows, frame = tastes()
    swapped = [(i, u) for u, i in rows]
    people = frame.rename({"item": "user"})
    fitted = make(name, user_features=people.head(22)).fit(swapped)
    assert list(fitted.user_vocabulary_)[-2:] == [20, 21]
    grown = fitted.with_users(people.tail(2))
    found = grown.recommend([20, 21, 22, 23], n=5)
    assert (found["item"] % 2 == found["user"] % 2).all()
    assert grown.explain(23, 1)["value"].sum() == pytest.approx(grown.predict([(23, 1)])[0])


@every_described_model
def test_a_new_user_is_folded_in_by_events_and_by_what_is_known_of_them(name):
    rows, frame = tastes()
    people = frame.rename({"item": "user"})
    fitted = make(name, user_features=people.head(20)).fit([(i, u) for u, i in rows]).with_users(people.tail(4))
    fitted = fitted.with_users(pl.DataFrame({"user": [99], "tag": [None], "noise": [None]}))
    mixed = [1, 0]  # an event of either taste: what is known of the user decides
    for user in (20, 21):
        folded = fitted.fold_in(mixed, user=user)
        assert folded.user_features_.values.tobytes() == fitted.user_features_.taken(np.array([user])).values.tobytes()
        best = folded.recommend(user, n=5)["item"]
        assert (best % 2 == user % 2).all()
        assert folded.explain(user, 3)["value"].sum() == pytest.approx(folded.predict([(user, 3)])[0])
    unknown, undescribed = fitted.fold_in(mixed, user=77), fitted.fold_in(mixed, user=99)
    assert unknown.user_factors_.tobytes() == undescribed.user_factors_.tobytes()


@every_described_model
def test_the_planted_taste_of_the_catalogue_is_met_by_films_nobody_has_seen(name):
    catalogue = ft.synthetic.make_catalogue()
    films = catalogue.items.filter(pl.col("kind") == "film").select("item", "genres")
    rng = np.random.default_rng(0)
    new = set(rng.choice(films["item"].to_numpy(), 80, replace=False).tolist())
    events = catalogue.ratings.at_least(4).to_frame().filter(~pl.col("item").is_in(list(new)))
    fitted = make(name, item_features=films, n_factors=16, n_epochs=20).fit(events)
    found = fitted.recommend(n=10, items=sorted(new))
    truth = catalogue.truth
    stars = truth.ratings_of(found["user"], found["item"]).mean()
    users = found["user"].unique()
    typical = truth.rating_table(users, sorted(new)).mean()
    # popularity of the new films is beyond what tags say, so the gain is of taste alone
    assert stars > typical + 0.2


@every_described_model
def test_those_without_features_are_counted_in_one_warning(name):
    rows, frame = tastes()
    people = frame.head(29).rename({"item": "user"})
    how = {"HybridMF": "stand for themselves alone", "ImplicitALS": "are drawn to 0"}[name]
    with pytest.warns(DataWarning) as caught:
        make(name, item_features=frame.tail(20), user_features=people, n_epochs=1).fit(rows)
    assert [str(w.message) for w in caught] == [f"6 of 30 users and 4 of 20 items have no features and {how}."]


@every_described_model
def test_features_that_say_nothing_here_are_refused(name):
    rows, frame = tastes()
    message = f"this {name} was fitted without item_features.* Hint: {name}\\(item_features=...\\)"
    with pytest.raises(UnsupportedError, match=message):
        make(name, n_epochs=1).fit(rows).with_items(frame)
    fitted = make(name, item_features=frame, n_epochs=1).fit(rows)
    with pytest.raises(DataError, match="these features are not those the model was fitted with"):
        fitted.with_items(ft.ItemFeatures.from_frame(frame.select("item", "tag")))
    with pytest.raises(
        InvalidParameterError, match="'user_features' must be a frame or UserFeatures, got ItemFeatures"
    ):
        make(name, user_features=ft.ItemFeatures.from_frame(frame)).fit(rows)


@every_described_model
def test_a_model_with_lists_of_tags_and_gaps_is_kept_whole(name, tmp_path):
    rows, frame = tastes()
    frame = frame.with_columns(
        tags=pl.Series([["x", "y"][: i % 3] for i in range(24)]),
        year=pl.Series([None if i % 5 == 0 else 1990 + i for i in range(24)]),
        name=pl.Series([None if i % 7 == 0 else "ab"[i % 2] for i in range(24)]),
    )
    for given in (frame, ft.ItemFeatures.from_frame(frame)):
        fitted = make(name, item_features=given, n_epochs=3).fit(rows)
        fitted.save(tmp_path / "model.ft")
        again = ft.load(tmp_path / "model.ft")
        assert learned(again) == learned(fitted)
        assert learned(clone(again).fit(rows)) == learned(fitted)
        new = frame.head(3).with_columns(item=pl.Series([30, 31, 32]))
        assert learned(again.with_items(new)) == learned(fitted.with_items(new))
        assert again.explain(0, 2).equals(fitted.explain(0, 2))


@pytest.mark.slow
@every_described_model
def test_films_of_ml_1m_that_nobody_has_seen_are_ranked_by_their_genres(name, need_set):
    need_set("ml-1m")
    events, films = ft.datasets.load("ml-1m").to_frame(), ft.datasets.load_items("ml-1m").select("item", "genres")
    rng = np.random.default_rng(0)
    new = set(rng.choice(films["item"].to_numpy(), 800, replace=False).tolist()) & set(events["item"].to_list())
    seen = events.filter(~pl.col("item").is_in(list(new)))
    fitted = make(name, item_features=films, n_factors=16, n_epochs=3).fit(seen)
    users = rng.choice(seen["user"].unique().to_numpy(), 1000, replace=False).tolist()
    best = fitted.recommend(users, n=10, items=sorted(new))
    wanted = events.filter(pl.col("item").is_in(list(new)))
    hits = best.join(wanted, on=["user", "item"], how="semi").height / best.height
    by_chance = wanted.filter(pl.col("user").is_in(users)).height / (len(users) * len(new))
    assert hits > 2 * by_chance
