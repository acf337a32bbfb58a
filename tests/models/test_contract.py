"""What every model does, whatever it learns; a model that is missing from the table in contract.py fails a test."""

import inspect
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pytest

import foretaste as ft
from contract import (
    CASES,
    ITEMS,
    NEW,
    PAIRS,
    ROWS,
    STRANGE,
    USERS,
    every_case,
    every_rating_model,
    fit,
    fitted,
    learned,
    names,
    table,
)
from foretaste.exceptions import (
    DataError,
    DataWarning,
    InvalidParameterError,
    UnknownIdError,
    UnknownIdWarning,
    UnsupportedError,
)
from foretaste.models import MODELS


def test_every_model_is_in_the_table():
    assert {case.model for case in CASES.values()} == set(MODELS)


# Learning ----------------------------------------------------------------------------------------------------------


@every_case
def test_it_finds_what_was_withheld_from_a_checkerboard(name):
    case = CASES[name]
    if case.no_interaction:
        return  # the table says why
    users, items = [f"user {j}" for j in range(16)], [f"item {j}" for j in range(12)]
    liked = {(u, i): (a + b) % 2 == 0 for a, u in enumerate(users) for b, i in enumerate(items)}
    # of every user one liked and one disliked square is covered
    covered = {(u, items[(a + step) % 12]) for a, u in enumerate(users) for step in (0, 1)}
    rows = [(*pair, 5.0 if like else 1.0) for pair, like in liked.items() if pair not in covered]
    model = fit(name, rows, users, items)
    predicted = dict(zip(sorted(covered), model.predict(sorted(covered)), strict=True))
    for pair, rating in predicted.items():
        assert rating > 4 if liked[pair] else rating < 2, (pair, rating)
    best = model.recommend(n=1)
    assert len(best) == len(users)
    assert all(liked[pair] for pair in zip(best["user"], best["item"], strict=True))


@every_case
def test_a_second_fit_equals_the_first(name):
    model = fit(name)
    before = learned(model)
    model.fit(table(USERS[:5], ITEMS[:6], seed=3))
    model.fit(ROWS)
    assert learned(model) == before == learned(fitted(name))


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if "random_state" in MODELS[case.model]().get_params()]
)
def test_the_seed_decides_the_numbers(name):
    model = fitted(name)
    other = fit(name, random_state=1)
    assert learned(fit(name, random_state=0)) == learned(model)
    assert (other.predict(PAIRS, clip=False) != model.predict(PAIRS, clip=False)).any()


@every_case
def test_asking_changes_nothing(name):
    model = fit(name)
    before = learned(model)
    model.predict(PAIRS)
    model.predict(PAIRS, clip=False)
    model.recommend()
    model.recommend(USERS[0], items=ITEMS[:5], exclude_seen=False)
    model.explain(USERS[0], ITEMS[0])
    for side, ids in (("user", USERS), ("item", ITEMS)):
        for metric in ("cosine", "euclidean") if side in CASES[name].placed else ():
            getattr(model, f"similar_{side}s")(ids, metric=metric)
        if side in CASES[name].neighbors:
            getattr(model, f"similar_{side}s")(ids)
    if not CASES[name].no_fold_in:
        model.fold_in([(ITEMS[0], 5), (ITEMS[1], 1)]).recommend()
    assert learned(model) == before


@every_case
def test_the_order_of_pairs_and_their_company_do_not_matter(name):
    model = fitted(name)
    together = model.predict(PAIRS)
    np.testing.assert_array_equal(model.predict(PAIRS[::-1]), together[::-1])
    assert [model.predict([pair])[0] for pair in PAIRS[:5]] == together[:5].tolist()
    assert model.predict([]).tolist() == []


@every_rating_model
def test_predictions_stay_on_the_scale_unless_asked_not_to(name):
    rows = [(user, item, min(rating, 4.0)) for user, item, rating in ROWS]
    model = fit(name, ft.Interactions.from_arrays(*zip(*rows, strict=True), scale=(1, 4)))
    assert model.scale_ == (1, 4)
    inside, free = model.predict(PAIRS), model.predict(PAIRS, clip=False)
    assert inside.dtype == free.dtype == np.float64
    np.testing.assert_array_equal(inside, np.clip(free, 1, 4))
    if not (CASES[name].no_interaction or CASES[name].linked):  # the mean of classes is among them
        assert (free > 4).any()


# Small and odd data ------------------------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(USERS[0], item, rating) for item, rating in zip(ITEMS, (1, 5, 3, 4), strict=False)], id="user"),
        pytest.param([(user, ITEMS[0], rating) for user, rating in zip(USERS, (1, 5, 3, 4), strict=False)], id="item"),
        pytest.param([(USERS[0], ITEMS[0], 3.0)], id="rating"),
    ],
)
def test_one_is_enough(name, rows):
    model = fit(name, rows)
    predicted = model.predict([row[:2] for row in rows])
    assert np.isfinite(predicted).all()
    ratings = [rating for *_, rating in rows]
    if model.predicts_ratings:
        assert (predicted >= min(ratings)).all()
        assert (predicted <= max(ratings)).all()
    known = {item for _, item, _ in rows} | set(model.item_vocabulary_)
    assert len(model.recommend(USERS[0], exclude_seen=False)) == len(known)
    assert np.isfinite(model.recommend(exclude_seen=False)["score"].to_numpy()).all()
    for side in CASES[name].placed:
        own = list(getattr(model, f"{side}_vocabulary_"))
        assert len(getattr(model, f"similar_{side}s")(own[0])) == min(10, len(own) - 1)
    for side in CASES[name].neighbors:
        own = list(getattr(model, f"{side}_vocabulary_"))
        assert len(getattr(model, f"similar_{side}s")(own[0])) < len(own)


@every_rating_model
@pytest.mark.parametrize("rating", [3.0, 0.0, -2.0])
def test_equal_ratings_are_predicted_as_they_are(name, rating):
    rows = [(user, item, rating) for user, item, _ in ROWS]
    if rating < 0 and CASES[name].non_negative:
        with pytest.raises(DataError, match=f"needs ratings of at least 0.* the lowest is {rating:g}"):
            fit(name, rows)
        return
    model = fit(name, rows)
    predicted = model.predict(PAIRS)
    np.testing.assert_allclose(predicted, rating, atol=1e-6)
    if CASES[name].centred:
        np.testing.assert_allclose(model.predict(PAIRS, clip=False), rating, atol=1e-2)


@pytest.mark.parametrize("model", ["Baseline", "NMF", "ALS", "FunkSVD", "SVDpp"])
@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]], ids=["many", "one"])
def test_equal_ratings_end_the_training_by_themselves(model, rows):
    # a ConvergenceWarning would be an error here
    MODELS[model]().fit([(user, item, 3.0) for user, item, _ in rows])


MAKE_ID = {
    "str": lambda side, j: f"{side} {j}",
    "int": lambda side, j: j * 7 - 3 if side == "user" else 10**12 + j,
    "UUID": lambda side, j: uuid.UUID(int=j + (1000 if side == "user" else 2000)),
    "tuple": lambda side, j: (side, j),
    "bytes": lambda side, j: f"{side} {j}".encode(),
}


@every_case
@pytest.mark.parametrize("kind", MAKE_ID)
def test_ids_of_any_kind_serve_alike(name, kind, tmp_path):
    users, items = ([MAKE_ID[kind](side, j) for j in range(n)] for side, n in (("user", 12), ("item", 10)))
    rename = dict(zip(USERS + ITEMS, users + items, strict=True))
    model = fit(name, [(rename[u], rename[i], rating) for u, i, rating in ROWS], users, items)
    pairs = [(rename[u], rename[i]) for u, i in PAIRS]
    np.testing.assert_array_equal(model.predict(pairs), fitted(name).predict(PAIRS))
    expected = fitted(name).recommend(USERS[2], n=3)
    found = model.recommend(users[2], n=3)
    assert found["item"].to_list() == [rename[item] for item in expected["item"]]
    assert found["user"].to_list() == [users[2]] * len(found)
    assert found["score"].to_list() == expected["score"].to_list()
    model.save(tmp_path / "model.ft")
    loaded = ft.load(tmp_path / "model.ft")
    np.testing.assert_array_equal(loaded.predict(pairs), model.predict(pairs))
    assert list(loaded.user_vocabulary_) == list(model.user_vocabulary_)


# Unknown ids -------------------------------------------------------------------------------------------------------

SENTENCES = "1 of 2 user ids are unknown to this model: 'nobody'. 1 of 2 item ids are unknown to this model: 'nothing'."


@every_case
def test_unknown_ids_fall_back_with_one_warning(name):
    model = fitted(name)
    with pytest.warns(UnknownIdWarning) as caught:
        predicted = model.predict(STRANGE)
    assert [str(warning.message) for warning in caught] == [
        f"{SENTENCES} They are scored by what is known of the rest."
    ]
    assert caught[0].filename == __file__
    assert np.isfinite(predicted).all()
    assert predicted[3] == model.predict(STRANGE[3:])[0]


def falling_back():
    """Cases that fall back on a mean and biases, or on typical factors."""
    rated = [name for name in names(neighbors=True) if MODELS[CASES[name].model].predicts_ratings]
    return [*names(placed=("user", "item"), linked=False), *rated, "GlobalMean", "Baseline"]


@pytest.mark.parametrize("name", falling_back())
def test_the_fallback_is_the_mean_and_the_biases_that_are_known(name):
    model = fitted(name)
    with pytest.warns(UnknownIdWarning):
        predicted = model.predict(STRANGE, clip=False)
    if not getattr(model, "global_mean_", 0):
        # a model of nothing but factors takes the average of those it knows
        p, q = model.user_factors_.astype(float), model.item_factors_.astype(float)
        item, user = q[model.item_vocabulary_.encode_one(ITEMS[0])], p[model.user_vocabulary_.encode_one(USERS[0])]
        biases = getattr(model, "item_biases_", np.zeros(len(q)))
        bias = biases[model.item_vocabulary_.encode_one(ITEMS[0])]
        expected = [p.mean(axis=0) @ item + bias, user @ q.mean(axis=0), p.mean(axis=0) @ q.mean(axis=0)]
        # what cancels out is 0 but for single precision's rounding
        np.testing.assert_allclose(predicted[:3], expected, rtol=1e-5, atol=1e-7)
        return
    mean = model.global_mean_
    item_bias = model.item_biases_[model.item_vocabulary_.encode_one(ITEMS[0])]
    user_bias = model.user_biases_[model.user_vocabulary_.encode_one(USERS[0])]
    np.testing.assert_allclose(predicted[:3], [mean + item_bias, mean + user_bias, mean], rtol=1e-6)


@every_case
def test_unknown_ids_become_nan_where_asked_for(name):
    predicted = fitted(name).predict(STRANGE, unknown="nan")
    assert np.isnan(predicted).tolist() == [True, True, True, False]


@every_case
def test_unknown_ids_raise_where_asked_for(name):
    with pytest.raises(UnknownIdError) as caught:
        fitted(name).predict(STRANGE, unknown="raise")
    assert str(caught.value) == SENTENCES
    assert isinstance(caught.value, KeyError)


@every_case
def test_ids_of_the_wrong_type_say_so(name):
    with pytest.raises(UnknownIdError) as caught:
        fitted(name).predict([(number, ITEMS[0]) for number in range(5)], unknown="raise")
    assert str(caught.value) == (
        "5 of 5 user ids are unknown to this model: 0, 1, 2, .... Hint: the model knows str ids; these are int."
    )


@every_case
def test_another_policy_is_refused(name):
    with pytest.raises(InvalidParameterError, match=r"'unknown' of predict must be one of 'fallback', 'nan', 'raise'"):
        fitted(name).predict(PAIRS, unknown="ignore")


@every_case
def test_an_unknown_user_is_recommended_what_is_known_of_the_items(name):
    model = fitted(name)
    with pytest.warns(UnknownIdWarning, match=r"^1 of 1 user ids are unknown to this model: 'nobody'\. They") as caught:
        found = model.recommend("nobody", n=100)
    assert len(caught) == 1
    assert sorted(found["item"]) == sorted(ITEMS)  # nothing has been seen
    with pytest.warns(UnknownIdWarning):
        predicted = model.predict([("nobody", item) for item in found["item"]])
    np.testing.assert_allclose(found["score"], predicted, rtol=1e-5)
    with pytest.raises(UnknownIdError, match="'nobody'"):
        model.recommend(["nobody"], unknown="raise")


@every_case
@pytest.mark.parametrize("pair", [("nobody", ITEMS[0]), (USERS[0], "nothing")])
def test_an_unknown_id_cannot_be_explained(name, pair):
    with pytest.raises(UnknownIdError, match=r"1 of 1 (user|item) ids are unknown to this model: '(nobody|nothing)'\."):
        fitted(name).explain(*pair)


# Reasons -----------------------------------------------------------------------------------------------------------


@every_case
def test_the_terms_of_an_explanation_add_up_to_the_prediction(name):
    model = fitted(name)
    predicted = model.predict(PAIRS)
    for (user, item), rating in zip(PAIRS, predicted, strict=True):
        terms = model.explain(user, item)
        assert terms.columns == ["term", "value"]
        assert terms["value"].sum() == pytest.approx(rating, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    "name", [n for n in CASES if "by" in inspect.signature(MODELS[CASES[n].model].explain).parameters]
)
def test_the_shares_of_past_ratings_add_up_to_the_prediction_too(name):
    model = fitted(name)
    if CASES[name].no_fold_in:
        return
    for user, item in PAIRS[::7]:
        shares = model.explain(user, item, by="history")
        assert shares["value"].sum() == pytest.approx(model.predict([(user, item)])[0], rel=1e-5, abs=1e-5)
        rated = [term for term in shares["term"] if term.startswith("rated ")]
        assert rated == [f"rated {i} {r:g}" for u, i, r in ROWS if u == user]
    with pytest.raises(InvalidParameterError, match="'by' of explain must be one of 'factors', 'history', got 'magic'"):
        model.explain(USERS[0], ITEMS[0], by="magic")


@every_rating_model
def test_an_explanation_of_a_clipped_prediction_says_so(name):
    model = fit(name, ft.Interactions.from_arrays(*zip(*ROWS, strict=True), scale=(1, 5)))
    model.scale_ = (2.9, 3.1)  # narrow enough to bite everywhere
    free = model.predict(PAIRS, clip=False)
    if (np.abs(free - 3) <= 0.1).all():
        pytest.skip("nothing leaves the scale")
    user, item = PAIRS[int(np.argmax(np.abs(free - 3)))]
    terms = model.explain(user, item)
    assert terms["term"][-1] == "kept within the scale 2.9 to 3.1"
    assert terms["value"].sum() == pytest.approx(model.predict([(user, item)])[0])


# New users ---------------------------------------------------------------------------------------------------------

every_folding_model = pytest.mark.parametrize("name", names(no_fold_in=False))


@pytest.mark.parametrize("name", names(no_fold_in=True))
def test_a_model_without_users_says_so(name):
    with pytest.raises(UnsupportedError, match="learns nothing about users"):
        fitted(name).fold_in(NEW)


@every_folding_model
def test_a_new_user_is_met_without_touching_the_model(name):
    model = fit(name)
    before, predicted = learned(model), model.predict(PAIRS)
    folded = model.fold_in(NEW)
    assert type(folded) is type(model)
    assert list(folded.user_vocabulary_) == ["new user"]
    assert list(folded.item_vocabulary_) == list(model.item_vocabulary_)
    found = folded.recommend(n=100)
    assert set(found["user"]) == {"new user"}
    assert set(found["item"]) == set(ITEMS) - {item for item, _ in NEW}
    assert folded.explain("new user", ITEMS[1])["value"].sum() == pytest.approx(
        folded.predict([("new user", ITEMS[1])])[0], rel=1e-5, abs=1e-5
    )
    assert learned(model) == before
    np.testing.assert_array_equal(model.predict(PAIRS), predicted)


def weighted(form):
    """Interactions or a frame with the ratings as weights."""
    if isinstance(form, ft.Interactions):
        users, items = form.users.decode(form.user_codes), form.items.decode(form.item_codes)
        return ft.Interactions.from_arrays(users, items, weights=form.ratings)
    if isinstance(form, pd.DataFrame):
        return form.rename(columns={"rating": "weight"})
    return form.rename({"rating": "weight"})


@every_folding_model
def test_a_new_user_may_come_in_any_form(name):
    model = fitted(name)
    items, ratings = zip(*NEW, strict=True)
    forms = [
        dict(NEW),
        pl.DataFrame({"item": items, "rating": ratings}),
        pd.DataFrame({"item": items, "rating": ratings}),
        pl.DataFrame({"user": ["new user"] * 3, "item": items, "rating": ratings}),
        ft.Interactions.from_arrays(["new user"] * 3, items, ratings),
    ]
    expected = model.fold_in(NEW).predict([("new user", item) for item in ITEMS])
    if not model.predicts_ratings:  # numbers beside items are weights of events, and a column has to be called so
        forms = [form if isinstance(form, dict) else weighted(form) for form in forms]
    for form in forms:
        np.testing.assert_array_equal(model.fold_in(form).predict([("new user", item) for item in ITEMS]), expected)
    two = pl.DataFrame({"user": ["x"] * 3 + ["y"], "item": [*items, ITEMS[1]], "rating": [*ratings, 2.0]})
    assert list(model.fold_in(two).item_vocabulary_) == list(model.item_vocabulary_)
    assert list(model.fold_in(two).user_vocabulary_) == ["x", "y"]
    named = model.fold_in(NEW, user=("odd", 7))
    assert list(named.user_vocabulary_) == [("odd", 7)]
    np.testing.assert_array_equal(named.predict([(("odd", 7), item) for item in ITEMS]), expected)


@every_folding_model
def test_items_a_model_does_not_know_are_left_out_of_a_new_users_ratings(name):
    model = fitted(name)
    with pytest.warns(DataWarning) as caught:
        folded = model.fold_in([("nothing", 5.0), *NEW, ("nought", 1.0)])
    assert [str(warning.message) for warning in caught] == [
        "2 of 5 ratings are of items unknown to this model and left out."
    ]
    assert caught[0].filename == __file__
    pairs = [("new user", item) for item in ITEMS]
    np.testing.assert_array_equal(folded.predict(pairs), model.fold_in(NEW).predict(pairs))
    message = f"none of the 1 items of the new user is known to this {type(model).__name__}."
    with pytest.raises(DataError) as error:
        model.fold_in([("nothing", 5.0)])
    assert str(error.value) == message
    with pytest.raises(DataError, match="no rows"):
        model.fold_in([])


@every_folding_model
def test_a_new_user_can_be_saved(name, tmp_path):
    folded = fitted(name).fold_in(NEW)
    folded.save(tmp_path / "folded.ft")
    pairs = [("new user", item) for item in ITEMS]
    np.testing.assert_array_equal(ft.load(tmp_path / "folded.ft").predict(pairs), folded.predict(pairs))


@every_folding_model
def test_what_a_folded_model_has_learned_fits_its_users(name):
    folded = fitted(name).fold_in(NEW)
    n = {"user": 1, "item": len(ITEMS)}
    for key, value in vars(folded).items():
        side = key.partition("_")[0]
        if isinstance(value, np.ndarray) and side in n:
            assert len(value) == n[side], key
    if hasattr(folded, "coef_"):
        rows = n["user"] if folded.user_features is None else n["item"]
        assert len(folded.coef_) == len(folded.intercept_) == rows


# Data that cannot be learned from ----------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("keep_ids", [False, True])
def test_no_rows_are_refused_with_a_reason(name, keep_ids):
    ratings = ft.Interactions.from_arrays(*zip(*ROWS, strict=True))
    nothing = ratings.select(np.zeros(len(ratings), np.bool_), keep_ids=keep_ids)
    model = type(fitted(name)).__name__
    with pytest.raises(DataError, match=rf"^{model} has nothing to learn from: there are no rows\."):
        fit(name, nothing)


@every_case
@pytest.mark.parametrize("factor", [1e12, -1e12, 1e20])
def test_ratings_beyond_all_measure_are_refused_with_the_limit(name, factor):
    rows = [(user, item, factor * rating) for user, item, rating in ROWS]
    model = type(fitted(name)).__name__
    with pytest.raises(DataError) as caught:
        fit(name, rows)
    assert str(caught.value) == (
        f"{model} takes ratings between -1e+12 and 1e+12, got one of size {5 * abs(factor):g}. "
        f"Hint: divide all ratings by a constant."
    )


@every_case
def test_ratings_up_to_the_limit_are_learned_from(name):
    rows = [(user, item, 0.2e12 * rating) for user, item, rating in ROWS]
    predicted = fit(name, rows).predict(PAIRS)
    assert np.isfinite(predicted).all()
