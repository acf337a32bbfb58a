import re

import numpy as np
import pytest
from scipy import stats
from surprise.model_selection import search as theirs
from surprise.model_selection import split as their_split

from beside import SIDES, dataset, ours, peer
from foretaste.surprise.model_selection import search, split, validation

ROWS = [(user, item, (3 * user + 5 * item) % 6 - 0.5) for user in range(9) for item in range(7) if (user + item) % 3]
SEARCHES = {peer: theirs, ours: search}
GRID = {"n_cltr_u": [1, 2, 3], "n_cltr_i": [1, 3], "random_state": [0]}


def folds(side):
    return (split if side is ours else their_split).KFold(2, random_state=0)


def searched(side, name="GridSearchCV", grid=GRID, algorithm="CoClustering", **options):
    made = getattr(SEARCHES[side], name)(getattr(side, algorithm), grid, cv=folds(side), **options)
    made.fit(dataset(side, ROWS))
    return made


def assert_same(found, expected):
    assert list(found.cv_results) == list(expected.cv_results)
    for name, values in expected.cv_results.items():
        assert type(found.cv_results[name]) is type(values), name
        if "time" not in name:
            np.testing.assert_array_equal(found.cv_results[name], values, err_msg=name)
    for name in ("best_index", "best_score", "best_params"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.cv_results["params"] is found.param_combinations


@pytest.mark.parametrize(
    "options", [{}, {"return_train_measures": True, "measures": ["FCP", "mse"]}, {"refit": True}, {"refit": "MAE"}]
)
def test_a_search_of_a_grid_finds_what_surprise_finds(options):
    expected, found = (searched(side, **options) for side in SIDES)
    assert_same(found, expected)
    assert found.param_grid == expected.param_grid
    for name, algo in expected.best_estimator.items():
        assert type(found.best_estimator[name]) is ours.CoClustering
        assert found.best_estimator[name].n_cltr_u == algo.n_cltr_u
    if "refit" in options:
        rows = [(user, item, 2.0) for user in range(9) for item in range(7)]
        assert found.test(rows) == expected.test(rows)
        assert found.predict(0, 1, 2.0) == expected.predict(0, 1, 2.0)
        assert found.predict(0, 1, clip=False).est == found.best_estimator[found.refit].predict(0, 1, clip=False).est


def algorithm_with_options(side):
    """An algorithm that reads its options and predicts by them."""

    class Constant(side.AlgoBase):
        def __init__(self, level=0, sim_options=None, bsl_options=None):
            side.AlgoBase.__init__(self, sim_options=dict(sim_options or {}), bsl_options=dict(bsl_options or {}))
            self.level = level

        def estimate(self, u, i):
            return self.level + self.sim_options.get("min_support", 0) + self.bsl_options.get("reg", 0)

    return Constant


OPTIONS = {
    "level": [0, 1],
    "sim_options": {"min_support": [0, 1], "user_based": [False, True]},
    "bsl_options": {"method": ["als"], "reg": [0.25, 0.5]},
}


def test_options_that_are_dictionaries_are_taken_apart():
    answers = []
    for side in SIDES:
        made = SEARCHES[side].GridSearchCV(algorithm_with_options(side), OPTIONS, cv=folds(side))
        made.fit(dataset(side, ROWS))
        answers.append(made)
    expected, found = answers
    assert len(found.param_combinations) == 2 * 4 * 2
    assert_same(found, expected)
    assert OPTIONS["sim_options"] == {"min_support": [0, 1], "user_based": [False, True]}


def test_random_combinations_from_distributions_are_those_of_surprise():
    drawn = {"n_cltr_u": stats.randint(1, 5), "n_cltr_i": [1, 2, 3], "random_state": [0]}
    expected, found = (
        searched(side, "RandomizedSearchCV", drawn, n_iter=4, random_state=1, refit=True) for side in SIDES
    )
    assert_same(found, expected)
    assert len({tuple(params.items()) for params in found.param_combinations}) > 1


def test_random_combinations_from_lists_without_a_seed_are_those_of_surprise():
    answers = []
    for side in SIDES:
        np.random.seed(4)
        answers.append(searched(side, "RandomizedSearchCV", n_iter=5))
    assert_same(answers[1], answers[0])


def test_the_seed_of_random_combinations_from_lists_counts():
    first, again, other = (
        search.RandomizedSearchCV(ours.CoClustering, GRID, n_iter=3, random_state=seed).param_combinations
        for seed in (0, 0, 1)
    )
    assert list(first) == list(again) != list(other)
    assert len({tuple(params.items()) for params in first}) == 3


def test_no_more_combinations_are_drawn_than_there_are():
    message = "n_iter must be at most the number of combinations, 6, got 7. Hint: GridSearchCV tries all of them."
    with pytest.raises(ValueError, match=re.escape(message)):
        search.RandomizedSearchCV(ours.CoClustering, GRID, n_iter=7)


def test_processes_of_their_own_give_the_same():
    one, two = (searched(ours, grid={"random_state": [0, 1]}, n_jobs=n_jobs).cv_results for n_jobs in (1, 2))
    np.testing.assert_array_equal(two["split1_test_rmse"], one["split1_test_rmse"])
    data, cv = dataset(ours, ROWS), split.KFold(2, random_state=0)
    validated = validation.cross_validate(ours.CoClustering(random_state=1), data, cv=cv, n_jobs=2)
    assert validated["test_rmse"][1] == one["split1_test_rmse"][1]


def test_without_refit_nothing_is_predicted():
    made = searched(ours)
    for name, call in (("test", lambda: made.test([])), ("predict", lambda: made.predict(0, 0))):
        with pytest.raises(ValueError, match=f"{name} needs the best algorithm fitted.* Hint: refit=True"):
            call()


def test_refit_is_one_of_the_measures():
    message = "refit must be True, False or one of the measures rmse, mae, got 'fcp'."
    with pytest.raises(ValueError, match=re.escape(message)):
        search.GridSearchCV(ours.CoClustering, GRID, refit="fcp")


def test_refit_needs_a_whole_to_fit_to(tmp_path):
    (tmp_path / "part").write_text("1 2 3\n")
    data = ours.Dataset.load_from_folds([(tmp_path / "part", tmp_path / "part")], ours.Reader())
    with pytest.raises(ValueError, match="refit cannot be used with the predefined folds"):
        search.GridSearchCV(ours.CoClustering, GRID, refit=True).fit(data)
    made = search.GridSearchCV(ours.CoClustering, GRID, cv=split.PredefinedKFold())
    made.fit(data)
    assert made.best_score == {"rmse": 0, "mae": 0}


def test_a_measure_that_is_none_is_told_of():
    with pytest.raises(AttributeError, match="there is no measure 'roc' in surprise"):
        searched(ours, measures=["roc"])
