import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

import foretaste as ft
from contract import learned
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError, UnsupportedError

LOSSES = ("warp", "bpr", "logistic", "squared")


def tastes(n_users=30, n_items=20):
    """Users who have the items of their taste, whose tag says so, and four new items of either taste."""
    rng = np.random.default_rng(0)
    rows = [(u, i) for u in range(n_users) for i in range(n_items) if i % 2 == u % 2 and rng.random() < 0.7]
    tags = [["even", "odd"][i % 2] for i in range(n_items + 4)]
    frame = pl.DataFrame({"item": list(range(n_items + 4)), "tag": tags, "noise": rng.normal(size=n_items + 4)})
    return rows, frame


def model(**settings):
    return ft.HybridMF(**{"n_factors": 4, "random_state": 0, "n_epochs": 60} | settings)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("identity", [True, False])
def test_items_that_have_only_features_are_recommended_to_those_of_their_taste(loss, identity):
    rows, frame = tastes()
    fitted = model(loss=loss, item_features=frame, identity=identity).fit(rows)
    assert list(fitted.item_vocabulary_)[-4:] == [20, 21, 22, 23]
    found = fitted.recommend(n=2, items=[20, 21, 22, 23])
    assert (found["item"] % 2 == found["user"] % 2).all()


def test_items_added_later_are_those_that_were_described_from_the_start():
    rows, frame = tastes()
    features = ft.ItemFeatures.from_frame(frame)
    whole = model(item_features=features).fit(rows)
    first = features.transform(frame.head(20))
    later = model(item_features=first).fit(rows)
    assert len(later.item_vocabulary_) == 20
    before = learned(later)
    grown = later.with_items(frame)
    assert learned(later) == before
    assert learned(grown) == learned(whole)
    assert learned(later.with_items(features)) == learned(whole)
    assert grown.explain(0, 22)["value"].sum() == pytest.approx(grown.predict([(0, 22)])[0])


def test_users_with_features_alone():
    rows, frame = tastes()
    swapped = [(i, u) for u, i in rows]
    people = frame.rename({"item": "user"})
    fitted = model(user_features=people.head(22)).fit(swapped)
    assert list(fitted.user_vocabulary_)[-2:] == [20, 21]
    grown = fitted.with_users(people.tail(2))
    found = grown.recommend([20, 21, 22, 23], n=5)
    assert (found["item"] % 2 == found["user"] % 2).all()
    terms = grown.explain(23, 1, side="user")
    assert terms["term"].to_list() == ["item bias", "tag=odd", "noise", "the user itself"]
    assert terms["value"].sum() == pytest.approx(grown.predict([(23, 1)])[0])
    assert terms["value"][-1] == pytest.approx(0, abs=1e-5)  # nothing of it was ever seen


def test_what_an_item_is_made_of_adds_up():
    rows, frame = tastes()
    fitted = model(item_features=frame).fit(rows)
    terms = fitted.explain(1, 3)
    assert terms["term"].to_list() == ["tag=odd", "noise", "the item itself"]
    features = ft.ItemFeatures.from_frame(frame)
    place = fitted.item_feature_names_.index("tag=odd")
    p, bias = fitted.user_factors_[fitted.user_vocabulary_.encode_one(1)], fitted.biases_of_item_features_[place]
    assert terms["value"][0] == pytest.approx(p @ fitted.vectors_of_item_features_[place] + bias, rel=1e-5)
    assert fitted.explain(0, 21)["value"][-1] == pytest.approx(0, abs=1e-5)
    assert features.names == fitted.item_feature_names_
    with pytest.raises(InvalidParameterError, match="'side' of explain must be one of 'item', 'user', got 'both'"):
        fitted.explain(1, 3, side="both")


def test_the_planted_taste_of_the_catalogue_is_met_by_films_nobody_has_seen():
    catalogue = ft.synthetic.make_catalogue()
    films = catalogue.items.filter(pl.col("kind") == "film").select("item", "genres")
    rng = np.random.default_rng(0)
    new = set(rng.choice(films["item"].to_numpy(), 80, replace=False).tolist())
    events = catalogue.ratings.at_least(4).to_frame().filter(~pl.col("item").is_in(list(new)))
    fitted = model(item_features=films, n_factors=16, n_epochs=20).fit(events)
    found = fitted.recommend(n=10, items=sorted(new))
    truth = catalogue.truth
    stars = truth.ratings_of(found["user"], found["item"]).mean()
    users = found["user"].unique()
    typical = truth.rating_table(users, sorted(new)).mean()
    # popularity of the new films is beyond what tags say, so the gain is of taste alone
    assert stars > typical + 0.2


@pytest.mark.parametrize("loss", LOSSES)
def test_a_user_met_later_is_ranked_like_those_of_the_same_taste(loss):
    rows, frame = tastes()
    fitted = model(loss=loss, item_features=frame).fit(rows)
    folded = fitted.fold_in([0, 4, 6, 10])
    best = folded.recommend(n=6)["item"]
    assert (best % 2 == 0).all()
    assert folded.explain("new user", 2)["value"].sum() == pytest.approx(folded.predict([("new user", 2)])[0])


def test_weights_count_little_and_repeats_add_up():
    rows, _ = tastes()
    once = ft.Interactions.from_arrays(*zip(*rows, strict=True))
    again = ft.Interactions.from_arrays(*zip(*(rows + rows + rows), strict=True), duplicates="keep")
    weighted = ft.Interactions.from_arrays(*zip(*rows, strict=True), weights=np.full(len(rows), 3.0))
    assert learned(model().fit(again))["user_factors_"] == learned(model().fit(weighted))["user_factors_"]
    assert learned(model().fit(again))["user_factors_"] != learned(model().fit(once))["user_factors_"]


def test_the_curve_is_of_the_loss_and_falls():
    rows, _ = tastes()
    history = model().fit(rows).history_
    assert history.columns == ["epoch", "train_loss", "valid_loss", "seconds"]
    assert history["train_loss"][-1] < 0.7 * history["train_loss"][0]


def test_items_without_features_are_counted_in_one_warning():
    rows, frame = tastes()
    with pytest.warns(DataWarning) as caught:
        model(item_features=frame.tail(20), n_epochs=1).fit(rows)
    assert [str(w.message) for w in caught] == ["4 of 20 items have no features and stand for themselves alone."]
    with pytest.warns(DataWarning, match="4 of 20 items have no features and are scored alike"):
        model(item_features=frame.tail(20), n_epochs=1, identity=False).fit(rows)


def test_features_that_say_nothing_here_are_refused():
    rows, frame = tastes()
    with pytest.raises(UnsupportedError, match="was fitted without item_features"):
        model(n_epochs=1).fit(rows).with_items(frame)
    fitted = model(item_features=frame, n_epochs=1).fit(rows)
    with pytest.raises(DataError, match="these features are not those the model was fitted with"):
        fitted.with_items(ft.ItemFeatures.from_frame(frame.select("item", "tag")))
    with pytest.raises(
        InvalidParameterError, match="'user_features' must be a frame or UserFeatures, got ItemFeatures"
    ):
        model(user_features=ft.ItemFeatures.from_frame(frame)).fit(rows)


def test_a_model_with_lists_of_tags_and_gaps_is_kept_whole(tmp_path):
    rows, frame = tastes()
    frame = frame.with_columns(
        tags=pl.Series([["x", "y"][: i % 3] for i in range(24)]),
        year=pl.Series([None if i % 5 == 0 else 1990 + i for i in range(24)]),
        name=pl.Series([None if i % 7 == 0 else "ab"[i % 2] for i in range(24)]),
    )
    for given in (frame, ft.ItemFeatures.from_frame(frame)):
        fitted = model(item_features=given, n_epochs=3).fit(rows)
        fitted.save(tmp_path / "model.ft")
        again = ft.load(tmp_path / "model.ft")
        assert learned(again) == learned(fitted)
        assert learned(clone(again).fit(rows)) == learned(fitted)
        new = frame.head(3).with_columns(item=pl.Series([30, 31, 32]))
        assert learned(again.with_items(new)) == learned(fitted.with_items(new))
        assert again.explain(0, 2).equals(fitted.explain(0, 2))


@pytest.mark.slow
def test_films_of_ml_1m_that_nobody_has_seen_are_ranked_by_their_genres(need_set):
    need_set("ml-1m")
    events, films = ft.datasets.load("ml-1m").to_frame(), ft.datasets.load_items("ml-1m").select("item", "genres")
    rng = np.random.default_rng(0)
    new = set(rng.choice(films["item"].to_numpy(), 800, replace=False).tolist()) & set(events["item"].to_list())
    seen = events.filter(~pl.col("item").is_in(list(new)))
    fitted = model(item_features=films, n_factors=16, n_epochs=3).fit(seen)
    users = rng.choice(seen["user"].unique().to_numpy(), 1000, replace=False).tolist()
    best = fitted.recommend(users, n=10, items=sorted(new))
    wanted = events.filter(pl.col("item").is_in(list(new)))
    hits = best.join(wanted, on=["user", "item"], how="semi").height / best.height
    by_chance = wanted.filter(pl.col("user").is_in(users)).height / (len(users) * len(new))
    assert hits > 2 * by_chance
