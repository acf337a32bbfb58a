"""Trainset beside the real one."""

import numpy as np
import pytest
import surprise as peer
from hypothesis import given
from hypothesis import strategies as st

import foretaste as ft
from foretaste import surprise as ours
from foretaste.exceptions import DataError

RATINGS = st.sampled_from([0.5, 1.0, 2.5, 3.0, 4.5, 5.0, -1.5, 0.1, 12.0])
ROWS = st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(0, 6), RATINGS, st.none()), min_size=1, max_size=60)
SCALE = (0.5, 5)


def trainsets(rows, scale=SCALE):
    """The same raw ratings as a Trainset of ours and of the other's."""
    return [lib.Dataset(lib.Reader(rating_scale=scale)).construct_trainset(rows) for lib in (ours, peer)]


@given(ROWS)
def test_every_look_at_the_same_raw_ratings_is_the_same(rows):
    mine, theirs = trainsets(rows)
    assert list(mine.all_ratings()) == list(theirs.all_ratings())
    assert mine.build_testset() == theirs.build_testset()
    assert mine.build_anti_testset() == theirs.build_anti_testset()
    assert mine.build_anti_testset(fill=0) == theirs.build_anti_testset(fill=0)
    assert mine.global_mean == theirs.global_mean
    assert type(mine.global_mean) is type(theirs.global_mean)
    assert (mine.n_users, mine.n_items, mine.n_ratings) == (theirs.n_users, theirs.n_items, theirs.n_ratings)
    assert (mine.all_users(), mine.all_items()) == (theirs.all_users(), theirs.all_items())
    assert mine.ur == theirs.ur
    assert mine.ir == theirs.ir
    assert list(mine.ur) == list(theirs.ur)
    assert list(mine.all_ratings()) == list(theirs.all_ratings())
    for name in ("_raw2inner_id_users", "_raw2inner_id_items"):
        assert list(getattr(mine, name).items()) == list(getattr(theirs, name).items())


@given(ROWS)
def test_rows_are_the_lists_whether_kept_or_worked_out(rows):
    mine, _ = trainsets(rows)
    kept = mine.rows()
    for lists, rows_of in ((mine.ur, kept[0]), (mine.ir, kept[1])):
        for row, entries in lists.items():
            part = slice(*rows_of.indptr[row : row + 2])
            assert list(zip(rows_of.indices[part], rows_of.values[part], strict=True)) == entries
    for before, after in zip(kept, mine.rows(), strict=True):
        for one, other in zip(before, after, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_what_is_changed_in_the_lists_counts():
    mine, _ = trainsets([("a", "x", 1.0, None), ("a", "y", 2.0, None), ("b", "x", 3.0, None)])
    mine.ur[0][0] = (0, 5.0)
    mine.ir[0][0] = (0, 5.0)
    assert mine.rows()[0].values.tolist() == [5.0, 2.0, 3.0]
    assert mine.rows()[1].values.tolist() == [5.0, 3.0, 2.0]
    assert mine.global_mean == pytest.approx(10 / 3)
    mine.ur = {0: [(1, 4.0)]}
    assert list(mine.all_ratings()) == [(0, 1, 4.0)]


@pytest.mark.parametrize("look", [False, True])
def test_who_is_known_is_a_matter_of_ratings(look):
    pair = trainsets([("a", "x", 1.0, None), ("b", "x", 3.0, None)])
    for trainset in pair:
        if look:
            assert trainset.ur[1] == [(0, 3.0)]
            assert trainset.ir[0] == [(0, 1.0), (1, 3.0)]
        assert [trainset.knows_user(u) for u in (0, 1, np.int64(1), 1.0, 2, -1, 0.5, "UKN__a", None)] == [
            *[True] * 4,
            *[False] * 5,
        ]
        assert [trainset.knows_item(i) for i in (0, 1)] == [True, False]
        assert trainset.ur[40] == []
        assert trainset.ir[40] == []
        assert [array.size for array in ours.Trainset.rows(pair[0])[0]] == [3, 2, 2]


def test_made_by_hand_of_dictionaries():
    arguments = ({0: [(0, 4.0)], 1: [(0, 2.0), (2, 1.0)]}, {0: [(0, 4.0), (1, 2.0)], 2: [(1, 1.0)]}, 2, 3, 3, (1, 5))
    ids = ({"a": 0, "b": 1}, {"x": 0, "y": 1, "z": 2})
    mine, theirs = (lib.Trainset(*arguments, *ids) for lib in (ours, peer))
    assert list(mine.all_ratings()) == list(theirs.all_ratings())
    assert mine.global_mean == theirs.global_mean
    assert [rows.indptr.tolist() for rows in mine.rows()] == [[0, 1, 3], [0, 2, 2, 3]]
    assert mine.knows_item(1) is theirs.knows_item(1) is False
    assert mine.inner_items(["x", "y", "z", "?"]).tolist() == [0, -1, 2, -1]


def test_ids_there_and_back():
    mine, theirs = trainsets([("a", 7, 1.0, None), ("b", "7", 3.0, None)])
    for trainset in (mine, theirs):
        assert trainset._inner2raw_id_users is trainset._inner2raw_id_items is None
        assert [trainset.to_raw_uid(u) for u in trainset.all_users()] == ["a", "b"]
        assert [trainset.to_raw_iid(i) for i in trainset.all_items()] == [7, "7"]
        assert [trainset.to_inner_iid(i) for i in (7, "7")] == [0, 1]
        assert trainset._inner2raw_id_users == {0: "a", 1: "b"}
        for call, message in (
            (lambda t: t.to_inner_uid("c"), "User c is not part of the trainset."),
            (lambda t: t.to_inner_iid("c"), "Item c is not part of the trainset."),
            (lambda t: t.to_raw_uid(2), "2 is not a valid inner id."),
            (lambda t: t.to_raw_iid(2), "2 is not a valid inner id."),
        ):
            with pytest.raises(ValueError, match=message):
                call(trainset)


def test_a_row_of_raw_ratings_has_four_fields():
    for lib in (ours, peer):
        with pytest.raises(ValueError, match="unpack"):
            lib.Dataset(lib.Reader()).construct_trainset([("a", "x", 1.0)])


def test_to_interactions_and_back():
    mine, _ = trainsets([("b", 2, 4.5, None), ("a", 1, 0.5, None), ("b", 1, 3.0, None), ("b", 2, 4.5, None)])
    found = mine.to_interactions()
    assert list(found.users) == ["b", "a"]
    assert list(found.items) == [2, 1]
    assert found.scale == SCALE
    assert found.to_frame().rows() == [("b", 2, 4.5), ("b", 1, 3.0), ("b", 2, 4.5), ("a", 1, 0.5)]
    back = found.to_surprise().build_full_trainset()
    assert list(back.all_ratings()) == list(mine.all_ratings())
    assert back.rating_scale == SCALE


def test_a_rating_outside_the_scale_is_told_on_the_way_to_foretaste():
    mine, _ = trainsets([("b", 2, 9.0, None)])
    with pytest.raises(DataError, match="outside the scale"):
        mine.to_interactions()


def test_to_surprise_writes_decimals_as_they_were():
    made = ft.Interactions.from_arrays(["a", "b"], ["x", "x"], [4.1, 0.7])
    assert made.to_surprise().raw_ratings == [("a", "x", 4.1, None), ("b", "x", 0.7, None)]
    with pytest.raises(DataError, match="to_surprise needs ratings"):
        ft.Interactions.from_arrays(["a"], ["x"]).to_surprise()
