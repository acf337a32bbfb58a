import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.model_selection import cross_val_score

import foretaste as ft
import naive
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.metrics import fcp, get_metric, mae, mse, rmse, scorer
from foretaste.metrics._names import _RANKING

number = st.floats(-100, 100)
stars = st.integers(1, 5).map(float)
pairs = st.lists(st.tuples(number, number), min_size=1, max_size=20)
triples = st.lists(st.tuples(stars, st.sampled_from([1.0, 2.5, 2.5, 4.0]), st.sampled_from("abc")), min_size=1)


@given(pairs)
def test_errors_equal_their_twins_and_scikit_learn(pairs):
    ratings, predictions = zip(*pairs, strict=True)
    assert mse(ratings, predictions) == pytest.approx(naive.mse(ratings, predictions))
    assert mae(ratings, predictions) == pytest.approx(naive.mae(ratings, predictions))
    assert rmse(ratings, predictions) == pytest.approx(math.sqrt(naive.mse(ratings, predictions)))
    assert mse(ratings, predictions) == pytest.approx(mean_squared_error(ratings, predictions))
    assert mae(ratings, predictions) == pytest.approx(mean_absolute_error(ratings, predictions))


@given(triples)
def test_fcp_equals_its_twin(triples):
    ratings, predictions, users = zip(*triples, strict=True)
    expected = naive.fcp(ratings, predictions, users)
    if expected is None:
        with pytest.raises(DataError, match="fcp is undefined: no user has two different ratings"):
            fcp(ratings, predictions, users)
    else:
        assert fcp(ratings, predictions, users) == pytest.approx(expected)


def test_fcp_by_hand():
    assert fcp([5, 3, 1], [4.5, 4.0, 4.2], ["an"] * 3) == pytest.approx(2 / 3)
    assert fcp([5, 3, 1], [3, 2, 1], ["an"] * 3) == 1
    assert fcp([5, 3, 1], [1, 2, 3], ["an"] * 3) == 0
    assert fcp([5, 3, 1], [2, 2, 2], ["an"] * 3) == 0.5
    # pairs of two users are never compared, and a user with equal ratings says nothing
    assert fcp([5, 1, 3, 3], [1, 2, 9, 0], ["an", "an", "cy", "cy"]) == 0


def test_fcp_does_not_need_the_rows_of_a_user_together():
    together = fcp([5, 1, 4, 2], [2, 1, 1, 3], ["a", "a", "b", "b"])
    assert fcp([5, 4, 1, 2], [2, 1, 1, 3], ["a", "b", "a", "b"]) == together == 0.5


@pytest.mark.parametrize(
    "metric", [mse, rmse, mae, lambda r, p: fcp(r, p, ["a"] * len(r))], ids=["mse", "rmse", "mae", "fcp"]
)
@pytest.mark.parametrize(
    ("ratings", "predictions", "message"),
    [
        ([], [], "at least one"),
        ([1, 2], [1], r"as many predictions as ratings.*got \(2,\), \(1,\)"),
        ([[1, 2]], [[1, 2]], r"got \(1, 2\), \(1, 2\)"),
        ([1, math.nan], [1, 2], "must be finite numbers. Hint: drop pairs that were predicted as NaN first"),
        ([1, 2], [1, math.inf], "must be finite numbers"),
    ],
    ids=["empty", "lengths", "table", "nan", "inf"],
)
def test_what_cannot_be_measured_says_so(metric, ratings, predictions, message):
    with pytest.raises(DataError, match=message):
        metric(ratings, predictions)


def test_fcp_needs_a_user_for_each_rating():
    with pytest.raises(DataError, match="fcp needs a user for each rating, got 1 users and 2 ratings"):
        fcp([1, 2], [1, 2], ["a"])


def test_metrics_are_found_by_name():
    assert get_metric("rmse").compute([5, 3], [4, 2], ["a", "a"]) == 1
    assert get_metric("fcp").compute([5, 3], [4, 2], ["a", "a"]) == 1
    assert [get_metric(name).greater_is_better for name in ("rmse", "mse", "mae", "fcp")] == [False, False, False, True]
    with pytest.raises(InvalidParameterError) as caught:
        get_metric("r2")
    assert str(caught.value).startswith("'metrics' must be among 'rmse', 'mse', 'mae', 'fcp', and with or without")
    assert str(caught.value).endswith("got 'r2'.")


def test_metrics_of_rankings_take_a_cut_off_behind_their_name():
    names = ["ndcg", "ndcg@10", "recall@20", "auc"]
    assert [get_metric(name).name for name in names] == names  # tables show what was asked for
    assert [get_metric(name).k for name in ("ndcg", "recall_capped@3", "auc")] == [10, 3, None]
    lower = {"gini", "popularity", "popularity_lift", "calibration"}
    assert {name for name in _RANKING if not get_metric(name).greater_is_better} == lower
    for name in ("ndcg@0", "ndcg@", "ndcg@-1", "ndcg@ten", "ndcg@1.5"):
        with pytest.raises(InvalidParameterError, match="the cut-off of 'ndcg' must be a whole number from 1 on"):
            get_metric(name)
    with pytest.raises(InvalidParameterError, match="'rmse' takes no cut-off, got 'rmse@10'"):
        get_metric("rmse@10")
    with pytest.raises(InvalidParameterError, match="'auc' looks at the whole ranking and takes no cut-off"):
        get_metric("auc@10")


@pytest.mark.parametrize("name", ["rmse", "mse", "mae", "fcp"])
def test_a_scorer_is_the_metric_with_greater_for_better(name):
    pairs, ratings = ft.Interactions.from_frame(ft.datasets.albums()).to_xy()
    model = ft.Baseline().fit(pairs, ratings)
    predicted = model.predict(pairs)
    expected = get_metric(name).compute(ratings, predicted, pairs["user"])
    assert scorer(name)(model, pairs, ratings) == pytest.approx(expected if name == "fcp" else -expected)
    rows = list(zip(pairs["user"], pairs["item"], strict=True))
    assert scorer(name)(model, rows, list(ratings)) == scorer(name)(model, pairs, ratings)


def test_a_scorer_works_inside_scikit_learn():
    rows = [(u, i, float((u * i) % 5)) for u in range(9) for i in range(8)]
    rows = [rows[place] for place in np.random.default_rng(0).permutation(72)]
    pairs, ratings = ft.Interactions.from_arrays(*zip(*rows, strict=True)).to_xy()
    own = cross_val_score(ft.GlobalMean(), pairs, ratings, cv=3, scoring=scorer("rmse"))
    theirs = cross_val_score(ft.GlobalMean(), pairs, ratings, cv=3, scoring="neg_root_mean_squared_error")
    np.testing.assert_allclose(own, theirs)
