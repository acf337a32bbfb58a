"""`tune` finds what is there to be found, goes on where it stopped, and refuses what makes no sense."""

import sys
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, clone

import foretaste as ft
from foretaste.exceptions import DataError, DivergenceError, InvalidParameterError, MissingExtraError
from foretaste.model_selection import _spaces, default_space, tuning
from foretaste.models import MODELS

SPACE = {"shift": (-5.0, 5.0)}


class Shifted(BaseEstimator):
    """Predicts 3 and a shift; runs away where told to."""

    def __init__(self, shift=4.0, *, wild=False):
        self.shift = shift
        self.wild = wild

    def fit(self, X, y=None):  # noqa: ARG002  scikit-learn's own signature
        if self.wild:
            message = "away"
            raise DivergenceError(message)
        self.n_seen_ = len(X)
        return self

    def predict(self, X):
        return np.full(len(X), 3.0 + self.shift)


@pytest.fixture(scope="module")
def threes():
    """Sixty ratings, every one of them a three."""
    pairs = [(f"u{number % 6}", f"i{number // 6}") for number in range(60)]
    return ft.Interactions.from_frame(
        pl.DataFrame(pairs, schema=["user", "item"], orient="row").with_columns(rating=3.0)
    )


def tried(found):
    return found.to_frame().drop("seconds")


def test_the_error_is_the_size_of_the_shift_and_the_least_is_taken(threes):
    found = ft.tune(Shifted(), threes, SPACE, trials=25)
    frame = found.to_frame()
    np.testing.assert_allclose(frame["rmse"], np.abs(frame["shift"]))
    assert frame["shift"][0] == 4.0  # as it was given
    assert found.best_value == min(frame["rmse"]) < 0.5
    assert found.best_model.shift == found.best_parameters["shift"]
    assert found.best_model.n_seen_ == len(threes)  # all of the data, validation part and training part
    assert "Tuning of Shifted in 25 trials: rmse" in repr(found)


@pytest.mark.parametrize("metric", ["rmse", "fcp"])
def test_later_trials_are_drawn_where_earlier_ones_did_well(threes, monkeypatch, metric):
    if metric == "fcp":  # more is better: here the shift itself

        def measure_fold(model, *_):
            return {"fcp": model.shift}, None

        monkeypatch.setattr(tuning, "measure_fold", measure_fold)
    frame = ft.tune(Shifted(), threes, SPACE, metric=metric, trials=30).to_frame()
    drawn, learned = frame[metric][1:11].mean(), frame[metric][11:].mean()
    assert learned < drawn if metric == "rmse" else learned > drawn


def test_a_model_that_cannot_be_bettered_stays_as_it_is(threes):
    found = ft.tune(Shifted(0.0), threes, SPACE, trials=5)
    assert (found.best_parameters, found.best_value, found.best_model.shift) == ({}, 0.0, 0.0)


def test_a_search_that_goes_on_is_one_that_never_stopped(threes, tmp_path):
    path = tmp_path / "study.log"
    whole = ft.tune(Shifted(), threes, SPACE, trials=16)
    ft.tune(Shifted(), threes, SPACE, trials=3, study=path)
    ft.tune(Shifted(), threes, SPACE, trials=12, study=path)
    resumed = ft.tune(Shifted(), threes, SPACE, trials=16, study=path)
    assert tried(resumed).equals(tried(whole))
    assert not tried(ft.tune(Shifted(), threes, SPACE, trials=16, random_state=1)).equals(tried(whole))


def test_a_trial_that_was_interrupted_is_done_again(threes, tmp_path, monkeypatch):
    path = tmp_path / "study.log"
    ft.tune(Shifted(), threes, SPACE, trials=2, study=path)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Shifted, "predict", stop)
        with pytest.raises(KeyboardInterrupt):
            ft.tune(Shifted(), threes, SPACE, trials=4, study=path)
    resumed = ft.tune(Shifted(), threes, SPACE, trials=4, study=path)
    assert tried(resumed).equals(tried(ft.tune(Shifted(), threes, SPACE, trials=4)))


@pytest.mark.parametrize(
    ("changed", "what"),
    [({"space": {"shift": (-4.0, 5.0)}}, "space"), ({"metric": "mae"}, "metric"), ({"cv": 2}, "data or cv")],
)
def test_the_study_of_another_search_is_refused(threes, tmp_path, changed, what):
    arguments = {"space": SPACE, "trials": 1, "study": tmp_path / "study.log"}
    ft.tune(Shifted(), threes, **arguments)
    with pytest.raises(InvalidParameterError, match=f"another {what}"):
        ft.tune(Shifted(), threes, **arguments | changed)


def test_a_file_that_is_no_study_is_left_as_it_is(threes, tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("user,item\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="is no study"):
        ft.tune(Shifted(), threes, SPACE, study=path)
    assert path.read_text(encoding="utf-8") == "user,item\n1,2\n"
    with pytest.raises(DataError, match="no folder"):
        ft.tune(Shifted(), threes, SPACE, study=tmp_path / "no" / "study.log")


def test_trials_that_do_badly_on_the_first_folds_are_ended(threes):
    frame = ft.tune(Shifted(0.0), threes, SPACE, trials=20, cv=3).to_frame()
    assert {"complete", "pruned"} == set(frame["state"])
    ended, whole = (frame.filter(pl.col("state") == state)["rmse"] for state in ("pruned", "complete"))
    assert ended.median() > whole.median()


class Slow(Shifted):
    """The same, in epochs, which it counts."""

    fitted: ClassVar[list] = []

    def __init__(self, shift=4.0, *, n_epochs=30):
        super().__init__(shift)
        self.n_epochs = n_epochs

    def fit(self, X, y=None):
        self.fitted.append((self.shift, self.n_epochs))
        return super().fit(X, y)


def test_trials_that_do_badly_after_a_few_epochs_are_never_trained_whole(threes):
    Slow.fitted.clear()
    frame = ft.tune(Slow(0.0), threes, SPACE, trials=20).to_frame()
    ended = frame.filter(pl.col("state") == "pruned")["shift"].to_list()
    assert ended
    assert min(map(abs, ended)) > frame.filter(pl.col("state") == "complete")["shift"].abs().min()
    epochs = {shift: {n for other, n in Slow.fitted if other == shift} for shift in frame["shift"]}
    assert all(epochs[shift] == ({5} if shift in ended else {5, 30}) for shift in frame["shift"])
    Slow.fitted.clear()
    ft.tune(Slow(0.0, n_epochs=10), threes, SPACE, trials=3)
    assert {n for _, n in Slow.fitted} == {10}  # too few for a look before


def test_what_runs_away_has_failed_and_is_not_taken(threes):
    found = ft.tune(Shifted(), threes, {"wild": [True, False]}, trials=8)
    frame = found.to_frame()
    assert {*zip(frame["wild"], frame["state"], strict=True)} == {(True, "failed"), (False, "complete")}
    assert found.best_model.wild is False
    with pytest.raises(DivergenceError, match="no trial of Shifted gave a rmse"):
        ft.tune(Shifted(wild=True), threes, SPACE, trials=2)


def test_a_model_of_lists_is_judged_by_lists(threes):
    found = ft.tune(ft.EASE(), threes, trials=2)
    assert found.metric == "ndcg@10"
    with pytest.raises(InvalidParameterError, match="EASE orders items"):
        ft.tune(ft.EASE(), threes, metric="rmse")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"regs": (0.1, 1.0)}, "'regs' of 'space' is no parameter of Baseline"),
        ({"reg_users": (1.0, 0.1)}, "low < high"),
        ({"reg_users": (0.0, 1.0, "log")}, "low > 0"),
        ({"reg_users": (-1.0, 1.0)}, "'reg_users' of Baseline must be"),
        ({}, "at least one parameter"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(threes, space, said):
    with pytest.raises(InvalidParameterError, match=said):
        ft.tune(ft.Baseline(), threes, space)


def test_without_optuna_it_says_what_to_install(threes, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'foretaste\[tune\]'"):
        ft.tune(Shifted(), threes, SPACE)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"GlobalMean", "Random"}))
def test_every_model_has_a_space_that_it_allows(name):
    for parameter, values in default_space(MODELS[name]()).items():
        for value in values if isinstance(values, list) else values[:2]:
            clone(MODELS[name]()).set_params(**{parameter: value}).check_parameters()


def test_what_was_set_on_purpose_is_not_varied():
    assert set(_spaces._SPACES) <= set(MODELS)
    assert "reg_users" not in default_space(ft.Baseline(reg_users=1.0))
    with pytest.raises(InvalidParameterError, match="give a space"):
        default_space(ft.GlobalMean())
