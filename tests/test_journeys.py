"""What people do with foretaste, as written in its interface: ratings to recommendations, scikit-learn."""

import shlex

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate

import foretaste as ft
from foretaste import cli, surprise

pytestmark = pytest.mark.filterwarnings("ignore::foretaste.exceptions.UnknownIdWarning")

KINDS = {
    "polars": lambda frame: frame,
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
}
FRAMES = {"polars": pl.DataFrame, "pandas": pd.DataFrame, "pyarrow": pa.Table}


@pytest.mark.parametrize("kind", KINDS)
def test_from_ratings_to_recommendations(kind, tmp_path):
    albums = KINDS[kind](ft.datasets.albums())
    model = ft.FunkSVD(n_factors=2, biased=False, random_state=0).fit(albums)

    predicted = model.predict([("an", "ommazh"), ("cordelia", "ommazh")])
    assert predicted.dtype == np.float64
    assert predicted[0] > 4

    def column(frame, name):
        assert isinstance(frame, FRAMES[kind])
        return list(
            frame[name].to_numpy()
            if kind == "pandas"
            else frame[name].to_pylist()
            if kind == "pyarrow"
            else frame[name]
        )

    one = model.recommend("diego", n=2)
    assert column(one, "item") == ["zhou-shen", "melt-banana"]
    assert column(one, "rank") == [1, 2]
    assert set(column(model.recommend(["an", "diego"], n=2), "user")) == {"diego"}  # an has rated everything
    assert set(column(model.recommend(n=10), "user")) == {"bhavana", "cordelia", "diego"}

    assert column(model.similar_items("bts", n=3), "similar_item")[0] == "zhou-shen"
    assert column(model.similar_items("bts", n=3, metric="euclidean"), "distance") == sorted(
        column(model.similar_items("bts", n=3, metric="euclidean"), "distance")
    )

    terms = column(model.explain("diego", "zhou-shen"), "value")
    assert sum(terms) == pytest.approx(model.predict([("diego", "zhou-shen")])[0], abs=1e-5)

    newcomer = model.fold_in([("ommazh", 5), ("sanam", 1)]).recommend(n=2)
    assert column(newcomer, "item")[0] == "melt-banana"

    history = model.history_
    assert column(history, "epoch")[0] == 1
    assert column(history, "train_rmse")[-1] < column(history, "train_rmse")[0]

    model.save(tmp_path / "albums.ft")
    again = ft.load(tmp_path / "albums.ft")
    assert (again.predict(albums) == model.predict(albums)).all()
    assert isinstance(again.recommend("diego"), FRAMES[kind])


def test_other_column_names():
    frame = ft.datasets.albums().rename({"user": "userId", "item": "album", "rating": "stars"})
    data = ft.Interactions.from_frame(frame, user="userId", item="album", rating="stars")
    assert ft.Baseline().fit(data).predict([("an", "bts")]).shape == (1,)


@pytest.mark.slow
def test_inside_scikit_learn(need_set):
    need_set("ml-100k")
    pairs, ratings = ft.load_movielens("100k").to_xy()
    scores = cross_validate(ft.FunkSVD(), pairs, ratings, cv=5, scoring="neg_root_mean_squared_error", n_jobs=2)
    assert -0.93 < scores["test_score"].mean() < -0.90
    search = GridSearchCV(ft.FunkSVD(), {"n_factors": [2, 10, 50]}, cv=5).fit(pairs, ratings)
    assert search.best_params_["n_factors"] in (10, 50)
    assert search.predict(pairs[:3]).shape == (3,)


@pytest.mark.slow
def test_compare_in_one_table(need_set):
    need_set("ml-100k")
    table = ft.compare([ft.Baseline(), ft.FunkSVD()], ft.load_movielens("100k").to_frame(), metrics=["rmse", "fcp"])
    frame = table.to_frame()
    assert frame["model"].to_list() == ["FunkSVD()", "Baseline()"]
    assert frame["p_value"][1] < 0.01
    assert {"rmse_se", "fcp_se", "fit_seconds", "predict_seconds"} <= set(frame.columns)


@pytest.mark.slow
def test_rankings_inside_scikit_learn_and_in_one_table(need_set):
    need_set("ml-100k")
    pairs, ratings = ft.load_movielens("100k").to_xy()
    cv = ft.model_selection.UserHoldout(0.2)
    found = cross_validate(ft.Popularity(), pairs, ratings, cv=cv, scoring=ft.metrics.scorer("ndcg@10"))
    assert 0.15 < found["test_score"][0] < 0.30
    models = [ft.Baseline(), ft.FunkSVD(random_state=0), ft.Popularity()]
    comparison = ft.compare(
        models, ft.load_movielens("100k").to_frame(), metrics=["ndcg@10", "coverage", "rmse"], cv=cv
    )
    frame = comparison.to_frame()
    # what orders ratings best does not fill lists best: the popular is hard to beat by predicted ratings
    assert frame["model"][0] == "Popularity()"
    assert frame["ndcg@10"][0] == pytest.approx(found["test_score"][0])
    assert frame["rmse"].is_nan().to_list() == [True, False, False]
    assert frame["p_value"][1:].max() < 0.01


@pytest.mark.slow
def test_on_the_command_line(need_set, tmp_path, monkeypatch):
    need_set("ml-100k")
    monkeypatch.chdir(tmp_path)
    # ratings as people have them: a person's number and a film's title
    titles = ft.datasets.load_items("ml-100k").select("item", "title")
    ratings = ft.load_movielens("100k").to_frame().join(titles, on="item").select("user", "title", "rating", "time")
    ratings = ratings.rename({"user": "userId", "title": "movie"}).unique(["userId", "movie"], maintain_order=True)
    ratings.write_csv("ratings.csv")
    ratings.write_parquet("ratings.parquet")
    ratings.select("userId", "movie").head(5).write_csv("pairs.csv")
    for line in (
        "data ml-100k",
        "train ratings.csv --model funk-svd --set n_factors=50 -o model.ft",
        "recommend model.ft --user 196 -n 10",
        "predict model.ft pairs.csv",
        "similar model.ft --item 'Star Wars (1977)'",
        "compare ratings.parquet --models baseline,funk-svd --cv 5",
        "compare ml-100k --task ranking --cv users --metrics ndcg@10,recall@20,coverage",
    ):
        with pytest.raises(SystemExit) as left:
            cli.main(shlex.split(line))
        assert left.value.code == 0, line


# The ladder: from a regression on known styles to factors, choices and neighbours -------------------------------------

SURVEY = pl.DataFrame(
    [("an", 5, 1), ("bhavana", 4, 0), ("cordelia", 2, 5), ("diego", 2, 4)],
    schema=["user", "lo_fi_indie", "slick_pop"],
    orient="row",
)
LADDER = {
    "known items": ft.ContentRegression(item_features=ft.datasets.album_features(), reg=0),
    "known users": ft.ContentRegression(user_features=SURVEY, reg=0, fit_intercept=False),
    "in turn": ft.ALS(2, biased=False, solver="cholesky", random_state=0),
    "all at once": ft.FunkSVD(2, biased=False, solver="gd", reg=0, random_state=0),
    "one rating at a time": ft.FunkSVD(2, biased=False, random_state=0),
    "on top of the baseline": ft.FunkSVD(2, random_state=0),
    "what they chose": ft.SVDpp(2, random_state=0),
    "the real SVD": ft.PureSVD(2, fill="user_mean", refine_epochs=50, random_state=0),
    # of four people and five albums any likeness rests on a few ratings, and is not to be doubted for that
    "like people": ft.UserKNN(shrinkage=0),
    "like albums": ft.ItemKNN(shrinkage=0),
    "both": ft.UserItemKNN(shrinkage=0, random_state=0),
}
GAPS = [("bhavana", "bts"), ("cordelia", "ommazh"), ("diego", "melt-banana"), ("diego", "zhou-shen")]


def climb(rung):
    return clone(LADDER[rung]).fit(ft.datasets.albums())


@pytest.mark.parametrize("rung", LADDER)
def test_every_rung_fills_the_gaps_and_says_why(rung):
    model = climb(rung)
    predicted = dict(zip(GAPS, model.predict(GAPS), strict=True))
    assert all(0 <= value <= 5 for value in predicted.values())
    # Bhavana would not care for slick pop, and Diego for lo-fi still less than for Zhou Shen
    assert predicted["bhavana", "bts"] < 2.5
    assert predicted["diego", "zhou-shen"] > predicted["diego", "melt-banana"] + 1

    listed = model.recommend(n=5)
    assert set(listed.select("user", "item").iter_rows()) == set(GAPS)
    assert {(user, item): score for user, item, score, _ in listed.iter_rows()} == pytest.approx(predicted, abs=1e-5)
    assert listed.filter(pl.col("user") == "diego")["item"].to_list() == ["zhou-shen", "melt-banana"]

    for pair in GAPS:
        assert model.explain(*pair)["value"].sum() == pytest.approx(predicted[pair], abs=1e-5)


def test_known_styles_and_a_survey_give_the_numbers_of_the_lecture():
    assert climb("known items").predict([("bhavana", "bts")])[0] == pytest.approx(0.724, abs=0.005)
    assert climb("known users").predict([("cordelia", "ommazh")])[0] == pytest.approx(2, abs=1e-4)


def test_in_turn_and_all_at_once_the_error_never_rises():
    for rung in ("in turn", "all at once"):
        curve = climb(rung).history_["train_rmse"]
        assert (curve.diff().drop_nulls() <= 1e-6).all()
        assert curve[-1] < 0.2 * curve[0]


def test_above_the_baseline_less_is_left_to_learn():
    plain, biased = climb("one rating at a time"), climb("on top of the baseline")
    assert plain.user_factors_.size + plain.item_factors_.size == 18
    assert biased.history_["train_rmse"][0] < 0.6 * plain.history_["train_rmse"][0]
    assert biased.history_["train_rmse"][-1] < 0.2 * ft.datasets.albums()["rating"].std()


def test_a_choice_tells_of_taste_whatever_the_rating():
    def newcomer(model):
        """Somebody who has rated BTS exactly as everybody is expected to."""
        bts = model.item_vocabulary_.encode_one("bts")
        return model.fold_in({"bts": float(model.global_mean_ + model.item_biases_[bts])}).user_factors_[0]

    assert newcomer(climb("on top of the baseline")) == pytest.approx([0, 0], abs=1e-5)
    assert np.linalg.norm(newcomer(climb("what they chose"))) > 0.01


def test_the_refinement_starts_at_the_decomposition_and_lowers_the_error():
    albums, refined = ft.datasets.albums(), climb("the real SVD")
    decomposed = ft.PureSVD(2, fill="user_mean", random_state=0).fit(albums)
    assert refined.singular_values_ == pytest.approx(decomposed.singular_values_)
    assert refined.history_["epoch"].to_list() == list(range(51))
    curve = refined.history_["train_rmse"]
    assert curve[0] == pytest.approx(
        ft.metrics.rmse(albums["rating"], decomposed.predict(albums, clip=False)), abs=1e-5
    )
    assert curve[-1] < 0.7 * curve[0]


def test_neighbours_are_who_and_what_one_would_name():
    people, things, both = (climb(rung) for rung in ("like people", "like albums", "both"))
    assert people.similar_users(["an", "diego"], n=1)["similar_user"].to_list() == ["bhavana", "cordelia"]
    assert set(things.similar_items("bts")["similar_item"]) == {"sanam", "zhou-shen"}

    def heard(model):
        reasons = model.explain("diego", "zhou-shen").slice(3)  # behind the mean and the biases
        return {term.partition(", ")[0]: value for term, value in reasons.iter_rows()}

    by_people, by_things, by_both = heard(people), heard(things), heard(both)
    assert by_people.keys() == {"rated 5 by 'cordelia'"}
    assert by_things.keys() == {"rated 'sanam' 4", "rated 'bts' 5"}
    assert min([*by_people.values(), *by_things.values()]) > 0
    weighted = {name: both.user_weight_ * share for name, share in by_people.items()}
    weighted |= {name: both.item_weight_ * share for name, share in by_things.items()}
    assert by_both == pytest.approx(weighted)


@pytest.mark.parametrize("model", [ft.UserKNN(), ft.ItemKNN(), ft.UserItemKNN(random_state=0)])
def test_neighbours_in_doubt_still_move_the_baseline_the_right_way(model):
    albums = ft.datasets.albums()
    moved = dict(
        zip(GAPS, clone(model).fit(albums).predict(GAPS) - ft.Baseline().fit(albums).predict(GAPS), strict=True)
    )
    assert moved.pop(("diego", "zhou-shen")) > 0.1
    assert max(moved.values()) < -0.1


# From a program for Surprise to a model that recommends ---------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_lecture_on_surprise_goes_on_in_foretaste(kind, tmp_path):
    albums = KINDS[kind](ft.datasets.albums())
    data = surprise.Dataset.load_from_df(albums, surprise.Reader(rating_scale=(0, 5)))
    trainset = data.build_full_trainset()
    algo = surprise.SVD(n_factors=2, n_epochs=10_000, biased=False, random_state=0).fit(trainset)
    predictions = algo.test(trainset.build_testset())
    assert surprise.accuracy.mse(predictions, verbose=False) == pytest.approx(0.02, abs=0.005)
    assert algo.predict("an", "ommazh").est == pytest.approx(algo.pu[0] @ algo.qi[0]) == pytest.approx(5, abs=0.5)

    model = algo.to_foretaste()
    assert model.predict(GAPS) == pytest.approx([algo.predict(*pair).est for pair in GAPS], abs=1e-4)
    listed = model.recommend("diego", n=2)
    assert listed["item"].to_list() == ["zhou-shen", "melt-banana"]
    assert model.explain("diego", "zhou-shen")["value"].sum() == pytest.approx(listed["score"][0], abs=1e-5)
    newcomer = model.fold_in([("ommazh", 5), ("sanam", 1)])
    assert newcomer.recommend(n=1)["item"].to_list() == ["melt-banana"]
    model.save(tmp_path / "albums.ft")
    assert (ft.load(tmp_path / "albums.ft").predict(GAPS) == model.predict(GAPS)).all()


def test_ratings_go_to_surprise_and_come_back():
    ratings = ft.Interactions.from_frame(ft.datasets.albums(), scale=(0, 5))
    trainset = ratings.to_surprise().build_full_trainset()
    assert trainset.rating_scale == (0, 5)
    assert trainset.build_testset() == list(ft.datasets.albums().cast({"rating": pl.Float64}).iter_rows())
    assert trainset.to_interactions().to_frame().equals(ratings.to_frame())
