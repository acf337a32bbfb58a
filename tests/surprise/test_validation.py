import re

import numpy as np
import pytest
from surprise.model_selection import split as their_split
from surprise.model_selection import validation as theirs

from beside import SIDES, dataset, ours, peer
from foretaste.surprise.model_selection import split, validation

ROWS = [(user, item, (3 * user + 5 * item) % 6 - 0.5) for user in range(9) for item in range(7) if (user + item) % 3]
MODULES = {peer: (theirs, their_split), ours: (validation, split)}


def validated(side, algorithm="SlopeOne", folds=("KFold", {"n_splits": 3, "random_state": 0}), **options):
    module, folders = MODULES[side]
    cv = getattr(folders, folds[0])(**folds[1])
    return module.cross_validate(getattr(side, algorithm)(), dataset(side, ROWS), cv=cv, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"measures": ["MSE", "fcp"]},
        {"return_train_measures": True},
        {"folds": ("ShuffleSplit", {"n_splits": 2, "random_state": 3}), "pre_dispatch": None},
    ],
)
def test_the_measures_are_those_of_surprise(options):
    expected, found = (validated(side, **options) for side in SIDES)
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert type(found[name]) is type(values)
        if "time" in name:
            assert len(found[name]) == len(values)
        else:
            np.testing.assert_array_equal(found[name], values)
            assert found[name].dtype == values.dtype


def test_an_int_is_as_many_folds_and_nothing_five():
    for side, (module, _) in MODULES.items():
        for cv, n_folds in ((None, 5), (2, 2)):
            np.random.seed(0)
            found = module.cross_validate(side.SlopeOne(), dataset(side, ROWS), cv=cv)
            assert len(found["test_rmse"]) == len(found["fit_time"]) == n_folds


def table(printed):
    """What is printed, with the digits of seconds taken away."""
    head, *rows = printed.split("\n")
    return [head, *(re.sub(r"\d", "#", row) if " time" in row else row for row in rows)]


@pytest.mark.parametrize("train", [False, True])
def test_the_table_is_that_of_surprise(capsys, train):
    printed = []
    for side in SIDES:
        validated(side, measures=["RMSE", "MAE"], return_train_measures=train, verbose=True)
        printed.append(table(capsys.readouterr().out))
    assert printed[1] == printed[0]
    assert printed[1][0] == "Evaluating RMSE, MAE of algorithm SlopeOne on 3 split(s)."


def test_the_table_has_a_column_for_each_fold_of_each_repetition(capsys):
    folds = ("RepeatedKFold", {"n_splits": 2, "n_repeats": 2, "random_state": 0})
    found = validated(ours, folds=folds, measures=["mae"], verbose=True)
    lines = capsys.readouterr().out.split("\n")
    assert lines[0].endswith(" on 4 split(s).")
    assert lines[2].split() == ["Fold", "1", "Fold", "2", "Fold", "3", "Fold", "4", "Mean", "Std"]
    expected = [*found["test_mae"], found["test_mae"].mean(), found["test_mae"].std()]
    assert lines[3].split()[2:] == [f"{value:.4f}" for value in expected]


def test_fit_and_score_is_one_fold():
    answers = []
    for side, (module, folders) in MODULES.items():
        parts = folders.train_test_split(dataset(side, ROWS), random_state=0)
        answer = module.fit_and_score(side.SlopeOne(), *parts, ["rmse"], return_train_measures=True)
        *measures, fit_time, test_time = answer
        assert min(fit_time, test_time) >= 0
        answers.append(measures)
    assert answers[0] == answers[1]


def test_a_measure_that_is_none_is_told_of_before_anything_is_fitted():
    class Never(ours.AlgoBase):
        def fit(self, trainset):
            raise AssertionError

    message = "there is no measure 'roc' in surprise.accuracy. Hint: choose among rmse, mse, mae and fcp."
    with pytest.raises(AttributeError, match=re.escape(message)):
        validation.cross_validate(Never(), dataset(ours, ROWS), measures=["rmse", "ROC"])
