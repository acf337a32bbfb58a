import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surprise.model_selection import split as theirs

from beside import SIDES, dataset, ours, peer, ratings
from foretaste.surprise.model_selection import split
from foretaste.surprise.model_selection.split import get_cv

ROWS = [(user, item, (3 * user + 5 * item) % 6 - 0.5) for user in range(7) for item in range(6) if (user + item) % 3]


def folds(side, name, rows, **parameters):
    """Everything of the folds of one side, the order of ratings in rows included."""
    iterator = getattr(split if side is ours else theirs, name)(**parameters)
    found = []
    for trainset, testset in iterator.split(dataset(side, rows)):
        inner = trainset._raw2inner_id_users, trainset._raw2inner_id_items
        sizes = trainset.n_users, trainset.n_items, trainset.n_ratings, trainset.rating_scale
        found.append(
            (trainset.ur, trainset.ir, inner, sizes, trainset.n_ratings and float(trainset.global_mean), testset)
        )
    return found, iterator.get_n_folds()


ITERATORS = [
    ("KFold", {"n_splits": 3}),
    ("KFold", {"n_splits": 4, "shuffle": False}),
    ("RepeatedKFold", {"n_splits": 2, "n_repeats": 3}),
    ("ShuffleSplit", {"n_splits": 3}),
    ("ShuffleSplit", {"test_size": 0.31, "train_size": 0.5}),
    ("ShuffleSplit", {"test_size": 4, "train_size": 9, "shuffle": False}),
    ("ShuffleSplit", {"test_size": None, "train_size": 0.77}),
    ("LeaveOneOut", {"n_splits": 3}),
    ("LeaveOneOut", {"min_n_ratings": 3}),
]


@pytest.mark.parametrize(("name", "parameters"), ITERATORS)
def test_the_folds_are_those_of_surprise(name, parameters):
    for seed in (0, np.random.RandomState(5)):
        state = [seed, seed] if isinstance(seed, int) else [seed, np.random.RandomState(5)]
        rng = [{} if parameters.get("shuffle") is False else {"random_state": each} for each in state]
        found, expected = (
            folds(side, name, ROWS, **parameters, **each) for side, each in zip((ours, peer), rng, strict=True)
        )
        assert found == expected


@pytest.mark.parametrize("name", ["KFold", "RepeatedKFold", "ShuffleSplit", "LeaveOneOut"])
def test_without_a_seed_they_draw_from_the_generator_of_numpy(name):
    drawn = []
    for side in SIDES:
        np.random.seed(1)
        drawn.append(folds(side, name, ROWS))
    assert drawn[0] == drawn[1]


@given(ratings(), st.integers(2, 5), st.integers(0, 9))
def test_folds_of_any_ratings_are_those_of_surprise(rows, n_splits, seed):
    for name, parameters in (("KFold", {"n_splits": n_splits}), ("LeaveOneOut", {"n_splits": 2}), ("ShuffleSplit", {})):
        answers = []
        for side in SIDES:
            try:
                answers.append(folds(side, name, rows, random_state=seed, **parameters))
            except ValueError:
                answers.append(ValueError)
        assert answers[0] == answers[1]


def test_train_test_split_is_the_first_fold():
    for parameters in ({}, {"test_size": 0.4}, {"train_size": 5, "shuffle": False}, {"test_size": 3}):
        found, expected = (
            module.train_test_split(dataset(side, ROWS), random_state=2, **parameters)
            for side, module in ((ours, split), (peer, theirs))
        )
        assert found[0].ur == expected[0].ur
        assert found[1] == expected[1]


def test_without_any_size_a_fifth_is_tested_on():
    trainset, testset = split.train_test_split(dataset(ours, ROWS), None, None, random_state=0)
    assert (trainset.n_ratings, len(testset)) == (22, 6)


def test_predefined_folds_are_read_from_their_files(tmp_path):
    files = []
    for name, rows in (("a", ROWS[:9]), ("b", ROWS[9:14]), ("c", ROWS[3:]), ("d", ROWS[:3])):
        files.append(str(tmp_path / name))
        (tmp_path / name).write_text("".join(f"{user} {item} {rating}\n" for user, item, rating in rows))
    answers = []
    for side, module in ((peer, theirs), (ours, split)):
        data = side.Dataset.load_from_folds([files[:2], files[2:]], side.Reader())
        iterator = module.PredefinedKFold()
        answers.append([(trainset.ur, testset) for trainset, testset in iterator.split(data)])
        assert iterator.get_n_folds() == 2
    assert answers[0] == answers[1]


def test_get_cv_knows_what_stands_for_folds():
    assert (get_cv(None).get_n_folds(), get_cv(np.int64(3)).get_n_folds()) == (5, 3)
    iterator = split.LeaveOneOut()
    assert get_cv(iterator) is iterator
    for wrong in ("split", 2.5, []):
        with pytest.raises(ValueError, match="cv must be None, an int or an iterator over folds, got "):
            get_cv(wrong)


def test_ratings_that_are_assigned_between_folds_are_those_of_the_next_fold():
    answers = []
    for side, module in ((peer, theirs), (ours, split)):
        data = dataset(side, ROWS)
        iterator = module.KFold(2, random_state=0).split(data)
        next(iterator)
        data.raw_ratings = list(reversed(data.raw_ratings))
        trainset, testset = next(iterator)
        answers.append((trainset.ur, testset))
    assert answers[0] == answers[1]


def test_a_dataset_that_makes_its_own_trainsets_is_asked_for_them():
    class Doubled(ours.dataset.DatasetAutoFolds):
        def construct_trainset(self, raw_trainset):
            return super().construct_trainset([*raw_trainset, *raw_trainset])

    data = Doubled(df=dataset(ours, ROWS).df, reader=ours.Reader())
    trainset, testset = next(split.KFold(2).split(data))
    assert (trainset.n_ratings, len(testset)) == (28, 14)


@pytest.mark.parametrize("n_splits", [-1, 1, 29])
def test_there_are_at_least_two_folds_and_none_is_empty(n_splits):
    message = f"n_splits must be at least 2 and at most the number of ratings, 28, got {n_splits}."
    with pytest.raises(ValueError, match=re.escape(message)):
        next(split.KFold(n_splits).split(dataset(ours, ROWS)))


@pytest.mark.parametrize(
    "parameters", [{"n_splits": 0}, {"test_size": 0}, {"test_size": -0.1}, {"train_size": 0}, {"train_size": -3}]
)
def test_numbers_of_a_shuffle_split_are_above_zero(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"{name} must be above 0, got "):
        split.ShuffleSplit(**parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"test_size": 28}, "test_size must be less than the number of ratings, 28, got 28."),
        ({"train_size": 40.5}, "train_size must be less than the number of ratings, 28, got 40.5."),
        (
            {"test_size": 20, "train_size": 9},
            "train_size and test_size must together be at most the number of ratings, 28, and are 9 and 20.",
        ),
    ],
)
def test_parts_of_a_shuffle_split_fit_into_the_whole(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        next(split.ShuffleSplit(**parameters).split(dataset(ours, ROWS)))


def test_leaving_one_out_has_to_leave_something_to_learn_from():
    with pytest.raises(ValueError, match=r"no user has a rating to learn from.*Hint: lower min_n_ratings"):
        next(split.LeaveOneOut(min_n_ratings=6).split(dataset(ours, ROWS)))
