"""Model files: whole or refused with a reason, whoever made them."""

import datetime as dt
import json
import pickle
import uuid
from functools import cache

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import foretaste as ft
from foretaste import persistence
from foretaste.exceptions import DataError, ModelFileError

ROWS = [("an", "x", 5.0), ("an", "y", 1.0), ("bo", "x", 4.0), ("cy", "y", 2.0), ("cy", "z", 3.0)]
PAIRS = [(user, item) for user in ("an", "bo", "cy") for item in "xyz"]


@cache
def model():
    return ft.ALS(2, n_epochs=3, tol=0, random_state=0).fit(ROWS)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.ft"
    model().save(path)
    return path


def rewrite(path, *, header=None, arrays=None):
    """Change a model file as somebody with a text editor for arrays might."""
    old_header, old_arrays = persistence.read(path)
    if header:
        header(old_header)
    if arrays:
        arrays(old_arrays)
    version = {"foretaste": json.dumps(old_header)}
    path.write_bytes(safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in old_arrays.items()}, version))


def refused(path, match=r"\w"):
    with pytest.raises(ModelFileError, match=match) as caught:
        ft.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# Whole files -------------------------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_was_written(tmp_path):
    arrays = {
        "a/b": np.arange(6, dtype=np.int32).reshape(2, 3),
        "c": np.zeros((0, 4)),
        "d": np.array([1.5], np.float32),
    }
    persistence.write(tmp_path / "file", {"model": "M", "nested": {"x": [1, None, "ä"]}}, arrays)
    header, found = persistence.read(tmp_path / "file")
    assert header == {"version": persistence.FORMAT_VERSION, "model": "M", "nested": {"x": [1, None, "ä"]}}
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_arrays_with_gaps_in_memory_are_written_whole(tmp_path):
    wide = np.arange(12.0).reshape(3, 4)
    persistence.write(tmp_path / "file", {}, {"every second": wide[:, ::2], "turned": wide.T})
    _, found = persistence.read(tmp_path / "file")
    np.testing.assert_array_equal(found["every second"], wide[:, ::2])
    np.testing.assert_array_equal(found["turned"], wide.T)


def test_a_path_may_be_text(tmp_path):
    model().save(str(tmp_path / "model.ft"))
    np.testing.assert_array_equal(ft.load(str(tmp_path / "model.ft")).predict(PAIRS), model().predict(PAIRS))


def test_saving_twice_replaces_the_file(saved):
    other = ft.GlobalMean().fit(ROWS)
    other.save(saved)
    assert type(ft.load(saved)) is ft.GlobalMean
    assert [path.name for path in saved.parent.iterdir()] == ["model.ft"]


@pytest.mark.parametrize(
    "seed", [np.random.default_rng(0), np.random.RandomState(0), np.int64(3)], ids=["Generator", "RandomState", "int64"]
)
def test_any_random_state_can_be_saved(tmp_path, seed):
    fitted = ft.ALS(2, n_epochs=1, tol=0, random_state=seed).fit(ROWS)
    fitted.save(tmp_path / "model.ft")
    loaded = ft.load(tmp_path / "model.ft")
    assert loaded.random_state == (3 if isinstance(seed, np.integer) else None)
    np.testing.assert_array_equal(loaded.predict(PAIRS), fitted.predict(PAIRS))


def test_numpy_parameters_are_saved_as_the_numbers_they_are(tmp_path):
    fitted = ft.ALS(np.int64(2), reg=np.float32(0.25), n_epochs=np.int32(1), tol=np.float64(0)).fit(ROWS)
    fitted.save(tmp_path / "model.ft")
    assert ft.load(tmp_path / "model.ft").get_params() == {**fitted.get_params(), "tol": 0.0}


# Ids ---------------------------------------------------------------------------------------------------------------

IDS = {
    "str": ["a", "b", "ä\n\u2028\x00", ""],
    "int": [3, -5, 0, 2**62],
    "huge int": [2**80, -(2**70), 1],
    "uuid": [uuid.UUID(int=1), uuid.UUID(int=2**127)],
    "bytes": [b"", b"\x00\xff", b"a"],
    "bool": [True, False],
    "float": [0.1, -1.5, float("inf"), 1e-300],
    "date": [dt.date(2024, 2, 29), dt.date(1, 1, 1)],
    "datetime": [dt.datetime(2024, 2, 29, 1, 2, 3, 4), dt.datetime(2024, 2, 29, tzinfo=dt.UTC)],  # noqa: DTZ001
    "tuple": [("a", 1), ("a", ("b", uuid.UUID(int=3))), (), ("a",)],
    "mixed": ["a", 1, 2.5, b"a", (1, "a"), uuid.UUID(int=5)],
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_come_back_as_they_were(tmp_path, kind):
    ids = IDS[kind]
    fitted = ft.GlobalMean().fit([(one, "x", float(place)) for place, one in enumerate(ids)])
    fitted.save(tmp_path / "model.ft")
    found = list(ft.load(tmp_path / "model.ft").user_vocabulary_)
    assert found == ids
    assert list(map(type, found)) == list(map(type, ids))


hashable = st.recursive(
    st.text() | st.integers() | st.binary() | st.uuids() | st.dates() | st.floats(allow_nan=False) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)


@given(st.lists(hashable, min_size=1, max_size=6, unique=True))
def test_any_ids_survive_being_written(ids):
    vocabulary = ft.Vocabulary(ids)
    found = list(ft.Vocabulary.from_arrays(vocabulary.to_arrays()))
    assert found == list(vocabulary)
    assert list(map(type, found)) == list(map(type, vocabulary))


@pytest.mark.parametrize("odd", [frozenset({1}), ("a", 1j), range(3)], ids=repr)
def test_ids_that_cannot_be_written_say_so_and_leave_the_old_file(saved, odd):
    before = saved.read_bytes()
    with pytest.raises(DataError, match=r"ids of type \w+ cannot be written to a file, e\.g\. .* Hint: use str, int"):
        ft.GlobalMean().fit([(odd, "x", 1.0), (odd, "y", 2.0)]).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["model.ft"]


# Failing to save ---------------------------------------------------------------------------------------------------


def test_a_save_that_fails_half_way_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(DataError, match="cannot be written: No space left on device"):
        ft.GlobalMean().fit(ROWS).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["model.ft"]


def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved.read_bytes()

    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ft.GlobalMean().fit(ROWS).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["model.ft"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.model\.ft' cannot be written: No such file or directory\. Hint"):
        model().save(tmp_path / "nowhere" / "model.ft")
    with pytest.raises(DataError, match="cannot be written"):
        model().save(tmp_path)


# Files that are not ours, or no longer whole -----------------------------------------------------------------------


def test_no_file_at_all(tmp_path):
    message = refused(tmp_path / "absent.ft", "no model file at")
    assert "foretaste train ... -o absent.ft" in message
    refused(tmp_path, "no model file at")


def test_a_file_cut_short_anywhere_is_refused(saved):
    whole = saved.read_bytes()
    for length in {*range(0, len(whole), 97), *range(12), len(whole) - 1}:
        saved.write_bytes(whole[:length])
        refused(saved, "is not a foretaste model, or was cut short")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"user,item,rating\nan,bts,1\n" * 20,
        b"\x00" * 100,
        b"\xff" * 100,
        pickle.dumps({"model": "ALS"}),
        b"PK\x03\x04" + b"\x00" * 60,
        (8).to_bytes(8, "little") + b'{"a": 1}',
    ],
    ids=["empty", "text", "zeros", "ones", "pickle", "zip", "almost"],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    refused(path, "is not a foretaste model, or was cut short .* Hint: save the model again")


def test_a_pickle_is_never_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("exploded").touch, ())

    path = tmp_path / "model.ft"
    path.write_bytes(pickle.dumps(Bomb()))
    refused(path)
    assert not tmp_path.joinpath("exploded").exists()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[1, 2]",
        "{}",
        '{"version": "1"}',
        '{"version": null}',
        '{"version": 1.0}',
        "[" * 100_000,
        '{"version": 1' + "0" * 5000 + "}",
    ],
    ids=lambda text: repr(text)[:20],
)
def test_a_foreign_safetensors_file_is_refused(tmp_path, text):
    path = tmp_path / "weights.safetensors"
    metadata = None if text is None else {"foretaste": text}
    path.write_bytes(safetensors.numpy.save({"weight": np.ones(3, np.float32)}, metadata))
    refused(path, "not a foretaste model")


def test_a_newer_file_says_so(saved):
    rewrite(saved, header=lambda header: header.update(version=2))
    message = refused(saved, r"was written by a newer foretaste \(file version 2, this one reads up to 1\)")
    assert "Hint: upgrade foretaste." in message


def set_header(key, value):
    def change(header):
        place = header
        *folders, last = key.split("/")
        for folder in folders:
            place = place[folder]
        place[last] = value

    return change


ABSURD_HEADERS = [
    ("model", "Unknown"),
    ("model", "Recommender"),
    ("model", "__class__"),
    ("model", None),
    ("model", ["ALS"]),
    ("model", {"ALS": 1}),
    ("parameters", None),
    ("parameters", [1]),
    ("parameters", "n_factors"),
    ("parameters/strange", 1),
    ("learned", None),
    ("learned", []),
    ("learned", {}),
    ("learned/predict", "text"),
    ("learned/fit", 3),
    ("learned/known_", [1, 2, 3]),
    ("learned/user_vocabulary_", "text"),
    ("learned/global_mean_", "three"),
    ("learned/global_mean_", None),
    ("learned/global_mean_", [1]),
    ("learned/global_mean_", float("nan")),
    ("learned/spread_", {}),
    ("learned/reg_", "much"),
    ("learned/scale_", "1 to 5"),
    ("learned/scale_", [1]),
    ("learned/scale_", ["a", "b"]),
    ("learned/scale_", [5, 1]),
    ("learned/scale_", None),
    ("learned/kind_", 7),
    ("learned/kind_", "excel"),
    ("learned/user_factors_", 1.0),
]


@pytest.mark.parametrize(("key", "value"), ABSURD_HEADERS, ids=lambda value: repr(value)[:30])
def test_an_absurd_header_is_refused(saved, key, value):
    rewrite(saved, header=set_header(key, value))
    refused(saved, "does not hold a whole foretaste model")


@pytest.mark.parametrize("key", ["model", "parameters", "learned"])
def test_a_header_without_a_part_is_refused(saved, key):
    rewrite(saved, header=lambda header: header.pop(key))
    refused(saved, "does not hold a whole foretaste model")


@pytest.mark.parametrize("key", ["global_mean_", "spread_", "reg_", "scale_", "kind_"])
def test_a_header_without_a_learned_number_is_refused(saved, key):
    rewrite(saved, header=lambda header: header["learned"].pop(key))
    refused(saved, "does not hold a whole foretaste model")


def test_an_array_that_is_missing_is_refused(saved):
    whole = saved.read_bytes()
    _, arrays = persistence.read(saved)
    for name in arrays:
        rewrite(saved, arrays=lambda arrays, name=name: arrays.pop(name))
        refused(saved, "does not hold a whole foretaste model")
        saved.write_bytes(whole)


ARRAYS = [
    "known_/indptr",
    "known_/indices",
    "known_/values",
    "user_factors_",
    "item_factors_",
    "user_biases_",
    "item_biases_",
]


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda array: array[:-1],
        lambda array: np.concatenate([array, array[:1]]),
        lambda array: array[:0],
        lambda array: array.astype(np.complex64),
        lambda array: array.astype(np.float64) if array.dtype == np.int64 else array.astype(np.int8),
        lambda array: array.astype(np.float16),
        lambda array: array[None],
        lambda array: array.ravel()[0],
        lambda array: np.zeros((*array.shape, 2), array.dtype),
    ],
    ids=["shorter", "longer", "empty", "complex", "other type", "half", "deeper", "scalar", "wider"],
)
def test_an_array_of_the_wrong_length_shape_or_type_is_refused(saved, name, spoil):
    rewrite(saved, arrays=lambda arrays: arrays.update({name: spoil(arrays[name])}))
    refused(saved, "does not hold a whole foretaste model")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("known_/indices", lambda array: array + 1),
        ("known_/indices", lambda array: array - 1),
        ("known_/indptr", lambda array: array + 1),
        ("known_/indptr", lambda array: array[[0, 2, 1, 3]]),
        ("known_/indptr", lambda array: array * 2),
        ("user_factors_", lambda array: array * np.nan),
        ("item_biases_", lambda array: array + np.inf),
        ("user_factors_", lambda array: np.ascontiguousarray(array[:, :1])),
        ("item_factors_", lambda array: np.concatenate([array, array], axis=1)),
    ],
    ids=["too high", "negative", "late start", "backwards", "too long", "nan", "infinite", "narrow", "wide"],
)
def test_an_array_with_impossible_values_is_refused(saved, name, spoil):
    rewrite(saved, arrays=lambda arrays: arrays.update({name: spoil(arrays[name])}))
    refused(saved, "does not hold a whole foretaste model")


def text(value):
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


@pytest.mark.parametrize(
    "ids",
    [
        text("abcd"),
        text(None),
        text({"an": 1}),
        text(["an", "bo"]),
        text(["an", "bo", "bo"]),
        text(["an", "bo", None]),
        text(["an", "bo", 3]),
        text(["an", "bo", ["uuid", "no uuid"]]),
        text(["an", "bo", ["strange", "x"]]),
        text(["an", "bo", ["uuid"]]),
        text(["an", "bo", [["uuid"], "x"]]),
        text(["an", "bo", ["tuple", 3]]),
        text(["an", "bo", ["float", "nan"]]),
        text(["an", "bo", ["int", "five"]]),
        np.frombuffer(b"[" * 100_000, np.uint8),
        np.frombuffer(b'["an", "bo", ' + b'["tuple", [' * 3000 + b"]" * 6000 + b"]", np.uint8),
        np.frombuffer(b"\xff\xfe", np.uint8),
        np.frombuffer(b"no json", np.uint8),
        np.zeros(0, np.uint8),
        np.zeros((2, 2), np.float32),
    ],
    ids=lambda array: array.tobytes()[:30].decode(errors="replace"),
)
def test_absurd_ids_are_refused(saved, ids):
    rewrite(saved, arrays=lambda arrays: arrays.update({"user_vocabulary_/json": ids}))
    refused(saved, "does not hold a whole foretaste model")


@pytest.mark.parametrize(
    "numbers",
    [
        np.array([1.0, 2, np.nan]),
        np.array([[1, 2, 3]]),
        np.array([[1], [2], [3]]),
        np.array([[1.0], [2], [3]]),
        np.array([1, 2, 2]),
        np.array(5),
        np.array([], np.int64),
    ],
    ids=repr,
)
def test_absurd_numbers_for_ids_are_refused(saved, numbers):
    def change(arrays):
        del arrays["user_vocabulary_/json"]
        arrays["user_vocabulary_/int"] = numbers

    rewrite(saved, arrays=change)
    refused(saved, "does not hold a whole foretaste model")


@pytest.mark.parametrize(
    "name",
    [
        "user_vocabulary_",
        "user_vocabulary_/int/deeper",
        "user_factors_/deep",
        "predict",
        "fit/x",
        "",
        "/",
        "__class__",
    ],
)
def test_an_array_of_a_strange_name_is_refused(saved, name):
    rewrite(saved, arrays=lambda arrays: arrays.update({name: np.ones(3)}))
    refused(saved, "does not hold a whole foretaste model")


@pytest.fixture
def saved_with_frame(tmp_path):
    fitted = ft.ContentRegression(item_features=ft.datasets.album_features()).fit(ft.datasets.albums())
    fitted.save(tmp_path / "content.ft")
    return tmp_path / "content.ft"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters/item_features/9/float", np.ones(5)),
        ("parameters/item_features/1/float", np.ones(4)),
        ("parameters/item_features/1/float", np.ones((5, 2))),
        ("parameters/item_features/-1/float", np.ones(5)),
        ("parameters/item_features/one/float", np.ones(5)),
        ("parameters/item_features/names/json", text(["item", "a"])),
        ("parameters/item_features/names/json", text(["item", "item", "a"])),
        ("parameters/item_features/names/json", text([["int", "1"], "a", "b"])),
        ("parameters/item_features", np.ones(5)),
        ("parameters/item_features/1", np.ones(5)),
        ("parameters/strange/1/float", np.ones(5)),
        ("coef_", np.ones((2, 2))),
        ("coef_", np.ones(4)),
        ("intercept_", np.ones(3)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_absurd_frame_or_regression_is_refused(saved_with_frame, name, value):
    rewrite(saved_with_frame, arrays=lambda arrays: arrays.update({name: value}))
    refused(saved_with_frame, "does not hold a whole foretaste model")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_flipped_bytes_are_refused_or_harmless(saved, data):
    broken = saved.parent / "broken.ft"
    content = bytearray(saved.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    broken.write_bytes(content)
    try:
        loaded = ft.load(broken)
    except ModelFileError:
        return
    # what changed was a number or a name; whatever it says now, asking is safe
    users = list(loaded.user_vocabulary_)[:1]
    with np.errstate(all="ignore"):
        loaded.recommend(users, exclude_seen=False)
        loaded.predict([(users[0], item) for item in loaded.item_vocabulary_])
        loaded.explain(users[0], loaded.item_vocabulary_.decode_one(0))
    repr(loaded)
