"""Arrays that do not fit each other are refused before a kernel, which looks at no bounds, goes past their ends."""

import copy

import numpy as np
import pytest

from beside import ours
from foretaste.exceptions import DataError

ROWS = [(user, item, float((user * item) % 5 + 1), None) for user in range(7) for item in range(5)]
ASKED = [(user, item, None) for user, item, _, _ in ROWS]
ALGORITHMS = {
    "SVD": lambda: ours.SVD(n_factors=2, n_epochs=1),
    "SVDpp": lambda: ours.SVDpp(n_factors=2, n_epochs=1),
    "NMF": lambda: ours.NMF(n_factors=2, n_epochs=1),
    "BaselineOnly": lambda: ours.BaselineOnly(verbose=False),
    "descent": lambda: ours.BaselineOnly({"method": "sgd"}, verbose=False),
    "KNNBasic": lambda: ours.KNNBasic(verbose=False),
    "KNNWithMeans": lambda: ours.KNNWithMeans(verbose=False),
    "KNNWithZScore": lambda: ours.KNNWithZScore(verbose=False),
    "KNNBaseline": lambda: ours.KNNBaseline(verbose=False),
    "SlopeOne": ours.SlopeOne,
    "CoClustering": ours.CoClustering,
}


def trainset():
    return ours.Dataset(ours.Reader()).construct_trainset(ROWS)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("wrong", [10**6, -1])
def test_an_inner_id_beyond_the_end_is_refused_by_fit(name, wrong):
    ratings = trainset()
    ratings.ur[0].append((wrong, 3.0))
    ratings.ir[0].append((wrong, 3.0))
    with pytest.raises(DataError, match=f"by user of a Trainset must have inner ids of 0 to 4, got {wrong}"):
        ALGORITHMS[name]().fit(ratings)


def test_counts_that_are_too_small_are_refused():
    ratings = trainset()
    ratings.n_users = 2
    with pytest.raises(DataError, match="by user of a Trainset must be 2 rows, as it says itself"):
        ratings.rows()
    assert len(ratings.ur) == 7
    assert len(ratings.ir) == 5
    with pytest.raises(DataError, match="by item of a Trainset must have inner ids of 0 to 1, got 2"):
        ratings.rows()


@pytest.mark.parametrize(
    ("name", "attribute", "shape"),
    [
        ("SVDpp", "yj", (1, 2)),
        ("SVDpp", "yj", (5, 1)),
        ("KNNBasic", "sim", (7, 1)),
        ("KNNBasic", "sim", (2, 2)),
        ("KNNWithMeans", "means", (1,)),
        ("KNNWithZScore", "means", (1,)),
        ("KNNWithZScore", "sigmas", (1,)),
        ("KNNBaseline", "bx", (1,)),
        ("KNNBaseline", "by", (1,)),
        ("SlopeOne", "dev", (5, 1)),
        ("SlopeOne", "freq", (5, 1)),
    ],
)
def test_an_attribute_of_another_shape_is_refused(name, attribute, shape):
    algo = ALGORITHMS[name]().fit(trainset())
    setattr(algo, attribute, np.ones(shape, getattr(algo, attribute).dtype))
    for ask in (lambda: algo.test(ASKED), lambda: algo.predict(0, 0)):
        with pytest.raises(DataError, match=rf"'{attribute}' of {name} must be of shape"):
            ask()


@pytest.mark.parametrize("name", ["SVDpp", "KNNBasic", "SlopeOne"])
def test_ids_that_came_in_after_fit_are_refused(name):
    algo = ALGORITHMS[name]().fit(trainset())
    more = [(user + 100, item + 100, 3.0, None) for user, item, _, _ in ROWS * 2]
    algo.trainset = ours.Dataset(ours.Reader()).construct_trainset(
        [*more, *((user, 0, 3.0, None) for user in range(7))]
    )
    if name == "SVDpp":
        algo.pu, algo.bu, algo.qi, algo.bi = np.ones((14, 2)), np.ones(14), np.ones((6, 2)), np.ones(6)
    with pytest.raises(DataError, match="inner ids"):
        algo.test([(user, 0, None) for user in range(7)])


@pytest.mark.parametrize("name", ["SVDpp", "KNNBasic", "SlopeOne"])
@pytest.mark.parametrize("part", ["indices", "indptr"])
def test_a_copy_or_a_file_does_not_get_wrong_rows_past_the_door(name, part, tmp_path):
    algo = ALGORITHMS[name]().fit(trainset())
    for rows in algo.trainset.rows():
        getattr(rows, part)[1:] += 10**6
    ours.dump.dump(tmp_path / "dumped", algo=algo)
    for back in (copy.deepcopy(algo), ours.dump.load(tmp_path / "dumped")[1]):
        with pytest.raises(DataError, match="of a Trainset must"):
            back.test(ASKED)


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        ((np.full(7, 3), np.zeros(5, int)), "clusters of users must be of 0 to 2, got 3"),
        ((np.zeros(7, int), np.full(5, -1)), "clusters of items must be of 0 to 2, got -1"),
        ((np.zeros(6, int), np.zeros(5, int)), "clusters of 7 users and 5 items, got 6 and 5"),
    ],
)
def test_clusters_that_there_are_not_have_no_averages(clusters, message):
    algo = ours.CoClustering().fit(trainset())
    with pytest.raises(DataError, match=message):
        algo.compute_averages(*clusters)
