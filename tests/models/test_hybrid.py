import numpy as np
import pytest

import foretaste as ft
from contract import learned, tastes
from foretaste.exceptions import DataWarning, InvalidParameterError

LOSSES = ("warp", "bpr", "logistic", "squared")


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


def test_what_a_user_is_made_of_adds_up():
    rows, frame = tastes()
    people = frame.rename({"item": "user"})
    fitted = model(user_features=people).fit([(i, u) for u, i in rows])
    terms = fitted.explain(23, 1, side="user")
    assert terms["term"].to_list() == ["item bias", "tag=odd", "noise", "the user itself"]
    assert terms["value"].sum() == pytest.approx(fitted.predict([(23, 1)])[0])
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


def test_items_without_features_and_identity_are_scored_alike():
    rows, frame = tastes()
    with pytest.warns(DataWarning, match="4 of 20 items have no features and are scored alike"):
        model(item_features=frame.tail(20), n_epochs=1, identity=False).fit(rows)
