"""The command line as people use it: what it prints, what it writes, how it ends."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste import cli
from foretaste.cli import _models


@pytest.fixture
def run(capfdbinary, monkeypatch, tmp_path):
    """A function that runs a command line in an empty folder and gives status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return left.value.code, out.decode(), err.decode()

    return run


@pytest.fixture
def albums(tmp_path):
    path = tmp_path / "albums.csv"
    ft.datasets.albums().write_csv(path)
    return path


@pytest.fixture
def trained(run, albums):
    status, out, err = run("train", albums, "--model", "funk-svd", "--set", "n_factors=2", "-o", "model.ft")
    assert status == 0, err
    return Path("model.ft"), out, err


def test_train_says_what_it_learned_and_prints_its_guess_of_columns(trained):
    path, out, err = trained
    assert out.startswith("FunkSVD learned from 16 rows in ")
    assert out.rstrip().endswith(": model.ft")
    assert "taking user = 'user', item = 'item', rating = 'rating'." in err
    assert ft.load(path).n_factors == 2


def test_recommend_in_a_pipe_is_csv(run, trained):
    status, out, _ = run("recommend", "model.ft", "--user", "diego", "-n", 2)
    assert status == 0
    frame = pl.read_csv(io.StringIO(out))
    assert frame.columns == ["user", "item", "score", "rank"]
    assert frame["item"].to_list() == ["zhou-shen", "melt-banana"]


def test_recommend_for_everybody_leaves_out_the_seen(run, trained):
    _, out, _ = run("recommend", "model.ft", "--format", "json")
    pairs = {(row["user"], row["item"]) for row in json.loads(out)}
    seen = set(ft.datasets.albums().select("user", "item").iter_rows())
    assert pairs
    assert not pairs & seen


def test_recommend_writes_the_form_that_the_ending_says(run, trained):
    for name, read in (("a.csv", pl.read_csv), ("a.json", pl.read_json), ("a.parquet", pl.read_parquet)):
        status, out, _ = run("recommend", "model.ft", "-n", 1, "-o", name)
        assert (status, out) == (0, "")
        assert read(name).height == 3


def test_a_table_can_be_asked_for(run, trained):
    _, out, _ = run("recommend", "model.ft", "--user", "diego", "--format", "table")
    assert "zhou-shen" in out
    assert "┃" in out


def test_predict_adds_a_column_to_the_rows_of_the_file(run, trained):
    Path("pairs.csv").write_text("user,item,note\ndiego,zhou-shen,x\nnobody,bts,y\n")
    status, out, err = run("predict", "model.ft", "pairs.csv")
    assert status == 0
    frame = pl.read_csv(io.StringIO(out))
    assert frame.columns == ["user", "item", "note", "prediction"]
    assert frame["prediction"][0] == pytest.approx(ft.load("model.ft").predict([("diego", "zhou-shen")])[0])
    assert "Warning: 1 of 2 user ids are unknown to this model: 'nobody'." in err
    status, _, err = run("predict", "model.ft", "pairs.csv", "--unknown", "raise")
    assert status == 2
    assert err.startswith("UnknownIdError: ")


def test_ids_on_the_command_line_are_taken_in_the_type_the_model_knows(run):
    Path("numbers.csv").write_text("user,item,rating\n1,10,5\n1,11,1\n2,10,4\n2,12,3\n")
    run("train", "numbers.csv", "--model", "baseline", "-o", "numbers.ft")
    status, out, _ = run("recommend", "numbers.ft", "--user", "1")
    assert status == 0
    assert pl.read_csv(io.StringIO(out))["item"].to_list() == [12]


def test_similar_by_title(run, trained):
    Path("items.csv").write_text("item,title\nbts,Proof\nzhou-shen,Shenself\nsanam,Sanam\n")
    status, out, _ = run("similar", "model.ft", "--item", "Proof", "-n", 1, "--items", "items.csv")
    assert status == 0
    row = pl.read_csv(io.StringIO(out)).row(0, named=True)
    assert (row["item"], row["similar_item"], row["title"]) in {
        ("bts", "zhou-shen", "Shenself"),
        ("bts", "sanam", "Sanam"),
    }
    status, _, err = run("similar", "model.ft", "--item", "Proofs", "--items", "items.csv")
    assert status == 2
    assert "there is no item with the id or title 'Proofs'. Hint: did you mean 'Proof'?" in err
    status, _, err = run("similar", "model.ft", "--item", "Proof")
    assert status == 2
    assert "Hint: --items FILE lets items be named by their titles." in err


def test_similar_needs_an_item_or_a_user(run, trained):
    status, _, err = run("similar", "model.ft")
    assert status == 2
    assert "give --item or --user" in err
    assert run("similar", "model.ft", "--user", "an", "--metric", "euclidean")[0] == 0


def test_compare_ranks_models_and_counts_unknown_test_ratings(run, albums):
    arguments = ["compare", albums, "--models", "global-mean,baseline", "--cv", 4, "--set", "baseline.reg_users=1"]
    status, out, err = run(*arguments)
    assert status == 0
    frame = pl.read_csv(io.StringIO(out))
    assert set(frame["model"]) == {"global-mean", "baseline"}
    assert frame["rmse"].is_sorted()
    assert "test ratings are of users or items that the training part does not hold" in err or "of 16" not in err


def test_all_ratings_is_every_model_that_learns_ratings_from_ratings(run, albums):
    orders = {name for name, model in _models.NAMES.items() if not model.predicts_ratings}
    assert orders >= {"popularity", "ease", "implicit-als", "hybrid-mf"}
    expected = [name for name in _models.NAMES if name not in {"content-regression", *orders}]
    assert _models.model_names("all-ratings") == expected
    status, out, err = run("compare", albums, "--models", "all-ratings", "--cv", 2, "--set", "als.n_factors=1")
    assert status == 0, err
    frame = pl.read_csv(io.StringIO(out))
    assert sorted(frame["model"]) == sorted(expected)
    assert frame["rmse"].is_not_nan().all()


def test_all_ratings_and_names_may_be_mixed_and_none_comes_twice(run, albums):
    everything = _models.model_names("all-ratings")
    rest = [name for name in everything if name != "als"]
    assert _models.model_names("als,all-ratings") == ["als", *rest]
    assert _models.model_names("all-ratings,popularity,als") == [*rest, "popularity", "als"]
    for twice in ("als,baseline,als", "all-ratings,all-ratings"):
        status, _, err = run("compare", albums, "--models", twice)
        assert status == 2
        assert f"InvalidParameterError: --models names a model twice: {twice}." in err


def test_an_unknown_name_is_told_of_all_ratings_where_that_is_one(run, albums):
    status, _, err = run("compare", albums, "--models", "als,magic")
    assert status == 2
    assert "there is no model 'magic'. Hint: choose among als, baseline," in err
    assert "user-knn, or all-ratings or all-ranking." in err
    for name in ("magic", "all-ratings"):
        status, _, err = run("train", albums, "--model", name, "-o", "model.ft")
        assert status == 2
        assert f"there is no model '{name}'. Hint: choose among als, baseline," in err
        assert "user-item-knn, user-knn." in err


@pytest.fixture
def plays(tmp_path):
    """Events with times: 12 users of two tastes, 9 items a taste, most of them played."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", f"i{i}") for u in range(12) for i in range(18) if i % 2 == u % 2 and rng.random() < 0.8]
    frame = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    path = tmp_path / "plays.csv"
    frame.with_columns(time=pl.Series(rng.permutation(len(rows)))).write_csv(path)
    return path


@pytest.mark.parametrize("cv", ["random", "users", "last", "time", "new-users", "new-items", "3", None])
def test_rankings_are_compared_by_whatever_is_held_out(run, plays, cv):
    held_out = [] if cv is None else ["--cv", cv]
    metrics = "ndcg@5,recall@17,coverage@5"
    status, out, err = run("compare", plays, "--task", "ranking", "--metrics", metrics, *held_out)
    assert status == 0, err
    frame = pl.read_csv(io.StringIO(out))
    assert sorted(frame["model"]) == sorted(_models.model_names("all-ranking"))
    assert frame["ndcg@5"].is_sorted(descending=True)
    row = frame.filter(model="popularity").row(0, named=True)
    if cv == "new-items":
        assert row["recall@17"] == 0
        assert "test events are of users or items that the training part does not hold; lists are made by" in err
    else:
        assert row["recall@17"] > 0


def test_what_a_split_leaves_out_is_told(run, tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("user,item,time\na,x,1\na,y,2\nb,x,1\nb,z,3\nc,x,1\n")
    status, _, err = run("compare", path, "--task", "ranking", "--cv", "last", "--models", "popularity")
    assert status == 0, err
    assert "1 users have too few rows to be tested." in err
    assert "2 of 2 test events are of users or items" in err


def test_rating_models_are_compared_by_their_lists_too(run, albums):
    arguments = ["--models", "all-ranking,baseline", "--metrics", "hit_rate@1,rmse", "--cv", 4]
    status, out, err = run("compare", albums, *arguments)
    assert status == 0, err
    frame = pl.read_csv(io.StringIO(out))
    assert frame.filter(model="baseline")["rmse"].is_not_nan().all()
    assert {"predict_seconds", "recommend_seconds"} <= set(frame.columns)


@pytest.mark.parametrize(("width", "shown"), [(80, False), (160, True)])
def test_on_a_narrow_screen_names_are_kept_and_standard_errors_give_way(run, plays, monkeypatch, width, shown):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    status, out, err = run("compare", plays, "--task", "ranking", "--models", "popularity", "--format", "table")
    assert status == 0, err
    assert "popularity" in out
    assert ("do not fit on this screen" in err) is not shown


@pytest.mark.slow
def test_the_table_of_the_readme(run, need_set):
    need_set("ml-100k")
    models = "global-mean,baseline,als,funk-svd"
    status, out, err = run("compare", "ml-100k", "--models", models, "--cv", "u1-u5")
    assert status == 0
    rmse = dict(pl.read_csv(io.StringIO(out)).select("model", "rmse").iter_rows())
    assert rmse["global-mean"] == pytest.approx(1.1256, abs=1e-4)
    assert 0.935 < rmse["baseline"] <= 0.944
    assert 0.905 < rmse["als"] <= 0.916
    assert 0.905 < rmse["funk-svd"] <= 0.915
    assert "167 of 100,000 test ratings" in err


def test_data_describes_a_file_and_can_write_it(run, albums):
    status, out, _ = run("data", albums, "-o", "rows.parquet")
    assert status == 0
    for words in ("16", "scale", "0, 5", "density"):
        assert words in out
    assert pl.read_parquet("rows.parquet").height == 16


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "none.csv", "-o", "m.ft"], "DataError: none.csv: there is no such file."),
        (["train", "bad.csv", "-o", "m.ft"], "DataError: bad.csv line 3: rating 'five' is not a number."),
        (["train", "twice.csv", "-o", "m.ft"], "occur together more than once"),
        (["train", "good.csv", "-o", "no/m.ft"], "DataError: 'no/m.ft' cannot be written: there is no folder 'no'."),
        (["train", "good.csv", "--model", "magic", "-o", "m.ft"], "there is no model 'magic'. Hint: choose among als"),
        (["train", "good.csv", "--set", "n_factors", "-o", "m.ft"], "'n_factors' is no setting of funk-svd."),
        (["train", "good.csv", "--set", "size=3", "-o", "m.ft"], "'size=3' is no setting of funk-svd."),
        (
            ["train", "good.csv", "--set", "n_factors=0", "-o", "m.ft"],
            "'n_factors' of FunkSVD must be an int in [1, inf)",
        ),
        (["train", "good.csv", "--set", "n_factors=many", "-o", "m.ft"], "got 'many'"),
        (["train", "good.csv", "--user-column", "who", "-o", "m.ft"], "'who'"),
        (["train", "good.csv", "--scale", "1", "4", "-o", "m.ft"], "line 2: rating '5' is outside the scale 1 to 4."),
        (["train", "good.csv"], "Missing option '-o'"),
        (["recommend", "good.csv"], "ModelFileError: 'good.csv' is not a foretaste model"),
        (["recommend", "none.ft"], "ModelFileError: no model file at 'none.ft'."),
        (["compare", "good.csv", "--cv", "u1-u5"], "--cv u1-u5 are the folds of ml-100k"),
        (
            ["compare", "good.csv", "--cv", "x"],
            "--cv must be a number of folds, one of random, users, last, time, new-users",
        ),
        (["compare", "good.csv", "--cv", "1"], "'cv' must be an int in [2, 3]"),
        (["compare", "good.csv", "--metrics", "r2"], "'metrics' must be among 'rmse'"),
        (["compare", "good.csv", "--models", "als", "--set", "baseline.tol=1"], "is for none of the models compared"),
        (["nothing"], "No such command 'nothing'"),
    ],
)
def test_bad_input_gets_a_sentence_and_status_2_and_leaves_nothing(run, arguments, words):
    Path("good.csv").write_text("user,item,rating\na,x,5\na,y,1\nb,x,4\n")
    Path("bad.csv").write_text("user,item,rating\na,x,5\na,y,five\nb,x,4\n")
    Path("twice.csv").write_text("user,item,rating\na,x,5\na,x,1\nb,x,4\n")
    before = sorted(Path().iterdir())
    status, out, err = run(*arguments)
    assert status == 2
    assert words in err
    assert "Traceback" not in err + out
    assert sorted(Path().iterdir()) == before


def test_a_defect_of_ours_is_status_1_and_no_traceback(run, albums, monkeypatch):
    def broken(self, *_):
        message = "something nobody thought of"
        raise AssertionError(message)

    monkeypatch.setattr(ft.Baseline, "fit", broken)
    status, _, err = run("train", albums, "--model", "baseline", "-o", "m.ft")
    assert status == 1
    assert "Internal error: AssertionError: something nobody thought of" in err
    monkeypatch.setenv("FORETASTE_TRACEBACK", "1")
    with pytest.raises(AssertionError):
        cli.main(["train", str(albums), "--model", "baseline", "-o", "m.ft"])


def test_ctrl_c_leaves_no_file(run, albums, monkeypatch):
    def interrupted(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ft.Baseline, "fit", interrupted)
    status, _, err = run("train", albums, "--model", "baseline", "-o", "m.ft")
    assert status == 130
    assert "Interrupted" in err
    assert not Path("m.ft").exists()


def test_a_reader_that_stops_early_is_no_error(albums, tmp_path):
    model = tmp_path / "model.ft"
    ft.Baseline().fit(ft.synthetic.make_catalogue(300, 200).ratings).save(model)
    program = [sys.executable, "-c", "from foretaste.cli import main; main()", "recommend", str(model), "-n", "150"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_every_model_has_a_name_on_the_command_line():
    assert {model.__name__ for model in _models.NAMES.values()} == set(ft.models.MODELS)
    assert {"funk-svd", "als", "global-mean", "content-regression"} <= set(_models.NAMES)


def test_help_and_version(run):
    status, out, _ = run("--help")
    assert status == 0
    for command in ("demo", "data", "train", "predict", "recommend", "similar", "compare"):
        assert command in out
    status, out, _ = run("--version")
    assert (status, out.strip()) == (0, f"foretaste, version {ft.__version__}")


def test_tune_writes_the_best_model_and_goes_on_from_its_study(run, albums):
    command = ("tune", albums, "--model", "baseline", "--set", "reg_items=5", "--study", "s.log", "-o", "best.ft")
    status, out, err = run(*command, "--trials", 2)
    assert (status, out.splitlines()[0]) == (0, "trial,state,rmse,seconds,reg_users")
    assert "Best: rmse" in err
    assert len(run(*command, "--trials", 3)[1].splitlines()) == 4
    assert ft.load("best.ft").reg_items == 5


def test_tune_says_which_metric_cannot_judge(run, albums):
    status, _, err = run("tune", albums, "--model", "ease", "--metric", "rmse")
    assert (status, "EASE orders items" in err) == (2, True)
