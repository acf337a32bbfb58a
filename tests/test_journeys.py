"""What people do with foretaste, as written in its interface: ratings to recommendations, scikit-learn."""

import shlex

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate

import foretaste as ft
from foretaste import cli

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
    ):
        with pytest.raises(SystemExit) as left:
            cli.main(shlex.split(line))
        assert left.value.code == 0, line
