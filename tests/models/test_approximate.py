import sys

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste.exceptions import ConvergenceWarning, InvalidParameterError, MissingExtraError, UnsupportedError

N_USERS, N_ITEMS = 60, 400


def events(seed=0):
    rng = np.random.default_rng(seed)
    pairs = {
        (int(u), int(i)) for u, i in zip(rng.integers(0, N_USERS, 3000), rng.integers(0, N_ITEMS, 3000), strict=True)
    }
    return [(u, i, float(rng.integers(1, 6))) for u, i in sorted(pairs)]


@pytest.fixture(scope="module", params=["FunkSVD", "ImplicitALS", "HybridMF"])
def model(request):
    settings = {"n_factors": 8, "n_epochs": 5, "random_state": 0}
    settings |= {} if request.param == "HybridMF" else {"tol": 0}
    return getattr(ft, request.param)(**settings).fit(events())


@pytest.fixture(scope="module")
def index(model):
    return ft.ApproximateIndex(model, recall=0.9)


def test_the_measured_recall_is_that_of_its_lists_and_no_less_than_asked_for(model, index):
    everybody = np.arange(N_USERS, dtype=np.int32)
    exact, found = (each.recommend_codes(everybody, 10)[0] for each in (model, index))
    shares = [np.isin(row, other).mean() for row, other in zip(exact, found, strict=True)]
    assert index.recall_ == pytest.approx(np.mean(shares))
    assert index.recall_ >= 0.9
    assert f"{len(model.item_vocabulary_)} items, measured recall {index.recall_:.3f}" in repr(index)


def test_scores_are_exact_and_in_order_and_nothing_seen_is_found(model, index):
    users = np.array([-1, 0, 5, 59], np.int32)
    codes, scores = index.recommend_codes(users, 20)
    every = model.score_codes(users)
    assert (codes >= 0).all()
    np.testing.assert_allclose(scores, np.take_along_axis(every, codes, axis=1), rtol=1e-4, atol=1e-5)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert all(len(set(row)) == 20 for row in codes)


def test_one_and_many_give_frames_as_the_model_does(model, index):
    one, exact = index.recommend(3, n=5), model.recommend(3, n=5)
    assert one.columns == exact.columns
    assert one["rank"].to_list() == [1, 2, 3, 4, 5]
    of_many = index.recommend(n=5).filter(pl.col("user") == 3)
    assert of_many["item"].to_list() == one["item"].to_list()
    assert len(index.recommend([], n=5)) == 0


def test_who_has_nearly_everything_gets_the_exact_list():
    rows = [(u, i, 4.0) for u, i, _ in events() if u] + [(0, i, 3.0) for i in range(N_ITEMS) if i % 40]
    model = ft.ALS(4, n_epochs=2, tol=0, random_state=0).fit(rows)
    index = ft.ApproximateIndex(model, recall=0.5)
    assert index.recommend(0, n=20)["item"].to_list() == model.recommend(0, n=20)["item"].to_list()
    assert len(index.recommend(0, n=20)) == N_ITEMS // 40
    assert len(index.recommend(0, n=20, exclude_seen=False)) == 20


def test_new_users_are_served_by_the_same_index(model, index):
    given = [(1, 5), (2, 4)] if model.predicts_ratings else [1, 2]
    folded = model.fold_in(given)
    exact = folded.recommend("new user", n=10)["item"].to_list()
    found = index.with_users_of(folded).recommend("new user", n=10)["item"].to_list()
    assert len(set(exact) & set(found)) >= 8
    assert not {1, 2} & set(found)
    with pytest.raises(InvalidParameterError, match="are not those of the index"):
        index.with_users_of(type(model)(**model.get_params()).fit(events(1)))


def test_another_fit_of_the_model_leaves_the_index_as_it_is():
    model = ft.ALS(4, n_epochs=2, tol=0, random_state=0).fit(events())
    index = ft.ApproximateIndex(model)
    before = index.recommend(n=3)
    model.fit(events(1))
    assert index.recommend(n=3).equals(before)


def test_without_factors_or_usearch_there_is_none(model, monkeypatch):
    with pytest.raises(UnsupportedError, match="EASE has no factors"):
        ft.ApproximateIndex(ft.EASE(reg=1).fit(events()))
    with pytest.raises(UnsupportedError, match="Baseline has no factors"):
        ft.ApproximateIndex(ft.Baseline().fit(events()))
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(MissingExtraError, match=r"usearch is not installed.*pip install 'foretaste\[ann\]'"):
        ft.ApproximateIndex(model)


def test_a_recall_that_is_not_reached_is_told(model, monkeypatch):
    monkeypatch.setitem(ft.ApproximateIndex._widen.__globals__, "_WIDEST", 32)
    monkeypatch.setattr(
        ft.ApproximateIndex, "_nearest", lambda _self, users, n: np.tile(np.arange(n, dtype=np.int32), (users.size, 1))
    )
    with pytest.warns(ConvergenceWarning, match="not 0.95, searched 32 wide"):
        index = ft.ApproximateIndex(model)
    assert index.recall_ < 0.5
