import uuid
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import cross_validate

import foretaste as ft
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError, UnsupportedError
from foretaste.model_selection import (
    Fold,
    LeaveLastOut,
    NewItems,
    NewUsers,
    RandomHoldout,
    TimeSplit,
    UserHoldout,
    compare,
)

EVERY = [RandomHoldout, UserHoldout, LeaveLastOut, TimeSplit, NewUsers, NewItems]
RANDOM = [RandomHoldout, UserHoldout, NewUsers, NewItems]

every = pytest.mark.parametrize("splitter", EVERY, ids=lambda each: each.__name__)
at_random = pytest.mark.parametrize("splitter", RANDOM, ids=lambda each: each.__name__)


def made(n_users=20, n_items=25, share=0.6, seed=0):
    """Rows in random order; each rating is its own number, so that rows can be told apart."""
    rng = np.random.default_rng(seed)
    pairs = [(f"u{u}", f"i{i}") for u in range(n_users) for i in range(n_items) if rng.random() < share]
    order = rng.permutation(len(pairs))
    users, items = zip(*(pairs[place] for place in order), strict=True)
    return ft.Interactions.from_arrays(
        users, items, np.arange(len(users)), times=rng.integers(0, 30, len(users)).tolist()
    )


DATA = made()


def rows(part):
    return [] if part is None else part.ratings.astype(int).tolist()


def table(part):
    return part.to_frame()


@every
def test_no_row_is_in_two_parts_and_none_is_lost_but_those_counted(splitter):
    for fold in splitter().folds(DATA):
        assert isinstance(fold, Fold)
        parts = [*rows(fold.train), *rows(fold.test), *rows(fold.known)]
        assert len(set(parts)) == len(parts)
        assert len(fold.train)
        assert len(fold.test)
        if splitter is not NewUsers:
            assert sorted(parts) == list(range(len(DATA)))


@every
def test_positions_are_those_of_the_folds(splitter):
    if splitter is NewUsers:
        with pytest.raises(UnsupportedError, match=r"NewUsers makes three parts.*NewUsers\.folds gives the parts"):
            list(NewUsers().split(DATA))
        return
    frame = DATA.to_frame()
    for data in (DATA, frame):
        (train, test), *rest = splitter().split(data)
        assert not rest
        fold = next(splitter().folds(DATA))
        assert rows(DATA.select(train)) == rows(fold.train)
        assert rows(DATA.select(test)) == rows(fold.test)
    assert splitter().get_n_splits(frame) == 1


@at_random
def test_the_seed_decides_and_each_repeat_differs(splitter):
    one, same = (list(splitter(n_repeats=3, random_state=1).folds(DATA)) for _ in range(2))
    other = next(splitter(random_state=2).folds(DATA))
    assert [rows(fold.test) for fold in one] == [rows(fold.test) for fold in same]
    assert len({tuple(rows(fold.test)) for fold in [*one, other]}) == 4
    assert [fold.name for fold in one] == ["1", "2", "3"]
    assert splitter(n_repeats=3).get_n_splits() == 3


def test_a_random_holdout_has_its_share():
    fold = next(RandomHoldout(0.3).folds(DATA))
    assert len(fold.test) == int(0.3 * len(DATA))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9]))
def test_a_user_holdout_takes_the_whole_part_of_each_users_share(users, share):
    data = ft.Interactions.from_arrays(users, range(len(users)))
    expected = {user: int(share * users.count(user) + 1e-9) for user in users}
    if not any(expected.values()):
        with pytest.raises(DataError, match="leaves no row for the test part"):
            next(UserHoldout(share).folds(data))
        return
    fold = next(UserHoldout(share).folds(data))
    found = table(fold.test)["user"].to_list()
    assert {user: found.count(user) for user in expected} == expected
    short = sum(not count for count in expected.values())
    assert fold.dropped == ({"users have too few rows to be tested": short} if short else {})


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=20), st.integers(1, 3))
def test_leave_last_out_takes_the_last_rows_of_each_user(events, n):
    users, times = zip(*events, strict=True)
    data = ft.Interactions.from_arrays(users, range(len(users)), np.arange(len(users)), times=list(times))
    last = []
    for user in set(users):
        own = sorted((row for row in range(len(users)) if users[row] == user), key=lambda row: (times[row], row))
        last += own[-n:] if len(own) > n else []
    if not last:
        with pytest.raises(DataError, match="leaves no row for the test part"):
            next(LeaveLastOut(n).folds(data))
        return
    fold = next(LeaveLastOut(n).folds(data))
    assert rows(fold.test) == sorted(last)
    short = sum(users.count(user) <= n for user in set(users))
    assert fold.dropped == ({"users have too few rows to be tested": short} if short else {})


@given(st.lists(st.integers(0, 6), min_size=2, max_size=20), st.sampled_from([0.2, 0.5, 0.9]))
def test_a_time_split_parts_the_earlier_from_the_later(times, share):
    data = ft.Interactions.from_arrays(range(len(times)), range(len(times)), np.arange(len(times)), times=times)
    n_train = len(times) - int(share * len(times) + 1e-9)
    if n_train == 0 or sorted(times)[n_train - 1] == max(times):
        with pytest.raises(DataError, match="leaves no row"):
            next(TimeSplit(share).folds(data))
        return
    fold = next(TimeSplit(share).folds(data))
    assert max(fold.train.times) < min(fold.test.times)
    assert len(fold.test) <= share * len(times)
    assert fold.dropped == {"users of the test part are not in the training part": len(fold.test)}
    # one moment more would be too many
    assert len(fold.test) + times.count(max(fold.train.times)) > len(times) - n_train


def test_times_may_be_dates():
    data = ft.Interactions.from_arrays("aab", "xyx", times=[date(2020, 1, 2), date(2020, 1, 1), date(2021, 1, 1)])
    assert table(next(LeaveLastOut().folds(data)).test)["item"].to_list() == ["x"]
    assert table(next(TimeSplit(0.4).folds(data)).test)["user"].to_list() == ["b"]


def test_new_users_are_in_no_training_part_and_known_by_a_share_of_their_rows():
    fold = next(NewUsers(0.3, held_out=0.25).folds(DATA))
    train, known, test = (set(table(part)["user"]) for part in (fold.train, fold.known, fold.test))
    assert len(test) == int(0.3 * DATA.n_users)
    assert known == test
    assert not train & test
    counts = dict(table(DATA)["user"].value_counts().rows())
    tested = dict(table(fold.test)["user"].value_counts().rows())
    assert tested == {user: int(0.25 * counts[user]) for user in test}


def test_new_users_with_too_few_rows_and_known_rows_of_unknown_items_are_left_out_and_counted():
    users, items = ["a"] * 4 + ["b", "c"], ["w", "x", "y", "z", "x", "q"]
    data = ft.Interactions.from_arrays(users, items)
    seen = {}
    for seed in range(30):
        try:
            fold = next(NewUsers(0.7, held_out=0.25, random_state=seed).folds(data))
        except DataError:
            continue
        (learned,) = set(table(fold.train)["user"])
        seen[learned] = fold
        assert fold.dropped["new users have too few rows for two parts and are left out"] == 1
        left = fold.dropped["known rows are of items that are not in the training part and are left out"]
        assert left + len(fold.known) == 3
        assert set(table(fold.known)["item"]) <= set(table(fold.train)["item"])
    assert set(seen) == {"b"}  # with c to learn from, nothing is known of a


def test_new_items_are_in_no_training_part():
    fold = next(NewItems(0.4).folds(DATA))
    train, test = (set(table(part)["item"]) for part in (fold.train, fold.test))
    assert len(test) == int(0.4 * DATA.n_items)
    assert not train & test


@pytest.mark.parametrize("cv", [LeaveLastOut(), TimeSplit()], ids=repr)
def test_what_goes_by_time_needs_times(cv):
    name = type(cv).__name__
    with pytest.raises(DataError, match=f"{name} goes by times, and there are none. Hint: add a column 'time'."):
        next(cv.folds(ft.Interactions.from_arrays("aab", "xyx")))
    with pytest.raises(DataError, match=f"{name} goes by times, and there are none"):
        next(cv.split([("a", "x"), ("b", "y")]))
    with pytest.raises(DataError, match="and 1 rows have none"):
        next(cv.folds(ft.Interactions.from_arrays("aab", "xyx", times=[1, None, 2])))


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (RandomHoldout(0), r"'share' of RandomHoldout must be a float in \(0, 1\], got 0."),
        (UserHoldout(1.5), "'share' of UserHoldout must be a float"),
        (UserHoldout(n_repeats=0), r"'n_repeats' of UserHoldout must be an int in \[1, inf\), got 0."),
        (LeaveLastOut(0), "'n' of LeaveLastOut must be an int"),
        (TimeSplit("half"), "'share' of TimeSplit must be a float"),
        (NewUsers(held_out=-1), "'held_out' of NewUsers must be a float"),
        (NewItems(2), "'share' of NewItems must be a float"),
    ],
    ids=repr,
)
def test_parameters_are_checked_where_they_are_used(cv, message):
    with pytest.raises(InvalidParameterError, match=message):
        next(cv.folds(DATA))


def test_a_part_without_rows_is_refused():
    with pytest.raises(DataError, match="RandomHoldout leaves no row for the training part of Interactions"):
        next(RandomHoldout(1.0).folds(DATA))
    with pytest.raises(DataError, match="NewItems leaves no row for the test part"):
        next(NewItems(0.01).folds(DATA))


def test_a_splitter_writes_itself_as_it_was_made():
    assert repr(UserHoldout(0.3)) == "UserHoldout(share=0.3, n_repeats=1, random_state=0)"
    assert repr(LeaveLastOut(2)) == "LeaveLastOut(n=2)"


# Inside scikit-learn -------------------------------------------------------------------------------------------------


def test_cross_validate_measures_rankings_with_our_splits_and_scorers():
    pairs, ratings = DATA.to_xy()
    scoring = {name: ft.metrics.scorer(name) for name in ("ndcg@5", "coverage@5", "gini@5")}
    found = cross_validate(ft.Popularity(), pairs, ratings, cv=UserHoldout(0.2, n_repeats=2), scoring=scoring)
    for number, fold in enumerate(UserHoldout(0.2, n_repeats=2).folds(DATA)):
        model = ft.Popularity().fit(fold.train)
        report = ft.model_selection.evaluate(model, fold.train, fold.test, metrics=list(scoring))
        assert found["test_ndcg@5"][number] == pytest.approx(report["ndcg@5"])
        assert found["test_coverage@5"][number] == pytest.approx(report["coverage@5"])
        assert found["test_gini@5"][number] == pytest.approx(-report["gini@5"])  # greater is better


def test_splits_by_time_find_the_column_of_a_frame():
    frame, _ = DATA.to_xy()
    frame = frame.with_columns(time=DATA.times)
    found = cross_validate(
        ft.Popularity(),
        frame,
        DATA.ratings,
        cv=TimeSplit(0.3),
        scoring=ft.metrics.scorer("hit_rate"),
        error_score="raise",
    )
    assert 0 < found["test_score"][0] <= 1


def test_what_a_split_cannot_test_is_told():
    data = ft.Interactions.from_arrays(list("aaaaab"), list("vwxyzv"))
    with pytest.warns(DataWarning, match="UserHoldout: 1 users have too few rows to be tested."):
        list(UserHoldout(0.2).split(data))


def test_ids_of_any_kind():
    users = [uuid.UUID(int=n) for n in (1, 1, 1, 2, 2, 2)]
    data = ft.Interactions.from_arrays(users, list("xyzxyw"), times=range(6))
    for cv in (RandomHoldout(0.4), UserHoldout(0.4), LeaveLastOut(), TimeSplit(0.4)):
        found = compare([ft.Popularity()], data, metrics=["ndcg@2"], cv=cv)
        assert set(found.users["user"]) <= set(users)


def test_a_splitter_survives_a_search():
    # scikit-learn clones estimators that hold a splitter
    cv = UserHoldout(0.3)
    assert repr(clone(cv, safe=False)) == repr(cv)
