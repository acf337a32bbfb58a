import datetime as dt
import math
from unittest import mock

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste import Interactions
from foretaste.data.coerce import as_interactions, as_newcomers, as_pairs
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.kernels import sorting
from foretaste.utils import pieces

ROWS = [("a", "x", 5.0), ("b", "x", 3.0), ("a", "y", 1.0)]
COLUMNS = {"user": ["a", "b", "a"], "item": ["x", "x", "y"], "rating": [5.0, 3.0, 1.0]}
FRAMES = {
    "polars": pl.DataFrame(COLUMNS),
    "lazy": pl.DataFrame(COLUMNS).lazy(),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas object": pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in COLUMNS.items()}),
    "pandas nullable": pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas category": pd.DataFrame(COLUMNS).astype({"user": "category", "item": "category"}),
    "pyarrow": pa.table(COLUMNS),
    "pyarrow dictionary": pa.table(COLUMNS).set_column(0, "user", pa.array(COLUMNS["user"]).dictionary_encode()),
    "polars category": pl.DataFrame(COLUMNS).with_columns(pl.col("user", "item").cast(pl.Categorical)),
}


def rows(interactions):
    """The rows in the caller's own words."""
    users, items = interactions.users, interactions.items
    return [
        (users.decode_one(int(u)), items.decode_one(int(i)), float(r))
        for u, i, r in zip(interactions.user_codes, interactions.item_codes, interactions.ratings, strict=True)
    ]


# Forms of data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FRAMES)
def test_frames_of_any_kind_become_interactions(form):
    made = as_interactions(FRAMES[form])
    assert rows(made) == ROWS
    assert made.kind == {"lazy": "polars"}.get(form, form.split()[0])
    assert type(made.to_frame()) is type(make_like(form))
    assert (made.user_codes.dtype, made.item_codes.dtype, made.ratings.dtype) == (np.int32, np.int32, np.float32)


def make_like(form):
    return FRAMES["polars"] if form == "lazy" else FRAMES[form]


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        [list(row) for row in ROWS],
        iter(ROWS),
        np.array(ROWS, object),
        {"a": {"x": 5, "y": 1}, "b": {"x": 3}},
        Interactions.from_arrays(*zip(*ROWS, strict=True)),
    ],
    ids=["tuples", "lists", "iterator", "array", "dict", "interactions"],
)
def test_rows_arrays_and_dictionaries_become_interactions(data):
    made = as_interactions(data)
    assert sorted(rows(made)) == sorted(ROWS)
    assert made.kind == "polars"


def test_an_array_of_numbers_holds_whole_ids():
    made = as_interactions(np.array([[1, 10, 4.5], [2, 10, 3.0]]))
    assert rows(made) == [(1, 10, 4.5), (2, 10, 3.0)]
    assert [type(user) for user in made.users] == [int, int]


@pytest.mark.parametrize(
    "pairs",
    [
        [row[:2] for row in ROWS],
        np.array([row[:2] for row in ROWS]),
        FRAMES["polars"].select("user", "item"),
        FRAMES["pandas"][["item", "user"]],
        FRAMES["pyarrow"],
        FRAMES["lazy"],
        Interactions.from_arrays(COLUMNS["user"], COLUMNS["item"]),
    ],
    ids=lambda data: type(data).__name__,
)
def test_pairs_and_ratings_apart_become_interactions(pairs):
    for ratings in (COLUMNS["rating"], np.array(COLUMNS["rating"]), pd.Series(COLUMNS["rating"]), pl.Series([5, 3, 1])):
        assert rows(as_interactions(pairs, ratings)) == ROWS
    users, items = as_pairs(pairs)
    assert list(users) == COLUMNS["user"]
    assert list(items) == COLUMNS["item"]


def test_ratings_given_apart_replace_those_in_the_frame():
    assert [rating for *_, rating in rows(as_interactions(FRAMES["pandas"], [1, 2, 3]))] == [1, 2, 3]
    timed = pl.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "time": [10, 20]})
    assert as_interactions(timed, [1.0, 2.0]).times.to_list() == [10, 20]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([("a", "x")], "row 0 must hold user, item and rating, got ('a', 'x')."),
        ([*ROWS, "abc"], "row 3 must hold user, item and rating, got 'abc'."),
        ("abc", "row 0 must hold user, item and rating, got 'abc'."),
        (7, "row 0 must hold user, item and rating, got 7."),
        (None, "row 0 must hold user, item and rating, got None."),
        (np.ones((2, 2)), "an array of user, item and rating must have 3 columns, got shape (2, 2)."),
        (np.ones(3), "an array of user, item and rating must have 3 columns, got shape (3,)."),
    ],
    ids=str,
)
def test_data_of_no_known_form_say_what_is_wanted(data, message):
    with pytest.raises(DataError) as caught:
        as_interactions(data)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "pairs", [("an", "bts"), "an", [("an",)], [("a", "b", "c")], [{"user": "a"}], 3, None], ids=str
)
def test_pairs_of_no_known_form_say_what_is_wanted(pairs):
    with pytest.raises(DataError, match="must hold user and item, got"):
        as_pairs(pairs)


def test_a_dictionary_and_ratings_apart_do_not_go_together():
    with pytest.raises(DataError):
        as_interactions({"a": {"x": 5}}, [3])


@pytest.mark.parametrize(
    "ratings",
    [
        [("x", 5), ("y", 1)],
        {"x": 5, "y": 1},
        pl.DataFrame({"item": ["x", "y"], "rating": [5, 1]}),
        pd.DataFrame({"user": ["n", "n"], "item": ["x", "y"], "rating": [5, 1]}),
        Interactions.from_arrays(["n", "n"], ["x", "y"], [5, 1]),
    ],
    ids=lambda data: type(data).__name__,
)
def test_a_newcomers_ratings_come_in_many_forms(ratings):
    assert rows(as_newcomers(ratings, "n")) == [("n", "x", 5.0), ("n", "y", 1.0)]


def test_columns_may_have_other_names():
    frame = FRAMES["polars"].rename({"user": "who", "item": "what", "rating": "stars"}).with_columns(at=pl.lit(1))
    made = Interactions.from_frame(frame, user="who", item="what", rating="stars", time="at")
    assert rows(made) == ROWS
    assert made.times.to_list() == [1, 1, 1]
    assert made.to_frame().columns == ["user", "item", "rating", "time"]
    with pytest.raises(DataError, match="no column 'score' in the frame; it has 'who', 'what', 'stars', 'at'"):
        Interactions.from_frame(frame, user="who", item="what", rating="score")
    with pytest.raises(DataError, match="no column 'user'"):
        Interactions.from_frame(frame)


def test_optional_columns_may_be_absent_or_switched_off():
    full = FRAMES["polars"].with_columns(time=pl.Series([1, 2, 3]), weight=pl.Series([1.0, 2.0, 3.0]))
    made = Interactions.from_frame(full)
    assert made.times.to_list() == [1, 2, 3]
    assert made.weights.tolist() == [1, 2, 3]
    bare = Interactions.from_frame(full, rating=None, time=None, weight=None)
    assert (bare.ratings, bare.times, bare.weights) == (None, None, None)
    assert bare.to_frame().columns == ["user", "item"]
    assert bare.values.tolist() == [1, 1, 1]
    assert bare.scale == (0, 1)


def test_ids_that_became_floats_by_a_gap_are_whole_again():
    frame = pd.DataFrame({"user": [1, 2, None], "item": [7.0, 8.0, 9.0], "rating": [1, 2, 3]}).dropna()
    made = Interactions.from_frame(frame)
    assert rows(made) == [(1, 7, 1.0), (2, 8, 2.0)]
    assert [type(user) for user in made.users] == [int, int]


def test_ids_of_mixed_kinds_in_one_pandas_column_stay_apart():
    made = Interactions.from_frame(pd.DataFrame({"user": ["1", 1], "item": ["x", "x"], "rating": [1.0, 2.0]}))
    assert list(made.users) == ["1", 1]


@pytest.mark.parametrize(
    "users", [pd.Series([("a", 1), ("b", 2)]), pl.Series([[1, 2], [3, 4]])], ids=["pandas tuples", "polars lists"]
)
def test_tuples_in_a_frame_are_ids_or_refused_with_a_reason(users):
    library = pd if isinstance(users, pd.Series) else pl
    frame = library.DataFrame({"user": users, "item": ["x", "x"], "rating": [1.0, 2.0]})
    try:
        assert len(Interactions.from_frame(frame).users) == 2
    except DataError as error:
        assert "column 'user'" in str(error)  # noqa: PT017  either is fine, a crash is not


# What a caller may get wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([1, "five", 3], "row 1: rating 'five' is not a number (1 such rows)."),
        (["a", "b", "3"], "row 0: rating 'a' is not a number (2 such rows)."),
        ([1, math.nan, math.nan], "row 1: rating must be a finite number, got nan (2 such rows). Hint: drop rows w"),
        ([1, 2, math.inf], "row 2: rating must be a finite number, got inf (1 such rows)"),
        ([-math.inf, 2, 3], "row 0: rating must be a finite number, got -inf"),
        ([1, None, 3], "row 1: rating"),
        (pl.Series([1, None, 3]), "row 1: rating must be a finite number, got nan"),
        (pl.Series([1, None, 3], dtype=pl.Object), "row 1: rating"),
        (pd.Series([1, None, 3], dtype="Int64"), "row 1: rating"),
        (np.array([1, None, 3], object), "row 1: rating"),
        (np.array([1, "five", 3], object), "row 1: rating 'five' is not a number"),
        ([[1], [2], [3]], "rating"),
        ([{}, 2, 3], "row 0: rating"),
        ([1, 2, 1e300], "a rating of 1e+300 is beyond the range of float32 (3.4e38)."),
        ([1 + 1j, 2, 3], "rating"),
        ([dt.date(2024, 1, 1), 2, 3], "row 0: rating"),
        (pl.Series([dt.date(2024, 1, 1)] * 3), "row 0: rating"),
    ],
    ids=lambda value: str(value)[:40].replace("\n", " "),
)
def test_a_rating_that_is_no_finite_number_is_named_with_its_row(ratings, message):
    with pytest.raises(DataError) as caught:
        Interactions.from_arrays(["a", "b", "c"], ["x", "x", "x"], ratings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "ratings",
    [[1, 0, 1], [True, False, True], np.array([1, 0, 1], np.uint8), ["1", "0", "1.0"], np.array([1, 0, 1], object)],
    ids=repr,
)
def test_numbers_flags_and_written_numbers_are_ratings(ratings):
    assert Interactions.from_arrays("abc", "xyz", ratings).ratings.tolist() == [1, 0, 1]


def test_a_weight_is_checked_like_a_rating():
    with pytest.raises(DataError, match=r"^row 1: weight must be a finite number, got nan"):
        Interactions.from_arrays("ab", "xy", weights=[1, math.nan])


def test_there_must_be_rows():
    for empty in ([], {}, {"a": {}}, pl.DataFrame({"user": [], "item": [], "rating": []}), np.empty((0, 3))):
        with pytest.raises(DataError, match=r"^there are no rows\. Hint: at least one user and item is needed"):
            as_interactions(empty)


def test_columns_must_be_of_equal_length():
    with pytest.raises(DataError) as caught:
        Interactions.from_arrays(["a", "b"], ["x"], [1, 2, 3])
    assert str(caught.value) == "columns must be of equal length, got {'users': 2, 'items': 1, 'ratings': 3}."
    with pytest.raises(DataError, match="columns must be of equal length"):
        as_interactions([("a", "x"), ("b", "y")], [1.0])


@pytest.mark.parametrize(
    ("side", "users", "items"), [("user", ["a", None], ["x", "x"]), ("item", ["a", "b"], ["x", None])]
)
def test_a_missing_id_is_named_by_its_column_and_row(side, users, items):
    with pytest.raises(DataError) as caught:
        Interactions.from_arrays(users, items)
    assert str(caught.value) == f"column '{side}': an id is missing in row 1 (1 in all). Hint: drop such rows first."


@pytest.mark.parametrize("dtype", [object, "str", "string[python]", "category"])
def test_a_gap_among_the_names_of_a_pandas_column_is_a_missing_id(dtype):
    frame = pd.DataFrame({"user": pd.Series(["a", None], dtype=dtype), "item": ["x", "y"]})
    with pytest.raises(DataError, match=r"^column 'user': an id is missing in row 1 \(1 in all\)"):
        Interactions.from_frame(frame)


@pytest.mark.parametrize("dtype", ["Int64", "float64", "int64[pyarrow]"])
def test_a_gap_among_the_numbers_of_a_pandas_column_is_a_missing_id(dtype):
    frame = pd.DataFrame({"user": pd.Series([1, None], dtype=dtype), "item": ["x", "y"]})
    with pytest.raises(DataError, match=r"^column 'user': an id is missing in row 1 \(1 in all\)"):
        Interactions.from_frame(frame)


def test_an_id_that_cannot_be_hashed_is_named_by_its_column():
    with pytest.raises(DataError, match=r"^column 'user': an id must be hashable, got list: \[1\]\."):
        Interactions.from_arrays([[1]], ["x"])


# The scale ---------------------------------------------------------------------------------------------------------


def test_the_scale_is_as_declared_or_as_seen():
    assert as_interactions(ROWS).scale == (1, 5)
    assert Interactions.from_arrays("ab", "xy", [2, 3], scale=(1, 5)).scale == (1.0, 5.0)
    assert Interactions.from_dict({"a": {"x": 2}}, scale=(0, 10)).scale == (0, 10)
    assert Interactions.from_frame(FRAMES["pandas"], scale=(0, 10)).scale == (0, 10)


def test_a_rating_outside_the_scale_is_named_with_its_row():
    with pytest.raises(DataError) as caught:
        Interactions.from_arrays("abc", "xyz", [3, 11, 0], scale=(1, 5))
    assert str(caught.value) == (
        "row 1: rating 11 is outside the scale 1 to 5 (2 such rows). Hint: the data run from 0 to 11."
    )


@pytest.mark.parametrize("scale", [(5, 1), (1, 1), (math.nan, 5), (1, math.nan)], ids=str)
def test_a_scale_has_two_ends_in_order(scale):
    with pytest.raises(InvalidParameterError, match=r"^'scale' must be \(lowest, highest\) with lowest < highest"):
        Interactions.from_arrays("ab", "xy", [1, 1], scale=scale)


def test_a_scale_that_float32_cannot_hold_exactly_still_holds_its_own_ends():
    assert Interactions.from_arrays("ab", "xy", [0.1, 0.7], scale=(0.1, 0.7)).scale == (0.1, 0.7)


# Duplicates --------------------------------------------------------------------------------------------------------

TWICE = {"users": ["a", "b", "a", "a"], "items": ["x", "x", "x", "y"], "ratings": [1.0, 2.0, 4.0, 5.0]}


def test_a_pair_that_occurs_twice_is_an_error_by_default():
    with pytest.raises(DataError) as caught:
        Interactions.from_arrays(**TWICE)
    assert str(caught.value) == (
        "user 'a' and item 'x' occur together more than once (1 of 4 rows repeat a pair). "
        "Hint: choose duplicates='last', 'mean' or 'keep'."
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("last", [("b", "x", 2.0), ("a", "x", 4.0), ("a", "y", 5.0)]),
        ("mean", [("b", "x", 2.0), ("a", "x", 2.5), ("a", "y", 5.0)]),
        ("keep", [("a", "x", 1.0), ("b", "x", 2.0), ("a", "x", 4.0), ("a", "y", 5.0)]),
    ],
)
def test_duplicates_are_treated_as_asked_for(policy, expected):
    assert rows(Interactions.from_arrays(**TWICE, duplicates=policy)) == expected


@pytest.mark.parametrize(("times", "kept"), [([1, 1, 9, 1], 4.0), ([9, 1, 1, 1], 1.0), ([5, 5, 5, 5], 4.0)])
def test_with_times_the_last_is_the_latest_and_among_equals_the_last_row(times, kept):
    made = Interactions.from_arrays(**TWICE, times=times, duplicates="last")
    assert dict(((u, i), r) for u, i, r in rows(made))["a", "x"] == kept  # noqa: C402  pairs of three
    assert len(made.times) == 3


def test_times_may_be_dates():
    days = [dt.date(2024, 1, 2), dt.date(2024, 1, 1), dt.date(2024, 1, 1), dt.date(2024, 1, 1)]
    made = Interactions.from_arrays(**TWICE, times=days, duplicates="last")
    assert ("a", "x", 1.0) in rows(made)


events = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 5), st.integers(0, 3)), min_size=1)


@given(events, st.booleans())
def test_the_policies_equal_their_twins(events, timed):
    users, items, ratings, times = map(list, zip(*events, strict=True))
    given_ = {"users": users, "items": items, "ratings": ratings, "times": times if timed else None}
    last, group = {}, {}
    for place, (user, item, rating, time) in enumerate(events):
        key = (time if timed else 0, place)
        if (user, item) not in last or key > last[user, item][0]:
            last[user, item] = (key, rating)
        group.setdefault((user, item), []).append(rating)
    found = {(u, i): r for u, i, r in rows(Interactions.from_arrays(**given_, duplicates="last"))}
    assert found == {pair: rating for pair, (_, rating) in last.items()}
    found = {(u, i): r for u, i, r in rows(Interactions.from_arrays(**given_, duplicates="mean"))}
    assert found == pytest.approx({pair: np.mean(values) for pair, values in group.items()})
    if len(group) < len(events):
        with pytest.raises(DataError, match=f"{len(events) - len(group)} of {len(events)} rows repeat a pair"):
            Interactions.from_arrays(**given_)


def test_another_policy_is_refused():
    with pytest.raises(InvalidParameterError) as caught:
        Interactions.from_arrays(**TWICE, duplicates="first")
    assert str(caught.value) == "'duplicates' must be one of 'error', 'last', 'mean', 'keep', got 'first'."


def test_events_without_ratings_may_repeat_where_asked_for():
    made = Interactions.from_arrays(["a"] * 3, ["x"] * 3, weights=[1, 2, 3], duplicates="mean")
    assert made.n_ratings == 1
    assert Interactions.from_arrays(["a"] * 3, ["x"] * 3, duplicates="keep").n_ratings == 3


# Looking and choosing ----------------------------------------------------------------------------------------------


@given(naive.sparse())
def test_the_sparse_forms_hold_the_rows_by_user_and_by_item(case):
    table, _ = case
    triples = [(u, i, value) for u, row in enumerate(table) for i, value in row]
    if not triples:
        return
    made = as_interactions(triples)
    for by, own, other in ((made.by_user(), made.users, made.items), (made.by_item(), made.items, made.users)):
        found = []
        for row in range(len(own)):
            part = slice(*by.indptr[row : row + 2])
            entries = zip(by.indices[part], by.values[part], strict=True)
            found += [(own.decode_one(row), other.decode_one(int(code)), float(value)) for code, value in entries]
        expected = triples if own is made.users else [(i, u, value) for u, i, value in triples]
        assert sorted(found) == sorted(expected)
    assert made.by_user() is made.by_user()


def test_rows_sorted_by_user_are_not_copied_and_others_are():
    columns = (["a", "a", "b", "c"], ["x", "y", "x", "z"], [5, 3, 1, 2])
    made = Interactions.from_arrays(*columns)
    for row, column in zip(made.by_user()[1:], (made.item_codes, made.ratings), strict=True):
        assert np.shares_memory(row, column)
    order = [2, 0, 3, 1]
    mixed = Interactions.from_arrays(*([column[place] for place in order] for column in columns))
    assert not np.shares_memory(mixed.by_user().values, mixed.ratings)
    assert mixed.by_user().indptr.tolist() == [0, 1, 3, 4]
    assert mixed.by_user().values.tolist() == [1, 5, 3, 2]


@given(naive.sparse(max_rows=5, max_columns=5), naive.seeds, st.integers(1, 6), st.booleans())
def test_repeated_pairs_are_found_block_by_block(case, seed, size, repeat):
    rows, _ = case
    pairs = [(user, item) for user, row in enumerate(rows) for item, _ in row]
    if not pairs:
        return
    rng = np.random.default_rng(seed)
    pairs += [pairs[rng.integers(len(pairs))]] * repeat
    users, items = np.array(pairs)[rng.permutation(len(pairs))].T
    with mock.patch.object(sorting, "BLOCK", size):
        if not repeat:
            assert Interactions.from_arrays(users, items).n_ratings == len(pairs)
            return
        with pytest.raises(DataError, match=f"user {pairs[-1][0]} and item {pairs[-1][1]} occur together more than"):
            Interactions.from_arrays(users, items)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_ids_and_ratings_of_any_width_are_read_piece_by_piece(kind, monkeypatch):
    monkeypatch.setattr(pieces, "_LENGTH", 3)
    users, items, ratings = ([7, 3, 7, 9, 3, 9, 4, 4], [1, 2, 2, 1, 1, 3, 9, 1], [1, 2, 3, 4, 5, 1, 2, 3])
    made = Interactions.from_arrays(*(np.array(column, kind) for column in (users, items, ratings)))
    assert made.users.decode(made.user_codes).to_list() == users
    assert made.items.decode(made.item_codes).to_list() == items
    assert list(made.users) == [7, 3, 9, 4]
    assert made.ratings.tolist() == ratings


def test_a_rating_that_is_no_number_is_named_whatever_piece_it_is_in(monkeypatch):
    monkeypatch.setattr(pieces, "_LENGTH", 2)
    with pytest.raises(DataError, match=r"row 4: rating must be a finite number, got nan \(1 such rows\)"):
        Interactions.from_arrays([1, 2, 3, 4, 5], [1] * 5, [1, 2, 3, 4, np.nan])


def full():
    return Interactions.from_arrays(
        ["a", "b", "a", "c"], ["x", "x", "y", "z"], [5, 3, 1, 2], times=[4, 3, 2, 1], weights=[1, 2, 3, 4], scale=(0, 5)
    )


@pytest.mark.parametrize("chosen", [np.array([3, 1]), np.array([False, True, False, True])], ids=["places", "mask"])
def test_select_takes_rows_and_forgets_the_ids_that_are_gone(chosen):
    some = full().select(chosen)
    order = [3, 1] if chosen.dtype != bool else [1, 3]
    assert rows(some) == [rows(full())[place] for place in order]
    assert sorted(some.users) == ["b", "c"]
    assert sorted(some.items) == ["x", "z"]
    assert list(some.users) == [user for user, *_ in rows(some)], "codes are in order of first appearance"
    assert some.times.to_list() == [full().times[place] for place in order]
    assert some.weights.tolist() == [full().weights[place] for place in order]
    assert some.scale == (0, 5)
    assert some.by_user().indptr.size == 3


def test_select_with_keep_ids_keeps_every_code():
    whole = full()
    some = whole.select(np.array([2, 3]), keep_ids=True)
    assert some.users is whole.users
    assert some.items is whole.items
    assert some.user_codes.tolist() == [0, 2]
    assert np.diff(some.by_user().indptr).tolist() == [1, 0, 1]


def test_select_of_nothing_is_empty():
    none = full().select(np.zeros(4, bool))
    assert len(none) == none.n_users == none.n_items == 0


def test_sizes_and_figures():
    made = full()
    assert (made.n_users, made.n_items, made.n_ratings, len(made)) == (3, 3, 4, 4)
    assert repr(made) == "Interactions(4 rows, 3 users, 3 items)"
    figures = made.describe()
    assert figures["density"] == pytest.approx(4 / 9)
    assert figures["rows per user (min, median, max)"] == (1, 1.0, 2)
    assert figures["scale"] == (0, 5)
    assert figures["mean rating"] == pytest.approx(2.75)
    assert figures["standard deviation"] == pytest.approx(np.std([5, 3, 1, 2]))
    assert figures["time"] == (1, 4)
    assert "mean rating" not in Interactions.from_arrays("ab", "xy").describe()


@pytest.mark.parametrize("kind", ["polars", "pandas", "pyarrow"])
def test_to_xy_gives_pairs_and_ratings(kind):
    pairs, ratings = as_interactions(FRAMES[kind]).to_xy()
    assert type(pairs) is type(FRAMES[kind])
    assert ratings.tolist() == [5, 3, 1]
    assert ratings.dtype == np.float64
    assert rows(as_interactions(pairs, ratings)) == ROWS
    assert as_interactions(FRAMES[kind]).to_xy(times=True)[0].shape == pairs.shape
    timed = Interactions.from_arrays("ab", "xy", [1, 2], times=[5, 6]).to_xy(times=True)[0]
    assert timed.columns == ["user", "item", "time"]
    with pytest.raises(DataError, match=r"^to_xy needs ratings, and these interactions have none\. Hint"):
        Interactions.from_arrays("ab", "xy").to_xy()


def test_a_frame_comes_back_as_it_went_in():
    frame = pl.DataFrame(
        {"user": [2, 1], "item": ["x", "y"], "rating": [0.5, 4.0], "time": [7, 8], "weight": [1.0, 2.0]}
    )
    found = Interactions.from_frame(frame).to_frame()
    assert found.rows() == frame.rows()
    assert found.columns == frame.columns


def test_interactions_are_immutable():
    with pytest.raises(AttributeError):
        full().scale = (0, 1)


def test_at_least_makes_events_of_the_good_ratings():
    rated = Interactions.from_arrays(
        ["an", "an", "bo", "cy"], ["x", "y", "y", "z"], [5, 3, 4, 1], times=[1, 2, 3, 4], weights=[1, 2, 3, 4]
    )
    good = rated.at_least(4)
    assert good.ratings is None
    assert good.scale == (0, 1)
    assert (list(good.users), list(good.items)) == (["an", "bo"], ["x", "y"])
    assert (good.times.to_list(), good.weights.tolist()) == ([1, 3], [1, 3])
    assert len(rated.at_least(6)) == 0
    with pytest.raises(DataError, match="at_least needs ratings"):
        good.at_least(1)


def test_events_are_unique_pairs_with_the_sum_of_their_weights():
    users, items = ["an", "bo", "an", "an"], ["x", "y", "y", "x"]
    plain = Interactions.from_arrays(users, items, [5, 4, 3, 2], duplicates="keep")
    assert [part.tolist() for part in plain.events()] == [[0, 2, 3], [0, 1, 1], [2, 1, 1]]
    assert plain.events() is plain.events()
    weighted = Interactions.from_arrays(users, items, weights=[0.5, 1, 2, 3], duplicates="keep")
    assert weighted.events().values.tolist() == [3.5, 2, 1]
