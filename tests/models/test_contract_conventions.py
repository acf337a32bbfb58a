"""How every model behaves among files, frames, scikit-learn, wrong parameters, failures, scales and threads."""

import inspect
import math
import warnings
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
    same_frame,
    table,
)
from foretaste.exceptions import (
    DataError,
    DivergenceError,
    InvalidParameterError,
    NotFittedError,
    UnknownIdWarning,
)
from foretaste.models import MODELS
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf, OrNone, SomeOf

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
    for side in CASES[name].placed + CASES[name].neighbors:
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
        for side in CASES[name].placed + CASES[name].neighbors:
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
    "recommend_codes": (np.array([0], np.int32),),
    "score_codes": (np.array([0], np.int32),),
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
    if isinstance(constraint, SomeOf):
        return [
            (),
            constraint.values[:1],
            (*constraint.values, constraint.values[0]),
            (*constraint.needed, "absurd"),
            17,
        ]
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
        [(None, "b", 1)],
        [("a",)],
        {"a": {}},
        pl.DataFrame({"user": ["a"], "thing": ["b"]}),
    ],
    ids=["empty", "nan", "word", "missing", "short", "idle", "column"],
)
def test_bad_data_leave_the_model_as_it_was(name, data):
    assert_unharmed(name, lambda model: model.fit(data), DataError)


@every_rating_model
@pytest.mark.parametrize("data", [[("a", "b", 1), ("a", "b", 2)], [("a", "b")]], ids=["duplicate", "short"])
def test_rows_that_are_events_but_no_ratings_leave_the_model_as_it_was(name, data):
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


@cache
def catalogue_features():
    return ft.synthetic.make_catalogue().items.select("item", "genres", "year")


@pytest.mark.parametrize(
    "model",
    [
        ft.FunkSVD(n_factors=5, n_epochs=3, tol=0, random_state=0),
        ft.FunkSVD(n_factors=5, n_epochs=3, tol=0, random_state=0, solver="gd"),
        ft.ALS(n_factors=5, n_epochs=3, tol=0, random_state=0),
        ft.ALS(n_factors=5, n_epochs=3, tol=0, random_state=0, solver="cholesky"),
        ft.BayesianFM(n_factors=5, n_samples=3, burn_in=1, random_state=0),
        ft.BayesianFM(n_factors=5, n_samples=3, burn_in=1, random_state=0, link="ordinal", features=("user", "item")),
        ft.UserKNN(n_kept=20),
        ft.ItemKNN(similarity="pearson"),
        ft.UserItemKNN(random_state=0),
        ft.SlopeOne(),
        ft.PureSVD(n_factors=5, refine_epochs=2, random_state=0),
        ft.NMF(n_factors=5, n_epochs=3, tol=0, random_state=0),
        ft.EASE(reg=50.0),
        ft.EASE(reg=50.0, max_dense_items=0, n_neighbors=50),
        ft.ImplicitItemKNN(),
        ft.ImplicitUserKNN(),
        ft.SpectralFilter(5, sharpening=0.5, random_state=0),
        ft.ImplicitALS(n_factors=5, n_epochs=3, tol=0, random_state=0),
        ft.ImplicitALS(n_factors=5, n_epochs=3, tol=0, random_state=0, solver="cholesky"),
        ft.ImplicitALS(n_factors=5, n_epochs=3, tol=0, random_state=0, solver="subspace"),
        ft.ImplicitALS(n_factors=5, n_epochs=3, tol=0, random_state=0, item_features=catalogue_features()),
        ft.HybridMF(n_factors=80, n_epochs=2, random_state=0),
        ft.HybridMF(n_factors=40, n_epochs=2, random_state=0, loss="bpr", item_features=catalogue_features()),
    ],
    ids=lambda model: " ".join([type(model).__name__, getattr(model, "solver", "")]).strip(),
)
def test_any_number_of_threads_gives_the_same_bits(model):
    one, two, three = (clone(model).set_params(n_jobs=n_jobs).fit(catalogue()) for n_jobs in (1, 2, 3))
    assert learned(one) == learned(two) == learned(three)
    same_frame(one.recommend(n_jobs=1), one.recommend(n_jobs=2))


def test_every_model_with_threads_is_among_those_above():
    threaded = {name for name, model in MODELS.items() if "n_jobs" in inspect.signature(model).parameters}
    assert threaded == {
        *(
            "ALS",
            "BayesianFM",
            "EASE",
            "FunkSVD",
            "HybridMF",
            "ImplicitALS",
            "ImplicitItemKNN",
            "ImplicitUserKNN",
            "ItemKNN",
            "NMF",
        ),
        *("PureSVD", "SlopeOne", "SpectralFilter", "UserItemKNN", "UserKNN"),
    }


# Warnings ----------------------------------------------------------------------------------------------------------


@every_case
def test_ordinary_use_warns_of_nothing(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit(name)
        model.predict(PAIRS)
        model.recommend()


# Unusual interactions --------------------------------------------------------------------------------------------


@every_case
def test_a_pair_that_occurs_twice_is_learned_from_or_refused_by_name(name):
    twice = ft.Interactions.from_arrays(*zip(*ROWS, *ROWS[:3], strict=True), duplicates="keep")
    refuse = MODELS[CASES[name].model]._unique_pairs
    user, item, _ = ROWS[0]
    if refuse:
        message = f"{CASES[name].model} needs one rating at most of each pair, and user {user!r} has item {item!r}"
        with pytest.raises(DataError, match=message):
            CASES[name].make(USERS, ITEMS).fit(twice)
        with pytest.raises(DataError, match=message):
            fitted(name).fold_in(twice)
    else:
        model = CASES[name].make(USERS, ITEMS).fit(twice)
        total = sum(model.explain(user, item)["value"])
        assert total == pytest.approx(model.predict([(user, item)])[0], abs=1e-5)


@pytest.mark.parametrize(
    "name",
    # not those for which a row of nothing is 0: regressions and products without a mean
    [n for n in names(centred=True) if CASES[n].model not in ("Random", "ContentRegression")] + ["NMF"],
)
def test_users_and_items_whose_ratings_were_left_out_are_predicted_like_others(name):
    rows = ft.Interactions.from_arrays(*zip(*[(u, i, 3 + r / 2.5) for u, i, r in ROWS], strict=True), scale=(3.4, 5))
    kept = (rows.user_codes != 0) & (rows.item_codes != 1)
    model = CASES[name].make(list(rows.users), list(rows.items)).fit(rows.select(kept, keep_ids=True))
    silent = [(rows.users.decode_one(0), item) for item in rows.items] + [
        (user, rows.items.decode_one(1)) for user in rows.users
    ]
    free = model.predict(silent, clip=False)
    assert (free > 1).all()
    assert (free < 7).all()
