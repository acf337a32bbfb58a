import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import KFold, ShuffleSplit

import foretaste as ft
from foretaste.exceptions import DataError, InvalidParameterError, UnsupportedError
from foretaste.model_selection import Comparison, Fold, LeaveLastOut, NewUsers, UserHoldout, compare, evaluate

RNG = np.random.default_rng(0)
ROWS = [(f"u{u}", f"i{i}", float(RNG.integers(1, 6))) for u in range(12) for i in range(9) if RNG.random() < 0.8]
COLUMNS = dict(zip(("user", "item", "rating"), map(list, zip(*ROWS, strict=True)), strict=True))
DATA = ft.Interactions.from_arrays(**{f"{name}s": column for name, column in COLUMNS.items()})


class Constant(BaseEstimator):
    """Predicts one number, and remembers what it was fitted and asked on."""

    predicts_ratings = True
    seen: list = []  # noqa: RUF012  shared by all clones on purpose

    def __init__(self, value=3.0, name=""):
        self.value = value
        self.name = name

    def fit(self, X, y=None):  # noqa: ARG002  scikit-learn's own signature
        self.train_ = X
        return self

    def predict(self, X):
        if len(X) > 1:  # the warm-up asks for one
            pairs = {(u, i) for u, i in zip(X["user"], X["item"], strict=True)}
            Constant.seen.append((self.name, len(self.train_), frozenset(pairs)))
        return np.full(len(X), self.value)


def errors(value, cv=4, seed=0):
    """The RMSE of a constant on each random fold, by hand."""
    ratings = np.array([rating for *_, rating in ROWS])
    folds = KFold(cv, shuffle=True, random_state=seed).split(ratings)
    return np.array([math.sqrt(np.mean((ratings[test] - value) ** 2)) for _, test in folds])


def test_every_model_sees_the_same_folds_and_every_row_is_tested_once():
    Constant.seen.clear()
    compare([Constant(1.0, "one"), Constant(2.0, "two")], DATA, cv=4)
    one, two = ([fold[1:] for fold in Constant.seen if fold[0] == name] for name in ("one", "two"))
    assert one == two
    assert len(one) == 4
    tested = [pair for _, pairs in one for pair in pairs]
    assert sorted(tested) == sorted((u, i) for u, i, _ in ROWS)
    assert all(size + len(pairs) == len(ROWS) for size, pairs in one)


def test_the_table_holds_means_and_standard_errors_best_first():
    found = compare({"far": Constant(9.0), "near": Constant(3.0)}, DATA, cv=4, metrics=["rmse", "mae"]).to_frame()
    assert found["model"].to_list() == ["near", "far"]
    assert found.columns == ["model", "rmse", "rmse_se", "mae", "mae_se", "p_value", "fit_seconds", "predict_seconds"]
    for name, value in (("near", 3.0), ("far", 9.0)):
        row = found.row(by_predicate=pl.col("model") == name, named=True)
        assert row["rmse"] == pytest.approx(errors(value).mean())
        assert row["rmse_se"] == pytest.approx(errors(value).std(ddof=1) / 2)
        assert row["fit_seconds"] >= 0
        assert row["predict_seconds"] >= 0


def test_the_p_value_is_that_of_the_corrected_t_test_with_holms_correction():
    values = {"a": 3.0, "b": 3.1, "c": 3.4, "d": 2.0}
    comparison = compare({name: Constant(value) for name, value in values.items()}, DATA, cv=4)
    found = dict(comparison.to_frame().select("model", "p_value").rows())
    means = {name: errors(value).mean() for name, value in values.items()}
    best = min(means, key=means.get)
    n, folds = len(ROWS), [len(test) for _, test in KFold(4, shuffle=True, random_state=0).split(ROWS)]
    share = np.mean([size / (n - size) for size in folds])
    single = {}
    for name, value in values.items():
        if name != best:
            difference = errors(value) - errors(values[best])
            t = difference.mean() / np.sqrt((1 / 4 + share) * difference.var(ddof=1))
            single[name] = 2 * stats.t.sf(abs(t), 3)
    corrected, highest = {}, 0.0
    for place, name in enumerate(sorted(single, key=single.get)):
        highest = max(highest, min(1.0, (len(single) - place) * single[name]))
        corrected[name] = highest
    assert math.isnan(found.pop(best))
    assert found == pytest.approx(corrected)


def test_equal_models_are_no_different():
    found = compare({"a": Constant(3.0), "b": Constant(3.0)}, DATA, cv=3).to_frame()
    assert found["p_value"].to_list()[1] == 1


def test_a_metric_where_greater_is_better_ranks_the_other_way():
    models = {"mean": ft.GlobalMean(), "baseline": ft.Baseline(), "random": ft.Random(random_state=0)}
    found = compare(models, DATA, cv=2, metrics=["fcp"]).to_frame()
    assert found["fcp"].is_sorted(descending=True)
    assert math.isnan(found["p_value"][0])


def test_users_and_items_unknown_to_a_training_part_are_counted():
    train = ft.Interactions.from_arrays(["a", "b"], ["x", "y"], [1, 5])
    test = ft.Interactions.from_arrays(["a", "c", "a", "b"], ["x", "x", "z", "y"], [1, 2, 3, 4])
    # no warning, which would be an error here
    comparison = compare([ft.Baseline()], None, cv=[("only", train, test)])
    assert comparison.n_unknown == 2
    assert comparison.n_ratings == 4
    assert comparison.test_share == 2
    row = comparison.to_frame().row(0, named=True)
    assert math.isnan(row["rmse_se"])
    assert math.isnan(row["p_value"])


def test_a_model_that_predicts_no_ratings_is_not_judged_by_them():
    found = compare([ft.Popularity(), ft.GlobalMean()], DATA, cv=2).to_frame()
    assert found["model"].to_list() == ["GlobalMean()", "Popularity()"]
    assert found["rmse"].is_nan().to_list() == [False, True]
    assert found["p_value"].is_nan().all()
    nothing = compare([ft.Popularity()], DATA, cv=2).to_frame()
    assert nothing["rmse"].is_nan().all()


def test_models_in_a_list_are_named_as_they_are_written():
    found = compare([ft.Baseline(reg_users=2), ft.GlobalMean()], DATA, cv=2)
    assert set(found.folds["model"]) == {"Baseline(reg_users=2)", "GlobalMean()"}
    assert found.folds["fold"].unique().sort().to_list() == ["1", "2"]
    assert repr(found).startswith("Comparison of 2 models on 2 folds\n")


def test_a_splitter_of_scikit_learn_makes_the_folds():
    Constant.seen.clear()
    compare([Constant()], DATA, cv=ShuffleSplit(3, test_size=0.2, random_state=1))
    expected = [len(test) for _, test in ShuffleSplit(3, test_size=0.2, random_state=1).split(ROWS)]
    assert [len(pairs) for *_, pairs in Constant.seen] == expected


def test_folds_made_elsewhere_are_used_as_they_are():
    half = len(ROWS) // 2
    folds = [
        Fold("first", DATA.select(np.arange(half, len(ROWS))), DATA.select(np.arange(half))),
        ("second", DATA.select(np.arange(half)), DATA.select(np.arange(half, len(ROWS)))),
    ]
    for cv in (folds, iter(folds)):
        comparison = compare([ft.GlobalMean()], None, cv=cv)
        assert comparison.folds["fold"].to_list() == ["first", "second"]


def test_the_seed_decides_the_folds():
    one, two, same = (compare([Constant(2.0)], DATA, cv=3, random_state=seed) for seed in (0, 1, 0))
    assert one.folds["rmse"].to_list() == pytest.approx(errors(2.0, 3, 0))
    assert two.folds["rmse"].to_list() == pytest.approx(errors(2.0, 3, 1))
    assert one.folds["rmse"].to_list() == same.folds["rmse"].to_list()


@pytest.mark.parametrize(
    ("make", "kind"), [(pl.DataFrame, pl.DataFrame), (pd.DataFrame, pd.DataFrame), (pa.table, pa.Table)]
)
def test_the_table_is_of_the_kind_of_frame_that_went_in(make, kind):
    comparison = compare([ft.GlobalMean(), ft.Baseline()], make(COLUMNS), cv=2)
    assert isinstance(comparison, Comparison)
    assert isinstance(comparison.to_frame(), kind)


def test_the_models_given_stay_unfitted():
    model = ft.Baseline()
    compare([model], DATA, cv=2)
    assert not hasattr(model, "user_vocabulary_")


def test_predictions_are_made_as_a_user_would_meet_them():
    # clipped to the scale: of ratings 1 and 5, a baseline without penalty would predict beyond
    rows = [(u, i, 5.0 if u + i > 3 else 1.0) for u in range(4) for i in range(4)]
    train, test = ft.Interactions.from_arrays(*zip(*rows[:-1], strict=True)), rows[-1:]
    model = ft.Baseline(reg_users=0, reg_items=0)
    found = compare([model], None, cv=[("one", train, ft.Interactions.from_arrays(*zip(*test, strict=True)))])
    assert model.fit(train).predict([(3, 3)], clip=False)[0] > 5
    assert found.folds["rmse"][0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "compare needs at least one model, each different; got []."),
        ({"models": {}}, "compare needs at least one model, each different; got []."),
        ({"models": [ft.GlobalMean(), ft.GlobalMean()]}, "compare needs at least one model, each different"),
        ({"metrics": ["rmse", "r2"]}, "'metrics' must be among 'rmse', 'mse', 'mae', 'fcp', and with or without"),
        ({"metrics": []}, "'metrics' must"),
        ({"cv": 1}, f"'cv' must be an int in [2, {len(ROWS)}], the number of ratings; got 1."),
        ({"cv": 10**6}, f"'cv' must be an int in [2, {len(ROWS)}], the number of ratings; got 1000000."),
        ({"cv": True}, "'cv' must be an int, a splitter with 'split', or folds of (name, train, test); got True."),
        ({"cv": None}, "'cv' must be an int, a splitter"),
        ({"cv": 2.5}, "'cv' must be an int, a splitter"),
        ({"cv": object}, "'cv' must be an int, a splitter"),
        ({"cv": []}, "'cv' must"),
        ({"cv": [("name", DATA)]}, "'cv' must"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_compared_says_why(arguments, message):
    with pytest.raises(InvalidParameterError) as caught:
        compare(**{"models": [ft.GlobalMean()], "data": DATA, "cv": 2} | arguments).to_frame()
    assert str(caught.value).startswith(message)


# Rankings ------------------------------------------------------------------------------------------------------------

EVENTS = ft.Interactions.from_arrays(*zip(*[(user, item) for user, item, _ in ROWS], strict=True))
RANKED = {"popular": ft.Popularity(), "random": ft.Random(random_state=0), "mean": ft.GlobalMean()}


def test_rankings_are_measured_of_every_model_and_ratings_of_those_that_predict_them():
    metrics = ["ndcg@3", "rmse", "coverage"]
    found = compare(RANKED, DATA, metrics=metrics, cv=UserHoldout(0.4, n_repeats=2))
    table = found.to_frame()
    assert table.columns == [
        *("model", "ndcg@3", "ndcg@3_se", "rmse", "rmse_se", "coverage", "coverage_se", "p_value"),
        *("fit_seconds", "predict_seconds", "recommend_seconds"),
    ]
    assert table["ndcg@3"].is_sorted(descending=True)
    assert dict(table.select("model", pl.col("rmse").is_nan()).rows()) == {
        "popular": True,
        "random": False,
        "mean": False,
    }
    for number, fold in enumerate(UserHoldout(0.4, n_repeats=2).folds(DATA), start=1):
        for name, model in RANKED.items():
            report = evaluate(clone(model).fit(fold.train), fold.train, fold.test, metrics=["ndcg@3", "coverage"])
            row = found.folds.row(by_predicate=(pl.col("model") == name) & (pl.col("fold") == str(number)), named=True)
            assert row["ndcg@3"] == report["ndcg@3"]
            assert row["coverage"] == report["coverage"]
            users = found.users.filter(pl.col("model") == name, pl.col("fold") == str(number))
            assert users.select("user", "ndcg@3").equals(report.users)
    assert found.users.columns == ["model", "fold", "user", "ndcg@3"]


def test_a_comparison_of_ratings_alone_holds_no_users():
    found = compare([ft.GlobalMean()], DATA, cv=2)
    assert found.users is None
    assert "recommend_seconds" not in found.to_frame().columns


def test_events_without_ratings_are_compared_by_rankings_alone():
    for data in (EVENTS, EVENTS.to_frame(), [(user, item) for user, item, _ in ROWS]):
        table = compare([ft.Popularity()], data, metrics=["recall@5"], cv=2).to_frame()
        assert table.columns == ["model", "recall@5", "recall@5_se", "p_value", "fit_seconds", "recommend_seconds"]
    with pytest.raises(DataError, match="GlobalMean needs ratings, and these interactions have none"):
        compare([ft.GlobalMean()], EVENTS, metrics=["rmse"], cv=2)


def test_significance_and_error_of_rankings_go_by_users():
    found = compare(RANKED, DATA, metrics=["ndcg@3", "mrr@3"], cv=UserHoldout(0.4, n_repeats=3))
    table = {row["model"]: row for row in found.to_frame().to_dicts()}
    means = found.users.group_by("model", "user", maintain_order=True).agg(pl.col("ndcg@3", "mrr@3").mean())
    by_user = {name: dict(means.filter(model=name).select("user", "ndcg@3").rows()) for name in RANKED}
    best = max(table, key=lambda name: table[name]["ndcg@3"])
    single = {}
    for name, values in by_user.items():
        array = np.array(list(values.values()))
        assert table[name]["ndcg@3_se"] == pytest.approx(array.std(ddof=1) / math.sqrt(array.size))
        if name != best:
            others = np.array([by_user[best][user] for user in values])
            single[name] = stats.ttest_rel(array, others).pvalue
    low, high = sorted(single, key=single.get)
    assert table[low]["p_value"] == pytest.approx(min(1, 2 * single[low]))
    assert table[high]["p_value"] == pytest.approx(max(min(1, 2 * single[low]), single[high]))
    assert math.isnan(table[best]["p_value"])


def test_one_fold_is_enough_to_tell_rankings_apart_but_not_what_all_lists_have_together():
    found = compare(RANKED, DATA, metrics=["ndcg@3", "coverage"], cv=UserHoldout(0.4)).to_frame()
    assert found["p_value"].is_not_nan().to_list() == [False, True, True]
    assert found["ndcg@3_se"].is_not_nan().all()
    assert found["coverage_se"].is_nan().all()
    found = compare(RANKED, DATA, metrics=["coverage"], cv=UserHoldout(0.4)).to_frame()
    assert found["p_value"].is_nan().all()


def test_new_users_are_told_by_fold_in_for_ratings_and_rankings_alike():
    cv = NewUsers(0.4, held_out=0.4)
    models = {"baseline": ft.Baseline(), "als": ft.ALS(n_factors=2, random_state=0)}
    found = compare(models, DATA, metrics=["rmse", "ndcg@3"], cv=cv)
    fold = next(cv.folds(DATA))
    model = ft.ALS(n_factors=2, random_state=0).fit(fold.train).fold_in(fold.known)
    pairs, ratings = fold.test.to_xy()
    row = found.folds.row(by_predicate=pl.col("model") == "als", named=True)
    assert row["rmse"] == pytest.approx(ft.metrics.rmse(ratings, model.predict(pairs)))
    assert found.n_unknown == 0
    assert set(found.users["user"]) == set(fold.test.users)
    with pytest.raises(UnsupportedError, match="GlobalMean learns nothing about users"):
        compare([ft.GlobalMean()], DATA, cv=cv)


def test_what_a_splitter_drops_and_who_has_nothing_to_find_is_counted():
    rows = [("a", "x"), ("a", "y"), ("a", "x"), ("b", "x"), ("b", "z"), ("c", "x")]
    data = ft.Interactions.from_arrays(*zip(*rows, strict=True), times=range(6), duplicates="keep")
    found = compare([ft.Popularity()], data, metrics=["ndcg"], cv=LeaveLastOut())
    assert found.dropped == {"users have too few rows to be tested": 1}
    assert found.n_dropped_users == 1  # a's last event is of an item they had before
    assert found.n_unknown == 1


def test_a_model_that_looks_at_days_is_told_those_of_the_test_part():
    rng = np.random.default_rng(0)
    days = rng.integers(0, 10, 600)
    data = ft.Interactions.from_arrays(
        np.arange(600) // 20, np.tile(np.arange(20), 30), days + rng.normal(0, 0.1, 600), times=days * 86_400
    )
    model = ft.BayesianFM(2, n_samples=30, n_chains=1, burn_in=10, random_state=0)
    comparison = compare({"by days": model}, data, cv=2, metrics=["rmse"])
    assert comparison.folds["rmse"].max() < 1  # without the day it would be 3
