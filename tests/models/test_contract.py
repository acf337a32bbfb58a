"""What every model keeps to, whatever it learns; a model that is missing from the table below fails a test."""

import inspect
import math
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline

import foretaste as ft
from foretaste.data.interactions import SparseRows
from foretaste.exceptions import (
    DataError,
    DataWarning,
    DivergenceError,
    InvalidParameterError,
    NotFittedError,
    UnknownIdError,
    UnknownIdWarning,
    UnsupportedError,
)
from foretaste.models import MODELS
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf, OrNone

# The models --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One way to set a model up, and what cannot be asked of it."""

    model: str
    make: Callable  # from the ids of users and items, in their order
    no_interaction: str = ""  # why it cannot tell the squares of a checkerboard apart
    no_fold_in: str = ""  # why it cannot meet a new user
    placed: tuple[str, ...] = ("user", "item")  # who has a place in its space
    centred: bool = True  # whether it starts from the mean


def features(side, ids):
    """Two features an id: whether its position is even, and something irregular."""
    kinds = {type(value) for value in ids}
    column = pl.Series(side, ids) if kinds <= {str, int} else pl.Series(side, ids, dtype=pl.Object)
    return pl.DataFrame(
        {side: column, "even": [(-1.0) ** j for j in range(len(ids))], "odd": [math.sin(j) for j in range(len(ids))]}
    )


def als(**settings):
    return lambda _users, _items: ft.ALS(**{"n_factors": 2, "n_epochs": 20, "tol": 0, "random_state": 0} | settings)


def funk_svd(**settings):
    return lambda _users, _items: ft.FunkSVD(**{"n_factors": 2, "n_epochs": 60, "tol": 0, "random_state": 0} | settings)


CASES = {
    "GlobalMean": Case(
        "GlobalMean",
        lambda _users, _items: ft.GlobalMean(),
        no_interaction="it predicts one number for everything",
        no_fold_in="it learns nothing about users",
        placed=(),
    ),
    "Random": Case(
        "Random",
        lambda _users, _items: ft.Random(random_state=0),
        no_interaction="it draws without looking",
        no_fold_in="it learns nothing about users",
        placed=(),
    ),
    "Popularity": Case(
        "Popularity",
        lambda _users, _items: ft.Popularity(),
        no_interaction="its list is the same for everybody",
        placed=(),
        centred=False,
    ),
    "Baseline": Case(
        "Baseline",
        lambda _users, _items: ft.Baseline(n_epochs=20, tol=0),
        no_interaction="it adds up users and items",
        placed=(),
    ),
    "ContentRegression": Case(
        "ContentRegression",
        lambda _users, items: ft.ContentRegression(item_features=features("item", items), reg=0.1),
    ),
    "ContentRegression of items": Case(
        "ContentRegression",
        lambda users, _items: ft.ContentRegression(user_features=features("user", users), reg=0.1),
    ),
    "ContentRegression through the origin": Case(
        "ContentRegression",
        lambda _users, items: ft.ContentRegression(item_features=features("item", items), reg=0.1, fit_intercept=False),
        no_interaction="its features average to nothing, and so do its predictions without an intercept",
        centred=False,
    ),
    "ALS": Case("ALS", als()),
    "ALS exact and unbiased": Case("ALS", als(biased=False, solver="cholesky", scale_reg=False), centred=False),
    "FunkSVD": Case("FunkSVD", funk_svd()),
    "FunkSVD unbiased": Case("FunkSVD", funk_svd(biased=False, reg=0.02), centred=False),
    "FunkSVD at once": Case("FunkSVD", funk_svd(solver="gd")),
    "FunkSVD at once and unbiased": Case("FunkSVD", funk_svd(solver="gd", biased=False), centred=False),
}


def test_every_model_is_in_the_table():
    assert {case.model for case in CASES.values()} == set(MODELS)


def names(**wanted):
    """Names of the cases with these properties."""
    return [name for name, case in CASES.items() if all(bool(getattr(case, k)) == v for k, v in wanted.items())]


every_case = pytest.mark.parametrize("name", CASES)
every_rating_model = pytest.mark.parametrize("name", [n for n in CASES if MODELS[CASES[n].model].predicts_ratings])

# The data ----------------------------------------------------------------------------------------------------------

USERS, ITEMS = [f"user {j}" for j in range(12)], [f"item {j}" for j in range(10)]


def table(users, items, *, share=0.8, seed=0):
    """Ratings on a scale of 1 to 5 in half stars, with users, items and tastes that differ; some are missing."""
    rng = np.random.default_rng(seed)
    shape = (len(users), len(items))
    taste = rng.normal(size=(shape[0], 2)) @ rng.normal(size=(2, shape[1]))
    stars = 3 + 0.5 * rng.normal(size=(shape[0], 1)) + 0.5 * rng.normal(size=shape[1]) + 0.8 * taste
    stars = np.clip(np.round(2 * stars) / 2, 1, 5)
    kept = rng.random(shape) < share
    return [(u, i, float(stars[a, b])) for a, u in enumerate(users) for b, i in enumerate(items) if kept[a, b]]


ROWS = table(USERS, ITEMS)
SEEN = {user: {item for other, item, _ in ROWS if other == user} for user in USERS}
PAIRS = [(user, item) for user in USERS for item in ITEMS]


def fit(name, rows=ROWS, users=USERS, items=ITEMS, **settings):
    return CASES[name].make(users, items).set_params(**settings).fit(rows)


@cache
def fitted(name):
    """A model that several tests look at and none changes."""
    return fit(name)


def learned(model):
    """Everything a model has learned, as plain comparable values."""
    found = {}
    for key, value in vars(model).items():
        if not key.endswith("_"):
            continue
        if isinstance(value, ft.Vocabulary):
            found[key] = list(value)
        elif isinstance(value, SparseRows):
            found[key] = [part.tobytes() for part in value]
        elif isinstance(value, dict):
            found[key] = {column: array.tobytes() for column, array in value.items() if column != "seconds"}
        else:
            found[key] = (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
    return found


def same_frame(one, other):
    assert one.columns == other.columns
    assert one.equals(other)


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
        if side in CASES[name].placed:
            for metric in ("cosine", "euclidean"):
                getattr(model, f"similar_{side}s")(ids, metric=metric)
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
    if not CASES[name].no_interaction:
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


@every_rating_model
@pytest.mark.parametrize("rating", [3.0, 0.0, -2.0])
def test_equal_ratings_are_predicted_as_they_are(name, rating):
    model = fit(name, [(user, item, rating) for user, item, _ in ROWS])
    predicted = model.predict(PAIRS)
    np.testing.assert_allclose(predicted, rating, atol=1e-6)
    if CASES[name].centred:
        np.testing.assert_allclose(model.predict(PAIRS, clip=False), rating, atol=1e-2)


@pytest.mark.parametrize("model", ["Baseline", "ALS", "FunkSVD"])
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

STRANGE = [("nobody", ITEMS[0]), (USERS[0], "nothing"), ("nobody", "nothing"), (USERS[0], ITEMS[0])]
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


@pytest.mark.parametrize("name", [*names(placed=True), "GlobalMean", "Baseline"])
def test_the_fallback_is_the_mean_and_the_biases_that_are_known(name):
    model = fitted(name)
    with pytest.warns(UnknownIdWarning):
        predicted = model.predict(STRANGE, clip=False)
    if not model.global_mean_:
        # a model of nothing but factors takes the average of those it knows
        p, q = model.user_factors_.astype(float), model.item_factors_.astype(float)
        item, user = q[model.item_vocabulary_.encode_one(ITEMS[0])], p[model.user_vocabulary_.encode_one(USERS[0])]
        expected = [p.mean(axis=0) @ item, user @ q.mean(axis=0), p.mean(axis=0) @ q.mean(axis=0)]
        np.testing.assert_allclose(predicted[:3], expected, rtol=1e-5)
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


# Recommendations ---------------------------------------------------------------------------------------------------


@every_case
def test_recommendations_are_the_best_unseen_items_by_predicted_rating(name):
    model = fitted(name)
    found = model.recommend(n=3)
    predicted = dict(zip(PAIRS, model.predict(PAIRS), strict=True))
    assert found.columns == ["user", "item", "score", "rank"]
    for user in USERS:
        own = found.filter(pl.col("user") == user)
        left = [item for item in ITEMS if item not in SEEN[user]]
        assert set(own["item"]) <= set(left)
        assert len(own) == min(3, len(left))
        assert own["rank"].to_list() == list(range(1, len(own) + 1))
        assert own["score"].is_sorted(descending=True)
        best = sorted((predicted[user, item] for item in left), reverse=True)[:3]
        np.testing.assert_allclose(own["score"], best, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(own["score"], [predicted[user, item] for item in own["item"]], rtol=1e-5, atol=1e-6)


@every_case
def test_fewer_items_are_recommended_where_fewer_are_left(name):
    found = fitted(name).recommend(n=100)
    for user in USERS:
        assert set(found.filter(pl.col("user") == user)["item"]) == set(ITEMS) - SEEN[user]
    everything = [(USERS[0], item, float(1 + j % 5)) for j, item in enumerate(ITEMS)]
    assert len(fit(name, everything).recommend(USERS[0])) == 0


@every_case
def test_what_has_been_seen_is_recommended_where_asked_for(name):
    found = fitted(name).recommend([USERS[4]], n=100, exclude_seen=False)
    assert sorted(found["item"]) == sorted(ITEMS)


@every_case
def test_only_candidates_are_recommended(name):
    model = fitted(name)
    candidates = ITEMS[2:7]
    found = model.recommend(n=100, items=candidates)
    for user in USERS:
        assert set(found.filter(pl.col("user") == user)["item"]) == set(candidates) - SEEN[user]
    assert sorted(model.recommend(USERS[0], items=iter(candidates), exclude_seen=False)["item"]) == candidates
    assert len(model.recommend(items=[])) == 0
    with pytest.raises(UnknownIdError, match=r"1 of 2 item ids are unknown to this model: 'nothing'\."):
        model.recommend(items=[ITEMS[0], "nothing"])


@every_case
def test_one_user_many_users_and_everybody_agree(name):
    model = fitted(name)
    everybody = model.recommend(n=4)
    for some in (USERS[3], [USERS[3]], [USERS[7], USERS[3]], pl.Series([USERS[3]]), np.array([USERS[3]])):
        found = model.recommend(some, n=4)
        own = everybody.filter(pl.col("user") == USERS[3])
        mine = found.filter(pl.col("user") == USERS[3])
        assert mine["item"].to_list() == own["item"].to_list()
        np.testing.assert_allclose(mine["score"], own["score"], rtol=1e-6)
    assert model.recommend([USERS[7], USERS[3]], n=1)["user"].to_list() == [USERS[7], USERS[3]]
    assert len(model.recommend([])) == 0


@every_case
@pytest.mark.parametrize("n", [0, -1, 2.5, True, "3", None])
def test_how_many_must_be_a_whole_number(name, n):
    with pytest.raises(InvalidParameterError, match=r"^'n' of recommend must be an int in \[1, inf\), got "):
        fitted(name).recommend(n=n)


# Likeness ----------------------------------------------------------------------------------------------------------

sides = pytest.mark.parametrize(("side", "ids"), [("user", USERS), ("item", ITEMS)], ids=["users", "items"])


@every_case
@sides
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_likeness_is_the_angle_or_the_distance_between_factors(name, side, ids, metric):
    model = fitted(name)
    if side not in CASES[name].placed:
        with pytest.raises(UnsupportedError, match=rf"^{type(model).__name__} places no {side}s in a space"):
            getattr(model, f"similar_{side}s")(ids[0], metric=metric)
        return
    found = getattr(model, f"similar_{side}s")([ids[1], ids[4]], n=100, metric=metric)
    column = "similarity" if metric == "cosine" else "distance"
    assert found.columns == [side, f"similar_{side}", column, "rank"]
    vectors = dict(zip(getattr(model, f"{side}_vocabulary_"), getattr(model, f"{side}_factors_"), strict=True))
    for one in (ids[1], ids[4]):
        own = found.filter(pl.col(side) == one)
        assert sorted(own[f"similar_{side}"]) == sorted(set(ids) - {one})
        assert own[column].is_sorted(descending=metric == "cosine")
        assert own["rank"].to_list() == list(range(1, len(ids)))
        for other, value in zip(own[f"similar_{side}"], own[column], strict=True):
            x, y = vectors[one].astype(float), vectors[other].astype(float)
            expected = x @ y / np.sqrt((x @ x) * (y @ y)) if metric == "cosine" else np.sqrt(((x - y) ** 2).sum())
            assert value == pytest.approx(expected, rel=1e-3, abs=2e-3)
    assert len(getattr(model, f"similar_{side}s")(ids[1], n=2)) == 2
    with pytest.raises(UnknownIdError, match=f"1 of 1 {side} ids are unknown to this model: 'nobody'"):
        getattr(model, f"similar_{side}s")("nobody")
    with pytest.raises(
        InvalidParameterError, match=f"'metric' of similar_{side}s must be one of 'cosine', 'euclidean'"
    ):
        getattr(model, f"similar_{side}s")(ids[1], metric="dot")


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

NEW = [(ITEMS[0], 5.0), (ITEMS[3], 1.0), (ITEMS[5], 4.0)]
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
    for form in forms:
        np.testing.assert_array_equal(model.fold_in(form).predict([("new user", item) for item in ITEMS]), expected)
    two = pl.DataFrame({"user": ["x"] * 3 + ["y"], "item": [*items, ITEMS[1]], "rating": [*ratings, 2.0]})
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
    message = f"none of the 1 items rated by the new user is known to this {type(model).__name__}."
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


# Keeping -----------------------------------------------------------------------------------------------------------


@every_case
def test_a_loaded_model_is_the_one_that_was_saved(name, tmp_path):
    model = fitted(name)
    model.save(tmp_path / "model.ft")
    loaded = ft.load(tmp_path / "model.ft")
    assert type(loaded) is type(model)
    assert learned(loaded) == learned(model)
    np.testing.assert_array_equal(loaded.predict(PAIRS, clip=False), model.predict(PAIRS, clip=False))
    same_frame(loaded.recommend(), model.recommend())
    same_frame(loaded.explain(USERS[1], ITEMS[1]), model.explain(USERS[1], ITEMS[1]))
    same_frame(loaded.history_, model.history_)
    if not CASES[name].no_fold_in:
        same_frame(loaded.fold_in(NEW).recommend(), model.fold_in(NEW).recommend())
    for side in CASES[name].placed:
        verb = f"similar_{side}s"
        ids = list(getattr(model, f"{side}_vocabulary_"))
        same_frame(getattr(loaded, verb)(ids), getattr(model, verb)(ids))


@every_case
def test_loaded_parameters_are_those_that_were_saved(name, tmp_path):
    model = fitted(name)
    model.save(tmp_path / "model.ft")
    loaded = ft.load(tmp_path / "model.ft").get_params()
    for key, value in model.get_params().items():
        if isinstance(value, pl.DataFrame):
            assert loaded[key].equals(value)
        else:
            assert loaded[key] == value
            assert type(loaded[key]) is type(value)
    assert learned(ft.load(tmp_path / "model.ft").fit(ROWS)) == learned(model)


# Frames ------------------------------------------------------------------------------------------------------------

COLUMNS = dict(zip(("user", "item", "rating"), map(list, zip(*ROWS, strict=True)), strict=True))
FRAMES = {"polars": pl.DataFrame(COLUMNS), "pandas": pd.DataFrame(COLUMNS), "pyarrow": pa.table(COLUMNS)}


@every_case
@pytest.mark.parametrize("library", FRAMES)
def test_frames_come_out_of_the_kind_that_went_in(name, library, tmp_path):
    frame = FRAMES[library]
    model = fit(name, frame)
    kind = type(frame)
    np.testing.assert_array_equal(model.predict(frame), model.predict([row[:2] for row in ROWS]))
    model.save(tmp_path / "model.ft")
    for one in (model, ft.load(tmp_path / "model.ft")):
        found = one.recommend(n=2)
        assert isinstance(found, kind)
        assert isinstance(one.explain(USERS[0], ITEMS[0]), kind)
        assert isinstance(one.history_, kind)
        for side in CASES[name].placed:
            assert isinstance(getattr(one, f"similar_{side}s")([USERS[0] if side == "user" else ITEMS[0]]), kind)
        if not CASES[name].no_fold_in:
            assert isinstance(one.fold_in(NEW).recommend(), kind)
    same_frame(pl.DataFrame(found.to_dict("list") if library == "pandas" else found), fitted(name).recommend(n=2))


@every_case
def test_a_dictionary_rows_and_interactions_give_the_same_model(name):
    nested = {}
    for user, item, rating in ROWS:
        nested.setdefault(user, {})[item] = rating
    pairs, ratings = FRAMES["pandas"][["user", "item"]], FRAMES["pandas"]["rating"]
    for form in (nested, np.array(ROWS, object), ft.Interactions.from_dict(nested), FRAMES["polars"].lazy()):
        assert learned(fit(name, form)) == learned(fitted(name))
    by_pairs = learned(CASES[name].make(USERS, ITEMS).fit(pairs, ratings))
    assert by_pairs == learned(fitted(name)) | {"kind_": "pandas"}


# Inside scikit-learn -----------------------------------------------------------------------------------------------


@every_case
def test_it_is_a_scikit_learn_estimator(name):
    model = fitted(name)
    copy = clone(model)
    assert not hasattr(copy, "user_vocabulary_")
    for key, value in model.get_params().items():
        other = copy.get_params()[key]
        assert value.equals(other) if isinstance(value, pl.DataFrame) else value == other
        assert inspect.signature(type(model)).parameters[key].kind in {
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        }
        assert copy.set_params(**{key: value}) is copy
    assert repr(copy).startswith(type(model).__name__)
    assert learned(copy.fit(ROWS)) == learned(model)


def test_init_assigns_and_does_nothing_else():
    for name, model in MODELS.items():
        marks = {key: object() for key in inspect.signature(model).parameters}
        assert vars(model(**marks)) == marks, name


@every_case
def test_cross_validation_grid_search_and_pipelines_work(name):
    rows = table(USERS, ITEMS, share=1)
    rows = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]  # every user in every part
    pairs, ratings = ft.Interactions.from_arrays(*zip(*rows, strict=True)).to_xy()
    model = CASES[name].make(USERS, ITEMS)
    scores = cross_validate(model, pairs, ratings, cv=3, scoring="neg_root_mean_squared_error", error_score="raise")
    assert (scores["test_score"] < 0).all()
    assert np.isfinite(scores["test_score"]).all()
    tuned = [key for key in ("reg", "reg_users", "random_state") if key in model.get_params()][:1]
    grid = {key: [1, 10] for key in tuned}
    search = GridSearchCV(model, grid, cv=3, scoring="neg_mean_absolute_error", error_score="raise")
    search.fit(pairs, ratings)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert set(search.best_params_) == set(tuned)
    chain = Pipeline([("nothing", "passthrough"), ("model", model)]).fit(pairs, ratings)
    np.testing.assert_array_equal(chain.predict(pairs), clone(model).fit(rows).predict(pairs))
    if model.predicts_ratings:
        assert chain.score(pairs, ratings) <= 1


# Before fitting ----------------------------------------------------------------------------------------------------

ARGUMENTS = {
    "predict": ([("a", "b")],),
    "recommend": (),
    "similar_items": (["b"],),
    "similar_users": (["a"],),
    "explain": ("a", "b"),
    "fold_in": ([("b", 1)],),
    "save": ("nowhere/model.ft",),
    "history_": None,  # a property
}
VERBS = [
    key
    for key, value in vars(ft.Recommender).items()
    if not key.startswith("_")
    and key not in ("fit", "check_parameters")  # these come before
    and (callable(value) or isinstance(value, property))
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("verb", VERBS)
def test_before_fit_every_verb_says_what_to_do(model, verb):
    with pytest.raises(NotFittedError) as caught:  # noqa: PT012  a property is not called
        value = getattr(MODELS[model](), verb)
        value(*ARGUMENTS[verb])
    assert str(caught.value) == f"This {model} is not fitted yet. Call 'fit' before '{verb}'."
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AttributeError)


# Wrong parameters --------------------------------------------------------------------------------------------------


def bad_values(constraint):
    """Values just outside of a constraint, and of a wrong type."""
    if constraint is N_JOBS:
        return [0, -2, 1025, 1.5, "all", True]
    if isinstance(constraint, OrNone):
        return [value for value in bad_values(constraint.constraint) if value is not None]
    if isinstance(constraint, Int):
        return [constraint.low - 1, constraint.low + 0.5, "many", True, None]
    if isinstance(constraint, Float):
        edge = [constraint.low] if constraint.open_low else []
        above = [] if math.isinf(constraint.high) else [constraint.high * 1.01]
        return [*edge, *above, constraint.low - 0.01, math.nan, math.inf, "some", True, None]
    assert isinstance(constraint, OneOf), f"this test does not know {type(constraint).__name__} yet"
    return ["absurd", 17, None]


BAD = [
    pytest.param(model, key, value, id=f"{model}-{key}-{value!r}")
    for model, model_class in MODELS.items()
    for key, constraint in model_class._constraints.items()
    for value in bad_values(constraint)
]


@pytest.mark.parametrize(("model", "key", "value"), BAD)
def test_a_parameter_out_of_range_is_refused(model, key, value):
    estimator = MODELS[model]().set_params(**{key: value})
    with pytest.raises(InvalidParameterError) as caught:
        estimator.fit(ROWS)
    assert str(caught.value).startswith(f"'{key}' of {model} must be ")
    assert str(caught.value).endswith(f", got {value!r}.")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ft.ALS(n_factors=0), "'n_factors' of ALS must be an int in [1, inf), got 0."),
        (ft.ALS(reg=-1), "'reg' of ALS must be a float in [0, inf) or None, got -1."),
        (ft.FunkSVD(learning_rate=0), "'learning_rate' of FunkSVD must be a float in (0, inf) or None, got 0."),
        (ft.FunkSVD(solver="lbfgs"), "'solver' of FunkSVD must be one of 'sgd', 'gd', got 'lbfgs'."),
        (ft.FunkSVD(biased=1), "'biased' of FunkSVD must be one of True, False, got 1."),
        (
            ft.ALS(validation_fraction=0.95),
            "'validation_fraction' of ALS must be a float in (0, 0.9], got 0.95.",
        ),
        (ft.ALS(n_jobs=0), "'n_jobs' of ALS must be -1 or an int in [1, 1024] or None, got 0."),
        (
            ft.FunkSVD(random_state="seed"),
            "'random_state' must be None, an int in [0, inf) or a NumPy generator, got 'seed'.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_message_names_parameter_model_range_and_value(model, message):
    with pytest.raises(InvalidParameterError) as caught:
        model.fit(ROWS)
    assert str(caught.value) == message


def test_every_parameter_is_checked():
    elsewhere = {"random_state", "item_features", "user_features"}  # each has a test of its own
    for name, model in MODELS.items():
        unchecked = set(inspect.signature(model).parameters) - set(model._constraints) - elsewhere
        assert not unchecked, name


# Failing -----------------------------------------------------------------------------------------------------------


def assert_unharmed(name, spoil, error):
    model = fit(name)
    before, predicted = learned(model), model.predict(PAIRS)
    with pytest.raises(error):
        spoil(model)
    assert learned(model) == before
    np.testing.assert_array_equal(model.predict(PAIRS), predicted)


@every_case
@pytest.mark.parametrize(
    "data",
    [
        [],
        [("a", "b", math.nan)],
        [("a", "b", "five")],
        [("a", "b", 1), ("a", "b", 2)],
        [(None, "b", 1)],
        [("a", "b")],
        {"a": {}},
        pl.DataFrame({"user": ["a"], "thing": ["b"]}),
    ],
    ids=["empty", "nan", "word", "duplicate", "missing", "short", "idle", "column"],
)
def test_bad_data_leave_the_model_as_it_was(name, data):
    assert_unharmed(name, lambda model: model.fit(data), DataError)


@every_rating_model
def test_ratings_are_needed(name):
    data = pl.DataFrame({"user": ["a"], "item": ["b"]})
    model = fit(name)
    with pytest.raises(DataError, match=f"^{type(model).__name__} needs ratings, and these interactions have none"):
        model.fit(data)


@pytest.mark.parametrize("name", [n for n in CASES if MODELS[CASES[n].model]._constraints])
def test_a_bad_parameter_leaves_the_model_as_it_was(name):
    key = next(iter(MODELS[CASES[name].model]._constraints))
    assert_unharmed(name, lambda model: model.set_params(**{key: "absurd"}).fit(ROWS), InvalidParameterError)


@pytest.mark.parametrize("settings", [{}, {"biased": False}, {"early_stopping": True}], ids=str)
def test_divergence_leaves_the_model_as_it_was(settings):
    def spoil(model):
        model.set_params(learning_rate=1e15, **settings).fit(table(USERS[3:], ITEMS[2:], seed=1))

    assert_unharmed("FunkSVD", spoil, DivergenceError)


# Scales ------------------------------------------------------------------------------------------------------------

SCALES = {
    "1 to 5, shifted": (1, 100),
    "half stars": (0.5, 0),
    "0 to 10": (2.5, -2.5),
    "-10 to 10": (5, -15),
    "tiny": (1e-3, 0),
    "huge": (1e4, 1e5),
}


@every_rating_model
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("thumbs", [False, True], ids=["stars", "thumbs"])
def test_ratings_on_another_scale_move_predictions_with_them(name, scale, thumbs):
    a, b = SCALES[scale]
    if not CASES[name].centred:
        b = 0  # such a model measures from zero
    rows = [(user, item, float(rating > 3) if thumbs else rating) for user, item, rating in ROWS]
    moved = [(user, item, a * rating + b) for user, item, rating in rows]
    few = {"n_epochs": 10} if "n_epochs" in MODELS[CASES[name].model]._constraints else {}
    expected = a * fit(name, rows, **few).predict(PAIRS, clip=False) + b
    found = fit(name, moved, **few).predict(PAIRS, clip=False)
    width = a * (1 if thumbs else 4)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4 * width)


@pytest.mark.parametrize("name", names(placed=True, centred=True))
def test_a_mean_that_happens_to_be_zero_changes_nothing_for_the_unknown(name):
    rows = [(user, item, -1.0 if place % 2 else 1.0) for place, (user, item, _) in enumerate(ROWS[:60])]
    moved = [(user, item, rating + 8) for user, item, rating in rows]
    with pytest.warns(UnknownIdWarning):
        balanced = fit(name, rows).predict(STRANGE, clip=False)
    with pytest.warns(UnknownIdWarning):
        np.testing.assert_allclose(fit(name, moved).predict(STRANGE, clip=False), balanced + 8, atol=1e-3)


# Threads -----------------------------------------------------------------------------------------------------------


@cache
def catalogue():
    ratings = ft.synthetic.make_catalogue().ratings
    assert len(ratings) >= 20_000, "too few to be cut into strata"
    return ratings


@pytest.mark.parametrize(
    "model",
    [
        ft.FunkSVD(n_factors=5, n_epochs=3, tol=0, random_state=0),
        ft.FunkSVD(n_factors=5, n_epochs=3, tol=0, random_state=0, solver="gd"),
        ft.ALS(n_factors=5, n_epochs=3, tol=0, random_state=0),
        ft.ALS(n_factors=5, n_epochs=3, tol=0, random_state=0, solver="cholesky"),
    ],
    ids=lambda model: f"{type(model).__name__} {model.solver}",
)
def test_any_number_of_threads_gives_the_same_bits(model):
    one, two, three = (clone(model).set_params(n_jobs=n_jobs).fit(catalogue()) for n_jobs in (1, 2, 3))
    assert learned(one) == learned(two) == learned(three)
    same_frame(one.recommend(n_jobs=1), one.recommend(n_jobs=2))


def test_every_model_with_threads_is_among_those_above():
    threaded = {name for name, model in MODELS.items() if "n_jobs" in inspect.signature(model).parameters}
    assert threaded == {"ALS", "FunkSVD"}


# Warnings ----------------------------------------------------------------------------------------------------------


@every_case
def test_ordinary_use_warns_of_nothing(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit(name)
        model.predict(PAIRS)
        model.recommend()
