import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import CountVectorizer

import foretaste as ft
from foretaste import ItemFeatures, UserFeatures
from foretaste.data.features import as_features, features_from_arrays
from foretaste.exceptions import DataError, InvalidParameterError

FILMS = {
    "item": ["a", "b", "c", "d"],
    "country": ["in", "kr", "in", None],
    "genres": [["drama", "war"], ["drama"], [], ["war", "once", "drama"]],
    "year": [1990.0, 2000.0, None, 2010.0],
}


def dense(features):
    table = np.zeros((len(features), len(features.names)))
    rows = features.rows
    table[np.repeat(np.arange(len(features)), np.diff(rows.indptr)), rows.indices] = rows.values
    return table


@pytest.mark.parametrize(
    "frame", [pl.DataFrame(FILMS), pd.DataFrame(FILMS), pa.table(FILMS)], ids=lambda f: type(f).__name__
)
def test_columns_become_categories_tags_and_standardised_numbers(frame):
    features = ItemFeatures.from_frame(frame)
    # what occurs once, "kr" and "once", tells nothing of another
    assert features.names == ("country=in", "genres=drama", "genres=war", "year")
    half, step = 2**-0.5, 10 / np.sqrt(200 / 3)
    expected = [[1, half, half, -step], [0, 1, 0, 0], [1, 0, 0, 0], [0, half, half, step]]
    np.testing.assert_allclose(dense(features), expected, atol=1e-6)
    assert features.missing == {"country": 2, "genres": 1, "year": 1}
    assert repr(features) == "ItemFeatures(4 items, 4 features)"


def test_tags_in_one_text_and_numbers_that_are_names():
    frame = pl.DataFrame({"film": [1, 2, 3], "tags": ["x| y|x", "y||x", None], "zip": [10, 10, 20]})
    features = ItemFeatures.from_frame(frame, ids="film", separators={"tags": "|"}, categories=["zip"])
    assert features.names == ("tags=x", "tags=y", "zip=10")
    np.testing.assert_allclose(dense(features), [[2**-0.5, 2**-0.5, 1]] * 2 + [[0, 0, 0]], atol=1e-6)


def test_texts_by_any_vectoriser_which_stays_as_it_was():
    frame = pl.DataFrame({"user": ["an", "bo"], "about": ["likes drums", "drums, drums"], "age": [20, 20]})
    counter = CountVectorizer()
    features = UserFeatures.from_frame(frame, vectorizers={"about": counter})
    assert not hasattr(counter, "vocabulary_")
    assert features.names == ("about=drums", "about=likes", "age")
    assert dense(features).tolist() == [[1, 1, 0], [2, 0, 0]]
    later = features.transform(pl.DataFrame({"user": ["cy"], "about": ["likes cake"], "age": [30]}))
    assert dense(later).tolist() == [[0, 1, 10]]


def test_later_ids_are_measured_by_what_was_learned_first():
    features = ItemFeatures.from_frame(pl.DataFrame(FILMS))
    later = features.transform(
        pl.DataFrame(
            {"year": [2000, 2010], "genres": [["war", "new"], None], "country": ["fr", "in"], "item": ["e", "f"]}
        )
    )
    assert later.names == features.names
    assert list(later.ids) == ["e", "f"]
    np.testing.assert_allclose(dense(later), [[0, 0, 1, 0], [1, 0, 0, 10 / np.sqrt(200 / 3)]], atol=1e-6)


def test_rows_are_matched_by_id():
    features = ItemFeatures.from_frame(pl.DataFrame(FILMS))
    rows = features.of(ft.Vocabulary(["d", "nothing", "a"]))
    table = dense(features)
    assert np.diff(rows.indptr).tolist() == [3, 0, 4]
    assert rows.values.tolist() == pytest.approx([*table[3][1:], *table[0]])
    assert rows.indices.tolist() == [1, 2, 3, 0, 1, 2, 3]


def nested(arrays):
    return {
        "ids": {name.removeprefix("ids/"): array for name, array in arrays.items() if name.startswith("ids/")},
        **{name: array for name, array in arrays.items() if "/" not in name},
    }


def test_features_go_through_arrays_but_for_vectorisers():
    frame = pl.DataFrame(FILMS | {"plot": ["x y", "y", "z y", ""]})
    features = ItemFeatures.from_frame(frame, vectorizers={"plot": CountVectorizer(analyzer="char")})
    again = features_from_arrays(nested(features.to_arrays()))
    assert type(again) is ItemFeatures
    assert (again.names, list(again.ids), again.missing) == (features.names, list(features.ids), features.missing)
    assert np.array_equal(dense(again), dense(features))
    with pytest.raises(DataError, match="the vectoriser of column 'plot' is not kept in a model file"):
        again.transform(frame)
    plain = ItemFeatures.from_frame(pl.DataFrame(FILMS))
    again = features_from_arrays(nested(plain.to_arrays()))
    assert np.array_equal(dense(again.transform(pl.DataFrame(FILMS))), dense(plain))


def test_arrays_that_do_not_fit_are_refused():
    arrays = nested(ItemFeatures.from_frame(pl.DataFrame(FILMS)).to_arrays())
    for name, wrong in (
        ("indices", arrays["indices"] + 1),
        ("values", arrays["values"] * np.nan),
        ("indptr", arrays["indptr"][:-1]),
    ):
        with pytest.raises(DataError, match="do not fit each other"):
            features_from_arrays(arrays | {name: wrong})
    assert json.loads(arrays["features"].tobytes())["side"] == "item"


def test_mistakes_are_named():
    with pytest.raises(DataError, match="ItemFeatures found 1 item ids described more than once"):
        ItemFeatures.from_frame(pl.DataFrame({"item": ["a", "a"], "x": [1, 2]}))
    with pytest.raises(DataError, match="ItemFeatures found no column besides 'item' in the frame; it has 'item'"):
        ItemFeatures.from_frame(pl.DataFrame({"item": ["a"]}))
    with pytest.raises(DataError, match="UserFeatures found no column 'tags' in the frame; it has 'user', 'age'"):
        UserFeatures.from_frame(pl.DataFrame({"user": [1], "age": [2]}), separators={"tags": "|"})
    with pytest.raises(DataError, match="no column 'item' in the frame"):
        ItemFeatures.from_frame(pl.DataFrame({"film": ["a"], "x": [1]}))
    users = UserFeatures.from_frame(pl.DataFrame({"user": [1], "age": [2]}))
    with pytest.raises(InvalidParameterError, match="must be a frame or ItemFeatures, got UserFeatures"):
        as_features(users, ItemFeatures)


def test_features_know_the_column_they_come_from():
    frame = pl.DataFrame(
        {"item": [1, 2, 3], "kind": ["x", "x", None], "year": [1, 2, 3], "tags": [["p", "q"], ["q"], ["p"]]}
    )
    features = ItemFeatures.from_frame(frame)
    assert features.names == ("kind=x", "year", "tags=p", "tags=q")
    assert features.groups.tolist() == [0, 1, 2, 2]
